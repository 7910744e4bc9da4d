"""What a finished report holds: its chapters, figures and results."""

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import jinja2
import mistune
import nbformat
from markupsafe import Markup

from smartclass_utils.config import SmartClassError, Workspace, workspace, workspace_in
from smartclass_utils.files import read_json

TEMPLATES = Path(__file__).parent.with_name("templates")
VERDICTS = ("comparisons", "confound", "labels", "reproducibility")
WIDGET = "application/vnd.jupyter.widget-view+json"
INTERACTIVE = "*This part is interactive: open the notebook in JupyterLab.*"
SAFE_MARKDOWN = mistune.create_markdown(escape=True)


@dataclass(frozen=True)
class Chapter:
    """One notebook of the report, described by its own first cell."""

    notebook: str  # file name
    title: str
    goal: str  # one sentence

    @property
    def page(self) -> str:
        """File name of the exported page."""
        return Path(self.notebook).with_suffix(".html").name

    @property
    def number(self) -> str:
        """The two digits that its notebook and its figures start with."""
        return self.notebook[:2]


@dataclass(frozen=True)
class Report:
    """A finished report in a folder."""

    folder: Path
    chapters: list[Chapter]
    results: dict  # content of results.json
    figures: dict[str, dict]  # name → caption and alt

    @cached_property
    def notebooks(self) -> dict[str, nbformat.NotebookNode]:
        """The executed notebooks by the number of their chapter."""
        folder = self.folder / "notebooks"
        return {
            chapter.number: read_notebook(folder / chapter.notebook)
            for chapter in self.chapters
        }

    @property
    def verdicts(self) -> list[str]:
        """The first sentences of chapter 6's main checks, as Markdown."""
        audit = self.results.get("audit", {})
        found = [audit[name] for name in VERDICTS if name in audit]
        return [
            f"{split_sentence(check['sentence'])[0]}."
            for check in found
            if check.get("available")
        ]


def read_notebook(file: Path) -> nbformat.NotebookNode:
    """Read an executed notebook; a sentence replaces what works only with a kernel."""
    notebook = nbformat.read(file, as_version=4)
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if WIDGET in output.get("data", {}):
                output.data = nbformat.NotebookNode({"text/markdown": INTERACTIVE})
    return notebook


def read_chapter(file: Path) -> Chapter:
    """Read title and goal from the first cell of a notebook."""
    opening = nbformat.read(file, as_version=4).cells[0].source
    title = re.search(r"^# (.+)$", opening, re.M)
    goal = re.search(r"\*\*Goal\*\*:? (.+?)(?:\n|$)", opening)
    if not (title and goal):
        raise SmartClassError(
            f"{file} must open with a '# Title' and a line '**Goal** …'."
        )
    return Chapter(file.name, title[1], goal[1])


def read_report(place: Workspace) -> Report:
    """Read the report that lies in a workspace.

    Raises:
        SmartClassError: if there is none, or no complete one.
    """
    files = sorted((place.out / "notebooks").glob("*.ipynb"))
    results, figures = place.out / "results.json", place.figures / "figures.json"
    if not (files and results.exists() and figures.exists()):
        raise SmartClassError(
            f"There is no report in {place.out}: run `make report` first, with the "
            "same OUT if you use one."
        )
    return Report(
        place.out,
        [read_chapter(file) for file in files],
        read_json(results),
        read_json(figures),
    )


def last_report(out: str | None) -> Report:
    """Read the report in the folder ``out``; without one, the last report."""
    return read_report(workspace_in(Path(out)) if out else workspace())


def split_sentence(text: str) -> tuple[str, str]:
    """Return the first sentence without its full stop, and the rest."""
    first, _, rest = re.sub(r"\. +(?=[A-Z*“])", ".\n", text, count=1).partition("\n")
    return first.removesuffix("."), rest


def sentence(text: str) -> str:
    """Return a sentence in Markdown as HTML without a paragraph around it."""
    return re.sub(r"^<p>|</p>$", "", SAFE_MARKDOWN(text).strip())


def render(template: str, **content: object) -> str:
    """Fill in one of our templates; whatever is filled in is escaped."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True
    )
    environment.filters["markdown"] = lambda text: Markup(SAFE_MARKDOWN(text))
    environment.filters["sentence"] = lambda text: Markup(sentence(text))
    return environment.get_template(template).render(**content)
