"""A deck of slides in one file, from the figures and results of the report."""

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat

from smartclass_utils.files import write_text
from smartclass_utils.plots import TALK
from smartclass_utils.site.chapters import (
    Report,
    last_report,
    render,
    split_sentence,
)

SLIDES = "slides.html"
# The figures that carry the talk. A chapter that has none of them shows its first.
FIGURES = (
    "01_cleaning_steps",
    "02_sample_images",
    "02_class_distribution",
    "03_training_curves",
    "04_confusion_matrices",
    "04_accuracy_intervals",
    "05_ladder",
    "06_reported_intervals",
    "06_probes",
    "07_feature_maps",
    "07_photo",
)
TABLE_BEFORE = "04_confusion_matrices"  # the slide of results comes before this one


@dataclass(frozen=True)
class FigureSlide:
    """One figure, large, with one message."""

    name: str
    number: str  # such as "Figure 2.1"
    message: str  # first sentence of the caption
    rest: str  # of the caption
    alt: str
    source: str  # the image itself, as a data URL
    notes: str  # what the chapter reads out of it, Markdown


def make_slides(out: str | None = None) -> Path:
    """Write the slides of the report in ``out``; return their path."""
    return write_slides(last_report(out))


def write_slides(report: Report) -> Path:
    """Write all slides into one file that needs nothing beside it."""
    slides = [figure_slide(report, name) for name in chosen(report)]
    titles = {chapter.number: chapter.title for chapter in report.chapters}
    page = render(
        "slides.html.j2",
        report=report,
        slides=slides,
        titles=titles,
        table_before=table_place(slides),
        verdicts=report.verdicts,
    )
    path = report.folder / SLIDES
    write_text(path, page)
    return path


def chosen(report: Report) -> Iterator[str]:
    """Yield the figures for the talk in the order of the chapters."""
    for chapter in report.chapters:
        made = [name for name in report.figures if name.startswith(chapter.number)]
        yield from [name for name in FIGURES if name in made] or made[:1]


def table_place(slides: list[FigureSlide]) -> str | None:
    """Return the figure before which the table of results is shown."""
    names = [slide.name for slide in slides]
    later = (name for name in names if name >= TABLE_BEFORE)
    return next(later, None)


def figure_slide(report: Report, name: str) -> FigureSlide:
    """Return the slide of one figure; its type is the larger one where that exists."""
    figure = report.figures[name]
    number, caption = split_number(figure["caption"])
    message, rest = split_sentence(caption)
    folder = report.folder / "figures"
    talk = folder / f"{name}{TALK}.png"
    image = talk if talk.exists() else folder / f"{name}.png"
    content = base64.b64encode(image.read_bytes()).decode("ascii")
    return FigureSlide(
        name,
        number,
        message,
        rest,
        figure["alt"],
        f"data:image/png;base64,{content}",
        reading(report.notebooks[name[:2]], name),
    )


def split_number(caption: str) -> tuple[str, str]:
    """Return "Figure 2.1" and what follows it."""
    found = re.match(r"(Figure [\d.]*\d)\. (.*)", caption, re.S)
    return found.groups() if found else ("", caption)


def reading(notebook: nbformat.NotebookNode, name: str) -> str:
    """Return the text that follows a figure in its chapter, for the speaker."""
    cells = notebook.cells
    shows = (
        i
        for i, cell in enumerate(cells)
        if cell.cell_type == "code" and f'"{name}"' in cell.source
    )
    after = next(shows, len(cells)) + 1
    if after >= len(cells):
        return ""
    cell = cells[after]
    if cell.cell_type == "markdown":
        return "" if cell.source.startswith("#") else cell.source
    texts = (o.get("data", {}).get("text/markdown") for o in cell.get("outputs", []))
    return next((text for text in texts if text), "")
