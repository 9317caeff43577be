"""The live feed and its stream."""

import asyncio
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from api.accounts import Role
from api.live import LiveFeed
from core.ids import AgencyId, AssetId, ZoneId
from incidents.model import IncidentState
from sim.clock import ManualClock
from telemetry.model import AssetStatus
from tests.api.station import Client, Station
from tests.api.test_incident_life import refused
from tests.builders import NOW, a_sample, a_sortie, an_incident


def a_status(asset: str = "drone-1", **changes: Any) -> AssetStatus:
    return AssetStatus(a_sample(asset_id=AssetId(asset), **changes), NOW)


def events_of(text: str) -> list[tuple[str, int, Any]]:
    events = []
    for block in text.split("\n\n"):
        fields = dict(
            line.split(": ", 1) for line in block.split("\n") if ": " in line and line[0] != ":"
        )
        if "event" in fields:
            events.append((fields["event"], int(fields["id"]), json.loads(fields["data"])))
    return events


async def _until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110  # the feed tells nobody that a reader has come
            await asyncio.sleep(0.001)


def stream(
    station: Station, clients: list[Client], act: Callable[[], None], **headers: str
) -> list[list[tuple[str, int, Any]]]:
    """Follows with all clients, acts, ends the feed, and returns what each was told."""

    async def run() -> list[str]:
        wanted = [asyncio.create_task(c.asend("GET", "/live", headers=headers)) for c in clients]
        await _until(lambda: station.live.followers == len(clients))
        await asyncio.to_thread(act)
        station.live.close()
        answers = [await one for one in wanted]
        assert all(a.headers["content-type"].startswith("text/event-stream") for a in answers)
        return [answer.text for answer in answers]

    return [events_of(text) for text in station.runner.run(run())]


def test_everyone_is_told_what_they_may_see(station: Station) -> None:
    clients = [
        station.client(Role.REVIEWER),
        station.client(Role.SERVICE, agency="roads"),
        station.client(Role.SERVICE, agency="cleaning"),
        station.client(Role.DEVICE, agency=None),
    ]

    def act() -> None:
        station.live.incident_changed(
            an_incident(state=IncidentState.ASSIGNED, agency=AgencyId("roads"))
        )
        station.live.sortie_changed(a_sortie())
        station.live.zone_changed(ZoneId("zone-1"), 4)
        station.live.asset_changed(a_status())

    told = stream(station, clients, act)
    kinds = [[kind for kind, _, _ in events] for events in told]
    assert kinds == [
        ["incident", "sortie", "zone", "asset"],
        ["incident", "sortie", "zone", "asset"],
        ["sortie", "zone", "asset"],
        ["sortie", "zone", "asset"],
    ]
    reviewer, roads = told[0], told[1]
    assert reviewer[0][2]["actions"] == ["claim", "assign"][:1] + reviewer[0][2]["actions"][1:]
    assert roads[0][2]["actions"] == ["complete"]
    assert "timeline" not in reviewer[0][2]
    assert reviewer[2][2] == {"zone_id": "zone-1", "version": 4}
    assert reviewer[3][2]["status"]["altitude_m"] == 60.0
    ids = [number for _, number, _ in reviewer]
    assert ids == sorted(set(ids))


def test_a_reader_that_comes_back_misses_nothing(station: Station) -> None:
    start = station.live.newest_id
    for version in range(1, 6):
        station.live.zone_changed(ZoneId("zone-1"), version)
    client = station.client(Role.AUDITOR)
    (events,) = stream(station, [client], lambda: None, **{"Last-Event-ID": str(start + 2)})
    assert [data["version"] for _, _, data in events] == [3, 4, 5]


@pytest.mark.parametrize("last", ["1", "99999999999999999"])
def test_a_reader_that_was_away_too_long_is_told_so(station: Station, last: str) -> None:
    station.live.zone_changed(ZoneId("zone-1"), 1)
    client = station.client(Role.AUDITOR)
    (events,) = stream(
        station,
        [client],
        lambda: station.live.zone_changed(ZoneId("z"), 2),
        **{"Last-Event-ID": last},
    )
    assert [kind for kind, _, _ in events] == ["reset", "zone"]


@pytest.mark.parametrize("last", ["", "x", "-1", "0x1"])
def test_an_id_that_is_none_is_passed_over(station: Station, last: str) -> None:
    station.live.zone_changed(ZoneId("zone-1"), 1)
    client = station.client(Role.AUDITOR)
    (events,) = stream(station, [client], lambda: None, **{"Last-Event-ID": last})
    assert events == []


def test_a_stream_ends_with_the_session(station: Station) -> None:
    account = station.account(Role.AUDITOR)
    client = station.browser(account)

    async def run() -> str:
        wanted = asyncio.create_task(client.asend("GET", "/live"))
        await _until(lambda: station.live.followers == 1)
        station.accounts.drop_tokens(account.user_id)
        station.clock.advance_to(station.clock.now() + timedelta(minutes=1))
        station.live.zone_changed(ZoneId("zone-1"), 1)  # wakes it; the last it is told
        return (await asyncio.wait_for(wanted, 10)).text

    station.runner.run(run())
    assert station.live.followers == 0


def test_there_are_not_too_many_streams() -> None:
    from api.services import Limits
    from tests.api.station import a_station

    with a_station(limits=Limits(followers=0)) as station:
        refused(station.client(Role.AUDITOR).get("/live"), 429, "too_many_tries")


def test_an_asset_speaks_four_times_a_second_and_its_last_word_is_heard() -> None:
    clock = ManualClock(NOW)
    feed = LiveFeed(clock)
    start = feed.newest_id
    for step in range(100):  # 50 Hz for two seconds
        clock.advance_to(NOW + timedelta(milliseconds=20 * step))
        feed.asset_changed(a_status(battery_fraction=step / 100))
        feed.asset_changed(a_status("car-1"))
    said = [e.payload for e in feed.after(start)]
    drone = [p for p in said if isinstance(p, AssetStatus) and p.sample.asset_id == "drone-1"]
    assert len(drone) == len(said) / 2 == 8
    assert feed.assets_wait
    clock.advance_to(NOW + timedelta(seconds=3))
    last = [e.payload for e in feed.after(feed.newest_id)]
    assert {p.sample.asset_id: p.sample.battery_fraction for p in last} == {  # type: ignore[union-attr]
        "drone-1": 0.99,
        "car-1": 0.8,
    }
    assert not feed.assets_wait


def test_ids_grow_over_a_restart() -> None:
    clock = ManualClock(NOW)
    old = LiveFeed(clock)
    for version in range(50):
        old.zone_changed(ZoneId("z"), version)
    clock.advance_to(NOW + timedelta(seconds=1))
    new = LiveFeed(clock)
    assert new.newest_id > old.newest_id
    assert not new.holds_all_after(old.newest_id)


def test_the_ring_forgets_and_says_so() -> None:
    feed = LiveFeed(ManualClock(NOW), capacity=3)
    start = feed.newest_id
    assert feed.holds_all_after(start)
    for version in range(3):
        feed.zone_changed(ZoneId("z"), version)
    assert feed.holds_all_after(start)
    feed.zone_changed(ZoneId("z"), 3)
    assert not feed.holds_all_after(start)
    assert feed.holds_all_after(start + 1)
    assert [e.event_id - start for e in feed.after(start)] == [2, 3, 4]
