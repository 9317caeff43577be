"""For which vehicle a `.plan` file was made, and how fast that flies.

Every plan is read as a multicopter's. A file that was made for something else is told as such,
since the same steps are another way under wings, on wheels or under water.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from core.given_json import shown
from missions.formats.losses import LossReport
from missions.formats.plan_values import number

CRUISE_M_S = 5.0
"""Of a file that names no speed; QGroundControl's own default for a multicopter."""
_SPEEDS = ("hoverSpeed", "cruiseSpeed")
_UNKNOWN, _GENERIC = -1, 0
_MULTICOPTERS = frozenset({2, 3, 4, 13, 14, 15, 29, 35})
_FIXED_WING = 1
_VTOL = frozenset(range(19, 26))
_ON_THE_GROUND = MappingProxyType({10: "ground rover", 11: "boat", 12: "submarine"})
_OTHERS = MappingProxyType(
    {
        7: "an airship", 8: "a free balloon", 9: "a rocket", 16: "a flapping wing", 17: "a kite",
        28: "a parafoil",
    }
)  # fmt: skip
_CURE = (
    "open it in QGroundControl with a multicopter as its vehicle, look at every step, save it anew"
)


def note_vehicle(mission: Mapping[str, Any], report: LossReport) -> None:
    """Notes that a mission was made for anything but a multicopter, and what that changes.

    A file that names no vehicle, or the generic one, says nothing about it.
    """
    given = mission.get("vehicleType")
    if given is None:
        return
    kind = given if isinstance(given, int) and not isinstance(given, bool) else _UNKNOWN
    if kind == _GENERIC or kind in _MULTICOPTERS:
        return
    if kind == _FIXED_WING:
        name, differs = "a fixed wing", _winged("it", mission)
    elif kind in _VTOL:
        name, differs = "a VTOL", _winged("between its transitions it", mission)
    elif kind in _ON_THE_GROUND:
        name = f"a {_ON_THE_GROUND[kind]}"
        differs = "it does not fly, so the heights of the steps mean nothing to it"
    elif kind in _OTHERS:
        name, differs = _OTHERS[kind], "it flies in another way"
    else:
        name, differs = "a vehicle of no known kind", "what it would do otherwise is not known"
    report.warning(
        "vehicle_other",
        f"the file was made for {name} (vehicleType {shown(given)}) and is read as a"
        f" multicopter's: {differs}",
        cure=_CURE,
    )


def cruise_m_s(mission: Mapping[str, Any], report: LossReport) -> float:
    """Returns the speed of a mission; where it had to be taken from elsewhere, that is noted.

    Raises:
        PlanUnreadable: if a speed is no number.
    """
    named = {name: number(mission[name], name) for name in _SPEEDS if mission.get(name) is not None}
    none = [name for name in named if not named[name] > 0]
    taken = next((name for name in named if name not in none), None)
    speed_m_s = CRUISE_M_S if taken is None else named[taken]
    cure = "set the hover speed in QGroundControl's plan, in m/s"
    if not named:
        message = f"the file names no speed; {speed_m_s:g} m/s is taken"
        report.warning("speed_assumed", message, cure=cure)
    elif taken is None or _SPEEDS[0] in none:
        wrong = " and ".join(f"{name} is {named[name]:g} m/s" for name in none)
        instead = f"{speed_m_s:g} m/s" if taken is None else f"{taken} of {speed_m_s:g} m/s"
        message = f"{wrong}, which is no speed; {instead} is taken"
        report.warning("speed_assumed", message, cure=cure)
    return speed_m_s


def _winged(who: str, mission: Mapping[str, Any]) -> str:
    """Returns what wings change, with the speed that the file gives for them."""
    speed = mission.get("cruiseSpeed")
    known = isinstance(speed, int | float) and not isinstance(speed, bool) and speed > 0
    fast = f" of {speed:g} m/s" if known else ""
    return (
        f"{who} flies at its cruiseSpeed{fast}, turns on circles beside the lines, and waits at a"
        " step by circling, so corners, holds, times and the room that it needs are others"
    )
