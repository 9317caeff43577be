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


def to_document(
    value: "DataclassInstance", extra: Extra = types.MappingProxyType({})
) -> dict[str, Json]:
    """Returns the JSON object of a domain value, which is a dataclass.

    Raises:
        TypeError: if it holds something that has no JSON form here.
        ValueError: if it holds a datetime without a zone.
    """
    return {name: _encoded(getattr(value, name), extra) for name in _names(type(value))}


def from_document(cls: type[T], document: Json, extra: Extra = types.MappingProxyType({})) -> T:
    """Returns the domain value of class `cls` that a document holds.

    Raises:
        StoreUnreadable: if the document is no such value.
    """
    foreign = tuple((kind, decode) for kind, (_, decode) in extra.items())
    try:
        return cast(T, _decoder(cast(Any, cls), foreign)(document))
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise StoreUnreadable(
            f"a stored {cls.__name__} can't be read: {error}",
            cure="restore a backup, or run qyran upgrade if it is of an older version",
        ) from error


@cache
def _names(cls: type) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(cls))


def _encoded(value: object, extra: Extra) -> Json:
    kind = type(value)
    if value is None or kind in (str, float, int, bool):
        return cast(Json, value)
    if kind in extra:
        return extra[kind][0](value)
    if isinstance(value, tuple):
        return [_encoded(item, extra) for item in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return to_document(value, extra)
    if isinstance(value, str):
        return str(value)
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError("a datetime in a document must have a zone")
        return value.astimezone(UTC).isoformat()
    if isinstance(value, timedelta):
        return value // timedelta(microseconds=1)
    if isinstance(value, frozenset):
        return [*sorted(str(item) for item in value)]  # only sets of words occur
    if isinstance(value, float | int):  # a number of NumPy's, which JSON does not know
        return float(value) if isinstance(value, float) else int(value)
    raise TypeError(f"no JSON form for {kind.__name__}")


_Decoder: TypeAlias = "Callable[[Json], Any]"
_Foreign: TypeAlias = "tuple[tuple[type, _Decoder], ...]"


@cache
def _decoder(hint: Any, foreign: _Foreign) -> _Decoder:
    """Returns what decodes values of a type hint; made once for each."""
    if isinstance(hint, NewType):
        return _decoder(hint.__supertype__, foreign)
    decoders = dict(foreign)
    if hint in decoders:
        return decoders[hint]
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return _of_union(arguments, foreign)
    if origin is tuple:
        return _of_tuple(arguments, foreign)
    if origin is frozenset:
        item = _decoder(arguments[0], foreign)
        return lambda document: frozenset(item(i) for i in _expected(document, list))
    if dataclasses.is_dataclass(hint):
        return _of_dataclass(cast(type, hint), foreign)
    return _of_plain(hint)


def _of_union(arguments: tuple[Any, ...], foreign: _Foreign) -> _Decoder:
    kinds = [option for option in arguments if option is not type(None)]
    distinct = {_decoder(kind, foreign) for kind in kinds}
    if len(distinct) != 1:  # several classes are one only where one function decodes them all
        raise TypeError(f"ambiguous type {arguments}")
    decode = distinct.pop()
    if len(kinds) == len(arguments):
        return decode
    return lambda document: None if document is None else decode(document)


def _of_tuple(arguments: tuple[Any, ...], foreign: _Foreign) -> _Decoder:
    if len(arguments) == 2 and arguments[1] is Ellipsis:
        item = _decoder(arguments[0], foreign)
        return lambda document: tuple([item(i) for i in _expected(document, list)])
    items = [_decoder(kind, foreign) for kind in arguments]
    return lambda document: tuple(
        decode(i) for decode, i in zip(items, _expected(document, list), strict=True)
    )


def _of_dataclass(cls: type, foreign: _Foreign) -> _Decoder:
    fields: dict[str, _Decoder] = {}

    def decode(document: Json) -> Any:
        if not fields:  # at first use: a class may hold its own kind
            hints = get_type_hints(cls)
            fields.update({name: _decoder(hints[name], foreign) for name in _names(cls)})
        values = _expected(document, dict)
        if unknown := values.keys() - fields.keys():
            raise ValueError(f"{cls.__name__} has no field {', '.join(sorted(unknown))}")
        return cls(**{name: fields[name](value) for name, value in values.items()})

    return decode


def _of_plain(hint: Any) -> _Decoder:
    if hint is datetime:
        return _instant
    if hint is timedelta:
        return lambda document: timedelta(microseconds=_expected(document, int))
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return lambda document: hint(_expected(document, str))
    if hint is float:
        # a whole float may come back as an int from another writer's JSON
        return lambda document: float(_expected(document, (float, int)))
    if hint in (int, str, bool):
        return lambda document: _expected(document, hint)
    raise TypeError(f"no JSON form for {hint}")


def _instant(document: Json) -> datetime:
    at = datetime.fromisoformat(_expected(document, str))
    if at.tzinfo is None:
        raise ValueError("a datetime without a zone")
    return at


def _expected(document: Json, kind: Any) -> Any:
    if not isinstance(document, kind) or (isinstance(document, bool) and kind is not bool):
        raise TypeError(f"expected {kind}, found {document!r:.60}")
    return document
