"""FER2013's angry, happy and neutral faces with the engaged ones of another set."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd

from smartclass_utils.config import SmartClassError, at_home
from smartclass_utils.copies import near_copies
from smartclass_utils.files import in_place_of
from smartclass_utils.images import Rejected, clean_image, read
from smartclass_utils.sources import load


def combine(fer2013: Path | str, other: Path | str, folder: Path | str) -> Path:
    """Write a folder of four classes with its own split; return it.

    Angry, happy and neutral are FER2013's, engaged is the other set's; both have splits
    of their own. An image of FER2013 is left out if a near-copy of it is engaged, or
    validates or tests in the other set; one to learn from, if a near-copy of it
    validates or tests.

    Raises:
        SmartClassError: if a folder cannot be used.
    """
    folder = at_home(folder)
    if folder.exists():
        raise SmartClassError(f"{folder} exists: name a new folder.")
    faces, added = table_of(fer2013), table_of(other)
    faces = faces[faces["label"].isin(["angry", "happy", "neutral"])]
    if "engaged" not in set(added["label"]):
        raise SmartClassError(f"{other} has no class engaged: name another folder.")
    both = pd.concat([faces, added], keys=["fer2013", "other"], names=["set", None])
    pixels = np.stack([pixels_of(path) for path in both["path"]])
    both = both.assign(cluster=near_copies(pixels)).reset_index("set")
    is_other, is_engaged = both["set"] == "other", both["label"] == "engaged"
    is_barred = is_other & (is_engaged | (both["split"] != "train"))
    barred = set(both.loc[is_barred, "cluster"])
    kept = both[(is_other & is_engaged) | (~is_other & ~both["cluster"].isin(barred))]
    judged = set(kept.loc[kept["split"] != "train", "cluster"])
    kept = kept[(kept["split"] != "train") | ~kept["cluster"].isin(judged)]
    with in_place_of(folder) as new:
        files = [f"{n:05}{path.suffix}" for n, path in enumerate(kept["path"])]
        for label, path, file in zip(kept["label"], kept["path"], files, strict=True):
            (new / label).mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, new / label / file)
        table = kept.assign(file=kept["label"] + "/" + files)
        table[["file", "label", "split"]].to_csv(new / "labels.csv", index=False)
        if folder.exists():
            raise SmartClassError(f"{folder} exists by now: name a new folder.")
    return folder


def pixels_of(path: Path) -> np.ndarray:
    """Return an image as it is compared, uint8 (48, 48)."""
    try:
        return clean_image(read(path), 48).pixels
    except Rejected as verdict:
        raise SmartClassError(f"{path}: {verdict}: remove it.") from verdict


def table_of(folder: Path | str) -> pd.DataFrame:
    """Return path, label and split of a folder's images, with all further columns."""
    manifest = load(folder)
    if not manifest.given_split:
        raise SmartClassError(f"{folder} has no split: give it a labels.csv.")
    table = manifest.table[manifest.table["label"] != ""]
    return table.assign(path=[manifest.root / file for file in table["file"]])
