"""What the live monitor has found wrong with the flights under way."""

from api.policies import SIGNED_IN, GuardedRouter
from api.requests import ServicesOf
from api.schemas.base import ListOf
from api.schemas.concerns import MonitoredOut

router = GuardedRouter("concerns")


@router.add("GET", "/concerns", SIGNED_IN)
async def get_concerns(services: ServicesOf) -> ListOf[MonitoredOut]:
    """Lists every flight that is monitored now, with what is wrong with it; changes nothing."""
    return ListOf(items=[MonitoredOut.from_domain(one) for one in services.concerns()], next=None)
