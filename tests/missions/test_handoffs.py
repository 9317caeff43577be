"""The life of a hand-off, the presses of SOS buttons, and when a vehicle moves or is there."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import BadRequest, IllegalMove, NotAllowed, NotSignedIn, QyranError
from core.ids import SortieId
from missions.handoffs.life import (
    accepted,
    bound_for,
    check_crew_asked,
    closed,
    expired,
    failed,
    moving,
    offered,
    on_scene,
    refused,
    tried,
    unanswered,
    withdrawn,
)
from missions.handoffs.model import (
    HANDOFF_MOVES,
    Handoff,
    HandoffState,
    Occasion,
    OfferState,
    OutcomeKind,
)
from missions.handoffs.moving import is_moving, is_there
from missions.handoffs.sos import checked_button, press_of
from missions.model import AssetKind
from telemetry.model import TelemetrySample
from tests.builders import NOW, a_place, after, an_asset
from tests.missions.handing_off import (
    ANNA,
    BOLAT,
    CAR,
    DRONE,
    a_button,
    a_candidate,
    a_handoff,
    an_occasion,
)

S, SORTIE = HandoffState, SortieId("sortie-1")


def asked(asset_id: str = "car-1", at_s: float = 1.0) -> Handoff:
    return offered(a_handoff(), a_candidate(asset_id), after(at_s), 20.0)


def test_from_the_offer_to_the_outcome_with_every_step_in_its_history() -> None:
    handoff = accepted(asked(), CAR, ANNA, after(3))
    handoff = bound_for(handoff, SORTIE, after(3))
    handoff = on_scene(moving(handoff, after(5)), after(60))
    assert handoff.asset_id == CAR
    handoff = closed(handoff, OutcomeKind.HELPED, "taken home", ANNA, after(300))
    assert [event.state for event in handoff.events] == [
        S.OFFERED, S.OFFERED, S.ACCEPTED, S.ACCEPTED, S.MOVING, S.ON_SCENE, S.CLOSED,
    ]  # fmt: skip
    assert (handoff.version, handoff.is_open, handoff.sortie_id) == (7, False, SORTIE)
    assert handoff.at_of(S.MOVING) == after(5)
    assert handoff.offer is not None
    assert (handoff.offer.by, handoff.offer.answered_at) == (ANNA, after(3))


def test_a_refusal_keeps_its_reason_and_the_next_is_asked() -> None:
    with pytest.raises(BadRequest):
        refused(asked(), CAR, ANNA, " ", after(2))
    handoff = refused(asked(), CAR, ANNA, "an accident on my way", after(2))
    assert (handoff.state, handoff.asset_id, tried(handoff)) == (S.OFFERED, None, {CAR})
    handoff = offered(handoff, a_candidate("drone-1"), after(3), 20.0)
    with pytest.raises(IllegalMove, match="drone-1 is asked now"):
        accepted(handoff, CAR, ANNA, after(4))
    went = accepted(handoff, DRONE, BOLAT, after(4))
    assert [(o.asset_id, o.state, o.reason) for o in went.offers] == [
        (CAR, OfferState.REFUSED, "an accident on my way"), (DRONE, OfferState.ACCEPTED, ""),
    ]  # fmt: skip


def test_who_does_not_answer_in_time_is_not_waited_for() -> None:
    handoff = asked(at_s=0.0)
    assert expired(handoff, after(19.9)) == handoff
    with pytest.raises(IllegalMove, match="time to answer is over"):
        accepted(handoff, CAR, ANNA, after(20))
    late = expired(handoff, after(20))
    assert late.offers[-1].state is OfferState.EXPIRED
    assert tried(late) == {CAR}
    assert expired(late, after(21)) == late
    nobody = unanswered(late, after(21), "car-2 is grounded")
    assert (nobody.state, nobody.is_open) == (S.UNANSWERED, True)
    assert offered(nobody, a_candidate("drone-1"), after(30), 20.0).state is S.OFFERED


@pytest.mark.parametrize("went", [False, True])
def test_a_vehicle_that_does_not_get_there_is_followed_by_the_next_best(went: bool) -> None:
    handoff = bound_for(accepted(asked(), CAR, ANNA, after(3)), SORTIE, after(3))
    handoff = moving(handoff, after(4)) if went else handoff
    lost = failed(handoff, "link lost", after(9))
    assert (lost.state, lost.sortie_id, lost.asset_id) == (S.OFFERED, None, None)
    assert tried(lost) == {CAR}


def test_only_the_asset_that_goes_may_speak_of_it() -> None:
    check_crew_asked(asked(), CAR)
    with pytest.raises(NotAllowed):
        check_crew_asked(asked(), DRONE)


Step = Callable[[Handoff, float], Handoff]
STEPS: dict[str, Step] = {
    "offer": lambda h, t: offered(h, a_candidate(f"asset-{int(t)}"), after(t), 20.0),
    "accept": lambda h, t: accepted(h, h.asset_id or CAR, ANNA, after(t)),
    "refuse": lambda h, t: refused(h, h.asset_id or CAR, ANNA, "no way", after(t)),
    "expire": lambda h, t: expired(h, after(t)),
    "nobody": lambda h, t: unanswered(h, after(t), "all are away"),
    "go": lambda h, t: bound_for(h, SORTIE, after(t)),
    "move": lambda h, t: moving(h, after(t)),
    "arrive": lambda h, t: on_scene(h, after(t)),
    "fail": lambda h, t: failed(h, "it broke", after(t)),
    "close": lambda h, t: closed(h, OutcomeKind.NOTHING_FOUND, "", ANNA, after(t)),
    "withdraw": lambda h, t: withdrawn(h, ANNA, "a mistake", after(t)),
}


@given(st.lists(st.tuples(st.sampled_from(sorted(STEPS)), st.integers(1, 30)), max_size=25))
def test_whatever_comes_in_whatever_order_moves_are_legal_and_one_asset_goes(
    steps: list[tuple[str, int]],
) -> None:
    handoff, second = a_handoff(), 0.0
    for name, passed in steps:
        second += passed
        try:
            later = STEPS[name](handoff, second)
        except QyranError:
            continue
        if later is handoff:
            continue
        assert later.version == handoff.version + 1
        if later.state is not handoff.state:
            assert later.state in HANDOFF_MOVES.moves[handoff.state]
        assert later.events[:-1] == handoff.events
        assert handoff.is_open
        going = [o for o in later.offers if o.state in (OfferState.OPEN, OfferState.ACCEPTED)]
        assert len(going) <= 1
        if later.state in (S.ACCEPTED, S.MOVING, S.ON_SCENE):
            assert later.offer is not None
            assert later.offer.state is OfferState.ACCEPTED
        handoff = later


# --- SOS buttons ---


def test_a_button_that_is_unknown_off_or_pressed_with_another_key_lets_nobody_in() -> None:
    button = a_button(key="right")
    assert checked_button(button, "right") == button
    for held, key in [(None, "right"), (button, "wrong"), (button, ""), (None, ""),
                      (replace(button, enabled=False), "right"),
                      (replace(button, key_hash=a_button(key="").key_hash), "")]:  # fmt: skip
        with pytest.raises(NotSignedIn) as caught:
            checked_button(held, key)
        assert "no such button, or not its key" in str(caught.value)


def test_presses_in_a_window_are_one_event_and_so_is_one_while_help_is_coming() -> None:
    button = a_button()
    first = press_of(button, NOW, [], 30.0)
    assert isinstance(first, Occasion)
    assert (first.kind, first.button_id, first.point) == ("sos", "b-1", button.point)
    handoff = a_handoff(first)
    assert press_of(button, after(400), [handoff], 30.0) == handoff
    ended = withdrawn(handoff, ANNA, "a child played", after(2))
    assert press_of(button, after(30), [ended], 30.0) == ended
    again = press_of(button, after(30.5), [ended], 30.0)
    assert isinstance(again, Occasion)
    assert again.event_id != first.event_id
    other = press_of(a_button("b-2"), after(1), [handoff], 30.0)
    assert isinstance(other, Occasion)


# --- moving, and there ---


def a_sample(east: float = 0.0, north: float = 0.0, **changes: float) -> TelemetrySample:
    return TelemetrySample(CAR, NOW, a_place(east, north), **changes)  # type: ignore[arg-type]


def test_a_vehicle_moves_when_it_says_so_itself() -> None:
    assert not is_moving(a_sample())
    assert not is_moving(a_sample(north_m_s=0.2, east_m_s=0.2, down_m_s=0.1))
    assert is_moving(a_sample(north_m_s=0.4, east_m_s=0.4))
    assert is_moving(a_sample(down_m_s=-1.0))


def test_it_is_there_where_it_was_to_stay() -> None:
    handoff = asked()
    drone, car = an_asset(), an_asset(kind=AssetKind.VEHICLE)
    assert is_there(handoff, drone, a_sample(100, 40))
    assert not is_there(handoff, drone, a_sample(100, 20))
    assert is_there(handoff, car, a_sample(100, 20))
    assert not is_there(handoff, car, a_sample(100, -10))
    assert not is_there(handoff, car, TelemetrySample(CAR, NOW))
    beside = offered(a_handoff(), a_candidate(route=()), NOW, 20.0)
    assert is_there(beside, drone, a_sample(100, 50))
    assert an_occasion().point == handoff.occasion.point
