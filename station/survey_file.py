"""Pictures' poses and a camera, as files.

POSES is CSV with a header, or JSON lines, or one JSON list. Each picture has `lat`, `lon`,
`height_m`, `yaw_deg` (clockwise from true north), `pitch_deg` (-90 straight down) and may have
`roll_deg`, `name`, `at` (ISO 8601 with a zone), `datum` (`ground`, which is the default, `home`,
`geoid` or `ellipsoid`). Other fields are ignored.

CAMERA is JSON: `width_px`, `height_px` and either `hfov_deg` or `fx_px` (with `fy_px`, `cx_px`,
`cy_px` and `distortion`: k1, k2, p1, p2, k3, where they are known). An asset with a `camera` will
do too.
"""

import csv
import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from core.errors import SourceMissing, SourceUnreadable
from core.given_json import read_json_text
from geo.camera import CameraModel
from geo.positions import Altitude, Attitude, Datum, Pose, PoseSigma, Position
from missions.planning.survey_report import Picture
from station.json_file import read_json

_SIGMA = PoseSigma(0.0, 0.0, 0.0, 0.0, 0.0)
"""A report of what was seen takes the poses as they are."""
_START = datetime(1970, 1, 1, tzinfo=UTC)


def read_pictures(path: Path) -> tuple[Picture, ...]:
    """Returns the pictures of a file, in its order.

    Raises:
        SourceMissing: if there is no such file.
        SourceUnreadable: if a line is no pose; it is named.
    """
    pictures = []
    for number, row in _rows(path):
        try:
            pictures.append(_picture(row, number))
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            what = f"has no {error}" if isinstance(error, KeyError) else str(error)
            raise SourceUnreadable(
                f"picture {number}: {what}",
                where=str(path),
                cure="give lat, lon, height_m, yaw_deg, pitch_deg",
            ) from error
    return tuple(pictures)


def timed(pictures: Sequence[Picture]) -> bool:
    """Returns whether every picture says when it was taken."""
    return all(picture.pose.at.year != _START.year for picture in pictures)


def _rows(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    try:
        text = path.read_text("utf-8-sig")
    except FileNotFoundError as error:
        raise SourceMissing(
            "there is no such file", where=str(path), cure="check the path"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise SourceUnreadable(
            f"is no text: {error}", where=str(path), cure="save it as UTF-8 text"
        ) from error
    start = text.lstrip()[:1]
    if start == "[":
        listed = read_json(path)
        yield from enumerate(listed, start=1)
    elif start == "{":
        for number, line in enumerate(filter(str.strip, text.splitlines()), start=1):
            try:
                yield number, read_json_text(line)
            except ValueError as error:
                raise SourceUnreadable(
                    f"line {number} is no JSON: {error}", where=str(path), cure="one object a line"
                ) from error
    else:
        table = csv.DictReader(text.splitlines(), skipinitialspace=True)
        yield from enumerate(table, start=1)


def _picture(row: Mapping[str, Any], number: int) -> Picture:
    if not isinstance(row, Mapping):
        raise TypeError("is no object")

    def value(name: str, default: float | None = None) -> float:
        given = row.get(name)
        if given is None or given == "":
            if default is None:
                raise KeyError(name)
            return default
        found = float(given)
        if not math.isfinite(found):
            raise ValueError(f"{name} is not finite")
        return found

    given = row.get("at")
    at = datetime.fromisoformat(str(given)) if given else _START + timedelta(seconds=number)
    if at.tzinfo is None:
        raise ValueError("at has no time zone")
    datum = Datum(str(row.get("datum") or "ground").strip().lower())
    position = Position(value("lat"), value("lon"), Altitude(value("height_m"), datum))
    attitude = Attitude(value("yaw_deg"), value("pitch_deg"), value("roll_deg", 0.0))
    name = str(row.get("name") or number)
    return Picture(name, Pose(at, position, attitude, _SIGMA))


def read_camera(path: Path) -> CameraModel:
    """Returns the camera of a file.

    Raises:
        SourceMissing: if there is no such file.
        SourceUnreadable: if it is no camera.
    """
    document = read_json(path)
    if isinstance(document, dict) and isinstance(document.get("camera"), dict):
        document = document["camera"]
    try:
        width, height = int(document["width_px"]), int(document["height_px"])
        if not (0 < width <= 100_000 and 0 < height <= 100_000):
            raise ValueError("a picture has 1 to 100 000 pixels a side")
        if "hfov_deg" in document:
            hfov = float(document["hfov_deg"])
            if not 1 < hfov < 179:
                raise ValueError("hfov_deg is between 1 and 179")
            return CameraModel.from_hfov(width, height, hfov)
        fx = float(document["fx_px"])
        fy = float(document.get("fy_px", fx))
        if not (0 < fx < math.inf and 0 < fy < math.inf):
            raise ValueError("a focal length is positive")
        k1, k2, p1, p2, k3 = (float(one) for one in document.get("distortion") or (0.0,) * 5)
        return CameraModel(
            width, height, fx, fy, float(document.get("cx_px", (width - 1) / 2)),
            float(document.get("cy_px", (height - 1) / 2)), (k1, k2, p1, p2, k3),
        )  # fmt: skip
    except (KeyError, TypeError, ValueError) as error:
        what = f"has no {error}" if isinstance(error, KeyError) else str(error)
        raise SourceUnreadable(
            what, where=str(path), cure="give width_px, height_px and hfov_deg or fx_px"
        ) from error
