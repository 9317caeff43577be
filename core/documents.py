"""Frozen dataclasses to JSON values and back, guided by their type hints.

What stores keep of the nested part of a record. Exact: `from_document(T, to_document(x)) == x`.
Handles dataclasses, enums, aware datetimes, timedeltas, tuples, frozensets, optional values
and what is handed in as `Extra` (a shapely area). A field that the document lacks gets its
default, so an older document stays readable; a field that the class lacks is refused.
"""

import dataclasses
import types
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import (
    TYPE_CHECKING,
    Any,
    NewType,
    TypeAlias,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

from core.errors import StoreUnreadable

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
Extra: TypeAlias = "Mapping[type, tuple[Callable[[Any], Json], Callable[[Json], Any]]]"
"""For each foreign class: how it becomes JSON, and back."""

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T")


@cache
def _hints(cls: type) -> dict[str, Any]:
    return get_type_hints(cls)


def to_document(
    value: "DataclassInstance", extra: Extra = types.MappingProxyType({})
) -> dict[str, Json]:
    """Returns the JSON object of a domain value, which is a dataclass.

    Raises:
        TypeError: if it holds something that has no JSON form here.
        ValueError: if it holds a datetime without a zone.
    """
    return {
        field.name: _encoded(getattr(value, field.name), extra)
        for field in dataclasses.fields(value)
    }


def from_document(cls: type[T], document: Json, extra: Extra = types.MappingProxyType({})) -> T:
    """Returns the domain value of class `cls` that a document holds.

    Raises:
        StoreUnreadable: if the document is no such value.
    """
    try:
        return cast(T, _decoded(cls, document, extra))
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise StoreUnreadable(
            f"a stored {cls.__name__} can't be read: {error}",
            cure="restore a backup, or run qyran upgrade if it is of an older version",
        ) from error


def _encoded(value: object, extra: Extra) -> Json:
    for foreign, (encode, _) in extra.items():
        if isinstance(value, foreign):
            return encode(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError("a datetime in a document must have a zone")
        return value.astimezone(UTC).isoformat()
    if isinstance(value, timedelta):
        return value.days * 86_400_000_000 + value.seconds * 1_000_000 + value.microseconds
    if isinstance(value, tuple):
        return [_encoded(item, extra) for item in value]
    if isinstance(value, frozenset):
        return [*sorted(str(item) for item in value)]  # only sets of words occur
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return to_document(value, extra)
    raise TypeError(f"no JSON form for {type(value).__name__}")


def _decoded(hint: Any, document: Json, extra: Extra) -> Any:
    """Returns the value of a type hint; raises the plain error of what does not fit."""
    if isinstance(hint, NewType):
        return _decoded(hint.__supertype__, document, extra)
    if hint in extra:
        return extra[hint][1](document)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        if document is None and type(None) in arguments:
            return None
        rest = [option for option in arguments if option is not type(None)]
        if all(option in extra for option in rest):
            return extra[rest[0]][1](document)
        if len(rest) != 1:
            raise TypeError(f"ambiguous type {hint}")
        return _decoded(rest[0], document, extra)
    if origin is tuple:
        items = _expected(document, list)
        if len(arguments) == 2 and arguments[1] is Ellipsis:
            return tuple(_decoded(arguments[0], item, extra) for item in items)
        return tuple(
            _decoded(kind, item, extra) for kind, item in zip(arguments, items, strict=True)
        )
    if origin is frozenset:
        return frozenset(_decoded(arguments[0], i, extra) for i in _expected(document, list))
    if dataclasses.is_dataclass(hint):
        return _dataclass(cast(type, hint), _expected(document, dict), extra)
    return _plain(hint, document)


def _dataclass(cls: type, document: dict[str, Json], extra: Extra) -> Any:
    hints = _hints(cls)
    unknown = document.keys() - hints.keys()
    if unknown:
        raise ValueError(f"{cls.__name__} has no field {', '.join(sorted(unknown))}")
    return cls(**{name: _decoded(hints[name], value, extra) for name, value in document.items()})


def _plain(hint: Any, document: Json) -> Any:
    if hint is datetime:
        at = datetime.fromisoformat(_expected(document, str))
        if at.tzinfo is None:
            raise ValueError("a datetime without a zone")
        return at
    if hint is timedelta:
        return timedelta(microseconds=_expected(document, int))
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return hint(_expected(document, str))
    if hint is float:
        # a whole float may come back as an int from another writer's JSON
        return float(_expected(document, int | float))
    if hint in (int, str, bool):
        return _expected(document, hint)
    raise TypeError(f"no JSON form for {hint}")


def _expected(document: Json, kind: Any) -> Any:
    if not isinstance(document, kind) or (isinstance(document, bool) and kind is not bool):
        raise TypeError(f"expected {kind}, found {document!r:.60}")
    return document
