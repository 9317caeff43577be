"""Waypoint files of Mission Planner and old QGroundControl: `QGC WPL`, one step a line.

Version 110 has home as step 0, version 120 has no home. The format carries steps and home
alone: no fence, no rally points.
"""

import math
from collections.abc import Sequence

from core.errors import PlanUnreadable
from core.ids import AssetId, MissionId, content_id
from geo.positions import Altitude, Datum, Position
from missions.formats.losses import Loss, LossReport
from missions.formats.plan_file import LoadedPlan
from missions.formats.plan_items import FRAME_AMSL, FRAME_MISSION, SimpleItem, simple_items
from missions.formats.plan_jumps import FileStep
from missions.formats.plan_losses import item_losses, record_losses
from missions.formats.plan_reading import read_steps
from missions.formats.plan_values import number, place, whole
from missions.model import Mission, Plan

_CRUISE_M_S = 5.0
_COLUMNS = 12
_MOST_LINES = 100_000


def save_waypoints(plan: Plan) -> tuple[str, tuple[Loss, ...]]:
    """Returns the text of a waypoint file and what it does not carry.

    Raises:
        PlanUnreadable: if an altitude counts from a datum that the format does not know.
    """
    report = LossReport()
    item_losses(plan, report)
    record_losses(plan, report)
    home = plan.home
    up = home.altitude.metres if home.altitude.datum is Datum.GEOID else 0.0
    if home.altitude.datum is not Datum.GEOID:
        report.warning("home_unknown", "the height of home above the sea is written as 0 m")
    if plan.fences:
        report.error("zone_not_carried", f"{len(plan.fences)} zones of the fence are left out")
    if plan.rally:
        report.error("rally_changed", f"{len(plan.rally)} rally points are left out")
    report.info("setting_left_out", f"the cruise speed of {plan.cruise_m_s:g} m/s is left out")
    first = SimpleItem(16, FRAME_AMSL, (0, 0, 0, 0), home.lat_deg, home.lon_deg, up)
    steps = [first, *simple_items(plan.mission, terrain_frame=True)]
    lines = ["QGC WPL 110", *(_line(n, step) for n, step in enumerate(steps))]
    return "\n".join(lines) + "\n", report.losses


def _line(n: int, step: SimpleItem) -> str:
    # an open heading is 0 there, which ArduPilot takes as open; the word nan stops Mission Planner
    values = [0.0 if math.isnan(p) else float(p) for p in step.params]
    values += [float(step.lat_deg), float(step.lon_deg), float(step.z_m)]
    words = [str(n), str(int(n == 0)), str(step.frame), str(step.command), *map(repr, values), "1"]
    return "\t".join(words)


def load_waypoints(text: str, asset_id: AssetId | None = None, *, where: str = "") -> LoadedPlan:
    """Returns the plan of a waypoint file, with everything of it that is lost.

    Raises:
        PlanUnreadable: if it is no such file; the message names the line and a cure.
    """
    try:
        return _read(text, asset_id or AssetId("unnamed-drone"))
    except PlanUnreadable as error:
        error.where = ", ".join(part for part in (where, error.where) if part)
        raise


def _read(text: str, asset_id: AssetId) -> LoadedPlan:
    lines = text.removeprefix("\ufeff").splitlines()
    head = lines[0].split() if lines else []
    if head[:2] != ["QGC", "WPL"] or len(head) != 3:
        raise PlanUnreadable("its first line is not QGC WPL 110", cure="give a waypoint file")
    if head[2] not in ("110", "120"):
        raise PlanUnreadable(f"version {head[2]:.20} is not known", cure="save it as version 110")
    if len(lines) > _MOST_LINES:
        raise PlanUnreadable("it has too many lines")
    rows = [(n, line.split()) for n, line in enumerate(lines, 1)][1:]
    steps = [_step(n, words) for n, words in rows if words and not words[0].startswith("#")]
    report = LossReport()
    home = _home(steps, report, stored=head[2] == "110")
    rest = steps[1:] if head[2] == "110" else steps
    items, _ = read_steps(rest, report, home=home, cruise_m_s=_CRUISE_M_S)
    named = MissionId(content_id("mission", str(asset_id), repr(items)))
    plan = Plan(Mission(named, items), asset_id, home, _CRUISE_M_S)
    return LoadedPlan(plan, report.losses)


def _step(n: int, words: Sequence[str]) -> FileStep:
    where = f"line {n}"
    if len(words) != _COLUMNS:
        raise PlanUnreadable(
            f"it has {len(words)} columns, not {_COLUMNS}", where=where, cure="save it again"
        )
    values = [_number(word, where) for word in words]
    if any(math.isnan(value) for value in values[:4]):
        raise PlanUnreadable("its number, frame or command is missing", where=where)
    index, frame, command = (whole(values[k], "a column", where) for k in (0, 2, 3))
    p1, p2, p3, p4, lat, lon, z = values[4:11]
    step = SimpleItem(command, frame, (p1, p2, p3, p4), lat, lon, z)
    return FileStep(step, where, max(0, index))


def _number(word: str, where: str) -> float:
    if word.lower() == "nan":
        return math.nan
    try:
        value = float(word.replace(",", "."))
    except ValueError:
        raise PlanUnreadable(f"{word!r:.40} is no number", where=where) from None
    return number(value, "a column", where)


def _home(steps: Sequence[FileStep], report: LossReport, *, stored: bool) -> Position:
    if not steps:
        raise PlanUnreadable("it holds no steps", cure="plan a take-off and waypoints")
    first = steps[0]
    if stored:
        lat, lon = place([first.step.lat_deg, first.step.lon_deg], "home", first.where)
        up = first.step.z_m if math.isfinite(first.step.z_m) else 0.0
        if (lat, lon) != (0.0, 0.0):
            return Position(lat, lon, Altitude(up, Datum.GEOID))
    seen = [(s.step.lat_deg, s.step.lon_deg) for s in steps if s.step.frame != FRAME_MISSION]
    seen = [spot for spot in seen if all(map(math.isfinite, spot)) and spot != (0.0, 0.0)]
    if not seen:
        raise PlanUnreadable("it does not say where home is", cure="set home before saving")
    report.warning("home_unknown", "the file does not say where home is; it is the first place")
    return Position(*place(list(seen[0]), "home"), Altitude(0.0, Datum.HOME))
