"""A look at a folder before a run: what a report would read, clean and deal."""

import shlex
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from smartclass_utils.cleaning import clean
from smartclass_utils.config import SPLITS
from smartclass_utils.names import as_text
from smartclass_utils.sources import find_data, load
from smartclass_utils.splits import joint_groups

LARGE = 0.1  # share of all images in one group, from which it is worth a sentence


def check_folder(data: str) -> str:
    """Return what chapter 1 makes of a folder, as text; nothing stays on the disk.

    The chapter's own functions read, clean and deal the images, in a temporary folder.

    Raises:
        SmartClassError: with the reason why no report would run.
    """
    manifest = load(find_data(data))
    # After an error Windows keeps a mapped file: that must not hide the error.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        cleaned = clean(manifest, Path(folder, "clean"))
        labels = cleaned.labels
        pixels = np.load(cleaned.folder / "images.npy", "r", allow_pickle=False)
        groups = joint_groups(pixels, labels["subject"].to_numpy(object))
        del pixels  # lets go of the file
    shown = {"margins": True, "margins_name": "All"}  # no class
    split = pd.crosstab(labels["label"], labels["split"], **shown)
    split = split.reindex([*manifest.classes, "All"], columns=[*SPLITS, "All"])
    names = labels.groupby("label")["original_label"].unique().map(", ".join)
    sources = manifest.table["source"].value_counts().sort_index()
    rejected = cleaned.rejected[["file", "reason"]].head(5)
    quoted = shlex.quote(str(data)).replace("$", "$$")  # for the shell, then for make
    parts = [
        f"{manifest.name}: {len(manifest.table):,} files in {manifest.root}",
        "By source: " + ", ".join(f"{name} ({n:,})" for name, n in sources.items()),
        "Labels: " + "; ".join(f"{names[k]} → {k}" for k in manifest.classes),
        *manifest.notes,
        cleaned.counts.to_string(index=False),
        "The first rejected files:" if len(rejected) else "",
        "\n".join(f"  {as_text(file)}: {why}" for file, why in rejected.to_numpy()),
        f"The split, {'as given' if manifest.given_split else 'drawn'}:",
        split.rename_axis(index="class", columns=None).to_string(),
        about_groups(groups, labels["split"], manifest.given_split),
        f"A report would run: make report DATA={quoted}",
    ]
    return "\n".join(part for part in parts if part)


def about_groups(groups: np.ndarray, split: pd.Series, given: bool) -> str:
    """Return what is to say of images that stay together, or should have done."""
    sizes = np.bincount(groups)
    several, largest = sizes[sizes > 1], sizes.max()
    if not len(several):
        return "No image has a near-copy or shares a subject with another."
    text = f"{several.sum():,} images have near-copies or share a subject with others; "
    if given:
        torn = (split == "test").groupby(groups).nunique().gt(1).sum()
        text += "groups on both sides of the given split, in test and outside it: "
        return f"{text}{torn:,} of {len(several):,}."
    text += f"they stay together, in {len(several):,} group{'s' * (len(several) > 1)}."
    if largest > LARGE * sizes.sum():
        text += f" The largest holds {largest:,} of {sizes.sum():,} and lies in one "
        text += "part: with fewer of its images the parts come out even."
    return text
