"""One use case at a time: read an incident, decide by a pure function, save it, tell it."""

from collections.abc import Callable

from api.accounts import Account, Role
from api.requests import check_version
from api.services import Services
from core.errors import NotFound, VersionConflict
from core.ids import IncidentId
from incidents.model import Incident

_TRIES = 4

READERS = (
    Role.REVIEWER,
    Role.DISPATCHER,
    Role.SERVICE,
    Role.AUDITOR,
    Role.PLANNER,
    Role.PILOT,
    Role.DRIVER,
)
"""Who sees incidents; a service those of its agency alone."""


def visible_to(account: Account, readers: tuple[Role, ...] = READERS) -> Callable[[Incident], bool]:
    """Returns the test of which incidents an account may see, by its widest role."""
    held = account.roles & set(readers)
    if held - {Role.SERVICE}:
        return lambda incident: True
    if Role.SERVICE in held and account.agency is not None:
        return lambda incident: incident.agency == account.agency
    return lambda incident: False


def visible_incident(services: Services, account: Account, incident_id: str) -> Incident:
    """Returns an incident that the account may see.

    Raises:
        NotFound: if there is none, or none that it may see.
    """
    incident = services.incidents.get(IncidentId(incident_id))
    if not visible_to(account)(incident):
        raise NotFound(
            "there is no such incident", where=incident_id, cure="name one of /incidents"
        )
    return incident


def change_incident(
    services: Services,
    account: Account,
    incident_id: str,
    offered_version: int | None,
    decide: Callable[[Incident], Incident],
) -> Incident:
    """Returns the incident as it is after a decision, which is saved and told.

    Where somebody else changes the incident at the same instant, it is read and decided anew;
    the decision itself refuses what is no longer possible.

    Args:
        services: where it is kept and told.
        account: who decides; must see the incident.
        incident_id: which.
        offered_version: the version that the person saw, where the request says so; another
            one is refused.
        decide: makes the next version, or raises.

    Raises:
        NotFound: if there is none that the account may see.
        VersionConflict: if it is not the offered version, or others keep changing it.
        Refused: whatever `decide` raises.
    """
    for tries_left in reversed(range(_TRIES)):
        incident = visible_incident(services, account, incident_id)
        if offered_version is not None:
            check_version(offered_version, incident.version, incident_id)
        decided = decide(incident)
        try:
            services.incidents.save(decided, incident.version)
        except VersionConflict:
            if not tries_left:
                raise
            continue
        services.notifier.incident_changed(decided)
        return decided
    raise VersionConflict("others keep changing it", where=incident_id)
