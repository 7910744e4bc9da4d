"""The look of all figures, the one place that shows and saves them, and listings."""

import inspect
import re
import textwrap
import warnings
from collections.abc import Callable, Iterable
from colorsys import hls_to_rgb
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import Markdown, display
from matplotlib.figure import Figure

from smartclass_utils import config
from smartclass_utils.files import in_place_of, read_json, write_json

TALK = "_talk"  # at the end of the name of a figure with larger type
STYLE = Path(__file__).with_name("smartclass.mplstyle")
BELOW, BESIDE = 24, 56  # letters of a name at an axis
LETTER = 0.09  # inches that one of them takes


def use_style() -> None:
    """Switch matplotlib to the report's style file; show table cells uncut."""
    plt.style.use(STYLE)
    here, fonts = set(mpl.font_manager.get_font_names()), mpl.rcParams["font.family"]
    mpl.rcParams["font.family"] = [font for font in fonts if font in here]
    pd.set_option("display.max_colwidth", None)
    for known in ("Glyph", "constrained_layout not", "IProgress"):  # what lacks here
        warnings.filterwarnings("ignore", known)


def class_palette(classes: tuple[str, ...]) -> dict[str, str]:
    """Return the fixed colour of each class, as seaborn's ``palette`` takes it."""
    return palette(classes, config.COLOURS, config.OTHER_COLOURS)


def network_palette(names: list[str]) -> dict[str, str]:
    """Return the fixed colour of each network, as seaborn's ``palette`` takes it."""
    return palette(names, config.NETWORK_COLOURS, config.OTHER_NETWORK_COLOURS)


def palette(names: Iterable[str], fixed: dict, others: tuple) -> dict[str, str]:
    """Return the colour of each name; unknown ones get one in alphabetical order."""
    unknown = sorted({*names} - {*fixed})
    if (n := len(unknown)) > len(others):
        others = [mpl.colors.to_hex(hls_to_rgb(k / n, 0.45, 0.7)) for k in range(n)]
    colours = fixed | dict(zip(unknown, others, strict=False))
    return {name: colours[name] for name in names}


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


def fit_labels(fig: Figure) -> None:
    """Shorten long names at the axes, and turn those below a chart that would touch."""
    for ax in fig.axes:
        for axis, n in ((ax.xaxis, BELOW), (ax.yaxis, BESIDE)):
            texts = [label.get_text() for label in axis.get_ticklabels()]
            short = {t: f"{t[:n]}…" for t in texts if len(t) > n and "\n" not in t}
            if short:
                axis.set_ticks(axis.get_ticklocs(), [short.get(t, t) for t in texts])
        below = "".join(label.get_text() for label in ax.get_xticklabels())
        width = ax.get_position().width * fig.get_figwidth()  # inches
        if any(map(str.isalpha, below)) and LETTER * len(below) > width:
            ax.tick_params(axis="x", rotation=90)


def save_figure(fig: Figure, name: str, folder: Path, talk: float = 0.7) -> None:
    """Write ``<name>.png`` (200 dpi), ``<name>.svg`` and, for a talk, a third file.

    ``<name>_talk.png`` is the figure drawn at ``talk`` of its size with as many pixels,
    so that all type is larger, without its title, which a slide has above it.
    """
    full, dpi = fig.get_size_inches(), mpl.rcParams["savefig.dpi"]
    for ending, size in ((".png", 1.0), (".svg", 1.0), (f"{TALK}.png", talk)):
        undated = {"Date": None} if ending == ".svg" else {"Software": None}
        if TALK in ending:  # which is last
            fig.suptitle("")
        fig.set_size_inches(full * size)
        with in_place_of(folder / f"{name}{ending}") as new, new.open("wb") as stream:
            options = {"format": ending[-3:], "dpi": dpi / size, "metadata": undated}
            fig.savefig(stream, **options)
    fig.set_size_inches(full)


def present(fig: Figure, name: str, caption: str, alt: str, talk: float = 0.7) -> None:
    """Show a figure in a notebook with its caption, and store it.

    Args:
        fig: the figure; it is closed.
        name: file name without an ending, such as ``"02_class_distribution"``.
        caption: its number; its message in a sentence, the title; what is shown.
        alt: what a reader sees who cannot see it.
        talk: see :func:`save_figure`; nearer to 1 where texts would touch.
    """
    folder = config.workspace().out / "figures"
    message = re.sub(r"^Figure [\w.]*\w\. |\.( +[A-Z*“].*)?$", "", caption, flags=re.S)
    title = textwrap.fill(message.replace(" %", "\u00a0%"), int(9 * fig.get_figwidth()))
    fig.suptitle(title, x=0.01, ha="left")
    with warnings.catch_warnings(record=True, action="always") as said:
        fit_labels(fig)
        display(fig, metadata={"image/png": {"alt": alt}})
        save_figure(fig, name, folder, talk)
    plt.close(fig)
    index = folder / "figures.json"
    known = read_json(index, "delete it") if index.exists() else {}
    known[name] = {"caption": caption, "message": message, "alt": alt}
    write_json(index, dict(sorted(known.items(), key=lambda item: item[0][:2])))
    if any("Glyph" in str(warning.message) for warning in said):
        caption += " (No font that is installed here has all letters of the names.)"
    display(Markdown(f"*{caption}*"))


def show_source(*parts: Callable) -> None:
    """Show functions or classes of the helper as they stand there, with the line."""
    for part in map(inspect.unwrap, parts):
        lines, first = inspect.getsourcelines(part)
        file = Path(inspect.getsourcefile(part)).resolve()
        place = file.relative_to(config.ROOT).as_posix()
        code = "".join(lines).rstrip()
        display(Markdown(f"`{place}`, line {first}:\n\n```python\n{code}\n```"))
