"""Hair and scarves: a shell round the skull, and what falls behind the neck.

Layers are painted on ``picture``, float32 (3, GRID, GRID), linear light.
"""

import numpy as np

from .brush import bump, coverage, linear, noise, over, ramp
from .head import Surface, View, light, see_skull, to_camera
from .people import Person

GROWTH = {"curly": 1.15, "long": 1.10, "bob": 1.10, "scarf": 1.08, "bald": 1.03}
# How far down hair runs beside the face, so that no gap shows the room (head units).
BESIDE = {"short": -0.05, "swept": -0.05, "curly": 0.2, "long": 0.4, "bob": 0.4}


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
    scarf = person.hair == "scarf"
    grain = strands(du + 0.02 * np.sin(dv * 7), rng)
    if person.hair == "curly":
        grain = noise(rng, 26)
    tone = linear(person.cloth if scarf else person.hair_colour)
    lit = (0.42 if scarf else 0.42 + 0.10 * grain) * (view.fill + 0.75 * view.key)
    alpha = coverage(distance + 0.02 * grain, 0.05)
    over(picture, tone * np.maximum(lit, 0.05), alpha)


def hair_edge(shell: Surface, outside, person: Person, rng) -> np.ndarray:
    """Return the distance to the hairline on the skull, negative where hair grows."""
    x, y, z = shell.x, shell.y, shell.z
    lat = np.abs(x) / person.width
    line = -0.76 + 0.10 * ramp(lat, 0.15, 0.6) - 0.12 * min(person.age, 0.7)
    # The temples are covered at both outlines, also of a head that is turned.
    sides = np.maximum(ramp(lat, 0.84, 0.98), ramp(outside, -0.13, -0.03))
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
    behind = (z < -0.2) & (y < 0.35)
    beside = (outside > -0.01) & (y < BESIDE.get(style, -9.0))
    return np.where(behind | beside, -0.1, edge)


def hair_grain(shell: Surface, person: Person, rng) -> tuple[np.ndarray, np.ndarray]:
    """Return light and dark of curls, strands or cloth, and the outline's wobble."""
    x, y = shell.x, shell.y
    if person.hair == "curly":
        grain = noise(rng, 30) + 0.4 * noise(rng, 60)
        return grain, 0.045 * noise(rng, 22)
    if person.hair == "scarf":
        return 0.4 * np.sin(9 * np.hypot(x, y) + 2 * noise(rng, 5)), np.zeros_like(x)
    flow = np.arctan2(x - 0.25 * person.parting, y + 1.55)
    if person.hair == "swept":
        flow = x + 0.6 * y
    grain = strands(flow, rng)
    return grain, 0.008 * grain


def paint_hair(picture, u, v, outside, person: Person, view: View, rng) -> None:
    """Paint the hair on a shell round the skull, so that it turns with the head.

    ``outside`` is the distance to the outline of the head itself.
    """
    grow = GROWTH.get(person.hair, 1.06)
    shell = see_skull(u, v, view, person.width, person.jaw * 0.5, grow)
    edge = hair_edge(shell, outside, person, rng)
    grain, wobble = hair_grain(shell, person, rng)
    scarf = person.hair == "scarf"
    lit, gloss = light(shell, view)
    tone = linear(person.cloth if scarf else person.hair_colour)
    colour = tone * lit * (0.85 + 0.20 * grain).clip(0.25)
    if not scarf:
        ring = bump(np.hypot(shell.x, shell.y + 0.3) - 0.62, 0 * grain, 0.14, 1)
        sheen = 0.10 * view.key * gloss**0.35 * np.clip(0.6 + 0.5 * grain, 0, 2)
        colour = colour + (0.25 + 0.75 * ring) * sheen * (0.05 + tone)
    colour *= 0.70 + 0.30 * ramp(-edge, 0.0, 0.2)
    distance = np.maximum(shell.outside + wobble, edge + 0.012 * grain)
    alpha = coverage(distance, 0.035)
    over(picture, colour, 0.45 * alpha if person.hair == "bald" else alpha)
