"""What a file format could not carry, or what of a file was not understood: named, one by one.

A loss is an error where the vehicle would move otherwise than the plan says, or where a limit
or the way home would be another; whatever else is lost is a warning. What was merely said in
other words is an info.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from missions.model import Finding, Severity

LOSS_CODES: Mapping[str, str] = MappingProxyType(
    {
        "movement_not_understood": "A step that moves the vehicle is not understood.",
        "movement_changed": "A step is kept, but the vehicle would move otherwise.",
        "command_not_understood": "A command that is in no list of MAVLink; it may do anything.",
        "command_left_out": "A harmless command (camera, servo, delay) is left out.",
        "setting_left_out": "A setting of a step is left out.",
        "said_otherwise": "The same is said in other words.",
        "place_taken_over": "A step without a place got that of the step before it, or of home.",
        "spacing_impossible": "A pattern without its lanes, and no distance between them to compute"
        " them with.",
        "vehicle_other": "The file was made for another kind of vehicle than a multicopter.",
        "speed_assumed": "The file names no speed above 0: another one was taken.",
        "lanes_rebuilt": "The file holds a pattern without its lanes; they were computed anew.",
        "home_unknown": "The file does not say where home is, or how high.",
        "fence_changed": "A zone of the fence is another one afterwards, or is left out.",
        "height_limit_left_out": "A floor or ceiling of a zone is left out.",
        "window_left_out": "The time windows of a zone are left out: it counts always.",
        "zone_words_left_out": "Name, owner, reason or rules of a zone are left out.",
        "zone_not_carried": "The format carries no zones.",
        "rally_changed": "A rally point is left out, or its height is another.",
        "return_height_left_out": "The height of the return is left out.",
        "permission_left_out": "The number of the permission is left out.",
        "record_left_out": "Patrol, mission name or expected time are left out.",
        "not_read": "A part of the file is not read.",
        "numbers_rounded": "Numbers are rounded by the format.",
    }
)
"""Every code that a loss may have, and what it means."""


_OWN_FINDINGS = frozenset({"vehicle_other", "speed_assumed", "spacing_impossible"})
"""Codes that a check tells as they are; of the others it only tells whether they move it."""
_MOVES = frozenset(
    {
        "movement_not_understood", "movement_changed", "command_not_understood",
        "spacing_impossible",
    }
)  # fmt: skip
"""Losses after which it is not known where the vehicle goes."""
_MILDEST_FIRST = (Severity.INFO, Severity.WARNING, Severity.ERROR)
_REPLAN = "plan it with take-off, waypoints, loiter, return and land"


@dataclass(frozen=True, slots=True)
class Loss:
    """One thing that did not survive the way from or to a file."""

    severity: Severity
    code: str
    message: str
    item: int | None = None
    """The mission item that it is about, numbered from 0 as in our own plan."""
    command: int | None = None
    """MAV_CMD number, where it is about a command."""
    cure: str = ""
    """What to do about it; empty where it is the same for all of its severity."""


def moved(losses: Iterable[Loss]) -> tuple[Loss, ...]:
    """Returns the losses after which the vehicle would do something else."""
    return tuple(loss for loss in losses if loss.severity is Severity.ERROR)


def findings(losses: Iterable[Loss]) -> tuple[Finding, ...]:
    """Returns losses of reading as findings about a plan, so that a check can't pass over them."""
    return tuple(
        Finding(
            loss.severity,
            _finding_code(loss),
            loss.message,
            item=loss.item,
            cure=loss.cure or _REPLAN if loss.severity is Severity.ERROR else loss.cure,
        )
        for loss in losses
    )


def findings_of_other(losses: Iterable[Loss], name: str, where: str) -> tuple[Finding, ...]:
    """Returns losses of another plan as findings about the one that is held against it.

    Where the other would move otherwise than was read, nobody knows where it is: an error. Its
    fence and its rally points limit nobody else, so that they are others is a warning.

    Args:
        losses: of reading the other plan.
        name: of the other, which the findings are about.
        where: how the other was given, for the message.
    """
    found: list[Finding] = []
    for loss in losses:
        unknown = loss.severity is Severity.ERROR and loss.code in _MOVES
        severity = min(loss.severity, Severity.WARNING, key=_MILDEST_FIRST.index)
        found.append(
            Finding(
                Severity.ERROR if unknown else severity,
                "other_not_understood" if unknown else _finding_code(loss, "not_carried"),
                f"{where}: {loss.message}" + ("; where it flies is not known" if unknown else ""),
                cure=loss.cure or (_REPLAN if unknown else ""),
                about=name,
            )
        )
    return tuple(found)


def _finding_code(loss: Loss, error: str = "not_understood") -> str:
    if loss.code in _OWN_FINDINGS:
        return loss.code
    return error if loss.severity is Severity.ERROR else "not_carried"


class LossReport:
    """Collects losses while a file is read or written."""

    def __init__(self) -> None:
        """Starts empty."""
        self._losses: list[Loss] = []

    @property
    def losses(self) -> tuple[Loss, ...]:
        """What was lost, in the order of the file; the same thing is told once."""
        return tuple(dict.fromkeys(self._losses))

    def error(
        self, code: str, message: str, item: int | None = None, command: int | None = None,
        *, cure: str = "",
    ) -> None:  # fmt: skip
        """Notes that the vehicle would move otherwise."""
        self._losses.append(Loss(Severity.ERROR, code, message, item, command, cure))

    def warning(
        self, code: str, message: str, item: int | None = None, command: int | None = None,
        *, cure: str = "",
    ) -> None:  # fmt: skip
        """Notes that something is lost that does not move the vehicle."""
        self._losses.append(Loss(Severity.WARNING, code, message, item, command, cure))

    def info(
        self, code: str, message: str, item: int | None = None, command: int | None = None,
        *, cure: str = "",
    ) -> None:  # fmt: skip
        """Notes that something is said in other words."""
        self._losses.append(Loss(Severity.INFO, code, message, item, command, cure))
