"""Warn, hold, return, land: in order, once each, never down by itself."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from missions.model import SortieState
from missions.monitoring.concerns import Concern, ConcernCode, Gravity
from missions.monitoring.escalation import Stage, Watch, WayBack, escalate
from missions.monitoring.policy import MonitorPolicy
from tests.builders import NOW, after

POLICY = MonitorPolicy()
S = SortieState
YES, NO = WayBack(True, "40 m home"), WayBack(False, "a wall")


def a_concern(code=ConcernCode.ZONE_BREACH, gravity=Gravity.ACT, about="ban"):
    return Concern(code, gravity, "m", NOW, about)


def play(rows, back=YES, obeys=True, policy=POLICY):
    """Plays (second, concerns) and returns (second, stage, code) of each step."""
    watch, state, log = Watch(), S.UNDERWAY, []
    for second, concerns in rows:
        found = [replace(one, at=after(second)) for one in concerns]
        watch, steps = escalate(watch, found, state, policy, after(second), lambda _: back)
        for step in steps:
            log.append((second, step.stage, step.code))
            if obeys and step.stage is Stage.HELD:
                state = S.HOLDING
            if obeys and step.stage in (Stage.RETURNING, Stage.LANDING):
                state = S.RETURNING
    return log


def lasting(concern, until=60, step=0.5):
    return [(k * step, [concern]) for k in range(int(until / step))]


def stages(log):
    return [stage for _, stage, _ in log]


def test_a_breach_is_warned_of_then_held_then_brought_home():
    log = play(lasting(a_concern()))
    assert stages(log) == [Stage.WARNED, Stage.HELD, Stage.RETURNING]
    assert [second for second, _, _ in log] == [0.0, POLICY.confirm_s, 1.0 + POLICY.hold_most_s]


def test_a_doubtful_breach_is_warned_of_once():
    assert stages(play(lasting(a_concern(gravity=Gravity.WARN)))) == [Stage.WARNED]


def test_what_flickers_orders_nothing():
    rows = [(k * 0.5, [a_concern()] if k % 2 else []) for k in range(60)]
    assert stages(play(rows)) == [Stage.WARNED]


def test_a_low_battery_goes_straight_home():
    log = play(lasting(a_concern(ConcernCode.ENERGY_LOW)))
    assert stages(log) == [Stage.WARNED, Stage.RETURNING]


def test_where_no_return_is_proven_it_is_held_and_asked_again():
    asked = []

    def back(_):
        asked.append(1)
        return NO

    watch, state = Watch(), S.UNDERWAY
    log = []
    for second, concerns in lasting(a_concern(ConcernCode.PERMISSION_ENDED)):
        watch, steps = escalate(watch, concerns, state, POLICY, after(second), back)
        log += steps
        state = S.HOLDING if watch.stage is Stage.HELD else state
    assert stages([(0, s.stage, s.code) for s in log]) == [Stage.WARNED, Stage.HELD]
    assert "a wall; a person decides" in log[-1].text
    assert 2 <= len(asked) <= 60 / POLICY.retry_s + 1


def test_it_lands_only_where_nothing_is_proven_and_nothing_is_left():
    low = a_concern(ConcernCode.ENERGY_LOW)
    last = replace(low, gravity=Gravity.LAST)
    assert Stage.LANDING not in stages(play(lasting(low), NO))
    log = play(lasting(low, 10) + [(10 + k * 0.5, [last]) for k in range(20)], NO)
    assert stages(log)[-1] is Stage.LANDING
    # with a proven return it is tried, and lands when that runs dry
    log = play(lasting(low, 10) + [(10 + k * 0.5, [last]) for k in range(20)], YES)
    assert stages(log) == [Stage.WARNED, Stage.RETURNING, Stage.WARNED, Stage.LANDING]


def test_a_vehicle_that_does_not_obey_is_ordered_again():
    log = play(lasting(a_concern(ConcernCode.ENERGY_LOW)), obeys=False)
    assert 3 <= stages(log).count(Stage.RETURNING) <= 60 / POLICY.retry_s + 1


def test_a_flight_by_hand_is_not_ordered_until_the_mission_goes_on():
    manual = a_concern(ConcernCode.MANUAL_CONTROL, Gravity.WARN, "")
    watch, state = Watch(), S.UNDERWAY
    log = []

    def step(second, concerns, mission):
        nonlocal watch
        watch, steps = escalate(
            watch, concerns, state, POLICY, after(second), lambda _: YES, flies_mission=mission
        )
        log.extend((second, one.stage) for one in steps)

    for k in range(40):
        step(k, [a_concern(), manual], False)
    assert watch.manual
    for k in range(40, 60):  # hands off, but nobody has gone on yet
        step(k, [a_concern()], False)
    assert {stage for _, stage in log} == {Stage.WARNED}
    step(60, [a_concern()], True)
    assert not watch.manual
    step(62, [a_concern()], True)
    assert Stage.HELD in {stage for _, stage in log}


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.lists(
            st.builds(
                a_concern,
                st.sampled_from(sorted(set(ConcernCode) - {ConcernCode.MANUAL_CONTROL})),
                st.sampled_from(sorted(Gravity)),
            ),
            max_size=3,
            unique_by=lambda one: one.key,
        ),
        max_size=60,
    ),
    st.booleans(),
)
def test_orders_only_rise_are_never_without_a_warning_and_landing_is_last(rows, proven):
    log = play([(k * 1.0, row) for k, row in enumerate(rows)], YES if proven else NO)
    orders = [(stage, code) for _, stage, code in log if stage > Stage.WARNED]
    assert [stage for stage, _ in orders] == sorted(stage for stage, _ in orders)
    warned = set()
    for _, stage, code in log:
        if stage is Stage.WARNED:
            warned.add(code)
        else:
            assert code in warned
        if stage is Stage.RETURNING:
            assert proven
        if stage is Stage.LANDING:
            assert code is ConcernCode.ENERGY_LOW
            assert any(c.gravity is Gravity.LAST for row in rows for c in row)
