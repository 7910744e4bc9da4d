"""Draws the three demo sources: small, free stand-ins in the layouts of the real ones.

About 2,000 faces of nobody, with the class imbalance, the relabelling work and the
broken files that the real downloads bring. Engaged comes from one source only, hence
from one camera, as it does in the report; ``shuffle_cameras`` takes that away.
"""

import hashlib
import inspect
import json
import shutil
import tempfile
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
from tqdm import tqdm

from smartclass_utils import config
from smartclass_utils.config import SmartClassError
from smartclass_utils.demo import (
    around,
    brush,
    camera,
    faces,
    features,
    files,
    hair,
    head,
    people,
    plan,
    skin,
)
from smartclass_utils.demo.plan import UNREADABLE, Job, plan_files
from smartclass_utils.files import only_one, write_json
from smartclass_utils.memory import keep_freed_memory

# Their code decides what is drawn, so a change in any of them draws the set anew.
DRAWING = (
    around,
    brush,
    camera,
    faces,
    features,
    files,
    hair,
    head,
    people,
    plan,
    skin,
)
SHARD = 40  # faces drawn by one call of a process


def draw_demo(
    folder: Path = config.DEMO_FOLDER,
    *,
    scale: float = 1.0,
    shuffle_cameras: bool = False,
    seed: int = config.SPLIT_SEED,
    jobs: int | None = None,
) -> Path:
    """Draw the demo sources, unless the folder holds them with the same parameters.

    Args:
        folder: the demo root; ``rafdb``, ``oahega`` and ``fed2023`` come to lie in it.
        scale: share of the counts to draw, above 0 up to 1.
        shuffle_cameras: give every face any of the three cameras, so that a camera no
            longer tells the class.
        seed: of the whole set; every file's chances come from it and the file's number,
            so that the number of processes makes no difference.
        jobs: processes; all cores if ``None``.

    Returns:
        The folder.

    Raises:
        SmartClassError: if the scale is out of range, or the folder holds other things.
    """
    folder = Path(folder)
    if not 0 < scale <= 1:
        raise SmartClassError(f"scale is {scale}: give a number above 0 and up to 1.")
    settings = {"scale": scale, "shuffle_cameras": shuffle_cameras, "seed": seed}
    fingerprint = parameters_hash(settings)
    if drawn_hash(folder) == fingerprint:
        return folder
    ours = (folder / "demo.json").exists()
    if folder.exists() and not ours and any(folder.iterdir()):
        raise SmartClassError(
            f"{folder} holds files that are no demo set: name another folder."
        )
    busy = f"Another run draws into {folder}; this one waits for it."
    with only_one(folder.with_name(f".{folder.name}.lock"), busy, wait=True):
        if drawn_hash(folder) != fingerprint:
            draw_anew(folder, settings, fingerprint, jobs)
    return folder


def draw_anew(folder: Path, settings: dict, fingerprint: str, jobs: int | None) -> None:
    """Draw all files beside ``folder``, then give them its name."""
    prefix = f".{folder.name}.partial-"
    for left in folder.parent.glob(f"{prefix}*"):  # by a run that was killed
        shutil.rmtree(left, ignore_errors=True)
    partial = Path(tempfile.mkdtemp(dir=folder.parent, prefix=prefix))
    try:
        work = plan_files(**settings)
        rows = write_faces(partial, work, jobs)
        write_tables(partial, work, rows)
        note = {"parameters": fingerprint, **settings, "files": len(work)}
        write_json(partial / "demo.json", note)
        partial.chmod(0o755)
        replace_folder(partial, folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def parameters_hash(settings: dict) -> str:
    """Return a hash of everything that decides what is drawn, the code included."""
    code = [inspect.getsource(module) for module in DRAWING]
    content = json.dumps([settings, code], sort_keys=True)
    return hashlib.sha256(content.encode("utf-8")).hexdigest()


def drawn_hash(folder: Path) -> str:
    """Return the parameters' hash that a folder was drawn with, '' if there is none."""
    try:
        return json.loads((folder / "demo.json").read_text("utf-8"))["parameters"]
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def replace_folder(new: Path, folder: Path) -> None:
    """Give ``new`` the name ``folder``; an older folder of that name goes."""
    old = new.with_name(new.name + "-old")
    if folder.exists():
        folder.replace(old)
    new.replace(folder)
    shutil.rmtree(old, ignore_errors=True)


def write_faces(root: Path, work: list[Job], jobs: int | None) -> list[dict[str, str]]:
    """Draw and write all files; returns their rows of attributes."""
    drawn = [job for job in work if not job.copy_of]
    shards = [drawn[start : start + SHARD] for start in range(0, len(drawn), SHARD)]
    pool = joblib.Parallel(n_jobs=jobs or -1, return_as="generator")
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
    keep_freed_memory()  # a face takes hundreds of arrays
    for job in shard:
        picture = faces.draw_face(
            job.expression, seed=job.seed, size=job.size, camera=job.camera
        )
        low, high = camera.CAMERAS[job.camera].quality
        quality = int(np.random.default_rng((*job.seed, 1)).integers(low, high + 1))
        path = root / job.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(files.encode(picture, job.form, quality))
    return [attributes(job) for job in shard]


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
