"""Figures of chapter 1: one file's way, and what became of all files."""

from pathlib import Path
from textwrap import fill, shorten

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
OUTCOME_COLOURS = {
    "kept": "#0072B2",
    "mended": "#56B4E9",
    "rejected": "#D55E00",
    "left out": "#999999",
}


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
    """Draw how many files were kept, mended, rejected or left out, and why.

    Args:
        counts: columns ``outcome``, ``reason`` and ``images``.
    """
    totals = counts.groupby("outcome", sort=False)["images"].sum()
    fig, ax = plt.subplots(figsize=(9, 0.75 * len(totals) + 1.1))
    ax.barh(
        totals.index, totals, color=[OUTCOME_COLOURS[name] for name in totals.index]
    )
    for position, (outcome, total) in enumerate(totals.items()):
        why = counts[(counts["outcome"] == outcome) & (counts["reason"] != "")]
        why = why.sort_values("images", ascending=False)
        text = ", ".join(f"{row.images:,} {row.reason}" for row in why.itertuples())
        text = fill(shorten(text, 90, placeholder=" …"), 46)
        ends_left = total < totals.max() / 2
        ax.annotate(
            f"{total:,}" + (f": {text}" if text and ends_left else ""),
            (total, position),
            (6, 0),
            textcoords="offset points",
            va="center",
        )
    ax.invert_yaxis()
    ax.set_xlabel("files")
    ax.margins(x=0.12)
    ax.tick_params(axis="y", length=0)
    whole_numbers(ax.xaxis)
    return fig
