"""The committed figures and their gallery page."""

import shutil
from pathlib import Path

from smartclass_utils.config import ROOT
from smartclass_utils.files import read_json, write_text
from smartclass_utils.plots import TALK

NOTEBOOKS = ROOT / "notebooks"


def copy_figures(made: Path, committed: Path) -> None:
    """Replace the committed figures by the ones just made, and write their gallery."""
    figures = read_json(made / "figures.json")
    endings = (".png", ".svg", f"{TALK}.png")
    wanted = {f"{name}{ending}" for name in figures for ending in endings}
    committed.mkdir(parents=True, exist_ok=True)
    for old in committed.glob("*.*"):
        if old.suffix in (".png", ".svg") and old.name not in wanted:
            old.unlink()
    for name in sorted(wanted):
        shutil.copyfile(made / name, committed / name)
    write_text(committed / "README.md", gallery(figures))


def gallery(figures: dict[str, dict]) -> str:
    """Return the figures' README: what each shows and which notebook makes it."""
    numbers = {f.name[:2]: f.name for f in sorted(NOTEBOOKS.glob("*.ipynb"))}
    lines = [
        "# Figures",
        "",
        "Written by `make report` on the demo data: the project draws all its faces.",
        "Each one is there as PNG (200 dpi), as SVG, and for the screen as PNG with",
        "larger type.",
    ]
    for name, figure in figures.items():
        notebook = numbers.get(name[:2], "")
        lines += [
            "",
            f"## {name}",
            "",
            f"![{figure['alt']}]({name}.png)",
            "",
            f"{figure['caption']} Made by [{notebook}](../notebooks/{notebook}); "
            f"[SVG]({name}.svg), [with larger type]({name}{TALK}.png).",
        ]
    return "\n".join(lines) + "\n"
