"""The smallest change of a plan that cures a finding: tried, proven, then told.

For each kind of fault a few changes are thinkable (`cure_candidates`); each is applied to the
plan and the whole is proven again. One counts as a cure only if the finding is gone and no error
is new. So what is told as a cure is one, and `fix_plan`, which applies cures until none is left,
ends: every step leaves fewer errors.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property

from geo.local_frame import distance_m
from geo.ports import TerrainModel
from geo.positions import Altitude, Datum, Position
from missions.circumstances import Circumstances
from missions.model import (
    Asset,
    Change,
    ChangeKind,
    Finding,
    ItemKind,
    MissionItem,
    Plan,
    Severity,
)
from missions.proving.cure_bench import Memo, at_speed
from missions.proving.cure_candidates import LOCAL, UNCURED, Candidate, candidates
from missions.proving.cure_heights import levelled, run_meant
from missions.proving.flight_path import FlightPath
from missions.proving.prover import Prover

_WORK = 600
"""Steps that may be proven again while cures are sought, so that a bad plan stays quick."""
_FIX_WORK = 40_000
_EACH = 8
"""What any proof costs besides its steps."""
_WHOLE = 30
"""A longer plan is proven again only around a local change, unless others or a permission wait."""
_AROUND = 3
_TIDY = frozenset({"end_missing", "item_after_end", "steps_too_close"})
"""Warnings that `fix_plan` cures too."""

_BRAKES_M_S2, _REACTS_S = 3.0, 0.5
"""How long a leg must be for it to be worth speeding up on."""

_K = ChangeKind
_RUNS = frozenset({_K.LOWER_ITEMS, _K.RAISE_ITEMS, _K.LEVEL_ITEMS})


def apply_change(
    plan: Plan, circumstances: Circumstances, change: Change
) -> tuple[Plan, Circumstances]:
    """Returns the plan and the circumstances after a change.

    `ADD_TAKEOFF` puts a take-off at home first and turns every other one into a waypoint.
    A change that names an item which is not there changes nothing.
    """
    if change.kind is _K.SET_DEPARTURE:
        departs_at = circumstances.departs_at
        if departs_at is None or change.seconds is None:
            return plan, circumstances
        later = departs_at + timedelta(seconds=change.seconds)
        return plan, replace(circumstances, departs_at=later)
    if change.kind is _K.SET_RETURN_HEIGHT and change.metres is not None:
        return replace(plan, return_altitude=Altitude(change.metres, Datum.HOME)), circumstances
    if change.kind is _K.SET_SPEED and change.metres is not None:
        speed = change.metres
        items = tuple(
            item if item.speed_m_s is None else replace(item, speed_m_s=speed)
            for item in plan.mission.items
        )
        # what was expected was reckoned with another speed
        changed = replace(plan, cruise_m_s=speed, expected_s=0.0)
        return replace(changed, mission=replace(plan.mission, items=items)), circumstances
    if change.kind in (_K.MOVE_RALLY, _K.REMOVE_RALLY):
        return _change_rally(plan, change), circumstances
    items = tuple(_change_items(plan, change))
    if items == plan.mission.items:
        return plan, circumstances
    changed = replace(plan, mission=replace(plan.mission, items=items), expected_s=0.0)
    return changed, circumstances


def with_cures(
    prover: Prover,
    plan: Plan,
    circumstances: Circumstances,
    findings: Sequence[Finding],
    work: int = _WORK,
) -> tuple[Finding, ...]:
    """Returns the findings, each with its cure in words and, where there is one, as a change.

    Args:
        prover: of that plan.
        plan: what was checked.
        circumstances: against which.
        findings: about it.
        work: steps that may be proven again; what is left over gets words alone.
    """
    search = _Search(prover, plan, circumstances, findings, work)
    return tuple(search.cured(finding) for finding in findings)


@dataclass(frozen=True, slots=True)
class Fixed:
    """What became of a plan whose cures were applied."""

    plan: Plan
    circumstances: Circumstances
    changes: tuple[Change, ...]
    words: tuple[str, ...]
    """The changes in words, in their order."""
    findings: tuple[Finding, ...]
    """About the plan as it is now."""


def fix_plan(
    plan: Plan,
    asset: Asset,
    circumstances: Circumstances = Circumstances(),  # noqa: B008 - frozen
    *,
    terrain: TerrainModel | None = None,
) -> Fixed:
    """Returns a plan with cures applied one after the other, until none is left.

    Args:
        plan: to be mended.
        asset: who flies it.
        circumstances: as for `check_plan`; a cure may move the departure.
        terrain: as for `check_plan`.
    """
    prover = Prover(plan, asset, terrain)
    changes: list[Change] = []
    words: list[str] = []
    work = _FIX_WORK
    findings = prover.findings(plan, circumstances)
    while work > 0:
        search = _Search(prover, plan, circumstances, findings, work)
        wanted = (f for f in findings if f.severity is Severity.ERROR or f.code in _TIDY)
        cured = next((c for c in map(search.cured, wanted) if c.change is not None), None)
        work = search.work - len(plan.mission.items)
        if cured is None or cured.change is None:
            break
        plan, circumstances = apply_change(plan, circumstances, cured.change)
        changes.append(cured.change)
        words.append(cured.cure)
        findings = prover.findings(plan, circumstances)
    told = with_cures(prover, plan, circumstances, findings)
    return Fixed(plan, circumstances, tuple(changes), tuple(words), told)


class _Search:
    """Looks for cures of the findings about one plan."""

    def __init__(
        self,
        prover: Prover,
        plan: Plan,
        circumstances: Circumstances,
        findings: Sequence[Finding],
        work: int,
    ) -> None:
        self._prover, self._plan, self._circumstances = prover, plan, circumstances
        self._errors = _error_keys(findings)
        self.work = work
        self._tried: dict[Change, Sequence[Finding]] = {}
        self._before: dict[int, Sequence[Finding]] = {}
        """About the steps around an item, by the number of the first of them."""
        self._heights: Memo = {}
        timed = circumstances.departs_at is not None and (
            circumstances.others or circumstances.permissions
        )
        self._whole = bool(timed) or len(plan.mission.items) <= _WHOLE

    def cured(self, finding: Finding) -> Finding:
        """Returns the finding with its cure."""
        for candidate in self._candidates(finding):
            if self.work <= 0:
                break
            if self._cures(finding, candidate.change):
                return replace(finding, cure=candidate.words, change=candidate.change)
        return replace(finding, cure=finding.cure or UNCURED.get(finding.code, ""))

    def _candidates(self, finding: Finding) -> Iterator[Candidate]:
        if self.work > 0:
            yield from candidates(
                self._prover, self._plan, self._circumstances, finding, self._heights
            )

    def _cures(self, finding: Finding, change: Change) -> bool:
        if not self._whole and change.kind in LOCAL and change.item is not None:
            return self._cures_here(finding, change)
        if change not in self._tried:
            plan, circumstances = apply_change(self._plan, self._circumstances, change)
            self.work -= len(plan.mission.items) + _EACH
            self._tried[change] = self._prover.findings(plan, circumstances, brief=True)
        return _better(finding, change, self._errors, self._tried[change])

    def _cures_here(self, finding: Finding, change: Change) -> bool:
        """Proves only the steps around a change, which is all that it can touch but endurance."""
        assert change.item is not None  # asked before
        items = self._plan.mission.items
        first = max(0, change.item - _AROUND)
        part = at_speed(items, first, items[first : first + 2 * _AROUND + 1])
        here = replace(self._plan, mission=replace(self._plan.mission, items=part), expected_s=0.0)
        moved = replace(change, item=change.item - first)
        item = None if finding.item is None else finding.item - first
        start_s = self._path.begins_s(first)
        if first not in self._before:
            self._before[first] = self._prover.findings(
                here, self._circumstances, start_s, brief=True
            )
        before = self._before[first]
        after, _ = apply_change(here, self._circumstances, moved)
        found = self._prover.findings(after, self._circumstances, start_s, brief=True)
        self.work -= 2 * (len(part) + _EACH)
        if not _better(replace(finding, item=item), moved, _error_keys(before), found):
            return False
        longer = _share(found) - _share(before)
        return longer <= 0 or self._spare > longer

    @cached_property
    def _path(self) -> FlightPath:
        return self._prover.path(self._plan, self._circumstances)

    @cached_property
    def _spare(self) -> float:
        endurance = self._prover.endurance(self._plan, self._circumstances)
        return 1.0 - max((endurance.share, *endurance.share_with_return))


def _share(findings: Sequence[Finding]) -> float:
    """Returns a rough measure of what a part costs: whether it is more than may be spent."""
    codes = {"endurance_exceeded", "return_endurance", "endurance_tight"}
    return float(sum(one.code in codes for one in findings))


def _error_keys(findings: Sequence[Finding]) -> set[tuple[str, int | None, str]]:
    return {(f.code, f.item, f.about) for f in findings if f.severity is Severity.ERROR}


def _better(
    finding: Finding,
    change: Change,
    errors: set[tuple[str, int | None, str]],
    after: Sequence[Finding],
) -> bool:
    """Returns whether a finding is gone after a change and no error is new."""
    wanted = (finding.code, _renumbered(finding.item, change), finding.about)
    if any((f.code, f.item, f.about) == wanted for f in after):
        return False
    known = {(code, _renumbered(item, change), about) for code, item, about in errors}
    return _error_keys(after) <= known


def _renumbered(item: int | None, change: Change) -> int | None:
    """Returns the number that an item has after a change."""
    if item is None:
        return None
    if change.kind is _K.INSERT_ITEM and change.item is not None and item >= change.item:
        return item + 1
    if change.kind is _K.REMOVE_ITEM and change.item is not None and item > change.item:
        return item - 1
    if change.kind is _K.ADD_TAKEOFF:
        return item + 1
    return item


def _change_items(plan: Plan, change: Change) -> Iterator[MissionItem]:
    items, number = plan.mission.items, change.item
    if change.kind is _K.SET_LEG_SPEED and number is not None and change.metres is not None:
        yield from _slowed(plan, number, change.metres)
        return
    if change.kind in _RUNS and change.metres is not None:
        yield from levelled(plan, run_meant(plan, change), change.metres or 0.0)
        return
    if change.kind is _K.ADD_TAKEOFF:
        above = Altitude(change.metres or 30.0, Datum.HOME)
        yield MissionItem(ItemKind.TAKEOFF, replace(plan.home, altitude=above))
        for item in items:
            again = item.kind is ItemKind.TAKEOFF
            yield replace(item, kind=ItemKind.WAYPOINT) if again else item
        return
    for index, item in enumerate(items):
        if index != number:
            yield item
        elif change.kind is _K.INSERT_ITEM and change.place is not None:
            yield _between(plan, index, change)
            yield item
        elif change.kind is _K.MOVE_ITEM and change.place is not None:
            yield _moved(item, change.place)
        elif change.kind is _K.SET_HEIGHT and change.metres is not None:
            yield _raised(item, change.metres)
        elif change.kind is not _K.REMOVE_ITEM:
            yield item
    if change.kind is _K.ADD_RETURN:
        yield MissionItem(ItemKind.RETURN)


def _slowed(plan: Plan, number: int, speed_m_s: float) -> Iterator[MissionItem]:
    """Yields the items with another speed on one leg, and the one before from there on.

    Legs behind it that are too short to speed up on and brake again keep the other speed: it
    would be of no use there, and the corners at their ends would be reached too fast.
    """
    speed, slow = plan.cruise_m_s, False
    here = plan.home
    for index, item in enumerate(plan.mission.items):
        speed = item.speed_m_s or speed
        before, here = here, item.position or here
        length_m = distance_m(before.lat_deg, before.lon_deg, here.lat_deg, here.lon_deg)
        short = length_m < speed * _REACTS_S + speed**2 / _BRAKES_M_S2
        if index == number:
            slow = True
            yield replace(item, speed_m_s=speed_m_s)
        elif not slow or item.kind is ItemKind.RETURN:
            yield item
        elif short:
            yield replace(item, speed_m_s=speed_m_s)
        else:
            slow = False
            yield replace(item, speed_m_s=speed)


def _between(plan: Plan, number: int, change: Change) -> MissionItem:
    assert change.place is not None  # asked before
    before = [item.position for item in plan.mission.items[:number] if item.position is not None]
    altitude = before[-1].altitude if before else Altitude(30.0, Datum.HOME)
    if change.metres is not None:
        altitude = Altitude(change.metres, Datum.HOME)
    return MissionItem(ItemKind.WAYPOINT, Position(*change.place, altitude))


def _moved(item: MissionItem, place: tuple[float, float]) -> MissionItem:
    if item.position is None:
        return item
    return replace(item, position=Position(*place, item.position.altitude))


def _raised(item: MissionItem, metres: float) -> MissionItem:
    if item.position is None:
        return item
    return replace(item, position=replace(item.position, altitude=Altitude(metres, Datum.HOME)))


def _change_rally(plan: Plan, change: Change) -> Plan:
    number = change.item
    if number is None or not 0 <= number < len(plan.rally):
        return plan
    kept = list(plan.rally)
    if change.kind is _K.REMOVE_RALLY:
        del kept[number]
    elif change.place is not None:
        position = Position(*change.place, kept[number].position.altitude)
        kept[number] = replace(kept[number], position=position)
    return replace(plan, rally=tuple(kept))
