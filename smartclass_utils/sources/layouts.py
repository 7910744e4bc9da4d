"""What the layouts have in common: their rows, their label files, their faults."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from smartclass_utils.config import (
    CLASSES,
    MANIFEST_COLUMNS,
    SmartClassError,
    canonical_label,
)
from smartclass_utils.sources.scanning import some

SPLIT_NAMES = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
    "testing": "test",
}


@dataclass(frozen=True)
class Loaded:
    """One source.

    Attributes:
        table: the manifest's columns, one row an image; ``label`` is ``""`` for the
            images that are left out.
        notes: sentences that the reader should see.
        given_split: whether the split is the user's own and must stay as it is.
    """

    table: pd.DataFrame
    notes: list[str] = field(default_factory=list)
    given_split: bool = False


def report_label(original: str) -> str:
    """Return the class that an original label belongs to, ``""`` if to none."""
    label = canonical_label(original)
    return label if label in CLASSES else ""


def make_table(
    source: str, files: list[str], originals: list[str], splits: list[str]
) -> pd.DataFrame:
    """Return manifest rows of one source in the report's classes."""
    of = {original: report_label(original) for original in set(originals)}
    columns = {
        "file": files,
        "label": [of[original] for original in originals],
        "source": source,
        "original_label": originals,
        "split": splits,
        "subject": "",
        "sha256": "",
    }
    return pd.DataFrame(columns, columns=list(MANIFEST_COLUMNS), dtype=str)


def read_table(path: Path, *needed: str) -> pd.DataFrame:
    """Read a CSV file as text and insist on some columns.

    Raises:
        SmartClassError: if it is no CSV file or a column is missing.
    """
    try:
        table = pd.read_csv(
            path, dtype=str, keep_default_na=False, encoding="utf-8-sig"
        )
    except (ValueError, OSError) as error:  # also undecodable and empty files
        raise SmartClassError(
            f"{path} cannot be read as a UTF-8 CSV file with a header: mend or remove "
            "it."
        ) from error
    missing = [name for name in needed if name not in table.columns]
    if missing:
        raise SmartClassError(
            f"{path} has no column {' and no '.join(map(repr, missing))}: its first "
            f"line must name {','.join(needed)}."
        )
    return table


def stop_at_rows(path: Path, what: str, wrong: Iterable[str], remedy: str) -> None:
    """Raise with the first few rows of a label file that cannot be used."""
    names = list(wrong)
    if names:
        rows = "row" if len(names) == 1 else "rows"
        raise SmartClassError(
            f"{path}: {len(names)} {rows} {what} ({some(names)}): {remedy}."
        )


def need_images(table: pd.DataFrame, nouns: tuple, where: Path, what: str) -> None:
    """Raise if a used class of a source has no image at all."""
    present = set(table["original_label"])
    missing = [noun for noun in nouns if noun not in present]
    if missing:
        raise SmartClassError(
            f"{where} holds no images of {' or '.join(missing)}: {what} is incomplete, "
            "so unpack it again."
        )
