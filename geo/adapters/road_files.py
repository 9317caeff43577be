"""Our own road graph in a file: numpy arrays and a text in JSON, packed in one archive.

`about` is that text: `format` ("qyran-roads"), `version` (1), `attribution`, `source` (name of
the extract) and `sha256` (of the extract's bytes). The other members are the arrays of
`RoadGraph` by their names; where streets have names, `about` lists each once as `streets`, and the
array `street` holds the number of each edge's.
"""

import json
import tempfile
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tokenize import TokenError

import numpy as np

from core.errors import EnvironmentFault, RoadsUnreadable, SourceMissing
from geo.road_graph import RoadGraph

_FORMAT, _VERSION = "qyran-roads", 1
_INTS = ("tail", "head", "shape_start", "twin", "banned")
_FLOATS = ("length_m", "speed_m_s", "shape_lat_deg", "shape_lon_deg")
_BAD_FILE = (
    ValueError, KeyError, OSError, EOFError, OverflowError, AttributeError, RuntimeError,
    zipfile.BadZipFile, zlib.error,
    TokenError,
)  # fmt: skip
"""What numpy and zipfile say of a damaged archive (RuntimeError: a bit now says encrypted)."""


@dataclass(frozen=True, slots=True)
class RoadFile:
    """A graph, and what it was made of."""

    graph: RoadGraph
    source: str = ""
    """Name of the extract."""
    sha256: str = ""
    """Of the extract's bytes."""


def write_road_file(path: Path, roads: RoadFile) -> None:
    """Writes a graph; a former file is replaced whole.

    Raises:
        EnvironmentFault: if the file can't be written.
    """
    graph = roads.graph
    head: dict[str, object] = {
        "format": _FORMAT,
        "version": _VERSION,
        "attribution": graph.attribution,
        "source": roads.source,
        "sha256": roads.sha256,
    }
    arrays = {name: getattr(graph, name) for name in (*_INTS, *_FLOATS)}
    if graph.streets:
        names = sorted(set(graph.streets))
        number = {name: n for n, name in enumerate(names)}
        head["streets"] = names
        arrays["street"] = np.array([number[name] for name in graph.streets], np.int64)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".roads-", dir=path.parent) as folder:
            part = Path(folder) / "roads.npz"
            # the graph has an array "head" of its own, so the JSON is called "about"
            np.savez_compressed(part, about=np.array(json.dumps(head)), **arrays)
            part.replace(path)
    except OSError as error:
        raise EnvironmentFault(
            f"the roads can't be written: {error.strerror or error}",
            where=str(path),
            cure="check the folder and its permissions",
        ) from error


def read_road_file(path: Path) -> RoadFile:
    """Returns the graph of a file.

    Raises:
        SourceMissing: if there is no such file.
        RoadsUnreadable: if it is no such file, damaged, or of a newer version.
    """
    cure = "import the extract again: qyran roads import EXTRACT"
    if not path.is_file():
        raise SourceMissing("there are no roads here yet", where=str(path), cure=cure)
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            about = json.loads(str(archive["about"]))
            if about.get("format") != _FORMAT or about.get("version") != _VERSION:
                raise ValueError(f"it is {about.get('format')} {about.get('version')}")
            ints = {name: archive[name].astype(np.int64) for name in _INTS}
            floats = {name: archive[name].astype(np.float64) for name in _FLOATS}
            streets = _streets(about, archive)
        attribution = str(about["attribution"])
        graph = RoadGraph(**ints, **floats, attribution=attribution, streets=streets)
        _check(graph)
    except _BAD_FILE as error:
        raise RoadsUnreadable(
            f"is no road graph that can be read: {error}", where=str(path), cure=cure
        ) from error
    return RoadFile(graph, str(about["source"]), str(about["sha256"]))


def _streets(about: Mapping[str, object], archive: Mapping[str, object]) -> tuple[str, ...]:
    """Returns the name of each edge's street; a file from before names were kept has none.

    Raises:
        ValueError: if they don't fit together.
    """
    if "street" not in archive:
        return ()
    names, numbers = about.get("streets"), np.asarray(archive["street"])
    if not isinstance(names, list) or numbers.ndim != 1 or numbers.dtype.kind not in "iu":
        raise ValueError("its street names are not whole")
    if len(numbers) and not (0 <= numbers.min() and numbers.max() < len(names)):
        raise ValueError("it names a street that is not there")
    return tuple(str(names[n]) for n in numbers.tolist())


def _check(graph: RoadGraph) -> None:
    """Refuses arrays that don't fit together; a damaged file must not send a car astray.

    Raises:
        ValueError: if they don't.
    """
    n, points = len(graph.tail), len(graph.shape_lat_deg)
    each = (graph.head, graph.length_m, graph.speed_m_s, graph.twin)
    if not n or any(array.shape != (n,) for array in each) or graph.banned.shape[1:] != (2,):
        raise ValueError("its arrays differ in length")
    start = graph.shape_start
    whole = start.shape == (n + 1,) and start[0] == 0 and start[-1] == points
    if not whole or graph.shape_lon_deg.shape != (points,) or (np.diff(start) < 2).any():
        raise ValueError("its lines have no points")
    if graph.streets and len(graph.streets) != n:
        raise ValueError("its street names differ in number")
    if graph.tail.min() < 0 or graph.head.min() < 0 or not (graph.twin < n).all():
        raise ValueError("it names an edge that is not there")
    if len(graph.banned) and not (0 <= graph.banned.min() and graph.banned.max() < n):
        raise ValueError("it bans a turn of an edge that is not there")
    good = (graph.speed_m_s > 0) & (graph.length_m > 0) & np.isfinite(graph.length_m)
    if not good.all():
        raise ValueError("an edge has no length or no speed")
    if (
        not (np.abs(graph.shape_lat_deg) <= 90).all()
        or not (np.abs(graph.shape_lon_deg) <= 180).all()
    ):
        raise ValueError("a point is no place on Earth")
