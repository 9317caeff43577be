"""The steps of a mission file, with its jumps written out as they would be flown."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from missions.formats.command_names import command_name
from missions.formats.losses import LossReport
from missions.formats.plan_items import SimpleItem

_JUMP = 177
_MOST_STEPS = 10_000
"""Of a mission with its jumps; more is none that a vehicle could hold."""


@dataclass(frozen=True, slots=True)
class FileStep:
    """A flat step as it stands in a file. What the file leaves open is NaN."""

    step: SimpleItem
    where: str
    """Its place in the file, such as `item 3`."""
    number: int = 0
    """What jumps call it; 0 where it can't be jumped to."""
    part: int = -1
    """The pattern of the file that it belongs to; -1 is none."""


def unrolled(steps: Sequence[FileStep], report: LossReport) -> Sequence[FileStep]:
    """Returns the steps in the order in which they are flown, each jump carried out."""
    if all(s.step.command != _JUMP for s in steps):
        return steps
    index_of = {s.number: n for n, s in enumerate(steps) if s.number > 0}
    left: dict[int, int] = {}
    for n, s in enumerate(steps):
        if s.step.command == _JUMP:
            target, times = s.step.params[0], s.step.params[1]
            known = math.isfinite(target) and int(target) in index_of
            if not known or not 0 <= times <= _MOST_STEPS:
                message = f"{s.where}: {command_name(_JUMP)} goes on without end or nowhere"
                report.error("movement_not_understood", message, None, _JUMP)
            else:
                left[n] = int(times)
                message = f"{s.where}: the jump is written out, {int(times)} times"
                report.info("said_otherwise", message, None, _JUMP)
    flown: list[FileStep] = []
    here = jumps = 0
    while here < len(steps):
        step = steps[here]
        if step.step.command != _JUMP:
            flown.append(step)
        elif left.get(here, 0) > 0:
            left[here] -= 1
            here = index_of[int(step.step.params[0])]
            jumps += 1
            if len(flown) > _MOST_STEPS or jumps > _MOST_STEPS:
                message = f"{step.where}: with its jumps the mission has too many steps"
                report.error("movement_not_understood", message, None, _JUMP)
                return flown
            continue
        here += 1
    return flown
