"""The look of all figures, the one place that shows and saves them, and listings.

The figures themselves are drawn in the chapters; :func:`present` shows one with its
caption and stores it. :func:`show_source` shows the helper's own code in the chapter
that first uses it.
"""

import inspect
import io
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import combinations
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import Markdown, display
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

from smartclass_utils.config import (
    NETWORK_LOOKS,
    OTHER_LOOKS,
    ROOT,
    class_colour,
    workspace,
)
from smartclass_utils.files import read_json, replacing, write_json

TALK = "_talk"  # at the end of the name of a figure with larger type
STYLE = Path(__file__).with_name("smartclass.mplstyle")
# The variant with larger type is the same figure, smaller: the layout is solved again.
SIZES = (0.7, 0.8, 0.9)  # of the figure; the type grows by the inverse
SMALLEST = 0.7  # of the figure's area that the axes took, they take at least this share
GAP = 2  # pixels at 100 dpi around a text that other texts should leave free


def use_style() -> None:
    """Switch matplotlib to the report's style file; show table cells uncut."""
    plt.style.use(STYLE)
    pd.set_option("display.max_colwidth", None)


def class_palette(classes: tuple[str, ...]) -> dict[str, str]:
    """Return the fixed colour of each class, as seaborn's ``palette`` takes it."""
    return {label: class_colour(label, tuple(classes)) for label in classes}


def network_looks(names: list[str]) -> dict[str, tuple[str, str]]:
    """Return colour and marker of each network; unknown ones get them by position."""
    others = [name for name in dict.fromkeys(names) if name not in NETWORK_LOOKS]
    return {
        name: NETWORK_LOOKS.get(name)
        or OTHER_LOOKS[others.index(name) % len(OTHER_LOOKS)]
        for name in dict.fromkeys(names)
    }


def network_palette(names: list[str]) -> dict[str, str]:
    """Return the fixed colour of each network, as seaborn's ``palette`` takes it."""
    return {name: colour for name, (colour, _) in network_looks(names).items()}


def grid_of_images(
    axes: np.ndarray, images: np.ndarray, titles: list[str] | None = None
) -> None:
    """Fill ``axes`` with grey (H, W) or colour (H, W, 3) images of 0…255."""
    axes = np.atleast_1d(axes)
    for ax in axes.flat:
        ax.set_axis_off()
    for ax, image in zip(axes.flat, images, strict=False):
        ax.imshow(image, vmin=0, vmax=255, interpolation="nearest")
    for ax, title in zip(axes.flat, titles or [], strict=False):
        ax.set_title(title, fontsize=10, fontweight="normal", loc="center")


def undrawn(ax: Axes) -> set[Text]:
    """Return the texts of ``ax`` that exist but are not drawn."""
    texts: set[Text] = set()
    for axis in (ax.xaxis, ax.yaxis):
        low, high = sorted(axis.get_view_interval())
        slack = 1e-6 * (high - low)
        for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
            if not (ax.axison and low - slack <= tick.get_loc() <= high + slack):
                texts |= {tick.label1, tick.label2}
        if not ax.axison:
            texts |= {axis.label, axis.offsetText}
    return texts


def overlaps(fig: Figure) -> int:
    """Return how many pairs of texts in a figure touch or lie on each other.

    Raises:
        UserWarning: if the figure has no room left for its axes.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "constrained_layout not applied")
        fig.draw_without_rendering()
    hidden = set().union(*map(undrawn, fig.findobj(Axes)))
    boxes = [
        text.get_window_extent().padded(GAP)
        for text in fig.findobj(Text)
        if text not in hidden and text.get_visible() and text.get_text().strip()
    ]
    return sum(one.overlaps(other) for one, other in combinations(boxes, 2))


def drawn_share(fig: Figure) -> float:
    """Return the share of a drawn figure's area that its axes take, 0…1."""
    boxes = [ax.get_window_extent() for ax in fig.findobj(Axes)]
    whole = fig.bbox.width * fig.bbox.height
    return sum(box.width * box.height for box in boxes) / whole


@contextmanager
def larger_type(fig: Figure) -> Iterator[float]:
    """Make a figure as small as its texts allow, and whole again afterwards.

    Yields:
        The size in shares of the full one, 0.7 to 1: the smallest at which no more
        texts touch each other than in the full figure, and images stay large.
    """
    width, height = fig.get_size_inches()
    touching, share = overlaps(fig), SMALLEST * drawn_share(fig)
    try:
        for size in (*SIZES, 1.0):
            fig.set_size_inches(width * size, height * size)
            try:
                if overlaps(fig) <= touching and drawn_share(fig) >= share:
                    break
            except UserWarning:  # no room
                continue
        yield size
    finally:
        fig.set_size_inches(width, height)


def talk_png(fig: Figure, dpi: float) -> bytes:
    """Return the figure with larger type as a PNG, as many pixels wide as at ``dpi``.

    Args:
        fig: a figure; it keeps its size.
        dpi: dots an inch of the full figure.
    """
    stream = io.BytesIO()
    with larger_type(fig) as size:
        undated = {"Software": None}
        fig.savefig(stream, format="png", dpi=dpi / size, metadata=undated)
    return stream.getvalue()


def save_figure(fig: Figure, name: str, folder: Path) -> list[Path]:
    """Write a figure and its variant for the screen; return their paths.

    These are ``<name>.png`` (200 dpi), ``<name>.svg`` and, with larger type,
    ``<name>_talk.png``.
    """
    paths = [folder / f"{name}.png", folder / f"{name}.svg"]
    for path in paths:
        undated = {"Date": None} if path.suffix == ".svg" else {"Software": None}
        with replacing(path) as stream:
            fig.savefig(stream, format=path.suffix[1:], metadata=undated)
    talk = folder / f"{name}{TALK}.png"
    with replacing(talk) as stream:
        stream.write(talk_png(fig, mpl.rcParams["savefig.dpi"]))
    return [*paths, talk]


def present(fig: Figure, name: str, caption: str, alt: str) -> None:
    """Show a figure in a notebook with its caption, and store it.

    Args:
        fig: the figure; it is closed.
        name: file name without an ending, such as ``"02_class_distribution"``.
        caption: its number, its message in a sentence, then what is shown.
        alt: what a reader sees who cannot see it.
    """
    folder = workspace().figures
    display(fig, metadata={"image/png": {"alt": alt}})
    save_figure(fig, name, folder)
    plt.close(fig)
    index = folder / "figures.json"
    known = read_json(index, "delete it") if index.exists() else {}
    known[name] = {"caption": caption, "alt": alt}
    write_json(index, dict(sorted(known.items(), key=lambda item: item[0][:2])))
    display(Markdown(f"*{caption}*"))


def show_source(*parts: Callable) -> None:
    """Show functions or classes of the helper as code, with file and line.

    What is shown is read from the file itself, so that it cannot go stale.
    """
    for part in map(inspect.unwrap, parts):
        lines, first = inspect.getsourcelines(part)
        file = Path(inspect.getsourcefile(part)).resolve()
        place = file.relative_to(ROOT).as_posix()
        code = "".join(lines).rstrip()
        display(Markdown(f"`{place}`, line {first}:\n\n```python\n{code}\n```"))
