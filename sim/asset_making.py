"""Makes the small pictures that the simulator paints with from licensed real pictures.

Two sets never mix: `demo` (shipped, from three sharp straight-down flights) and `train` (made
when a network is trained, from other pictures). Vehicles are cut out of their labelled boxes,
ground patches, foliage, clutter and scraps are cut from where no label lies.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]

MINSK_GSD_M = 0.0288
"""Ground size of a pixel of the 4000 px wide Minsk photos, from the size of known cars."""
MINSK_VIDEO_GSD_M = 0.056
BRIGHTON_GSD_M = 0.0155
TEXTURE_GSD_M = 0.05
"""All ground patches are stored at this many metres a pixel."""
SCRAP_PX = 24
KIND_OF_CLASS = ("car", "truck", "bus", "minibus")


@dataclass(frozen=True, slots=True)
class Patch:
    """A rectangle of a source picture that shows one material."""

    material: str
    source: str
    left: int
    top: int
    right: int
    bottom: int


DEMO_PATCHES = (
    Patch("plaza", "vehicles/minsk/DJI_0010.JPG", 1420, 100, 2000, 290),
    Patch("plaza", "vehicles/minsk/DJI_0012.JPG", 1570, 190, 1820, 330),
    Patch("asphalt", "vehicles/minsk/DJI_0010.JPG", 1230, 880, 1440, 950),
    Patch("asphalt", "vehicles/minsk/DJI_0012.JPG", 300, 420, 640, 490),
    Patch("dark_asphalt", "vehicles/minsk/DJI_0010.JPG", 150, 1455, 300, 1535),
    Patch("dark_asphalt", "vehicles/minsk/DJI_0012.JPG", 530, 1235, 790, 1290),
    Patch("brick", "vehicles/minsk/DJI_0012.JPG", 1180, 1715, 1350, 1790),
    Patch("pavement", "vehicles/minsk/DJI_0012.JPG", 1510, 820, 1880, 900),
    Patch("soil", "vehicles/minsk/DJI_0012.JPG", 1130, 1455, 1400, 1535),
    Patch("grass", "photos/DJI_0018.JPG", 3730, 1150, 3890, 1900),
    Patch("grass", "photos/DJI_0025.JPG", 3120, 1060, 3300, 1300),
    Patch("gravel", "photos/DJI_0025.JPG", 2560, 620, 2760, 850),
    Patch("roof", "vehicles/minsk/DJI_0012.JPG", 420, 1950, 860, 2090),
    Patch("roof", "vehicles/minsk/DJI_0012.JPG", 2230, 2110, 2500, 2230),
    Patch("foliage", "photos/DJI_0022.JPG", 500, 100, 1400, 900),
    Patch("foliage", "photos/DJI_0020.JPG", 900, 300, 1800, 1100),
    Patch("foliage", "photos/DJI_0018.JPG", 300, 900, 1200, 1700),
)

_DEMO_FACING_LEFT = {("DJI_0012", 1)}
_DEMO_DROPPED = {("DJI_0010", 3)}
"""A car whose wire fence and flank spoil its outline."""

_DEMO_CLUTTER = (
    ("DJI_0010", 424, 53, 13), ("DJI_0010", 543, 120, 13), ("DJI_0010", 986, 281, 14),
    ("DJI_0010", 1025, 311, 14), ("DJI_0010", 503, 217, 14), ("DJI_0010", 843, 264, 16),
    ("DJI_0010", 1041, 80, 13), ("DJI_0010", 1110, 215, 15), ("DJI_0010", 395, 261, 16),
    ("DJI_0010", 645, 303, 16), ("DJI_0010", 876, 326, 16), ("DJI_0010", 836, 133, 26),
    ("DJI_0010", 1119, 276, 13), ("DJI_0010", 590, 265, 13), ("DJI_0010", 1300, 334, 12),
)  # fmt: skip
"""Picture, centre and half size in units of 1/1456 of the picture width."""


def read_boxes(
    label_file: Path, width_px: int, height_px: int
) -> list[tuple[int, NDArray[np.float64]]]:
    """Returns (class, left/top/right/bottom in pixels) of a YOLO label file."""
    boxes = []
    for line in label_file.read_text().splitlines():
        name, *numbers = line.split()
        x, y, w, h = (float(number) for number in numbers)
        corners = np.array([x - w / 2, y - h / 2, x + w / 2, y + h / 2]).clip(0.0, 1.0)
        boxes.append((int(name), corners * [width_px, height_px, width_px, height_px]))
    return boxes


def cut_out(image: Image, box: NDArray[np.float64]) -> tuple[Image, float] | None:
    """Cuts a vehicle out of its labelled box: (BGRA along its length, filled fraction).

    GrabCut finds the body inside the box, its smallest turned rectangle gives the heading up
    to a half turn, and a rounded rectangle with a soft edge gives the alpha.
    """
    x0, y0, x1, y1 = (int(value) for value in box)
    margin = max(6, int(0.12 * max(x1 - x0, y1 - y0)))
    left, top = max(0, x0 - margin), max(0, y0 - margin)
    crop = image[top : y1 + margin, left : x1 + margin]
    box_w, box_h = x1 - x0, y1 - y0
    if min(box_w, box_h) < 8:
        return None
    mask: Image = np.full(crop.shape[:2], cv2.GC_BGD, np.uint8)
    mask[y0 - top : y1 - top, x0 - left : x1 - left] = cv2.GC_PR_BGD
    centre = ((x0 + x1) // 2 - left, (y0 + y1) // 2 - top)
    for share, value in ((0.42, cv2.GC_PR_FGD), (0.18, cv2.GC_FGD)):
        axes = (max(2, int(box_w * share)), max(2, int(box_h * share * 0.85)))
        cv2.ellipse(mask, centre, axes, 0, 0, 360, int(value), -1)
    cv2.setRNGSeed(1)
    cv2.grabCut(  # type: ignore[call-overload]
        crop, mask, None, np.zeros((1, 65)), np.zeros((1, 65)), 6, cv2.GC_INIT_WITH_MASK
    )
    body = np.isin(mask, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8)
    kernel = np.ones((max(3, int(0.12 * min(box_w, box_h)) | 1),) * 2, np.uint8)
    for step in (cv2.MORPH_CLOSE, cv2.MORPH_OPEN):
        body = np.asarray(cv2.morphologyEx(body, step, kernel), np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(body)
    if count < 2:
        return None
    largest = 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
    outline = cv2.findContours(
        (labels == largest).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE
    )[0][0]
    (x, y), (length, width), angle = cv2.minAreaRect(outline)
    if length < width:
        length, width, angle = width, length, angle + 90
    if width < 6:
        return None
    filled = float(stats[largest, cv2.CC_STAT_AREA] / (length * width))
    turn = cv2.getRotationMatrix2D((x, y), angle, 1.0)
    size = (round(length), round(width))
    turn[:, 2] += np.array([size[0] / 2 - x, size[1] / 2 - y])
    upright = cv2.warpAffine(
        crop, turn, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    rows, columns = np.mgrid[0 : size[1], 0 : size[0]]
    reach = (
        np.abs((columns - (size[0] - 1) / 2) / (size[0] / 2)) ** 5
        + np.abs((rows - (size[1] - 1) / 2) / (size[1] / 2)) ** 5
    )
    alpha = (np.clip((1.02 - reach) * 6, 0, 1) * 255).astype(np.uint8)
    return np.dstack([upright, alpha]).astype(np.uint8), filled


def clutter_cut(image: Image, x: int, y: int, half: int) -> Image:
    """Cuts a small thing from even pavement: alpha grows with the difference to its rim."""
    crop = image[max(0, y - half) : y + half, max(0, x - half) : x + half].astype(np.float32)
    rim = np.concatenate([crop[0], crop[-1], crop[:, 0], crop[:, -1]])
    far = np.abs(crop - np.median(rim, axis=0)).max(axis=2)
    alpha = np.asarray(cv2.GaussianBlur(np.clip((far - 18) / 30, 0, 1), (0, 0), 0.8))
    rows, columns = np.mgrid[-1 : 1 : crop.shape[0] * 1j, -1 : 1 : crop.shape[1] * 1j]
    alpha *= np.clip((1.0 - rows**2 - columns**2) * 4, 0, 1)
    return np.dstack([crop, alpha * 255]).clip(0, 255).astype(np.uint8)


def scraps(images: Iterable[Image], count: int, seed: int) -> Image:
    """Returns a strip of small squares with the most colour or contrast, for waste heaps."""
    chance = np.random.default_rng(seed)
    best: list[tuple[float, Image]] = []
    for image in images:
        height, width = image.shape[:2]
        for _ in range(count * 12):
            x = int(chance.integers(0, width - SCRAP_PX))
            y = int(chance.integers(0, height - SCRAP_PX))
            square = image[y : y + SCRAP_PX, x : x + SCRAP_PX]
            mean = square.reshape(-1, 3).mean(axis=0)
            if mean[1] > max(mean[0], mean[2]) + 4:
                continue  # leaves are no waste
            score = float(np.ptp(mean) + 0.5 * abs(mean.mean() - 120) + 0.4 * square.std())
            score *= float(chance.uniform(0.5, 1.0))
            best.append((score, square.copy()))
    best.sort(key=lambda pair: -pair[0])
    return np.hstack([square for _, square in best[:count]])


def save_vehicle(
    folder: Path,
    entries: list[dict[str, object]],
    kind: str,
    picture: Image,
    gsd_m: float,
    source: str,
) -> None:
    """Writes one vehicle picture and notes it for the manifest."""
    name = f"{kind}-{sum(entry['kind'] == kind for entry in entries):02d}.png"
    cv2.imwrite(str(folder / name), picture)
    entries.append(
        {
            "kind": kind, "file": name, "source": source,
            "length_m": round(picture.shape[1] * gsd_m, 2),
            "width_m": round(picture.shape[0] * gsd_m, 2),
        }
    )  # fmt: skip


def composed_vehicle(minibus: Image, roof: Image, length_px: int, cab_px: int) -> Image:
    """Puts another roof behind the cab of a minibus: a stand-in for a lorry or a coach."""
    height = minibus.shape[0]
    body = cv2.resize(roof, (length_px - cab_px, height), interpolation=cv2.INTER_AREA)
    cab = minibus[:, -cab_px:, :3]
    rows, columns = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : length_px * 1j]
    alpha = np.clip((1.02 - np.abs(rows) ** 8 - np.abs(columns) ** 16) * 8, 0, 1) * 255
    return np.dstack([np.hstack([body, cab]), alpha]).astype(np.uint8)


def make_demo_assets(shared: Path, folder: Path) -> None:
    """Writes the shipped set from the pictures that no network is trained on."""
    data = shared / "data"
    folder.mkdir(parents=True, exist_ok=True)
    vehicles: list[dict[str, object]] = []
    pictures = {
        source: np.asarray(cv2.imread(str(data / source)), np.uint8)
        for source in sorted({patch.source for patch in DEMO_PATCHES})
    }
    minibus: Image | None = None
    for stem in ("DJI_0010", "DJI_0012"):
        source = f"vehicles/minsk/{stem}.JPG"
        image = pictures[source]
        labels = (data / source).with_suffix(".txt")
        for index, (number, box) in enumerate(read_boxes(labels, image.shape[1], image.shape[0])):
            found = None if (stem, index) in _DEMO_DROPPED else cut_out(image, box)
            if found is None:
                continue
            picture, kind = found[0], KIND_OF_CLASS[number]
            if kind == "minibus" or (stem, index) in _DEMO_FACING_LEFT:
                picture = np.ascontiguousarray(picture[:, ::-1])
            if kind == "minibus" and minibus is None:
                minibus = picture
            save_vehicle(folder, vehicles, kind, picture, MINSK_GSD_M, source)
    assert minibus is not None
    roof = pictures["vehicles/minsk/DJI_0012.JPG"]
    composed = (
        ("truck", roof[1955:2085, 430:850], 300, 62),
        ("truck", roof[2120:2220, 2240:2490], 280, 62),
        ("bus", minibus[:, 20:150, :3], 400, 80),
    )
    made_of = "composed: vehicles/minsk/DJI_0010.JPG, DJI_0012.JPG"
    for kind, body, length_px, cab_px in composed:
        picture = composed_vehicle(minibus, body, length_px, cab_px)
        save_vehicle(folder, vehicles, kind, picture, MINSK_GSD_M, made_of)
    textures: list[dict[str, str]] = []
    for patch in DEMO_PATCHES:
        gsd = BRIGHTON_GSD_M if patch.source.startswith("photos") else MINSK_GSD_M
        crop = pictures[patch.source][patch.top : patch.bottom, patch.left : patch.right]
        save_texture(folder, textures, patch.material, crop, gsd, patch.source)
    clutter = []
    for index, (stem, x, y, half) in enumerate(_DEMO_CLUTTER):
        unit = 4000 / 1456
        image = pictures[f"vehicles/minsk/{stem}.JPG"]
        cv2.imwrite(
            str(folder / f"clutter-{index:02d}.png"),
            clutter_cut(image, round(x * unit), round(y * unit), round(half * unit)),
        )
        clutter.append({"file": f"clutter-{index:02d}.png", "gsd_m": MINSK_GSD_M})
    strip = scraps(
        [pictures["vehicles/minsk/DJI_0010.JPG"], pictures["vehicles/minsk/DJI_0012.JPG"]], 96, 5
    )
    cv2.imwrite(str(folder / "scraps.png"), strip)
    write_manifest(folder, vehicles, textures, clutter)


def save_texture(
    folder: Path,
    entries: list[dict[str, str]],
    material: str,
    crop: Image,
    gsd_m: float,
    source: str,
) -> None:
    """Writes one ground patch at the common resolution and notes it for the manifest."""
    scale = gsd_m / TEXTURE_GSD_M
    if material == "grass":
        # summer lawns become the dry grass of the steppe
        grey = cv2.cvtColor(cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
        crop = (
            (0.42 * crop + 0.5 * grey * np.array([0.80, 0.96, 1.04])).clip(0, 255).astype(np.uint8)
        )
    small = cv2.resize(crop, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    name = f"{material}-{sum(entry['material'] == material for entry in entries):02d}.jpg"
    cv2.imwrite(str(folder / name), small, [cv2.IMWRITE_JPEG_QUALITY, 92])
    entries.append({"material": material, "file": name, "source": source})


def write_manifest(folder: Path, vehicles: object, textures: object, clutter: object) -> None:
    """Writes what the renderer reads to find the pictures of the set."""
    manifest = {"vehicles": vehicles, "textures": textures, "clutter": clutter}
    (folder / "assets.json").write_text(json.dumps(manifest, indent=1) + "\n")
