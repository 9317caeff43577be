"""DJI photographs: pose and lens from EXIF and XMP, without outside programs.

The gimbal's angles in XMP are in the earth frame. `RelativeAltitude` counts from the take-off
place; `AbsoluteAltitude` and EXIF's altitude have no stated datum and are never used. The
lens comes, in this order, from the maker's calibration (`DewarpData`), the calibrated focal
length, or the 35 mm equivalent.
"""

import math
import re
from datetime import datetime
from pathlib import Path

from PIL import Image as Pictures

from core.ids import AssetId
from core.refusals import Refusal, RefusalCode
from geo.camera import CameraModel
from geo.positions import Altitude, Attitude, Datum, PoseSigma, Position
from telemetry.model import TelemetrySample
from telemetry.recorded import PhotoPose, hfov_deg

_EXIF, _GPS = 0x8769, 0x8825
_ORIENTATION, _FOCAL_35MM = 274, 41989
_XMP_START, _XMP_END = b"<x:xmpmeta", b"</x:xmpmeta>"
_HEAD_BYTES = 1 << 20
_VALUE = re.compile(r"drone-dji:(\w+)\s*=\s*\"([^\"]*)\"|<drone-dji:(\w+)>([^<]*)</drone-dji:\w+>")
_BROKEN = (OSError, ValueError, SyntaxError, Pictures.DecompressionBombError)


def read_photo(path: Path, asset_id: AssetId, at: datetime) -> PhotoPose | Refusal:
    """Returns the pose and lens of a photograph, or why it can't place anything.

    Args:
        path: a JPEG file.
        asset_id: who took it.
        at: when it was taken.
    """
    try:
        with Pictures.open(path) as picture:
            size, exif = picture.size, picture.getexif()
            detail, gps = dict(exif.get_ifd(_EXIF)), dict(exif.get_ifd(_GPS))
            turned = exif.get(_ORIENTATION, 1) not in (0, 1)
        with path.open("rb") as file:
            xmp = _xmp(file.read(_HEAD_BYTES))
    except _BROKEN as error:
        return Refusal(RefusalCode.UNDECODABLE, f"a picture that can't be read: {error}")
    if turned:
        return Refusal(RefusalCode.UNKNOWN_GIMBAL, "a picture that was turned after it was taken")
    gimbal = _attitude(xmp, "Gimbal")
    if gimbal is None:
        return Refusal(RefusalCode.UNKNOWN_GIMBAL, "a picture without the gimbal's angles")
    place = _place(xmp, gps)
    if place is None:
        return Refusal(RefusalCode.BAD_TELEMETRY, "a picture without a position")
    height = _number(xmp, "RelativeAltitude")
    if height is None:
        return Refusal(RefusalCode.UNKNOWN_DATUM, "a picture without a height above take-off")
    camera = _camera(xmp, detail, *size)
    if camera is None:
        return Refusal(RefusalCode.UNKNOWN_CAMERA, "a picture without its focal length")
    sigma = _sigma(xmp)
    sample = TelemetrySample(
        asset_id,
        at,
        Position(*place, Altitude(height, Datum.HOME)),
        attitude=_attitude(xmp, "Flight"),
        camera=gimbal,
        horizontal_sigma_m=sigma.horizontal_m if sigma else None,
        vertical_sigma_m=sigma.vertical_m if sigma else None,
    )
    return PhotoPose(sample, camera, sigma)


def _xmp(head: bytes) -> dict[str, str]:
    start, end = head.find(_XMP_START), head.find(_XMP_END)
    if start < 0 or end < start:
        return {}
    text = head[start:end].decode("utf-8", "replace")
    return {m[1] or m[3]: (m[2] if m[1] else m[4]) for m in _VALUE.finditer(text)}


def _number(xmp: dict[str, str], name: str) -> float | None:
    try:
        value = float(xmp[name])
    except (KeyError, ValueError):
        return None
    return value if math.isfinite(value) else None


def _attitude(xmp: dict[str, str], whose: str) -> Attitude | None:
    yaw, pitch = _number(xmp, f"{whose}YawDegree"), _number(xmp, f"{whose}PitchDegree")
    if yaw is None or pitch is None:
        return None
    roll = _number(xmp, f"{whose}RollDegree") or 0.0
    if abs(abs(roll) - 180.0) < 1e-6 and whose == "Gimbal":
        roll = 0.0  # written by some firmware when the camera looks straight down
    return Attitude(yaw % 360.0, pitch, roll)


def _place(xmp: dict[str, str], gps: dict[int, object]) -> tuple[float, float] | None:
    lat, lon = _number(xmp, "GpsLatitude"), _number(xmp, "GpsLongitude")
    if lon is None:
        lon = _number(xmp, "GpsLongtitude")  # spelt so by some firmware
    if lat is None or lon is None:
        lat, lon = _degrees(gps.get(2), gps.get(1)), _degrees(gps.get(4), gps.get(3))
    if lat is None or lon is None or not (-90 <= lat <= 90 and -180 <= lon <= 180):
        return None
    return None if lat == 0 and lon == 0 else (lat, lon)


def _degrees(parts: object, side: object) -> float | None:
    if not isinstance(parts, tuple | list) or len(parts) != 3:
        return None
    try:
        degrees = float(parts[0]) + float(parts[1]) / 60 + float(parts[2]) / 3600
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    if not math.isfinite(degrees):
        return None
    return -degrees if str(side).strip("\x00 ") in ("S", "W") else degrees


def _camera(
    xmp: dict[str, str], detail: dict[int, object], width_px: int, height_px: int
) -> CameraModel | None:
    cx, cy = (width_px - 1) / 2, (height_px - 1) / 2
    dewarp = _numbers(xmp.get("DewarpData", "").partition(";")[2])
    if len(dewarp) >= 9 and dewarp[0] > 0 and dewarp[1] > 0:
        straight = xmp.get("DewarpFlag", "0") == "1"  # the picture has been rectified already
        k1, k2, p1, p2, k3 = (0.0,) * 5 if straight else dewarp[4:9]
        fx, fy, dx, dy = dewarp[:4]
        return CameraModel(width_px, height_px, fx, fy, cx + dx, cy + dy, (k1, k2, p1, p2, k3))
    calibrated = _number(xmp, "CalibratedFocalLength")
    if calibrated is not None and calibrated > 0:
        return CameraModel(width_px, height_px, calibrated, calibrated, cx, cy)
    try:
        equivalent = float(str(detail.get(_FOCAL_35MM, 0)))
    except ValueError:
        return None
    if not 5.0 < equivalent < 2_000.0:
        return None
    return CameraModel.from_hfov(width_px, height_px, hfov_deg(equivalent, width_px, height_px))


def _numbers(text: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",")] if text else []
    except ValueError:
        return []


def _sigma(xmp: dict[str, str]) -> PoseSigma | None:
    """Returns the errors that an RTK receiver with a fixed solution states."""
    parts = [_number(xmp, name) for name in ("RtkStdLat", "RtkStdLon", "RtkStdHgt")]
    if xmp.get("RtkFlag", "").strip() != "50" or any(part is None for part in parts):
        return None
    lat, lon, height = (float(part or 0.0) for part in parts)
    return PoseSigma(max(0.02, lat, lon), max(0.03, height), 2.0, 0.5, 0.5)
