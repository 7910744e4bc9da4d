"""Brows, eyes, nose, mouth and folds, shaped by action units on the skin of a head.

Everything is measured in head coordinates, so that it turns with the head. Layers are
painted on ``skin``, float32 (3, H, W), linear light.
"""

import numpy as np

from smartclass_utils.faces_head import bump, coverage, noise, ramp, rows_between
from smartclass_utils.faces_people import Expression, Person

BROW_INNER, BROW_OUTER = 0.13, 0.60  # head units from the middle
MOUTH_Y = 0.60
NOSE_Y = 0.27
FOLD = (0.50, 0.34, 0.30)  # how a fold darkens the skin: less of red than of blue
INK = (0.020, 0.012, 0.010)  # linear, of lashes, pupils and the line of the lips


def linear(colour) -> np.ndarray:
    """Return an sRGB colour (0 to 255) in linear light, float32 (3, 1, 1)."""
    return (np.array(colour, np.float32) / 255)[:, None, None] ** 2.2


def over(picture: np.ndarray, colour, alpha: np.ndarray) -> None:
    """Lay a colour over a picture, in place, where ``alpha`` (H, W) says so."""
    if not isinstance(colour, np.ndarray):
        colour = np.array(colour, np.float32)[:, None, None]
    picture += alpha * (colour - picture)


def relief(x, y, person: Person, face: Expression) -> np.ndarray:
    """Return how far the face stands out from the skull, in head units (H, W)."""
    ax = np.abs(x)
    wide = person.nose
    out = 0.15 * ramp(y, -0.30, 0.24) * bump(x, y - 0.16, 0.085, 0.34)
    out += 0.12 * bump(x, y - NOSE_Y, 0.105 * wide, 0.10)
    out += 0.055 * bump(ax - 0.125 * wide, y - 0.315, 0.06, 0.06)
    out += 0.035 * bump(ax - 0.26, y + 0.36 - 0.05 * face.au4, 0.24, 0.09)
    out -= 0.055 * bump(ax - 0.30, y + 0.06, 0.20, 0.13)
    cheek = face.au6 + 0.5 * face.au12
    out += (0.045 + 0.045 * cheek) * bump(ax - 0.45, y - 0.24 + 0.05 * cheek, 0.2, 0.18)
    out += 0.05 * bump(x, y - 0.90, 0.20, 0.11) + 0.025 * bump(x, y - 0.6, 0.3, 0.12)
    out -= 0.030 * bump(x, y - 0.765, 0.16, 0.045)
    knot = face.au4 + 0.6 * face.au9
    out += 0.020 * knot * bump(ax - 0.10, y + 0.30, 0.05, 0.10)
    out -= 0.020 * knot * bump(ax - 0.045, y + 0.32, 0.022, 0.10)
    return out


def mouth_curves(x, person: Person, face: Expression) -> dict[str, np.ndarray]:
    """Return the mouth's outlines as heights over x, and its half width."""
    wide = person.mouth * (1 + 0.26 * face.au12 - 0.16 * face.au23 - 0.15 * face.au26)
    along = np.minimum(np.abs(x) / wide, 1.35)
    arch = np.maximum(1 - along * along, 0)
    corner = -0.014 - 0.115 * face.au12 + 0.105 * face.au15 + 0.02 * face.au4
    middle = MOUTH_Y + 0.035 * face.au12 + corner * along * along
    middle = middle + 0.010 * bump(x, x, 0.05, 1) - 0.006  # the dip under the philtrum
    gap = (0.085 * face.au25 + 0.19 * face.au26) * (1 + 0.35 * face.au12)
    upper = middle - 0.40 * gap * arch - 0.02 * face.au9 * arch
    lower = middle + 0.60 * gap * arch**0.75
    thin = (1 - 0.45 * min(face.au23, 1)) * (1 - 0.22 * min(face.au12, 1))
    fullness = person.lips * thin
    bow = (
        1 + 0.30 * bump(np.abs(x) - 0.075, x * 0, 0.07, 1) - 0.12 * bump(x, x, 0.04, 1)
    )
    return {
        "top": upper - 0.060 * fullness * bow * arch**0.8,
        "upper": upper,
        "lower": lower,
        "bottom": lower + 0.092 * fullness * arch**0.65,
        "along": along,
        "wide": wide,
        "gap": gap,
    }


def paint_skin(skin, x, y, person: Person, face: Expression, rng) -> None:
    """Give the skin its warm and cool places, its mottling, folds and stubble."""
    ax = np.abs(x)
    tone = linear(person.skin)
    blood = tone * np.array([1.04, 0.70, 0.66], np.float32)[:, None, None]
    warm = (0.42 + 0.2 * face.au6) * bump(ax - 0.46, y - 0.25, 0.22, 0.17)
    warm += 0.40 * bump(x, y - 0.29, 0.14, 0.10) + 0.25 * bump(x, y - 0.93, 0.2, 0.1)
    over(skin, blood, np.clip(warm, 0, 1))
    over(skin, tone * 0.62, 0.45 * bump(ax - 0.33, y + 0.10, 0.19, 0.12))
    skin *= 1 + 0.022 * noise(rng, 12) + 0.012 * noise(rng, 60)
    fold = tone * np.array(FOLD, np.float32)[:, None, None]
    crease = np.zeros_like(x)
    # From the wing of the nose round the corner of the mouth.
    smile = np.clip(0.10 + 0.75 * face.au12 + 0.5 * face.au9 + 0.2 * person.age, 0, 1)
    run = np.clip((y - 0.30) / 0.34, 0, 1)
    path = 0.185 + (0.20 + 0.07 * face.au12) * run**0.8
    ends = ramp(y, 0.26, 0.36) * (1 - ramp(y, 0.52, 0.70))
    crease += 0.62 * smile * ends * bump(ax - path, x * 0, 0.028, 1)
    # Upright furrows between the brows, and one across the root of the nose.
    frown = np.clip(face.au4 + 0.3 * face.au9, 0, 1.2)
    lean = 0.055 - 0.05 * (y + 0.32)
    crease += 0.85 * frown * bump(ax - lean, y + 0.30, 0.015, 0.10)
    crease += (
        0.5
        * np.clip(face.au9 + 0.3 * face.au4, 0, 1)
        * bump(x, y + 0.17 - 0.5 * x * x, 0.09, 0.016)
    )
    # Lines across the forehead, from raised brows or from age.
    raised = np.clip(0.7 * (face.au1 + face.au2) - 0.3 + 0.3 * person.age, 0, 0.8)
    waves = np.cos((y + 0.045 * np.cos(4 * x)) * 48) * bump(x, y + 0.60, 0.40, 0.13)
    crease += 0.32 * raised * np.maximum(waves, 0) ** 3
    # Crow's feet, and the pouch that a raised cheek pushes up under the eye.
    rays = np.cos(np.arctan2(y + 0.08, ax - 0.42) * 11) * bump(
        ax - 0.66, y + 0.06, 0.08, 0.13
    )
    crease += 0.40 * face.au6 * np.maximum(rays, 0) ** 2
    pouch = y - 0.085 + 0.02 * face.au6 - 0.9 * (ax - person.eye_apart) ** 2 * -1
    crease += (0.10 + 0.34 * face.au6 + 0.18 * person.age) * bump(
        ax - person.eye_apart, pouch, 0.17, 0.022
    )
    over(skin, fold, np.clip(crease, 0, 0.85))


def paint_nose(skin, x, y, person: Person, face: Expression, rng) -> None:
    """Paint nostrils, wings and the shadow under the nose."""
    ax = np.abs(x)
    fold = linear(person.skin) * np.array(FOLD, np.float32)[:, None, None]
    wide = person.nose * (1 + 0.08 * face.au12 + 0.12 * face.au9)
    y = y + 0.03 * face.au9
    over(skin, fold, 0.42 * bump(x, y - 0.385, 0.15 * wide, 0.035))
    over(skin, fold * 0.35, 0.80 * bump(ax - 0.066 * wide, y - 0.352, 0.036, 0.020))
    wing = np.hypot(ax - 0.125 * wide, (y - 0.305) * 1.1) - 0.058
    side = ramp(ax, 0.12, 0.19) * (1 - ramp(y, 0.33, 0.40))
    over(skin, fold, 0.50 * side * bump(wing, x * 0, 0.016, 1))


def paint_brows(skin, x, y, person: Person, face: Expression, rng) -> None:
    """Paint the brows as tapered strokes; AU1, 2 and 4 move their ends."""
    ax = np.abs(x)
    inner, outer = BROW_INNER - 0.035 * min(face.au4, 1.2), BROW_OUTER
    along = np.clip((ax - inner) / (outer - inner), 0, 1)
    arch = -0.055 * np.sin(np.pi * along**1.3) + 0.03 * along
    moved = (0.115 * face.au4 + 0.05 * face.au9 - 0.10 * face.au1) * (1 - along) ** 1.2
    moved += 0.03 * face.au4 + 0.02 * face.au7 - 0.10 * face.au2 * along
    path = -0.10 - person.brow_height + arch + moved
    thick = person.brow * (1 - 0.72 * along**1.8) * (0.7 + 0.3 * ramp(along, 0, 0.15))
    ends = np.maximum(inner - ax, ax - outer) * 0.8
    distance = np.maximum(np.abs(y - path) - thick, ends)
    hairs = noise(rng, (70, 40), len(y))
    alpha = coverage(distance + 0.010 * hairs, 0.035) * np.clip(
        0.86 + 0.1 * hairs, 0, 1
    )
    dark = linear(person.hair_colour) * 0.55 if max(person.hair_colour) < 140 else None
    colour = linear((92, 70, 50)) if dark is None else dark
    over(skin, colour, alpha)


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
    deep = linear(person.skin) * np.array([0.34, 0.22, 0.20], np.float32)[:, None, None]
    over(skin, deep, 0.62 * lid)
    opening = coverage(np.maximum(upper - ly, ly - lower) * size, 0.022)
    opening = opening * (np.abs(lx) < 1)
    shade = 0.66 * (1 - 0.55 * bump(ly - upper, x * 0, 0.26, 1)) * (0.62 + 0.38 * arch)
    white = shade * np.array([0.98, 0.92, 0.88], np.float32)[:, None, None]
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
    over(skin, (1.0, 1.0, 1.0), 0.92 * opening * coverage(spark * size, 0.02))
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
    rose = tone * np.array([0.86, 0.44, 0.42], np.float32)[:, None, None]
    rose = rose + np.array([0.03, 0.0, 0.004], np.float32)[:, None, None]
    below = bump(x, y - curve["bottom"] - 0.05, 0.17, 0.035)
    over(skin, tone * 0.45, 0.40 * below)
    past = (np.abs(x) - curve["wide"]) * 0.7
    upper_lip = np.maximum(np.maximum(curve["top"] - y, y - curve["upper"]), past)
    lower_lip = np.maximum(np.maximum(curve["lower"] - y, y - curve["bottom"]), past)
    over(skin, rose * 0.72, 0.86 * coverage(upper_lip, 0.026))
    swell = np.clip(
        (y - curve["lower"]) / (curve["bottom"] - curve["lower"] + 1e-3), 0, 1
    )
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
        ivory = shade * np.array([1.0, 0.94, 0.84], np.float32)[:, None, None]
        over(skin, ivory, teeth * (0.55 + 0.45 * ramp(x * 0 + curve["gap"], 0, 0.08)))
    line = np.abs(y - curve["upper"]) - 0.008 * (1 - 0.5 * along)
    line = np.maximum(line, (along - 1.06) * curve["wide"])
    over(
        skin,
        np.array(INK, np.float32)[:, None, None] + 0.10 * rose,
        0.80 * coverage(line, 0.024),
    )
    edge = MOUTH_Y - 0.115 * face.au12 + 0.105 * face.au15 + 0.035 * face.au12
    dimple = bump(np.abs(x) - curve["wide"] - 0.01, y - edge, 0.035, 0.045)
    over(skin, tone * 0.34, (0.30 + 0.35 * face.au12 + 0.2 * face.au15) * dimple)


def paint_beard(skin, x, y, person: Person, face: Expression, rng) -> None:
    """Paint stubble or a beard round the mouth, before the mouth itself."""
    ax = np.abs(x)
    curve = mouth_curves(x, person, face)
    grain = noise(rng, (90, 120), len(y))
    moustache = np.maximum(
        curve["top"] - 0.135 - y + 0.30 * ax**1.5, y - curve["top"] - 0.02
    )
    moustache = np.maximum(moustache, ax - curve["wide"] * 1.12)
    cheeks = 0.78 - 1.05 * np.clip(ax - 0.30, 0, 1) - y  # rises towards the ears
    chin = np.hypot(x / 0.30, (y - 0.92) / 0.20) * 0.2 - 0.2
    whole = np.minimum(moustache, np.maximum(cheeks, 0.36 - y))
    colour = linear(person.hair_colour) * (0.75 + 0.12 * grain).clip(0.2)
    if person.stubble > 0.05:
        blue = (
            linear(person.skin)
            * np.array([0.46, 0.46, 0.50], np.float32)[:, None, None]
        )
        fuzzy = coverage(whole, 0.22) * np.clip(0.75 + 0.25 * grain, 0, 1)
        over(skin, blue, 0.50 * person.stubble * fuzzy)
    shapes = {
        "full": whole,
        "goatee": np.minimum(moustache, chin),
        "moustache": moustache,
    }
    if person.beard:
        edge = shapes[person.beard] + 0.022 * grain
        over(skin, colour, 0.90 * coverage(edge, 0.09))


LAYERS = (  # painters in their order, and the heights between which they paint
    (paint_skin, -9.0, 9.0),
    (paint_nose, 0.15, 0.55),
    (paint_beard, 0.15, 9.0),
    (paint_brows, -0.72, -0.08),
    (paint_mouth, 0.30, 1.00),
    (paint_eyes, -0.36, 0.16),
)


def paint_features(skin, x, y, person: Person, face: Expression, rng) -> None:
    """Paint all features on ``skin`` (3, H, W), given every pixel's place on the head."""
    for paint, low, high in LAYERS:
        rows = rows_between(y, low, high)
        if rows.stop > rows.start:
            paint(skin[:, rows], x[rows], y[rows], person, face, rng)
