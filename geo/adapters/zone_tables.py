"""Tables of shapes in files of every format that GDAL knows, by geopandas."""

import errno
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from warnings import catch_warnings, filterwarnings

import geopandas
import pyogrio
from numpy import errstate
from shapely.errors import ShapelyError

from core.errors import DiskFull, EnvironmentFault, SourceUnreadable
from geo.zones import Area

_WGS84 = "EPSG:4326"
_EMPTY = {
    "GeoJSON": '{"type": "FeatureCollection", "features": []}\n',
    "KML": '<kml xmlns="http://www.opengis.net/kml/2.2"><Document/></kml>\n',
}


def read_table(path: Path, *, geojson: bool) -> tuple[dict[str, Any], ...]:
    """Returns the features of a file: lower-case properties, and `geometry` in WGS 84.

    Args:
        path: the file, which is there.
        geojson: whether it is GeoJSON, where ids are somebody's own.

    Raises:
        SourceUnreadable: if it is no such format, or names no coordinate system.
    """
    options = {"on_invalid": "fix"}  # a ring that does not close ends where it began
    if geojson:
        options["DATE_AS_STRING"] = "YES"  # a parsed one loses microseconds
    rows: list[dict[str, Any]] = []
    try:
        # a corner that is no number is told with its row, and a ring without its end is closed
        with errstate(invalid="ignore"), catch_warnings():
            filterwarnings("ignore", message="Non closed ring")
            # where some say `active` by a word and some by their times, all stay as text
            filterwarnings("ignore", message="Could not parse column")
            layers = [str(name) for name, _ in pyogrio.list_layers(path)]
            frames = [geopandas.read_file(path, layer=layer, **options) for layer in layers]
    except (
        pyogrio.errors.DataSourceError,
        pyogrio.errors.DataLayerError,
        ValueError,
        ShapelyError,
    ) as error:
        raise SourceUnreadable(
            f"no zones can be read: {error}",
            where=str(path),
            cure="give a GeoJSON, GeoPackage or KML file",
        ) from error
    for frame in frames:
        if not isinstance(frame, geopandas.GeoDataFrame):
            continue  # a table without shapes beside the layers
        if frame.crs is None:
            raise SourceUnreadable(
                "names no coordinate system", where=str(path), cure="export it with WGS 84"
            )
        for row in frame.to_crs(_WGS84).to_dict("records"):
            values = {str(key).lower(): value for key, value in row.items()}
            if not geojson:
                values.pop("id", None)  # a KML driver numbers its features there
            rows.append(values)
    return tuple(rows)


def write_table(
    path: Path, rows: Sequence[dict[str, Any]], areas: Sequence[Area], driver: str
) -> None:
    """Writes features to a file in WGS 84; a former file is replaced whole.

    Raises:
        DiskFull: if there is no room.
        EnvironmentFault: if the file can't be written.
    """
    frame = geopandas.GeoDataFrame([*rows], geometry=[*areas], crs=_WGS84)
    options: dict[str, Any] = {}
    if driver == "GeoJSON":
        options = {"RFC7946": "YES", "COORDINATE_PRECISION": 15, "ID_FIELD": "id"}
    try:
        with tempfile.TemporaryDirectory(prefix=".zones-", dir=path.parent) as folder:
            part = Path(folder) / path.name
            if rows or driver == "GPKG":
                frame.to_file(part, driver=driver, **options)
            else:
                part.write_text(_EMPTY[driver])
            part.replace(path)
    except (pyogrio.errors.DataSourceError, OSError) as error:
        raise _unwritten(path, error) from error


def _unwritten(path: Path, error: Exception) -> EnvironmentFault:
    """Returns the failure in words of the target: a person does not know the file beside it."""
    number = error.errno if isinstance(error, OSError) else None
    if number in (errno.ENOSPC, errno.EDQUOT):
        return DiskFull("there is no room", where=str(path), cure="free some space and try again")
    reason = os.strerror(number).lower() if number else "the format's driver failed"
    return EnvironmentFault(
        f"zones can't be written: {reason}",
        where=str(path),
        cure="check the folder's permissions and its disk, or choose another",
    )
