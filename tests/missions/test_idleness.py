"""How long places stay unseen, held against counting second by second."""

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from core.ids import AssetId
from missions.fleet import PassiveTrack, RevisitTarget, TrackFix
from missions.fleets.idleness import MOST_VISITS, idleness, looks_of, summary, visits
from tests.builders import AT, NOW


def at(seconds):
    return NOW + timedelta(seconds=seconds)


def target(revisit_s=3600.0, last_s=-600.0, **changes):
    last = None if last_s is None else at(last_s)
    return RevisitTarget("square", ((50.9754, 71.3549),), revisit_s, last, **changes)


SHIFT_S = 8 * 3600


def test_without_a_look_it_grows():
    found = idleness(target(), [], at(0), at(SHIFT_S))
    assert found.worst_s == 600 + SHIFT_S
    assert found.mean_s == 600 + SHIFT_S / 2
    assert not found.met
    assert found.looks == 0


def test_a_look_sets_it_back():
    looks = [at(h * 3600) for h in range(1, 8)]
    found = idleness(target(last_s=0.0), looks, at(0), at(SHIFT_S))
    assert (found.worst_s, found.mean_s, found.met) == (3600.0, 1800.0, True)


def test_a_target_that_was_never_seen_is_due_at_once():
    asked = visits(target(last_s=None), [], at(0), at(SHIFT_S))
    assert asked[0].earliest == at(0)
    assert asked[0].latest == at(1200)


def test_the_longer_overdue_the_more_it_is_worth():
    worth = [
        visits(target(last_s=-hours * 3600.0), [], at(0), at(SHIFT_S))[0].worth_s
        for hours in (0.5, 1.5, 2.0, 9.0)
    ]
    assert worth == [3600.0, 5400.0, 7200.0, 10800.0]


def test_what_is_not_due_in_the_shift_asks_for_nothing():
    assert visits(target(revisit_s=90_000.0), [], at(0), at(SHIFT_S)) == ()
    assert len(visits(target(revisit_s=60.0), [], at(0), at(SHIFT_S))) == MOST_VISITS


def test_a_look_before_the_start_postpones_the_first_visit():
    later = visits(target(last_s=-3000.0), [at(-100)], at(0), at(SHIFT_S))
    assert later[0].latest == at(3500)


TIMES = st.lists(st.integers(-2000, 9000), max_size=8)


@settings(max_examples=60, deadline=None)
@given(TIMES, st.integers(-5000, 0), st.integers(100, 9000))
def test_worst_and_mean_are_those_of_counting_seconds(looks, last, length):
    found = idleness(target(last_s=last), [at(s) for s in looks], at(0), at(length))
    seen = sorted([last, *looks])
    # the integral of a line over each second is its value in the middle
    middle = np.arange(length) + 0.5
    newest = np.array([max(s for s in seen if s <= t) for t in middle])
    assert found.mean_s == pytest.approx(np.mean(middle - newest), rel=1e-9)
    ends = [max(t for t in [s, 0] if t <= length) for s in seen]
    gaps = [b - max(s for s in seen if s < b or s == last) for b in [*ends, length] if b > 0]
    assert found.worst_s == pytest.approx(max([*gaps, -max(s for s in seen if s <= 0)]), abs=1e-6)


@settings(max_examples=80, deadline=None)
@given(
    st.integers(600, 20_000),
    st.one_of(st.none(), st.integers(-30_000, 0)),
    st.lists(st.floats(0, 1), min_size=MOST_VISITS, max_size=MOST_VISITS),
)
def test_one_look_anywhere_in_each_window_keeps_the_target(revisit_s, last_s, where):
    one = target(float(revisit_s), last_s)
    asked = visits(one, [], at(0), at(SHIFT_S))
    assume(len(asked) < MOST_VISITS)
    looks = [v.earliest + w * (v.latest - v.earliest) for v, w in zip(asked, where, strict=False)]
    found = idleness(one, looks, at(0), at(SHIFT_S))
    assert found.met
    overdue = last_s is None or -last_s >= revisit_s
    if not overdue:
        assert found.worst_s <= revisit_s + 1e-3
    for early, late in pairwise(asked):
        assert early.latest <= late.latest
        assert early.earliest < early.latest


def test_the_summary_weighs_the_targets():
    one, two = target(), replace(target(weight=3.0), target_id="street")
    parts = [
        idleness(one, [], at(0), at(3600)),
        idleness(two, [at(1800)], at(0), at(3600)),
    ]
    whole = summary([one, two], parts)
    assert whole is not None
    assert whole.worst_s == 4200.0
    assert whole.mean_s == pytest.approx((parts[0].mean_s + 3 * parts[1].mean_s) / 4)
    assert (whole.met, whole.targets) == (1, 2)
    assert summary([], []) is None


def track(*fixes, sees_m=30.0):
    places = [(s, *AT.to_geo1_deg(east, north)) for s, east, north in fixes]
    return PassiveTrack(
        AssetId("ambulance"), tuple(TrackFix(at(s), lat, lon) for s, lat, lon in places), sees_m
    )


def spot(east, north):
    return AT.to_geo1_deg(east, north)


def test_what_a_passing_car_saw_counts_where_it_was_nearest():
    passing = track((0, -500, 20), (100, 500, 20))
    (look,) = looks_of([spot(0, 0)], [passing])
    assert (look - at(50)).total_seconds() == pytest.approx(0.0, abs=0.01)
    assert looks_of([spot(0, 100)], [passing]) == ()
    assert looks_of([spot(0, 0)], [replace(passing, sees_m=0.0)]) == ()
    assert looks_of([spot(0, 0)], [replace(passing, fixes=())]) == ()


def test_two_passes_are_two_looks():
    to_and_fro = track((0, -500, 0), (100, 500, 0), (200, -500, 0))
    assert len(looks_of([spot(0, 0)], [to_and_fro])) == 2


def test_a_street_is_seen_once_all_of_it_has_been():
    street = [spot(0, 0), spot(200, 0)]
    half = track((0, -100, 0), (10, 50, 0), (20, 50, 500))
    assert looks_of(street, [half]) == ()
    (look,) = looks_of(street, [track((0, -100, 0), (40, 300, 0))])
    assert (look - at(10)).total_seconds() == pytest.approx(0.0, abs=0.01)


def test_a_standing_car_sees_what_is_beside_it():
    assert looks_of([spot(0, 10)], [track((7, 0, 0))]) == (at(7),)
    assert len(looks_of([spot(0, 10)], [track((7, 0, 0), (70, 0, 0))])) == 1
