"""Whether the station is up."""

from api.policies import PUBLIC, GuardedRouter
from api.requests import ServicesOf
from api.schemas.health import DetectorOut, HealthOut

router = GuardedRouter("health")


@router.add("GET", "/health", PUBLIC)
def get_health(services: ServicesOf) -> HealthOut:
    """Says that the station is up, and its versions."""
    versions = services.versions
    return HealthOut(
        status="ok",
        version=versions.version,
        schema_version=versions.schema_version,
        detector=DetectorOut(model=versions.detector_model),
        demo=services.demo,
        time=services.clock.now(),
    )
