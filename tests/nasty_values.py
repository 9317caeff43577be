"""Documents with one value that makes no sense, which every reader must refuse or live with.

A valid document is spoilt at each of its leaves in turn, and at each of its lists and objects,
by each of the values below.
"""

import json
import random
from collections.abc import Iterator, Mapping
from typing import Any

HUGE = "\x00huge\x00"
"""Stands for a number that JSON can write and no machine can hold; see `text_of`."""
NASTY: tuple[Any, ...] = (
    0, -1, True, None, "", "x", [], {}, [[[]]], 0.5, -1e-300, 5e-324, 1e9, 2**31, 2**63, 10**30,
    10**400, -(10**400), 1e13, 1e300, -1e300, float("inf"), float("-inf"), float("nan"),
    HUGE, "NaN", "1e999", "\x00", "a" * 3000, "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z",
    "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "9999-12-31", "0001-01-01",
    "P999999999D", "PT99999999999999999999S", "FREQ=DAILY;INTERVAL=" + "9" * 30,
    "FREQ=DAILY;INTERVAL=9999999999", "FREQ=SECONDLY;COUNT=9999999999",
    "FREQ=DAILY;UNTIL=99991231T235959Z", "FREQ=DAILY;UNTIL=00010101T000000", "+99:99",
)  # fmt: skip


def text_of(document: Any) -> str:
    """Returns the JSON text of a document; infinity is written as a number too large for one."""
    text = json.dumps(document)
    text = text.replace(json.dumps(HUGE), "1" + "0" * 5_000)
    return text.replace("-Infinity", "-1e999").replace("Infinity", "1e999")


def spoilt(document: Any) -> Iterator[tuple[str, Any]]:
    """Yields a document once for each of its places and each nasty value, and where that is."""
    for path in _paths(document):
        for value in NASTY:
            shown = repr(value)[:24]
            yield f"{'.'.join(map(str, path))}={shown}", _with(document, path, value)


def some_spoilt(document: Any, number: int, seed: int = 1) -> list[tuple[str, Any]]:
    """Returns some of all the spoilt documents, the same ones for the same seed."""
    every = list(spoilt(document))
    return random.Random(seed).sample(every, min(number, len(every)))


def _paths(document: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if at:
        yield at
    if isinstance(document, Mapping):
        for name, value in document.items():
            yield from _paths(value, (*at, name))
    elif isinstance(document, list):
        for number, value in enumerate(document):
            yield from _paths(value, (*at, number))


def _with(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    copy = dict(document) if isinstance(document, Mapping) else list(document)
    copy[path[0]] = _with(document[path[0]], path[1:], value)
    return copy
