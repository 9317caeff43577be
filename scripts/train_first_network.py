"""Trains, exports and measures the first aerial network.

    python -m scripts.train_first_network scenes WORK --start 0 --count 300
    python -m scripts.train_first_network train WORK --minutes 25
    python -m scripts.train_first_network export WORK --version 1
    python -m scripts.measure_first_network --tune --assets WORK/assets

`QYRAN_SHARED` names the shared data folder (default `../shared`). `WORK` is a folder outside
the repository; a stopped step goes on where it was. Only training pictures are ever learned
from: `sim.asset_training.train_pictures` lists them.
"""

import argparse
import hashlib
import json
import logging
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import cv2

from sim.asset_training import make_train_assets, train_pictures
from sim.camera import SyntheticCamera
from sim.practice import practice_view, practice_world
from sim.render_assets import load_assets
from sim.render_ground import paint_ground

ROOT = Path(__file__).resolve().parents[1]
VIEWS = 5
SHARED = Path(os.environ.get("QYRAN_SHARED", "../shared"))


def make_scenes(work: Path, start: int, count: int) -> None:
    """Renders practice scenes as half-size JPEG files with boxes in half-size pixels."""
    cv2.setNumThreads(1)
    folder, assets_folder = work / "scenes", work / "assets"
    folder.mkdir(parents=True, exist_ok=True)
    if not (assets_folder / "assets.json").exists():
        make_train_assets(SHARED, assets_folder)
    assets = load_assets(assets_folder)
    for seed in range(start, start + count):
        if (folder / f"{seed:05d}-{VIEWS - 1}.json").exists():
            continue
        world = practice_world(seed)
        ground = paint_ground(world.layout, assets, 0.1, seed, tile_px=256, tint=0.16)
        for index in range(VIEWS):
            view = practice_view(world, seed * 100 + index)
            camera = SyntheticCamera(world, view.camera, view.sensor, assets=assets, ground=ground)
            frame = camera.render(view.pose, 0.0)
            half = cv2.resize(frame.image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
            boxes = [
                [
                    box.kind,
                    box.left_px / 2,
                    box.top_px / 2,
                    box.width_px / 2,
                    box.height_px / 2,
                    box.visible_fraction,
                ]
                for box in frame.truth
            ]
            name = folder / f"{seed:05d}-{index}"
            cv2.imwrite(f"{name}.jpg", half, [cv2.IMWRITE_JPEG_QUALITY, 93])
            name.with_suffix(".json").write_text(json.dumps(boxes))


def train(work: Path, minutes: float) -> None:
    """Trains on all rendered scenes and all training pictures; goes on from a checkpoint."""
    from vision.training.crops import read_real, read_scenes
    from vision.training.fit import fit

    logging.basicConfig(level=logging.INFO, format="%(message)s")
    fit(
        read_scenes(work / "scenes"),
        read_real(train_pictures(SHARED)),
        work / "checkpoint.pt",
        minutes,
    )


def export_weights(work: Path, version: str) -> None:
    """Writes the shipped ONNX file and its manifest; `measure_first_network` adds the figures."""
    from vision.training.export import export
    from vision.training.network import CLASSES, STRIDE

    target = ROOT / "vision" / "weights" / "aerial-first.onnx"
    export(work / "checkpoint.pt", target)
    manifest = {
        "name": "aerial-first",
        "version": version,
        "classes": CLASSES,
        "input": {
            "width_px": 640,
            "height_px": 384,
            "layout": "n, 3, height, width; blue, green, red; 0..255 as float32",
            "normalisation": "inside the network",
            "fit": "scaled to fit, centred, margin of grey level 114",
        },
        "output": {
            "stride_px": STRIDE,
            "layout": "n, 9, height/4, width/4: five scores 0..1, then distances in pixels from "
            "the middle of the cell to left, top, right, bottom",
        },
        "ground_resolution_m_per_px": {"of": "the 640x384 input", "least": 0.06, "most": 0.22},
        "score_thresholds": dict.fromkeys(CLASSES, 0.35),
        "overlap_limit": 0.45,
        "licence": "CC BY-SA 4.0 (weights only, apart from the code: they learned from pictures "
        "under CC BY-SA whose version is not stated)",
        "training_data": [
            "jekhor/aerial-cars-dataset at d2ed927, Minsk part (DJI-00760*, DJI_0005*, "
            "DJI_0013*): CC BY-SA, version not stated, Yauhen Kharuzhy and Minsk OSM community",
            "the same, Munich part (MOS74-93, MunichStreet02-MOS74-93): CC BY 3.0, KIT AIS Data "
            "Set, labels by Yauhen Kharuzhy",
            "practice scenes of this repository's simulator painted with pieces of those pictures",
        ],
        "sha256": hashlib.sha256(target.read_bytes()).hexdigest(),
        "measured": {},
    }
    target.with_suffix(".json").write_text(json.dumps(manifest, indent=1) + "\n")


def main() -> int:
    """Runs the step named on the command line; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("step", choices=("scenes", "train", "export"))
    parser.add_argument("work", type=Path)
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--minutes", type=float, default=25.0)
    parser.add_argument("--version", default="1")
    given = parser.parse_args()
    if given.step == "scenes":
        make_scenes(given.work, given.start, given.count)
    elif given.step == "train":
        train(given.work, given.minutes)
    else:
        export_weights(given.work, given.version)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
