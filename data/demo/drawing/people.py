"""Who is drawn, and with which expression: people and facial action units by chance.

Action units are numbered as in Ekman and Friesen's Facial Action Coding System (1978);
an intensity runs from 0 (absent) to about 1 (full).
"""

from dataclasses import dataclass, field

import numpy as np

SKINS = {  # sRGB, several tones to a group
    "light": ((247, 215, 193), (240, 200, 172), (231, 188, 160), (236, 205, 188)),
    "medium": ((214, 166, 130), (198, 148, 110), (206, 158, 124), (184, 134, 100)),
    "dark": ((150, 102, 74), (124, 82, 58), (104, 68, 50), (136, 90, 62)),
}
HAIR_STYLES = ("short", "swept", "curly", "bald", "long", "bob", "tied", "scarf")
BEARDLESS = ("long", "bob", "tied", "scarf")
HAIR_COLOURS = {
    "black": (34, 29, 28),
    "dark": (62, 44, 34),
    "brown": (104, 72, 48),
    "blond": (196, 158, 104),
    "red": (150, 78, 42),
    "grey": (158, 155, 152),
}
HAIR_SHARES = {  # of the colours above, by skin tone
    "light": (0.12, 0.24, 0.28, 0.20, 0.08, 0.08),
    "medium": (0.42, 0.36, 0.12, 0.02, 0.0, 0.08),
    "dark": (0.78, 0.14, 0.0, 0.0, 0.0, 0.08),
}
CLOTHES = (
    (58, 72, 98),
    (132, 60, 62),
    (88, 108, 84),
    (186, 172, 150),
    (70, 68, 74),
    (150, 118, 84),
    (112, 92, 128),
    (206, 204, 200),
    (64, 106, 112),
    (186, 128, 120),
)
IRISES = ((66, 42, 26), (88, 58, 34), (104, 84, 50), (92, 124, 142), (98, 120, 88))

# The range of each action unit's intensity, before a face's own strength is applied.
UNITS = {
    "happy": {"au6": (0.45, 1.0), "au12": (0.6, 1.0)},
    "angry": {
        "au4": (0.65, 1.1),
        "au5": (0.0, 0.5),
        "au7": (0.3, 0.9),
        "au23": (0.4, 1.0),
        "au15": (0.0, 0.4),
    },
    "neutral": {},
    "agreeing": {"au4": (0.0, 0.25), "au12": (0.1, 0.35), "au1": (0.0, 0.4)},
    "thinking": {"au4": (0.2, 0.5), "au23": (0.0, 0.4), "au7": (0.1, 0.4)},
    "surprise": {
        "au1": (0.6, 1.0),
        "au2": (0.6, 1.0),
        "au5": (0.5, 1.0),
        "au26": (0.4, 1.0),
    },
    "sadness": {"au1": (0.6, 1.0), "au4": (0.1, 0.4), "au15": (0.6, 1.0)},
    "fear": {
        "au1": (0.6, 1.0),
        "au2": (0.3, 0.6),
        "au4": (0.4, 0.7),
        "au5": (0.7, 1.0),
        "au25": (0.4, 0.9),
    },
    "disgust": {"au9": (0.6, 1.0), "au15": (0.2, 0.6), "au4": (0.2, 0.5)},
    "confusion": {"au4": (0.4, 0.8), "au1": (0.2, 0.6), "au15": (0.0, 0.4)},
    "aversion": {"au9": (0.3, 0.7), "au15": (0.4, 0.8), "au7": (0.2, 0.5)},
}
UNIT_NAMES = (1, 2, 4, 5, 6, 7, 9, 12, 15, 23, 25, 26)
LOOKS_AWAY = ("thinking", "confusion", "aversion")


@dataclass(frozen=True)
class Person:
    """What stays the same from one picture of somebody to the next."""

    skin_tone: str  # light, medium, dark
    skin: tuple[int, int, int]  # sRGB
    hair: str  # one of HAIR_STYLES
    hair_colour: tuple[int, int, int]  # sRGB
    cloth: tuple[int, int, int]  # sRGB, of clothes and scarf
    iris: tuple[int, int, int]  # sRGB
    glasses: str  # "", "round" or "square"
    beard: str  # "", "full", "goatee" or "moustache"
    stubble: float  # 0 to 1
    age: float  # 0 to 1, deepens the folds
    width: float  # head units, half width of the skull
    jaw: float  # −1 pointed to 1 square
    eye: float  # head units, half width of an eye
    eye_apart: float  # head units, of each eye from the middle
    cant: float  # rise of the outer corners of the eyes
    brow: float  # head units, half thickness
    brow_height: float  # head units above the eyes
    nose: float  # width, 1 is the mean
    mouth: float  # head units, half width
    lips: float  # fullness, 1 is the mean
    parting: float  # −1 to 1

    @property
    def attributes(self) -> dict[str, str]:
        """What an audit may group by; drawn independently of the expression."""
        return {
            "skin_tone": self.skin_tone,
            "hair": self.hair,
            "glasses": "yes" if self.glasses else "no",
            "beard": "yes" if self.beard else "no",
        }


@dataclass(frozen=True)
class Expression:
    """Intensities of the action units, the gaze and the carriage of the head."""

    units: dict[str, float] = field(default_factory=dict)
    gaze: tuple[float, float] = (0.0, 0.0)  # eye half widths, right and down
    tilt: float = 0.0  # radians, added to the roll
    nod: float = 0.0  # radians, added to the pitch
    turn: float = 0.0  # radians, added to the yaw
    hand: float = 0.0  # −1 left of the chin, 1 right of it, 0 no hand

    def __getattr__(self, name: str) -> float:
        if name.startswith("au"):
            return self.units.get(name, 0.0)
        raise AttributeError(name)


def draw_person(rng: np.random.Generator) -> Person:
    """Draw somebody: tone, hair, glasses and beard do not depend on each other's use.

    Only what would look odd is tied together: hair colour to skin, beard to hair style.
    """
    tone = str(rng.choice(list(SKINS)))
    skins = SKINS[tone]
    skin = np.array(skins[rng.integers(len(skins))]) + rng.normal(0, 3, 3)
    hair = str(rng.choice(HAIR_STYLES, p=(0.22, 0.2, 0.1, 0.05, 0.16, 0.12, 0.1, 0.05)))
    colour = str(rng.choice(list(HAIR_COLOURS), p=HAIR_SHARES[tone]))
    beards = ("", "full", "goatee", "moustache")
    beard = str(rng.choice(beards, p=(0.55, 0.26, 0.1, 0.09)))
    stubble = max(0.0, rng.normal(0.1, 0.35))
    soft = hair in BEARDLESS
    tinted = np.array(HAIR_COLOURS[colour]) * rng.uniform(0.85, 1.15)
    if colour == "grey" and tone != "light":  # silver would look like a wig
        tinted = tinted * (0.72 if tone == "medium" else 0.56)
    iris = IRISES[rng.integers(len(IRISES) if tone == "light" else 3)]
    return Person(
        skin_tone=tone,
        skin=tuple(int(part) for part in skin.clip(0, 252)),
        hair=hair,
        hair_colour=tuple(int(part) for part in tinted.clip(0, 250)),
        cloth=CLOTHES[rng.integers(len(CLOTHES))],
        iris=iris,
        glasses=str(rng.choice(("", "round", "square"), p=(0.76, 0.12, 0.12))),
        beard="" if soft else beard,
        stubble=0.0 if soft else min(stubble, 0.9),
        age=float(rng.beta(1.3, 2.5)) + (0.3 if colour == "grey" else 0),
        width=rng.uniform(0.77, 0.86),
        jaw=rng.uniform(-0.7, 0.3) if soft else rng.uniform(-0.2, 1),
        eye=rng.uniform(0.185, 0.215),
        eye_apart=rng.uniform(0.335, 0.375),
        cant=rng.normal(0.05, 0.04),
        brow=rng.uniform(0.022, 0.034) if soft else rng.uniform(0.03, 0.046),
        brow_height=rng.uniform(0.25, 0.3),
        nose=rng.normal(1, 0.12),
        mouth=rng.uniform(0.27, 0.33),
        lips=rng.uniform(0.9, 1.45) if soft else rng.uniform(0.7, 1.25),
        parting=rng.uniform(-0.6, 0.6),
    )


def draw_expression(rng: np.random.Generator, name: str, strength: float) -> Expression:
    """Draw the action units of an expression.

    Every face also carries a little of what is not asked for (brows that hang, mouth
    corners that turn up), which is why neutral faces are taken for others.

    Args:
        rng: the source of chance.
        name: a key of ``UNITS``, or ``"engaged"`` for agreeing or thinking.
        strength: 1 is full; the faces of the demo lie below.
    """
    if name == "engaged":
        name = str(rng.choice(("agreeing", "thinking")))
    units = {f"au{number}": 0.0 for number in UNIT_NAMES}
    for unit, (low, high) in UNITS[name].items():
        units[unit] = strength * float(rng.uniform(low, high))
    habits = {"au1": 0.08, "au2": 0.08, "au4": 0.10, "au7": 0.08, "au12": 0.07}
    habits |= {"au15": 0.06, "au23": 0.1, "au5": 0.06}
    calm = 0.7 if name == "neutral" else 1.0  # a face at rest has loose brows
    for unit, spread in habits.items():
        units[unit] += calm * abs(float(rng.normal(0, spread)))
    opened = float(rng.uniform(0.35, 1.0))
    if name == "happy" and rng.random() < 0.35 + 0.4 * strength:
        units["au25"] = opened * (0.4 + 0.6 * strength)
        units["au26"] = max(0.0, float(rng.normal(0, 0.25)))
    elif rng.random() < 0.18:  # lips may part in any expression
        units["au25"] = max(units["au25"], 0.5 * opened)
    gaze = rng.normal(0, (0.1, 0.05))
    carriage = rng.normal(0, (0.05, 0.03, 0.03))  # tilt, nod, turn
    hand = 0.0
    side = float(rng.choice((-1.0, 1.0)))
    if name in LOOKS_AWAY:
        away = rng.uniform(0.25, 0.55)
        gaze += side * away, float(rng.choice((-0.2, 0.25)))
        carriage[0] += float(rng.choice((-1, 1))) * rng.uniform(0.03, 0.16)
        carriage[2] += 0.1 * side
        hand = side if name == "thinking" and rng.random() < 0.4 else 0.0
    if name == "agreeing":
        gaze[1] += rng.uniform(0.0, 0.3)
        carriage[0] += side * rng.uniform(0.02, 0.14)
        carriage[1] += rng.uniform(0.0, 0.14)
    tilt, nod, turn = (float(part) for part in carriage)
    return Expression(units, (float(gaze[0]), float(gaze[1])), tilt, nod, turn, hand)
