"""From the manifest to a folder of clean images with one frozen split.

The new folder is built beside the old one, as ``.<out>.new``, and takes its place only
when it is complete. What is decoded is journalled there, so that a run that was cut off
goes on where it stopped.
"""

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from smartclass_utils.cleaning.build import PARTS, fill, fingerprint_of
from smartclass_utils.config import IMAGE_SIZE, IMAGE_SIZES, SmartClassError
from smartclass_utils.files import only_one, write_text
from smartclass_utils.sources import Manifest

VERSION = 3  # raise it when the same files would come out differently
COUNTS = ["outcome", "reason", "images"]


@dataclass(frozen=True)
class Cleaned:
    """A clean folder and how it came about.

    Attributes:
        folder: where it lies.
        labels: ``labels.csv``: the manifest's columns and attributes, one row an image.
        rejected: ``rejected.csv``: file, source, label, reason.
        noted: ``noted.csv``: file (clean), original_file, note; what was mended, and
            what deserves a look.
        counts: outcome, reason, images; they add up to the files of the manifest.
        fingerprint: SHA-256 of labels and pixels.
        was_done: whether it lay there complete and nothing had to be done.
    """

    folder: Path
    labels: pd.DataFrame
    rejected: pd.DataFrame
    noted: pd.DataFrame
    counts: pd.DataFrame
    fingerprint: str
    was_done: bool


def clean(
    manifest: Manifest,
    out: Path | str,
    *,
    image_size: int = IMAGE_SIZE,
    jobs: int | None = None,
    progress: bool = True,
) -> Cleaned:
    """Make every usable image small, square and grey, and freeze the split.

    Args:
        manifest: from :func:`smartclass_utils.sources.load`.
        out: the clean folder to write; an older one is replaced when all is ready.
        image_size: height and width of a clean image, pixels.
        jobs: processes; all cores if ``None``.
        progress: whether to show a progress bar.

    Raises:
        SmartClassError: if the folder or the size cannot be used, the disk is full, or
            a class has too few usable images; an older clean folder stays as it is.
    """
    out = Path(out).expanduser().resolve()
    build, old = (out.with_name(f".{out.name}.{age}") for age in ("new", "old"))
    check_arguments(manifest, out, image_size)
    key = input_key(manifest, image_size)
    if is_finished(out, key):
        return read_cleaned(out, was_done=True)
    lock = out.with_name(f".{out.name}.lock")
    busy = f"Another run is cleaning into {out}; this one waits for it."
    with readable_disk_errors(out), only_one(lock, busy, wait=True):
        if old.exists() and not out.exists():  # a run was killed while it swapped
            old.replace(out)
        if is_finished(out, key):  # by the run that was waited for
            return read_cleaned(out, was_done=True)
        if not is_finished(build, key):
            prepare(build, key)
            fill(build, manifest, key, image_size, jobs, progress)
        swap(build, out, old)
    return read_cleaned(out, was_done=False)


def check_arguments(manifest: Manifest, out: Path, image_size: int) -> None:
    """Refuse a size or a folder that cannot work."""
    if image_size not in IMAGE_SIZES:
        raise SmartClassError(
            f"IMAGE_SIZE={image_size} is out of range: choose {IMAGE_SIZES.start} to "
            f"{IMAGE_SIZES.stop - 1} pixels."
        )
    root = manifest.root.resolve()
    if out == root or out in root.parents or root in out.parents:
        raise SmartClassError(
            f"The clean images cannot go to {out}, as the data lie in {root}: choose a "
            "folder beside it."
        )
    if out.exists() and not out.is_dir():
        raise SmartClassError(f"{out} is a file: name another folder or remove it.")
    if out.exists() and any(out.iterdir()) and not (out / "clean.json").exists():
        raise SmartClassError(
            f"{out} holds files that are no clean set: name another folder or empty it."
        )


def input_key(manifest: Manifest, image_size: int) -> str:
    """Return a hash of everything that the clean folder depends on."""
    digest = hashlib.sha256()
    settings = [VERSION, image_size, manifest.name, manifest.classes]
    digest.update(json.dumps([*settings, manifest.given_split]).encode("utf-8"))
    digest.update(json.dumps(list(manifest.table)).encode("utf-8"))
    stamps: dict[str, tuple[int, int]] = {}
    for row in manifest.table.itertuples(index=False):
        file = row.file if row.label else ""
        if ".csv#" in file.lower():  # all rows of a table share its stamp
            file = file.rpartition("#")[0]
            stamp = stamps.setdefault(
                file, stamps.get(file) or stamp_of(manifest, file)
            )
        else:
            stamp = stamp_of(manifest, file) if file else (0, 0)
        digest.update(repr((tuple(row), stamp)).encode("utf-8"))
    return digest.hexdigest()


def stamp_of(manifest: Manifest, file: str) -> tuple[int, int]:
    """Return size and time of a file, which change whenever it does."""
    try:
        status = os.stat(os.path.join(manifest.root, file))  # noqa: PTH116, PTH118
    except OSError:
        return -1, -1
    return status.st_size, status.st_mtime_ns


def is_finished(folder: Path, key: str) -> bool:
    """Return whether a clean folder is complete, unharmed and made from this input."""
    try:
        card = json.loads((folder / "clean.json").read_text(encoding="utf-8"))
        if card["key"] != key or card["fingerprint"] != fingerprint_of(folder):
            return False
        labels = read_csv(folder / "labels.csv")
        pd.DataFrame(card["counts"], columns=COUNTS)
    except (OSError, ValueError, KeyError, TypeError):
        return False
    present = {
        f"{place.name}/{name}"
        for place in folder.iterdir()
        if place.is_dir()
        for name in os.listdir(place)  # noqa: PTH208, names only
    }
    tables = ("rejected.csv", "noted.csv")
    whole = all((folder / name).is_file() for name in tables)
    return whole and set(labels["file"]) <= present


def read_csv(path: Path) -> pd.DataFrame:
    """Read one of our own tables, all columns as text."""
    return pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8")


def read_cleaned(folder: Path, was_done: bool) -> Cleaned:
    """Return what a complete clean folder says of itself."""
    card = json.loads((folder / "clean.json").read_text(encoding="utf-8"))
    names = ("labels", "rejected", "noted")
    tables = [read_csv(folder / f"{name}.csv") for name in names]
    counts = pd.DataFrame(card["counts"], columns=COUNTS)
    return Cleaned(folder, *tables, counts, card["fingerprint"], was_done)


@contextmanager
def readable_disk_errors(out: Path) -> Iterator[None]:
    """Turn a full or read-only disk into one sentence."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES):
            raise
        raise SmartClassError(
            f"{out.parent} cannot be written to ({error.strerror}): make room or "
            "choose another OUT=…, and run again; what is decoded is not done twice."
        ) from error


def prepare(build: Path, key: str) -> None:
    """Make the folder to build in, keeping a journal of the very same input."""
    mark = build / PARTS / "key.txt"
    if not mark.exists() or mark.read_text(encoding="utf-8") != key:
        shutil.rmtree(build, ignore_errors=True)
        write_text(mark, key)
    for path in build.iterdir():
        if path.is_dir() and path.name != PARTS:
            shutil.rmtree(path)
        elif path.is_file():
            path.unlink()


def swap(build: Path, out: Path, old: Path) -> None:
    """Put the complete new folder in the place of the old one."""
    shutil.rmtree(build / PARTS, ignore_errors=True)
    shutil.rmtree(old, ignore_errors=True)
    if out.exists():
        out.replace(old)
    build.replace(out)
    shutil.rmtree(old, ignore_errors=True)
