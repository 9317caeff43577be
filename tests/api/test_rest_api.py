"""The rest of an interrupted sortie over HTTP, by the poses that a station has kept."""

from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import timedelta

import pytest
from shapely.geometry import shape

from api.accounts import Role
from api.live import LiveFeed
from core.errors import VehicleUnreachable
from core.ids import AssetId, PatrolId, SortieId
from geo.adapters.flat_terrain import FlatTerrain
from geo.adapters.memory_zones import MemoryZones
from geo.positions import Altitude, Attitude, Datum, Position
from geo.zones import Purpose, to_local
from incidents.adapters.memory_store import MemoryIncidentStore
from incidents.geotag import GeotagLimits
from missions.adapters.memory_control import MemoryControlStore
from missions.adapters.memory_permissions import MemoryPermissions
from missions.adapters.memory_store import MemoryMissionStore
from missions.control.desk import ControlDesk
from missions.model import Asset, AssetKind, Sortie, SortieState
from missions.planning.planner import plan_patrol
from missions.planning.seen_ground import views_along
from sim.clock import ManualClock
from station import patrol_line
from station.circumstances import known_circumstances
from station.fleet import Fleet
from station.operations import StationOperations
from station.sight_line import Ground
from telemetry.adapters.memory_log import MemoryTelemetryLog
from telemetry.model import TelemetrySample
from tests.api.station import Station, a_station
from tests.api.test_planning_guide import NoHangar
from tests.builders import AT, GROUND, NOW, a_mount, a_patrol, after, an_asset
from tests.missions.flying import a_fence
from tests.missions.proving import a_permission
from tests.missions.test_planner import a_watch
from vision.adapters.scripted_detector import ScriptedDetector
from vision.shared_detector import SharedDetector

DRONE = an_asset(camera=a_mount(pitch_deg=-80.0), endurance_s=1e5)
PATROL = replace(a_patrol(zone_ids=()), altitude=Altitude(45.0, Datum.HOME))
ZONE = a_watch((50, 50), (250, 50), (250, 200), (50, 200))
CITY = a_fence(400.0)
PLAN = replace(plan_patrol(PATROL, [ZONE], [CITY], DRONE), patrol_id=PATROL.patrol_id)


class Absent(NoHangar):
    """Has no vehicle that answers."""

    def craft(self, asset: Asset) -> AbstractAsyncContextManager[patrol_line.Craft]:
        raise VehicleUnreachable("nothing answers", where=asset.asset_id, cure="switch it on")


def samples(begin: float, end: float) -> list[TelemetrySample]:
    """What the drone says on a part of its plan, half a second apart, from the start on."""
    assert DRONE.camera is not None
    views = views_along(PLAN, DRONE.camera, step_m=3.5)
    found = []
    for k in range(int(begin * len(views)), int(end * len(views))):
        lat, lon = AT.to_geo1_deg(views.east_m[k], views.north_m[k])
        at = Position(lat, lon, Altitude(float(views.height_m[k]), Datum.HOME))
        look = Attitude(float(views.yaw_deg[k]), float(views.pitch_deg[k]))
        instant = NOW + timedelta(seconds=k / 2)
        found.append(TelemetrySample(DRONE.asset_id, instant, at, camera=look, on_ground=False))
    return found


def a_sortie(name: str, begin_s: float, end_s: float, **changes: object) -> Sortie:
    start, end = NOW + timedelta(seconds=begin_s), NOW + timedelta(seconds=end_s)
    sortie = Sortie(
        SortieId(name), PLAN, SortieState.ABORTED, started_at=start, ended_at=end,
        reason_code="low_battery",
    )  # fmt: skip
    return replace(sortie, **changes)


@pytest.fixture
def flown() -> Iterator[tuple[Station, MemoryTelemetryLog]]:
    """A station that plans as the real one does, of which one drone was interrupted."""
    zones, missions, permissions = (
        MemoryZones([ZONE, CITY]),
        MemoryMissionStore(),
        MemoryPermissions(),
    )
    log, clock = MemoryTelemetryLog(), ManualClock(after(hours=2))
    live, ground = LiveFeed(clock), Ground(FlatTerrain(GROUND, 1.0))
    with SharedDetector(ScriptedDetector()) as detector:
        line = patrol_line.Station(
            clock, detector, MemoryIncidentStore(), live, log, ground,
            lambda: zones.find(Purpose.WATCH), GeotagLimits(500.0, 25.0),
        )  # fmt: skip
        fleet = Fleet(lambda: tuple(missions.assets()), ground, clock.now, lambda *_: None)
        operations = StationOperations(
            line, Absent(), missions, zones, fleet,
            control=ControlDesk(MemoryControlStore(), clock), on_sortie=live.sortie_changed,
            circumstances=known_circumstances(permissions),
        )  # fmt: skip
        stores = {"zones": zones, "missions": missions, "permissions": permissions}
        with a_station(operations=operations, **stores) as station:
            missions.save_asset(DRONE)
            missions.save_patrol(PATROL)
            missions.save_sortie(a_sortie("s-1", 0, 3_000))
            station.missions, station.permissions = missions, permissions
            yield station, log


def test_an_interrupted_sortie_goes_on_where_its_camera_last_saw(
    flown: tuple[Station, MemoryTelemetryLog],
) -> None:
    station, log = flown
    log.append(samples(0.0, 0.5))
    answer = station.client(Role.PLANNER).post("/sorties/s-1/rest")
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert (found["sortie_id"], found["patrol_id"], found["done"]) == (
        "s-1", PATROL.patrol_id, False,
    )  # fmt: skip
    assert 0.3 < found["seen_fraction"] < 0.7
    assert found["poses"] == len(samples(0.0, 0.5))
    unseen = to_local(shape(found["unseen"]), AT)
    wanted = to_local(ZONE.area, AT)
    assert found["unseen_m2"] == pytest.approx(unseen.area, rel=1e-3)
    assert found["seen_fraction"] == pytest.approx(1 - unseen.area / wanted.area, abs=1e-3)
    assert 0 < found["plan"]["expected_s"] < 0.9 * PLAN.expected_s
    # no permission is on hand, and the rest is proven like any other plan
    assert found["plan"]["safe"] is False
    assert {one["code"] for one in found["plan"]["findings"]} >= {"permission_missing"}
    assert found["plan"]["zone_versions"] == {CITY.zone_id: CITY.version}


def test_the_rest_is_started_as_a_sortie_of_its_own(
    flown: tuple[Station, MemoryTelemetryLog],
) -> None:
    station, log = flown
    log.append(samples(0.0, 0.5))
    pilot = station.client(Role.PILOT)
    refused = pilot.post("/sorties/s-1/rest/sorties")
    assert (refused.status_code, refused.json()["code"]) == (409, "plan_unsafe")
    assert "permission_missing" in refused.json()["detail"]
    window = {"valid_from": NOW, "valid_until": after(hours=9)}
    station.permissions.save(a_permission(800.0, **window))
    started = pilot.post("/sorties/s-1/rest/sorties")
    assert started.status_code == 202, started.text
    (kept,) = station.missions.sorties(sortie_id=SortieId(started.json()["id"]))
    assert kept.proof
    assert kept.plan.patrol_id == PATROL.patrol_id
    assert 0 < kept.plan.expected_s < 0.9 * PLAN.expected_s
    log.append(samples(0.5, 1.0))
    station.missions.save_sortie(a_sortie("s-2", 0, 3_000))
    nothing = pilot.post("/sorties/s-2/rest/sorties", {"with_sorties": ["s-1"]})
    assert (nothing.status_code, nothing.json()["code"]) == (422, "bad_request")
    assert station.client(Role.PLANNER).post("/sorties/s-1/rest/sorties").status_code == 403


def test_what_another_sortie_of_the_patrol_saw_counts_if_asked(
    flown: tuple[Station, MemoryTelemetryLog],
) -> None:
    station, log = flown
    log.append(samples(0.0, 0.5))
    cut = len(samples(0.0, 0.5)) / 2
    log.append(samples(0.5, 1.0))
    station.missions.save_sortie(a_sortie("s-1", 0, cut, version=2))
    station.missions.save_sortie(a_sortie("s-2", cut, 3_000))
    pilot = station.client(Role.PILOT)
    alone = pilot.post("/sorties/s-2/rest").json()
    assert alone["done"] is False
    both = pilot.post("/sorties/s-2/rest", {"with_sorties": ["s-1"]}).json()
    assert (both["done"], both["plan"], both["unseen"]) == (True, None, None)
    assert both["seen_fraction"] == 1.0


def test_what_can_t_be_told_is_refused(flown: tuple[Station, MemoryTelemetryLog]) -> None:
    station, log = flown
    pilot = station.client(Role.PILOT)

    def refused(path: str, status: int, code: str, body: object = None) -> None:
        answer = pilot.post(path, body)
        assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text

    refused("/sorties/none/rest", 404, "not_found")
    refused("/sorties/s-1/rest", 409, "pose_unknown")
    blind = [replace(sample, camera=None) for sample in samples(0.0, 0.2)]
    log.append(blind)
    refused("/sorties/s-1/rest", 409, "pose_unknown")
    log.append([replace(s, at=s.at + timedelta(seconds=900)) for s in samples(0.0, 0.2)])
    other = replace(PLAN, patrol_id=PatrolId("other"))
    station.missions.save_sortie(a_sortie("s-3", 0, 10, plan=other))
    refused("/sorties/s-1/rest", 422, "bad_request", {"with_sorties": ["s-3"]})
    refused("/sorties/s-3/rest", 404, "not_found")
    loose = replace(PLAN, patrol_id=None)
    station.missions.save_sortie(a_sortie("s-4", 0, 10, plan=loose))
    refused("/sorties/s-4/rest", 422, "bad_request")
    car = an_asset(asset_id=AssetId("car-1"), kind=AssetKind.VEHICLE)
    station.missions.save_asset(car)
    station.missions.save_sortie(
        a_sortie("s-5", 0, 10, plan=replace(PLAN, asset_id=AssetId("car-1")))
    )
    refused("/sorties/s-5/rest", 422, "bad_request")
    assert station.client(Role.DISPATCHER).post("/sorties/s-1/rest").status_code == 403
