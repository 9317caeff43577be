"""What `qyran check` is given beside the plan: its start, weather, other sorties.

An asset needs validators and may need the data folder: `station.given_asset`, loaded if one is
given.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from core.errors import (
    PlanUnreadable,
    SourceMissing,
    SourceUnreadable,
    UsageError,
    ZoneInvalid,
)
from core.ids import AssetId
from core.instants import read_near_instant
from geo.swapped import CURE, SAID, Box, box_at, swapped_among
from missions.circumstances import OwnFlight
from missions.formats.losses import findings as loss_findings
from missions.formats.losses import findings_of_other
from missions.formats.plan_file import LoadedPlan, load_plan
from missions.model import Asset, Finding, Plan
from missions.permissions import Permission
from missions.weather import BOUNDS, Weather, weather_numbers
from station.json_file import read_json
from station.wiring import read_permission_file

UNNAMED = AssetId("unnamed-drone")


def read_plan_file(
    path: Path, asset_id: AssetId = UNNAMED
) -> tuple[LoadedPlan, tuple[Finding, ...]]:
    """Returns what a plan file holds, and findings about what of it is not understood.

    Raises:
        SourceMissing: if there is no such file.
        PlanUnreadable: if it is no plan.
    """
    loaded = _loaded(path, asset_id)
    return loaded, loss_findings(loaded.losses)


def _loaded(path: Path, asset_id: AssetId) -> LoadedPlan:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise SourceMissing("no such file", where=str(path), cure="check the path") from None
    except (UnicodeDecodeError, OSError):
        cure = "give a QGroundControl .plan file"
        raise PlanUnreadable("is no text", where=str(path), cure=cure) from None
    return load_plan(text, asset_id, where=str(path))


def check_number(value: float | None, option: str, least: float, most: float, unit: str) -> None:
    """Refuses the number of an option that is none, or out of its bounds.

    Raises:
        UsageError: if it is; `where` names the option.
    """
    cure = f"give {least:g} to {most:g} {unit}"
    if value is None:
        return
    if not math.isfinite(value):
        raise UsageError(f"{value} is no finite number", where=option, cure=cure)
    if not least <= value <= most:
        raise UsageError(f"{value:g} {unit} can't be", where=option, cure=cure)


def read_start(text: str | None, where: str = "--at") -> datetime | None:
    """Returns the start of a flight; a time without an offset is in UTC.

    Args:
        text: ISO 8601, or `None`.
        where: the option that it was given by.

    Raises:
        SourceUnreadable: if it is no time.
    """
    if text is None:
        return None
    try:
        return read_near_instant(text, UTC, "the start")
    except ValueError as error:
        raise SourceUnreadable(
            str(error), where=where, cure="such as 2026-06-15T09:00:00+05:00"
        ) from error


def read_permissions(paths: Sequence[Path] | None, plan: Plan) -> tuple[Permission, ...] | None:
    """Returns the permissions of files, or `None` where no file is named.

    Raises:
        SourceMissing: if there is no such file.
        SourceUnreadable: if it is no such format.
        PlanUnreadable: if there is no permission in it.
        ZoneInvalid: if one makes no sense, or lies by home only with longitude and latitude
            swapped; `where` names which.
    """
    if paths is None:
        return None
    home = box_at(plan.home.lat_deg, plan.home.lon_deg)
    found: list[Permission] = []
    for path in paths:
        read = read_permission_file(path)
        boxes: list[Box] = [one.area.bounds for one in read]
        number = swapped_among(boxes, [home])
        if number is not None:
            where = f"{path}, permission {read[number].number}"
            raise ZoneInvalid(SAID, where=where, cure=CURE)
        found += read
    return tuple(found)


def read_weather(path: Path, at: datetime | None) -> Weather:
    """Returns the weather of a JSON file; one without `at` is for the start of the flight.

    Raises:
        SourceMissing: if there is no such file.
        SourceUnreadable: if it is no weather.
    """
    document = read_json(path)
    if isinstance(document, list) and len(document) == 1:
        document = document[0]
    if not isinstance(document, dict) or not BOUNDS.keys() & document.keys():
        cure = f"give an object with some of {', '.join(sorted(BOUNDS))}"
        raise SourceUnreadable("is no weather", where=str(path), cure=cure)
    try:
        given = document.get("at")
        valid_at = at or datetime.fromtimestamp(0, UTC)
        if given is not None:
            valid_at = read_near_instant(given, UTC, "at")
        values = weather_numbers(document)
    except ValueError as error:
        raise SourceUnreadable(
            f"is no weather: {error}", where=str(path), cure="give its values as numbers"
        ) from error
    return Weather(valid_at, **values, source=str(document.get("source", path.name)))


def read_other(text: str, at: datetime | None) -> tuple[OwnFlight, tuple[Finding, ...]]:
    """Returns another sortie, written `OTHER.plan` or `OTHER.plan@START`.

    Without a start of its own it starts when the checked flight does. The findings tell what of
    it is not understood; with an error among them nobody knows where it will be.

    Raises:
        SourceMissing: if there is no such file.
        PlanUnreadable: if it is no plan.
        SourceUnreadable: if its start is no time.
    """
    name, sign, start = text.rpartition("@")
    if not sign or Path(text).is_file():
        name, start = text, ""
    path = Path(name)
    loaded = _loaded(path, AssetId(path.stem))
    starts_at = read_start(start, f"--with {text}") if start else at
    told = findings_of_other(loaded.losses, path.stem, f"--with {name}")
    return OwnFlight(loaded.plan, starts_at or datetime.fromtimestamp(0, UTC)), told


def for_asset(plan: Plan, asset: Asset) -> Plan:
    """Returns a file's plan as that asset's."""
    return replace(plan, asset_id=asset.asset_id)
