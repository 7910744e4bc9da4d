"""Figures of chapter 7; :mod:`smartclass_utils.plots` shows them."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from smartclass_utils.config import class_colour, class_marker
from smartclass_utils.explain.examples import Example
from smartclass_utils.explain.layers import strongest
from smartclass_utils.result_plots import MODEL_COLOURS, MODEL_MARKERS

HEAT = plt.get_cmap("inferno")(np.linspace(0.25, 0.95, 256))[:, :3]  # dark to bright
COVER = 0.75  # of the grey image, by the hottest place
SOURCE_COLOURS = ("#009E73", "#CC79A7", "#56B4E9", "#222222")
SOURCE_MARKERS = ("^", "P", "X", "d")


def filters(kernels: dict[str, np.ndarray], columns: int = 8) -> Figure:
    """Show the first-layer filters of several networks beside each other.

    Red weights are positive, blue ones negative; each panel has its own scale.

    Args:
        kernels: title → float (C, height, width).
        columns: filters in a row of a panel.
    """
    most = max(len(each) for each in kernels.values())
    fig, axes = plt.subplots(
        1,
        len(kernels),
        figsize=(4.2 * len(kernels), 4.2 * -(-most // columns) / columns + 0.6),
        squeeze=False,
    )
    for ax, (title, each) in zip(axes.flat, kernels.items(), strict=True):
        limit = float(np.abs(each).max())
        ax.imshow(tiles(each, columns), cmap="RdBu_r", vmin=-limit, vmax=limit)
        high, wide = each.shape[1:]
        ax.set_title(f"{title}\n{len(each)} filters of {high} × {wide}", loc="center")
        ax.set_axis_off()
    fig.get_layout_engine().set(wspace=0.08)
    return fig


def tiles(images: np.ndarray, columns: int) -> np.ndarray:
    """Lay small images out in rows with a gap of one pixel (NaN) between them.

    Args:
        images: float (C, h, w).
        columns: images in a row.

    Returns:
        float (rows · (h + 1) - 1, columns · (w + 1) - 1).
    """
    _, high, wide = images.shape
    rows = -(-len(images) // columns)
    sheet = np.full((rows * (high + 1), columns * (wide + 1)), np.nan)
    for i, image in enumerate(images):
        top, left = i // columns * (high + 1), i % columns * (wide + 1)
        sheet[top : top + high, left : left + wide] = image
    return sheet[:-1, :-1]


def feature_maps(image: np.ndarray, maps: dict[str, np.ndarray], show: int) -> Figure:
    """Show one image and the strongest feature maps of every block.

    Each map has its own scale, from its darkest to its brightest value.

    Args:
        image: grey values, uint8 (H, W).
        maps: name of a block → float (C, H', W').
        show: maps of each block.
    """
    fig = plt.figure(figsize=(1.15 * (show + 2.4), 1.32 * len(maps)))
    left, right = fig.subfigures(1, 2, width_ratios=[2.1, show])
    ax = left.subplots()
    ax.imshow(image, vmin=0, vmax=255)
    ax.set_title("the image", loc="center")
    ax.set_axis_off()
    axes = right.subplots(len(maps), show, squeeze=False)
    for line, (name, each) in zip(axes, maps.items(), strict=True):
        for ax in line:
            ax.set(xticks=[], yticks=[])
            ax.spines[:].set_visible(False)
        for ax, channel in zip(line, strongest(each, show), strict=False):
            ax.imshow(each[channel], interpolation="nearest")
        high, wide = each.shape[1:]
        line[0].set_ylabel(f"{name}\n{high} × {wide}", rotation=0, ha="right")
        line[0].yaxis.set_label_coords(-0.12, 0.25)
    return fig


def blend(image: np.ndarray, heat: np.ndarray) -> np.ndarray:
    """Return an image with heat over it, which hides the more the hotter it is.

    Args:
        image: grey values, uint8 (H, W).
        heat: float (H, W), 0…1.

    Returns:
        float (H, W, 3), 0…1.
    """
    grey = np.repeat(image[..., None] / 255, 3, axis=2)
    share = COVER * heat[..., None]
    return (1 - share) * grey + share * HEAT[(255 * heat).astype(int)]


def activation_grid(rows: dict[str, list[Example | None]], classes: tuple) -> Figure:
    """Show activation maps: one row a network, one column an image.

    Args:
        rows: title of a network → its examples, ``None`` for an empty place.
        classes: K class names.
    """
    columns = max(map(len, rows.values()))
    fig, axes = plt.subplots(
        len(rows),
        columns,
        figsize=(1.5 * columns + 0.6, 2.25 * len(rows)),
        squeeze=False,
    )
    for line, (title, examples) in zip(axes, rows.items(), strict=True):
        for ax in line:
            ax.set(xticks=[], yticks=[])
            ax.spines[:].set_visible(False)
        for ax, example in zip(line, examples, strict=False):
            if example is not None:
                draw_example(ax, example, classes)
        line[0].set_ylabel(title, fontweight="bold", fontsize=13)
    fig.get_layout_engine().set(hspace=0.06)
    return fig


def draw_example(ax: plt.Axes, example: Example, classes: tuple) -> None:
    """Draw one example with its label above and the network's answer below."""
    ax.imshow(blend(example.image, example.heat))
    ax.set_title(f"labelled\n{example.label}", loc="center", fontsize=10)
    mark = "✓" if example.is_right else "✗"
    ax.set_xlabel(
        f"{mark} {example.predicted}\n{example.probability:.0%}",
        color=class_colour(example.predicted, classes),
        fontweight="bold",
        fontsize=10,
    )


def class_maps(
    image: np.ndarray, maps: np.ndarray, probabilities: np.ndarray, classes: tuple
) -> Figure:
    """Show one image and, for each class, which places speak for it.

    Args:
        image: grey values, uint8 (H, W).
        maps: float (K, H, W), 0…1, one a class.
        probabilities: (K,), add up to 1.
        classes: K class names.
    """
    fig, axes = plt.subplots(1, len(classes) + 1, figsize=(2 * len(classes) + 2, 2.5))
    axes[0].imshow(image, vmin=0, vmax=255)
    axes[0].set_title("the image", loc="center", fontweight="normal")
    axes[0].set_xlabel(" ")
    for ax, name, heat, share in zip(
        axes[1:], classes, maps, probabilities, strict=True
    ):
        ax.imshow(blend(image, heat))
        colour = class_colour(name, classes)
        ax.set_title(f"for {name}", loc="center", color=colour)
        ax.set_xlabel(f"{share:.0%}", color=colour, fontweight="bold")
    for ax in axes:
        ax.set(xticks=[], yticks=[])
        ax.spines[:].set_visible(False)
    return fig


def randomisation(
    tables: dict[str, pd.DataFrame], image: np.ndarray, maps: np.ndarray
) -> Figure:
    """Show how activation maps change while a network forgets what it learned.

    Above: the maps of one image, one a step of the first network. Below: the rank
    correlation with the map as trained, one line a network.

    Args:
        tables: title → table of
            :func:`smartclass_utils.explain.checks.randomisation_check`.
        image: grey values, uint8 (H, W).
        maps: of that image and the first network, float (steps, H, W).
    """
    steps = max(len(table) for table in tables.values())
    fig = plt.figure(figsize=(9.5, 5.6))
    above, below = fig.subfigures(2, 1, height_ratios=[1, 1.7])
    names = next(iter(tables.values()))["part"]
    axes = above.subplots(1, len(maps), squeeze=False)[0]
    for ax, heat, name in zip(axes, maps, names, strict=True):
        ax.imshow(blend(image, heat))
        ax.set_axis_off()
        title = name.replace(" ", "\n", 1)
        title = title if name == "as trained" else f"+ {title}"
        ax.set_title(title, loc="center", fontsize=11)
    ax = below.subplots()
    for i, (title, table) in enumerate(tables.items()):
        look = {"color": MODEL_COLOURS[i], "marker": MODEL_MARKERS[i], "markersize": 7}
        ax.plot(range(len(table)), table.correlation, label=title, **look)
    ax.axhline(0, color="#222222", linestyle=":", linewidth=1.2)
    ax.set(
        xlabel="parts drawn anew, counted from the output",
        ylabel="rank correlation\nwith the trained map",
        xticks=range(steps),
        ylim=(min(-0.1, ax.get_ylim()[0]), 1.05),
    )
    ax.grid(axis="y")
    ax.legend(loc="upper right")
    return fig


def embedding(
    plane: np.ndarray, labels: np.ndarray, sources: np.ndarray, classes: tuple
) -> Figure:
    """Draw the test images as points, coloured by class and by source.

    Args:
        plane: float (n, 2).
        labels: n class names.
        sources: n names of sources.
        classes: K class names in their order.
    """
    fig, (by_class, by_source) = plt.subplots(1, 2, figsize=(10, 4.8))
    looks = {
        name: {"color": class_colour(name, classes), "marker": class_marker(name, i)}
        for i, name in enumerate(classes)
    }
    scatter(by_class, plane, labels, looks, "By class")
    colours, shapes = SOURCE_COLOURS, SOURCE_MARKERS
    looks = {
        name: {"color": colours[i % len(colours)], "marker": shapes[i % len(shapes)]}
        for i, name in enumerate(sorted(set(sources)))
    }
    scatter(by_source, plane, sources, looks, "By source")
    return fig


def scatter(
    ax: plt.Axes, plane: np.ndarray, names: np.ndarray, looks: dict, title: str
) -> None:
    """Draw points with one colour and marker a name, and a legend below."""
    for name, look in looks.items():
        x, y = plane[np.asarray(names) == name].T
        ax.scatter(x, y, s=34, alpha=0.8, linewidths=0.4, edgecolors="white", **look)
        ax.scatter([], [], s=70, label=name, **look)
    ax.set(title=title, xticks=[], yticks=[])
    ax.spines[:].set_visible(False)
    ax.legend(
        loc="upper center",
        bbox_to_anchor=(0.5, 0.0),
        ncols=2 if len(looks) > 2 else 1,
        columnspacing=1,
        handletextpad=0.2,
    )
