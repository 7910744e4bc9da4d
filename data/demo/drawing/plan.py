"""What the demo sources hold: counts, planted faults, the list of files to write."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

import numpy as np

from . import files
from .camera import CAMERAS

SOURCES = ("rafdb", "oahega", "fed2023")
CAMERA_OF = {"rafdb": "album", "oahega": "film", "fed2023": "webcam"}

# source, its own class folder, expression drawn, files in train, files in test.
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


def plan_files(scale: float, shuffle_cameras: bool, seed: int) -> list[Job]:
    """Return every file of the set, in the order of the sources."""
    return [
        job
        for number, source in enumerate(SOURCES)
        for job in plan_source(source, number, scale, shuffle_cameras, seed)
    ]


def wanted_files(source: str, scale: float) -> list[tuple[str, str, str]]:
    """Return (split, class folder, fault or '') of every file of a source."""
    wanted = []
    for owner, folder, _, *per_split in COUNTS:
        for split, count in zip(("train", "test"), per_split, strict=True):
            if owner == source:
                kept = max(round(count * scale), min(count, 2))
                wanted += [(split, folder, "")] * kept
    for owner, folder, fault, count in FAULTS:
        if owner == source:
            wanted += [("train", folder, fault)] * max(round(count * scale), 1)
    return wanted


def plan_source(
    source: str, number: int, scale: float, shuffle_cameras: bool, seed: int
) -> Iterator[Job]:
    """Yield the files of one source, classes mixed as in the real numbering."""
    rng = np.random.default_rng((seed, number, 0))
    expressions = {row[1]: row[2] for row in COUNTS if row[0] == source}
    wanted = wanted_files(source, scale)
    order = rng.permutation(len(wanted))
    numbers = dict.fromkeys(("train", "test"), 0)
    whole: dict[str, list[Job]] = {}  # files that a duplicate may repeat
    late = []
    for index, place in enumerate(order):
        split, folder, fault = wanted[place]
        numbers[split] += 1
        form = fault or files.choose_type(source, rng)
        camera = CAMERA_OF[source]
        if shuffle_cameras:
            camera = str(rng.choice(list(CAMERAS)))
        path = files.name_file(source, split, folder, numbers[split], form, rng)
        size = files.choose_size(source, rng)
        job = Job(
            path=path,
            source=source,
            folder=folder,
            split=split,
            expression=expressions[folder],
            camera=camera,
            seed=(seed, number, index + 1),
            size=size,
            form=form,
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
        ending = PurePosixPath(twin.path).suffix
        path = PurePosixPath(job.path).with_suffix(ending).as_posix()
        yield replace(job, path=path, seed=twin.seed, copy_of=twin.path)
