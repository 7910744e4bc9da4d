"""The look of all figures, and the one place that saves and shows them.

The figures themselves are drawn in the chapters; :func:`present` shows one with its
caption and stores it.
"""

from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import Markdown, display
from matplotlib.figure import Figure

from smartclass_utils.config import NETWORK_LOOKS, OTHER_LOOKS, class_colour, workspace
from smartclass_utils.files import read_json, replacing, write_json
from smartclass_utils.talk import talk_png

TALK = "_talk"  # at the end of the name of a figure with larger type
STYLE = Path(__file__).with_name("smartclass.mplstyle")


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
