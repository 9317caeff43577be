"""A simulated camera at work: it films the world from a vehicle and streams what it sees."""

import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from core.errors import SourceMissing
from sim.camera import SyntheticCamera
from sim.projection import CameraPose, Pinhole
from sim.stream import H264Streamer
from sim.vehicle_truth import VehicleTruth
from sim.world import World

log = logging.getLogger(__name__)

_NAP_S = 0.02


class LivingWorld:
    """The world as it is now, for all cameras: it may be changed while they film.

    World seconds count from `started_at`.
    """

    def __init__(self, world: World, started_at: datetime) -> None:
        self._lock = threading.Lock()
        self._world = world
        self._cameras: dict[Pinhole, SyntheticCamera] = {}
        self.started_at = started_at

    @property
    def world(self) -> World:
        """The world as it is now."""
        with self._lock:
            return self._world

    def seconds(self, at: datetime) -> float:
        """Returns an instant in world seconds."""
        return (at - self.started_at).total_seconds()

    def clear_away(self, thing_id: str, at: datetime) -> None:
        """Takes a thing out of the world from an instant on.

        Raises:
            KeyError: if no thing has that id.
        """
        with self._lock:
            self._world = self._world.without(thing_id, self.seconds(at))
            self._cameras.clear()

    def camera(self, lens: Pinhole) -> SyntheticCamera:
        """Returns a camera on the world as it is now."""
        with self._lock:
            if lens not in self._cameras:
                self._cameras[lens] = SyntheticCamera(self._world, lens)
            return self._cameras[lens]


class CameraFeed:
    """Films from a vehicle at a steady rate of simulated time, in its own thread.

    It never films the future: a frame waits until the vehicle has been there. Where rendering
    is slower than simulated time, a live camera leaves frames out as a real one under load
    does; otherwise the stream lags behind and no frame is left out.
    """

    def __init__(
        self,
        living: LivingWorld,
        lens: Pinhole,
        streamer: H264Streamer,
        *,
        truth_at: Callable[[datetime], VehicleTruth],
        newest_at: Callable[[], datetime],
        fps: float,
        lowest_m: float = 0.0,
        live: bool = False,
    ) -> None:
        """Makes the feed; `start` begins to film.

        Args:
            living: what is filmed.
            lens: the camera's intrinsics.
            streamer: where the pictures go; closed at the end.
            truth_at: where the vehicle and its camera truly were.
            newest_at: up to when that is known.
            fps: pictures per simulated second.
            lowest_m: nothing is filmed while the lens is lower than this above the ground.
            live: whether frames are left out rather than late.
        """
        self._living, self._lens, self._streamer = living, lens, streamer
        self._truth_at, self._newest_at = truth_at, newest_at
        self._step = timedelta(seconds=1.0 / fps)
        self._lowest_m = lowest_m
        self._live = live
        self._end_at: datetime | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._film, name="camera-feed", daemon=True)

    def start(self) -> None:
        """Begins to film."""
        self._thread.start()

    def end(self, at: datetime) -> None:
        """Films up to an instant of simulated time and then ends the stream."""
        self._end_at = at

    def stop(self) -> None:
        """Ends the stream at once and waits for it."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _film(self) -> None:
        at = self._newest_at()
        try:
            while not self._stop.is_set() and (self._end_at is None or at <= self._end_at):
                newest_at = self._newest_at()
                if at > newest_at:
                    self._stop.wait(_NAP_S)
                    continue
                if self._live:
                    at += (newest_at - at) // self._step * self._step
                truth = self._truth_at(at)
                if truth.camera_height_m >= self._lowest_m:
                    self._streamer.send(self._picture(truth), at)
                at += self._step
        except SourceMissing as gone:
            log.warning("the camera's stream has no receiver", extra={"reason": str(gone)})
        finally:
            self._streamer.close()

    def _picture(self, truth: VehicleTruth) -> NDArray[np.uint8]:
        pose = CameraPose(
            truth.east_m,
            truth.north_m,
            truth.camera_height_m,
            truth.camera.yaw_deg,
            truth.camera.pitch_deg,
            truth.camera.roll_deg,
        )
        world_s = self._living.seconds(truth.at)
        return self._living.camera(self._lens).render(pose, world_s).image
