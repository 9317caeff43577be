"""The requests of docs/guides/planning-over-rest.md, sent; the answers must be as it shows them."""

import json
import re
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from api.accounts import Role
from api.live import LiveFeed
from api.services import Limits
from core.ids import AssetId
from geo.adapters.flat_terrain import FlatTerrain
from geo.adapters.memory_zones import MemoryZones
from geo.zones import Purpose
from incidents.adapters.memory_store import MemoryIncidentStore
from incidents.geotag import GeotagLimits
from missions.adapters.memory_control import MemoryControlStore
from missions.adapters.memory_permissions import MemoryPermissions
from missions.adapters.memory_store import MemoryMissionStore
from missions.control.desk import ControlDesk
from missions.model import Asset, AssetKind, Sortie
from sim.clock import ManualClock
from station import patrol_line
from station.circumstances import known_circumstances
from station.fleet import Fleet
from station.operations import StationOperations
from station.sight_line import Ground
from telemetry.adapters.memory_log import MemoryTelemetryLog
from tests.api.station import Station, a_station
from tests.builders import GROUND, NOW, an_asset
from vision.adapters.scripted_detector import ScriptedDetector
from vision.shared_detector import SharedDetector

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "guides" / "planning-over-rest.md"
BLOCK = re.compile(r"```http\n(.*?)```\s+```json\n(.*?)```", re.DOTALL)


@dataclass(frozen=True)
class Exchange:
    """One request of the guide and the answer that it shows."""

    method: str
    path: str
    headers: dict[str, str]
    body: str
    status: int
    shown_headers: dict[str, str]
    shown: Any


def exchanges() -> Iterator[Exchange]:
    for asked, told in BLOCK.findall(GUIDE.read_text("utf-8")):
        head, _, body = asked.partition("\n\n")
        line, *headers = head.strip().splitlines()
        method, path = line.split(" ")
        first, _, shown = told.partition("\n")
        status, _, header = first.partition(" ")
        yield Exchange(
            method,
            path,
            fields_of(headers),
            body.strip(),
            int(status),
            fields_of([header] if header else []),
            json.loads(shown) if shown.strip() else None,
        )


def fields_of(lines: list[str]) -> dict[str, str]:
    return dict(line.split(": ", 1) for line in lines)


def filled(text: str, known: dict[str, str]) -> str:
    return re.sub(r"\$([A-Za-z_]+)", lambda match: known[match[1]], text)


def differences(shown: Any, found: Any, known: dict[str, str], at: str = "") -> Iterator[str]:
    """Yields where an answer is not as the guide shows it; binds `$name` to what is there."""
    if shown == "…":
        return
    if isinstance(shown, str) and shown.startswith("$"):
        if known.setdefault(shown[1:], found) != found:
            yield f"{at}: {found!r} is not {shown}"
    elif isinstance(shown, dict) and isinstance(found, dict):
        for name, part in shown.items():
            if name == "…":
                continue
            if name not in found:
                yield f"{at}.{name} is not there"
            else:
                yield from differences(part, found[name], known, f"{at}.{name}")
        if "…" not in shown and (more := found.keys() - shown.keys()):
            yield f"{at}: the guide does not show {sorted(more)}"
    elif isinstance(shown, list) and isinstance(found, list):
        open_end = bool(shown) and shown[-1] == "…"
        whole = shown[:-1] if open_end else shown
        if len(found) < len(whole) or (len(found) > len(whole) and not open_end):
            yield f"{at} has {len(found)} items, the guide {len(whole)}"
        for number, part in enumerate(whole[: len(found)]):
            yield from differences(part, found[number], known, f"{at}[{number}]")
    elif isinstance(shown, float) and isinstance(found, int | float):
        if found != pytest.approx(shown, rel=2e-3, abs=1e-6):
            yield f"{at}: {found!r}, the guide says {shown!r}"
    elif shown != found or type(shown) is not type(found):
        yield f"{at}: {found!r}, the guide says {shown!r}"


class NoHangar:
    """Has no vehicle: nothing of this guide starts one."""

    def craft(self, asset: Asset) -> AbstractAsyncContextManager[patrol_line.Craft]:
        raise AssertionError("nothing starts here")

    def view(self, asset: Asset, sortie: Sortie) -> patrol_line.View:
        raise AssertionError("nothing starts here")


@contextmanager
def a_planning_station() -> Iterator[Station]:
    """A station that plans and proves as the real one does, with a drone and a car."""
    zones, missions, permissions = MemoryZones(), MemoryMissionStore(), MemoryPermissions()
    clock = ManualClock(NOW)
    live = LiveFeed(clock)
    ground = Ground(FlatTerrain(GROUND, 1.0))
    with SharedDetector(ScriptedDetector()) as detector:
        line = patrol_line.Station(
            clock, detector, MemoryIncidentStore(), live, MemoryTelemetryLog(), ground,
            lambda: zones.find(Purpose.WATCH), GeotagLimits(500.0, 25.0),
        )  # fmt: skip
        fleet = Fleet(lambda: tuple(missions.assets()), ground, clock.now, lambda *_: None)
        operations = StationOperations(
            line, NoHangar(), missions, zones, fleet,
            control=ControlDesk(MemoryControlStore(), clock), on_sortie=live.sortie_changed,
            circumstances=known_circumstances(permissions),
        )  # fmt: skip
        stores = {"zones": zones, "missions": missions, "permissions": permissions}
        limits = Limits(schedule_review=True)
        with a_station(operations=operations, limits=limits, **stores) as station:
            missions.save_asset(an_asset())
            car = an_asset(asset_id=AssetId("car-1"), name="Car 1", kind=AssetKind.VEHICLE)
            missions.save_asset(car)
            yield station


def walk(station: Station) -> Iterator[tuple[Exchange, Any, list[str]]]:
    """Yields each exchange of the guide, what was answered, and where the two differ."""
    known = {
        "PLANNER": station.token_of(station.account(Role.PLANNER, login="aigerim")),
        "SECOND": station.token_of(station.account(Role.PLANNER, login="daniyar")),
    }
    for one in exchanges():
        headers = {name: filled(value, known) for name, value in one.headers.items()}
        options: dict[str, Any] = {}
        if one.body:
            headers["Content-Type"] = "application/json"
            options["content"] = filled(one.body, known).encode()
        path = filled(one.path, known).removeprefix("/api/v1")
        answer = station.stranger(**headers).send(one.method, path, **options)
        wrong = []
        if answer.status_code != one.status:
            wrong.append(f"status {answer.status_code}, the guide says {one.status}: {answer.text}")
        wrong += [
            f"{name}: {answer.headers.get(name)}, the guide says {value}"
            for name, value in one.shown_headers.items()
            if answer.headers.get(name) != value
        ]
        wrong += differences(one.shown, answer.json(), known)
        yield one, answer.json(), wrong


def test_the_guide_leads_from_a_zone_to_an_approved_schedule() -> None:
    done = []
    with a_planning_station() as station:
        for one, answer, wrong in walk(station):
            assert wrong == [], (one.method, one.path, answer)
            done.append(f"{one.method} {one.path.partition('?')[0]}")
        (schedule,) = station.schedules.schedules()
        assert schedule.fires
        assert schedule.drafted_by not in (None, schedule.approved_by)
    for needed in (
        "POST /api/v1/zones",
        "POST /api/v1/permissions",
        "POST /api/v1/patrols",
        "POST /api/v1/plans/area",
        "POST /api/v1/patrols/$patrol/plan",
        "POST /api/v1/schedules/$schedule/approval",
        "POST /api/v1/dispatch",
    ):
        assert needed in done


def test_what_the_guide_shows_wrongly_is_found() -> None:
    known: dict[str, str] = {}
    found = {"id": "a", "n": [1, 2, 3], "f": 1.5}
    assert not [*differences({"id": "$it", "n": [1, "…"], "f": 1.5001}, found, known)]
    assert known == {"it": "a"}
    for shown in (
        {"id": "b", "…": "…"},
        {"id": "$it"},
        {"id": "a", "n": [1, 2], "f": 1.5},
        {"id": "a", "n": [1, 2, 4], "f": 1.5},
        {"id": "a", "n": "…", "f": 1.6},
        {"x": 1, "…": "…"},
        {"id": "$other", "n": "…", "f": "…", "…": "…", "y": "…"},
    ):
        assert [*differences(shown, found, {**known})], shown
