"""The composition root: the only file that names adapters.

Nothing here decides anything; it opens what the settings name and hands it on as ports.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import av
import cv2
import numpy as np

from core.clock import Clock
from core.errors import SourceUnreadable
from core.ids import CameraId
from geo.adapters.flat_terrain import FlatTerrain
from geo.ports import TerrainModel
from geo.positions import Altitude
from incidents.adapters.clip_cutter import PacketRing
from incidents.adapters.evidence_maker import clip_evidence, crop_evidence, picture_evidence
from incidents.adapters.log_notifier import LogNotifier
from incidents.model import Evidence, Incident
from incidents.ports import EvidenceVault, Notifier
from missions.adapters.driver_pilot import DriverPilot
from missions.adapters.mavsdk_pilot import Deadlines, MavsdkPilot
from missions.model import Asset
from sim.route_vehicle import RouteVehicle
from station.patrol_line import Craft
from station.settings import Settings
from telemetry import st0601
from telemetry.adapters.mavsdk_link import MavsdkLink
from telemetry.adapters.mavsdk_system import open_system
from vision.adapters.av_source import AvSource
from vision.adapters.onnx_detector import OnnxDetector
from vision.adapters.ultralytics_detector import UltralyticsDetector
from vision.model import Detection, Frame
from vision.ports import Detector, FrameSource
from vision.shared_detector import SharedDetector

_RING_S = 120.0
"""How much of a stream is kept for clips."""


def open_detector(settings: Settings) -> SharedDetector:
    """Returns the one detector of all cameras.

    Raises:
        ModelUnreadable: if the weights are missing or broken.
        ExtraMissing: if the engine is not installed.
    """
    chosen = settings.detector
    network: Detector
    if chosen.engine == "ultralytics":
        network = UltralyticsDetector(chosen.weights)
    else:
        network = OnnxDetector(chosen.weights, threads=chosen.threads)
    return SharedDetector(network, batch_size=chosen.batch, queue_length=chosen.queue_frames)


def level_ground(altitude: Altitude, settings: Settings) -> TerrainModel:
    """Returns ground of one height, as badly known as the settings say."""
    return FlatTerrain(altitude, sigma_m=settings.geotag.terrain_sigma_m)


class ManyNotifiers:
    """Tells several; a failure of one is no matter of the others."""

    def __init__(self, *notifiers: Notifier) -> None:
        self._notifiers = (LogNotifier(), *notifiers)

    def incident_changed(self, incident: Incident) -> None:
        """Passes it on to each."""
        for notifier in self._notifiers:
            notifier.incident_changed(incident)


class StreamEvidence:
    """Evidence of a stream: pictures of its frames, clips from a ring of its packets."""

    def __init__(self, camera_id: CameraId, vault: EvidenceVault, settings: Settings) -> None:
        self._camera_id, self._vault = camera_id, vault
        self._before_s = settings.evidence.clip_before_s
        self._after_s = settings.evidence.clip_after_s
        self._ring = PacketRing(keep_s=_RING_S)
        self._origin_s: float | None = None

    def tap(self, packet: "av.Packet[Any]") -> None:
        """Keeps an encoded packet; media time 0 is that of the first."""
        if packet.pts is None or packet.time_base is None:
            return
        time_s = float(packet.pts * packet.time_base)
        if self._origin_s is None:
            self._origin_s = time_s
        self._ring.add(packet, time_s - self._origin_s)

    def pictures(self, frame: Frame, detection: Detection) -> tuple[Evidence, ...]:
        """Returns the whole frame with the thing marked, and its crop."""
        return (
            picture_evidence(frame, detection, self._vault),
            crop_evidence(frame, detection, self._vault),
        )

    def clip(self, start_s: float, end_s: float, captured_at: datetime) -> Evidence | None:
        """Returns the stretch of media time as a clip, as far as the ring still holds it."""
        span = self._ring.span
        if span is None or end_s < span[0]:
            return None
        data = self._ring.cut(max(span[0], start_s - self._before_s), end_s + self._after_s)
        return clip_evidence(data, self._vault, captured_at=captured_at, camera_id=self._camera_id)


def stream_source(
    url: str,
    camera_id: CameraId,
    evidence: StreamEvidence,
    *,
    live: bool,
    patience_s: float = 30.0,
) -> FrameSource:
    """Returns an asset's stream; its metadata packets date each frame where they are there.

    Args:
        url: where it is.
        camera_id: whose frames these are.
        evidence: is given each encoded packet.
        live: whether frames that nobody takes in time are lost.
        patience_s: longest silence before it counts as lost.
    """
    return AvSource(
        url,
        camera_id,
        live=live,
        stamp=st0601.time_stamp,
        packet_tap=evidence.tap,
        patience_s=patience_s,
    )


@asynccontextmanager
async def mavsdk_craft(
    asset: Asset, url: str, clock: Clock, settings: Settings, *, speed: float = 1.0
) -> AsyncIterator[Craft]:
    """Opens a PX4 vehicle by MAVSDK.

    Args:
        asset: the vehicle.
        url: where its autopilot sends to, such as `udpin://127.0.0.1:14540`.
        clock: the station's clock.
        settings: how long it may be silent.
        speed: simulated seconds per second of that clock's machine; 1 for real vehicles.

    Raises:
        VehicleUnreachable: if nothing answers there.
        PortInUse: if another program listens there.
    """
    async with open_system(
        url,
        clock,
        silence_limit_s=settings.link.silence_most_s * speed,
        connect_s=settings.link.connect_most_s,
    ) as system:
        pilot = MavsdkPilot(system, Deadlines().at_speed(speed))
        link = MavsdkLink(asset.asset_id, system)
        yield Craft(asset, pilot, link, fence_link=pilot, arming=pilot)


@asynccontextmanager
async def driven_craft(asset: Asset, car: RouteVehicle) -> AsyncIterator[Craft]:
    """Opens a crewed car: its driver is shown the route, its receiver speaks."""
    yield Craft(asset, DriverPilot(car, car.link), car.link())


def picture_size(data: bytes) -> tuple[int, int]:
    """Decodes a whole JPEG or PNG and returns its width and height in pixels.

    Raises:
        SourceUnreadable: if it can't be decoded.
    """
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise SourceUnreadable("is no picture that can be decoded", cure="send a JPEG or PNG")
    return int(image.shape[1]), int(image.shape[0])
