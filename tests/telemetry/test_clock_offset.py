"""The truth always lies in the interval, and round trips make it small."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry.clock_offset import GREATEST_DRIFT_PPM, WINDOW_S, ClockOffset, ClockWatch

DELAYS = st.floats(0, 0.2)
HEARD = st.lists(st.tuples(st.floats(0, 40), DELAYS, DELAYS, st.booleans()), min_size=1)


def told(offset: ClockOffset | None) -> ClockOffset:
    assert offset is not None
    return offset


@settings(max_examples=60, deadline=None)
@given(st.floats(-1e6, 1e6), st.floats(-1, 1), HEARD, st.floats(0, 60))
def test_the_truth_lies_between(
    begin_s: float, drift: float, heard: list[tuple[float, float, float, bool]], later_s: float
) -> None:
    def truth(at_s: float) -> float:
        return begin_s + drift * GREATEST_DRIFT_PPM * 1e-6 * at_s

    watch, now_s = ClockWatch(), 0.0
    for gap_s, out_s, back_s, round_trip in heard:
        left_s = now_s + gap_s
        asked_s, now_s = left_s, left_s + out_s + back_s
        stamped_s = asked_s + out_s
        vehicle_s = stamped_s - truth(stamped_s)
        if round_trip:
            watch = watch.round_trip(asked_s, vehicle_s, now_s)
        else:
            watch = watch.heard(vehicle_s, now_s)
        for at_s in (now_s, now_s + later_s):
            offset = told(watch.offset(at_s))
            assert offset.least_s <= offset.seconds <= offset.most_s
            slack_s = 2e-5 + 1e-9 * abs(begin_s)  # the bound drifts from its stamp to its arrival
            assert offset.least_s - slack_s <= truth(at_s) <= offset.most_s + slack_s
    assert len(watch.above) <= 64


def test_the_quickest_message_counts() -> None:
    watch = ClockWatch()
    for second, delay_s in enumerate([0.4, 0.02, 0.3, 0.9]):
        watch = watch.heard(second - 100.0, second + delay_s)
    offset = told(watch.offset(4.0))
    assert offset.most_s == pytest.approx(100.02, abs=1e-3)
    assert not offset.measured


def test_a_round_trip_bounds_both_ends() -> None:
    watch = ClockWatch().heard(0.0, 100.2).round_trip(101.0, 1.01, 101.02)
    offset = told(watch.offset(101.02))
    assert (offset.least_s, offset.most_s) == pytest.approx((99.99, 100.01))
    assert offset.sigma_s == pytest.approx(0.02 / 12**0.5)
    assert offset.measured


def test_uncertainty_grows_with_age() -> None:
    watch = ClockWatch().round_trip(0.0, 0.0, 0.01)
    assert told(watch.offset(200.0)).sigma_s > told(watch.offset(0.01)).sigma_s * 3


@pytest.mark.parametrize("step_s", [-3_600.0, 3_600.0])
@pytest.mark.parametrize("round_trips", [False, True])
def test_a_clock_that_is_set_starts_anew(step_s: float, round_trips: bool) -> None:
    watch = ClockWatch()
    for second in range(20):
        vehicle_s = second + (step_s if second >= 10 else 0.0)
        if round_trips:
            watch = watch.round_trip(second - 0.01, vehicle_s, second + 0.01)
        else:
            watch = watch.heard(vehicle_s, second + 0.01)
    offset = told(watch.offset(20.0))
    assert offset.least_s - 1e-3 <= -step_s <= offset.most_s


def test_old_bounds_are_forgotten() -> None:
    watch = ClockWatch().heard(0.0, 0.0).heard(WINDOW_S + 1, WINDOW_S + 1.2)
    assert told(watch.offset(WINDOW_S + 1.2)).most_s == pytest.approx(0.2)


def test_nothing_heard_is_nothing_known() -> None:
    assert ClockWatch().offset(0.0) is None
    with pytest.raises(ValueError, match="before its question"):
        ClockWatch().round_trip(1.0, 0.0, 0.5)
