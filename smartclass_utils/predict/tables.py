"""Many photographs, one row of a table for each face."""

import os
import warnings
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import joblib
import numpy as np
import pandas as pd

from smartclass_utils.config import SmartClassError
from smartclass_utils.files import replacing
from smartclass_utils.predict.inputs import Input, find_inputs
from smartclass_utils.predict.photos import Region, open_regions
from smartclass_utils.predict.predictor import Predictor

BOX = ("top", "left", "height", "width")
FIRST = ("file", "face", "region", *BOX, "looks")  # columns before the probabilities
AT_ONCE = 8  # files asked about together; their lines appear together
PARALLEL_FROM = 16  # files; fewer are done before other processes have started
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")  # starts that a spreadsheet computes


def predict_files(
    paths: Iterable[Path | str],
    predictor: Predictor,
    whole: bool = False,
    jobs: int | None = None,
) -> pd.DataFrame:
    """Say of every face in files and folders what it looks like.

    Args:
        paths: image files, and folders, which are walked with all in them.
        predictor: the network to ask.
        whole: whether to take whole photographs without looking for faces.
        jobs: processes that look for faces; all cores if ``None``.

    Returns:
        One row a face, in the order of the paths, the largest face of a photograph
        first: ``file``; ``face``, its number from 1; ``region``, "face" or "whole
        image"; ``top``, ``left``, ``height``, ``width``, its box in pixels; ``looks``,
        the most probable class; ``p_<class>``, the probabilities (0…1); ``note``. A
        file that cannot be used has a row with nothing but ``file`` and ``note``.
    """
    inputs = find_inputs(list(paths))
    rows = [r for rows in rows_by_file(inputs, predictor, whole, jobs) for r in rows]
    return as_table(rows, predictor)


def rows_by_file(
    inputs: list[Input],
    predictor: Predictor,
    whole: bool = False,
    jobs: int | None = None,
) -> Iterator[list[dict]]:
    """Yield the rows of each input in turn; only a few files are held at a time."""
    names = [item.name for item in inputs if not item.note]
    opened = iter(open_all(names, predictor, whole, jobs))
    pending = iter(inputs)
    while part := list(islice(pending, AT_ONCE)):
        found = [item.note or next(opened) for item in part]
        regions = [r for f in found if not isinstance(f, str) for r in f]
        size = predictor.image_size
        crops = np.array([r.crop for r in regions], np.uint8).reshape(-1, size, size)
        answers = iter(predictor.probabilities(crops))
        for item, result in zip(part, found, strict=True):
            if isinstance(result, str):
                row = {"file": item.name, "region": "", "looks": "", "note": result}
                yield [row]
            else:
                yield [
                    row_of(item.name, number, region, next(answers), predictor.classes)
                    for number, region in enumerate(result, 1)
                ]


def open_all(
    names: list[str], predictor: Predictor, whole: bool, jobs: int | None
) -> Iterable[list[Region] | str]:
    """Return the regions of each file in turn, worked out on all cores if it pays."""
    arguments = (predictor.image_size, predictor.margin, whole)
    if jobs == 1 or len(names) < PARALLEL_FROM:
        return (open_regions(name, *arguments) for name in names)
    # Whoever stops early, such as with Ctrl-C, knows that some was not looked at.
    warnings.filterwarnings("ignore", r"\d+ tasks", UserWarning, "joblib")
    with joblib.parallel_config("loky", inner_max_num_threads=1):
        pool = joblib.Parallel(jobs or joblib.cpu_count(), return_as="generator")
        return pool(joblib.delayed(open_regions)(name, *arguments) for name in names)


def row_of(
    name: str,
    number: int,
    region: Region,
    probabilities: np.ndarray,
    classes: tuple[str, ...],
) -> dict:
    """Return one face as a row of the table."""
    return {
        "file": name,
        "face": number,
        "region": region.kind,
        **dict(zip(BOX, region.box, strict=True)),
        "looks": classes[int(probabilities.argmax())],
        **{f"p_{k}": float(p) for k, p in zip(classes, probabilities, strict=True)},
        "note": region.note,
    }


def as_table(rows: list[dict], predictor: Predictor) -> pd.DataFrame:
    """Return rows as a table whose columns do not depend on what was found."""
    shares = [f"p_{name}" for name in predictor.classes]
    table = pd.DataFrame(rows, columns=[*FIRST, *shares, "note"])
    whole = dict.fromkeys(["face", *BOX], "Int64")
    return table.astype({**whole, **dict.fromkeys(shares, "float64")})


def check_csv(out: Path, inputs: list[Input]) -> None:
    """Refuse a CSV file that cannot be written, or that would destroy something.

    Raises:
        SmartClassError: naming the file and the remedy.
    """
    try:
        check_place(out, inputs)
    except OSError as error:
        raise SmartClassError(
            f"{out} cannot be used ({error.strerror}): give the table another name."
        ) from error


def check_place(out: Path, inputs: list[Input]) -> None:
    """Do what :func:`check_csv` does; an OSError may come through."""
    folder = out.parent
    if out.suffix.lower() != ".csv":
        raise SmartClassError(f"--csv {out}: give the table a name that ends in .csv.")
    if not folder.is_dir():
        raise SmartClassError(
            f"There is no folder {folder} to put {out.name} in: make it first."
        )
    if out.is_dir():
        raise SmartClassError(f"{out} is a folder: give the table another name.")
    if not os.access(folder, os.W_OK):
        raise SmartClassError(f"{folder} cannot be written to: name another folder.")
    places = {os.path.realpath(item.name) for item in inputs if not item.note}
    if os.path.realpath(out) in places:
        raise SmartClassError(
            f"{out} is one of the images: give the table another name."
        )
    if out.exists() and not (out.is_file() and is_ours(out)):
        raise SmartClassError(
            f"{out} was not written by this command and is kept: give the table "
            "another name."
        )


def is_ours(path: Path) -> bool:
    """Return whether a file is empty or a table of :func:`write_csv`."""
    wanted = ",".join(FIRST).encode()
    with path.open("rb") as stream:
        start = stream.read(len(wanted))
    return start in (b"", wanted)


def write_csv(table: pd.DataFrame, out: Path) -> None:
    """Write a table from :func:`predict_files`, all of it or nothing.

    Text that a spreadsheet would compute, such as a file named ``=1+1.png``, gets an
    apostrophe before it.
    """
    safe = table.copy()
    for column in ("file", "looks", "note"):
        safe[column] = [
            f"'{text}" if text.startswith(FORMULA) else text for text in table[column]
        ]
    try:
        with replacing(out) as stream:
            safe.to_csv(
                stream,
                index=False,
                encoding="utf-8",
                errors="backslashreplace",
                lineterminator="\n",
                float_format="%.4f",
            )
    except OSError as error:
        raise SmartClassError(
            f"{out} cannot be written ({error.strerror}): make room or name another."
        ) from error
