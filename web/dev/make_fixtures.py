"""Makes the fixtures of the page's fake server: a small city, drawn pictures, a short clip.

Run with the boundary and places files of the shared data folder as arguments. The pictures are
drawn, not photographed; the city is cut from OpenStreetMap data (ODbL 1.0).
"""

import io
import json
import math
import random
import sys
from pathlib import Path

import av
import numpy as np
from PIL import Image, ImageDraw, ImageFilter
from shapely.geometry import mapping, shape

OUT = Path(__file__).parent / "fixtures"
LAT, LON = 50.9754, 71.3549
CREDIT = "© OpenStreetMap contributors, ODbL"
ROADS = {
    "main-street": (14, ((-300, -95), (300, -95)), ("Бас көше", "Главная улица", "Main Street")),
    "north-street": (10, ((-300, 90), (300, 90)), ("Солтүстік көше", "Северная улица", "North Street")),
    "centre-avenue": (14, ((0, -225), (0, 225)), ("Орталық даңғыл", "Центральный проспект", "Centre Avenue")),
    "west-lane": (10, ((-190, -225), (-190, 225)), ("Батыс тұйық", "Западный переулок", "West Lane")),
    "east-lane": (9, ((195, -225), (195, 225)), ("Шығыс тұйық", "Восточный переулок", "East Lane")),
}


def lonlat(east: float, north: float) -> list[float]:
    """Returns the place so many metres east and north of the origin."""
    return [
        round(LON + east / (111_320 * math.cos(math.radians(LAT))), 7),
        round(LAT + north / 111_250, 7),
    ]


def city(boundaries: Path, places: Path) -> None:
    """Writes the city as `GET /city` gives it."""
    features = []
    for feature in json.loads(boundaries.read_text())["features"][:1]:
        area = shape(feature["geometry"]).simplify(0.00008)
        features.append(
            {
                "type": "Feature",
                "properties": {
                    "kind": "boundary",
                    "name": feature["properties"]["name"],
                    "attribution": CREDIT,
                },
                "geometry": json.loads(json.dumps(mapping(area))),
            }
        )
    for feature in json.loads(places.read_text())["features"]:
        lon, lat = feature["geometry"]["coordinates"]
        if abs(lon - LON) < 0.5 and abs(lat - LAT) < 0.35:
            keep = {k: feature["properties"].get(k) for k in ("name", "name:kk", "name:ru", "place")}
            features.append(
                {
                    "type": "Feature",
                    "properties": {**{k: v for k, v in keep.items() if v}, "attribution": CREDIT},
                    "geometry": feature["geometry"],
                }
            )
    for name, (width, line, names) in ROADS.items():
        features.append(
            {
                "type": "Feature",
                "properties": {
                    "kind": "street",
                    "id": name,
                    "name": names[0],
                    "name:kk": names[0],
                    "name:ru": names[1],
                    "name:en": names[2],
                    "width_m": width,
                    "attribution": CREDIT,
                },
                "geometry": {"type": "LineString", "coordinates": [lonlat(*p) for p in line]},
            }
        )
    text = json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False)
    (OUT / "city.json").write_text(text)


def ground(rng: random.Random, size: tuple[int, int], tone: tuple[int, int, int], grain: int) -> Image.Image:
    """Returns a piece of noisy ground."""
    noise = np.random.default_rng(rng.randrange(1 << 30)).normal(0, grain, (size[1], size[0], 1))
    soft = np.asarray(
        Image.fromarray((np.clip(noise[..., 0] * 6 + 128, 0, 255)).astype("uint8")).filter(
            ImageFilter.GaussianBlur(9)
        ),
        dtype=float,
    )[..., None]
    return Image.fromarray(np.clip(np.array(tone) + noise + (soft - 128) * 0.8, 0, 255).astype("uint8"))


def car(picture: Image.Image, x: float, y: float, long: float, angle: float, tone: tuple[int, int, int]) -> None:
    """Paints a car seen from above with its shadow."""
    pad = int(long * 1.6)
    layer = Image.new("RGBA", (pad * 2, pad * 2), (0, 0, 0, 0))
    pen = ImageDraw.Draw(layer)
    wide = long * 0.42
    box = [pad - long / 2, pad - wide / 2, pad + long / 2, pad + wide / 2]
    pen.rounded_rectangle(box, radius=wide * 0.32, fill=(*tone, 255))
    dark = (28, 34, 40, 255)
    pen.rounded_rectangle([pad + long * 0.08, box[1] + 3, pad + long * 0.24, box[3] - 3], radius=4, fill=dark)
    pen.rounded_rectangle([pad - long * 0.36, box[1] + 3, pad - long * 0.26, box[3] - 3], radius=4, fill=dark)
    pen.rectangle([pad - long * 0.24, box[1] + 2, pad + long * 0.06, box[1] + 5], fill=dark)
    pen.rectangle([pad - long * 0.24, box[3] - 5, pad + long * 0.06, box[3] - 2], fill=dark)
    shadow = Image.new("RGBA", layer.size, (0, 0, 0, 0))
    ImageDraw.Draw(shadow).rounded_rectangle([c + 7 for c in box], radius=wide * 0.3, fill=(0, 0, 0, 120))
    shadow = shadow.filter(ImageFilter.GaussianBlur(4))
    shadow.alpha_composite(layer)
    turned = shadow.rotate(angle, resample=Image.Resampling.BICUBIC)
    picture.paste(turned, (int(x - pad), int(y - pad)), turned)


def street(seed: int, marked: bool = True) -> tuple[Image.Image, tuple[int, int, int, int]]:
    """Returns a street from above and the box of the car in question."""
    rng = random.Random(seed)
    size = (1280, 720)
    picture = ground(rng, size, (96, 112, 78), 9)
    picture.paste(ground(rng, (1280, 330), (150, 147, 140), 6), (0, 190))
    picture.paste(ground(rng, (1280, 250), (84, 86, 90), 6), (0, 230))
    pen = ImageDraw.Draw(picture)
    for x in range(-40, 1280, 150):
        pen.rectangle([x, 352, x + 80, 357], fill=(214, 214, 206))
    for _ in range(9):
        x, y, r = rng.uniform(0, 1280), rng.choice([rng.uniform(0, 150), rng.uniform(560, 720)]), rng.uniform(26, 60)
        for _ in range(16):
            dx, dy = rng.gauss(0, r / 2.6), rng.gauss(0, r / 2.6)
            tone = rng.randint(44, 74)
            pen.ellipse([x + dx - r / 3, y + dy - r / 3, x + dx + r / 3, y + dy + r / 3], fill=(tone - 8, tone + 22, tone - 14))
    tones = [(198, 200, 204), (58, 70, 92), (140, 36, 34), (30, 32, 36), (226, 226, 222)]
    car(picture, rng.uniform(150, 420), 300, 118, 180, rng.choice(tones))
    car(picture, rng.uniform(900, 1150), 418, 122, 0, rng.choice(tones))
    x = rng.uniform(540, 760)
    car(picture, x, 458, 120, rng.uniform(-4, 4), rng.choice(tones))
    box = (int(x - 76), 418, int(x + 76), 498)
    if marked:
        pen.rectangle(box, outline=(240, 168, 48), width=4)
    return picture.filter(ImageFilter.GaussianBlur(0.6)), box


def heap(seed: int, clean: bool = False) -> Image.Image:
    """Returns a plot from above, with or without a heap of waste."""
    rng = random.Random(seed)
    picture = ground(rng, (1280, 720), (138, 122, 98), 10)
    picture.paste(ground(rng, (1280, 120), (92, 112, 74), 9), (0, 0))
    pen = ImageDraw.Draw(picture)
    for _ in range(40):
        x, y = rng.uniform(0, 1280), rng.uniform(120, 720)
        pen.line([x, y, x + rng.uniform(-60, 60), y + rng.uniform(-14, 14)], fill=(120, 104, 82), width=3)
    if not clean:
        x, y = rng.uniform(520, 760), rng.uniform(330, 430)
        for _ in range(130):
            dx, dy = rng.gauss(0, 52), rng.gauss(0, 36)
            w, h = rng.uniform(8, 34), rng.uniform(8, 24)
            tone = rng.choice([(206, 204, 198), (60, 62, 66), (52, 82, 128), (150, 120, 70), (170, 52, 44), (98, 96, 92)])
            pen.polygon(
                [(x + dx + w * math.cos(a), y + dy + h * math.sin(a)) for a in sorted(rng.uniform(0, 6.3) for _ in range(5))],
                fill=tone,
            )
        pen.rectangle([x - 135, y - 105, x + 135, y + 105], outline=(240, 168, 48), width=4)
    return picture.filter(ImageFilter.GaussianBlur(0.7))


def save(name: str, picture: Image.Image, quality: int = 78) -> None:
    """Writes a picture at half size."""
    buffer = io.BytesIO()
    picture.resize((960, 540), Image.Resampling.LANCZOS).save(buffer, "JPEG", quality=quality, optimize=True)
    (OUT / name).write_bytes(buffer.getvalue())


def clip() -> None:
    """Writes three seconds of a camera drifting over a street."""
    picture, _ = street(3)
    with av.open(str(OUT / "clip.mp4"), "w", options={"movflags": "faststart"}) as out:
        stream = out.add_stream("libx264", rate=12, options={"crf": "33", "preset": "slow", "profile": "baseline"})
        stream.width, stream.height, stream.pix_fmt = 640, 360, "yuv420p"
        for i in range(36):
            window = picture.crop((100 + i * 5, 60 + i * 2, 1060 + i * 5, 600 + i * 2)).resize((640, 360))
            for packet in stream.encode(av.VideoFrame.from_image(window)):
                out.mux(packet)
        for packet in stream.encode():
            out.mux(packet)


if __name__ == "__main__":
    OUT.mkdir(exist_ok=True)
    city(Path(sys.argv[1]), Path(sys.argv[2]))
    for n in (1, 2):
        save(f"street{n}.jpg", street(n)[0])
        save(f"heap{n}.jpg", heap(n))
    save("clean.jpg", heap(1, clean=True))
    clip()
