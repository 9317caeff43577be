"""Peak memory of `qyran ingest` on 1080p files of growing length.

    python benchmarks/ingest_memory.py [--minutes 2 5 10] [--look-fps 2]

Each file is made at run time (simulated district, 5 frames a second, ST 0601 metadata) and
ingested by a process of its own, with the shipped network, a watch zone over everything, and
the real stores. Goals: below 1 GB, and flat: the longest at most a tenth above the shortest.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from shapely import box

from core.ids import ZoneId
from geo.adapters.geojson_zones import write_zones
from geo.local_frame import LocalFrame
from geo.zones import Purpose, Zone
from sim.camera import SyntheticCamera
from sim.projection import CameraPose, Pinhole
from sim.stream import H264Streamer
from sim.world import build_world
from sim.world_layout import GROUND_AMSL_M, ORIGIN_LATITUDE_DEG, ORIGIN_LONGITUDE_DEG

FPS, HFOV_DEG = 5, 62.0
START_AT = datetime(2026, 6, 15, 6, tzinfo=UTC)
CHILD = """
import json, sys
from pathlib import Path
from station.cli import main
code = main(sys.argv[1:])
status = dict(l.split(":", 1) for l in Path("/proc/self/status").read_text().splitlines())
sys.stderr.write("PEAK " + status["VmHWM"].split()[0] + "\\n")
sys.exit(code)
"""


def make_video(path: Path, minutes: float) -> None:
    """Renders some places over the main street and repeats them, forth and back."""
    lens = Pinhole.from_field_of_view(1920, 1080, HFOV_DEG)
    camera = SyntheticCamera(build_world(1), lens)
    origin = LocalFrame(ORIGIN_LATITUDE_DEG, ORIGIN_LONGITUDE_DEG)
    vfov = float(np.degrees(2 * np.arctan(540 / lens.fy_px)))
    poses = [CameraPose(60.0 + 2.0 * k, -140.0, 50.0, 0.0, -60.0) for k in range(24)]
    images = [camera.render(pose, k / 2).image for k, pose in enumerate(poses)]
    with H264Streamer(1920, 1080, FPS, path) as stream:
        for number in range(round(minutes * 60 * FPS)):
            step = number // 3 % 46
            k = step if step < 24 else 46 - step
            lat, lon = origin.to_geo1_deg(poses[k].east_m, poses[k].north_m)
            numbers = {
                5: 0.0, 6: 0.0, 7: 0.0, 13: lat, 14: lon, 15: GROUND_AMSL_M + 50.0,
                16: HFOV_DEG, 17: vfov, 18: 0.0, 19: -60.0, 20: 0.0, 25: float(GROUND_AMSL_M),
            }  # fmt: skip
            stream.send(images[k], START_AT + timedelta(seconds=number / FPS), numbers)


def run(home: Path, *words: str) -> tuple[str, int]:
    """Runs a verb in a process of its own; returns its answer and its peak in bytes."""
    environment = {**os.environ, "QYRAN_HOME": str(home)}
    done = subprocess.run(
        [sys.executable, "-c", CHILD, *words, "--json"],
        env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    peak = [line for line in done.stderr.splitlines() if line.startswith("PEAK ")][-1]
    return done.stdout, int(peak.split()[1]) * 1024


def measure(folder: Path, minutes: float, look_fps: float) -> dict[str, float]:
    """Returns the figures of one length."""
    made = subprocess.run(
        [sys.executable, __file__, "--make", str(folder / "video.ts"), "--minutes", str(minutes)],
        check=True, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    made.check_returncode()
    home, zones = folder / f"home{minutes:g}", folder / "zones.geojson"
    edge = 0.01
    area = box(ORIGIN_LONGITUDE_DEG - edge, ORIGIN_LATITUDE_DEG - edge,
               ORIGIN_LONGITUDE_DEG + edge, ORIGIN_LATITUDE_DEG + edge)  # fmt: skip
    rules = ("vehicle_stopped", "waste_heap")
    write_zones(
        zones, [Zone(ZoneId("zone-all"), "all", frozenset({Purpose.WATCH}), area, rules=rules)]
    )
    run(home, "zones", "import", str(zones))
    answer, peak = run(home, "ingest", str(folder / "video.ts"), "--fps", f"{look_fps:g}")
    report = json.loads(answer)
    return {
        "minutes": minutes,
        "file_mb": round((folder / "video.ts").stat().st_size / 1e6, 1),
        "peak_mb": round(peak / 1e6, 1),
        "frames": report["frames"],
        "detections": report["detections"],
        "incidents": len(report["incidents"]),
        "wall_s": report["wall_s"],
    }


def main() -> int:
    """Measures each length and prints one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, nargs="+", default=[2.0, 5.0, 10.0])
    parser.add_argument("--look-fps", type=float, default=2.0)
    parser.add_argument("--make", type=Path, help=argparse.SUPPRESS)
    told = parser.parse_args()
    if told.make:
        make_video(told.make, told.minutes[0])
        return 0
    with tempfile.TemporaryDirectory() as name:
        rows = [measure(Path(name), minutes, told.look_fps) for minutes in told.minutes]
    peaks = [row["peak_mb"] for row in rows]
    document = {
        "rows": rows,
        "goal_mb": 1_000,
        "below_goal": max(peaks) < 1_000,
        "longest_over_shortest": round(peaks[-1] / peaks[0], 3),
    }
    print(json.dumps(document, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
