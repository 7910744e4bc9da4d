"""Brows, eyes and mouth, shaped by facial action units on the skin of a head.

Everything is measured in head coordinates, so that it turns with the head. Layers are
painted on ``skin``, float32 (3, H, W), linear light. The numbers are head units and
shares, found by looking.
"""

import numpy as np

from .brush import (
    bump,
    coverage,
    linear,
    noise,
    over,
    ramp,
    rows_between,
    tint,
)
from .people import Expression, Person
from .skin import (
    corner_height,
    dimmed,
    mouth_curves,
    paint_beard,
    paint_folds,
    paint_nose,
    paint_skin,
)

BROW_INNER, BROW_OUTER = 0.13, 0.60  # head units from the middle
FAIR_BROW = (92, 70, 50)  # sRGB, where the hair is fair or grey
INK = (0.020, 0.012, 0.010)  # linear, of lashes, pupils and the line of the lips


def paint_brows(skin, x, y, person: Person, face: Expression, rng) -> None:
    """Paint the brows as tapered strokes; AU1, 2 and 4 move their ends."""
    ax = np.abs(x)
    inner, outer = BROW_INNER - 0.035 * min(face.au4, 1.2), BROW_OUTER
    along = np.clip((ax - inner) / (outer - inner), 0, 1)
    arch = -0.055 * np.sin(np.pi * along**1.3) + 0.03 * along
    moved = (0.15 * face.au4 + 0.05 * face.au9 - 0.10 * face.au1) * (1 - along) ** 1.2
    moved += 0.03 * face.au4 + 0.02 * face.au7 - 0.10 * face.au2 * along
    path = -0.10 - person.brow_height + arch + moved
    thick = person.brow * (1 - 0.72 * along**1.8) * (0.7 + 0.3 * ramp(along, 0, 0.15))
    ends = np.maximum(inner - ax, ax - outer) * 0.8
    distance = np.maximum(np.abs(y - path) - thick, ends)
    hairs = noise(rng, (70, 40), len(y))
    alpha = coverage(distance + 0.010 * hairs, 0.035)
    fair = max(person.hair_colour) >= 140
    colour = linear(FAIR_BROW) if fair else 0.55 * linear(person.hair_colour)
    over(skin, colour, alpha * np.clip(0.86 + 0.1 * hairs, 0, 1))


def paint_eyes(skin, x, y, person: Person, face: Expression, rng) -> None:
    """Paint lids, whites, irises that look along the gaze, and lashes."""
    size = person.eye
    ax, side = np.abs(x), np.sign(x)
    lx = (ax - person.eye_apart) / size  # −1 at the inner corner, 1 at the outer
    ly = (y + 0.10 + person.cant * (ax - person.eye_apart)) / size
    arch = np.maximum(1 - lx * lx, 0)
    down = max(face.gaze[1], 0)
    squint = 0.34 * face.au7 + 0.20 * face.au6 + 0.55 * down
    high = np.clip(0.56 + 0.26 * face.au5 - squint, 0.16, 0.9)
    low = np.clip(0.34 - 0.20 * face.au6 - 0.16 * face.au7 + 0.05 * face.au5, 0.1, 0.5)
    upper = -high * arch**0.72 * (1 - 0.12 * lx) + 0.04 * face.au4 * (1 - lx)
    lower = low * arch**0.9
    lid = bump(ly - upper + 0.24, x * 0, 0.045, 1) * ramp(arch, 0.0, 0.4)
    deep = linear(person.skin) * tint((0.34, 0.22, 0.20))
    over(skin, deep, 0.62 * lid)
    opening = coverage(np.maximum(upper - ly, ly - lower) * size, 0.022)
    opening = opening * (np.abs(lx) < 1)
    shade = 0.66 * (1 - 0.55 * bump(ly - upper, x * 0, 0.26, 1)) * (0.62 + 0.38 * arch)
    dim = dimmed(person)
    white = dim * shade * tint((0.98, 0.92, 0.88))
    over(skin, white, opening)
    ix = lx - side * face.gaze[0]
    iy = ly - 0.75 * face.gaze[1] + 0.10
    radius = np.hypot(ix, iy)
    iris = linear(person.iris) * (0.55 + 0.9 * np.clip(iy + 0.25, 0, 1))
    iris = iris * (1 - 0.75 * ramp(radius, 0.34, 0.50))
    over(skin, iris, opening * coverage((radius - 0.50) * size, 0.03))
    over(skin, INK, opening * coverage((radius - 0.21) * size, 0.02))
    light_x = 0.16 * rng.choice((-1, 1))
    spark = np.hypot(side * ix - light_x, iy + 0.17) - 0.115
    spark = 0.92 * dim * opening * coverage(spark * size, 0.02)
    over(skin, (dim, dim, dim), spark)
    heavy = 0.014 + 0.010 * ramp(lx, -0.8, 0.9)
    lashes = np.abs(ly - upper + 0.02) * size - heavy
    lashes = np.maximum(lashes, (np.abs(lx) - 1.05) * size)
    over(skin, INK, 0.88 * coverage(lashes, 0.02))
    rim = coverage(np.abs(ly - lower) * size - 0.004, 0.02) * ramp(arch, 0.02, 0.5)
    over(skin, deep, 0.50 * rim)


def paint_mouth(skin, x, y, person: Person, face: Expression, rng) -> None:
    """Paint lips, the opening with its teeth, and the shadow under the lower lip."""
    curve = mouth_curves(x, person, face)
    along = curve["along"]
    tone = linear(person.skin)
    rose = tone * tint((0.86, 0.44, 0.42))
    rose = rose + tint((0.03, 0.0, 0.004))
    below = bump(x, y - curve["bottom"] - 0.05, 0.17, 0.035)
    over(skin, tone * 0.45, 0.40 * below)
    past = (np.abs(x) - curve["wide"]) * 0.7
    upper_lip = np.maximum(np.maximum(curve["top"] - y, y - curve["upper"]), past)
    lower_lip = np.maximum(np.maximum(curve["lower"] - y, y - curve["bottom"]), past)
    over(skin, rose * 0.72, 0.86 * coverage(upper_lip, 0.026))
    thick = curve["bottom"] - curve["lower"] + 1e-3
    swell = np.clip((y - curve["lower"]) / thick, 0, 1)
    shine = 0.82 + 0.38 * np.sin(np.pi * swell) * (1 - along * along).clip(0)
    over(skin, rose * shine, 0.80 * coverage(lower_lip, 0.026))
    hole = np.maximum(np.maximum(curve["upper"] - y, y - curve["lower"]), past)
    if curve["gap"] > 0.01:
        inside = coverage(hole, 0.02)
        over(skin, (0.045, 0.010, 0.010), inside)
        reach = 0.030 + 0.62 * curve["gap"]
        teeth = inside * coverage(y - curve["upper"] - min(reach, 0.11), 0.025)
        seams = 1 - 0.10 * np.maximum(np.cos(x * 78), 0) ** 6
        shade = 0.66 * (1 - 0.75 * ramp(along, 0.35, 1.0)) * seams
        ivory = (0.4 + 0.6 * dimmed(person)) * shade * tint((1.0, 0.94, 0.84))
        over(skin, ivory, teeth * (0.55 + 0.45 * ramp(x * 0 + curve["gap"], 0, 0.08)))
    thinner = 0.5 * along * (1 - min(face.au12, 1))  # the ends, but not of a smile
    line = np.abs(y - curve["upper"]) - 0.008 * (1 - thinner)
    line = np.maximum(line, (along - 1.06) * curve["wide"])
    over(skin, tint(INK) + 0.10 * rose, 0.80 * coverage(line, 0.024))
    edge = corner_height(face)
    dimple = bump(np.abs(x) - curve["wide"] - 0.01, y - edge, 0.035, 0.045)
    over(skin, tone * 0.34, (0.20 + 0.45 * face.au12 + 0.3 * face.au15) * dimple)


LAYERS = (  # painters in their order, and the heights between which they paint
    (paint_skin, -9.0, 9.0),
    (paint_folds, -0.95, 0.75),
    (paint_nose, 0.15, 0.55),
    (paint_beard, 0.15, 9.0),
    (paint_brows, -0.72, -0.08),
    (paint_mouth, 0.30, 1.00),
    (paint_eyes, -0.36, 0.16),
)


def paint_features(skin, x, y, person: Person, face: Expression, rng) -> None:
    """Paint all features on ``skin``, given every pixel's place on the head."""
    for paint, low, high in LAYERS:
        rows = rows_between(y, low, high)
        if rows.stop > rows.start:
            paint(skin[:, rows], x[rows], y[rows], person, face, rng)
