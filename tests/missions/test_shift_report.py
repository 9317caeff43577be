"""The shift report: everything that was due is in exactly one place."""

from dataclasses import replace
from typing import Any

import pytest

from core.ids import AssetId, PatrolId, SortieId
from missions.model import Sortie, SortieEvent, SortieState
from missions.monitoring.concerns import ConcernCode
from missions.monitoring.escalation import ORDERED_FOR
from missions.schedules import Firing, FiringState, StopReason, moved_on, sortie_of
from missions.scheduling.scheduler import stop_reason
from missions.scheduling.shift_report import ShiftReport, report_shift
from tests.builders import NOW, a_patrol, a_plan, a_sortie, after, an_asset
from tests.missions.schedule_builders import a_firing

SHIFT = (NOW, after(hours=12))
PATROLS = [a_patrol(patrol_id=PatrolId("patrol-1"), asset_id=AssetId("drone-1"))]
ASSETS = [an_asset(asset_id=AssetId("drone-1")), an_asset(asset_id=AssetId("van"), passive=True)]


def flown(minutes: float = 10, state: SortieState = SortieState.COMPLETED, **more: Any) -> Sortie:
    started, ended = after(minutes=minutes), after(minutes=minutes + 20)
    values = {
        "sortie_id": SortieId(f"s-{minutes:g}"), "state": state, "started_at": started,
        "ended_at": ended, "events": (SortieEvent(started, state, "words"),), **more,
    }  # fmt: skip
    return a_sortie(**values)


def a_missed(minutes: float, reason: StopReason, text: str = "") -> Firing:
    firing = a_firing(start=after(minutes=minutes))
    return moved_on(firing, FiringState.MISSED, firing.start, reason=reason, text=text)


def a_dispatched(minutes: float) -> Firing:
    firing = a_firing(start=after(minutes=minutes))
    claimed = moved_on(firing, FiringState.CLAIMED, firing.start)
    sortie_id = sortie_of(firing.schedule_id, firing.start)
    return moved_on(claimed, FiringState.DISPATCHED, firing.start, sortie_id=sortie_id)


def report(firings: list[Firing] = [], sorties: list[Sortie] = []) -> ShiftReport:  # noqa: B006
    return report_shift(*SHIFT, firings=firings, sorties=sorties, patrols=PATROLS, assets=ASSETS)


def counts(made: ShiftReport) -> tuple[int, int, int, int]:
    return len(made.flown), len(made.missed), len(made.open), len(made.grounded)


def test_an_empty_shift() -> None:
    assert counts(report()) == (0, 0, 0, 0)


def test_a_flown_sortie_is_joined_with_its_schedule() -> None:
    firing = a_dispatched(10)
    assert firing.sortie_id is not None
    made = report([firing], [flown(13, sortie_id=firing.sortie_id)])
    assert counts(made) == (1, 0, 0, 0)
    (one,) = made.flown
    assert (one.schedule_id, one.late_s, one.reason) == ("schedule-1", 180.0, None)


def test_a_sortie_that_a_person_began_is_flown_too() -> None:
    (one,) = report(sorties=[flown()]).flown
    assert (one.schedule_id, one.late_s) == (None, None)


@pytest.mark.parametrize(
    ("state", "code", "reason", "grounds"),
    [
        (SortieState.COMPLETED, "", None, False),
        (SortieState.ABORTED, "returned_on_order", StopReason.PERSON_ORDERED, False),
        (SortieState.ABORTED, "returned_by_itself", StopReason.VEHICLE_FAILSAFE, True),
        (SortieState.FAILED, "link_lost", StopReason.LINK_LOST, True),
        (SortieState.ABORTED, "energy_low", StopReason.ENERGY_LOW, True),
        (SortieState.ABORTED, "off_route", StopReason.OFF_ROUTE, True),
        (SortieState.ABORTED, "weather_out", StopReason.WEATHER_OUT, False),
        (SortieState.ABORTED, "zone_begins", StopReason.ZONE_BEGINS, False),
        (SortieState.FAILED, "something_new", StopReason.OTHER, True),
    ],
)
def test_ends_have_a_typed_reason_and_some_ground_the_asset(
    state: SortieState, code: str, reason: StopReason | None, grounds: bool
) -> None:
    made = report(sorties=[flown(state=state, reason_code=code)])
    assert made.flown[0].reason is reason
    assert [one.asset_id for one in made.grounded] == (["drone-1"] if grounds else [])
    again = report(sorties=[flown(state=state, reason_code=code), flown(60)])
    assert again.grounded == ()  # it has flown since


def test_whatever_the_monitor_orders_for_has_its_stop_reason() -> None:
    ordered = {code for code in ConcernCode if code in ORDERED_FOR}
    assert len(ordered) == 10
    assert all(stop_reason(code) == code for code in ordered)


def test_missed_ones_are_counted_by_reason() -> None:
    made = report(
        [
            a_missed(0, StopReason.WEATHER_HOLD, "wind 14 m/s, at most 10"),
            a_missed(60, StopReason.WEATHER_HOLD),
            a_missed(120, StopReason.LATE),
            a_missed(-1, StopReason.LATE),  # the shift before
            a_missed(12 * 60, StopReason.LATE),  # the next one
        ]
    )
    assert made.missed_by_reason == {StopReason.WEATHER_HOLD: 2, StopReason.LATE: 1}
    assert made.missed[0].text == "wind 14 m/s, at most 10"
    assert made.missed[0].asset_id == "drone-1"


def test_a_sortie_that_never_began_is_missed_at_its_time() -> None:
    firing = a_dispatched(10)
    assert firing.sortie_id is not None
    denied = flown(
        11, SortieState.FAILED, sortie_id=firing.sortie_id, started_at=None,
        reason_code="arming_denied",
    )  # fmt: skip
    made = report([firing], [denied])
    assert counts(made) == (0, 1, 0, 1)
    assert (made.missed[0].due_at, made.missed[0].reason) == (
        firing.start, StopReason.ARMING_DENIED,
    )  # fmt: skip


def test_what_is_still_open() -> None:
    held = moved_on(
        moved_on(a_firing(), FiringState.CLAIMED, NOW), FiringState.HELD, NOW,
        reason=StopReason.WEATHER_HOLD, text="fog",
    )  # fmt: skip
    underway = flown(600, SortieState.UNDERWAY, ended_at=None)
    before = replace(flown(-30, SortieState.HOLDING, ended_at=None), sortie_id=SortieId("b"))
    made = report([held], [underway, before])
    assert [(one.state, one.reason, one.text) for one in made.open] == [
        ("holding", None, "words"), ("held", StopReason.WEATHER_HOLD, "fog"),
        ("underway", None, "words"),
    ]  # fmt: skip
    assert made.grounded[0].reason is StopReason.WEATHER_HOLD


def test_what_began_after_the_shift_is_not_looked_at() -> None:
    later = flown(13 * 60, SortieState.FAILED, reason_code="link_lost")
    assert counts(report([a_firing(start=after(hours=13))], [later])) == (0, 0, 0, 0)


def test_a_passive_asset_is_never_grounded() -> None:
    plan = a_plan(asset_id=AssetId("van"))
    made = report(sorties=[flown(plan=plan, state=SortieState.FAILED, reason_code="link_lost")])
    assert made.grounded == ()


def test_a_sortie_over_the_change_of_shifts_is_open_in_one_and_flown_in_the_next() -> None:
    began, ended = after(hours=11, minutes=50), after(hours=12, minutes=10)
    events = (
        SortieEvent(began, SortieState.UNDERWAY, "under way"),
        SortieEvent(ended, SortieState.COMPLETED, "landed"),
    )
    sortie = flown(started_at=began, ended_at=ended, events=events)
    first = report(sorties=[sortie])
    assert counts(first) == (0, 0, 1, 0)
    assert (first.open[0].state, first.open[0].text) == ("underway", "under way")
    second = report_shift(
        after(hours=12), after(hours=24), firings=[], sorties=[sortie], patrols=PATROLS,
        assets=ASSETS,
    )  # fmt: skip
    assert counts(second) == (1, 0, 0, 0)
