"""``python -m smartclass_utils predict``: a line for each face, and a CSV file."""

import sys
from pathlib import Path

from tqdm import tqdm

from smartclass_utils.config import SmartClassError
from smartclass_utils.predict.inputs import find_inputs, printable
from smartclass_utils.predict.photos import FACE, percent
from smartclass_utils.predict.predictor import Predictor
from smartclass_utils.predict.tables import (
    as_table,
    check_csv,
    rows_by_file,
    write_csv,
)

CALM = (
    "A course exercise: a face does not tell an emotion, the network only guesses what "
    "people would label it. Not for use on people in education (EU AI Act, "
    "Art. 5(1)(f))."
)
BAR_FROM = 20  # files


def run_predict(
    files: list[str],
    csv: str | None = None,
    model: str | None = None,
    whole: bool = False,
) -> None:
    """Print what every face looks like, and write the table if one is wanted.

    Args:
        files: image files and folders.
        csv: the table to write.
        model: card of the model; default: the shipped one.
        whole: whether to take whole photographs without looking for faces.

    Raises:
        SmartClassError: if there is no model, the table cannot be written, or no file
            could be used.
    """
    inputs = find_inputs(files)
    if csv is not None:
        check_csv(Path(csv), inputs)
    predictor = Predictor.load(model)
    print(CALM)
    rows = []
    quiet = None if len(inputs) >= BAR_FROM else True  # None: only on a terminal
    with tqdm(total=len(inputs), desc="Looking", unit="file", disable=quiet) as bar:
        for found in rows_by_file(inputs, predictor, whole):
            for row in found:
                bar.write(line_of(row), file=sys.stdout)
            rows += found
            bar.update()
    if not any(row["region"] for row in rows):
        raise SmartClassError("None of these files could be used: name an image.")
    if csv is not None:
        write_csv(as_table(rows, predictor), Path(csv))
        print(f"The table is written: {printable(csv)}")


def line_of(row: dict) -> str:
    """Return a row of the table as one line of text."""
    name = printable(row["file"])
    if not row["region"]:
        return f"{name}: {row['note'][0].lower()}{row['note'][1:]}"
    place = row["region"]
    if place == FACE:
        place += (
            f" at row {row['top']}, column {row['left']}, {row['width']} pixels wide"
        )
    share = percent(row[f"p_{row['looks']}"])
    note = f". {row['note']}" if row["note"] else ""
    return f"{name}: looks {printable(row['looks'])} ({share}), {place}{note}"
