"""Gathers findings: places become latitude and longitude, the autopilot's own words are added."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from geo.local_frame import LocalFrame
from missions.model import Autopilot, Finding, Plan, Severity
from missions.proving.autopilot_rules import EVENTS
from missions.proving.sheets import Place

_Key = tuple[str, int | None, str, Severity]
_AT_HOME = frozenset(
    {
        "mission_empty", "only_return", "takeoff_missing", "starts_with_landing", "end_missing",
        "mission_too_long", "endurance_exceeded", "endurance_tight", "return_endurance",
        "wind_against", "permission_missing", "permission_other_asset", "permission_not_yet_valid",
        "permission_expired", "permission_revoked", "permission_time_unknown",
        "permission_ends_in_flight", "asset_passive",
    }
)  # fmt: skip
"""Faults of a whole flight: they are told where it begins."""


def placed(findings: Iterable[Finding], plan: Plan) -> tuple[Finding, ...]:
    """Returns findings with a place wherever there is one.

    A finding about a step is told at that step, or at home if it is a return; one about the
    whole flight at home. What is not known, and what is about a file, the weather or the whole
    fence, has no place.
    """
    return tuple(
        one if one.place is not None else replace(one, place=_place_of(one, plan))
        for one in findings
    )


def _place_of(finding: Finding, plan: Plan) -> tuple[float, float] | None:
    items, number = plan.mission.items, finding.item
    home = (plan.home.lat_deg, plan.home.lon_deg)
    if number is not None and 0 <= number < len(items):
        at = items[number].position
        return home if at is None else (at.lat_deg, at.lon_deg)
    return home if finding.code in _AT_HOME else None


class FindingList:
    """The findings about one plan; of the same fault at the same item it keeps the first."""

    def __init__(self, frame: LocalFrame, autopilot: Autopilot, *, brief: bool = False) -> None:
        """Starts empty.

        Args:
            frame: whose metres places are given in.
            autopilot: whose words are added.
            brief: whether places and words don't matter, only which faults there are.
        """
        self.brief = brief
        self._frame, self._events = frame, EVENTS[autopilot]
        self._found: dict[_Key, Finding] = {}
        self._places: dict[_Key, Place] = {}

    def error(
        self, code: str, message: str, place: Place | None = None, item: int | None = None,
        *, about: str = "", cure: str = "",
    ) -> None:  # fmt: skip
        """Adds what keeps the plan on the ground."""
        self.add(Severity.ERROR, code, message, place, item, about=about, cure=cure)

    def warning(
        self, code: str, message: str, place: Place | None = None, item: int | None = None,
        *, about: str = "", cure: str = "",
    ) -> None:  # fmt: skip
        """Adds what the pilot has to weigh."""
        self.add(Severity.WARNING, code, message, place, item, about=about, cure=cure)

    def add(
        self, severity: Severity, code: str, message: str, place: Place | None = None,
        item: int | None = None, *, about: str = "", cure: str = "",
    ) -> None:  # fmt: skip
        """Adds a finding; the place is east and north of home in metres."""
        key = (code, item, about, severity)
        if key in self._found:
            return
        if place is not None:
            self._places[key] = place
        self.take([Finding(severity, code, message, None, item, cure, about=about)])

    def knows(self, code: str, item: int | None, about: str = "") -> bool:
        """Returns whether this fault is among the errors already."""
        return (code, item, about, Severity.ERROR) in self._found

    def take(self, findings: Iterable[Finding]) -> None:
        """Adds findings that are made already."""
        for one in findings:
            event = one.autopilot_event or self._events.get(one.code, "")
            key = (one.code, one.item, one.about, one.severity)
            if key not in self._found:
                self._found[key] = replace(one, autopilot_event=event) if event else one

    def sorted(self) -> tuple[Finding, ...]:
        """Returns all, errors first, then in order of the items."""
        if self._places and not self.brief:
            east, north = np.array(list(self._places.values())).T
            lats, lons = self._frame.to_geo_deg(east, north)  # all at once: it is costly
            for key, lat, lon in zip(self._places, lats.tolist(), lons.tolist(), strict=True):
                self._found[key] = replace(self._found[key], place=(lat, lon))
            self._places.clear()
        weight = list(Severity)
        return tuple(
            sorted(
                self._found.values(),
                key=lambda f: (weight.index(f.severity), -1 if f.item is None else f.item),
            )
        )
