"""Figures of chapter 06; :mod:`smartclass_utils.plots` shows them."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from smartclass_utils.audit.calibration import reliability
from smartclass_utils.audit.outputs import Output, by_model
from smartclass_utils.batches import softmax
from smartclass_utils.result_plots import MODEL_COLOURS, MODEL_MARKERS

REPORTED = "#777777"  # the colour of reported numbers, as in chapter 4
OURS = "#0072B2"
FEWEST = 10  # images behind a point of a reliability diagram


def percent_axis(ax: plt.Axes, which: str = "x") -> None:
    """Write shares in 0…1 as whole percentages."""
    axis = ax.xaxis if which == "x" else ax.yaxis
    axis.set_major_locator(MaxNLocator(7, steps=[1, 2, 5, 10]))
    axis.set_major_formatter(PercentFormatter(1, decimals=0))


def reported_intervals(table: pd.DataFrame, titles: dict[str, str]) -> Figure:
    """Draw the reported accuracies with their intervals, one line a model.

    Args:
        table: from ``intervals_table``: ``accuracy``, ``low``, ``high`` in per cent.
        titles: model → what to call it.
    """
    fig, ax = plt.subplots(figsize=(8, 0.9 * len(table) + 0.9))
    for line, row in enumerate(table.to_dict("records")):
        ax.plot([row["low"], row["high"]], [line, line], color=REPORTED, linewidth=5)
        ax.plot(row["accuracy"], line, "D", color="#222222", markersize=9)
        ax.annotate(
            f"{row['accuracy']:.1f} %",
            (row["accuracy"], line),
            (0, 9),
            textcoords="offset points",
            ha="center",
        )
    low, high = table["low"].max(), table["high"].min()
    ax.axvspan(low, high, color="#56B4E9", alpha=0.25, zorder=0)
    ax.set_yticks(range(len(table)), [titles[model] for model in table.index])
    ax.set_ylim(len(table) - 0.5, -0.7)
    ax.set_xlabel("reported test accuracy with its 95 % interval (per cent)")
    ax.set_title("Shaded: values inside all three intervals")
    return fig


def network_intervals(table: pd.DataFrame) -> Figure:
    """Draw each network's mean accuracy, its intervals and its single trainings.

    Args:
        table: from ``comparisons.intervals``.
    """
    fig, ax = plt.subplots(figsize=(8, 0.95 * len(table) + 1.5))
    for line, row in enumerate(table.to_dict("records")):
        for shift, low, high, colour, name in (
            (-0.12, "low", "high", OURS, "Wilson"),
            (0.12, "bootstrap low", "bootstrap high", "#009E73", "bootstrap"),
        ):
            ax.plot(
                [row[low], row[high]],
                [line + shift] * 2,
                color=colour,
                linewidth=5,
                label=name if line == 0 else None,
            )
        ax.plot(row["accuracy"], line, "o", color="#222222", markersize=9)
        ax.plot(
            row["seeds"],
            [line + 0.32] * len(row["seeds"]),
            "|",
            color="#222222",
            markersize=11,
            label="single trainings" if line == 0 else None,
        )
    ax.set_yticks(range(len(table)), table.index)
    ax.set_ylim(len(table) - 0.4, -0.5)
    percent_axis(ax)
    ax.set_xlabel("test accuracy")
    ax.grid(axis="x")
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, 1.16), ncols=3)
    return fig


def reliability_diagram(
    outputs: list[Output], temperatures: dict[str, float]
) -> Figure:
    """Draw accuracy against confidence, before and after the temperature.

    The trainings of a network are drawn together. A point's size is its images; points
    of fewer than :data:`FEWEST` are left out.

    Args:
        outputs: of the stored networks.
        temperatures: title → temperature.
    """
    fig, axes = plt.subplots(1, 2, figsize=(9, 4.3), sharex=True, sharey=True)
    models = by_model(outputs)
    largest = max(len(own) * len(own[0].test_targets) for own in models.values())
    for which, (title, own) in enumerate(models.items()):
        targets = np.concatenate([o.test_targets for o in own])
        for ax, divide in zip(axes, (1.0, temperatures[title]), strict=True):
            probabilities = np.concatenate([softmax(o.test / divide) for o in own])
            table = reliability(probabilities, targets)
            table = table[table["images"] >= FEWEST]
            colour = MODEL_COLOURS[which % len(MODEL_COLOURS)]
            ax.plot(table.confidence, table.accuracy, color=colour, linewidth=1.3)
            ax.scatter(
                table.confidence,
                table.accuracy,
                s=25 + 500 * table.images / largest,
                color=colour,
                marker=MODEL_MARKERS[which % len(MODEL_MARKERS)],
                alpha=0.75,
                label=title,
            )
    for ax, name in zip(axes, ("As trained", "With temperature"), strict=True):
        ax.plot([0, 1], [0, 1], color="#222222", linestyle=":", linewidth=1.4)
        ax.set_title(name)
        ax.set(xlabel="confidence", xlim=(0.2, 1.02), ylim=(0, 1.04))
        percent_axis(ax, "x")
        percent_axis(ax, "y")
    axes[0].set_ylabel("share of right answers")
    handles, names = axes[0].get_legend_handles_labels()
    legend = axes[0].legend(handles, names, loc="lower right")
    for handle in legend.legend_handles:
        handle.set_sizes([50])
    return fig


def spread_dots(trainings: list[dict]) -> Figure:
    """Draw accuracies of trainings on redrawn splits: one line a split, a dot a seed.

    Args:
        trainings: of each ``network``, ``split``, ``seed``, ``accuracy`` (0…1).
    """
    table = pd.DataFrame(trainings)
    networks = list(dict.fromkeys(table["network"]))
    splits = sorted(table["split"].unique())
    fig, axes = plt.subplots(
        1, len(networks), figsize=(3.1 * len(networks), 0.4 * len(splits) + 1.6),
        sharex=True, sharey=True, squeeze=False,
    )  # fmt: skip
    for which, (ax, name) in enumerate(zip(axes.flat, networks, strict=True)):
        own = table[table["network"] == name]
        colour = MODEL_COLOURS[which % len(MODEL_COLOURS)]
        ax.plot(own["accuracy"], own["split"], "o", color=colour, alpha=0.6)
        means = own.groupby("split")["accuracy"].mean()
        ax.plot(means, means.index, "|", color="#222222", markersize=18)
        ax.set_title(name)
        ax.set_xlabel("test accuracy")
        percent_axis(ax)
        ax.grid(axis="x")
    axes[0, 0].set_yticks(splits, [f"split {split + 1}" for split in splits])
    axes[0, 0].invert_yaxis()
    return fig
