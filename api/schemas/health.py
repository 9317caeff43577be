"""The state of the station on the wire."""

from typing import Literal

from api.schemas.base import Answer, Instant


class DetectorOut(Answer):
    """The network that looks at pictures."""

    model: str


class HealthOut(Answer):
    """That the station is up, and of which versions."""

    status: Literal["ok"]
    version: str
    schema_version: str
    detector: DetectorOut
    demo: bool
    time: Instant
