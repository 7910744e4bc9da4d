"""The figure of one photograph: the face, what the network sees, what it says."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import PercentFormatter

from smartclass_utils.config import class_colour
from smartclass_utils.plots import bar_style, grid_of_images
from smartclass_utils.predict.faces import Box
from smartclass_utils.predict.photos import percent


def photo_figure(
    photo: np.ndarray,
    box: Box | None,
    crop: np.ndarray,
    probabilities: np.ndarray,
    classes: tuple[str, ...],
) -> Figure:
    """Show a photograph with a box, the crop in it, and the answer as bars.

    Args:
        photo: grey (H, W) or RGB (H, W, 3), 0…255.
        box: what to frame, such as a region's ``square``; ``None`` for no frame.
        crop: grey (size, size) as the network sees it, 0…255.
        probabilities: (K,), add up to 1.
        classes: K class names.
    """
    fig, axes = plt.subplots(1, 3, figsize=(10, 3.4), width_ratios=[1.25, 1, 1.15])
    titles = ("photograph", "as the network sees it")
    for ax, image, title in zip(axes, (photo, crop), titles, strict=False):
        grid_of_images(np.array([ax]), [image])
        ax.set_title(title)
        ax.set_anchor("N")
    best = int(np.argmax(probabilities))
    if box is not None:
        frame(axes[0], photo, box, class_colour(classes[best], classes))
    bars(axes[2], probabilities, classes)
    axes[2].set_title(f"looks {classes[best]} ({percent(probabilities[best])})")
    return fig


def frame(ax: plt.Axes, photo: np.ndarray, box: Box, colour: str) -> None:
    """Draw a box on a photograph, seen on light and on dark ground."""
    place = (box.left - 0.5, box.top - 0.5)
    for line, width in (("white", 5), (colour, 2.5)):
        ax.add_patch(
            Rectangle(
                place, box.width, box.height, fill=False, color=line, linewidth=width
            )
        )
    ax.set(xlim=(-0.5, photo.shape[1] - 0.5), ylim=(photo.shape[0] - 0.5, -0.5))


def bars(ax: plt.Axes, probabilities: np.ndarray, classes: tuple[str, ...]) -> None:
    """Draw one bar a class with its probability behind it."""
    for line, (name, share) in enumerate(zip(classes, probabilities, strict=True)):
        ax.barh(line, share, height=0.7, **bar_style(name, classes))
        ax.annotate(
            percent(share),
            (share, line),
            (5, 0),
            textcoords="offset points",
            va="center",
        )
    ax.set_yticks(range(len(classes)), classes)
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(len(classes) - 0.4, -0.6)
    ax.set(xlim=(0, 1.18), xticks=[0, 0.5, 1])
    ax.xaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
    ax.set_xlabel("probability the network gives")
