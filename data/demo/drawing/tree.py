"""Draws the three demo sources: small, free stand-ins in the layouts of the real ones.

About 2,000 faces of nobody, with the class imbalance, the relabelling work and the
broken files that the real downloads bring. Engaged comes from one source only, hence
from one camera, as it does in the report; ``shuffle_cameras`` takes that away.
"""

import json
import shutil
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
from tqdm import tqdm

from . import faces, files
from .camera import CAMERAS
from .plan import UNREADABLE, Job, plan_files

SEED = 42  # of the committed faces
SHARD = 40  # faces drawn by one call of a process


def draw_tree(
    folder: Path,
    *,
    scale: float = 1.0,
    shuffle_cameras: bool = False,
    seed: int = SEED,
    jobs: int = -1,
) -> Path:
    """Draw the demo sources into a folder that does not exist yet, or is empty.

    Args:
        folder: the demo root; ``rafdb``, ``oahega`` and ``fed2023`` come to lie in it.
        scale: share of the counts to draw, above 0 up to 1.
        shuffle_cameras: give every face any of the three cameras, so that a camera no
            longer tells the class.
        seed: of the whole set; every file's chances come from it and the file's number,
            so that the number of processes makes no difference.
        jobs: processes; −1 takes all cores.

    Returns:
        The folder.

    Raises:
        ValueError: if the scale is out of range, or the folder holds something.
    """
    if not 0 < scale <= 1:
        raise ValueError(f"scale is {scale}: give a number above 0 and up to 1.")
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise ValueError(f"{folder} is not empty: name another folder.")
    settings = {"scale": scale, "shuffle_cameras": shuffle_cameras, "seed": seed}
    work = plan_files(**settings)
    write_tables(folder, work, write_faces(folder, work, jobs))
    note = json.dumps({**settings, "files": len(work)}, indent=1) + "\n"
    (folder / "demo.json").write_bytes(note.encode("utf-8"))
    return folder


def write_faces(root: Path, work: list[Job], jobs: int) -> list[dict[str, str]]:
    """Draw and write all files; returns their rows of attributes."""
    drawn = [job for job in work if not job.copy_of]
    shards = [drawn[start : start + SHARD] for start in range(0, len(drawn), SHARD)]
    pool = joblib.Parallel(n_jobs=jobs, return_as="generator")
    rows = []
    with tqdm(total=len(drawn), desc="Drawing demo faces", unit="face") as bar:
        for done in pool(joblib.delayed(write_shard)(root, shard) for shard in shards):
            rows += done
            bar.update(len(done))
    for job in work:
        if job.copy_of:
            shutil.copyfile(root / job.copy_of, root / job.path)
            rows.append(attributes(job))
    unreadable = {job.path for job in work if job.form in UNREADABLE}
    return [row for row in rows if row["file"] not in unreadable]


def write_shard(root: Path, shard: list[Job]) -> list[dict[str, str]]:
    """Draw and write a few files; returns their rows of attributes."""
    for job in shard:
        path = root / job.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encoded_face(job))
    return [attributes(job) for job in shard]


def encoded_face(job: Job) -> bytes:
    """Return the bytes of one file, drawn anew."""
    picture = faces.draw_face(
        job.expression, seed=job.seed, size=job.size, camera=job.camera
    )
    low, high = CAMERAS[job.camera].quality
    quality = int(np.random.default_rng((*job.seed, 1)).integers(low, high + 1))
    return files.encode(picture, job.form, quality)


def attributes(job: Job) -> dict[str, str]:
    """Return the row of ``demo_attributes.csv`` for one file."""
    return {"file": job.path, **faces.person_of(job.seed).attributes}


def write_tables(root: Path, work: list[Job], rows: list[dict[str, str]]) -> None:
    """Write the label files that the real sources have, and the attributes."""
    for split in ("train", "test"):
        listed = [
            {"image": Path(job.path).name, "label": job.folder}
            for job in work
            if job.source == "rafdb" and job.split == split
        ]
        table = pd.DataFrame(listed).sort_values("image")
        save_csv(table, root / "rafdb" / f"{split}_labels.csv")
    listed = [
        {"path": job.path.removeprefix("oahega/dataset/"), "label": job.folder}
        for job in work
        if job.source == "oahega"
    ]
    table = pd.DataFrame(listed).sort_values(["label", "path"]).reset_index(drop=True)
    save_csv(table, root / "oahega" / "data.csv", index=True)
    table = pd.DataFrame(rows).sort_values("file")
    save_csv(table, root / "demo_attributes.csv")


def save_csv(table: pd.DataFrame, path: Path, index: bool = False) -> None:
    """Write a table with the same bytes on every machine."""
    table.to_csv(path, index=index, encoding="utf-8", lineterminator="\n")
