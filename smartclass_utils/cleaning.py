"""From the manifest to a folder of clean images with one frozen split.

The new folder is built beside the old one, as ``.<out>.new``, and takes its place only
when it is complete. A run that was cut off begins again.
"""

import errno
import hashlib
import inspect
import io
import json
import os
import re
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import PIL
import skimage
from PIL import Image
from tqdm import tqdm

from smartclass_utils import copies, images, splits
from smartclass_utils.config import (
    IMAGE_SIZE,
    IMAGE_SIZES,
    MANIFEST_COLUMNS,
    SmartClassError,
)
from smartclass_utils.files import only_one, sha256, write_json
from smartclass_utils.images import Prepare
from smartclass_utils.sources import Manifest

BATCH = 256  # files that a process decodes at a time
OUTCOMES = ("kept", "mended", "rejected", "left out")
COUNTS = ["outcome", "reason", "images"]
TABLES = ("labels", "rejected", "noted")
SHOWN = 3  # names in a reason
# Names that Windows keeps for itself.
RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


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
    prepare: Prepare | None = None,
    jobs: int | None = None,
    progress: bool = True,
) -> Cleaned:
    """Make every usable image small, square and grey, and freeze the split.

    Args:
        manifest: from :func:`smartclass_utils.sources.load`.
        out: the clean folder to write; an older one is replaced when all is ready.
        image_size: height and width of a clean image, pixels.
        prepare: takes a clean image, uint8 (size, size), and returns another.
        jobs: processes; all cores if ``None``.
        progress: whether to show a progress bar.

    Raises:
        SmartClassError: if the folder, the size or ``prepare`` cannot be used, the disk
            is full, or there is no split; an older clean folder stays as it is.
    """
    out = Path(out).expanduser().resolve()
    new, old, lock = (out.with_name(f".{out.name}.{x}") for x in ("new", "old", "lock"))
    check_arguments(manifest, out, image_size)
    key = input_key(manifest, image_size, prepare)
    busy = f"Another run is cleaning into {out}; this one waits for it."
    with readable_disk_errors(out), only_one(lock, busy, wait=True):
        if old.exists() and not out.exists():  # a run was killed while it swapped
            old.replace(out)
        was_done = is_finished(out, key)
        if not was_done:
            shutil.rmtree(new, ignore_errors=True)
            new.mkdir()
            quiet = {} if progress else {"disable": True}  # TQDM_DISABLE=1 as well
            fill(new, manifest, image_size, prepare, key, jobs, quiet)
            if out.exists():
                shutil.rmtree(old, ignore_errors=True)
                out.replace(old)
            new.replace(out)
        shutil.rmtree(old, ignore_errors=True)
        card = json.loads((out / "clean.json").read_text(encoding="utf-8"))
        tables = [read_csv(out / f"{name}.csv") for name in TABLES]
    counts = pd.DataFrame(card["counts"], columns=COUNTS)
    return Cleaned(out, *tables, counts, card["fingerprint"], was_done)


def fill(new, manifest, image_size, prepare, key, jobs, quiet) -> None:
    """Write everything that belongs into a clean folder, clean.json last."""
    used = manifest.table[manifest.table["label"] != ""].reset_index(drop=True)
    table = decode_all(new, manifest.root, used, image_size, prepare, jobs, quiet)
    judge_doubles(table, manifest.given_split)
    kept = table[table["kind"] == ""].copy()
    missing = sorted(set(manifest.classes) - set(kept["label"]))
    if kept.empty:
        raise SmartClassError(
            f"None of the {len(table)} images in {manifest.root} can be used "
            f"({table['reason'].iloc[0]}, …): check the download."
        )
    if missing:
        raise SmartClassError(
            f"Class '{missing[0]}' has no usable image in {manifest.root}: add some or "
            "remove the class."
        )
    kept["original_file"], kept["file"] = kept["file"], clean_names(kept)
    kept = kept.sort_values("file")
    pixels = write_images(new, kept, image_size)
    labels, subjects = kept["label"].to_numpy(), kept["subject"].to_numpy()
    groups = splits.joint_groups(pixels, subjects)
    if manifest.given_split:
        given = kept["split"].to_numpy()
        kept["split"] = splits.complete_split(labels, groups, given, subjects)
    else:
        kept["split"] = splits.deal(labels, groups, subjects=subjects)
    write_tables(new, table, kept)
    card = {
        "name": manifest.name,
        "classes": list(manifest.classes),
        "image_size": image_size,
        "n_images": len(kept),
        "split": {str(k): int(v) for k, v in kept["split"].value_counts().items()},
        "given_split": manifest.given_split,
        "fingerprint": fingerprint_of(new),
        "key": key,
        "counts": count(manifest.table, table).to_dict("records"),
        "prepare": source_of(prepare),
    }
    write_json(new / "clean.json", card)


def decode_all(new, root, used, size, prepare, jobs, quiet) -> pd.DataFrame:
    """Decode all files on all cores; keep pixels and PNG files aside, by their rows.

    Returns:
        ``used`` with sha256, kind and reason of a rejection, and notes.
    """
    (new / ".rows").mkdir()
    files = list(used["file"])
    work = [
        joblib.delayed(clean_batch)(
            str(root), files[i : i + BATCH], size, prepare, new / ".rows", i
        )
        for i in range(0, len(files), BATCH)
    ]
    jobs = min(jobs or joblib.cpu_count(), max(1, len(work)))
    bar = tqdm(total=len(files), desc="Cleaning", unit="image", leave=False, **quiet)
    verdicts = []
    with (
        bar,
        (new / ".pixels").open("wb") as stream,
        joblib.parallel_config("loky", inner_max_num_threads=1),
    ):
        for pixels, some in joblib.Parallel(jobs, return_as="generator")(work):
            stream.write(pixels.tobytes())
            verdicts += some
            bar.update(len(some))
    columns = ["sha256", "kind", "reason", "notes"]
    return used.assign(**pd.DataFrame(verdicts, columns=columns))


def clean_batch(root, files, size, prepare, folder, start) -> tuple[np.ndarray, list]:
    """Clean some files, in a process of its own; a rejected one leaves an empty square.

    Returns:
        uint8 (n, size, size), and for every file its SHA-256, the kind and reason of a
        rejection, and its notes.
    """
    pixels, verdicts = np.zeros((len(files), size, size), np.uint8), []
    with quiet_libraries():
        for i, file in enumerate(files):
            digest = ""
            try:
                content = images.read(os.path.join(root, file))  # noqa: PTH118, quick
                digest = hashlib.sha256(content).hexdigest()
                image = images.clean_image(content, size, prepare)
            except images.Rejected as verdict:
                verdicts.append((digest, verdict.kind, str(verdict), ""))
                continue
            pixels[i] = image.pixels
            write_png(image.pixels, f"{folder}/{start + i}.png")
            verdicts.append((digest, "", "", "; ".join(image.notes)))
    return pixels, verdicts


@contextmanager
def quiet_libraries() -> Iterator[None]:
    """Keep what C libraries print about broken files out of the notebook.

    libtiff does so, past Python and its exceptions, which say the same.
    """
    kept = os.dup(2)
    with open(os.devnull, "wb") as sink:  # noqa: PTH123
        os.dup2(sink.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def write_png(pixels: np.ndarray, path: str | Path) -> None:
    """Write a grey image without compression, in one go.

    A small face fills one block of the disk either way, and so the bytes do not depend
    on the version of zlib.
    """
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG", compress_level=0)
    with open(path, "wb") as file:  # noqa: PTH123, quicker than pathlib
        file.write(stream.getbuffer())


def judge_doubles(table: pd.DataFrame, given_split: bool) -> None:
    """Reject or note, in ``table``, the rows that hold one and the same file."""
    sound = table[table["kind"] == ""]
    for _, same in sound[sound.duplicated("sha256", keep=False)].groupby("sha256"):
        conflict = same["label"].nunique() > 1
        kind = "same image under different labels" if conflict else "duplicate"
        if given_split:
            note = f"{kind}, kept as the split is given"
            notes = [f"{old}; {note}".removeprefix("; ") for old in same["notes"]]
            table.loc[same.index, "notes"] = notes
            continue
        named = list(same["file"] + " (" + same["label"] + ")")
        more = f" and {len(same) - SHOWN} more" if len(same) > SHOWN else ""
        reason = f"{kind}: {', '.join(named[:SHOWN])}{more}"
        if not conflict:  # the first one stays
            reason, same = f"{kind} of {same['file'].iloc[0]}", same.iloc[1:]
        table.loc[same.index, ["kind", "reason", "notes"]] = kind, reason, ""


def clean_names(kept: pd.DataFrame) -> list[str]:
    """Return ``<label>/<source>_<hash>.png`` for every row, no name twice."""
    number: Counter[str] = Counter()
    names = []
    for row in kept[["label", "source", "sha256"]].itertuples():
        source = re.sub(r"[^a-z0-9]+", "", row.source.lower()) or "images"
        stem = f"{safe_name(row.label)}/{source}_{row.sha256[:12]}"
        number[stem.casefold()] += 1
        n = number[stem.casefold()]
        names.append(f"{stem}-{n}.png" if n > 1 else f"{stem}.png")
    return names


def safe_name(label: str) -> str:
    """Return a class name as the name of a folder that every system takes."""
    name = re.sub(r'[\\/:*?"<>|\x00-\x1f]', "-", label).strip(" .")[:60].strip(" .")
    is_taken = RESERVED.fullmatch(name) or name.endswith((".csv", ".npy", ".json"))
    return f"{name}_" if is_taken else name or "class"


def write_images(new: Path, kept: pd.DataFrame, size: int) -> np.ndarray:
    """Put what was kept aside under its final names; return images.npy, mapped.

    The array is written through a file, as a full disk would kill a process that maps
    it.
    """
    shape = (len(kept), size, size)
    pixels = np.memmap(new / ".pixels", np.uint8, "r").reshape(-1, size, size)
    header = {"descr": "|u1", "fortran_order": False, "shape": shape}
    with (new / "images.npy").open("wb") as stream:
        np.lib.format.write_array_header_1_0(stream, header)
        for i in range(0, len(kept), BATCH):
            stream.write(pixels[kept.index[i : i + BATCH]].tobytes())
    for folder in {file.rpartition("/")[0] for file in kept["file"]}:
        (new / folder).mkdir()
    for row, file in kept["file"].items():
        os.replace(f"{new}/.rows/{row}.png", f"{new}/{file}")  # noqa: PTH105, quick
    del pixels  # lets go of the file
    shutil.rmtree(new / ".rows")
    (new / ".pixels").unlink()
    return np.load(new / "images.npy", mmap_mode="r")


def write_tables(new: Path, table: pd.DataFrame, kept: pd.DataFrame) -> None:
    """Write labels.csv, rejected.csv and noted.csv."""
    extra = ("kind", "reason", "notes", "original_file")
    others = [c for c in kept if c not in (*MANIFEST_COLUMNS, *extra)]
    noted = kept[kept["notes"] != ""].rename(columns={"notes": "note"})
    rejected = table[table["kind"] != ""]
    for name, content in (
        ("labels", kept[[*MANIFEST_COLUMNS, *others]]),
        ("rejected", rejected[["file", "source", "label", "reason"]]),
        ("noted", noted[["file", "original_file", "note"]]),
    ):
        path = new / f"{name}.csv"
        content.to_csv(path, index=False, encoding="utf-8", lineterminator="\n")


def count(manifest: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """Return how many images came to what, by reason; all of the manifest's."""
    left_out = manifest.loc[manifest["label"] == "", "original_label"]
    is_mended = [bool({*x.split("; ")} & {*images.MENDING}) for x in table["notes"]]
    outcome = np.where(is_mended, "mended", "kept")
    outcome = np.where(table["kind"] != "", "rejected", outcome)
    reason = table["kind"].where(table["kind"] != "", table["notes"])
    rows = pd.DataFrame({"outcome": outcome, "reason": reason})
    more = pd.DataFrame({"outcome": "left out", "reason": left_out})
    rows = pd.concat([rows, more]).astype(str)
    rows["outcome"] = pd.Categorical(rows["outcome"], OUTCOMES)  # in this order
    counts = rows.groupby(["outcome", "reason"], observed=True).size()
    return counts.rename("images").reset_index().astype({"outcome": str})


def check_arguments(manifest: Manifest, out: Path, image_size: int) -> None:
    """Refuse a size or a folder that cannot work, before anything is written."""
    root = manifest.root.resolve()
    if image_size not in IMAGE_SIZES:
        reason = (
            f"IMAGE_SIZE={image_size} is out of range: choose {IMAGE_SIZES.start} to "
            f"{IMAGE_SIZES.stop - 1} pixels."
        )
    elif out == root or out in root.parents or root in out.parents:
        reason = (
            f"The clean images cannot go to {out}, as the data lie in {root}: choose a "
            "folder beside it."
        )
    elif out.exists() and not out.is_dir():
        reason = f"{out} is a file: name another folder or remove it."
    elif out.exists() and any(out.iterdir()) and not (out / "clean.json").exists():
        reason = f"{out} holds files that are no clean set: name another or empty it."
    else:
        return
    raise SmartClassError(reason)


def input_key(manifest: Manifest, image_size: int, prepare: Prepare | None) -> str:
    """Return a hash of everything that the clean folder depends on."""
    code = [Path(m.__file__).read_text("utf-8") for m in (images, copies, splits)]
    code += [Path(__file__).read_text("utf-8"), PIL.__version__, skimage.__version__]
    about = [manifest.name, manifest.classes, manifest.given_split, image_size]
    about += [list(manifest.table), code, source_of(prepare)]
    digest = hashlib.sha256(json.dumps(about).encode("utf-8"))
    for row in manifest.table.itertuples(index=False):
        try:
            status = os.stat(os.path.join(manifest.root, row.file))  # noqa: PTH116, PTH118
            stamp = (status.st_size, status.st_mtime_ns) if row.label else None
        except OSError:
            stamp = None
        digest.update(repr((tuple(row), stamp)).encode("utf-8"))
    if prepare is not None:  # what it does may depend on more than its own lines
        shape = (image_size, image_size)
        trial = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
        digest.update(images.prepared(prepare, trial).tobytes())
    return digest.hexdigest()


def source_of(prepare: Prepare | None) -> str | None:
    """Return the lines of the reader's function, or its name where there are none."""
    try:
        return None if prepare is None else inspect.getsource(prepare)
    except (OSError, TypeError):
        return getattr(prepare, "__name__", type(prepare).__name__)


def fingerprint_of(folder: Path) -> str:
    """Return the SHA-256 of labels and pixels."""
    parts = [sha256(folder / name) for name in ("labels.csv", "images.npy")]
    return hashlib.sha256("".join(parts).encode("ascii")).hexdigest()


def is_finished(folder: Path, key: str) -> bool:
    """Return whether a clean folder is complete, unharmed and made from this input."""
    try:
        card = json.loads((folder / "clean.json").read_text(encoding="utf-8"))
        if card["key"] != key or card["fingerprint"] != fingerprint_of(folder):
            return False
        labels, *_ = [read_csv(folder / f"{name}.csv") for name in TABLES]
        pd.DataFrame(card["counts"], columns=COUNTS)
    except (OSError, ValueError, KeyError, TypeError):
        return False
    found = {path.relative_to(folder).as_posix() for path in folder.glob("*/*.png")}
    return set(labels["file"]) <= found


def read_csv(path: Path) -> pd.DataFrame:
    """Read one of our own tables, all columns as text."""
    return pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8")


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
            "choose another OUT=…, and run again."
        ) from error
