"""Names that others chose (classes, folders, columns), made safe to show anywhere."""

import unicodedata
from functools import lru_cache

# What Markdown, HTML or a terminal would take for markup, and what looks like it.
LOOKALIKES = str.maketrans(
    {"<": "‹", ">": "›", "[": "(", "]": ")", "|": "¦", "`": "‘", "\\": "∖", "*": "∗"}
)
UNSEEN = ("Cc", "Cf", "Co", "Cs", "Zl", "Zp")  # control characters, reversed writing


@lru_cache(maxsize=10_000)
def as_text(name: str) -> str:
    """Return a name that shows as text in Markdown, HTML and a terminal.

    The report puts names of a foreign data set into sentences and tables. Its markup
    characters become others that look alike, so that no reader of a name, now or later,
    has to think of escaping it. A name like ``<img src=x>`` stays readable.
    """
    if not name.isprintable():
        seen = (
            " " if letter.isspace() else "\ufffd" if is_unseen(letter) else letter
            for letter in name
        )
        name = "".join(seen)
    return " ".join(name.translate(LOOKALIKES).replace("://", ": //").split())


def is_unseen(letter: str) -> bool:
    """Return whether a character is none that a reader could see."""
    return unicodedata.category(letter) in UNSEEN
