"""Everything round a drawn face: room, neck, ears, hair, glasses and hand.

Layers are painted on ``picture``, float32 (3, GRID, GRID), linear light.
"""

import numpy as np
from PIL import Image

from smartclass_utils.faces_features import linear, over
from smartclass_utils.faces_head import (
    GRID,
    Surface,
    View,
    bump,
    coverage,
    light,
    noise,
    ramp,
    see_skull,
    to_camera,
)
from smartclass_utils.faces_people import Person

WALLS = (
    (206, 198, 184),
    (178, 186, 190),
    (150, 160, 152),
    (222, 216, 206),
    (120, 126, 134),
)
BOARD, FRAME, SKY = (44, 78, 64), (132, 96, 62), (226, 236, 246)
GROWTH = {"curly": 1.15, "long": 1.10, "bob": 1.10, "scarf": 1.08, "bald": 1.03}


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
        room[top + 3 : top + 7, columns] = rng.integers(90, 200) + rng.integers(
            -40, 41, 3
        )
    image = Image.fromarray(room.clip(0, 255).astype(np.uint8))
    image = image.resize((size // 2, size // 2), Image.Resampling.BOX)
    image = image.resize((GRID, GRID), Image.Resampling.BICUBIC)
    dim = rng.uniform(0.55, 1.0)
    return (np.asarray(image, np.float32).transpose(2, 0, 1) / 255) ** 2.2 * dim


def strands(coordinate: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return hair-like streaks, mean 0, along lines of equal ``coordinate``."""
    table = rng.standard_normal(1024).astype(np.float32)
    fine = table + np.roll(table, 1) + np.roll(table, 2)
    coarse = np.repeat(table[:128], 8)
    index = (coordinate * 170).astype(np.int32) % 1024
    return 0.35 * fine[index] + 0.6 * coarse[index]


def paint_back_hair(picture, u, v, person: Person, view: View, rng) -> None:
    """Paint the hair (or the scarf) that falls behind the neck."""
    if person.hair not in ("long", "bob", "scarf", "curly"):
        return
    centre = to_camera(view, 0.0, 0.0, -0.35)
    du, dv = u - centre[0], v - centre[1]
    bottom = {"long": 3.0, "bob": 0.85, "scarf": 3.0, "curly": 0.55}[person.hair]
    flare = {"long": 0.10, "bob": 0.16, "scarf": -0.12, "curly": 0.16}[person.hair]
    half = person.width * 1.08 + flare * ramp(dv, -0.3, 0.7)
    crown = np.hypot(du / (person.width * 1.12), (dv + 0.15) / 1.15) - 1
    distance = np.where(dv < -0.1, crown, np.maximum(np.abs(du) - half, dv - bottom))
    grain = (
        noise(rng, 26)
        if person.hair == "curly"
        else strands(du + 0.02 * np.sin(dv * 7), rng)
    )
    colour = person.cloth if person.hair == "scarf" else person.hair_colour
    shade = 0.42 + (0.0 if person.hair == "scarf" else 0.10) * grain
    lit = shade * (view.fill + 0.75 * view.key)
    over(
        picture,
        linear(colour) * lit.clip(0.05),
        coverage(distance + 0.02 * grain, 0.05),
    )


def paint_neck(picture, u, v, person: Person, view: View, rng) -> None:
    """Paint neck and clothes; they stay upright when the head tilts."""
    chin = to_camera(view, 0.0, 0.85, 0.1)
    base = to_camera(view, 0.0, 0.4, -0.3)[0]
    half = 0.50 + 0.06 * person.jaw
    du = u - base * 0.6
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
        lit = view.fill * 0.8 + view.key * (0.45 + 0.35 * side * view.lamp[0])
        shade = lit * (0.72 + 0.28 * ramp(rim, 0.3, 0.8))
        red = np.array([1.04, 0.80, 0.76], np.float32)[:, None, None]
        over(picture, tone * red * shade, coverage((rim - 1) * 0.15, 0.02))
        hollow = bump(du + 0.005, dv + 0.02, 0.05, 0.11)
        over(
            picture,
            tone * 0.25 * lit,
            0.6 * hollow * coverage((rim - 0.9) * 0.15, 0.03),
        )


def hair_edge(shell: Surface, person: Person, rng) -> np.ndarray:
    """Return the distance to the hairline on the skull, negative where hair grows."""
    x, y, z = shell.x, shell.y, shell.z
    lat = np.abs(x) / person.width
    line = -0.76 + 0.10 * ramp(lat, 0.15, 0.6) - 0.12 * min(person.age, 0.7)
    sides = ramp(lat, 0.84, 0.98)
    wisps = 0.03 * strands(x * 0.55, rng)
    style = person.hair
    way = 1 if person.parting > 0 else -1
    if style == "scarf":
        opening = 1 - np.hypot(x / (person.width * 0.80), (y - 0.16) / 0.88)
        return np.minimum(opening, z - 0.2)
    if style == "bald":
        line = -2.0 + 2.2 * ramp(lat, 0.86, 0.98)
    elif style == "short":  # combed to one side
        lean = np.clip(0.5 + 0.5 * way * x / person.width, 0, 1)
        line = line + 0.12 * lean * lean + 0.70 * sides
    elif style == "swept":
        sweep = np.clip(0.45 + way * x / person.width, 0, 1.5)
        line = line - 0.02 + 0.20 * sweep**1.4 + 0.66 * sides
    elif style == "curly":
        line = line + 0.08 + 0.03 * noise(rng, 18) + 0.9 * sides
    elif style == "tied":
        line = line - 0.04 + 0.45 * sides
    else:  # long or bob: a parting, or a fringe when the parting is near the middle
        part = 0.5 * person.parting * person.width
        curtain = np.abs(x - part) / person.width
        fringe = abs(person.parting) < 0.22
        line = -0.46 + 0.10 * lat if fringe else -0.95 + 0.50 * np.sqrt(curtain)
        line = line + 2.4 * ramp(lat, 0.70, 0.98)
        if style == "bob":
            line = np.minimum(line, 0.80)
    edge = y - line + wisps * (0.5 if style in ("tied", "long", "bob") else 1)
    if style == "tied":
        return edge
    return np.where((z < -0.2) & (y < 0.35), -0.1, edge)


def paint_hair(picture, u, v, person: Person, view: View, rng) -> None:
    """Paint the hair on a shell round the skull, so that it turns with the head."""
    grow = GROWTH.get(person.hair, 1.06)
    shell = see_skull(u, v, view, person.width, person.jaw * 0.5, grow)
    edge = hair_edge(shell, person, rng)
    x, y = shell.x, shell.y
    scarf = person.hair == "scarf"
    if person.hair == "curly":
        grain = 1.0 * noise(rng, 30) + 0.4 * noise(rng, 60)
        outside = shell.outside + 0.045 * noise(rng, 22)
    elif scarf:
        grain = np.sin(9 * np.hypot(x, y) + 2 * noise(rng, 5))
        outside = shell.outside
    else:
        part = 0.5 * person.parting
        flow = (
            np.arctan2(x - part * 0.5, y + 1.55)
            if person.hair != "swept"
            else x + 0.6 * y
        )
        grain = strands(flow, rng)
        outside = shell.outside + 0.008 * grain
    lit, gloss = light(shell, view)
    depth = 0.08 if scarf else 0.20
    tone = linear(person.cloth if scarf else person.hair_colour)
    sheen = (
        0.0
        if scarf
        else 0.10 * view.key * gloss**0.35 * np.clip(0.6 + 0.5 * grain, 0, 2)
    )
    ring = bump(np.hypot(x, y + 0.3) - 0.62, x * 0, 0.14, 1)
    colour = tone * lit * (0.85 + depth * grain).clip(0.25) + (
        0.25 + 0.75 * ring
    ) * sheen * (0.05 + tone)
    colour *= 0.70 + 0.30 * ramp(-edge, 0.0, 0.2)
    alpha = coverage(np.maximum(outside, edge + 0.012 * grain), 0.035)
    if person.hair == "bald":
        alpha = alpha * 0.45
    over(picture, colour, alpha)


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
        lens = (
            np.hypot(qx.clip(0), qy.clip(0)) + np.minimum(np.maximum(qx, qy), 0) - 0.065
        )
    rims = np.abs(lens) - 0.017
    bridge = np.maximum(np.abs(y + 0.12 - 0.25 * x * x) - 0.015, ax - 0.13)
    arms = np.maximum(np.abs(y + 0.13) - 0.017, person.eye_apart + 0.25 - ax)
    glint = coverage(lens, 0.02) * bump(dx * 0.8 + dy + 0.06, x * 0, 0.07, 1)
    over(picture, (0.9, 0.95, 1.0), 0.10 * view.key * glint)
    dark = np.array(((28, 24, 26), (74, 46, 30), (112, 112, 118))[person.cloth[0] % 3])
    shadow = np.minimum(rims, bridge)
    over(picture, picture * 0.55, 0.5 * coverage(shadow - 0.012, 0.06))
    shape = np.minimum(np.minimum(rims, bridge), np.maximum(arms, inside))
    metal = linear(dark) * (0.6 + 0.5 * view.key)
    over(picture, metal, 0.95 * coverage(shape, 0.02))


def paint_hand(picture, u, v, person: Person, view: View, side: float) -> None:
    """Paint a hand that props the chin: knuckles under it, a finger on the cheek."""
    cx, cy, _ = to_camera(view, 0.12 * side, 0.93, 0.45)
    du, dv = (u - cx) * side, v - cy
    tone = linear(person.skin) * np.array([1.0, 0.93, 0.90], np.float32)[:, None, None]
    fingers = (  # from, to, radius; drawn from the back to the front
        ((0.55, 0.55), (0.40, 0.20), 0.24),
        ((0.46, 0.10), (0.60, -0.52), 0.078),
        ((0.48, 0.36), (0.06, 0.30), 0.085),
        ((0.50, 0.22), (-0.02, 0.17), 0.088),
        ((0.48, 0.08), (0.02, 0.04), 0.086),
    )
    for (ax, ay), (bx, by), radius in fingers:
        ex, ey = bx - ax, by - ay
        along = (((du - ax) * ex + (dv - ay) * ey) / (ex * ex + ey * ey)).clip(0, 1)
        px, py = du - ax - along * ex, dv - ay - along * ey
        reach = np.hypot(px, py) / (radius * (1 - 0.18 * along))
        high = np.sqrt(np.clip(1 - reach * reach, 0, 1))
        lx, ly, lz = view.lamp
        facing = (px / radius * side * lx + py / radius * ly + high * lz + 0.3).clip(
            0
        ) / 1.3
        lit = (view.fill * 0.75 + view.key * facing) * (0.45 + 0.55 * np.sqrt(high))
        over(picture, picture * 0.5, 0.6 * coverage((reach - 1.25) * radius, 0.10))
        over(picture, tone * lit, coverage((reach - 1) * radius, 0.02))
