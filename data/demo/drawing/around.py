"""Everything round a drawn face but its hair: room, neck, ears, glasses and hand.

Layers are painted on ``picture``, float32 (3, GRID, GRID), linear light.
"""

import numpy as np
from PIL import Image

from .brush import (
    GRID,
    bump,
    coverage,
    linear,
    noise,
    over,
    ramp,
    tint,
)
from .head import View, to_camera, upright
from .people import Person
from .skin import dimmed

WALLS = (
    (206, 198, 184),
    (178, 186, 190),
    (150, 160, 152),
    (222, 216, 206),
    (120, 126, 134),
)
BOARD, FRAME, SKY = (44, 78, 64), (132, 96, 62), (226, 236, 246)


def paint_room(rng: np.random.Generator) -> np.ndarray:
    """Return a blurred corner of a classroom, float32 (3, GRID, GRID)."""
    size = 40
    room = np.empty((size, size, 3), np.float32)
    room[:] = WALLS[rng.integers(len(WALLS))]
    room *= np.linspace(1.05, 0.85, size)[:, None, None]
    kind = rng.choice(("board", "shelf", "window", "poster", "plain"))
    left = int(rng.integers(-8, 24))
    right = left + int(rng.integers(18, 36))
    columns = slice(max(left, 0), right)
    if kind == "board":
        room[2:26, columns] = FRAME
        room[4:24, max(left + 2, 0) : right - 2] = BOARD
    elif kind == "shelf":
        for top in range(0, size, 10):
            for column in range(size):
                if rng.random() < 0.85:
                    book = rng.integers(60, 150) + rng.integers(-35, 36, 3)
                    room[top + rng.integers(0, 3) : top + 8, column] = book
            room[top + 8 : top + 10] = FRAME
    elif kind == "window":
        room[0:28, columns] = SKY
        room[13:15, columns] = 180
        room[0:28, (max(left, 0) + right) // 2 % size] = 180
    elif kind == "poster":
        top = int(rng.integers(2, 14))
        room[top : top + 16, columns] = rng.integers(90, 200) + rng.integers(-40, 41, 3)
        print_colour = rng.integers(90, 200) + rng.integers(-40, 41, 3)
        room[top + 3 : top + 7, columns] = print_colour
    image = Image.fromarray(room.clip(0, 255).astype(np.uint8))
    image = image.resize((size // 2, size // 2), Image.Resampling.BOX)
    image = image.resize((GRID, GRID), Image.Resampling.BICUBIC)
    dim = rng.uniform(0.55, 1.0)
    return (np.asarray(image, np.float32).transpose(2, 0, 1) / 255) ** 2.2 * dim


def paint_neck(picture, u, v, person: Person, view: View, rng) -> None:
    """Paint neck and clothes; they stay upright when the head tilts."""
    chin = upright(view, 0.0, 0.85, 0.1)
    base = upright(view, 0.0, 0.4, -0.3)[0]
    half = 0.50 + 0.06 * person.jaw
    du = u - base
    side = np.clip(du / half, -1, 1)
    round_ = np.sqrt(1 - side * side)
    facing = (side * view.lamp[0] + round_ * view.lamp[2]).clip(0)
    below = 0.45 + 0.55 * ramp(v, chin[1] + 0.05, chin[1] + 0.6)
    lit = (view.fill + view.key * facing) * below * (0.4 + 0.6 * round_)
    inside = np.maximum(np.abs(du) - half - 0.15 * ramp(v, 1.0, 1.5), 0.3 - v)
    over(picture, linear(person.skin) * lit, coverage(inside, 0.03))
    collar = 1.12 + 0.10 * np.cos(np.clip(du / half, -1, 1) * np.pi)
    shoulder = np.maximum(collar, 1.02) + 0.16 * np.clip(np.abs(du) - half, 0, 2)
    folds = 0.62 + 0.06 * noise(rng, 8)
    cloth = linear(person.cloth) * folds * (view.fill + 0.6 * view.key)
    over(picture, cloth, coverage(shoulder - v, 0.03))


def paint_ears(picture, u, v, person: Person, view: View) -> None:
    """Paint the ears where no hair hides them."""
    if person.hair in ("long", "bob", "scarf"):
        return
    tone = linear(person.skin)
    for side in (-1, 1):
        cx, cy, _ = to_camera(view, side * (person.width + 0.01), 0.08, -0.05)
        du, dv = (u - cx) * side - 0.10 * (v - cy), v - cy
        rim = np.hypot(du / 0.13, dv / 0.235)
        lit = view.fill * 0.8 + view.key * (0.36 + 0.35 * side * view.lamp[0])
        shade = lit * (0.72 + 0.28 * ramp(rim, 0.3, 0.8))
        red = tint((1.04, 0.80, 0.76))
        over(picture, tone * red * shade, coverage((rim - 1) * 0.15, 0.02))
        hollow = bump(du, dv + 0.02, 0.05, 0.11) * coverage((rim - 0.9) * 0.15, 0.03)
        over(picture, tone * 0.25 * lit, 0.6 * hollow)


def paint_glasses(picture, x, y, inside, person: Person, view: View) -> None:
    """Paint glasses: rims, bridge, arms and a faint reflection."""
    if not person.glasses:
        return
    ax = np.abs(x)
    dx, dy = ax - person.eye_apart - 0.01, y + 0.07
    if person.glasses == "round":
        lens = np.hypot(dx, dy) - 0.245
    else:
        qx, qy = np.abs(dx) - 0.20, np.abs(dy) - 0.13
        lens = np.hypot(qx.clip(0), qy.clip(0)) + np.maximum(qx, qy).clip(max=0)
        lens = lens - 0.065  # rounds the corners
    rims = np.abs(lens) - 0.017
    bridge = np.maximum(np.abs(y + 0.12 - 0.25 * x * x) - 0.015, ax - 0.13)
    arms = np.maximum(np.abs(y + 0.13) - 0.017, person.eye_apart + 0.25 - ax)
    glint = coverage(lens, 0.02) * bump(dx * 0.8 + dy + 0.06, x * 0, 0.07, 1)
    over(picture, (0.9, 0.95, 1.0), 0.10 * dimmed(person) ** 2 * view.key * glint)
    dark = np.array(((28, 24, 26), (74, 46, 30), (112, 112, 118))[person.cloth[0] % 3])
    shadow = np.minimum(rims, bridge)
    over(picture, picture * 0.55, 0.5 * coverage(shadow - 0.012, 0.06))
    shape = np.minimum(np.minimum(rims, bridge), np.maximum(arms, inside))
    metal = linear(dark) * (0.6 + 0.5 * view.key)
    over(picture, metal, 0.95 * coverage(shape, 0.02))


def paint_hand(picture, u, v, person: Person, view: View, side: float) -> None:
    """Paint a loose fist on which the head leans: four knuckles along the jaw."""
    cx, cy = upright(view, 0.0, 0.93, 0.45)
    du, dv = (u - cx) * side, v - cy
    tone = linear(person.skin) * tint((1.0, 0.93, 0.90))
    bones = (  # from, to, radius; drawn from the back to the front
        ((0.62, 0.60), (0.44, 0.16), 0.24),  # wrist and back of the hand
        ((0.53, -0.20), (0.58, 0.04), 0.088),  # the bent fingers, outermost first
        ((0.38, -0.15), (0.46, 0.10), 0.096),
        ((0.22, -0.06), (0.33, 0.16), 0.098),
        ((0.09, 0.05), (0.22, 0.21), 0.088),
        ((0.56, 0.24), (0.24, 0.27), 0.090),  # the thumb, across them
    )
    for (ax, ay), (bx, by), radius in bones:
        ex, ey = bx - ax, by - ay
        along = (((du - ax) * ex + (dv - ay) * ey) / (ex * ex + ey * ey)).clip(0, 1)
        px, py = du - ax - along * ex, dv - ay - along * ey
        reach = np.hypot(px, py) / radius
        high = np.sqrt(np.clip(1 - reach * reach, 0, 1))
        lx, ly, lz = view.lamp
        facing = (side * px * lx + py * ly) / radius + high * lz
        facing = (facing + 0.3).clip(0) / 1.3
        lit = (view.fill * 0.75 + view.key * facing) * (0.45 + 0.55 * np.sqrt(high))
        over(picture, picture * 0.5, 0.6 * coverage((reach - 1.25) * radius, 0.10))
        over(picture, tone * lit, coverage((reach - 1) * radius, 0.02))
