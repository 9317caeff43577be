"""The road network that a station drives by: from its data folder, or from a file named."""

import hashlib
import logging
import threading
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from core.errors import BadRequest, QyranError, SourceMissing
from geo.road_graph import LatLon, RoadGraph
from missions.dispatching.judge import NoRoads, TravelTimes
from station.wiring import read_road_extract, read_road_file

log = logging.getLogger(__name__)

ROADS_FILE: Final = "roads.npz"
"""In the data folder."""


class StationRoads:
    """The roads of a data folder, read when they are first asked for and when they change."""

    def __init__(self, path: Path) -> None:
        """Takes the file; it may come later."""
        self._path = path
        self._lock = threading.Lock()
        self._read: tuple[float, RoadGraph | None] | None = None

    def to(self, lat_deg: float, lon_deg: float) -> TravelTimes | None:
        """Returns the ways by road to a place, `NoRoads` where none is near.

        `None` where the station has no roads, or none that can be read, which is logged.
        """
        graph = self.graph()
        return None if graph is None else graph.to(lat_deg, lon_deg) or NoRoads()

    def graph(self) -> RoadGraph | None:
        """Returns the roads; `None` where there are none, or none that can be read."""
        with self._lock:
            try:
                changed = self._path.stat().st_mtime
            except OSError:
                return None
            if self._read is None or self._read[0] != changed:
                try:
                    self._read = (changed, load_roads(self._path))
                except QyranError as error:
                    log.error("the roads can't be read", extra={"reason": str(error)})
                    self._read = (changed, None)
            return self._read[1]


def load_roads(path: Path) -> RoadGraph:
    """Returns the roads of a file: our own graph, or an extract that is read at once.

    Raises:
        SourceMissing: if there is no such file.
        RoadsUnreadable: if it is neither, not whole, or holds no road for a car.
    """
    if path.is_file() and not zipfile.is_zipfile(path):
        return read_road_extract(path, None).graph
    return read_road_file(path).graph


def digest(path: Path) -> str:
    """Returns the SHA-256 of a file's bytes.

    Raises:
        SourceMissing: if there is no such file.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (FileNotFoundError, IsADirectoryError):
        raise SourceMissing("no such file", where=str(path), cure="check the path") from None


def read_box(text: str) -> tuple[float, float, float, float]:
    """Returns the box of `W,S,E,N` in degrees.

    Raises:
        BadRequest: if it is no such box.
    """
    west, south, east, north = _numbers(text, 4, "a box", "--bbox W,S,E,N")
    if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
        raise BadRequest(
            "west must be below east and south below north",
            where=f"--bbox {text}",
            cure="give degrees as W,S,E,N, such as 71.2,50.9,71.5,51.1",
        )
    return west, south, east, north


def read_place(text: str, graph: RoadGraph) -> LatLon:
    """Returns latitude and longitude of `LAT,LON`.

    Raises:
        BadRequest: if it is no place, or one that lies by the roads only when it is swapped.
    """
    lat, lon = _numbers(text, 2, "a place", "LAT,LON, such as 50.97,71.35")
    if not (-180 <= lon <= 180 and -90 <= lat <= 90) or (
        _outside(graph, lat, lon) and not _outside(graph, lon, lat)
    ):
        raise BadRequest(
            "is no place, or its longitude and latitude are swapped",
            where=text,
            cure="give latitude first: LAT,LON",
        )
    return lat, lon


def _outside(graph: RoadGraph, lat: float, lon: float) -> bool:
    west, south, east, north = graph.bounds_deg
    return not (west - 0.1 <= lon <= east + 0.1 and south - 0.1 <= lat <= north + 0.1)


def _numbers(text: str, count: int, what: str, how: str) -> Sequence[float]:
    try:
        numbers = [float(word) for word in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) != count or any(number != number for number in numbers):
        raise BadRequest(f"is no {what.split()[-1]}", where=text, cure=f"give {how}")
    return numbers
