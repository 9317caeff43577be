"""Reads highways from OpenStreetMap's PBF format, without a library for protocol buffers.

The file is a row of blobs, each with its length before it, so a file that is cut off is told
from one that is whole. Twice through: first the ways and restrictions, then the nodes that
they use; what is not needed is skipped undecoded.
"""

import struct
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from core.errors import RoadsUnreadable
from geo.adapters.osm_elements import OsmElements, OsmMember, OsmRelation, OsmWay

_KNOWN = {"OsmSchema-V0.6", "DenseNodes", "LocationsOnWays", "Sort.Type_then_ID"}
_GREATEST_HEAD, _GREATEST_BLOB = 64 * 1024, 32 * 1024 * 1024
"""Limits of the format itself."""
_KINDS = ("node", "way", "relation")
_AGAIN = "download the extract again and compare its size or checksum"

Field = tuple[int, Any]
Ints = NDArray[np.int64]


def looks_like_pbf(start: bytes) -> bool:
    """Returns whether a file that begins so is in this format."""
    return len(start) >= 16 and start[:2] == b"\0\0" and b"OSMHeader" in start[4:32]


def read_pbf(path: Path) -> OsmElements:
    """Returns the highways of a file.

    Raises:
        RoadsUnreadable: if it is cut off, damaged, or needs a feature that is not known here.
    """
    ways: list[OsmWay] = []
    restrictions: list[OsmRelation] = []
    for block in _blocks(path):
        ways.extend(block.highways())
        restrictions.extend(block.restrictions())
    wanted = np.unique(np.array([node for way in ways for node in way.nodes], dtype=np.int64))
    places: dict[int, tuple[float, float]] = {}
    barriers: dict[int, dict[str, str]] = {}
    if len(wanted):
        for block in _blocks(path):
            block.take_nodes(wanted, places, barriers)
    return OsmElements(places, barriers, tuple(ways), tuple(restrictions))


def _blocks(path: Path) -> Iterator["_Block"]:
    """Yields the blocks of data; every fault of the bytes is told with its place."""
    with path.open("rb") as file:
        while True:
            at = file.tell()
            try:
                blob = _blob(file)
                if blob is None:
                    return
                kind, data = blob
                if kind == b"OSMHeader":
                    _check_head(data)
                elif kind == b"OSMData":
                    yield _Block(data)
            except (IndexError, ValueError, KeyError, struct.error, zlib.error) as error:
                raise RoadsUnreadable(
                    f"is damaged or cut off in the block at byte {at}: {error}",
                    where=str(path),
                    cure=_AGAIN,
                ) from error


def _blob(file: BinaryIO) -> tuple[bytes, bytes] | None:
    size = file.read(4)
    if not size:
        return None
    (head_length,) = struct.unpack(">I", size)
    if head_length > _GREATEST_HEAD:
        raise ValueError(f"a head of {head_length} bytes")
    head = dict(_fields(_exactly(file, head_length)))
    if not 0 <= head[3] <= _GREATEST_BLOB:
        raise ValueError(f"a block of {head[3]} bytes")
    blob = dict(_fields(_exactly(file, head[3])))
    if 1 in blob:
        return head[1], blob[1]
    if 3 not in blob:
        raise ValueError("packed in another way than zlib")
    data = zlib.decompressobj().decompress(blob[3], _GREATEST_BLOB)
    if len(data) != blob.get(2, len(data)):
        raise ValueError("it unpacks to another length than it says")
    return head[1], data


def _exactly(file: BinaryIO, count: int) -> bytes:
    data = file.read(count)
    if len(data) < count:
        raise ValueError(f"the file ends {count - len(data)} bytes early")
    return data


def _check_head(data: bytes) -> None:
    needed = {value.decode() for number, value in _fields(data) if number == 4}
    if needed - _KNOWN:
        raise ValueError(f"it needs {', '.join(sorted(needed - _KNOWN))}")


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
        if shift > 63:
            raise ValueError("a number without end")


def _fields(data: bytes) -> Iterator[Field]:
    """Yields the fields of a message: its number, and an int or bytes."""
    at, end = 0, len(data)
    while at < end:
        key, at = _varint(data, at)
        wire = key & 7
        if wire == 0:
            value, at = _varint(data, at)
            yield key >> 3, value
        elif wire == 2:
            length, at = _varint(data, at)
            if at + length > end:
                raise ValueError("a field reaches over its message")
            yield key >> 3, data[at : at + length]
            at += length
        elif wire in (1, 5):
            at += 8 if wire == 1 else 4
        else:
            raise ValueError(f"a field of the unknown kind {wire}")


def _few(data: bytes) -> list[int]:
    """Returns a short row of numbers; quicker than numpy's way for a handful."""
    numbers, at = [], 0
    while at < len(data):
        value, at = _varint(data, at)
        numbers.append(value)
    return numbers


def _many(data: bytes) -> NDArray[np.uint64]:
    """Returns a long row of numbers."""
    raw = np.frombuffer(data, np.uint8)
    if not len(raw):
        return np.zeros(0, np.uint64)
    if raw[-1] >= 0x80:
        raise ValueError("a number without end")
    ends = np.flatnonzero(raw < 0x80)
    starts = np.concatenate([[0], ends[:-1] + 1])
    if (ends - starts).max() > 9:
        raise ValueError("a number without end")
    place = np.arange(len(raw)) - np.repeat(starts, ends - starts + 1)
    parts = (raw & 0x7F).astype(np.uint64) << (7 * place).astype(np.uint64)
    return np.add.reduceat(parts, starts)


def _signed(numbers: NDArray[np.uint64]) -> Ints:
    """Undoes the zigzag that keeps small negative numbers short."""
    return (numbers >> np.uint64(1)).view(np.int64) ^ -(numbers & np.uint64(1)).view(np.int64)


def _deltas(data: bytes) -> Ints:
    """Returns numbers that are stored as the difference from the one before."""
    return np.cumsum(_signed(_many(data)))


class _Block:
    """One block of data: a table of words, and groups of nodes, ways and relations."""

    def __init__(self, data: bytes) -> None:
        self._words: list[bytes] = []
        self._groups: list[bytes] = []
        self._granularity, self._lat_offset, self._lon_offset = 100, 0, 0
        for number, value in _fields(data):
            if number == 1:
                self._words = [word for _, word in _fields(value)]
            elif number == 2:
                self._groups.append(value)
            elif number == 17:
                self._granularity = value
            elif number == 19:
                self._lat_offset = _as_signed(value)
            elif number == 20:
                self._lon_offset = _as_signed(value)

    def _word(self, number: int) -> str:
        return self._words[number].decode("utf-8", "replace")

    def _tags(self, keys: Sequence[int], values: Sequence[int]) -> dict[str, str]:
        pairs = zip(keys, values, strict=True)
        return {self._word(key): self._word(value) for key, value in pairs}

    def _elements(self, wanted: int) -> Iterator[bytes]:
        return (
            element
            for group in self._groups
            for number, element in _fields(group)
            if number == wanted
        )

    def highways(self) -> Iterator[OsmWay]:
        """Yields the ways with the key `highway`."""
        if b"highway" not in self._words:
            return
        highway = self._words.index(b"highway")
        for element in self._elements(3):
            way = dict(_fields(element))
            keys = _few(way.get(2, b""))
            if highway in keys:
                nodes = tuple(_deltas(way.get(8, b"")).tolist())
                yield OsmWay(way[1], nodes, self._tags(keys, _few(way.get(3, b""))))

    def restrictions(self) -> Iterator[OsmRelation]:
        """Yields the relations of the type `restriction`."""
        if b"restriction" not in self._words:
            return
        for element in self._elements(4):
            relation = dict(_fields(element))
            tags = self._tags(_few(relation.get(2, b"")), _few(relation.get(3, b"")))
            if tags.get("type") != "restriction":
                continue
            roles, kinds = _few(relation.get(8, b"")), _few(relation.get(10, b""))
            refs = _deltas(relation.get(9, b"")).tolist()
            members = tuple(
                OsmMember(_KINDS[kind], ref, self._word(role))
                for kind, ref, role in zip(kinds, refs, roles, strict=True)
            )
            yield OsmRelation(relation[1], members, tags)

    def take_nodes(
        self,
        wanted: Ints,
        places: dict[int, tuple[float, float]],
        barriers: dict[int, dict[str, str]],
    ) -> None:
        """Adds the places of the wanted nodes, and the tags of those that are barriers."""
        barrier = self._words.index(b"barrier") if b"barrier" in self._words else -1
        for element in self._elements(2):
            dense = dict(_fields(element))
            ids = _deltas(dense.get(1, b""))
            mine = np.isin(ids, wanted)
            if not mine.any():
                continue
            lat = self._degrees(_deltas(dense.get(8, b"")), self._lat_offset)
            lon = self._degrees(_deltas(dense.get(9, b"")), self._lon_offset)
            if not len(ids) == len(lat) == len(lon):
                raise ValueError("nodes without a place")
            chosen = zip(ids[mine].tolist(), lat[mine].tolist(), lon[mine].tolist(), strict=True)
            places.update((node, (y, x)) for node, y, x in chosen)
            if barrier >= 0:
                self._dense_barriers(ids, mine, _many(dense.get(10, b"")), barrier, barriers)
        for element in self._elements(1):
            node = dict(_fields(element))
            node_id = _zigzag(node[1])
            if not np.isin(node_id, wanted):
                continue
            place = np.array([_zigzag(node[8])]), np.array([_zigzag(node[9])])
            lat = self._degrees(place[0], self._lat_offset)
            lon = self._degrees(place[1], self._lon_offset)
            places[node_id] = float(lat[0]), float(lon[0])
            keys = _few(node.get(2, b""))
            if barrier in keys:
                barriers[node_id] = self._tags(keys, _few(node.get(3, b"")))

    def _dense_barriers(
        self,
        ids: Ints,
        mine: NDArray[np.bool_],
        pairs: NDArray[np.uint64],
        barrier: int,
        barriers: dict[int, dict[str, str]],
    ) -> None:
        """Reads the tags of dense nodes: key, value, ... and a zero after each node."""
        tags: list[int] = []
        number = 0
        keys = pairs.tolist()
        for value in keys:
            if value or len(tags) % 2:
                tags.append(value)
                continue
            if mine[number] and barrier in tags[::2]:
                barriers[int(ids[number])] = self._tags(tags[::2], tags[1::2])
            tags = []
            number += 1

    def _degrees(self, steps: Ints, offset: int) -> NDArray[np.float64]:
        # in whole steps of 1e-9 degrees first, so that equal places stay equal
        degrees: NDArray[np.float64] = (offset + self._granularity * steps) / 1e9
        return degrees


def _as_signed(value: int) -> int:
    """Returns a 64-bit number that was written without a sign."""
    return value - (1 << 64) if value >= 1 << 63 else value


def _zigzag(value: int) -> int:
    return (value >> 1) ^ -(value & 1)
