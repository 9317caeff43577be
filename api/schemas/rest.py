"""What an interrupted sortie has left to see, on the wire."""

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import ConfigDict, Field

from api.schemas.base import Answer, Body, LonLat
from api.schemas.missions import PlanOut
from api.services import RestReport
from geo.area_documents import area_to_document


class RestBody(Body):
    """Which other sorties count."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"with_sorties": []}]})

    with_sorties: Annotated[list[str], Field(max_length=50, default_factory=list)]
    """Earlier sorties of the same patrol whose pictures count too."""


class RestOut(Answer):
    """What an interrupted sortie has left to see, and the plan for it."""

    sortie_id: str
    patrol_id: str
    poses: int
    """Poses of the camera that the station has kept; it counts as filming at each."""
    seen_fraction: float
    unseen: dict[str, Any] | None
    """GeoJSON; null for places, or where nothing is left."""
    unseen_m2: float
    unseen_places: list[LonLat]
    done: bool
    """Whether nothing is left."""
    plan: PlanOut | None

    @classmethod
    def from_domain(
        cls, sortie_id: str, patrol_id: str, report: RestReport, zone_versions: Mapping[str, int]
    ) -> Self:
        """Returns a rest; `zone_versions` are those that its plan was made with."""
        rest, made = report.rest, report.report
        return cls(
            sortie_id=sortie_id,
            patrol_id=patrol_id,
            poses=report.poses,
            seen_fraction=rest.seen_fraction,
            unseen=None if rest.unseen is None else area_to_document(rest.unseen),
            unseen_m2=report.unseen_m2,
            unseen_places=[(lon, lat) for lat, lon in rest.places],
            done=rest.plan is None,
            plan=None if made is None else PlanOut.from_domain(patrol_id, made, zone_versions),
        )
