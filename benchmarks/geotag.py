"""Pixels to places: how many a second on one core, beside CameraTransform in the same run.

    python benchmarks/geotag.py [--points 1000000] [--repeats 5] [--json FILE]

The same camera, the same pixels, the same plane; the two must agree to a millimetre before
anything is timed. Seconds are those of this process alone (CPU time, one thread), the best of
the repeats. CameraTransform is no dependency: where it is not installed its rows are left out
with a reason (`pip install cameratransform`, or a folder with it on PYTHONPATH).

Exit code: 0 where all goals that could be measured are met, 1 where one is missed.
"""

import argparse
import json
import os
import platform
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from geo.camera import CameraModel, ground_covariances, project_to_ground
from geo.positions import Altitude, Attitude, Datum, Pose, PoseSigma, Position
from incidents.geotag import ground_places

GOAL_PER_S = 1_000_000
GOAL_RATIO = 20.0
HEIGHT_M, PITCH_DEG, HEADING_DEG = 60.0, -50.0, 35.0
LAT_DEG, LON_DEG = 50.9754, 71.3549
CAMERA = CameraModel(1280, 720, 1000.0, 1000.0, 639.5, 359.5)
ATTITUDE = Attitude(HEADING_DEG, PITCH_DEG)
SIGMA = PoseSigma(1.5, 2.0, 2.0, 1.0, 1.0, 0.05)
POSE = Pose(
    datetime(2026, 11, 20, tzinfo=UTC),
    Position(LAT_DEG, LON_DEG, Altitude(HEIGHT_M, Datum.GROUND)),
    ATTITUDE,
    SIGMA,
)


@dataclass(frozen=True, slots=True)
class Row:
    """One way of doing it."""

    what: str
    points: int
    pixels_per_s: float


def _one_thread() -> None:
    """Starts this program again with one thread for numpy, which reads that when it is loaded."""
    names = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
    if all(os.environ.get(name) == "1" for name in names):
        return
    os.environ.update(dict.fromkeys(names, "1"))
    os.execv(sys.executable, [sys.executable, *sys.argv])


def best_s(work: Callable[[], object], repeats: int) -> float:
    """Returns the least CPU time of one run, after one run for warmth."""
    work()
    times = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return max(min(times), 1e-9)


def peer() -> tuple[object, str]:
    """Returns CameraTransform's camera, or `None` and why there is none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import cameratransform as ct  # type: ignore[import-not-found]
    except ImportError as error:
        return None, f"cameratransform is not installed ({error})"
    camera = ct.Camera(
        ct.RectilinearProjection(
            focallength_x_px=CAMERA.fx_px,
            focallength_y_px=CAMERA.fy_px,
            center_x_px=CAMERA.cx_px,
            center_y_px=CAMERA.cy_px,
            image=(CAMERA.width_px, CAMERA.height_px),
        ),
        ct.SpatialOrientation(
            elevation_m=HEIGHT_M, tilt_deg=90 + PITCH_DEG, heading_deg=HEADING_DEG, roll_deg=0
        ),
    )
    camera.setGPSpos(LAT_DEG, LON_DEG, HEIGHT_M)
    return camera, f"cameratransform {ct.__version__}"


def main() -> int:
    """Measures, prints a table and one JSON line, and returns the exit code."""
    _one_thread()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--points", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", type=Path, default=None)
    options = parser.parse_args()
    n = options.points
    draw = np.random.default_rng(1)
    u, v = draw.uniform(0, 1279, n), draw.uniform(0, 719, n)
    pixels = np.stack([u, v], axis=1)
    theirs, said = peer()

    def measured(what: str, work: Callable[[], object], points: int = n) -> Row:
        return Row(what, points, points / best_s(work, options.repeats))

    ours = measured(
        "qyran: place on a plane", lambda: project_to_ground(CAMERA, ATTITUDE, HEIGHT_M, u, v)
    )
    rows = [
        ours,
        measured(
            "qyran: place and covariance",
            lambda: ground_covariances(CAMERA, ATTITUDE, HEIGHT_M, u, v, SIGMA),
        ),
        measured(
            "qyran: latitude, longitude, covariance",
            lambda: ground_places(CAMERA, POSE, HEIGHT_M, u, v),
        ),
    ]
    few = 20
    small = [
        Row(
            "qyran: place on a plane, 20 at a time",
            few,
            few
            * 200
            / best_s(
                lambda: [
                    project_to_ground(CAMERA, ATTITUDE, HEIGHT_M, u[:few], v[:few])
                    for _ in range(200)
                ],
                options.repeats,
            ),
        )
    ]
    ratio = ratio_geo = None
    if theirs is None:
        print(f"CameraTransform left out: {said}", file=sys.stderr)
    else:
        place = theirs.spaceFromImage  # type: ignore[attr-defined]
        apart_m = float(
            np.abs(
                place(pixels[:1_000])[:, :2]
                - project_to_ground(CAMERA, ATTITUDE, HEIGHT_M, u[:1_000], v[:1_000]).T
            ).max()
        )
        if apart_m > 1e-3:
            print(f"the two disagree by {apart_m:.3f} m; nothing was compared", file=sys.stderr)
            return 1
        rows.append(measured(f"{said}: spaceFromImage", lambda: place(pixels)))
        ratio = ours.pixels_per_s / rows[-1].pixels_per_s
        gps = theirs.gpsFromImage  # type: ignore[attr-defined]
        part = pixels[: min(n, 100_000)]
        rows.append(measured(f"{said}: gpsFromImage", lambda: gps(part), len(part)))
        ratio_geo = rows[2].pixels_per_s / rows[-1].pixels_per_s
        small.append(
            Row(
                f"{said}: spaceFromImage, 20 at a time",
                few,
                few
                * 50
                / best_s(lambda: [place(pixels[:few]) for _ in range(50)], options.repeats),
            )
        )
    for row in (*rows, *small):
        print(f"{row.what:55} {row.pixels_per_s:>14,.0f} pixels/s")
    goals = {"pixels_per_s": ours.pixels_per_s >= GOAL_PER_S}
    if ratio is not None:
        goals["ratio"] = ratio >= GOAL_RATIO
        print(f"{'ratio, place on a plane (goal 20)':55} {ratio:>14.1f} times")
        print(
            f"{'ratio, latitude and longitude (ours: covariance too)':55} {ratio_geo:>14.1f} times"
        )
    answer = {
        "rows": [asdict(row) for row in (*rows, *small)],
        "ratio": ratio,
        "ratio_geographic": ratio_geo,
        "peer": said,
        "goals": goals,
        "python": platform.python_version(),
        "numpy": np.__version__,
    }
    if options.json is not None:
        options.json.write_text(json.dumps(answer, indent=1))
    print(json.dumps(answer))
    return 0 if all(goals.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
