"""What flat steps of a file mean as mission items.

Settings stand before the movement from which on they hold. A command that only turns a camera
or clicks a relay is left out and named; one that moves the vehicle, or of which nothing is
known, is an error-level loss: a plan with such a loss is not proven by looking at the rest.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from core.errors import PlanUnreadable
from geo.positions import Altitude, Datum, Position
from missions.formats.command_names import command_name
from missions.formats.losses import LossReport, moved
from missions.formats.plan_items import (
    CHANGE_SPEED,
    COMMANDS,
    FRAME_MISSION,
    LOITER_TURNS,
    MOUNT_CONTROL,
    ROI_LOCATION,
    ROI_NONE,
    TRIGGER_DISTANCE,
    SimpleItem,
)
from missions.formats.plan_jumps import FileStep, unrolled
from missions.model import ItemKind, MissionItem

_DATUMS = {0: Datum.GEOID, 5: Datum.GEOID, 3: Datum.HOME, 6: Datum.HOME, 10: Datum.GROUND}
_DATUMS[11] = Datum.GROUND
"""Also the frames that differ only in how numbers are packed."""

_LOITERS = {17, 18, 19, 31}
_SPLINE, _VTOL_TAKEOFF, _VTOL_LAND, _DELAY, _FENCE_ENABLE = 82, 84, 85, 93, 207
_KINDS = {number: kind for kind, number in COMMANDS.items()} | {
    17: ItemKind.LOITER,
    18: ItemKind.LOITER,
    31: ItemKind.LOITER,
    _SPLINE: ItemKind.WAYPOINT,
    _VTOL_TAKEOFF: ItemKind.TAKEOFF,
    _VTOL_LAND: ItemKind.LAND,
}
_HARMLESS = frozenset(
    {
        95, 112, 114, 115, 159, 181, 182, 183, 184, 187, 189, 198, 200, 202, 203, 204, 211, 214,
        215, 216, 217, 220, 240, 405, 406, 510, 511, 512, 519, 520, 521, 522, 525, 527, 528, 529,
        530, 531, 532, 533, 534, 600, 1001, 2000, 2001, 2002, 2003, 2004, 2005, 2010, 2500, 2501,
        2502, 2503, 2504, 2505, 2510, 2511, 2800, 3000,
    }
)  # fmt: skip
"""Commands after which the vehicle goes where it would have gone without them."""


def mission_items(steps: Sequence[SimpleItem]) -> tuple[MissionItem, ...]:
    """Returns the mission items that flat steps mean.

    Raises:
        PlanUnreadable: if a step that moves is not understood; the message names it.
    """
    report = LossReport()
    items, _ = read_steps([FileStep(s, f"item {n}") for n, s in enumerate(steps)], report)
    if wrong := moved(report.losses):
        raise PlanUnreadable(
            wrong[0].message, cure="plan it with take-off, waypoints, loiter, return and land"
        )
    return items


def read_steps(
    steps: Sequence[FileStep],
    report: LossReport,
    *,
    home: Position | None = None,
    cruise_m_s: float = 5.0,
) -> tuple[tuple[MissionItem, ...], tuple[int, ...]]:
    """Returns the mission items that the steps of a file mean, and the pattern of each.

    What is lost goes to `report`.

    Args:
        steps: in their order.
        report: where losses are noted.
        home: the place of a take-off that names none.
        cruise_m_s: turns a number of rounds into seconds before a speed is set.
    """
    reader = _Reader(report, home, cruise_m_s)
    for step in unrolled(steps, report):
        reader.take(step)
        reader.parts += [step.part] * (len(reader.items) - len(reader.parts))
    reader.end()
    return tuple(reader.items), tuple(reader.parts)


@dataclass
class _Pending:
    """Settings since the last movement."""

    speed_m_s: float | None = None
    pitch_deg: float | None = None
    look_at: tuple[float, float] | None = None
    trigger_m: float | None = None
    look_ends: str = ""
    """Where a camera was let go of a place."""


@dataclass
class _Reader:
    """Turns steps into items, one by one."""

    report: LossReport
    home: Position | None
    speed_m_s: float
    items: list[MissionItem] = field(default_factory=list)
    parts: list[int] = field(default_factory=list)
    pending: _Pending = field(default_factory=_Pending)
    left_out: dict[tuple[int, str], list[str]] = field(default_factory=dict)
    _first_item: dict[tuple[int, str], int] = field(default_factory=dict)

    def take(self, file_step: FileStep) -> None:
        step, where = file_step.step, file_step.where
        if step.command in _KINDS:
            self._move(step, where)
        elif not self._set(step, where):
            self._other(step, where)

    def end(self) -> None:
        pending = self.pending
        for name, value, neutral in (
            ("speed", pending.speed_m_s, None),
            ("camera pitch", pending.pitch_deg, None),
            ("look-at place", pending.look_at, None),
            ("picture distance", pending.trigger_m, 0.0),
        ):
            if value is not None and value != neutral:
                self.report.warning(
                    "setting_left_out", f"a {name} stands after the last step and is left out"
                )
        for (command, why), places in self.left_out.items():
            shown = ", ".join(places[:5]) + (f" and {len(places) - 5} more" * (len(places) > 5))
            name = command_name(command)
            part_only = why.startswith("its ")
            self.report.warning(
                "setting_left_out" if part_only else "command_left_out",
                f"{shown}: {why} of {name} is left out"
                if part_only
                else f"{shown}: {name} is left out{why and f': {why}'}",
                self._first_item[command, why],
                command,
            )

    def _leave_out(self, step: SimpleItem, where: str, why: str = "") -> None:
        self.left_out.setdefault((step.command, why), []).append(where)
        self._first_item.setdefault((step.command, why), len(self.items))

    def _set(self, step: SimpleItem, where: str) -> bool:
        """Takes a step that sets something; returns whether it was one."""
        p1, p2, p3, _ = step.params
        pending = self.pending
        if step.command == CHANGE_SPEED:
            if p1 in (2, 3):
                self._leave_out(step, where, "a speed of climb or descent")
            elif p2 > 0:
                pending.speed_m_s = p2
            elif p2 != -1:
                self._leave_out(step, where, "it sets no speed")
        elif step.command == MOUNT_CONTROL:
            if step.z_m in (0, 2) or math.isnan(step.z_m):
                self._pitch(step, where, p1, p3)
            else:
                self._leave_out(step, where, f"mount mode {step.z_m:g}")
        elif step.command == 1000:
            self._pitch(step, where, p1, p2)
        elif step.command == 196:
            self._pitch(step, where, step.lat_deg, step.z_m)
        elif step.command in (80, ROI_LOCATION, 201):
            if _placed(step):
                pending.look_at, pending.look_ends = (step.lat_deg, step.lon_deg), ""
            else:
                self._let_go(where)
        elif step.command == ROI_NONE:
            self._let_go(where)
        elif step.command == TRIGGER_DISTANCE:
            if p1 >= 0:
                pending.trigger_m = p1
            else:
                self._leave_out(step, where, "a negative distance")
        else:
            return False
        return True

    def _let_go(self, where: str) -> None:
        self.pending.look_at = None
        self.pending.look_ends = where

    def _pitch(self, step: SimpleItem, where: str, pitch: float, yaw: float) -> None:
        if not math.isfinite(pitch) or abs(pitch) > 180:
            self._leave_out(step, where, "it gives no pitch")
            return
        self.pending.pitch_deg = pitch
        if math.isfinite(yaw) and yaw != 0:
            self._leave_out(step, where, "its yaw")

    def _other(self, step: SimpleItem, where: str) -> None:
        number = len(self.items)
        name = command_name(step.command)
        if step.command == _DELAY:
            self._delay(step, where)
        elif step.command == _FENCE_ENABLE and step.params[0] == 1:
            self._leave_out(step, where, "the fence is on anyway")
        elif step.command == _FENCE_ENABLE:
            self.report.error(
                "fence_changed", f"{where}: {name} switches the fence off", number, step.command
            )
        elif step.command in _HARMLESS:
            self._leave_out(step, where)
        else:
            named = not name.startswith("command")
            self.report.error(
                "movement_not_understood" if named else "command_not_understood",
                f"{where}: {name} is not understood; it may move the vehicle",
                number,
                step.command,
            )

    def _delay(self, step: SimpleItem, where: str) -> None:
        seconds = step.params[0]
        before = self.items[-1] if self.items else None
        if before is None or not seconds > 0 or before.kind is not ItemKind.WAYPOINT:
            self._leave_out(step, where, "a wait that no item can carry")
            return
        self.items[-1] = replace(before, hold_s=before.hold_s + seconds)
        self.report.info(
            "said_otherwise",
            f"{where}: a delay of {seconds:g} s is a hold at the waypoint before it",
            len(self.items) - 1,
            step.command,
        )

    def _move(self, step: SimpleItem, where: str) -> None:
        number = len(self.items)
        kind = _KINDS[step.command]
        position: Position | None = None
        if kind is not ItemKind.RETURN and step.frame != FRAME_MISSION:
            found = self._position(step, kind, where)
            if found is None:
                return
            position = found
        p = self.pending
        if p.look_ends and p.pitch_deg is None:
            self.report.warning(
                "setting_left_out", f"{p.look_ends}: that the camera lets go is left out", number
            )
        self._changed(step, where, number)
        radius_m, hold_s = self._loiter(step, where, number)
        turns = step.params[0] if step.command == LOITER_TURNS else 0.0
        near_m = step.params[1] if step.command == COMMANDS[ItemKind.WAYPOINT] else 0.0
        if p.speed_m_s is not None:
            self.speed_m_s = p.speed_m_s
        self.items.append(
            MissionItem(
                kind,
                position,
                p.speed_m_s,
                hold_s,
                p.pitch_deg,
                radius_m,
                p.look_at,
                p.trigger_m,
                near_m if math.isfinite(near_m) and near_m > 0 else None,
                turns if math.isfinite(turns) and turns > 0 and radius_m is not None else None,
            )
        )
        self.pending = _Pending()

    def _changed(self, step: SimpleItem, where: str, number: int) -> None:
        """Names what of a movement is other than the item says."""
        name = command_name(step.command)
        if step.command == _SPLINE:
            message = f"{where}: {name} is flown as a curve; the item is a straight leg"
            self.report.error("movement_changed", message, number, step.command)
        elif step.command == 17:
            message = f"{where}: {name} never ends; the item goes on at once"
            self.report.error("movement_changed", message, number, step.command)
        elif step.command in (_VTOL_TAKEOFF, _VTOL_LAND):
            message = f"{where}: the transition of {name} to or from wings is left out"
            self.report.warning("setting_left_out", message, number, step.command)
        if step.command in (16, 21, 22) and math.isfinite(step.params[3]) and step.params[3] != 0:
            self._leave_out(step, where, "its heading")
        if step.command == COMMANDS[ItemKind.WAYPOINT]:
            if math.isfinite(step.params[2]) and step.params[2] != 0:
                message = f"{where}: it passes the place {abs(step.params[2]):g} m aside"
                self.report.error("movement_changed", message, number, step.command)

    def _loiter(self, step: SimpleItem, where: str, number: int) -> tuple[float | None, float]:
        """Returns the radius and the seconds of a step that holds."""
        p1, p2, p3, _ = step.params
        hold_s = p1 if math.isfinite(p1) and p1 > 0 else 0.0
        if step.command not in _LOITERS:
            return None, hold_s if step.command in (16, _SPLINE) else 0.0
        signed = p2 if step.command == 31 else p3
        radius_m = abs(signed) if math.isfinite(signed) and signed != 0 else None
        if radius_m is not None and signed < 0:
            message = f"{where}: that it circles anticlockwise is left out"
            self.report.warning("setting_left_out", message, number, step.command)
        if step.command == LOITER_TURNS:
            speed_m_s = max(0.1, self.pending.speed_m_s or self.speed_m_s)
            turns = hold_s
            hold_s = turns * 2 * math.pi * (radius_m or 0.0) / speed_m_s
            if turns > 0 and radius_m is None:
                message = f"{where}: {turns:g} turns of a radius that only the vehicle knows"
                self.report.error("movement_changed", message, number, step.command)
        elif step.command in (17, 31):
            hold_s = 0.0
        return radius_m, hold_s

    def _position(self, step: SimpleItem, kind: ItemKind, where: str) -> Position | None:
        number = len(self.items)
        before = next((i.position for i in reversed(self.items) if i.position is not None), None)
        if step.frame not in _DATUMS:
            message = f"{where}: altitude frame {step.frame} is not known"
            self.report.error("movement_not_understood", message, number, step.command)
            return None
        lat, lon = step.lat_deg, step.lon_deg
        if not _placed(step):
            near = before or self.home
            if near is None:
                message = f"{where}: its place is not given"
                self.report.error("movement_not_understood", message, number, step.command)
                return None
            lat, lon = near.lat_deg, near.lon_deg
            self.report.info(
                "place_taken_over",
                f"{where}: it has no place; it is where the vehicle is",
                number,
                step.command,
            )
        altitude = Altitude(step.z_m, _DATUMS[step.frame]) if math.isfinite(step.z_m) else None
        if altitude is None and kind is ItemKind.LAND:
            altitude = Altitude(0.0, Datum.HOME)
        if altitude is None and before is not None:
            altitude = before.altitude
            self.report.info("place_taken_over", f"{where}: it keeps the height", number)
        if altitude is None:
            message = f"{where}: its height is not given"
            self.report.error("movement_not_understood", message, number, step.command)
            return None
        try:
            return Position(lat, lon, altitude)
        except ValueError as error:
            cure = "give latitude, then longitude, in degrees"
            raise PlanUnreadable(str(error), where=where, cure=cure) from error


def _placed(step: SimpleItem) -> bool:
    """Returns whether a step names a place; 0, 0 means here, as vehicles take it."""
    if not (math.isfinite(step.lat_deg) and math.isfinite(step.lon_deg)):
        return False
    return step.lat_deg != 0 or step.lon_deg != 0
