"""The picture set for practice scenes, made from pictures that the demo never shows."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from sim.asset_making import (
    KIND_OF_CLASS,
    MINSK_VIDEO_GSD_M,
    Image,
    clutter_cut,
    composed_vehicle,
    cut_out,
    read_boxes,
    save_texture,
    save_vehicle,
    scraps,
    write_manifest,
)

TRAIN_PREFIXES = (
    "minsk/DJI-00760",
    "minsk/DJI_0005",
    "minsk/DJI_0013",
    "munich/MOS7",
    "munich/MOS8",
    "munich/MOS9",
    "munich/MunichStreet02-",
)
"""The pictures a network may be trained on; everything else is held out."""


def train_pictures(shared: Path) -> list[Path]:
    """Returns the pictures that training may see, in a steady order."""
    root = shared / "data" / "vehicles"
    found = [
        path
        for path in sorted(root.glob("*/*.jpg"))
        if path.relative_to(root).as_posix().startswith(TRAIN_PREFIXES)
    ]
    if not found:
        raise FileNotFoundError(f"no training pictures under {root}")
    return found


def _material_of(window: Image) -> str | None:
    """Guesses the material of a window from its colour and roughness."""
    small = cv2.resize(window, (24, 24), interpolation=cv2.INTER_AREA).astype(np.float32)
    blue, green, red = small.reshape(-1, 3).mean(axis=0)
    light, rough = float(small.mean()), float(small.mean(axis=2).std())
    leafy = float(((small[..., 1] > small[..., 0]) & (small[..., 1] > small[..., 2])).mean())
    if green > max(red, blue) + 5 and leafy > 0.85 and green > 1.17 * min(red, blue):
        return "foliage" if rough > 9 else "grass"
    if leafy > 0.5:
        return None
    if rough < 6:
        if light < 75:
            return "dark_asphalt"
        return "asphalt" if light < 135 else "plaza"
    if rough < 13:
        return "soil" if red > blue + 4 else "pavement"
    return "roof" if rough < 40 else None


def make_train_assets(shared: Path, folder: Path, seed: int = 3) -> None:
    """Writes the set for practice scenes from pictures that the demo never shows."""
    folder.mkdir(parents=True, exist_ok=True)
    chance = np.random.default_rng(seed)
    vehicles: list[dict[str, object]] = []
    textures: list[dict[str, str]] = []
    clutter: list[dict[str, object]] = []
    shown: list[Image] = []
    quota = {"car": 70, "minibus": 18, "bus": 14, "truck": 4}
    pictures = train_pictures(shared)
    for index in chance.permutation(len(pictures)):
        path = pictures[int(index)]
        image = np.asarray(cv2.imread(str(path)), np.uint8)
        height, width = image.shape[:2]
        minsk = path.parent.name == "minsk"
        gsd_m = MINSK_VIDEO_GSD_M if minsk else 0.13
        boxes = read_boxes(path.with_suffix(".txt"), width, height)
        if minsk:
            shown.append(image)
            _cut_train_vehicles(folder, vehicles, quota, image, boxes, path.name)
        if minsk:
            _cut_train_clutter(folder, clutter, image, boxes, chance)
        for _ in range(60 if minsk else 80):
            side = int((3.5 if minsk else 8.0) / gsd_m)
            x, y = int(chance.integers(0, width - side)), int(chance.integers(0, height - side))
            if any(
                x < b[2] + 12 and b[0] < x + side + 12 and y < b[3] + 12 and b[1] < y + side + 12
                for _, b in boxes
            ):
                continue
            window = image[y : y + side, x : x + side]
            material = _material_of(window)
            known = sum(entry["material"] == material for entry in textures)
            if material is not None and known < 12:
                save_texture(folder, textures, material, window, gsd_m, path.name)
    for material, other in (("brick", "pavement"), ("gravel", "asphalt"), ("soil", "pavement")):
        for entry in [entry for entry in textures if entry["material"] == other][:4]:
            textures.append({**entry, "material": material})
    _compose_train_trucks(folder, vehicles, textures)
    cv2.imwrite(str(folder / "scraps.png"), scraps(shown[:12], 240, seed))
    write_manifest(folder, vehicles, textures, clutter)


def _cut_train_vehicles(
    folder: Path,
    vehicles: list[dict[str, object]],
    quota: dict[str, int],
    image: Image,
    boxes: list[tuple[int, NDArray[np.float64]]],
    name: str,
) -> None:
    """Cuts a few whole, well outlined vehicles out of one training picture."""
    height, width = image.shape[:2]
    limits = {"car": (2.0, 3.2), "minibus": (2.1, 3.6), "bus": (2.8, 6.5), "truck": (2.0, 6.0)}
    taken = 0
    for number, box in boxes:
        kind = KIND_OF_CLASS[number]
        inner = box[0] > 4 and box[1] > 4 and box[2] < width - 4 and box[3] < height - 4
        if not inner or quota[kind] == 0 or (taken >= 4 and kind == "car"):
            continue
        found = cut_out(image, box)
        if found is None or found[1] < 0.8:
            continue
        picture = found[0]
        low, high = limits[kind]
        if low < picture.shape[1] / picture.shape[0] < high:
            save_vehicle(folder, vehicles, kind, picture, MINSK_VIDEO_GSD_M, name)
            quota[kind] -= 1
            taken += kind == "car"


def _cut_train_clutter(
    folder: Path,
    clutter: list[dict[str, object]],
    image: Image,
    boxes: list[tuple[int, NDArray[np.float64]]],
    chance: np.random.Generator,
) -> None:
    """Cuts a few lone small things (people, posts) from even ground of one training picture."""
    height, width = image.shape[:2]
    half, taken = 14, 0
    for _ in range(1500):
        x = int(chance.integers(half, width - half))
        y = int(chance.integers(half, height - half))
        if any(b[0] - 20 < x < b[2] + 20 and b[1] - 20 < y < b[3] + 20 for _, b in boxes):
            continue
        window = image[y - half : y + half, x - half : x + half]
        rim = np.concatenate(
            [
                window[:3].reshape(-1, 3),
                window[-3:].reshape(-1, 3),
                window[:, :3].reshape(-1, 3),
                window[:, -3:].reshape(-1, 3),
            ]
        )
        if float(rim.std(axis=0).max()) > 6 or rim.mean() < 90:
            continue
        picture = clutter_cut(image, x, y, half)
        if 0.03 < float((picture[..., 3] > 128).mean()) < 0.3 and taken < 3 and len(clutter) < 60:
            name = f"clutter-{len(clutter):02d}.png"
            cv2.imwrite(str(folder / name), picture)
            clutter.append({"file": name, "gsd_m": MINSK_VIDEO_GSD_M})
            taken += 1


def _compose_train_trucks(
    folder: Path, vehicles: list[dict[str, object]], textures: list[dict[str, str]]
) -> None:
    """Adds lorries with the cab of a training minibus and a body of training ground."""
    minibuses = [entry for entry in vehicles if entry["kind"] == "minibus"][:10]
    bodies = [
        entry
        for entry in textures
        if entry["material"] in ("roof", "plaza", "asphalt", "grass", "soil")
    ]
    for index, entry in enumerate(minibuses):
        minibus = np.asarray(
            cv2.imread(str(folder / str(entry["file"])), cv2.IMREAD_UNCHANGED), np.uint8
        )
        body = np.asarray(
            cv2.imread(str(folder / bodies[(index * 7) % len(bodies)]["file"])), np.uint8
        )
        length_px = int(minibus.shape[0] * (3.0 + 0.15 * index))
        picture = composed_vehicle(minibus, body, length_px, int(minibus.shape[0] * 0.85))
        save_vehicle(
            folder,
            vehicles,
            "truck",
            picture,
            MINSK_VIDEO_GSD_M * 1.15,
            f"composed: {entry['source']}",
        )
