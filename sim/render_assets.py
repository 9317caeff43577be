"""The small real pictures that the renderer paints with, read once from a folder."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]

DEMO_ASSETS = Path(__file__).parent / "assets"
SCRAP_PX = 24


@dataclass(frozen=True, slots=True, eq=False)
class Skin:
    """A vehicle seen from straight above, front to the right."""

    kind: str
    picture: Image
    """BGRA."""
    length_m: float
    width_m: float


@dataclass(frozen=True, slots=True, eq=False)
class Clutter:
    """A small real thing (a person, a planter) to paint flat on the ground."""

    picture: Image
    """BGRA."""
    gsd_m: float
    """Metres a pixel."""


@dataclass(frozen=True, slots=True, eq=False)
class AssetSet:
    """All pictures of one set. Two sets never share a source picture."""

    skins: tuple[Skin, ...]
    textures: tuple[tuple[str, Image], ...]
    """(material, patch at 5 cm a pixel)."""
    clutter: tuple[Clutter, ...]
    scraps: Image
    """A row of 24-pixel squares of colourful real pixels."""

    def skins_of(self, kind: str) -> tuple[Skin, ...]:
        """Returns the looks of a kind; those of cars where the set has none of that kind."""
        found = tuple(skin for skin in self.skins if skin.kind == kind)
        return found or tuple(skin for skin in self.skins if skin.kind == "car")

    def textures_of(self, material: str) -> tuple[Image, ...]:
        """Returns the patches of a material; asphalt where the set has none of it."""
        found = tuple(patch for name, patch in self.textures if name == material)
        return found or tuple(patch for name, patch in self.textures if name == "asphalt")


def as_image(picture: object) -> Image:
    """Returns what OpenCV gave, typed as the picture that it is; copies nothing."""
    return np.asarray(picture, np.uint8)


def _read(path: Path, flags: int) -> Image:
    picture = cv2.imread(str(path), flags)
    if picture is None:
        raise FileNotFoundError(f"no picture at {path.name}")
    return np.asarray(picture, np.uint8)


@cache
def load_assets(folder: Path = DEMO_ASSETS) -> AssetSet:
    """Reads a set made by `scripts/make_sim_assets.py`; the second call is free.

    Raises:
        FileNotFoundError: if the folder or one of its pictures is missing.
    """
    manifest = json.loads((folder / "assets.json").read_text())
    return AssetSet(
        tuple(
            Skin(
                entry["kind"],
                _read(folder / entry["file"], cv2.IMREAD_UNCHANGED),
                float(entry["length_m"]),
                float(entry["width_m"]),
            )
            for entry in manifest["vehicles"]
        ),
        tuple(
            (entry["material"], _read(folder / entry["file"], cv2.IMREAD_COLOR))
            for entry in manifest["textures"]
        ),
        tuple(
            Clutter(_read(folder / entry["file"], cv2.IMREAD_UNCHANGED), float(entry["gsd_m"]))
            for entry in manifest["clutter"]
        ),
        _read(folder / "scraps.png", cv2.IMREAD_COLOR),
    )
