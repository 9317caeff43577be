"""Values out of JSON that somebody else wrote: each is what it should be, or refused."""

import json
import math
from collections.abc import Mapping
from typing import Any

from core.errors import PlanUnreadable
from core.given_json import GREATEST, AbsurdValue, read_json_text, shown


def parse(text: str) -> Any:
    """Returns the JSON value of a text.

    Raises:
        PlanUnreadable: if it is no JSON, or holds NaN or infinity; the message names the line.
    """
    try:
        return read_json_text(text)
    except json.JSONDecodeError as error:
        raise PlanUnreadable(
            f"not readable as JSON: {error.msg}",
            where=f"line {error.lineno}, column {error.colno}",
            cure="the file may be cut short; save it again",
        ) from error
    except AbsurdValue as error:
        raise PlanUnreadable(
            f"not readable as JSON: a value {error.message}",
            where=error.place,
            cure="mend that value, or save the plan again",
        ) from error
    except ValueError as error:
        raise PlanUnreadable(f"not readable as JSON: {error}", cure="save it again") from error


def mapping(value: Any, name: str, where: str = "") -> Mapping[str, Any]:
    """Returns an object.

    Raises:
        PlanUnreadable: if it is none.
    """
    if not isinstance(value, dict):
        raise PlanUnreadable(f"{name} is {shown(value)}, not an object", where=where)
    return value


def listing(value: Any, name: str, where: str = "") -> list[Any]:
    """Returns a list.

    Raises:
        PlanUnreadable: if it is none.
    """
    if not isinstance(value, list):
        raise PlanUnreadable(f"{name} is {shown(value)}, not a list", where=where)
    return value


def number(value: Any, name: str, where: str = "") -> float:
    """Returns a finite number.

    Raises:
        PlanUnreadable: if it is none, or far too large.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise PlanUnreadable(f"{name} is {shown(value)}, not a number", where=where)
    if not abs(value) <= GREATEST:  # also NaN
        raise PlanUnreadable(f"{name} is {shown(value)}, which can't be", where=where)
    return float(value)


def whole(value: Any, name: str, where: str = "") -> int:
    """Returns a whole number; `3.0` is one.

    Raises:
        PlanUnreadable: if it is none.
    """
    found = number(value, name, where)
    if found != int(found):
        raise PlanUnreadable(f"{name} is {shown(value)}, not a whole number", where=where)
    return int(found)


def optional(value: Any, name: str, where: str = "") -> float:
    """Returns a number, or NaN where nothing is given.

    Raises:
        PlanUnreadable: if it is something else.
    """
    return math.nan if value is None else number(value, name, where)


def place(value: Any, name: str, where: str = "") -> tuple[float, float]:
    """Returns the latitude and longitude of a list that begins with them.

    Raises:
        PlanUnreadable: if they are missing, or no place on Earth.
    """
    pair = listing(value, name, where)
    if len(pair) < 2:
        raise PlanUnreadable(f"{name} has no latitude and longitude", where=where)
    lat, lon = number(pair[0], name, where), number(pair[1], name, where)
    if not (abs(lat) <= 90 and abs(lon) <= 180):
        raise PlanUnreadable(
            f"{name} is no place on Earth: {lat:g}, {lon:g}",
            where=where,
            cure="give latitude, then longitude, in degrees",
        )
    return lat, lon


def places(value: Any, name: str, where: str = "") -> tuple[tuple[float, float], ...]:
    """Returns a list of latitudes and longitudes.

    Raises:
        PlanUnreadable: if it is none.
    """
    return tuple(place(pair, f"a corner of {name}", where) for pair in listing(value, name, where))
