"""Run the notebooks in order on a data set and export them as pages."""

import os
import re
import shutil
import time
from pathlib import Path

import nbformat
from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpecManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError
from tqdm import tqdm

from smartclass_utils import config
from smartclass_utils.commands.pages import read_report, write_pages
from smartclass_utils.commands.pdf import PDF
from smartclass_utils.commands.slides import write_slides
from smartclass_utils.config import IMAGE_SIZES, SmartClassError, Workspace
from smartclass_utils.files import disk_errors, only_one, write_json, write_text
from smartclass_utils.sources import find_data, load

CHAPTER_SECONDS = "chapter_seconds.json"
LOCK = ".report.lock"
LOG = "kernel.log"
STAGE = "unfinished"  # folder in which a report is made before it replaces another
OLDER = "older"  # folder in it for what is replaced


def run_report(
    data: str | None = None,
    out: str | None = None,
    epochs: int | None = None,
    seeds: int | None = None,
    image_size: int | None = None,
    colour: bool | None = None,
    start: str | None = None,
) -> Path:
    """Run all chapters and write the report; return the path of ``index.html``.

    What is not given is as :func:`find_data`, :func:`workspace` and the cells of
    parameters of the chapters say.

    Raises:
        SmartClassError: if an argument cannot work (nothing is written then), or if a
            chapter stops (an older report stays as it is).
    """
    given = {"EPOCHS": epochs, "SEEDS": seeds, "IMAGE_SIZE": image_size}
    parameters = {name: value for name, value in given.items() if value is not None}
    ranges = {"IMAGE_SIZE": (IMAGE_SIZES[0], IMAGE_SIZES[-1])}
    config.check(**{k: (v, *ranges.get(k, (1, 1000))) for k, v in parameters.items()})
    parameters |= {"COLOUR": True} if colour else {}
    parameters |= {"START": start} if start else {}
    if colour and start == "shipped":
        raise SmartClassError("The shipped network is for grey images: drop colour.")
    place = config.workspace(out)
    source = find_data(data).resolve()
    check_folders(source, place)
    load(source)  # what cannot be used is refused before anything is written
    stage = place.out / STAGE
    environment = {"SMARTCLASS_DATA": str(source), "SMARTCLASS_STAGE": str(stage)}
    if out or os.environ.get("SMARTCLASS_OUT"):
        environment["SMARTCLASS_OUT"] = str(place.out)
    busy = f"A report is being made in {place.out}: wait until it is ready, or choose "
    busy += "another folder with OUT=…."
    with only_one(place.out / LOCK, busy), disk_errors(place.out):
        if (stage / OLDER).exists():  # a run was killed while it published
            publish(stage, place.out)
        shutil.rmtree(stage, ignore_errors=True)
        run_notebooks(stage, parameters, environment)
        export(stage)
        publish(stage, place.out)
    return place.out / "index.html"


def check_folders(source: Path, place: Workspace) -> None:
    """Refuse folders that lie in the images', or hold what no report wrote."""
    for made in (place.out, place.clean, place.models):
        if source.is_relative_to(made) or made.is_relative_to(source):
            what = f"The report's folder {made} and the images' folder {source}"
            raise SmartClassError(f"{what} lie one in the other: choose another OUT.")
    known = (place.out / LOCK).exists() or (place.clean / "clean.json").exists()
    if not known and any(place.out.glob("[!.]*")):
        what = f"{place.out} holds files that no report wrote"
        raise SmartClassError(f"{what}: choose a new folder with OUT=….")


def run_notebooks(
    out: Path, parameters: dict[str, int], environment: dict[str, str]
) -> None:
    """Execute the chapters in order into ``<out>/notebooks`` and note their seconds."""
    seconds = {}
    (out / "notebooks").mkdir(parents=True, exist_ok=True)
    for file in sorted(config.NOTEBOOKS.glob("*.ipynb")):
        start = time.perf_counter()
        notebook = nbformat.read(file, as_version=4)
        set_parameters(notebook, parameters)
        executed = out / "notebooks" / file.name
        try:
            execute(notebook, file.stem, environment, out / LOG)
        except (CellExecutionError, RuntimeError) as error:
            raise SmartClassError(explain(error, executed)) from error
        finally:
            write_text(executed, nbformat.writes(notebook))
        seconds[file.stem] = round(time.perf_counter() - start, 1)
    write_json(out / CHAPTER_SECONDS, seconds)
    (out / LOG).unlink()


def set_parameters(notebook: nbformat.NotebookNode, parameters: dict[str, int]) -> None:
    """Add a cell with the changed parameters below the one tagged ``parameters``."""
    for place, cell in enumerate(notebook.cells):
        if "parameters" in cell.metadata.get("tags", []):
            names = re.findall(r"^([A-Z_]+) = ", cell.source, re.M)
            changed = [f"{n} = {parameters[n]!r}" for n in names if n in parameters]
            tags = {"tags": ["injected-parameters"]}
            added = nbformat.v4.new_code_cell("\n".join(changed), metadata=tags)
            if changed:
                notebook.cells.insert(place + 1, added)
            return


def execute(
    notebook: nbformat.NotebookNode, title: str, environment: dict[str, str], log: Path
) -> None:
    """Run all cells of a notebook in place with the interpreter that runs this."""
    native = KernelSpecManager(kernel_dirs=[])  # the user's own python3 may be stale
    client = NotebookClient(
        notebook,
        km=AsyncKernelManager(kernel_spec_manager=native),
        record_timing=False,
        resources={"metadata": {"path": str(config.NOTEBOOKS)}},
    )
    environment = {**os.environ, "TQDM_DISABLE": "1", **environment}
    # Not client.execute(), which takes Ctrl-C for itself.
    with (
        log.open("wb") as said,  # by a kernel as it is stopped, or cannot start
        client.setup_kernel(cleanup_kc=True, env=environment, stderr=said),
    ):
        for place, cell in enumerate(tqdm(notebook.cells, title, unit="cell")):
            client.execute_cell(cell, place)


def explain(error: CellExecutionError | RuntimeError, file: Path) -> str:
    """Return one sentence on why a chapter stopped."""
    if isinstance(error, DeadKernelError):
        what = f"{file.stem} was ended by the system, mostly for want of memory"
        return f"{what}: close other programs, or take fewer or smaller images."
    if isinstance(error, RuntimeError):
        said = (file.parents[1] / LOG).read_text("utf-8", errors="replace").split("\n")
        why = next((line.strip() for line in said[::-1] if line.strip()), error)
        return f"No notebook starts ({why}): set up the environment again, see README."
    if error.ename == SmartClassError.__name__:
        return error.evalue
    said = " ".join(error.evalue.split())[:200]
    what = f"{file.stem} stopped with {error.ename}{f': {said}' if said else ''}"
    return f"{what}. The notebook with the full message is {file}."


def export(out: Path) -> None:
    """Write the report's pages and slides from what the notebooks left."""
    report = read_report(out)
    write_pages(report)
    write_slides(report)


def publish(stage: Path, out: Path) -> None:
    """Put a complete report in the place of an older one, in a moment."""
    aside = stage / OLDER  # is removed at the end, which takes longer
    aside.mkdir(exist_ok=True)
    (out / PDF).unlink(missing_ok=True)  # it shows the older report
    for made in sorted(set(stage.iterdir()) - {aside}):
        target = out / made.name
        if target.exists():
            target.replace(aside / made.name)  # never a copy, as of a file in use
        made.replace(target)
    shutil.rmtree(stage)
