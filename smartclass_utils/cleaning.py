"""From the manifest to a folder of clean images with one frozen split."""

import glob
import hashlib
import inspect
import os
import shutil
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
from PIL import Image
from tqdm import tqdm

from smartclass_utils import config, images
from smartclass_utils import files as disk
from smartclass_utils.config import IMAGE_SIZE, IMAGE_SIZES, SmartClassError, check
from smartclass_utils.files import disk_errors, in_place_of, only_one, sha256

BATCH = 256  # files that a process decodes at a time
OUTCOMES = ("kept", "mended", "rejected", "left out")
CODE = ("images.py", "cleaning.py", "copies.py", "splits.py")
TABLES = ("labels", "rejected", "noted")
TEXT = {"dtype": str, "keep_default_na": False}


@dataclass(frozen=True)
class Cleaned:
    """A clean folder and how it came about."""

    folder: Path
    labels: pd.DataFrame  # the manifest's columns and attributes, one row an image
    rejected: pd.DataFrame  # file, source, label, reason
    noted: pd.DataFrame  # file (clean), original_file, note
    counts: pd.DataFrame  # outcome, reason, images: all files of the manifest
    fingerprint: str  # SHA-256 of labels and pixels
    was_done: bool  # whether it lay there complete


def clean(
    manifest, out, *, image_size=IMAGE_SIZE, colour=False, prepare=None, jobs=None
) -> Cleaned:
    """Make every usable image small and square, grey or in colour; freeze the split.

    Args:
        manifest: a :class:`smartclass_utils.sources.Manifest`.
        out: the clean folder to write; an older one is replaced when all is ready.
        image_size: height and width of a clean image, pixels.
        colour: whether images keep red, green and blue.
        prepare: takes a clean image, uint8 (size, size[, 3]), and returns another.
        jobs: processes; all cores if ``None``.

    Raises:
        SmartClassError: if folder, size or ``prepare`` cannot be used, the disk is
            full, or there is no split; an older clean folder stays as it is.
    """
    out = config.at_home(out).resolve()
    check_arguments(manifest, out, image_size)
    shape = (image_size, image_size, 3)[: 3 if colour else 2]  # of an image
    key = input_key(manifest, shape, prepare)
    busy = f"Another run is cleaning into {out}; this one waits for it."
    lock = out.with_name(f".{out.name}.lock")
    with disk_errors(out.parent), only_one(lock, busy, wait=True):
        for rest in out.parent.glob(f".{glob.escape(out.name)}.new*"):  # killed runs'
            if (rest / "old").exists() and not out.exists():  # while it swapped
                (rest / "old").replace(out)
            shutil.rmtree(rest, ignore_errors=True)
        if not (was_done := is_finished(out, key)):
            with in_place_of(out) as new:
                (new / ".rows").mkdir(parents=True)
                table = decode(new, key, manifest, shape, prepare, jobs)
                about = fill(new, manifest, shape, table)
                about |= {"key": key, "prepare": source_of(prepare)}
                disk.write_json(new / "clean.json", about)
        card = disk.read_json(out / "clean.json")
        tables = [pd.read_csv(out / f"{name}.csv", **TEXT) for name in TABLES]
    tables.append(pd.DataFrame(card["counts"]))
    return Cleaned(out, *tables, card["fingerprint"], was_done)


def check_arguments(manifest, out: Path, image_size: int) -> None:
    """Refuse a size or a folder that cannot work, before anything is written."""
    check(IMAGE_SIZE=(image_size, IMAGE_SIZES[0], IMAGE_SIZES[-1]))
    root = manifest.root.resolve()
    if out.is_relative_to(root) or root.is_relative_to(out):
        reason = f"The clean images cannot go to {out}, as the data lie in {root}."
    elif out.exists() and not out.is_dir():
        reason = f"{out} is a file: name another folder or remove it."
    elif out.exists() and any(out.iterdir()) and not (out / "clean.json").exists():
        reason = f"{out} holds files that are no clean set: name another or empty it."
    else:
        return
    raise SmartClassError(reason)


def input_key(manifest, shape: tuple, prepare) -> str:
    """Return a hash of everything that the clean folder depends on."""
    code = [sha256(Path(__file__).with_name(name)) for name in CODE]
    about = [code, config.SPLIT_SHARES, config.SPLIT_SEED, shape, source_of(prepare)]
    about += [manifest.name, manifest.classes, manifest.given_split, [*manifest.table]]
    if prepare is not None:  # what it does may depend on more than its own lines
        noise = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
        about.append(images.prepared(prepare, noise).tobytes())
    digest = hashlib.sha256(repr(about).encode())
    for row in manifest.table.itertuples(index=False):
        digest.update(repr(tuple(row)).encode())
        with suppress(OSError):
            s = Path(manifest.root, row.file).stat()
            digest.update(f"{s.st_size} {s.st_mtime_ns} {s.st_ctime_ns}".encode())
    return digest.hexdigest()


def source_of(prepare) -> str | None:
    """Return the lines of the reader's function, or its name where there are none."""
    with suppress(OSError, TypeError):
        return inspect.getsource(prepare)
    return prepare and getattr(prepare, "__name__", "a function")


def is_finished(folder: Path, key: str) -> bool:
    """Return whether a clean folder is complete, unharmed and made from this input."""
    try:
        card = disk.read_json(folder / "clean.json")
        tables = [pd.read_csv(folder / f"{name}.csv", **TEXT) for name in TABLES]
        found = {path.relative_to(folder).as_posix() for path in folder.glob("*/*.png")}
        read = [row["images"] for row in card["counts"] if row["outcome"] != "left out"]
        is_whole = card["fingerprint"] == disk.fingerprint_of(folder)
        is_whole &= sum(read) == len(tables[0]) + len(tables[1])
        return card["key"] == key and is_whole and {*tables[0]["file"]} <= found
    except (OSError, ValueError, KeyError, TypeError):
        return False


def decode(new, key, manifest, shape, prepare, jobs) -> pd.DataFrame:
    """Decode on all cores into ``.rows``; return the used rows with verdicts."""
    used = manifest.table[manifest.table["label"] != ""].reset_index(drop=True)
    files, verdicts = [os.path.join(manifest.root, f) for f in used["file"]], []  # noqa: PTH118
    call, rows = joblib.delayed(clean_batch), f"{new}/.rows"
    starts = range(0, len(files), BATCH)
    work = [call(files[i : i + BATCH], shape, prepare, rows, i) for i in starts]
    jobs = min(jobs or joblib.cpu_count(), max(1, len(work)))
    bar = tqdm(total=len(files), desc="Cleaning", unit="image", leave=False)
    fresh = {"initializer": str, "initargs": (key,)}  # no process with older code
    loky = joblib.parallel_config("loky", inner_max_num_threads=1, **fresh)
    try:
        with bar, loky, Path(rows, "pixels").open("wb") as stream:
            for pixels, some in joblib.Parallel(jobs, return_as="generator")(work):
                stream.write(pixels.tobytes())
                verdicts += some
                bar.update(len(some))
    except BrokenProcessPool as error:
        what = "The system ended a process that cleans, mostly for want of memory"
        raise SmartClassError(f"{what}: close other programs, run again.") from error
    used[["sha256", "_kind", "_reason", "_notes"]] = verdicts  # no names of users
    return used


def clean_batch(files, shape, prepare, rows, start) -> tuple[np.ndarray, list[tuple]]:
    """Write files' clean images; return them, black if rejected, and the verdicts."""
    pixels, verdicts = np.zeros((len(files), *shape), np.uint8), []
    with disk.quiet_libraries():
        for i, file in enumerate(files):
            digest = ""
            try:
                content = images.read(file)
                digest = hashlib.sha256(content).hexdigest()
                clean = images.clean_image(content, shape[0], prepare, len(shape) == 3)
                pixels[i] = clean.pixels
                file = f"{rows}/{start + i}.png"  # its name comes later
                Image.fromarray(pixels[i]).save(file, compress_level=0)
                verdicts.append((digest, "", "", "; ".join(clean.notes)))
            except images.Rejected as verdict:
                verdicts.append((digest, verdict.kind, str(verdict), ""))
    return pixels, verdicts


def fill(new: Path, manifest, shape: tuple, table: pd.DataFrame) -> dict:
    """Write images and tables of a clean folder; return its card."""
    from smartclass_utils import copies, splits  # late: workers start without them

    table["_mended"] = ~table["_notes"].isin(["", images.FLAT])
    copies.judge_doubles(table, manifest.given_split)
    kept = table[table["_kind"] == ""].copy()
    for label in manifest.classes:
        kinds = table.loc[table["label"] == label, "_kind"].value_counts().to_dict()
        n = kinds.pop("", 0)
        if n == 0 or (n < len(config.SPLITS) and len(kinds)):
            what = f"Class '{label}' has {n or 'no'} usable image{'s' * (n != 1)}"
            why = ", ".join(f"{many} {kind}" for kind, many in kinds.items()) or "none"
            remedy = "train, val, test need one each: add some or remove the class"
            raise SmartClassError(f"{what} (rejected: {why}); {remedy}.")
    kept["_file"], kept["file"] = kept["file"], clean_names(kept)
    kept = kept.sort_values("file")
    write_images(new, kept, shape)
    pixels = np.load(new / "images.npy", "r", allow_pickle=False)
    given = kept["split"] if manifest.given_split else None
    kept["split"] = splits.freeze(pixels, kept["label"], kept["subject"], given)
    noted = kept.loc[kept["_notes"] != "", ["file", "_file", "_notes"]]
    noted = noted.set_axis(["file", "original_file", "note"], axis=1)
    rejected = table[table["_kind"] != ""][["file", "source", "label", "_reason"]]
    rejected = rejected.set_axis(["file", "source", "label", "reason"], axis=1)
    tables = kept[[*manifest.table]], rejected, noted
    for name, rows in zip(TABLES, tables, strict=True):
        rows.to_csv(new / f"{name}.csv", index=False, lineterminator="\n")
    return {
        "name": manifest.name,
        "classes": list(manifest.classes),
        "fingerprint": disk.fingerprint_of(new),
        "counts": count(manifest.table, table).to_dict("records"),
    }


def clean_names(kept: pd.DataFrame) -> pd.Series:
    """Return ``<label>/<source>_<hash>.png`` for every row, no name twice."""
    source = kept["source"].str.lower().str.replace(r"[^a-z0-9]+", "", regex=True)
    name = source.str[:40].replace("", "images") + "_" + kept["sha256"].str[:12]
    stem = kept["label"].map(disk.safe_name) + "/" + name
    number = stem.groupby(stem.str.casefold()).cumcount()
    return stem + [f"-{n + 1}.png" if n else ".png" for n in number]


def write_images(new: Path, kept: pd.DataFrame, shape: tuple) -> None:
    """Write what is kept as PNG files and as one array, in this order."""
    pixels = np.memmap(new / ".rows/pixels", np.uint8, "r").reshape(-1, *shape)
    with (new / "images.npy").open("wb") as stream:
        about = {"descr": "|u1", "fortran_order": False, "shape": (len(kept), *shape)}
        np.lib.format.write_array_header_1_0(stream, about)
        for row, file in kept["file"].items():  # no mapping: a full disk would kill
            stream.write(pixels[row].tobytes())
            os.renames(f"{new}/.rows/{row}.png", f"{new}/{file}")  # makes the folder
    del pixels  # lets go of the file
    shutil.rmtree(new / ".rows")


def count(manifest: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """Return how many images came to what, by reason; all of the manifest's."""
    found = [table["_kind"] != "", table["_mended"]]
    outcome = np.select(found, ["rejected", "mended"], "kept")
    reason = table["_kind"] + table["_notes"]
    rows = pd.DataFrame({"outcome": outcome, "reason": reason})
    left_out = manifest.loc[manifest["label"] == "", "original_label"]
    rows = pd.concat([rows, pd.DataFrame({"outcome": "left out", "reason": left_out})])
    rows["outcome"] = pd.Categorical(rows["outcome"], OUTCOMES)  # sorts in this order
    counts = rows.groupby(["outcome", "reason"], observed=True).size()
    return counts.rename("images").reset_index()
