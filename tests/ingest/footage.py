"""Footage made at test time: coloured cars on grey ground, seen from a simulated drone.

Projected by `sim.projection`, which shares no code with `geo`, so distances to the truth are
an independent check of the whole line.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import av
import cv2
import numpy as np
from shapely import Polygon

from core.ids import ZoneId
from geo.local_frame import LocalFrame
from geo.zones import Purpose, Zone
from sim.projection import CameraPose, Pinhole, projection_matrix, to_pixels
from sim.stream import H264Streamer

START_AT = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)
FPS = 8.0
SECONDS = 7.0
HFOV_DEG = 62.0
WIDTH_PX, HEIGHT_PX = 640, 360
GROUND_AMSL_M = 350.0
ORIGIN = LocalFrame(50.9754, 71.3549)
MAGENTA = (255, 0, 255)
LENS = Pinhole.from_field_of_view(WIDTH_PX, HEIGHT_PX, HFOV_DEG)
HEIGHT_M, PITCH_DEG, SPEED_M_S = 45.0, -55.0, 4.0


@dataclass(frozen=True)
class Car:
    east_m: float
    north_m: float
    speed_m_s: float = 0.0

    def at(self, t_s: float) -> tuple[float, float]:
        return self.east_m + self.speed_m_s * t_s, self.north_m


STANDING = Car(4.0, 52.0)
OUTSIDE = Car(-14.0, 46.0)
MOVING = Car(-20.0, 62.0, 6.0)
CARS = (STANDING, OUTSIDE, MOVING)


def pose_at(t_s: float) -> CameraPose:
    return CameraPose(0.0, SPEED_M_S * t_s, HEIGHT_M, 3.0, PITCH_DEG)


def times(seconds: float = SECONDS) -> list[float]:
    return [k / FPS for k in range(round(seconds * FPS))]


def picture(t_s: float, cars: tuple[Car, ...] = CARS) -> np.ndarray:
    pose = pose_at(t_s)
    matrix = projection_matrix(LENS, pose)
    image = np.full((HEIGHT_PX, WIDTH_PX, 3), 110, np.uint8)
    for car in cars:
        east, north = car.at(t_s)
        ring = [(-2.2, -1.0), (2.2, -1.0), (2.2, 1.0), (-2.2, 1.0)]
        corners = np.array([(east + x, north + y, 0.75) for x, y in ring])
        pixels, depth = to_pixels(matrix, corners)
        if depth.min() > 1.0:
            cv2.fillConvexPoly(image, np.round(pixels).astype(np.int32), MAGENTA)
    return image


def pictures(seconds: float = SECONDS) -> Iterator[tuple[float, np.ndarray]]:
    for t_s in times(seconds):
        yield t_s, picture(t_s)


def write_mp4(path: Path, seconds: float = SECONDS, *, created: str = "") -> Path:
    with av.open(str(path), "w", format="mp4") as out:
        if created:
            out.metadata["creation_time"] = created
        stream = out.add_stream("libx264", rate=round(FPS))
        stream.width, stream.height, stream.pix_fmt = WIDTH_PX, HEIGHT_PX, "yuv420p"
        stream.options = {"preset": "ultrafast", "crf": "18", "g": "8"}
        for _, image in pictures(seconds):
            for packet in stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")):
                out.mux(packet)
        for packet in stream.encode(None):
            out.mux(packet)
    return path


def _stamp(t_s: float) -> str:
    whole, milli = divmod(round(t_s * 1000), 1000)
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d},{milli:03d}"


def write_srt(
    path: Path,
    seconds: float = SECONDS,
    *,
    gimbal: bool = True,
    shift_s: float = 0.0,
    dated: datetime | None = None,
) -> Path:
    """Writes cues; `dated` is the instant of the first, and dates all."""
    lines = []
    for number, t_s in enumerate(times(seconds), start=1):
        pose = pose_at(t_s)
        lat, lon = ORIGIN.to_geo1_deg(pose.east_m, pose.north_m)
        angles = (
            f", F.PRY (1.0°, 0.0°, {pose.yaw_deg:.1f}°), "
            f"G.PRY ({pose.pitch_deg:.1f}°, 0.0°, {pose.yaw_deg:.1f}°)"
        )
        lines.append(
            f"{number}\n{_stamp(t_s + shift_s)} --> {_stamp(t_s + shift_s + 1 / FPS)}\n"
            f"{'' if dated is None else f'{dated + timedelta(seconds=t_s):%Y-%m-%d %H:%M:%S}'}\n"
            f"F/5.6, SS 400, ISO 100, EV 0, GPS ({lon:.7f}, {lat:.7f}, 15), "
            f"HOME (71.354900, 50.975400, 350.00m), D 10.00m, H {pose.up_m:.2f}m, "
            f"H.S 4.00m/s, V.S 0.00m/s{angles if gimbal else ''}\n"
        )
    path.write_text("\n".join(lines), "utf-8")
    return path


def numbers_at(t_s: float) -> dict[int, float]:
    """The ST 0601 numbers of an instant, frame centre and corners by the simulator's optics."""
    pose = pose_at(t_s)
    lat, lon = ORIGIN.to_geo1_deg(pose.east_m, pose.north_m)
    slant_m = pose.up_m / np.sin(np.radians(-pose.pitch_deg))
    ahead = np.sqrt(slant_m**2 - pose.up_m**2)
    yaw = np.radians(pose.yaw_deg)
    centre = ORIGIN.to_geo1_deg(
        pose.east_m + ahead * np.sin(yaw), pose.north_m + ahead * np.cos(yaw)
    )
    vfov = 2 * np.degrees(np.arctan(HEIGHT_PX / 2 / LENS.fy_px))
    return {
        5: pose.yaw_deg, 6: 0.0, 7: 0.0, 13: lat, 14: lon, 15: GROUND_AMSL_M + pose.up_m,
        16: HFOV_DEG, 17: float(vfov), 18: 0.0, 19: pose.pitch_deg, 20: 0.0, 21: float(slant_m),
        23: centre[0], 24: centre[1], 25: GROUND_AMSL_M,
    }  # fmt: skip


def write_ts(path: Path, seconds: float = SECONDS, numbers=numbers_at) -> Path:
    with H264Streamer(WIDTH_PX, HEIGHT_PX, FPS, path, crf=18) as stream:
        for t_s, image in pictures(seconds):
            stream.send(image, START_AT + timedelta(seconds=t_s), numbers(t_s))
    return path


def zone_about(
    car: Car, half_m: float = 9.0, rules: tuple[str, ...] = ("vehicle_stopped",)
) -> Zone:
    east, north = car.at(0.0)
    ring = [(-half_m, -half_m), (half_m, -half_m), (half_m, half_m), (-half_m, half_m)]
    corners = [ORIGIN.to_geo1_deg(east + x, north + y)[::-1] for x, y in ring]
    return Zone(
        ZoneId("zone-test"), "kerb", frozenset({Purpose.WATCH}), Polygon(corners), rules=rules
    )


def place_of(car: Car) -> tuple[float, float]:
    return ORIGIN.to_geo1_deg(*car.at(0.0))
