"""The flat steps of a `.plan` file, alone or inside a pattern, of any version of the format."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.errors import PlanUnreadable
from missions.formats.losses import LossReport
from missions.formats.plan_items import FRAME_MISSION, FRAME_TERRAIN, SimpleItem
from missions.formats.plan_jumps import FileStep
from missions.formats.plan_parts import PlanPart
from missions.formats.plan_values import listing, mapping, number, whole


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern of a file as flat steps, with what it meant; its items are not counted yet."""

    steps: tuple[FileStep, ...]
    part: PlanPart


def read_step(item: Any, where: str) -> FileStep:
    """Returns the flat step of a simple item, of any version of the format.

    Raises:
        PlanUnreadable: if it is none.
    """
    item = mapping(item, "it", where)
    command = whole(item.get("command"), "its command", where)
    frame = whole(item.get("frame", FRAME_MISSION), "its frame", where)
    if "params" in item:
        given = listing(item["params"], "params", where)
    else:
        given = [item.get(f"param{n}") for n in range(1, 5)]
    if "coordinate" in item and len(given) == 4:
        spot = listing(item["coordinate"], "coordinate", where)
        given = [*given, *(spot + [None] * 3)[:3]]
    if len(given) != 7:
        given = []
    values = [math.nan if v is None else number(v, "a parameter", where) for v in given]
    if len(values) != 7:
        raise PlanUnreadable("it has no seven numbers as parameters", where=where)
    p1, p2, p3, p4, lat, lon, z = values
    mode = item.get("AltitudeMode")
    if mode in (3, 4) and math.isnan(z) and item.get("Altitude") is not None:
        # a height above the ground that was never turned into one above the sea
        frame, z = FRAME_TERRAIN, number(item["Altitude"], "Altitude", where)
    jump = item.get("doJumpId", item.get("id", 0))
    number_ = jump if isinstance(jump, int) and not isinstance(jump, bool) else 0
    return FileStep(SimpleItem(command, frame, (p1, p2, p3, p4), lat, lon, z), where, number_)


def waits_for_ever(where: str, report: LossReport) -> None:
    """Notes that the vehicle goes on after a step only when somebody tells it to."""
    message = f"{where}: autoContinue is false: the vehicle waits here for ever"
    report.error("movement_changed", message)


def steps_of(inner: Mapping[str, Any], where: str, report: LossReport) -> tuple[FileStep, ...]:
    """Returns the steps that a pattern holds.

    Raises:
        PlanUnreadable: if one is none.
    """
    items = listing(inner["Items"], "Items", where)
    stops = [
        str(n)
        for n, item in enumerate(items)
        if isinstance(item, Mapping) and item.get("autoContinue") is False
    ]
    if stops:
        more = f" and {len(stops) - 5} more" if len(stops) > 5 else ""
        waits_for_ever(f"{where}, step {', '.join(stops[:5])}{more}", report)
    return tuple(read_step(item, f"{where}, step {n}") for n, item in enumerate(items))
