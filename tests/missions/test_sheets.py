"""Parts of legs from which a goal may be the nearest: never too short, nor longer than need be."""

import math

from hypothesis import given
from hypothesis import strategies as st

from missions.proving.sheets import Part, Place, Sheet, nearest_span

coordinates = st.floats(-3_000, 3_000)
places = st.tuples(coordinates, coordinates)
EQUAL_M = 10.0
"""Goals whose distances differ by less may be taken for one another."""


def a_leg(a: Place, b: Place, radius_m: float = 2.0, disc_m: float = 0.0) -> Sheet:
    part = Part.LOITER if disc_m else Part.LEG
    return Sheet(part, 1, a, b, 40.0, 40.0, radius_m, 0.0, 60.0, disc_m=disc_m)


def beside(leg: Sheet, share: float, turn: float, out: float) -> Place:
    x = leg.a[0] + share * (leg.b[0] - leg.a[0])
    y = leg.a[1] + share * (leg.b[1] - leg.a[1])
    away = out * (leg.radius_m + leg.disc_m)
    return x + away * math.cos(turn), y + away * math.sin(turn)


@given(
    places,
    places,
    st.lists(places, min_size=1, max_size=4),
    st.floats(0, 1),
    st.floats(0, 7),
    st.floats(0, 1),
    st.floats(0.1, 30),
    st.sampled_from([0.0, 0.0, 40.0]),
)
def test_wherever_a_goal_may_be_chosen_is_part_of_its_span(
    a: Place,
    b: Place,
    others: list[Place],
    share: float,
    turn: float,
    out: float,
    radius_m: float,
    disc_m: float,
) -> None:
    leg = a_leg(a, a if disc_m else b, radius_m, disc_m)
    goals = ((0.0, 0.0), *others)
    here = beside(leg, share, turn, out)
    nearest = min(math.dist(here, goal) for goal in goals)
    for goal in goals:
        if math.dist(here, goal) <= nearest + EQUAL_M:
            span = nearest_span(leg, goal, goals)
            assert span is not None
            assert span[0] - 1e-9 <= share <= span[1] + 1e-9


@given(places, places, places)
def test_what_is_cut_off_is_all_that_can_be(a: Place, b: Place, rally: Place) -> None:
    leg, goals = a_leg(a, b), ((0.0, 0.0), rally)
    slack = EQUAL_M + 2 * leg.radius_m

    def may(goal: Place, share: float) -> bool:
        here = beside(leg, share, 0.0, 0.0)
        return all(math.dist(here, goal) - math.dist(here, other) <= slack + 0.1 for other in goals)

    for goal in goals:
        span = nearest_span(leg, goal, goals)
        assert span is None or (may(goal, span[0]) and may(goal, span[1]))


def test_a_rally_point_at_the_far_end_of_a_long_leg_is_no_goal_of_its_beginning() -> None:
    leg = a_leg((0.0, 0.0), (2_000.0, 0.0))
    goals = ((0.0, 0.0), (2_000.0, 0.0))
    home, rally = (nearest_span(leg, goal, goals) for goal in goals)
    assert home is not None
    assert rally is not None
    # half way, and 7 m to either side for distances that are equal
    assert (home[0], rally[1]) == (0.0, 1.0)
    assert abs(home[1] * 2_000 - 1_007) < 0.1
    assert abs(rally[0] * 2_000 - 993) < 0.1
