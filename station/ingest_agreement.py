"""How far our projection lies from the producer's own: a check of every convention at once."""

from dataclasses import dataclass

import numpy as np

from geo.camera import project_to_ground
from geo.local_frame import LocalFrame, distance_m
from telemetry.recorded import KlvTrack

_WIDTH_PX, _HEIGHT_PX = 1600, 900
"""Any size serves: the packets give both fields of view."""


@dataclass(frozen=True, slots=True)
class KlvAgreement:
    """Distances on the ground, in metres; `None` where nothing could be compared."""

    packets: int
    packets_refused: int
    compared: int
    centre_median_m: float | None
    centre_p90_m: float | None
    centre_max_m: float | None
    corners_median_m: float | None
    corners_p90_m: float | None
    corners_max_m: float | None
    slant_range_median_m: float | None
    """How far away the ground was, by the producer: the scale of all the others."""


def klv_agreement(track: KlvTrack) -> KlvAgreement:
    """Returns the distances of our frame centre and corners from the producer's."""
    centres: list[float] = []
    corners: list[float] = []
    slants: list[float] = []
    for record in track.records:
        position, attitude = record.sample.position, record.sample.camera
        camera = record.camera(_WIDTH_PX, _HEIGHT_PX)
        if record.refusal or camera is None or position is None or attitude is None:
            continue
        if record.ground is None or record.ground.datum != position.altitude.datum:
            continue
        height_m = position.altitude.metres - record.ground.metres
        right, bottom = _WIDTH_PX - 0.5, _HEIGHT_PX - 0.5
        u = np.array([camera.cx_px, -0.5, right, right, -0.5])
        v = np.array([camera.cy_px, -0.5, -0.5, bottom, bottom])
        east, north = project_to_ground(camera, attitude, height_m, u, v)
        frame = LocalFrame(position.lat_deg, position.lon_deg)
        lat, lon = frame.to_geo_deg(east, north)
        if record.slant_range_m is not None:
            slants.append(record.slant_range_m)
        if record.centre is not None and np.isfinite(lat[0]):
            centres.append(distance_m(float(lat[0]), float(lon[0]), *record.centre))
        for index, corner in enumerate(record.corners or (), start=1):
            if np.isfinite(lat[index]):
                corners.append(distance_m(float(lat[index]), float(lon[index]), *corner))
    return KlvAgreement(
        track.packets,
        track.packets - len(track.records),
        len(centres),
        *_spread(centres),
        *_spread(corners),
        _spread(slants)[0],
    )


def _spread(values: list[float]) -> tuple[float | None, float | None, float | None]:
    if not values:
        return None, None, None
    return float(np.median(values)), float(np.percentile(values, 90)), float(np.max(values))
