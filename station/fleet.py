"""The fleet as it is now: newest telemetry and footprint of each asset, and who is told."""

import threading
from collections.abc import Callable
from datetime import datetime

import numpy as np

from core.errors import DatumUnknown
from core.ids import AssetId
from geo.camera import footprint
from geo.datums import height_above_ground_m
from geo.local_frame import LocalFrame
from missions.model import Asset
from station.sight_line import Ground
from telemetry.model import AssetStatus, TelemetrySample

Corners = tuple[tuple[float, float], ...]
"""Latitude and longitude of a border's corners."""

_FOOTPRINT_REACH_M = 150.0
"""As far as a detector still finds something; the horizon is no footprint."""


class Fleet:
    """Keeps the newest of every asset; safe in all threads."""

    def __init__(
        self,
        assets: Callable[[], tuple[Asset, ...]],
        ground: Ground,
        now: Callable[[], datetime],
        told: Callable[[AssetId, AssetStatus], None],
    ) -> None:
        """Starts with nothing heard.

        Args:
            assets: the assets known.
            ground: what footprints lie on.
            now: the station's clock.
            told: called after each sample.
        """
        self._assets, self._ground, self._now, self._told = assets, ground, now, told
        self._lock = threading.Lock()
        self._newest: dict[AssetId, AssetStatus] = {}
        self._words: dict[AssetId, str] = {}
        self._hearers: tuple[Callable[[TelemetrySample], None], ...] = ()

    def heard(self, sample: TelemetrySample) -> None:
        """Takes an asset's newest sample."""
        with self._lock:
            words = self._words.get(sample.asset_id, "")
            status = AssetStatus(sample, self._now(), words)
            self._newest[sample.asset_id] = status
        self._told(sample.asset_id, status)
        for hearer in self._hearers:
            hearer(sample)

    def also_tell(self, hearer: Callable[[TelemetrySample], None]) -> None:
        """Has another told of each sample from now on; it must not take long nor raise."""
        self._hearers = (*self._hearers, hearer)

    def status(self, asset_id: AssetId) -> AssetStatus | None:
        """Returns the newest that is known of an asset."""
        with self._lock:
            return self._newest.get(asset_id)

    def footprint(self, asset_id: AssetId) -> Corners | None:
        """Returns the border of the ground that its camera sees now, `None` where unknown."""
        status = self.status(asset_id)
        asset = next((a for a in self._assets() if a.asset_id == asset_id), None)
        if status is None or asset is None or asset.camera is None:
            return None
        position, camera = status.sample.position, status.sample.camera
        if position is None or camera is None:
            return None
        try:
            height_m = height_above_ground_m(position, self._ground.terrain, asset.home.altitude)
        except DatumUnknown:
            return None
        if height_m <= 0.5:
            return None
        border = footprint(
            asset.camera.model, camera, height_m, greatest_distance_m=_FOOTPRINT_REACH_M
        )
        if border.shape[1] < 3:
            return None
        frame = LocalFrame(position.lat_deg, position.lon_deg)
        lat, lon = frame.to_geo_deg(border[0], border[1])
        return tuple(zip(np.round(lat, 7).tolist(), np.round(lon, 7).tolist(), strict=True))
