"""What stretches of a mission were meant to be when somebody drew them as a pattern."""

from dataclasses import dataclass
from enum import StrEnum

from geo.positions import Altitude


class PartKind(StrEnum):
    """What a pattern is for."""

    SURVEY = "survey"
    CORRIDOR = "corridor"
    STRUCTURE = "structure"
    LANDING = "landing"


@dataclass(frozen=True, slots=True)
class SurveyCamera:
    """The camera that a pattern was made for, as QGroundControl describes it."""

    name: str
    sensor_width_mm: float | None = None
    sensor_height_mm: float | None = None
    image_width_px: int | None = None
    image_height_px: int | None = None
    focal_length_mm: float | None = None
    landscape: bool = True
    front_overlap_fraction: float | None = None
    side_overlap_fraction: float | None = None
    resolution_m_per_px: float | None = None


@dataclass(frozen=True, slots=True)
class PlanPart:
    """What a stretch of mission items was meant to be."""

    kind: PartKind
    version: int
    first_item: int
    """Of the stretch; numbered as in our own mission."""
    items: int
    """How many items the stretch has."""
    shape: tuple[tuple[float, float], ...]
    """Corners of the area or structure, or the line of a corridor; latitude, longitude."""
    altitude: Altitude | None = None
    spacing_m: float | None = None
    """Between lanes, or between the layers of a structure scan."""
    trigger_m: float | None = None
    """Between pictures."""
    angle_deg: float | None = None
    """Of the lanes, clockwise from north."""
    width_m: float | None = None
    """Of a corridor."""
    turnaround_m: float = 0.0
    hover_and_capture: bool = False
    refly_crosswise: bool = False
    terrain_following: bool = False
    camera: SurveyCamera | None = None
    rebuilt: bool = False
    """Whether the lanes were computed anew, the file holding none."""
