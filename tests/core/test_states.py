from enum import StrEnum

import pytest

from core.errors import IllegalMove
from core.states import Transitions
from incidents.model import INCIDENT_MOVES, IncidentState
from missions.model import SORTIE_MOVES, SortieState


class Door(StrEnum):
    OPEN = "open"
    SHUT = "shut"
    GONE = "gone"


MOVES = Transitions("door", {Door.OPEN: frozenset({Door.SHUT}), Door.SHUT: frozenset({Door.GONE})})


def test_a_legal_move_is_made() -> None:
    assert MOVES.move(Door.OPEN, Door.SHUT) is Door.SHUT


def test_an_illegal_move_names_the_legal_ones() -> None:
    with pytest.raises(IllegalMove, match="a door that is open can't become gone") as caught:
        MOVES.move(Door.OPEN, Door.GONE)
    assert caught.value.cure == "legal next states: shut"


def test_nothing_follows_a_final_state() -> None:
    assert MOVES.final(Door.GONE)
    assert not MOVES.final(Door.OPEN)
    with pytest.raises(IllegalMove) as caught:
        MOVES.move(Door.GONE, Door.OPEN)
    assert "final" in caught.value.cure


def test_every_state_of_the_city_can_be_reached() -> None:
    for moves, states, start in (
        (INCIDENT_MOVES, IncidentState, IncidentState.OPEN),
        (SORTIE_MOVES, SortieState, SortieState.PLANNED),
    ):
        seen, todo = {start}, [start]
        while todo:
            for state in moves.moves.get(todo.pop(), frozenset()):  # type: ignore[attr-defined]
                if state not in seen:
                    seen.add(state)
                    todo.append(state)
        assert seen == set(states)
