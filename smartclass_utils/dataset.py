"""The clean folder as arrays: images, targets and the frozen split."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from skimage import img_as_ubyte
from skimage.color import rgb2gray
from torch import Tensor

from smartclass_utils.config import SPLITS, SmartClassError, workspace
from smartclass_utils.files import fingerprint_of, read_json
from smartclass_utils.names import as_text


@dataclass(frozen=True)
class CleanData:
    """A cleaned data set."""

    name: str  # what it is called in tables and figures
    labels: pd.DataFrame  # labels.csv, one row an image
    images: np.ndarray  # uint8 (N, H, W), or (N, H, W, 3) in colour; mapped, not held
    classes: tuple[str, ...]  # K names in their fixed order
    fingerprint: str  # SHA-256 of labels and pixels; the same on every machine
    folder: Path  # where it lies
    prepare: str | None = None  # source of what chapter 1 did to every image, if any

    @property
    def image_size(self) -> int:
        """Height and width of an image in pixels."""
        return self.images.shape[1]

    @property
    def channels(self) -> int:
        """Values of a pixel: 1 in grey images, 3 in colour."""
        return 1 if self.images.ndim == 3 else 3

    @property
    def grey(self) -> np.ndarray:
        """All images in grey, uint8 (N, H, W); of colours the luminance."""
        if self.channels == 1:
            return self.images
        return np.stack([img_as_ubyte(rgb2gray(image)) for image in self.images])

    @property
    def targets(self) -> np.ndarray:
        """Class index of every image, int64 (N,), values 0…K-1."""
        return pd.Index(self.classes).get_indexer(self.labels["label"])

    def rows(self, split: str) -> np.ndarray:
        """Return the row numbers of a split, int64 (n,), in the order of labels.csv."""
        if split not in SPLITS:
            raise SmartClassError(f"No split '{split}'; choose from {SPLITS}.")
        return np.flatnonzero(self.labels["split"] == split)

    def split_sizes(self) -> dict[str, int]:
        """Return the number of images in each split."""
        return {split: len(self.rows(split)) for split in SPLITS}


def load_clean(folder: Path | str | None = None) -> CleanData:
    """Read a clean folder that chapter 01 has written, by default this run's.

    Raises:
        SmartClassError: if it is missing or incomplete, or was changed since.
    """
    folder = Path(folder) if folder is not None else workspace().clean
    if not (folder / "clean.json").exists():
        what = f"There is no cleaned data in {folder}"
        raise SmartClassError(f"{what}: run chapter 01 first (01_data_cleaning).")
    again = f"delete {folder} and run chapter 01 again"
    card = read_json(folder / "clean.json", again)
    name, digest, classes = map(card.get, ("name", "fingerprint", "classes"))
    if fingerprint_of(folder) != digest:
        what = "labels.csv or images.npy is not as chapter 01 wrote it"
        raise SmartClassError(f"{folder}: {what}: {again}.")
    labels = pd.read_csv(folder / "labels.csv", dtype=str, keep_default_na=False)
    images = np.lib.format.open_memmap(folder / "images.npy", "r")
    texts = [name, *(classes if isinstance(classes, list) else [None])]
    is_plain = all(isinstance(text, str) and as_text(text) == text for text in texts)
    if not is_plain or sorted(labels["label"].unique()) != sorted(classes):
        what = "does not give a name and all classes of labels.csv"
        raise SmartClassError(f"{folder / 'clean.json'} {what}: {again}.")
    about = (name, labels, images, tuple(classes), digest, folder)
    return CleanData(*about, prepare=card.get("prepare"))


def tensors(data: CleanData, split: str) -> tuple[Tensor, Tensor]:
    """Return images uint8 (n, C, H, W) and labels int64 (n,) of one split."""
    rows = data.rows(split)
    images = torch.from_numpy(data.images[rows])  # (n, H, W), or (n, H, W, 3)
    images = images[:, None] if data.channels == 1 else images.permute(0, 3, 1, 2)
    return images.contiguous(), torch.from_numpy(data.targets[rows])
