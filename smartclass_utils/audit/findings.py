"""What a check of the audit hands back: one sentence, and the numbers behind it."""

from dataclasses import dataclass, field

import pandas as pd


@dataclass(frozen=True)
class Finding:
    """The outcome of one check.

    Attributes:
        available: whether the data had what the check needs.
        sentence: what was found, or what is missing.
        numbers: what the sentence rests on, ready for JSON.
        tables: the same in rows, for a notebook.
    """

    available: bool
    sentence: str
    numbers: dict = field(default_factory=dict)
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)

    def as_dict(self) -> dict:
        """Return the finding for ``results.json``; a missing one gives its reason."""
        if not self.available:
            return {"available": False, "reason": self.sentence}
        return {"available": True, "sentence": self.sentence, **self.numbers}


def missing(reason: str) -> Finding:
    """Return the finding of a check that the data has nothing for."""
    return Finding(available=False, sentence=reason)


def count(n: int, thing: str) -> str:
    """Return a number with its noun: ``1 image``, ``2 images``."""
    return f"{n:,} {thing}" if n == 1 else f"{n:,} {thing}s"
