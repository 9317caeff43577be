"""Who may take what, and when."""

from datetime import datetime, timedelta
from itertools import combinations
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.ids import AssetId, UserId
from core.recurrence import Recurrence, Span
from missions.model import AssetKind
from missions.people import (
    SHORTEST_DUTY,
    DutyPolicy,
    Person,
    available,
    crews,
    duty_spans,
    on_duty,
    qualified,
)
from tests.builders import an_asset

ALMATY = ZoneInfo("Asia/Almaty")
DAY = datetime(2026, 11, 23, 0, 0, tzinfo=ALMATY)  # a Monday
BOTH = frozenset(AssetKind)
DRONES, CARS = frozenset({AssetKind.DRONE}), frozenset({AssetKind.VEHICLE})


def at(hour):
    return DAY + timedelta(hours=hour)


def shift(begin, end, rrule="FREQ=DAILY"):
    return Recurrence(at(begin), timedelta(hours=end - begin), "Asia/Almaty", rrule)


def person(name, *hours, kinds=DRONES, **changes):
    return Person(UserId(name), kinds, shifts=tuple(shift(*h) for h in hours), **changes)


def drone(name, **changes):
    return an_asset(asset_id=AssetId(name), **changes)


def car(name, **changes):
    return an_asset(asset_id=AssetId(name), kind=AssetKind.VEHICLE, **changes)


def test_qualified_by_kind_and_by_name():
    aida = person("aida", (8, 16))
    assert qualified(aida, drone("d1"))
    assert not qualified(aida, car("c1"))
    only = person("only", (8, 16), asset_ids=frozenset({AssetId("d2")}))
    assert qualified(only, drone("d2"))
    assert not qualified(only, drone("d1"))


def test_on_duty_at_an_instant():
    people = [person("early", (6, 14)), person("late", (14, 22)), person("never")]
    names = [[p.user_id for p in on_duty(people, at(h))] for h in (5, 6, 14, 21.99, 22)]
    assert names == [[], ["early"], ["late"], ["late"], []]


def test_weekly_shifts_keep_to_their_days():
    weekdays = Person(UserId("w"), DRONES, shifts=(shift(8, 16, "FREQ=WEEKLY;BYDAY=MO,TU"),))
    spans = duty_spans(weekdays, at(0), at(24 * 7))
    assert [span.start for span in spans] == [at(8), at(32)]


def test_shifts_that_touch_or_overlap_are_one_stretch():
    double = person("double", (8, 12), (12, 16), (15, 18), (20, 21))
    assert duty_spans(double, at(10), at(20.5)) == (
        Span(at(10), at(18)),
        Span(at(20), at(20.5)),
    )


def test_one_drone_a_pilot_unless_the_policy_allows_more():
    people = [person("aida", (8, 16))]
    fleet = [drone("d1"), drone("d2"), drone("d3")]
    assert len(crews(people, fleet, at(8), at(16))) == 1
    two = crews(people, fleet, at(8), at(16), DutyPolicy(2))
    assert [(c.asset_id, c.span) for c in two] == [
        (name, Span(at(8), at(16))) for name in ("d1", "d2")
    ]


def test_a_driver_has_one_car_whatever_the_policy():
    people = [person("berik", (8, 16), kinds=BOTH)]
    fleet = [car("c1"), car("c2"), drone("d1")]
    assert len(crews(people, fleet, at(8), at(16), DutyPolicy(3))) == 1


def test_passive_assets_get_nobody():
    people = [person("aida", (8, 16), kinds=BOTH)]
    assert crews(people, [car("ambulance", passive=True)], at(8), at(16)) == ()
    assert available(people, car("ambulance", passive=True), at(9)) == ()


def test_the_next_shift_takes_over():
    people = [person("early", (6, 14)), person("late", (14, 22))]
    found = crews(people, [drone("d1")], at(0), at(24))
    assert [(c.user_id, c.span) for c in found] == [
        ("early", Span(at(6), at(14))),
        ("late", Span(at(14), at(22))),
    ]


def test_who_can_do_both_takes_what_nobody_else_can():
    people = [person("both", (8, 16), kinds=BOTH), person("pilot", (8, 16))]
    found = crews(people, [drone("d1"), car("c1")], at(8), at(16))
    assert {c.asset_id: c.user_id for c in found} == {"d1": "pilot", "c1": "both"}


def test_who_is_available_now():
    people = [person("a", (8, 16), kinds=BOTH), person("b", (8, 16)), person("c", (20, 22))]

    def ask(asset, in_hand=(), most=1):
        free = available(people, asset, at(9), in_hand, DutyPolicy(most))
        return [p.user_id for p in free]

    assert ask(drone("d1")) == ["a", "b"]
    assert ask(car("c1")) == ["a"]
    busy = [(UserId("a"), AssetKind.DRONE)]
    assert ask(drone("d2"), busy) == ["b"]
    assert ask(drone("d2"), busy, 2) == ["b", "a"]
    assert ask(car("c1"), busy) == []
    assert ask(drone("d2"), [(UserId("a"), AssetKind.VEHICLE)], 9) == ["b"]


def test_a_policy_must_allow_a_drone():
    with pytest.raises(ValueError, match="drone"):
        DutyPolicy(0)


HOURS = st.tuples(st.integers(0, 22), st.integers(1, 12)).map(lambda t: (t[0], t[0] + t[1]))
PEOPLE = st.lists(
    st.tuples(st.lists(HOURS, max_size=3), st.sampled_from([DRONES, CARS, BOTH])), max_size=5
).map(lambda ps: [person(f"p{n}", *hours, kinds=k) for n, (hours, k) in enumerate(ps)])
FLEET = st.lists(st.sampled_from([drone, car]), max_size=5).map(
    lambda makers: [make(f"a{n}") for n, make in enumerate(makers)]
)


@settings(max_examples=40, deadline=None)
@given(PEOPLE, FLEET, st.integers(1, 3))
def test_crews_keep_every_rule(people, fleet, most):
    found = crews(people, fleet, at(0), at(24), DutyPolicy(most))
    by_name = {p.user_id: p for p in people}
    kind = {a.asset_id: a.kind for a in fleet}
    for crew in found:
        who = by_name[crew.user_id]
        assert kind[crew.asset_id] in who.kinds
        assert crew.span.end - crew.span.start >= SHORTEST_DUTY
        duty = duty_spans(who, at(0), at(24))
        assert any(d.start <= crew.span.start and crew.span.end <= d.end for d in duty)
    for one, two in combinations(found, 2):
        together = one.span.start < two.span.end and two.span.start < one.span.end
        assert not (together and one.asset_id == two.asset_id)
        if together and one.user_id == two.user_id:
            assert kind[one.asset_id] is kind[two.asset_id] is AssetKind.DRONE
    for crew in found:
        at_once = [
            c
            for c in found
            if c.user_id == crew.user_id and c.span.start <= crew.span.start < c.span.end
        ]
        assert len(at_once) <= most
    assert crews(people, fleet, at(0), at(24), DutyPolicy(most)) == found


@settings(max_examples=20, deadline=None)
@given(PEOPLE, FLEET)
def test_nobody_qualified_is_left_idle_beside_a_free_asset(people, fleet):
    found = crews(people, fleet, at(0), at(24))
    for minute in range(0, 24 * 60, 60):
        now = at(minute / 60) + timedelta(minutes=1)
        holds = [c for c in found if c.span.start <= now < c.span.end]
        idle = [p for p in on_duty(people, now) if p.user_id not in {c.user_id for c in holds}]
        taken = {c.asset_id for c in holds}
        left = [a for a in fleet if a.asset_id not in taken]
        assert not any(qualified(p, a) for p in idle for a in left)
