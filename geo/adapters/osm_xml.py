"""Reads highways from OpenStreetMap's XML format, plain or packed with gzip or bzip2."""

import bz2
import gzip
import xml.etree.ElementTree as ElementTree
import zlib
from pathlib import Path
from typing import IO, cast

from core.errors import RoadsUnreadable
from geo.adapters.osm_elements import OsmElements, OsmMember, OsmRelation, OsmWay

_GZIP, _BZIP2 = b"\x1f\x8b", b"BZh"
_BROKEN = (ElementTree.ParseError, EOFError, OSError, zlib.error, KeyError, ValueError)


def looks_like_xml(start: bytes) -> bool:
    """Returns whether a file that begins so may be XML, maybe packed."""
    plain = start.removeprefix(b"\xef\xbb\xbf").lstrip()
    return start.startswith((_GZIP, _BZIP2)) or plain.startswith(b"<")


def read_xml(path: Path) -> OsmElements:
    """Returns the highways of a file.

    Raises:
        RoadsUnreadable: if it is no XML of OpenStreetMap, or cut off.
    """
    places: dict[int, tuple[float, float]] = {}
    barriers: dict[int, dict[str, str]] = {}
    ways: list[OsmWay] = []
    restrictions: list[OsmRelation] = []
    try:
        with _opened(path) as file:
            events = ElementTree.iterparse(file, events=("start", "end"))
            _, root = next(events)
            if root.tag != "osm":
                raise ValueError(f"its root is <{root.tag}>, not <osm>")
            for event, element in events:
                if event == "start":
                    continue
                if element.tag == "node":
                    node = int(element.attrib["id"])
                    if "lat" in element.attrib:  # one that was deleted has no place
                        at = float(element.attrib["lat"]), float(element.attrib["lon"])
                        places[node] = at
                    tags = _tags(element)
                    if "barrier" in tags:
                        barriers[node] = tags
                elif element.tag == "way":
                    tags = _tags(element)
                    if "highway" in tags:
                        nodes = tuple(int(nd.attrib["ref"]) for nd in element.iter("nd"))
                        ways.append(OsmWay(int(element.attrib["id"]), nodes, tags))
                elif element.tag == "relation":
                    tags = _tags(element)
                    if tags.get("type") == "restriction":
                        restrictions.append(_relation(element, tags))
                else:
                    continue  # a part of one of those: it goes with it
                root.clear()  # else the whole file would stay in memory
    except _BROKEN as error:
        raise RoadsUnreadable(
            f"is no whole file of OpenStreetMap's XML: {error}",
            where=str(path),
            cure="download or export it again, as .osm or .osm.pbf",
        ) from error
    return OsmElements(places, barriers, tuple(ways), tuple(restrictions))


def _opened(path: Path) -> IO[bytes]:
    with path.open("rb") as file:
        start = file.read(3)
    if start.startswith(_GZIP):
        return cast(IO[bytes], gzip.open(path, "rb"))
    if start.startswith(_BZIP2):
        return cast(IO[bytes], bz2.open(path, "rb"))
    return path.open("rb")


def _tags(element: ElementTree.Element) -> dict[str, str]:
    return {tag.attrib["k"]: tag.attrib["v"] for tag in element.iter("tag")}


def _relation(element: ElementTree.Element, tags: dict[str, str]) -> OsmRelation:
    members = tuple(
        OsmMember(member.attrib["type"], int(member.attrib["ref"]), member.attrib.get("role", ""))
        for member in element.iter("member")
    )
    return OsmRelation(int(element.attrib["id"]), members, tags)
