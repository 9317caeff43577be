"""What a `.plan` file can't say otherwise, under a key of our own that QGroundControl ignores.

    "qyran": {"version": 1, "return_m": 60.0, "return_datum": "home", "permission": "KZ-17"}

A vehicle gets nothing of it: a return height, for one, stays a setting of the autopilot. It is
read back so that a plan that was mended, saved and loaded is the plan that was mended. Where the
file says the same itself (the height of home), the file's word counts.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from core.documents import Json
from core.errors import PlanUnreadable
from core.ids import PatrolId
from core.instants import read_near_instant
from core.names import is_one_line
from geo.positions import Altitude, Datum
from missions.formats.losses import LossReport
from missions.formats.plan_values import number
from missions.model import Plan

KEY = "qyran"
_VERSION = 1
_GREATEST_M = 100_000.0
_HIGHEST_RETURN_M = 10_000.0
"""Above home; no return of ours climbs as high, so more is a slip."""
_LONGEST = 200
_NAMES = (
    "version", "return_m", "return_datum", "home_m", "home_datum", "permission", "patrol_id",
    "expected_s", "departs_at",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class OwnValues:
    """What our own key of a file says; what it leaves open says nothing."""

    return_altitude: Altitude | None = None
    home_altitude: Altitude | None = None
    """Of a home whose height above the sea is not known."""
    permission: str = ""
    patrol_id: PatrolId | None = None
    expected_s: float = 0.0
    departs_at: datetime | None = None
    """The start that the plan was mended for."""


def own_document(plan: Plan, departs_at: datetime | None) -> dict[str, Json]:
    """Returns what of a plan stands under our own key; empty where nothing has to."""
    values: dict[str, Json] = {}
    if plan.return_altitude is not None:
        values |= _height(plan.return_altitude, "return")
    home = plan.home.altitude
    if home.datum is not Datum.GEOID and home != Altitude(0.0, Datum.HOME):
        values |= _height(home, "home")
    if plan.permission:
        values["permission"] = plan.permission
    if plan.patrol_id is not None:
        values["patrol_id"] = plan.patrol_id
    if plan.expected_s:
        values["expected_s"] = float(plan.expected_s)
    if departs_at is not None:
        values["departs_at"] = departs_at.astimezone(UTC).isoformat()
    return {"version": _VERSION, **values} if values else {}


def _height(altitude: Altitude, name: str) -> dict[str, Json]:
    return {f"{name}_m": float(altitude.metres), f"{name}_datum": str(altitude.datum)}


def read_own(document: Any, report: LossReport) -> OwnValues:
    """Returns what our own key of a file says; what of it makes no sense is named and left out.

    Args:
        document: the value of the key, whatever it is; `None` where there is none.
        report: where losses are noted.
    """
    if document is None:
        return OwnValues()
    if not isinstance(document, Mapping):
        _left_out(report, f"it is {document!r:.40}, not an object")
        return OwnValues()
    if document.get("version") != _VERSION:
        _left_out(report, f"its version {document.get('version')!r:.40} is not known")
        return OwnValues()
    for name in document:
        if name not in _NAMES:
            _left_out(report, f"{name!r:.40} is not known")
    reader = _Reader(document, report)
    return OwnValues(
        reader.height("return"),
        reader.height("home"),
        reader.words("permission"),
        PatrolId(patrol) if (patrol := reader.words("patrol_id")) else None,
        reader.seconds("expected_s"),
        reader.instant("departs_at"),
    )


def with_own(plan: Plan, own: OwnValues) -> Plan:
    """Returns a plan with what our own key says; what the file says itself stays."""
    home = plan.home
    if own.home_altitude is not None and home.altitude == Altitude(0.0, Datum.HOME):
        home = replace(home, altitude=own.home_altitude)
    return replace(
        plan,
        home=home,
        return_altitude=own.return_altitude,
        permission=own.permission,
        patrol_id=own.patrol_id,
        expected_s=own.expected_s,
    )


def _left_out(report: LossReport, why: str) -> None:
    report.warning("not_read", f"{KEY}: {why}; it is left out")


@dataclass(frozen=True, slots=True)
class _Reader:
    document: Mapping[str, Any]
    report: LossReport

    def height(self, name: str) -> Altitude | None:
        metres, datum = self.document.get(f"{name}_m"), self.document.get(f"{name}_datum")
        if metres is None and datum is None:
            return None
        try:
            found = number(metres, f"{name}_m")
            known = Datum(str(datum))
        except PlanUnreadable as error:
            _left_out(self.report, error.message)
        except ValueError:
            _left_out(self.report, f"{name}_datum is {datum!r:.40}, which is no datum")
        else:
            above_home = name == "return" and known in (Datum.HOME, Datum.GROUND)
            least, most = (0.0, _HIGHEST_RETURN_M) if above_home else (-_GREATEST_M, _GREATEST_M)
            if least <= found <= most:
                return Altitude(found, known)
            _left_out(self.report, f"{name}_m is {found:g} m, which can't be")
        return None

    def words(self, name: str) -> str:
        value = self.document.get(name)
        if value is None:
            return ""
        if isinstance(value, str) and is_one_line(value) and len(value) <= _LONGEST:
            return value
        _left_out(self.report, f"{name} is {value!r:.40}, not a line of text")
        return ""

    def seconds(self, name: str) -> float:
        value = self.document.get(name)
        if value is None:
            return 0.0
        try:
            found = number(value, name)
        except PlanUnreadable as error:
            _left_out(self.report, error.message)
            return 0.0
        if found >= 0:
            return found
        _left_out(self.report, f"{name} is {found:g} s, which can't be")
        return 0.0

    def instant(self, name: str) -> datetime | None:
        value = self.document.get(name)
        if value is None:
            return None
        try:
            return read_near_instant(value, UTC, name)
        except ValueError:
            _left_out(self.report, f"{name} is {value!r:.40}, which is no time")
            return None
