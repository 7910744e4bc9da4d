"""Figures of chapter 5; :mod:`smartclass_utils.plots` shows them."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator, PercentFormatter

from smartclass_utils.augmentation import Augmentation, augment
from smartclass_utils.dataset import CleanData, sample_rows
from smartclass_utils.plots import grid_of_images

SET_COLOURS = {"rgb96": "#0072B2", "fer48": "#D55E00"}
SET_MARKERS = {"rgb96": "o", "fer48": "s"}


def augmented_faces(
    data: CleanData, how: Augmentation, seed: int = 0, copies: int = 7
) -> Figure:
    """Show one face of each class, and beside it how training sees it.

    Args:
        data: the cleaned data set.
        how: the random changes.
        seed: of the faces and of the changes.
        copies: changed images of each face.
    """
    rows = [rows[0] for rows in sample_rows(data, 1, seed).values()]
    random = torch.Generator().manual_seed(seed)
    size = (1.15 * (copies + 1), 1.2 * len(rows) + 0.4)
    fig, axes = plt.subplots(len(rows), copies + 1, figsize=size)
    for line, row in zip(axes, rows, strict=True):
        face = torch.from_numpy(np.array(data.images[row]))[None, None]
        seen = augment(face.repeat(copies, 1, 1, 1), how, random)
        images = [data.images[row], *seen.clamp(0, 255)[:, 0].numpy()]
        grid_of_images(line, np.stack(images))
    axes[0, 0].set_title("as it is", fontsize=10, loc="center")
    axes[0, (copies + 1) // 2].set_title("as training sees it", fontsize=10)
    return fig


def ladder_figure(contents: dict[str, dict]) -> Figure:
    """Draw test accuracy after each step, mean ± sd, one colour a data set.

    Args:
        contents: the studies, see :func:`smartclass_utils.beyond.stored.read_studies`.
    """
    longest = max((content["ladder"] for content in contents.values()), key=len)
    titles = [entry["title"] for entry in longest]
    fig, ax = plt.subplots(figsize=(9, 0.62 * len(titles) + 1.2))
    for name, content in contents.items():
        ladder = content["ladder"]
        y = [titles.index(entry["title"]) for entry in ladder]
        x = [entry["accuracy"] for entry in ladder]
        style = {"color": SET_COLOURS.get(name), "marker": SET_MARKERS.get(name, "o")}
        spread = [entry.get("accuracy_sd", 0) for entry in ladder]
        ax.errorbar(x, y, xerr=spread, capsize=4, label=name, markersize=7, **style)
        for right, height in zip(x, y, strict=True):
            ax.annotate(
                f"{right:.1%}",
                (right, height),
                (0, 9),
                textcoords="offset points",
                ha="center",
                fontsize=9,
                color=style["color"],
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
            )
    ax.set_yticks(range(len(titles)), titles)
    ax.set_ylim(len(titles) - 0.5, -0.7)
    ax.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    ax.set_xlabel("test accuracy, mean ± standard deviation of the trainings")
    ax.grid(axis="x")
    ax.margins(x=0.08)
    ax.legend(loc="lower left")
    return fig


def accuracy_against_minutes(content: dict, published: pd.DataFrame) -> Figure:
    """Draw test accuracy against the minutes of one training, one dot a model.

    Args:
        content: a study.
        published: accuracies by others on the same data; dashed lines.
    """
    fig, ax = plt.subplots(figsize=(10, 5))
    groups = {
        "report's recipe": ("#777777", "D"),
        "strong recipe": ("#0072B2", "o"),
        "our own": ("#D55E00", "s"),
    }
    dots = []
    for label, (colour, marker) in groups.items():
        entries = [e for e in content["models"] if group_of(e["name"]) == label]
        x = [entry["cpu_seconds"] / 60 for entry in entries]
        y = [entry["accuracy"] for entry in entries]
        spread = [entry.get("accuracy_sd", 0) for entry in entries]
        ax.errorbar(
            x, y, spread, fmt=marker, color=colour, capsize=3, markersize=8, label=label
        )
        titles = [entry["title"].replace(", strong recipe", "") for entry in entries]
        dots += zip(x, y, titles, [colour] * len(x), strict=True)
    for other in published.head(1).itertuples():
        height = other.accuracy_percent / 100
        ax.axhline(height, color="#333333", linestyle="--", linewidth=1, zorder=0)
        dots.append((None, height, f"{other.model} (published)", "#333333"))
    ax.set_xscale("log")
    ax.set(xlabel="processor minutes of one training", ylabel="test accuracy")
    ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    ax.xaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    ax.margins(x=0.05)
    ax.grid(axis="y")
    ax.legend(loc="lower right")
    name_at_the_side(ax, dots)
    return fig


def name_at_the_side(ax: plt.Axes, dots: list[tuple]) -> None:
    """Write the names of dots beside the axes, one below the other, lines to them.

    Args:
        ax: whose limits are set.
        dots: x (``None`` for a line across), y, name and colour of each.
    """
    low, high = ax.get_ylim()
    gap, last = (high - low) / 17, high + 1
    for x, y, name, colour in sorted(dots, key=lambda dot: -dot[1]):
        last = min(y, last - gap)
        line = {"arrowstyle": "-", "color": colour, "linewidth": 0.6, "alpha": 0.6}
        line |= {"relpos": (0, 0.5), "shrinkB": 5}
        ax.annotate(
            f"{name}, {y:.1%}",
            (1 if x is None else x, y),
            (1.03, last),
            xycoords=("axes fraction", "data") if x is None else "data",
            textcoords=("axes fraction", "data"),
            va="center",
            fontsize=9.5,
            color=colour,
            arrowprops=line,
        )


def group_of(name: str) -> str:
    """Return which recipe and whose network an entry of a study stands for."""
    if name.startswith("own"):
        return "our own"
    return "strong recipe" if "_strong" in name else "report's recipe"
