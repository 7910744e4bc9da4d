"""Three cameras that look different: album photos, film stills and a webcam."""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFilter

from .brush import GRID


@dataclass(frozen=True)
class Camera:
    """Ranges that a camera's pictures are drawn from, each (low, high)."""

    span: tuple[float, float]  # head units across the frame
    pitch: tuple[float, float]  # radians, positive looks down on the head
    yaw: float  # radians, spread
    key: tuple[float, float]  # strength of the lamp
    fill: tuple[float, float]  # strength of the light from all around
    warmth: tuple[float, float]  # −1 cool to 1 warm
    blur: tuple[float, float]  # pixels of the finished picture
    noise: tuple[float, float]  # grey levels
    contrast: tuple[float, float]
    vignette: tuple[float, float]  # darkening of the corners
    bands: tuple[float, float]  # grey levels of rolling horizontal bands
    quality: tuple[int, int]  # of the JPEG file


CAMERAS = {
    "album": Camera(  # RAF-DB: photos from the web, aligned and cropped tightly
        span=(1.95, 2.10),
        pitch=(-0.06, 0.08),
        yaw=0.09,
        key=(0.90, 1.10),
        fill=(0.34, 0.50),
        warmth=(-0.1, 0.8),
        blur=(0.0, 0.8),
        noise=(1, 4),
        contrast=(0.95, 1.1),
        vignette=(0.0, 0.1),
        bands=(0, 0),
        quality=(68, 92),
    ),
    "film": Camera(  # OAHEGA: social media and film stills of every kind
        span=(1.92, 2.12),
        pitch=(-0.10, 0.10),
        yaw=0.10,
        key=(0.85, 1.15),
        fill=(0.28, 0.48),
        warmth=(-0.5, 0.9),
        blur=(0.0, 0.9),
        noise=(1, 4.5),
        contrast=(0.88, 1.2),
        vignette=(0.0, 0.30),
        bands=(0, 0),
        quality=(60, 95),
    ),
    "webcam": Camera(  # FED: a camera above a screen, cool, flat and noisy
        span=(2.12, 2.36),
        pitch=(0.03, 0.16),
        yaw=0.12,
        key=(0.60, 0.85),
        fill=(0.45, 0.65),
        warmth=(-1.0, -0.5),
        blur=(0.4, 0.9),
        noise=(2.5, 5),
        contrast=(0.80, 0.96),
        vignette=(0.15, 0.40),
        bands=(1.0, 3.5),
        quality=(38, 60),
    ),
}


def expose(
    picture: np.ndarray, size: int, camera: Camera, rng: np.random.Generator
) -> np.ndarray:
    """Turn linear light into the picture that a camera would have stored.

    Args:
        picture: float32 (3, H, W), linear light, 1 is white.
        size: height and width of the result in pixels.
        camera: what to draw blur, noise and the rest from.
        rng: the source of chance.

    Returns:
        uint8 (size, size, 3), sRGB.
    """
    middle = picture[:, GRID // 4 : -GRID // 4, GRID // 4 : -GRID // 4].mean()
    picture = picture * np.clip((0.31 / middle) ** 0.45, 0.85, 1.8)  # auto-exposure
    shown = 1.06 * picture.clip(0) / (1 + 0.18 * picture.clip(0))  # soft highlights
    shown = 255 * shown.clip(0, 1) ** (1 / 2.2)
    image = Image.fromarray(shown.transpose(1, 2, 0).astype(np.uint8))
    image = image.resize((size, size), Image.Resampling.BOX)
    blur = rng.uniform(*camera.blur) * size / 100
    image = image.filter(ImageFilter.GaussianBlur(blur))
    levels = np.asarray(image, np.float32)
    axis = np.linspace(-1, 1, size, dtype=np.float32)
    radius = axis[:, None] ** 2 + axis[None, :] ** 2
    levels = levels * (1 - rng.uniform(*camera.vignette) * radius * 0.5)[..., None]
    levels = (levels - 118) * rng.uniform(*camera.contrast) + 118
    phase, waves = rng.uniform(0, 2 * np.pi), rng.uniform(3, 9)
    bands = rng.uniform(*camera.bands) * np.sin(waves * np.pi * axis + phase)
    levels = levels + bands[:, None, None]
    grain = rng.standard_normal((size, size, 3), dtype=np.float32)
    grain = 0.8 * grain.mean(2, keepdims=True) * 1.7 + 0.45 * grain
    levels = levels + rng.uniform(*camera.noise) * grain
    return levels.clip(0, 255).astype(np.uint8)
