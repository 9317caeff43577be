"""What is wrong with flights under way, on the wire."""

from typing import Any, Self

from api.schemas.base import Answer, Instant
from missions.monitoring.concerns import ConcernCode
from missions.monitoring.monitored import Monitored


class ConcernOut(Answer):
    """One thing that is wrong with a flight."""

    code: ConcernCode
    gravity: str
    """`warn`, `act` or `last`."""
    message: str
    about: str
    """The zone or permission that it is about."""
    place: dict[str, Any] | None
    """A GeoJSON point: where the aircraft was."""
    measured: float | None
    limit: float | None
    unit: str
    since: Instant
    at: Instant
    """When it was last so."""


class MonitoredOut(Answer):
    """A flight under way, how far the monitor has gone, and what is wrong."""

    sortie_id: str
    asset_id: str
    at: Instant
    stage: str
    """`calm`, `warned`, `held`, `returning` or `landing`."""
    manual: bool
    """A pilot flies it by hand: the station orders nothing until the mission goes on."""
    concerns: list[ConcernOut]

    @classmethod
    def from_domain(cls, monitored: Monitored) -> Self:
        """Returns a flight."""
        rows = []
        for one, since in zip(monitored.concerns, monitored.since, strict=True):
            place = None
            if one.place is not None:
                place = {"type": "Point", "coordinates": [one.place[1], one.place[0]]}
            rows.append(
                ConcernOut(
                    code=one.code,
                    gravity=one.gravity.name.lower(),
                    message=one.message,
                    about=one.about,
                    place=place,
                    measured=one.measured,
                    limit=one.limit,
                    unit=one.unit,
                    since=since,
                    at=one.at,
                )
            )
        return cls(
            sortie_id=monitored.sortie_id,
            asset_id=monitored.asset_id,
            at=monitored.at,
            stage=monitored.stage.name.lower(),
            manual=monitored.manual,
            concerns=rows,
        )
