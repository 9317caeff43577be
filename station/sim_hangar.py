"""The demo's hangar: simulated vehicles that real drivers command, and cameras that film them.

A drone is a MAVLink endpoint on loopback, flown by MAVSDK; a car drives its route by itself.
Both stand at home from the start on, so the map shows them before they are tasked.
"""

import zlib
from contextlib import AbstractAsyncContextManager

from core.ids import AssetId
from incidents.ports import EvidenceVault
from missions.failsafes.authorisation import ArmAuthoriser
from missions.model import Asset, AssetKind, Sortie
from sim.camera_feed import CameraFeed, LivingWorld
from sim.clock import ScaledClock
from sim.mavlink_vehicle import MavlinkVehicle, free_udp_port
from sim.projection import CAR_CAMERA, DRONE_CAMERA
from sim.route_vehicle import RouteVehicle
from sim.stream import H264Streamer, TcpSink
from station.demo_scenario import FRAME
from station.patrol_line import Craft, View
from station.settings import Settings
from station.wiring import driven_craft, mavsdk_craft, stream_evidence, stream_source

DRONE_FPS = 4.0
CAR_FPS = 5.0

_FILM_FROM_M = 20.0
"""A drone films from this height on; lower, it sees but its own pad."""

_PATIENCE_S = 120.0
"""Rendering on a busy machine is slow, but it is no broken camera."""


class SimHangar:
    """A `station.operations.Hangar` over simulated vehicles."""

    def __init__(
        self,
        assets: tuple[Asset, ...],
        living: LivingWorld,
        clock: ScaledClock,
        vault: EvidenceVault,
        settings: Settings,
        *,
        seed: int,
        live: bool,
    ) -> None:
        """Puts the vehicles at their homes.

        Args:
            assets: drones and cars.
            living: the world that they film.
            clock: simulated time.
            vault: where evidence goes.
            settings: the station's.
            seed: of sensor errors and wind.
            live: whether late frames are dropped, as with real cameras, or waited for.
        """
        self._living, self._clock, self._vault = living, clock, vault
        self._settings, self._live = settings, live
        self.authoriser: ArmAuthoriser | None = None
        """Answers vehicles that ask whether they may arm."""
        self._ports: dict[AssetId, int] = {}
        self._drones: dict[AssetId, MavlinkVehicle] = {}
        self._cars: dict[AssetId, RouteVehicle] = {}
        for lens in (DRONE_CAMERA, CAR_CAMERA):
            living.camera(lens)  # paints the ground now, not in the middle of a flight
        for asset in assets:
            own_seed = seed * 1_000 + zlib.crc32(asset.asset_id.encode()) % 1_000
            if asset.kind is AssetKind.DRONE:
                port = self._ports[asset.asset_id] = free_udp_port()
                self._drones[asset.asset_id] = MavlinkVehicle(
                    asset, clock=clock, port=port, seed=own_seed, frame=FRAME
                )
            else:
                self._cars[asset.asset_id] = RouteVehicle(
                    asset, clock=clock, seed=own_seed, frame=FRAME
                )

    def start(self) -> None:
        """Switches the drones on."""
        for drone in self._drones.values():
            drone.start()

    def stop(self) -> None:
        """Switches everything off."""
        for drone in self._drones.values():
            drone.stop()

    def craft(self, asset: Asset) -> AbstractAsyncContextManager[Craft]:
        """Opens the way to a vehicle for one sortie."""
        if asset.asset_id in self._cars:
            return driven_craft(asset, self._cars[asset.asset_id])
        url = f"udpin://127.0.0.1:{self._ports[asset.asset_id]}"
        return mavsdk_craft(
            asset, url, self._clock, self._settings,
            speed=self._clock.factor, authoriser=self.authoriser,
        )  # fmt: skip

    def view(self, asset: Asset, sortie: Sortie) -> View:
        """Starts the asset's camera and opens its stream."""
        assert asset.camera is not None  # every asset of the demo has one
        drone = self._drones.get(asset.asset_id)
        body = drone or self._cars[asset.asset_id]
        lens, fps = (DRONE_CAMERA, DRONE_FPS) if drone else (CAR_CAMERA, CAR_FPS)
        sink = TcpSink(patience_s=_PATIENCE_S)
        feed = CameraFeed(
            self._living,
            lens,
            H264Streamer(lens.width_px, lens.height_px, fps, sink),
            truth_at=body.truth_at,
            newest_at=body.simulated_now,
            fps=fps,
            lowest_m=_FILM_FROM_M if drone else 0.0,
            live=self._live,
        )
        camera_id = asset.camera.camera_id
        evidence = stream_evidence(camera_id, self._vault, self._settings)
        source = stream_source(
            sink.url, camera_id, evidence.tap, live=self._live, patience_s=_PATIENCE_S
        )
        feed.start()

        def cut() -> None:
            source.close()
            feed.stop()

        return View(source, evidence, landed=lambda: feed.end(self._clock.now()), cut=cut)
