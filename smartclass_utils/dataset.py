"""The clean folder as arrays: images, targets and the frozen split."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from smartclass_utils.config import SPLITS, SmartClassError, workspace
from smartclass_utils.names import as_text


@dataclass(frozen=True)
class CleanData:
    """A cleaned data set.

    Attributes:
        name: what the data is called in tables and figures.
        labels: ``labels.csv``, one row an image.
        images: uint8 (N, H, W), grey values 0…255, mapped from disk, not held.
        classes: the class names in their fixed order, K of them.
        fingerprint: SHA-256 of labels and pixels; the same on every machine.
        folder: where it lies.
    """

    name: str
    labels: pd.DataFrame
    images: np.ndarray
    classes: tuple[str, ...]
    fingerprint: str
    folder: Path

    @property
    def image_size(self) -> int:
        """Height and width of an image in pixels."""
        return self.images.shape[1]

    @property
    def is_demo(self) -> bool:
        """Whether these are the faces that the project draws itself."""
        return self.name == "demo"

    @property
    def targets(self) -> np.ndarray:
        """Class index of every image, int64 (N,), values 0…K-1."""
        codes = pd.Categorical(self.labels["label"], categories=self.classes).codes
        return np.asarray(codes, dtype=np.int64)

    def rows(self, split: str) -> np.ndarray:
        """Return the row numbers of a split, int64 (n,), in the order of labels.csv."""
        if split not in SPLITS:
            raise SmartClassError(f"No split '{split}'; choose from {SPLITS}.")
        return np.flatnonzero(self.labels["split"] == split)

    def split_sizes(self) -> dict[str, int]:
        """Return the number of images in each split."""
        return {split: len(self.rows(split)) for split in SPLITS}


def load_clean(folder: Path | str | None = None) -> CleanData:
    """Read a clean folder that chapter 01 has written.

    Args:
        folder: the clean folder; by default the one of this run's workspace.

    Raises:
        SmartClassError: if it is missing, incomplete or inconsistent.
    """
    folder = Path(folder) if folder is not None else workspace().clean
    card_file = folder / "clean.json"
    if not card_file.exists():
        raise SmartClassError(
            f"There is no cleaned data in {folder}: run chapter 01 first "
            "(notebooks/01_data_cleaning.ipynb)."
        )
    card = json.loads(card_file.read_text(encoding="utf-8"))
    labels = pd.read_csv(
        folder / "labels.csv", dtype=str, keep_default_na=False, encoding="utf-8"
    )
    images = np.load(folder / "images.npy", mmap_mode="r", allow_pickle=False)
    if images.dtype != np.uint8 or images.ndim != 3 or len(images) != len(labels):
        raise SmartClassError(
            f"{folder / 'images.npy'} does not belong to its labels.csv: delete "
            f"{folder} and run chapter 01 again."
        )
    classes = tuple(card["classes"])
    unknown = sorted(set(labels["label"]) - set(classes))
    if unknown:
        raise SmartClassError(
            f"{folder / 'labels.csv'} names classes that clean.json does not know "
            f"({', '.join(unknown)}): delete {folder} and run chapter 01 again."
        )
    check_names(folder, labels, [card["name"], *classes])
    return CleanData(card["name"], labels, images, classes, card["fingerprint"], folder)


def check_names(folder: Path, labels: pd.DataFrame, names: list[str]) -> None:
    """Refuse names that chapter 01 does not write and that a page might obey."""
    for column in labels.columns.drop(["file", "sha256"], errors="ignore"):
        names += [column, *labels[column].unique()]
    odd = sorted({as_text(name) for name in names if as_text(name) != name})
    if odd:
        raise SmartClassError(
            f"{folder} was not written by chapter 01, as it holds the name '{odd[0]}': "
            "run chapter 01 again."
        )


def sample_rows(data: CleanData, per_class: int, seed: int) -> dict[str, np.ndarray]:
    """Draw row numbers at random, the same for the same seed.

    Args:
        data: the cleaned data set.
        per_class: how many of each class, fewer where a class has fewer.
        seed: of the draw.

    Returns:
        Class → row numbers of labels.csv, in rising order.
    """
    generator = np.random.default_rng(seed)
    chosen = {}
    for k, label in enumerate(data.classes):
        rows = np.flatnonzero(data.targets == k)
        size = min(per_class, len(rows))
        chosen[label] = np.sort(generator.choice(rows, size, replace=False))
    return chosen
