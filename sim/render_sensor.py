"""What lens, chip and encoder do to a clean picture: blur, exposure, colour, noise, blocks."""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from sim.render_assets import Image, as_image


@dataclass(frozen=True, slots=True)
class Sensor:
    """The weaknesses of one camera."""

    blur_px: float = 0.65
    """Standard deviation of the optical blur."""
    noise_levels: float = 2.2
    """Standard deviation of the noise in grey levels."""
    exposure: float = 1.0
    """Factor on the brightness."""
    exposure_drift: float = 0.05
    """How far the exposure wanders about its mean."""
    contrast: float = 1.0
    warmth: float = 0.0
    """Share by which red gains and blue loses."""
    jpeg_quality: int | None = None
    """Quality of a JPEG round trip, None for none (a stream's encoder does its own harm)."""


@lru_cache(maxsize=8)
def _noise_field(noise_levels: float) -> Image:
    """Returns a big field of noise around 128, cut at a random place for each frame."""
    chance = np.random.default_rng(91)
    grey = chance.normal(0, noise_levels, (1024, 1600, 1))
    colour = chance.normal(0, noise_levels * 0.4, (1024, 1600, 3))
    return (128 + grey + colour).round().clip(0, 255).astype(np.uint8)


def expose(picture: Image, sensor: Sensor, t_s: float, seed: int) -> Image:
    """Returns the picture as the sensor gives it; the same arguments give the same picture."""
    chance = np.random.default_rng([seed & 0x7FFFFFFF, round(t_s * 1000) & 0x7FFFFFFF])
    if sensor.blur_px > 0:
        picture = as_image(
            cv2.GaussianBlur(picture, (3, 3) if sensor.blur_px < 0.9 else (0, 0), sensor.blur_px)
        )
    drift = 1 + sensor.exposure_drift * np.sin(t_s / 7.0 + seed % 7)
    gain = sensor.contrast * sensor.exposure * drift
    lift = 118 * (1 - sensor.contrast) * sensor.exposure * drift
    if sensor.warmth:
        ramp = np.arange(256)[:, None] * gain + lift
        table = ramp * (1 + sensor.warmth * np.array([-1, 0, 1]))
        picture = as_image(cv2.LUT(picture, table.round().clip(0, 255).astype(np.uint8)[None]))
        gain, lift = 1.0, 0.0
    height, width = picture.shape[:2]
    field = _noise_field(round(sensor.noise_levels, 1))
    if sensor.noise_levels > 0 and height < field.shape[0] and width < field.shape[1]:
        top = int(chance.integers(field.shape[0] - height))
        left = int(chance.integers(field.shape[1] - width))
        cut = field[top : top + height, left : left + width]
        picture = as_image(cv2.addWeighted(picture, gain, cut, 1.0, lift - 128.0))
    else:
        picture = as_image(cv2.addWeighted(picture, gain, picture, 0.0, lift))
    if sensor.jpeg_quality is not None:
        _, code = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, sensor.jpeg_quality])
        picture = as_image(cv2.imdecode(code, cv2.IMREAD_COLOR))
    return picture
