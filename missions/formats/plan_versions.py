"""Patterns of a `.plan` file in a version that nobody here knows: named, never taken as known."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from core.errors import PlanUnreadable
from core.given_json import shown
from missions.formats.losses import LossReport
from missions.formats.plan_parts import PartKind, PlanPart
from missions.formats.plan_steps import Pattern, steps_of

_TRANSECTS = MappingProxyType({"survey": PartKind.SURVEY, "CorridorScan": PartKind.CORRIDOR})
_NAMES = MappingProxyType(
    {
        "survey": "a survey", "CorridorScan": "a corridor scan",
        "StructureScan": "a structure scan", "fwLandingPattern": "a fixed-wing landing pattern",
        "vtolLandingPattern": "a VTOL landing pattern",
    }
)  # fmt: skip
_VERSIONS = MappingProxyType(
    {
        "survey": range(1, 7), "CorridorScan": range(1, 3), "StructureScan": range(1, 4),
        "fwLandingPattern": range(1, 3), "vtolLandingPattern": range(1, 3),
    }
)  # fmt: skip
"""Versions whose words are known."""
_TRANSECT_VERSIONS = (1, 2)
_VERSION_CURE = "save it again with a QGroundControl of today, or plan it with waypoints"


def strange_version(item: Mapping[str, Any], kind: str, version: int) -> str:
    """Returns which part of a pattern has a version that nobody here knows; empty for none."""
    known = _VERSIONS.get(kind)
    if known is None:
        return ""
    if version not in known:
        return f"version {version} of {_NAMES[kind]}"
    inner = item.get("TransectStyleComplexItem")
    if kind not in _TRANSECTS or not isinstance(inner, Mapping):
        return ""
    if (given := inner.get("version", 1)) not in _TRANSECT_VERSIONS:
        return f"version {shown(given)} of the lanes of {_NAMES[kind]}"
    return ""


def pattern_of_strange_version(
    item: Mapping[str, Any], kind: str, version: int, strange: str, where: str, report: LossReport
) -> Pattern | None:
    """Returns the steps that a pattern of an unknown version holds, which may mean anything.

    They are kept so that they can be looked at; the error keeps the plan on the ground.
    """
    inner = item.get("TransectStyleComplexItem")
    pattern = None
    kept = "nothing of it is read"
    if kind in _TRANSECTS and isinstance(inner, Mapping) and inner.get("Items"):
        try:
            meant = PlanPart(_TRANSECTS[kind], version, 0, 0, ())
            pattern = Pattern(steps_of(inner, where, report), meant)
            kept = "the steps that it holds are read as those of a known version"
        except PlanUnreadable as error:
            kept = f"its steps are no steps ({error.where}: {error.message})"
    report.error(
        "movement_not_understood",
        f"{where}: {strange} is not understood; {kept}",
        cure=_VERSION_CURE,
    )
    return pattern
