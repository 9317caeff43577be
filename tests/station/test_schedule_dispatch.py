"""What a schedule starts at a station: its gates, its asset, its name, its one sortie."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest

from core.errors import IllegalMove
from core.ids import PatrolId, SortieId, UserId
from missions.adapters.memory_store import MemoryMissionStore
from missions.adapters.weather_file import WeatherFile
from missions.model import Sortie
from missions.schedules import Schedule, ScheduleStage, StopReason, WeatherGates
from station.schedule_dispatch import OperationsDispatcher
from tests.builders import NOW, a_patrol, a_sortie, after, an_asset
from tests.missions.schedule_builders import a_schedule

GATED = a_schedule(gates=WeatherGates())


class Operations:
    """Starts sorties into the store, as the station's own does."""

    def __init__(self, missions: MemoryMissionStore) -> None:
        self._missions = missions
        self.started: list[tuple[str, str]] = []

    async def start(
        self, patrol_id: PatrolId, by: UserId, *, sortie_id: SortieId | None = None
    ) -> Sortie:
        assert sortie_id is not None
        self.started.append((patrol_id, by))
        sortie = a_sortie(sortie_id=sortie_id)
        self._missions.save_sortie(sortie)
        return sortie


class Site:
    def __init__(self, folder: Path) -> None:
        self.missions, self.file = MemoryMissionStore(), folder / "weather.json"
        self.missions.save_asset(an_asset(wind_most_m_s=10.0))
        self.missions.save_patrol(a_patrol())
        self.operations = Operations(self.missions)
        self.dispatcher = OperationsDispatcher(
            self.operations, self.missions, WeatherFile(self.file)
        )

    def permits(self, schedule: Schedule) -> StopReason | None:
        return asyncio.run(self.dispatcher.permits(schedule, NOW)).reason

    def observe(self, wind_m_s: float, minutes_ago: float = 5) -> None:
        row = {"at": after(-60 * minutes_ago).isoformat(), "wind_m_s": wind_m_s,
               "temperature_c": 10, "source": "mast"}  # fmt: skip
        self.file.write_text(json.dumps(row))


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def test_without_gates_nothing_is_asked(site: Site) -> None:
    assert site.permits(a_schedule()) is None


def test_weather_comes_from_the_file_each_time_anew(site: Site) -> None:
    assert site.permits(GATED) is StopReason.STALE_WEATHER
    site.observe(5.0)
    assert site.permits(GATED) is None
    site.observe(10.1)
    assert site.permits(GATED) is StopReason.WEATHER_HOLD
    site.observe(5.0, minutes_ago=61)
    assert site.permits(GATED) is StopReason.STALE_WEATHER


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "7", "[7]", '{"wind_m_s": 3}', '{"at": "2026-11-20T09:00"}',
             '{"at": "2026-11-20T09:00+00:00", "wind_m_s": "calm"}',
             '{"at": "2026-11-20T09:00+00:00", "wind_m_s": NaN, "temperature_c": 10}'],
)  # fmt: skip
def test_a_file_that_is_broken_keeps_the_gates_closed(site: Site, text: str) -> None:
    site.file.write_text(text)
    assert site.permits(GATED) is StopReason.STALE_WEATHER


def test_of_several_observations_the_newest_that_is_valid_now_counts(site: Site) -> None:
    rows = [
        {"at": after(seconds).isoformat(), "wind_m_s": wind, "temperature_c": 10}
        for seconds, wind in ((-3_000, 5.0), (-600, 12.0), (7_200, 1.0))
    ]
    site.file.write_text(json.dumps(rows))
    assert site.permits(GATED) is StopReason.WEATHER_HOLD


def test_without_a_source_every_gate_stays_closed(site: Site) -> None:
    dispatcher = OperationsDispatcher(site.operations, site.missions, None)
    assert asyncio.run(dispatcher.permits(GATED, NOW)).reason is StopReason.STALE_WEATHER


def test_a_passive_asset_and_a_patrol_that_is_gone(site: Site) -> None:
    assert site.permits(a_schedule(patrol_id=PatrolId("gone"))) is StopReason.NO_PATROL
    site.missions.save_asset(replace(an_asset(), passive=True))
    assert site.permits(a_schedule()) is StopReason.ASSET_GROUNDED


def test_it_starts_under_the_name_of_who_approved_it(site: Site) -> None:
    sortie_id = SortieId("s-1")
    assert not site.dispatcher.started(sortie_id)
    asyncio.run(site.dispatcher.dispatch(a_schedule(), sortie_id))
    assert site.operations.started == [("patrol-1", "planner-1")]
    assert site.dispatcher.started(sortie_id)


def test_what_nobody_approved_never_starts(site: Site) -> None:
    for schedule in (a_schedule(stage=ScheduleStage.DRAFT), a_schedule(enabled=False)):
        with pytest.raises(IllegalMove):
            asyncio.run(site.dispatcher.dispatch(schedule, SortieId("s-1")))
    assert site.operations.started == []
