"""The report as a deck of slides in one file, from its figures and results."""

import base64
import itertools
import re
from functools import partial
from pathlib import Path

import nbformat

from smartclass_utils.commands.pages import Report, last_report, render
from smartclass_utils.config import SmartClassError
from smartclass_utils.files import write_text
from smartclass_utils.plots import TALK


def make_slides(out: str | None = None) -> Path:
    """Write the slides of the report in ``out``; return their path."""
    return write_slides(last_report(out))


def write_slides(report: Report) -> Path:
    """Write all slides into one file that needs nothing beside it."""
    made = {name[3:]: name for name in report.figures if report.chapter(name[:2])}
    content = {"made": made, "slide_of": partial(figure_slide, report)}
    path = report.folder / "slides.html"
    write_text(path, render("slides.html.j2", report=report, **content))
    return path


def figure_slide(report: Report, name: str) -> dict[str, str]:
    """Return what the slide of one figure says.

    Its message is the first sentence of the caption, its image (a data URL) has larger
    type, its notes are what the chapter reads out of it (Markdown).
    """
    figure = report.figures[name]
    if "message" not in figure or figure["message"] not in figure.get("caption", ""):
        raise SmartClassError(f"{name} is of an older report: run `make report` again.")
    before, after = figure["caption"].split(figure["message"], 1)
    number, rest = before.strip(". "), after.lstrip(". ")
    image = (report.folder / "figures" / f"{name}{TALK}.png").read_bytes()
    chapter = report.chapter(name[:2])
    return {
        **figure,
        "place": f"{chapter.title}, {number}" if number else chapter.title,
        "rest": rest,
        "source": f"data:image/png;base64,{base64.b64encode(image).decode('ascii')}",
        "notes": reading(chapter.notebook, name),
    }


def reading(notebook: nbformat.NotebookNode, name: str) -> str:
    """Return the paragraph that follows a figure in its chapter, for the speaker."""
    pairs = itertools.pairwise(notebook.cells)
    cell = next((then for shown, then in pairs if f'"{name}"' in shown.source), None)
    if cell is None or cell.cell_type != "markdown" or cell.source.startswith("#"):
        return ""
    first = cell.source.split("\n\n")[0]
    return re.sub(r"\s*[^.]*:$", "", first)  # without what leads to the next table
