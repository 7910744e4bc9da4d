"""Figures of chapter 06 about images and people; see also ``plots.py`` here."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from smartclass_utils.audit.plots import OURS, percent_axis
from smartclass_utils.config import class_colour
from smartclass_utils.dataset import CleanData
from smartclass_utils.plots import bar_style, grid_of_images


def probe_bars(table: pd.DataFrame, classes: tuple) -> Figure:
    """Draw the recall of each class by probes that do not see a face.

    Args:
        table: from ``confound.probe_classes``.
        classes: K class names.
    """
    fig, axes = plt.subplots(
        1, len(table), figsize=(3.2 * len(table), 3.3), sharey=True
    )
    for ax, (name, row) in zip(np.atleast_1d(axes), table.iterrows(), strict=True):
        for position, label in enumerate(classes):
            value = row[f"recall of {label}"]
            ax.bar(position, value, width=0.75, **bar_style(label, classes))
            ax.annotate(
                f"{value:.0%}",
                (position, value),
                (0, 3),
                textcoords="offset points",
                ha="center",
            )
        ax.axhline(1 / len(classes), color="#222222", linestyle=":", linewidth=1.4)
        ax.set_xticks(range(len(classes)), classes, fontsize=10)
        ax.tick_params(axis="x", rotation=25 if len(classes) > 3 else 0, length=0)
        ax.set_title(name)
        ax.set_ylim(0, 1.08)
    first = np.atleast_1d(axes)[0]
    percent_axis(first, "y")
    first.set_ylabel("recall")
    return fig


def view_examples(data: CleanData, row: int, views: dict[str, np.ndarray]) -> Figure:
    """Show one image and what the probes are given of it.

    Args:
        data: the cleaned data set.
        row: of labels.csv.
        views: title → image to show, (H, W), 0…255.
    """
    images = {"the image": data.images[row], **views}
    fig, axes = plt.subplots(1, len(images) + 1, figsize=(2.2 * len(images) + 3, 2.4))
    grid_of_images(axes[:-1], list(images.values()))
    for ax, title in zip(axes, images, strict=False):
        ax.set_title(title, loc="center", fontsize=12)
    axes[-1].hist(data.images[row].ravel(), bins=32, range=(0, 256), color="#444444")
    axes[-1].set(yticks=[], xticks=[0, 128, 255])
    axes[-1].set_title("histogram only", loc="center", fontsize=12)
    return fig


def image_list(data: CleanData, table: pd.DataFrame) -> Figure:
    """Show images of a review list with their label and what they look more like.

    Args:
        data: the cleaned data set.
        table: from ``label_quality.review_list``, at most 12 rows.
    """
    place = {file: row for row, file in enumerate(data.labels["file"])}
    columns = max(min(len(table), 6), 1)
    lines = -(-max(len(table), 1) // columns)
    fig, axes = plt.subplots(
        lines, columns, figsize=(1.6 * columns, 2.05 * lines), squeeze=False
    )
    grid_of_images(axes, [data.images[place[file]] for file in table["file"]])
    for ax, row in zip(axes.flat, table.to_dict("records"), strict=False):
        ax.set_title(f"labelled {row['label']}", fontsize=9, loc="center")
        other = row["looks more like"]
        ax.annotate(
            f"→ {other} {row['p of the other']:.0%}",
            (0.5, 0),
            (0, -3),
            xycoords="axes fraction",
            textcoords="offset points",
            ha="center",
            va="top",
            fontsize=9,
            color=class_colour(other, data.classes),
            fontweight="bold",
        )
    return fig


def group_recalls(tables: dict[str, pd.DataFrame], overall: float) -> Figure:
    """Draw the recall of every group with its interval, one block an attribute.

    Args:
        tables: attribute → table from ``groups.recall_by_group``.
        overall: recall of all images, 0…1.
    """
    lines = sum(len(table) for table in tables.values()) + len(tables)
    fig, ax = plt.subplots(figsize=(8, 0.3 * lines + 0.9))
    position, ticks, names = 0, [], []
    for attribute, table in tables.items():
        for group, row in table.iterrows():
            ax.plot([row["low"], row["high"]], [position] * 2, color=OURS, linewidth=4)
            ax.plot(row["recall"], position, "o", color="#222222", markersize=8)
            ticks.append(position)
            name = attribute.replace("_", " ")
            names.append(f"{name}: {group} ({row['images']:.0f})")
            position += 1
        position += 0.6
    ax.axvline(overall, color="#222222", linestyle=":", linewidth=1.4)
    ax.set_yticks(ticks, names)
    ax.set_ylim(position - 0.6, -0.6)
    percent_axis(ax)
    ax.set_xlabel("share of right answers with its 95 % interval (dotted: all images)")
    ax.grid(axis="x")
    return fig
