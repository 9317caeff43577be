"""JSON that somebody else wrote, and the numbers in it: none that no machine or thing can have.

Python's own reader lets `1e999` through as infinity and an integer of four hundred digits as
one that no float holds, and fails on one of five thousand; each would fail somewhere later,
where nobody can say which value of the document it was.
"""

import json
import math
from collections.abc import Iterator
from typing import Any

GREATEST = 1e12
"""No length, speed or time is larger; a larger number is a mistake."""
DEEPEST = 100
"""No document that means something is nested deeper."""
_DIGITS_MOST = 300
"""Of an integer that a float holds for sure."""


class AbsurdValue(ValueError):
    """A value of a document that nothing can have; `place` names it, such as `assets.0.lat`."""

    def __init__(self, message: str, place: str = "") -> None:
        """Keeps both parts of the message."""
        super().__init__(f"{place}: {message}" if place else message)
        self.message = message
        self.place = place


def parse_json(text: str) -> Any:
    """Returns the value of a JSON text, in which a number too large for a float is infinite.

    Raises:
        ValueError: if it is no JSON, or nested too deep.
    """
    document = _loaded(text)
    for _ in _leaves(document):  # refuses what is nested too deep
        pass
    return document


def read_json_text(text: str) -> Any:
    """Returns the value of a JSON text whose numbers can all be.

    Raises:
        AbsurdValue: if it holds NaN, infinity or a number too large for a float; named by place.
        ValueError: if it is no JSON, or nested too deep.
    """
    document = _loaded(text)
    refuse_absurd(document)
    return document


def refuse_absurd(document: Any) -> None:
    """Refuses a document with a number that is none, or larger than any float.

    Raises:
        AbsurdValue: if there is one, or if it is nested too deep.
    """
    for path, value in _leaves(document):
        if not _is_held(value):
            raise AbsurdValue("is NaN, infinite or a huge number, which can't be", _named(path))


def number(value: object, least: float = -GREATEST, most: float = GREATEST) -> float:
    """Returns a number of a document, within bounds.

    Raises:
        ValueError: if it is none, or beyond them.
    """
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not least <= value <= most:  # type: ignore[operator]
        raise ValueError(f"{shown(value)} is no number from {least:g} to {most:g}")
    return float(value)  # type: ignore[arg-type]


def shown(value: object) -> str:
    """Returns a value as a message may show it: short, whatever it is."""
    if isinstance(value, int) and abs(value) > GREATEST:  # repr of a huge one is refused
        return "a huge number"
    return f"{value!r:.40}"


def _loaded(text: str) -> Any:
    try:
        return json.loads(text.removeprefix("\ufeff"), parse_int=_whole)
    except RecursionError:
        raise _too_deep("") from None


def _whole(digits: str) -> int | float:
    if len(digits) <= _DIGITS_MOST:
        return int(digits)
    return -math.inf if digits.startswith("-") else math.inf


def _is_held(value: object) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    # JSON that a framework has read comes here with integers of any length
    return not isinstance(value, int) or value.bit_length() < 996


_Path = tuple[Any, ...]


def _leaves(document: Any) -> Iterator[tuple[_Path, Any]]:
    """Yields what is neither list nor object, and the way there, without recursion."""
    waiting: list[tuple[_Path, Any]] = [((), document)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, dict):
            steps: Any = value.items()
        elif isinstance(value, list | tuple):
            steps = enumerate(value)
        else:
            yield path, value
            continue
        if len(path) >= DEEPEST:
            raise _too_deep(_named(path[:4]))
        waiting += [((*path, name), part) for name, part in steps]


def _named(path: _Path) -> str:
    return ".".join(f"{step!s:.60}" for step in path)


def _too_deep(place: str) -> AbsurdValue:
    return AbsurdValue(f"is nested more than {DEEPEST} deep", place)
