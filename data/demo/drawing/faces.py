"""Faces drawn by the project: one call, one face that a person can read at 48 pixels.

A head is an ellipsoid with a relief, lit by one lamp; its features are distances in
head coordinates, so they turn with it; facial action units shape them; a camera with
its own faults takes the picture. Nobody real is shown.
"""

from dataclasses import replace

import numpy as np

from .around import (
    paint_ears,
    paint_glasses,
    paint_hand,
    paint_neck,
    paint_room,
)
from .brush import GRID, coverage, linear, over
from .camera import CAMERAS, Camera, expose
from .features import paint_features
from .hair import paint_back_hair, paint_hair
from .head import View, light, pixel_grid, see_skull, tilt_normals
from .people import (
    UNITS,
    Expression,
    Person,
    draw_expression,
    draw_person,
)
from .skin import relief

EXPRESSIONS = ("engaged", *UNITS)
STRENGTH = (0.52, 1.04)  # of an expression, where the caller names none


def draw_face(
    expression: str,
    *,
    seed: int | tuple[int, ...] = 0,
    size: int = 100,
    camera: str = "album",
    strength: float | None = None,
    person: Person | None = None,
) -> np.ndarray:
    """Draw one face.

    Args:
        expression: one of ``EXPRESSIONS``.
        seed: a number or several; the same seed draws the same picture. Person,
            expression and camera draw from chances of their own, so the same seed
            with another expression is the same person.
        size: height and width in pixels, 16 to 200.
        camera: a key of ``CAMERAS``.
        strength: of the expression, 0 to about 1; drawn by chance if ``None``.
        person: who is drawn; drawn by chance if ``None``.

    Returns:
        uint8 (size, size, 3), sRGB.

    Raises:
        ValueError: for an unknown expression or camera, or a size out of range.
    """
    for name, known in ((expression, EXPRESSIONS), (camera, CAMERAS)):
        if name not in known:
            raise ValueError(f"Cannot draw {name!r}: choose one of {', '.join(known)}.")
    if not 16 <= size <= GRID:
        raise ValueError(f"Cannot draw {size} pixels: choose 16 to {GRID}.")
    someone, feeling, setting, texture, film = chances(seed)
    person = person or draw_person(someone)
    if strength is None:
        strength = float(feeling.uniform(*STRENGTH))
    face = draw_expression(feeling, expression, strength)
    view = draw_view(setting, CAMERAS[camera], face)
    return expose(render(person, face, view, texture), size, CAMERAS[camera], film)


def chances(seed: int | tuple[int, ...]) -> list[np.random.Generator]:
    """Return separate chances for person, expression, view, texture and film."""
    return [np.random.default_rng(s) for s in np.random.SeedSequence(seed).spawn(5)]


def person_of(seed: int | tuple[int, ...]) -> Person:
    """Return the person whom ``draw_face`` draws from this seed."""
    return draw_person(chances(seed)[0])


def draw_view(rng: np.random.Generator, camera: Camera, face: Expression) -> View:
    """Draw where the camera stands, how the head is held and where the lamp hangs."""
    angle = rng.uniform(-1.1, 1.1)  # of the lamp, from straight above
    lean = rng.uniform(0.3, 0.62)
    lamp = np.array([np.sin(angle) * lean, -np.cos(angle) * lean, 0.8])
    lamp = lamp / np.sqrt((lamp**2).sum())
    return View(
        yaw=float(rng.normal(0, camera.yaw)) + face.turn,
        pitch=float(rng.uniform(*camera.pitch)) + face.nod,
        roll=float(rng.normal(0, 0.04)) + face.tilt,
        span=float(rng.uniform(*camera.span)),
        shift=tuple(float(part) for part in rng.normal(0, 0.015, 2)),
        lamp=tuple(float(part) for part in lamp),
        key=float(rng.uniform(*camera.key)),
        fill=float(rng.uniform(*camera.fill)),
        warmth=float(rng.uniform(*camera.warmth)),
    )


def render(
    person: Person, face: Expression, view: View, rng: np.random.Generator
) -> np.ndarray:
    """Paint a face from back to front.

    Returns:
        float32 (3, GRID, GRID), linear light.
    """
    picture = paint_room(rng)
    u, v = pixel_grid(view)
    flat_u, flat_v = pixel_grid(replace(view, roll=0.0))
    paint_back_hair(picture, u, v, person, view, rng)
    paint_neck(picture, flat_u, flat_v, person, view, rng)
    paint_ears(picture, u, v, person, view)
    head = see_skull(u, v, view, person.width, person.jaw)
    # Parallax: what stands out of the skull slides over it when the head turns.
    height = relief(head.x, head.y, person, face)
    u2 = u - height * np.float32(np.sin(view.yaw))
    v2 = v - height * np.float32(np.sin(view.pitch))
    inner = see_skull(u2, v2, view, person.width, person.jaw)
    x, y = inner.x, inner.y
    head.x, head.y, head.z = x, y, inner.z
    tilt_normals(head, relief(x, y, person, face), view)
    skin = np.empty((3, GRID, GRID), np.float32)
    skin[:] = linear(person.skin)
    paint_features(skin, x, y, person, face, rng)
    lit, gloss = light(head, view)
    skin *= lit
    skin += 0.16 * view.key * gloss * (0.25 + skin)
    over(picture, skin, coverage(head.outside, 0.025))
    paint_glasses(picture, x, y, head.outside, person, view)
    paint_hair(picture, u, v, head.outside, person, view, rng)
    if face.hand:
        paint_hand(picture, flat_u, flat_v, person, view, face.hand)
    return picture
