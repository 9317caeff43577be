"""A station in memory behind a real server, for the driver's page: the API itself, not a fake."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import uvicorn

from api.accounts import Role
from api.hosts import AllowedHosts
from core.ids import AssetId, MissionId, PatrolId, SortieId
from missions.driving.taps import Tap, TapKind
from missions.model import AssetKind, ItemKind, MissionItem, SortieState
from tests.api.station import Station, a_station
from tests.builders import AT, NOW, a_mission, a_patrol, a_place, a_plan, a_sortie, an_asset
from tests.page.conftest import ROOT

ROUND_EN_M = ((-190, -92), (0, -92), (195, -92), (195, 92), (0, 92), (-190, 92), (-190, -92))
"""Along the streets of the demo's district."""


@dataclass
class Served:
    """The station and where it is found."""

    station: Station
    address: str

    def drive(self, corners: tuple[tuple[float, float], ...] = ROUND_EN_M) -> None:
        """Puts car 1 on a sortie."""
        items = tuple(MissionItem(ItemKind.WAYPOINT, a_place(*corner, 0)) for corner in corners)
        plan = a_plan(
            asset_id=AssetId("car-1"),
            mission=a_mission(mission_id=MissionId("drive"), items=items),
            patrol_id=PatrolId("patrol-car"),
            return_altitude=None,
        )
        self.station.missions.save_sortie(
            a_sortie(
                sortie_id=SortieId("sortie-car"),
                plan=plan,
                state=SortieState.UNDERWAY,
                started_at=NOW,
            )
        )

    @property
    def taps(self) -> list[Tap]:
        """What was pressed on car 1, without the seat, in the order in which it was received."""
        kept = self.station.taps.taps(AssetId("car-1"))
        return [tap for tap in kept if tap.kind not in (TapKind.TAKE, TapKind.LEAVE)]


def place_of(east_m: float, north_m: float) -> dict[str, float]:
    """Returns a place as a browser's geolocation is set."""
    lat, lon = AT.to_geo1_deg(east_m, north_m)
    return {"latitude": lat, "longitude": lon, "accuracy": 6.0}


def more_cars(station: Station, count: int) -> None:
    """Adds cars with long names, and an ambulance that is never tasked."""
    for number in range(2, count + 1):
        station.missions.save_asset(
            an_asset(
                asset_id=AssetId(f"car-{number}"),
                name=f"Патруль {100 + number} · Қосшы қаласы, {number}-учаске",
                kind=AssetKind.VEHICLE,
            )
        )
    station.missions.save_asset(
        an_asset(
            asset_id=AssetId("ambulance"),
            name="Жедел жәрдем 7",
            kind=AssetKind.VEHICLE,
            passive=True,
        )
    )


@contextmanager
def a_served_station() -> Iterator[Served]:
    """Serves a station in memory with the built page on a free port of loopback."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    city = json.loads((ROOT / "web/dev/fixtures/city.json").read_text("utf-8"))
    hosts = AllowedHosts(frozenset({"127.0.0.1"}))
    with a_station(
        demo=True, page_folder=ROOT / "station" / "page", city=lambda: city, hosts=hosts
    ) as station:
        station.missions.save_asset(
            an_asset(asset_id=AssetId("car-1"), name="Патруль 101", kind=AssetKind.VEHICLE)
        )
        station.missions.save_patrol(
            a_patrol(
                patrol_id=PatrolId("patrol-car"),
                name="Кешкі айналым",
                asset_id=AssetId("car-1"),
                route=tuple(AT.to_geo1_deg(*corner) for corner in ROUND_EN_M),
            )
        )
        station.account(Role.DRIVER, login="driver", password="a long enough password")
        config = uvicorn.Config(station.app, log_level="error", lifespan="off")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            yield Served(station, f"http://127.0.0.1:{port}")
        finally:
            station.live.close()
            server.should_exit = True
            thread.join(timeout=20)
