"""Frames per second of the whole line against the bare network, side by side.

    python benchmarks/pipeline.py [--frames 120] [--rounds 3] [--yolo]

A: the network alone on frames that are decoded already. B: the whole line on the same video:
decode, network, tracks, pose, geotag, rules, incidents in memory. Both with the network on one
thread and the same batches, in turns, so that a busy machine troubles both alike; the ratio
B / A of each round is what counts (goal: 0.90). With `--yolo`, C and D do the same video with a
yolo11n exported from its untrained yaml: C is our line, D ultralytics' track(stream=True) (goal:
C / D at least 1.3), where the extra `ultralytics` is installed.
"""

import argparse
import contextlib
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime
from shapely import box

from core.ids import CameraId, ZoneId
from geo.local_frame import LocalFrame
from geo.zones import Purpose, Zone
from incidents.adapters.log_notifier import LogNotifier
from incidents.adapters.memory_store import MemoryIncidentStore
from incidents.adapters.memory_vault import MemoryVault
from sim.camera import SyntheticCamera
from sim.projection import CameraPose, Pinhole
from sim.stream import H264Streamer
from sim.world import build_world
from sim.world_layout import GROUND_AMSL_M, ORIGIN_LATITUDE_DEG, ORIGIN_LONGITUDE_DEG
from station.ingest import IngestContext, ingest
from station.wiring import footage_tools
from vision.adapters.av_source import AvSource
from vision.adapters.onnx_detector import OnnxDetector
from vision.model import Box, Detection, Frame
from vision.ports import Detector
from vision.shared_detector import SharedDetector

FPS = 10.0
HFOV_DEG = 62.0
START_AT = datetime(2026, 6, 15, 6, tzinfo=UTC)
BATCH = 4


def make_video(path: Path, frames: int) -> None:
    """Renders a flight over the demo's district, with ST 0601 metadata for each frame."""
    lens = Pinhole.from_field_of_view(1280, 720, HFOV_DEG)
    camera = SyntheticCamera(build_world(1), lens)
    origin = LocalFrame(ORIGIN_LATITUDE_DEG, ORIGIN_LONGITUDE_DEG)
    vfov = float(np.degrees(2 * np.arctan(360 / lens.fy_px)))
    with H264Streamer(1280, 720, FPS, path) as stream:
        for k in range(frames):
            t_s = k / FPS
            pose = CameraPose(0.0, -150.0 + 3.0 * t_s, 50.0, 0.0, -60.0)
            lat, lon = origin.to_geo1_deg(pose.east_m, pose.north_m)
            numbers = {
                5: 0.0, 6: 0.0, 7: 0.0, 13: lat, 14: lon, 15: GROUND_AMSL_M + pose.up_m,
                16: HFOV_DEG, 17: vfov, 18: 0.0, 19: pose.pitch_deg, 20: 0.0,
                25: float(GROUND_AMSL_M),
            }  # fmt: skip
            image = camera.render(pose, t_s).image
            stream.send(image, START_AT + timedelta(seconds=t_s), numbers)


def bare(network: Detector, frames: Sequence[Frame]) -> float:
    """Returns frames per second of the network alone."""
    began = time.perf_counter()
    for start in range(0, len(frames), BATCH):
        network.detect(frames[start : start + BATCH])
    return len(frames) / (time.perf_counter() - began)


def whole(network: Detector, video: Path, folder: Path) -> tuple[float, dict[str, int]]:
    """Returns frames per second of the line, and what it found."""
    edge = 0.01
    area = box(ORIGIN_LONGITUDE_DEG - edge, ORIGIN_LATITUDE_DEG - edge,
               ORIGIN_LONGITUDE_DEG + edge, ORIGIN_LATITUDE_DEG + edge)  # fmt: skip
    zone = Zone(ZoneId("zone-all"), "all", frozenset({Purpose.WATCH}), area,
                rules=("vehicle_stopped", "waste_heap"))  # fmt: skip
    with SharedDetector(network, batch_size=BATCH) as shared:
        context = IngestContext(
            tools=footage_tools(), home=folder, detector=shared,
            store=MemoryIncidentStore(), vault=MemoryVault(),
            notifier=LogNotifier(), zones=lambda: (zone,), fresh=True,
        )  # fmt: skip
        began = time.perf_counter()
        report = ingest(video, None, context)
        took_s = time.perf_counter() - began
    counts = {
        "frames": report.frames,
        "frames_geotagged": report.frames_geotagged,
        "detections": report.detections,
        "incidents": len(report.incidents),
    }
    return report.frames / took_s, counts


class YoloOnnx:
    """A YOLO export on ONNX Runtime: own letterbox and suppression. For this benchmark only."""

    model, labels = "yolo11n-untrained", tuple(str(n) for n in range(80))

    def __init__(self, path: Path) -> None:
        """Loads an export of output (n, 84, 8400)."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )
        self._input = self._session.get_inputs()[0]

    def detect(self, frames: Sequence[Frame]) -> tuple[tuple[Detection, ...], ...]:
        """Returns the detections of each frame."""
        return tuple(self._one(frame.image) for frame in frames)

    def _one(self, image: np.ndarray) -> tuple[Detection, ...]:
        _, _, high, wide = self._input.shape
        scale = min(wide / image.shape[1], high / image.shape[0])
        size = round(image.shape[1] * scale), round(image.shape[0] * scale)
        canvas = np.full((high, wide, 3), 114, np.uint8)
        canvas[: size[1], : size[0]] = cv2.resize(image, size)
        blob = cv2.dnn.blobFromImage(canvas, 1 / 255, swapRB=True)
        (rows,) = self._session.run(None, {self._input.name: blob})
        rows = rows[0].T
        scores, classes = rows[:, 4:].max(axis=1), rows[:, 4:].argmax(axis=1)
        kept = np.flatnonzero(scores > 0.25)[:1000]
        corner = rows[kept, :2] - rows[kept, 2:4] / 2
        boxes = np.concatenate([corner, rows[kept, 2:4]], axis=1) / scale
        chosen = cv2.dnn.NMSBoxes(boxes.tolist(), scores[kept].tolist(), 0.25, 0.5)
        found = []
        for i in np.asarray(chosen).flatten():
            label, score = self.labels[classes[kept[i]]], float(scores[kept[i]])
            found.append(Detection(label, score, Box(*(float(x) for x in boxes[i]))))
        return tuple(found)


def export_yolo(folder: Path) -> Path | str:
    """Returns yolo11n exported from its yaml, or why that can't be."""
    for name, value in (("YOLO_OFFLINE", "1"), ("YOLO_AUTOINSTALL", "0"), ("YOLO_VERBOSE", "0"),
                        ("YOLO_CONFIG_DIR", str(folder))):  # fmt: skip
        os.environ.setdefault(name, value)
    try:
        from ultralytics import YOLO, settings

        settings.update(sync=False)
        os.chdir(folder)
        return Path(YOLO("yolo11n.yaml").export(format="onnx", imgsz=640, verbose=False))
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def tracked(onnx: Path, video: Path) -> float:
    """Returns frames per second of ultralytics' own loop on one thread."""
    import torch
    from ultralytics import YOLO

    torch.set_num_threads(1)
    made = onnxruntime.InferenceSession

    def one_thread(path: Any, options: Any = None, *rest: Any, **more: Any) -> Any:
        options = options or more.pop("sess_options", None) or onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        return made(path, options, *rest, **more)

    onnxruntime.InferenceSession = one_thread
    try:
        net = YOLO(str(onnx), task="detect")
        results = net.track(source=str(video), stream=True, verbose=False, device="cpu")
        next(iter(results))  # loading and the first frame are not counted
        count, began = 0, time.perf_counter()
        for _ in results:
            count += 1
        return count / (time.perf_counter() - began)
    finally:
        onnxruntime.InferenceSession = made


def main() -> int:
    """Runs the rounds and prints one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=120)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--yolo", action="store_true")
    told = parser.parse_args()
    cv2.setNumThreads(1)
    document: dict[str, Any] = {"frames": told.frames, "batch": BATCH, "network_threads": 1}
    with tempfile.TemporaryDirectory() as name, contextlib.redirect_stdout(sys.stderr):
        folder = Path(name)
        video = folder / "flight.ts"
        make_video(video, told.frames)
        network = OnnxDetector(threads=1)
        frames = list(AvSource(video, CameraId("bench"), epoch=START_AT).frames())
        bare(network, frames[:8])
        rounds = []
        for number in range(told.rounds):
            first = bare(network, frames)
            line, found = whole(network, video, folder / f"home{number}")
            second = bare(network, frames)
            alone = 2 / (1 / first + 1 / second)
            rounds.append({"bare_fps": alone, "line_fps": line, "ratio": line / alone})
        document |= {
            "model": network.model,
            "rounds": rounds,
            "found": found,
            "line_over_bare": statistics.median(r["ratio"] for r in rounds),
            "goal_line_over_bare": 0.90,
        }
        if told.yolo:
            document |= against_ultralytics(folder, video, told.rounds)
    print(json.dumps(document, indent=2))
    return 0


def against_ultralytics(folder: Path, video: Path, rounds: int) -> dict[str, Any]:
    """Returns the figures of our line and ultralytics' loop on the same export."""
    here = Path.cwd()
    onnx = export_yolo(folder)
    os.chdir(here)
    if isinstance(onnx, str):
        return {"ultralytics": f"not compared: {onnx}"}
    onnx = folder / onnx
    ours, theirs = [], []
    for number in range(rounds):
        ours.append(whole(YoloOnnx(onnx), video, folder / f"yolo{number}")[0])
        theirs.append(tracked(onnx, video))
    ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
    return {
        "yolo_line_fps": ours,
        "ultralytics_track_fps": theirs,
        "line_over_ultralytics": statistics.median(ratios),
        "goal_line_over_ultralytics": 1.3,
    }


if __name__ == "__main__":
    sys.exit(main())
