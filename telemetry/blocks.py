"""How the log writes samples: pieces as they come, blocks once there are many.

A piece is packed records, made and checked in microseconds, so that each append is durable. A
block holds the columns of some thousand samples, each in the smallest of four exact forms, and
is compressed. Every form gives back each number to the last bit; a form is only chosen after
its result was compared. Both begin with a mark, a version and the CRC-32 of what follows.
"""

import struct
import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from telemetry.columns import DATUMS, MODES, RECORD

_PIECE: Final = b"QTP\x01"
_BLOCK: Final = b"QTB\x01"
_HEAD: Final = struct.Struct("<4sI")
_COUNT: Final = struct.Struct("<I")
_COLUMN: Final = struct.Struct("<20sBBI")
PACK_RECORD: Final = struct.Struct("<qH15d4B").pack
"""Returns the packed record of the values of `telemetry.columns.record_values`."""
_LEVEL: Final = 1
"""Of zlib: higher ones cost several times as much for a few per cent."""
_MOST: Final = 1 << 20
"""More samples than any block holds; refuses a count that would only eat memory."""

_SAME, _PLAIN, _STEPS, _DECIMAL, _SINGLE = range(5)
_DECIMALS: Final = tuple(range(10))
_NAMES: Final = RECORD.names or ()

Columns = dict[str, NDArray[Any]]


def piece(records: Sequence[bytes]) -> bytes:
    """Returns a piece of packed records."""
    body = b"".join(records)
    return _HEAD.pack(_PIECE, zlib.crc32(body)) + body


def block(columns: Columns) -> bytes:
    """Returns a block of columns of one length."""
    parts = [_COUNT.pack(len(columns["at_us"]))]
    for name in _NAMES:
        form, parameter, data = _encoded(columns[name])
        parts += [_COLUMN.pack(name.encode(), form, parameter, len(data)), data]
    body = zlib.compress(b"".join(parts), _LEVEL)
    return _HEAD.pack(_BLOCK, zlib.crc32(body)) + body


def columns_of(parts: Iterable[bytes]) -> Columns:
    """Returns the columns of pieces and blocks, one after the other, in order of time.

    Raises:
        ValueError: if one is damaged, or of a version that is not known.
    """
    found: list[Columns] = []
    loose: list[bytes] = []
    for part in parts:
        body = _body(part)
        if part[:4] == _PIECE:
            loose.append(body)
        else:
            found.append(_columns_of_block(body))
    if loose:
        records = np.frombuffer(b"".join(loose), dtype=RECORD)
        found.append({name: np.ascontiguousarray(records[name]) for name in _NAMES})
    if not found:
        return {name: np.empty(0, dtype=RECORD[name]) for name in _NAMES}
    joined = found[0]
    if len(found) > 1:
        joined = {name: np.concatenate([one[name] for one in found]) for name in _NAMES}
    at_us = joined["at_us"]
    if len(at_us) > 1 and not bool((at_us[1:] > at_us[:-1]).all()):
        order = np.argsort(at_us, kind="stable")
        joined = {name: column[order] for name, column in joined.items()}
    codes = (("datum", len(DATUMS)), ("mode", len(MODES)), ("armed", 2), ("on_ground", 2))
    for name, most in codes:
        if int(joined[name].max(initial=0)) > most:
            raise ValueError(f"a {name} that this Qyran does not know")
    return joined


def _body(part: bytes) -> bytes:
    if len(part) < _HEAD.size:
        raise ValueError("it is cut off")
    mark, checksum = _HEAD.unpack_from(part)
    if mark not in (_PIECE, _BLOCK):
        raise ValueError(f"its mark {mark!r} is not known")
    body = part[_HEAD.size :]
    if zlib.crc32(body) != checksum:
        raise ValueError("its checksum is wrong")
    if mark == _PIECE and len(body) % RECORD.itemsize:
        raise ValueError("it is cut off")
    return body


def _columns_of_block(body: bytes) -> Columns:
    try:
        return dict(_read_columns(zlib.decompress(body)))
    except (struct.error, zlib.error) as error:
        raise ValueError(f"it can't be unpacked: {error}") from error


def _read_columns(data: bytes) -> Iterator[tuple[str, NDArray[Any]]]:
    (count,) = _COUNT.unpack_from(data)
    if count > _MOST:
        raise ValueError(f"it says that it holds {count} samples")
    offset = _COUNT.size
    for name in _NAMES:
        word, form, parameter, size = _COLUMN.unpack_from(data, offset)
        if word.rstrip(b"\0") != name.encode():
            raise ValueError(f"a column {word!r} that this Qyran does not know")
        offset += _COLUMN.size
        yield name, _decoded(data[offset : offset + size], form, parameter, count, RECORD[name])
        offset += size


def _encoded(column: NDArray[Any]) -> tuple[int, int, bytes]:
    """Returns the form of a column, its parameter and its bytes."""
    bits = column.view(f"<u{column.dtype.itemsize}")
    if len(bits) and bool((bits == bits[0]).all()):
        return _SAME, 0, bits[:1].tobytes()
    if column.dtype.kind == "f":
        return _encoded_numbers(column, bits)
    if column.dtype.itemsize == 8:
        width, data = _steps(column)
        return _STEPS, width, data
    return _PLAIN, 0, _planes(bits)


def _encoded_numbers(column: NDArray[Any], bits: NDArray[Any]) -> tuple[int, int, bytes]:
    with np.errstate(over="ignore", invalid="ignore"):
        probe = np.concatenate([column[:8], column[-8:]])
        for decimals in _DECIMALS:
            scale = 10.0**decimals
            if bool((np.rint(probe * scale) / scale != probe).any()):
                continue
            whole = np.rint(column * scale)
            if not bool((np.abs(whole) < 2.0**53).all()):
                break
            counts = whole.astype("<i8")
            if bool(((counts / scale).view("<u8") == bits).all()):
                width, data = _steps(counts)
                return _DECIMAL, decimals << 4 | width, data
        single = column.astype("<f4")
        if bool((single.astype("<f8").view("<u8") == bits).all()):
            return _SINGLE, 0, _planes(single.view("<u4"))
    return _PLAIN, 0, _planes(bits)


def _steps(whole: NDArray[Any]) -> tuple[int, bytes]:
    """Returns whole numbers as the first and the steps between, and the bytes of one step."""
    steps = np.diff(whole, prepend=whole.dtype.type(0))
    first, rest = whole[:1].astype("<i8"), steps[1:]
    least, most = int(rest.min(initial=0)), int(rest.max(initial=0))
    width = next(w for w in (1, 2, 4, 8) if -(1 << 8 * w - 1) <= least <= most < 1 << 8 * w - 1)
    return width, first.tobytes() + _planes(rest.astype(f"<i{width}"))


def _planes(values: NDArray[Any]) -> bytes:
    """Returns the first bytes of all values, then the second ones, and so on."""
    size = values.dtype.itemsize
    return np.ascontiguousarray(values).view("u1").reshape(-1, size).T.tobytes()


def _from_planes(data: bytes, kind: str, count: int) -> NDArray[Any]:
    size = int(kind[2:])
    if len(data) != size * count:
        raise ValueError("a column is cut off")
    planes = np.frombuffer(data, dtype="u1").reshape(size, count)
    return np.ascontiguousarray(planes.T).reshape(-1).view(kind)


def _decoded(
    data: bytes, form: int, parameter: int, count: int, kind: np.dtype[Any]
) -> NDArray[Any]:
    unsigned = f"<u{kind.itemsize}"
    if form == _SAME:
        if len(data) != kind.itemsize:
            raise ValueError("a column is cut off")
        return np.full(count, np.frombuffer(data, dtype=unsigned)[0]).view(kind)
    if form == _PLAIN:
        return _from_planes(data, unsigned, count).view(kind)
    if form == _SINGLE and kind == "<f8":
        return _from_planes(data, "<u4", count).view("<f4").astype("<f8")
    if form == _STEPS and kind == "<i8":
        return _from_steps(data, parameter, count)
    if form == _DECIMAL and kind == "<f8":
        return _from_steps(data, parameter & 15, count) / 10.0 ** (parameter >> 4)
    raise ValueError(f"form {form} of a column is not known")


def _from_steps(data: bytes, width: int, count: int) -> NDArray[Any]:
    if width not in (1, 2, 4, 8) or count == 0 or len(data) < 8:
        raise ValueError("a column is cut off")
    whole = np.empty(count, dtype="<i8")
    whole[0] = np.frombuffer(data[:8], dtype="<i8")[0]
    whole[1:] = _from_planes(data[8:], f"<i{width}", count - 1)
    return np.cumsum(whole, out=whole)
