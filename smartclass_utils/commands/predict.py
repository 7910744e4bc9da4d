"""``python -m smartclass_utils predict``: a line for each face, and a CSV file."""

import glob
import os
from pathlib import Path

import pandas as pd

from smartclass_utils import predict
from smartclass_utils.config import SmartClassError
from smartclass_utils.files import in_place_of
from smartclass_utils.predict import FACE, FIRST, Predictor

CALM = (
    "A course exercise: a face does not tell an emotion, the network only guesses what "
    "people would label it. Not for use on people in education (EU AI Act, "
    "Art. 5(1)(f))."
)
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")  # starts that a spreadsheet computes


def run_predict(
    files: list[str],
    csv: str | None = None,
    model: str | None = None,
    whole: bool = False,
) -> None:
    """Print what every face looks like, and write the table if one is wanted.

    Files and folders may hold ``*`` and ``~``, as a shell takes them.

    Raises:
        SmartClassError: if the model, the table or all of the files cannot be used.
        OSError: if nobody takes the output; the table is written all the same.
    """
    if csv is not None:
        check_csv(Path(csv))
    inputs = predict.find_inputs(name for given in files for name in expanded(given))
    predictor = Predictor.load(model)
    trouble, rows = say(f"{CALM} {predictor.note}".rstrip()), []
    for found in predict.rows_by_file(inputs, predictor, whole):
        rows += found
        for row in found:
            trouble = trouble or say(line_of(row))
    if not any(row["region"] for row in rows):
        raise SmartClassError("None of these files could be used: name an image.")
    if csv is not None:
        write_csv(predict.as_table(rows, predictor), Path(csv))
        trouble = trouble or say(f"The table is written: {csv}")
    if trouble:
        raise trouble


def say(text: str) -> OSError | None:
    """Print a line without control characters; return the error if nobody takes it."""
    text = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
    try:
        print(text, flush=True)
    except OSError as error:  # such as after `… | head`
        return error
    return None


def expanded(name: str) -> list[str]:
    """Return the files that a name with ``*`` or ``~`` stands for, or the name."""
    name = os.path.expanduser(name)  # noqa: PTH111, whatever the text
    if os.path.lexists(name):  # also one with a star in its own name
        return [name]
    return sorted(glob.glob(name, recursive=True)) or [name]  # noqa: PTH207, likewise


def line_of(row: dict) -> str:
    """Return a row of the table as one line of text."""
    if not row["region"]:
        return f"{row['file']}: {row['note'][0].lower()}{row['note'][1:]}"
    where = " at row {top}, column {left}, {width} pixels wide".format(**row)
    place = row["region"] + where * (row["region"] == FACE)
    share = predict.percent(row[f"p_{row['looks']}"])
    note = f". {row['note']}" if row["note"] else ""
    return f"{row['file']}: looks {row['looks']} ({share}), {place}{note}"


def check_csv(out: Path) -> None:
    """Refuse a table that cannot be written, or that would destroy something else."""
    problem, ours = "", ",".join(FIRST).encode()  # how our tables begin
    try:
        if out.suffix.lower() != ".csv":
            problem = "does not end in .csv"
        elif not out.parent.is_dir():
            problem = "lies in a folder that does not exist"
        elif out.exists():
            with out.open("rb") as stream:
                if stream.read(len(ours)) not in (b"", ours):
                    problem = "was not written by this command and is kept"
    except OSError as error:
        problem = f"cannot be used ({error.strerror})"
    if problem:
        raise SmartClassError(f"--csv {out} {problem}: give the table another name.")


def write_csv(table: pd.DataFrame, out: Path) -> None:
    """Write a table of :func:`predict_files` in UTF-8, all of it or nothing.

    Text that a spreadsheet would compute, such as ``=1+1.png``, gets an apostrophe.
    """
    texts = ["file", "looks", "note"]
    harmless = table[texts].map(lambda t: f"'{t}" if t.startswith(FORMULA) else t)
    options = {"float_format": "%.4f", "errors": "backslashreplace"}
    with in_place_of(out) as new:
        table.assign(**harmless).to_csv(new, index=False, **options)
