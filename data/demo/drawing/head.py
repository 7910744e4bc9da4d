"""The solid head under a drawn face: rays, normals and light, on a pixel grid.

Units are head units: x runs to the viewer's right, y down and z towards the viewer.
Every array is float32 of shape (H, W).
"""

from dataclasses import dataclass

import numpy as np

from .brush import GRID, ramp, tint

TOP, MIDDLE = 1.15, -0.12  # head units: half height of the skull, height of its centre
DEPTH = 0.95  # head units, half depth of the skull
CENTRE = (0.0, 0.22, 0.86)  # head units, between eyes and mouth
BELOW = 0.17  # head units, how far below the middle of the frame that point lies


@dataclass(frozen=True)
class View:
    """Where the camera stands and where the lamp hangs (angles in radians)."""

    yaw: float = 0.0  # the face turns to the viewer's right
    pitch: float = 0.0  # the face nods down
    roll: float = 0.0  # the head leans towards the viewer's right shoulder
    span: float = 2.3  # head units across the frame
    shift: tuple[float, float] = (0.0, 0.0)  # head units, of the crop
    lamp: tuple[float, float, float] = (-0.4, -0.5, 0.76)  # towards the lamp
    key: float = 1.0  # strength of the lamp
    fill: float = 0.45  # strength of the light from all around
    warmth: float = 0.0  # −1 cool to 1 warm


@dataclass
class Surface:
    """What the camera sees of a solid: positions on it, normals, and its outline."""

    x: np.ndarray
    y: np.ndarray
    z: np.ndarray
    normal: tuple[np.ndarray, np.ndarray, np.ndarray]
    outside: np.ndarray  # head units, distance to the outline, negative inside


def pixel_grid(view: View) -> tuple[np.ndarray, np.ndarray]:
    """Return the camera plane's coordinates of every pixel, upright with the head."""
    axis = (np.arange(GRID, dtype=np.float32) + 0.5) / GRID - 0.5
    u, v = np.meshgrid(axis * view.span, axis * view.span)
    cos, sin = np.float32(np.cos(view.roll)), np.float32(np.sin(view.roll))
    u, v = u + np.float32(view.shift[0]), v + np.float32(view.shift[1] - BELOW)
    u, v = u * cos + v * sin, v * cos - u * sin
    # An aligned crop has the same point of the face in its middle, however it turns.
    x, y, _ = to_camera(view, *CENTRE)
    return u + np.float32(x), v + np.float32(y)


def to_camera(view: View, x, y, z):
    """Turn head coordinates into the camera's (arrays or numbers)."""
    cp, sp = float(np.cos(view.pitch)), float(np.sin(view.pitch))
    cy, sy = float(np.cos(view.yaw)), float(np.sin(view.yaw))
    y, z = y * cp + z * sp, z * cp - y * sp
    return x * cy + z * sy, y, z * cy - x * sy


def upright(view: View, x, y, z) -> tuple[float, float]:
    """Return where a point of the head lies on a grid that does not roll with it."""
    cx, cy, _ = to_camera(view, *CENTRE)
    px, py, _ = to_camera(view, x, y, z)
    cos, sin = float(np.cos(view.roll)), float(np.sin(view.roll))
    px, py = px - cx, py - cy
    return px * cos - py * sin + cx, px * sin + py * cos + cy


def see_skull(u, v, view: View, width: float, jaw: float, grow: float = 1) -> Surface:
    """Intersect every pixel's ray with the skull, an ellipsoid that the jaw shapes.

    Args:
        u: camera plane, to the right, from ``pixel_grid``.
        v: camera plane, downwards.
        view: the camera.
        width: half width of the skull in head units.
        jaw: −1 (pointed chin) to 1 (square chin).
        grow: scale of the whole solid; the hair is a skull a little larger.
    """
    cp, sp = np.float32(np.cos(view.pitch)), np.float32(np.sin(view.pitch))
    cy, sy = np.float32(np.cos(view.yaw)), np.float32(np.sin(view.yaw))
    x0, y0, z0 = u * cy, v * cp - u * (sy * sp) - MIDDLE, v * sp + u * (sy * cp)
    dx, dy, dz = -sy, -cy * sp, cy * cp  # the ray: point 0 + t · d, t to the viewer
    high, deep = TOP * grow, DEPTH * grow
    y = v
    for _ in range(2):  # the width depends on the height, which the hit decides
        wide = width * grow
        wide = wide * (1 + 0.13 * jaw * ramp(y, 0.1, 0.8) + 0.12 * ramp(-y, 0.3, 1.1))
        inverse = 1 / (wide * wide)
        a = dx * dx * inverse + dy * dy / high**2 + dz * dz / deep**2
        b = x0 * dx * inverse + y0 * (dy / high**2) + z0 * (dz / deep**2)
        c = x0 * x0 * inverse + y0 * y0 / high**2 + z0 * z0 / deep**2
        nearest = c - b * b / a  # the quadric's least value along the ray
        t = (np.sqrt(np.maximum(1 - nearest, 0) * a) - b) / a
        y = y0 + t * dy + MIDDLE
    x, z = x0 + t * dx, z0 + t * dz
    normal = to_camera(view, x * inverse, (y - MIDDLE) / high**2, z / deep**2)
    length = 1 / np.sqrt(sum(part * part for part in normal) + 1e-9)
    outside = (np.sqrt(np.maximum(nearest, 0)) - 1) * (0.95 * grow)
    return Surface(x, y, z, tuple(part * length for part in normal), outside)


def tilt_normals(surface: Surface, relief: np.ndarray, view: View) -> None:
    """Bend the normals of ``surface`` by a relief given in head units."""
    down, right = np.gradient(relief, view.span / GRID)
    cos, sin = np.float32(np.cos(view.roll)), np.float32(np.sin(view.roll))
    nx, ny, nz = surface.normal
    nx = nx - right * cos - down * sin  # the pixels do not roll, the head does
    ny = ny - down * cos + right * sin
    length = 1 / np.sqrt(nx * nx + ny * ny + nz * nz + 1e-9)
    surface.normal = (nx * length, ny * length, nz * length)


def light(surface: Surface, view: View) -> tuple[np.ndarray, np.ndarray]:
    """Return the light that falls on a surface and the gloss that it throws back.

    Returns:
        float32 (3, H, W) factors for the surface's colour, and float32 (H, W) gloss
        from 0 to 1.
    """
    cos, sin = np.cos(view.roll), np.sin(view.roll)
    lx, ly, lz = view.lamp
    lx, ly = lx * cos + ly * sin, ly * cos - lx * sin  # the lamp does not roll along
    nx, ny, nz = surface.normal
    facing = nx * lx + ny * ly + nz * lz
    wrapped = np.clip((facing + 0.35) / 1.35, 0, 1)  # light creeps round soft skin
    sky = 0.72 - 0.28 * ny
    lamp = tint((1 + 0.07 * view.warmth, 1, 1 - 0.09 * view.warmth))
    # Half-lit skin glows red, because light travels under it.
    red = tint((0.07, -0.09, -0.15))
    bleed = wrapped + red * (wrapped * (1 - wrapped))
    lit = view.key * lamp * bleed + view.fill * sky  # (3, H, W)
    half = np.array([lx, ly, lz + 1])
    half = half / np.sqrt((half**2).sum())
    gloss = np.clip(nx * half[0] + ny * half[1] + nz * half[2], 0, 1) ** 2
    gloss = gloss * gloss * gloss  # powers of two are quick: to the 6th,
    gloss = gloss * gloss  # the 12th
    gloss = gloss * gloss  # and the 24th
    return lit.astype(np.float32), gloss.astype(np.float32)
