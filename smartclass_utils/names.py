"""Names that others chose (classes, folders, columns): safe to show, and understood."""

import re
import unicodedata
from functools import lru_cache

# What Markdown, HTML or a terminal would take for markup, and what looks like it.
# Each of them is in the font of the figures.
LOOKALIKES = str.maketrans("<>[]|`\\*~$", "‹›()¦‘∖∗∼Ꞩ")
# Markdown takes them for emphasis only where a word begins or ends.
OUTER_UNDERSCORES = re.compile(r"\b_+|_+\b")
ALIASES = {  # of classes
    "anger": "angry",
    "happiness": "happy",
    "focused": "engaged",
    "attentive": "engaged",
    "amenability": "engaged",
    "concentration": "engaged",
}
EXAMPLES = 3  # names quoted in a message
PART = re.compile(
    "(?:(?P<train>train(?:ing)?)|(?P<val>val(?:id|idation)?|dev|publictest)|"
    "(?P<test>(?:private)?test(?:ing)?))(?:set|data|images|split)*"  # as in FER2013
)


@lru_cache(maxsize=10_000)
def as_text(name: str) -> str:
    """Return a name that shows as text in Markdown, HTML and a terminal.

    The report puts names of a foreign data set into sentences and tables. Its markup
    characters become others that look alike, so that no reader of a name, now or later,
    has to think of escaping it. A name like ``<img src=x>`` stays readable. Spelling
    one name in two ways (NFC, NFD) gives one name.
    """
    name = unicodedata.normalize("NFC", name)  # macOS writes é as two characters
    for letter in {letter for letter in name if not letter.isprintable()}:
        name = name.replace(letter, " " if letter.isspace() else "\ufffd")
    name = OUTER_UNDERSCORES.sub(lambda run: "ˍ" * len(run[0]), name)
    return " ".join(name.translate(LOOKALIKES).replace("://", ": //").split())


def natural(name: str) -> tuple[list[str | int], str]:
    """Return a key that sorts 2 before 10, and 01 before 1."""
    parts = re.split(r"(\d+)", name)
    return [int(p) if p.isdecimal() else p for p in parts], name


def folded(name: str) -> str:
    """Return what all spellings of a name share: no case, one form of its accents."""
    return unicodedata.normalize("NFC", name).casefold()


def some(names: list[str]) -> str:
    """Return a few names and how many more there are."""
    shown = ", ".join(map(as_text, names[:EXAMPLES]))
    more = len(names) - EXAMPLES
    return f"{shown} and {more} more" if more > 0 else shown


def part_of(name: str) -> str:
    """Return train, val or test for a name that means it in any spelling, or ``""``."""
    found = PART.fullmatch(re.sub(r"[\W\d_]", "", name.lower()))
    return found.lastgroup if found else ""


def canonical_label(name: str) -> str:
    """Return a class name in lower case with the aliases applied, safe to show."""
    lowered = as_text(name).lower()
    return ALIASES.get(lowered, lowered)
