"""Plans in files of every format that is known, told apart by their ending."""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from core.errors import PlanUnreadable, SettingInvalid, SourceMissing, SourceUnreadable
from core.ids import AssetId
from missions.formats.kml_plan import load_kml, save_kml, save_kmz
from missions.formats.losses import Loss
from missions.formats.plan_file import LoadedPlan, load_plan, save_plan
from missions.formats.plan_geojson import load_geojson, save_geojson
from missions.formats.waypoint_file import load_waypoints, save_waypoints
from missions.formats.wpml_file import DJI_MODELS, save_wpml
from missions.model import Plan

_MOST_BYTES = 64 * 1024 * 1024
_WPML = ".wpml.kmz"
READ_ENDINGS = (
    ".plan", ".mission", ".waypoints", ".txt", ".geojson", ".json", ".kml", ".kmz",
)  # fmt: skip
WRITTEN_ENDINGS = (
    ".plan", ".waypoints", ".txt", ".geojson", ".json", ".kml", ".kmz", _WPML,
)  # fmt: skip


def read_plan_file(
    path: Path, asset_id: AssetId | None = None, *, height_m: float | None = None
) -> LoadedPlan:
    """Returns the plan that a file holds, with everything of the file that is lost.

    Args:
        path: its ending tells the format; `.json` may be a `.plan` or GeoJSON.
        asset_id: who flies; `None` takes what the file says.
        height_m: height above home of drawn lines that have none of their own.

    Raises:
        SourceMissing: if there is no such file.
        PlanUnreadable: if it is none of the formats, or broken.
    """
    ending = path.suffix.lower()
    where = str(path)
    if ending not in READ_ENDINGS and path.is_file():
        cure = f"give one that ends in {', '.join(READ_ENDINGS)}"
        raise PlanUnreadable(
            f"plans are not read from {ending or 'no ending'}", where=where, cure=cure
        )
    data = _bytes(path)
    if ending in (".kml", ".kmz"):
        return load_kml(data, asset_id, where=where, height_m=height_m)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        cure = "give a plan, waypoints, GeoJSON or KML"
        raise PlanUnreadable("is no text", where=where, cure=cure) from None
    if ending in (".waypoints", ".txt"):
        return load_waypoints(text, asset_id, where=where)
    drawn = ending == ".geojson" or (ending == ".json" and '"fileType"' not in text)
    if drawn:
        return load_geojson(text, asset_id, where=where, height_m=height_m)
    return load_plan(text, asset_id or AssetId("unnamed-drone"), where=where)


def _bytes(path: Path) -> bytes:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise PlanUnreadable("is larger than 64 MiB", where=str(path), cure="split it")
        return path.read_bytes()
    except FileNotFoundError:
        raise SourceMissing("no such file", where=str(path), cure="check the path") from None
    except (IsADirectoryError, PermissionError, NotADirectoryError) as error:
        reason = (error.strerror or "can't be read").lower()
        raise PlanUnreadable(reason, where=str(path), cure="give a file") from None


_SAVERS: Mapping[str, Callable[[Plan], tuple[str | bytes, tuple[Loss, ...]]]] = MappingProxyType(
    {
        ".plan": save_plan,
        ".waypoints": save_waypoints,
        ".txt": save_waypoints,
        ".geojson": save_geojson,
        ".json": save_geojson,
        ".kml": save_kml,
        ".kmz": save_kmz,
    }
)


def encode_plan(plan: Plan, path: Path, dji: str = "m30") -> tuple[bytes, tuple[Loss, ...]]:
    """Returns the bytes of a plan in the format of a path's ending, and what it does not carry.

    Args:
        plan: what is written.
        path: where it will go; nothing is written here.
        dji: short name of the aircraft that a wayline is for.

    Raises:
        SettingInvalid: if the ending or the aircraft is not known.
        PlanUnreadable: if the plan holds what the format can't say at all.
    """
    if path.name.lower().endswith(_WPML):
        if dji.lower() not in DJI_MODELS:
            cure = f"use one of {', '.join(DJI_MODELS)}"
            raise SettingInvalid(f"no aircraft is called {dji:.40}", where="--dji", cure=cure)
        return save_wpml(plan, DJI_MODELS[dji.lower()])
    saver = _SAVERS.get(path.suffix.lower())
    if saver is None:
        cure = f"let it end in {', '.join(WRITTEN_ENDINGS)}"
        message = f"plans are not written as {path.suffix or 'a file without ending'}"
        raise SettingInvalid(message, where=str(path), cure=cure)
    content, losses = saver(plan)
    return content.encode() if isinstance(content, str) else content, losses


def replace_file(path: Path, data: bytes) -> None:
    """Writes a file whole: a former one is there until the new one is.

    Raises:
        SourceUnreadable: if its folder is missing or can't be written.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_bytes(data)
        part.replace(path)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError, PermissionError) as error:
        part.unlink(missing_ok=True) if part.parent.is_dir() else None
        reason = (error.strerror or "can't be written").lower()
        raise SourceUnreadable(reason, where=str(path), cure="check the folder") from error
