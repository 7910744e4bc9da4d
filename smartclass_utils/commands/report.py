"""Run the notebooks in order on a data set and export them as pages."""

import os
import shutil
import time
from contextlib import AbstractContextManager
from pathlib import Path

import papermill

from smartclass_utils.config import (
    COMMITTED_FIGURES,
    IMAGE_SIZES,
    ROOT,
    SmartClassError,
    Workspace,
    workspace,
)
from smartclass_utils.files import only_one, write_json
from smartclass_utils.gallery import copy_figures
from smartclass_utils.journal import forget_notes
from smartclass_utils.recipes import Recipe
from smartclass_utils.site.chapters import read_report
from smartclass_utils.site.pages import write_pages
from smartclass_utils.site.pdf import PDF
from smartclass_utils.site.slides import write_slides
from smartclass_utils.sources import find_data, load

NOTEBOOKS = ROOT / "notebooks"
CHAPTER_SECONDS = "chapter_seconds.json"
LOCK = ".report.lock"
# A kernel warns that its sockets are not encrypted; they are bound to this machine.
QUIET_KERNEL = ["--log-level=ERROR"]
STAGE = "unfinished"  # folder in which a report is made before it replaces another


def run_report(
    data: str | None = None,
    out: str | None = None,
    epochs: int | None = None,
    seeds: int | None = None,
    image_size: int | None = None,
) -> Path:
    """Run all chapters and write the report; return the path of ``index.html``.

    Args:
        data: a folder of images, or ``"demo"``; default: what :func:`find_data` finds.
        out: folder for everything that is made; default: ``data/`` and ``report/``.
        epochs: of every training; default: what the parameters cell of 03 says.
        seeds: trainings of every model; default likewise.
        image_size: pixels; default: what the parameters cell of 01 says.

    Raises:
        SmartClassError: if an argument cannot work (nothing is written then), or if a
            chapter stops (an older report and its models stay as they are).
    """
    given = {"EPOCHS": epochs, "SEEDS": seeds, "IMAGE_SIZE": image_size}
    parameters = {name: value for name, value in given.items() if value is not None}
    check_parameters(parameters)
    source = find_data(data)
    is_demo = load(source).name == "demo"
    os.environ["SMARTCLASS_DATA"] = str(source.resolve())
    if out:
        os.environ["SMARTCLASS_OUT"] = str(Path(out).expanduser().resolve())
    place = workspace()
    with the_only_one(place.out):
        make_report(place, parameters)
        if is_demo and not out and not parameters:
            copy_figures(place.figures, COMMITTED_FIGURES)
    return place.out / "index.html"


def the_only_one(out: Path) -> AbstractContextManager[None]:
    """Return a lock that keeps a second report out of the same folder."""
    busy = (
        f"A report is being made in {out}: wait until it is ready, or choose another "
        "folder with OUT=…."
    )
    return only_one(out / LOCK, busy)


def make_report(place: Workspace, parameters: dict[str, int]) -> None:
    """Make the report beside an older one, which it replaces when it is complete."""
    stage = place.out / STAGE
    shutil.rmtree(stage, ignore_errors=True)
    os.environ["SMARTCLASS_STAGE"] = str(stage)
    try:
        run_notebooks(workspace(), parameters)
        export(workspace())
    finally:
        del os.environ["SMARTCLASS_STAGE"]
    publish(stage, place)
    forget_notes(place.journal)


def publish(stage: Path, place: Workspace) -> None:
    """Put a complete report, and its models, in the place of an older one.

    All parts of the older one step aside before they are removed, so that the exchange
    itself takes a moment only.
    """
    aside = stage / "older"
    aside.mkdir()
    (place.out / PDF).unlink(missing_ok=True)  # it shows the older report
    for made in sorted(set(stage.iterdir()) - {aside}):
        target = place.models if made.name == "models" else place.out / made.name
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.exists():
            shutil.move(target, aside / made.name)
        shutil.move(made, target)
    shutil.rmtree(stage)


def check_parameters(parameters: dict[str, int]) -> None:
    """Refuse numbers that no chapter could work with."""
    Recipe(epochs=parameters.get("EPOCHS", 1))
    if parameters.get("SEEDS", 1) < 1:
        raise SmartClassError("SEEDS must be 1 or more: it counts trained models.")
    size = parameters.get("IMAGE_SIZE", IMAGE_SIZES.start)
    if size not in IMAGE_SIZES:
        raise SmartClassError(
            f"IMAGE_SIZE={size} is out of range: choose {IMAGE_SIZES.start} to "
            f"{IMAGE_SIZES.stop - 1} pixels."
        )


def run_notebooks(place: Workspace, parameters: dict[str, int]) -> None:
    """Execute the chapters in order into ``<out>/notebooks`` and note their seconds."""
    os.environ["TQDM_DISABLE"] = "1"  # papermill shows the progress
    folder = place.out / "notebooks"
    folder.mkdir(parents=True, exist_ok=True)
    seconds = {}
    for file in sorted(NOTEBOOKS.glob("*.ipynb")):
        start = time.perf_counter()
        takes = papermill.inspect_notebook(str(file))
        try:
            papermill.execute_notebook(
                str(file),
                str(folder / file.name),
                parameters={k: v for k, v in parameters.items() if k in takes},
                cwd=str(NOTEBOOKS),
                kernel_name="python3",
                extra_arguments=QUIET_KERNEL,
            )
        except papermill.PapermillExecutionError as error:
            raise SmartClassError(explain(error, folder / file.name)) from error
        seconds[file.stem] = round(time.perf_counter() - start, 1)
    write_json(place.out / CHAPTER_SECONDS, seconds)


def explain(error: papermill.PapermillExecutionError, file: Path) -> str:
    """Return one sentence on why a chapter stopped."""
    if error.ename == SmartClassError.__name__:
        return error.evalue
    return (
        f"{file.stem} stopped with {error.ename}: {error.evalue} The notebook with the "
        f"full message is {file}."
    )


def export(place: Workspace) -> None:
    """Write the report's pages and slides from what the notebooks left."""
    report = read_report(place)
    write_pages(report)
    write_slides(report)
