"""The relief of a face and its skin: blood, folds, nose and beard.

Everything is measured in head coordinates, so that it turns with the head. Layers are
painted on ``skin``, float32 (3, H, W), linear light. The numbers are head units and
shares, found by looking.
"""

import numpy as np

from .brush import bump, coverage, linear, noise, over, ramp, tint
from .people import Expression, Person

MOUTH_Y, NOSE_Y = 0.60, 0.27  # head units
FOLD = (0.50, 0.34, 0.30)  # how a fold darkens the skin: less of red than of blue


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


def corner_height(face: Expression) -> float:
    """Return how far down the corners of the mouth lie, in head units."""
    lifted = 0.026 + 0.105 * face.au12
    return MOUTH_Y - lifted + 0.105 * face.au15 + 0.02 * face.au4


def mouth_curves(x, person: Person, face: Expression) -> dict[str, np.ndarray]:
    """Return the mouth's outlines as heights over x, and its half width."""
    wide = person.mouth * (1 + 0.26 * face.au12 - 0.16 * face.au23 - 0.15 * face.au26)
    along = np.minimum(np.abs(x) / wide, 1.35)
    arch = np.maximum(1 - along * along, 0)
    middle = MOUTH_Y + 0.035 * face.au12
    middle = middle + (corner_height(face) - middle) * along * along
    middle = (
        middle + 0.010 * bump(x, 0 * x, 0.05, 1) - 0.006
    )  # the dip under the philtrum
    gap = (0.085 * face.au25 + 0.19 * face.au26) * (1 + 0.35 * face.au12)
    upper = middle - 0.40 * gap * arch - 0.02 * face.au9 * arch
    lower = middle + 0.60 * gap * arch**0.75
    thin = (1 - 0.45 * min(face.au23, 1)) * (1 - 0.22 * min(face.au12, 1))
    fullness = person.lips * thin
    bow = 1 + 0.30 * bump(np.abs(x) - 0.075, 0 * x, 0.07, 1)  # Cupid's bow
    bow = bow - 0.12 * bump(x, 0 * x, 0.04, 1)
    return {
        "top": upper - 0.060 * fullness * bow * arch**0.8,
        "upper": upper,
        "lower": lower,
        "bottom": lower + 0.092 * fullness * arch**0.65,
        "along": along,
        "wide": wide,
        "gap": gap,
    }


def dimmed(person: Person) -> float:
    """Return how bright eyes and teeth look: 1 beside light skin, less beside dark."""
    return float(np.clip(0.16 + 0.84 * max(person.skin) / 235, 0.45, 1))


def paint_skin(skin, x, y, person: Person, face: Expression, rng) -> None:
    """Give the skin its warm and cool places, its mottling."""
    ax = np.abs(x)
    tone = linear(person.skin)
    blood = tone * tint((1.04, 0.70, 0.66))
    warm = (0.42 + 0.2 * face.au6) * bump(ax - 0.46, y - 0.25, 0.22, 0.17)
    warm += 0.40 * bump(x, y - 0.29, 0.14, 0.10) + 0.25 * bump(x, y - 0.93, 0.2, 0.1)
    over(skin, blood, np.clip(warm, 0, 1))
    over(skin, tone * 0.62, 0.45 * bump(ax - 0.33, y + 0.10, 0.19, 0.12))
    skin *= 1 + 0.022 * noise(rng, 12) + 0.012 * noise(rng, 60)


def paint_folds(skin, x, y, person: Person, face: Expression, rng) -> None:
    """Paint the folds that action units and age dig into the skin."""
    ax = np.abs(x)
    crease = np.zeros_like(x)
    # From the wing of the nose round the corner of the mouth.
    smile = np.clip(0.10 + 0.75 * face.au12 + 0.5 * face.au9 + 0.2 * person.age, 0, 1)
    run = np.clip((y - 0.30) / 0.34, 0, 1)
    path = 0.185 + (0.20 + 0.07 * face.au12) * run**0.8
    ends = ramp(y, 0.26, 0.36) * (1 - ramp(y, 0.52, 0.70))
    crease += 0.62 * smile * ends * bump(ax - path, 0 * x, 0.028, 1)
    # Upright furrows between the brows, and one across the root of the nose.
    frown = np.clip(face.au4 + 0.3 * face.au9, 0, 1.2)
    lean = 0.055 - 0.05 * (y + 0.32)
    crease += 0.85 * frown * bump(ax - lean, y + 0.30, 0.015, 0.10)
    wrinkle = np.clip(face.au9 + 0.3 * face.au4, 0, 1)
    crease += 0.5 * wrinkle * bump(x, y + 0.17 - 0.5 * x * x, 0.09, 0.016)
    # Lines across the forehead, from raised brows or from age.
    raised = np.clip(0.7 * (face.au1 + face.au2) - 0.3 + 0.3 * person.age, 0, 0.8)
    waves = np.cos((y + 0.045 * np.cos(4 * x)) * 48) * bump(x, y + 0.60, 0.40, 0.13)
    crease += 0.32 * raised * np.maximum(waves, 0) ** 3
    # Crow's feet, and the pouch that a raised cheek pushes up under the eye.
    rays = np.cos(np.arctan2(y + 0.08, ax - 0.42) * 11)
    rays = rays * bump(ax - 0.66, y + 0.06, 0.08, 0.13)
    crease += 0.40 * face.au6 * np.maximum(rays, 0) ** 2
    from_eye = ax - person.eye_apart
    pouch = y - 0.085 + 0.02 * face.au6 + 0.9 * from_eye**2
    depth = 0.10 + 0.34 * face.au6 + 0.18 * person.age
    crease += depth * bump(from_eye, pouch, 0.17, 0.022)
    fold = linear(person.skin) * tint(FOLD)
    over(skin, fold, np.clip(crease, 0, 0.85))


def paint_nose(skin, x, y, person: Person, face: Expression, rng) -> None:
    """Paint nostrils, wings and the shadow under the nose."""
    ax = np.abs(x)
    fold = linear(person.skin) * tint(FOLD)
    wide = person.nose * (1 + 0.08 * face.au12 + 0.12 * face.au9)
    y = y + 0.03 * face.au9
    over(skin, fold, 0.42 * bump(x, y - 0.385, 0.15 * wide, 0.035))
    over(skin, fold * 0.35, 0.80 * bump(ax - 0.066 * wide, y - 0.352, 0.036, 0.020))
    wing = np.hypot(ax - 0.125 * wide, (y - 0.305) * 1.1) - 0.058
    side = ramp(ax, 0.12, 0.19) * (1 - ramp(y, 0.33, 0.40))
    over(skin, fold, 0.50 * side * bump(wing, x * 0, 0.016, 1))


def paint_beard(skin, x, y, person: Person, face: Expression, rng) -> None:
    """Paint stubble or a beard round the mouth, before the mouth itself."""
    ax = np.abs(x)
    curve = mouth_curves(x, person, face)
    grain = noise(rng, (90, 120), len(y))
    above_lip = curve["top"] - y
    # It ends before the corners of the mouth, which a smile draws farther apart.
    thin = 0.115 - 0.02 * ramp(ax / person.mouth, 0.3, 0.9)
    thin = thin - 0.035 * bump(x, 0 * x, 0.035, 1)
    moustache = np.maximum(above_lip - thin, 0.012 - above_lip)
    moustache = np.maximum(moustache, 0.8 * (ax - 0.88 * person.mouth))
    cheeks = 0.78 - 1.05 * np.clip(ax - 0.30, 0, 1) - y  # rises towards the ears
    chin = np.hypot(x / 0.30, (y - 0.92) / 0.20) * 0.2 - 0.2
    corner = 0.10 - np.hypot(ax - curve["wide"], y - corner_height(face))
    cheeks = np.maximum(np.maximum(cheeks, 0.36 - y), corner)
    whole = np.minimum(moustache, cheeks)
    colour = linear(person.hair_colour) * (0.75 + 0.12 * grain).clip(0.2)
    if person.stubble > 0.05:
        blue = linear(person.skin) * tint((0.46, 0.46, 0.50))
        fuzzy = coverage(whole, 0.22) * np.clip(0.75 + 0.25 * grain, 0, 1)
        over(skin, blue, 0.50 * person.stubble * fuzzy)
    shapes = {"full": whole, "moustache": moustache}
    shapes["goatee"] = np.minimum(moustache, chin)
    if person.beard:
        edge = shapes[person.beard] + 0.016 * grain
        over(skin, colour, 0.90 * coverage(edge, 0.07))
