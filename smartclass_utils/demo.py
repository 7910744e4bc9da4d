"""Draws the three demo sources: small, free stand-ins in the layouts of the real ones.

About 2,000 faces of nobody, with the class imbalance, the relabelling work and the
broken files that the real downloads bring. Engaged comes from one source, hence from one
camera, as it does in the report; ``shuffle_cameras`` takes that away.
"""

import hashlib
import inspect
import json
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from smartclass_utils import (
    config,
    demo_files,
    faces,
    faces_around,
    faces_camera,
    faces_features,
    faces_head,
    faces_people,
)
from smartclass_utils.config import SmartClassError
from smartclass_utils.files import write_json

SOURCES = ("rafdb", "oahega", "fed2023")
CAMERA_OF = {"rafdb": "album", "oahega": "film", "fed2023": "webcam"}
SHARDS = 40  # faces drawn by one call of a process

# source, the source's own class folder, expression drawn, files in train, files in test.
# The used classes keep the report's order of size (its 500 test images: angry 114,
# engaged 110, happy 174, neutral 102); the others are there to be left out.
COUNTS = (
    ("rafdb", "6", "angry", 122, 28),
    ("rafdb", "4", "happy", 224, 56),
    ("rafdb", "7", "neutral", 150, 40),
    ("rafdb", "1", "surprise", 12, 3),
    ("rafdb", "2", "fear", 8, 2),
    ("rafdb", "3", "disgust", 9, 2),
    ("rafdb", "5", "sadness", 12, 3),
    ("oahega", "Angry", "angry", 270, 0),
    ("oahega", "Happy", "happy", 320, 0),
    ("oahega", "Neutral", "neutral", 235, 0),
    ("oahega", "Sad", "sadness", 16, 0),
    ("oahega", "Surprise", "surprise", 12, 0),
    ("fed2023", "Agree", "agreeing", 112, 88),
    ("fed2023", "Think", "thinking", 128, 76),
    ("fed2023", "Confusion", "confusion", 9, 6),
    ("fed2023", "Aversion", "aversion", 10, 6),
)

# source, class folder, what is wrong, files: on top of the counts above, in train.
FAULTS = (
    ("rafdb", "4", "truncated", 2),
    ("oahega", "Angry", "truncated", 1),
    ("fed2023", "Think", "truncated", 1),
    ("rafdb", "7", "empty", 1),
    ("oahega", "Happy", "empty", 1),
    ("oahega", "Neutral", "html", 1),
    ("fed2023", "Agree", "html", 1),
    ("oahega", "Angry", "cmyk", 2),
    ("rafdb", "4", "cmyk", 1),
    ("oahega", "Happy", "rgba", 3),
    ("oahega", "Neutral", "grey16", 2),
    ("oahega", "Happy", "duplicate", 3),  # of another file of the class
    ("oahega", "Angry", "duplicate", 2),
    ("oahega", "Neutral", "relabelled", 1),  # the same bytes lie in Angry, too
)
UNREADABLE = ("truncated", "empty", "html")  # the others can be mended or merged


@dataclass(frozen=True)
class Job:
    """One file to write."""

    path: str  # relative to the demo root
    source: str
    folder: str  # the source's own class folder
    split: str
    expression: str
    camera: str
    seed: tuple[int, int, int]
    size: int  # pixels, height and width
    form: str  # a file type, or one of the faults
    copy_of: str = ""  # path of the file that this one repeats


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
    if (
        folder.exists()
        and any(folder.iterdir())
        and not (folder / "demo.json").exists()
    ):
        raise SmartClassError(
            f"{folder} holds files that are no demo set: name another folder or empty it."
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(
        tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}.partial-")
    )
    try:
        work = plan(scale, shuffle_cameras, seed)
        rows = write_faces(partial, work, jobs)
        write_tables(partial, work, rows)
        note = {"parameters": fingerprint, **settings, "files": len(work)}
        write_json(partial / "demo.json", note)
        partial.chmod(0o755)
        replace_folder(partial, folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return folder


def parameters_hash(settings: dict) -> str:
    """Return a hash of everything that decides what is drawn, the code included."""
    modules = (faces, faces_around, faces_camera, faces_features, faces_head)
    modules = (*modules, faces_people, demo_files)
    code = [inspect.getsource(module) for module in modules]
    content = json.dumps([settings, COUNTS, FAULTS, code], sort_keys=True)
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


def plan(scale: float, shuffle_cameras: bool, seed: int) -> list[Job]:
    """Return every file of the set, in the order of the sources."""
    return [
        job
        for number, source in enumerate(SOURCES)
        for job in plan_source(source, number, scale, shuffle_cameras, seed)
    ]


def plan_source(
    source: str, number: int, scale: float, shuffle_cameras: bool, seed: int
) -> Iterator[Job]:
    """Yield the files of one source, classes mixed as in the real numbering."""
    rng = np.random.default_rng((seed, number, 0))
    expressions = {
        folder: name for owner, folder, name, *_ in COUNTS if owner == source
    }
    wanted = []  # (split, folder, form)
    for owner, folder, _, *per_split in COUNTS:
        for split, count in zip(("train", "test"), per_split, strict=True):
            if owner == source:
                kept = max(round(count * scale), min(count, 2))
                wanted += [(split, folder, "")] * kept
    for owner, folder, fault, count in FAULTS:
        if owner == source:
            wanted += [("train", folder, fault)] * max(round(count * scale), 1)
    order = rng.permutation(len(wanted))
    numbers = dict.fromkeys(("train", "test"), 0)
    whole: dict[str, list[Job]] = {}  # files that a duplicate may repeat
    late = []
    for index, place in enumerate(order):
        split, folder, fault = wanted[place]
        numbers[split] += 1
        form = fault or demo_files.choose_type(source, rng)
        camera = CAMERA_OF[source]
        if shuffle_cameras:
            camera = str(rng.choice(list(faces_camera.CAMERAS)))
        path = demo_files.name_file(source, split, folder, numbers[split], form, rng)
        size = demo_files.choose_size(source, rng)
        job = Job(
            path,
            source,
            folder,
            split,
            expressions[folder],
            camera,
            (seed, number, index + 1),
            size,
            form,
        )
        if fault in ("duplicate", "relabelled"):
            late.append(job)
            continue
        if not fault:
            whole.setdefault(folder, []).append(job)
        yield job
    for job in late:
        twins = whole["Angry" if job.form == "relabelled" else job.folder]
        twin = twins[int(rng.integers(len(twins)))]
        path = str(Path(job.path).with_suffix(Path(twin.path).suffix).as_posix())
        changes = {"path": path, "copy_of": twin.path, "form": "copy"}
        yield Job(**{**asdict(job), **changes, "seed": twin.seed})


def write_faces(root: Path, work: list[Job], jobs: int | None) -> list[dict[str, str]]:
    """Draw and write all files; returns their rows of attributes."""
    drawn = [job for job in work if not job.copy_of]
    shards = [drawn[start : start + SHARDS] for start in range(0, len(drawn), SHARDS)]
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
    for job in shard:
        picture = faces.draw_face(
            job.expression, seed=job.seed, size=job.size, camera=job.camera
        )
        low, high = faces_camera.CAMERAS[job.camera].quality
        quality = int(np.random.default_rng((*job.seed, 1)).integers(low, high + 1))
        path = root / job.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(demo_files.encode(picture, job.form, quality))
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
