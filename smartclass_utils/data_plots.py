"""Figures and tables of chapter 2: how many images, from where, and how bright."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from smartclass_utils.config import class_colour
from smartclass_utils.dataset import CleanData
from smartclass_utils.plots import bar_style, grid_of_images


def class_distribution(data: CleanData) -> Figure:
    """Draw the number of images of each class with its share."""
    counts = data.labels["label"].value_counts().reindex(data.classes, fill_value=0)
    fig, ax = plt.subplots(figsize=(8, 4.2))
    for position, (label, n) in enumerate(counts.items()):
        ax.bar(position, n, width=0.7, **bar_style(label, data.classes))
        ax.annotate(
            f"{n:,}\n{n / counts.sum():.0%}",
            (position, n),
            (0, 4),
            textcoords="offset points",
            ha="center",
            fontsize=12,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
        )
    ax.axhline(counts.mean(), color="#222222", linestyle=":", linewidth=1.2, zorder=0)
    ax.annotate(
        "equal\nshares",
        (1, counts.mean()),
        (4, 0),
        xycoords=ax.get_yaxis_transform(),
        textcoords="offset points",
        va="center",
        fontsize=9,
    )
    ax.set_xticks(range(len(counts)), counts.index)
    ax.set_ylabel("images")
    ax.margins(y=0.16)
    return fig


def source_by_class(data: CleanData) -> Figure:
    """Draw the number of images of each source (rows) and class (columns)."""
    counts = pd.crosstab(data.labels["source"], data.labels["label"])
    counts = counts.reindex(columns=list(data.classes), fill_value=0)
    fig, ax = plt.subplots(figsize=(1.6 * len(data.classes) + 2, len(counts) * 0.8 + 1))
    sns.heatmap(
        counts, annot=True, fmt=",d", cmap="Blues", cbar=False, linewidths=1, ax=ax
    )
    ax.set(xlabel="class", ylabel="source")
    ax.tick_params(length=0, rotation=0)
    return fig


def sample_images(data: CleanData, rows: dict[str, np.ndarray]) -> Figure:
    """Show the given images, one row of the figure a class.

    Args:
        data: the cleaned data set.
        rows: class → row numbers of labels.csv.
    """
    columns = max(len(chosen) for chosen in rows.values())
    fig, axes = plt.subplots(
        len(rows), columns, figsize=(columns, 1.08 * len(rows)), squeeze=False
    )
    for line, (label, chosen) in zip(axes, rows.items(), strict=True):
        grid_of_images(line, data.images[chosen])
        line[0].annotate(
            label,
            (0, 0.5),
            (-8, 0),
            xycoords="axes fraction",
            textcoords="offset points",
            ha="right",
            va="center",
            color=class_colour(label, data.classes),
            fontweight="bold",
        )
    return fig


def class_histograms(data: CleanData, bins: int = 32) -> pd.DataFrame:
    """Return the share of pixels in each intensity bin, one column a class.

    The index holds the bins' lower edges (0…255); every column adds up to 1.
    """
    edges = np.linspace(0, 256, bins + 1)
    columns = {}
    for k, label in enumerate(data.classes):
        counts = np.zeros(256, dtype=np.int64)
        for chunk in np.array_split(np.flatnonzero(data.targets == k), 64):
            counts += np.bincount(data.images[chunk].ravel(), minlength=256)
        columns[label] = np.add.reduceat(counts, edges[:-1].astype(int))
    table = pd.DataFrame(columns, index=pd.Index(edges[:-1], name="intensity"))
    return table / table.sum()


def intensity_by_class(data: CleanData) -> Figure:
    """Draw the pixel-intensity distribution of each class in a panel of its own.

    The grey line in every panel is the distribution of all images together.
    """
    table = class_histograms(data)
    weights = data.labels["label"].value_counts()[list(data.classes)]
    overall = (table * weights).sum(axis=1) / weights.sum()
    width = table.index[1] - table.index[0]
    columns = min(len(data.classes), 4)
    lines = -(-len(data.classes) // columns)
    fig, axes = plt.subplots(
        lines,
        columns,
        figsize=(2.5 * columns, 2.9 * lines),
        sharex=True,
        sharey=True,
        squeeze=False,
    )
    for ax, label in zip(axes.flat, data.classes, strict=False):
        colour = class_colour(label, data.classes)
        ax.bar(table.index, table[label], width, align="edge", color=colour, alpha=0.8)
        ax.stairs(overall, [*table.index, 256], color="#222222", linewidth=1.4)
        mean = (table[label] * (table.index + width / 2)).sum()
        ax.axvline(mean, color=colour, linestyle="--", linewidth=1.4)
        ax.set_title(f"{label}\nmean {mean:.0f}")
        ax.set_xticks([0, 128, 255])
    for ax in axes.flat[len(data.classes) :]:
        ax.set_axis_off()
    fig.supxlabel("pixel intensity (0 black, 255 white)", fontsize=11)
    axes[0, 0].yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes[0, 0].set_ylabel("share of pixels")
    return fig


def samples_with_histograms(data: CleanData, rows: dict[str, np.ndarray]) -> Figure:
    """Show sample images with the intensity histogram of each below it.

    Args:
        data: the cleaned data set.
        rows: class → row numbers; one line of images and one of histograms a class.
    """
    columns = max(len(chosen) for chosen in rows.values())
    fig, axes = plt.subplots(
        2 * len(rows),
        columns,
        figsize=(1.5 * columns, 2.35 * len(rows)),
        height_ratios=[1.5, 0.7] * len(rows),
        squeeze=False,
    )
    for line, (label, chosen) in enumerate(rows.items()):
        colour = class_colour(label, data.classes)
        grid_of_images(axes[2 * line], data.images[chosen])
        axes[2 * line, 0].set_title(label, color=colour, loc="left")
        for ax, row in zip(axes[2 * line + 1], chosen, strict=True):
            ax.hist(data.images[row].ravel(), bins=32, range=(0, 256), color=colour)
            ax.set_yticks([])
            ax.set_xticks([0, 128, 255], ["0", "128", "255"], fontsize=8)
            ax.spines["left"].set_visible(False)
    fig.supxlabel("pixel intensity (0 black, 255 white)", fontsize=11)
    return fig


def mean_images(data: CleanData) -> np.ndarray:
    """Return the mean image of each class, float64 (K, H, W), 0…255."""
    means = []
    for k in range(len(data.classes)):
        rows = np.flatnonzero(data.targets == k)
        total = np.zeros(data.images.shape[1:], dtype=np.int64)
        for chunk in np.array_split(rows, 64):
            total += data.images[chunk].sum(axis=0, dtype=np.int64)
        means.append(total / max(len(rows), 1))
    return np.stack(means)


def mean_faces(data: CleanData) -> Figure:
    """Show the mean image of each class, and below how it differs from the overall.

    Red is brighter than the mean of all classes, blue is darker.
    """
    means = mean_images(data)
    differences = means - means.mean(axis=0)
    limit = float(np.abs(differences).max())
    k = len(data.classes)
    fig, axes = plt.subplots(2, k, figsize=(2.1 * k + 1, 4.6), squeeze=False)
    for column, label in enumerate(data.classes):
        axes[0, column].imshow(means[column], vmin=0, vmax=255)
        axes[0, column].set_title(
            label, color=class_colour(label, data.classes), loc="center"
        )
        shown = axes[1, column].imshow(
            differences[column], vmin=-limit, vmax=limit, cmap="RdBu_r"
        )
    for ax in axes.flat:
        ax.set(xticks=[], yticks=[])
        ax.spines[:].set_visible(False)
    axes[0, 0].set_ylabel("mean image")
    axes[1, 0].set_ylabel("minus the overall mean")
    fig.colorbar(shown, ax=axes[1, :], shrink=0.9, label="grey values")
    return fig


def intensity_summary(data: CleanData) -> pd.DataFrame:
    """Return mean and spread of the grey values of each class, 0…255.

    Columns: mean over all pixels, standard deviation of the images' means (how much
    brightness differs between images), and mean standard deviation within an image
    (contrast).
    """
    rows = {}
    for k, label in enumerate(data.classes):
        chunks = np.array_split(np.flatnonzero(data.targets == k), 64)
        means = np.concatenate([data.images[c].mean(axis=(1, 2)) for c in chunks])
        spreads = np.concatenate([data.images[c].std(axis=(1, 2)) for c in chunks])
        rows[label] = {
            "images": len(means),
            "mean": means.mean(),
            "spread between images": means.std(),
            "contrast within an image": spreads.mean(),
        }
    return pd.DataFrame(rows).T.astype({"images": int}).round(1)


def difference_by_region(data: CleanData) -> pd.DataFrame:
    """Return how far each class's mean image is from the mean of all classes.

    Columns: ``whole image``, ``middle`` (the inner half of height and width: brows,
    eyes, nose, mouth) and ``corners`` (a sixth of height and width each: mostly
    background). Root mean squares of the difference, in grey values.
    """
    means = mean_images(data)
    squared = (means - means.mean(axis=0)) ** 2  # (K, H, W)
    size = data.image_size
    edge, quarter = max(size // 6, 1), size // 4
    outside = np.r_[0:edge, size - edge : size]
    corners = squared[:, outside][:, :, outside]
    middle = squared[:, quarter : size - quarter, quarter : size - quarter]
    regions = {"whole image": squared, "middle": middle, "corners": corners}
    return pd.DataFrame(
        {name: np.sqrt(part.mean(axis=(1, 2))) for name, part in regions.items()},
        index=data.classes,
    ).round(1)
