"""Filling a clean folder: decoding on all cores, the tables, the images."""

import hashlib
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
from tqdm import tqdm

from smartclass_utils.cleaning import shards
from smartclass_utils.cleaning.judging import clean_names, count, judge
from smartclass_utils.cleaning.shards import SHARD, Verdict
from smartclass_utils.cleaning.splits import complete_split, draw_split
from smartclass_utils.config import MANIFEST_COLUMNS, SmartClassError
from smartclass_utils.files import replacing, sha256, write_json
from smartclass_utils.near_duplicates import near_clusters
from smartclass_utils.sources import Manifest

PARTS = ".parts"


def fill(
    build: Path,
    manifest: Manifest,
    key: str,
    image_size: int,
    jobs: int | None,
    progress: bool,
) -> None:
    """Write everything that belongs into a clean folder, clean.json last."""
    used = manifest.table[manifest.table["label"] != ""].reset_index(drop=True)
    files = list(used["file"])
    pieces = [files[start : start + SHARD] for start in range(0, len(files), SHARD)]
    parts = [build / PARTS / f"{i:05d}.npz" for i in range(len(pieces))]
    verdicts = decode_all(manifest.root, pieces, parts, image_size, jobs, progress)
    table = judge(used, verdicts, manifest.given_split)
    kept = table[table["kind"] == ""].copy()
    if kept.empty:
        raise SmartClassError(
            f"None of the {len(table)} images in {manifest.root} can be used "
            f"({table['reason'].iloc[0]}, …): check the download."
        )
    missing = sorted(set(manifest.classes) - set(kept["label"]))
    if missing:
        raise SmartClassError(
            f"Class '{missing[0]}' has no usable image in {manifest.root}: add some or "
            "remove the class."
        )
    kept["original_file"] = kept["file"]
    kept["file"] = clean_names(kept)
    kept = kept.sort_values("file")
    write_images(build, parts, verdicts, kept, image_size)
    if manifest.given_split:
        kept["split"] = complete_split(kept["label"], kept["split"])
    else:
        images = np.load(build / "images.npy", mmap_mode="r", allow_pickle=False)
        alike = near_clusters(images)
        kept["split"] = draw_split(kept["label"], kept["subject"], alike)
    write_tables(build, table, kept)
    counts = count(manifest.table, table)
    card = {
        "name": manifest.name,
        "classes": list(manifest.classes),
        "image_size": image_size,
        "n_images": len(kept),
        "split": {str(k): int(v) for k, v in kept["split"].value_counts().items()},
        "given_split": manifest.given_split,
        "fingerprint": fingerprint_of(build),
        "key": key,
        "counts": counts.to_dict("records"),
    }
    write_json(build / "clean.json", card)


def decode_all(
    root: Path,
    pieces: list[list[str]],
    parts: list[Path],
    size: int,
    jobs: int | None,
    progress: bool,
) -> list[Verdict]:
    """Decode all files on all cores, leaving out what the journal holds already."""
    done = [
        shards.read_verdicts(part, len(piece))
        for part, piece in zip(parts, pieces, strict=True)
    ]
    work = [
        joblib.delayed(shards.clean_shard)(str(root), piece, size, part)
        for piece, part, ready in zip(pieces, parts, done, strict=True)
        if ready is None
    ]
    before = sum(len(ready) for ready in done if ready is not None)
    run_all(work, jobs, progress, before)
    verdicts = []
    for part, piece, ready in zip(parts, pieces, done, strict=True):
        verdicts += ready or shards.read_verdicts(part, len(piece))
    return verdicts


def run_all(work: list, jobs: int | None, progress: bool, before: int) -> None:
    """Run pieces of work in processes of one thread each, with a progress bar."""
    jobs = min(jobs or joblib.cpu_count(), max(1, len(work)))
    total = before + sum(len(arguments[1]) for _, arguments, _ in work)
    quiet = {} if progress else {"disable": True}  # TQDM_DISABLE=1 holds otherwise
    bar = tqdm(total=total, initial=before, desc="Cleaning", unit="image", **quiet)
    with bar, joblib.parallel_config("loky", inner_max_num_threads=1):
        for done in joblib.Parallel(jobs, return_as="generator")(work):
            bar.update(done)


def write_tables(build: Path, table: pd.DataFrame, kept: pd.DataFrame) -> None:
    """Write labels.csv, rejected.csv and noted.csv."""
    extra = ("kind", "reason", "notes", "original_file")
    others = [c for c in kept if c not in (*MANIFEST_COLUMNS, *extra)]
    save_csv(kept[[*MANIFEST_COLUMNS, *others]], build / "labels.csv")
    rejected = table[table["kind"] != ""]
    save_csv(rejected[["file", "source", "label", "reason"]], build / "rejected.csv")
    noted = kept[kept["notes"] != ""].rename(columns={"notes": "note"})
    save_csv(noted[["file", "original_file", "note"]], build / "noted.csv")


def save_csv(table: pd.DataFrame, path: Path) -> None:
    """Write a table with the same bytes on every machine."""
    with replacing(path) as stream:
        table.to_csv(stream, index=False, encoding="utf-8", lineterminator="\n")


def write_images(
    build: Path,
    parts: list[Path],
    verdicts: list[Verdict],
    kept: pd.DataFrame,
    size: int,
) -> None:
    """Gather the journal's images in the order of labels.csv: one array, N PNG files.

    The array is written through a file, as a full disk would kill a process that maps
    it. The PNG files lie in the journal already and are only moved.
    """
    files = list(kept["file"])
    for folder in {file.rpartition("/")[0] for file in files}:
        (build / folder).mkdir()
    place = np.full(len(verdicts), -1)
    place[kept.index] = np.arange(len(kept))
    path, shape = build / "images.npy", (len(kept), size, size)
    offset = np.lib.format.open_memmap(path, "w+", np.uint8, shape).offset
    decoded = np.array([verdict.kind == "" for verdict in verdicts])
    with path.open("r+b") as stream:
        for i, part in enumerate(parts):
            here = slice(i * SHARD, (i + 1) * SHARD)
            rows = place[here][decoded[here]]
            pixels = shards.read_images(part)
            for row, image in zip(rows, pixels, strict=True):
                if row >= 0:
                    stream.seek(offset + int(row) * size**2)
                    stream.write(image.tobytes())
            targets = [f"{build}/{files[row]}" if row >= 0 else None for row in rows]
            shards.move_pngs(part, pixels, targets)


def fingerprint_of(folder: Path) -> str:
    """Return the SHA-256 of labels and pixels."""
    parts = [sha256(folder / name) for name in ("labels.csv", "images.npy")]
    return hashlib.sha256("".join(parts).encode("ascii")).hexdigest()
