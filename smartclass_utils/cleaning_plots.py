"""Figures of chapter 1: one file's way, and what became of all files."""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from PIL import Image
from skimage.color import rgb2gray

from smartclass_utils.cleaning.images import Rejected, decode
from smartclass_utils.config import SmartClassError
from smartclass_utils.plots import grid_of_images, whole_numbers
from smartclass_utils.sources import Manifest

TRIED = 200  # files


def first_usable(manifest: Manifest) -> str:
    """Return the first file in colour that decodes without a note, or any that decodes.

    Raises:
        SmartClassError: if none of the first files can be used.
    """
    files = manifest.table.loc[manifest.table["label"] != "", "file"]
    usable = []
    for file in files.iloc[:TRIED]:
        try:
            decoded = decode(manifest.root / file, 48)
        except Rejected:
            continue
        if not decoded.notes and ".csv#" not in file:
            with Image.open(manifest.root / file) as image:
                if image.mode == "RGB":
                    return file
            usable.append(file)
    if not usable:
        raise SmartClassError(
            f"None of the first {TRIED} files in {manifest.root} is a usable image: "
            "check the download."
        )
    return usable[0]


def cleaning_steps(path: Path, size: int) -> Figure:
    """Show one photograph as found, as luminance, and as a clean image.

    Args:
        path: an image file without a fault.
        size: height and width of the clean image, pixels.
    """
    with Image.open(path) as image:
        found = np.asarray(image.convert("RGB"))  # (H, W, 3)
    steps = [found, 255 * rgb2gray(found), decode(path, size).array]
    height, width = found.shape[:2]
    titles = [f"as found, {width} × {height}", "luminance", f"clean, {size} × {size}"]
    fig, axes = plt.subplots(1, 3, figsize=(9, 3.3))
    grid_of_images(axes, steps, titles)
    return fig


def outcome_of_files(counts: pd.DataFrame) -> Figure:
    """Draw how many files were kept, mended, rejected or left out.

    Args:
        counts: columns ``outcome``, ``reason`` and ``images``.
    """
    totals = counts.groupby("outcome", sort=False)["images"].sum()
    totals = totals.sort_values(ascending=False)
    fig, ax = plt.subplots(figsize=(8, 0.6 * len(totals) + 1.2))
    bars = ax.barh(totals.index, totals, color="#0072B2")
    ax.bar_label(bars, labels=[f"{n:,}" for n in totals], padding=4)
    ax.invert_yaxis()
    ax.set_xlabel("files")
    ax.margins(x=0.12)
    whole_numbers(ax.xaxis)
    return fig
