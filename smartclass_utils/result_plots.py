"""Figures of training and evaluation; :mod:`smartclass_utils.plots` shows them."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from smartclass_utils.config import class_colour
from smartclass_utils.dataset import CleanData
from smartclass_utils.evaluation import Prediction
from smartclass_utils.plots import grid_of_images, whole_numbers

MODEL_COLOURS = ("#222222", "#0072B2", "#009E73", "#CC79A7", "#D55E00", "#56B4E9")
MODEL_MARKERS = ("o", "s", "^", "D", "v", "P")


def training_curves(cards: list[dict]) -> Figure:
    """Draw loss and accuracy against the epoch, one colour and marker a model.

    Validation is drawn solid, training dashed. With several trainings of a model the
    thick lines are their means and thin lines show each validation curve.

    Args:
        cards: model cards with their ``history``; those of a model have equal epochs.
    """
    fig, (losses, accuracies) = plt.subplots(1, 2, figsize=(9.5, 4))
    for which, name in enumerate(dict.fromkeys(card["name"] for card in cards)):
        own = [card for card in cards if card["name"] == name]
        single = [pd.DataFrame(card["history"]) for card in own]
        mean = sum(single) / len(single)
        colour = MODEL_COLOURS[which % len(MODEL_COLOURS)]
        marker = MODEL_MARKERS[which % len(MODEL_MARKERS)]
        style = {"color": colour, "marker": marker, "markersize": 7}
        losses.plot(mean.epoch, mean.train_loss, "--", color=colour, alpha=0.7)
        losses.plot(mean.epoch, mean.val_loss, **style)
        label = own[0]["title"]
        accuracies.plot(mean.epoch, mean.val_accuracy, label=label, **style)
        for history in single if len(single) > 1 else []:
            thin = {"color": colour, "linewidth": 0.8, "alpha": 0.5}
            losses.plot(history.epoch, history.val_loss, **thin)
            accuracies.plot(history.epoch, history.val_accuracy, **thin)
    losses.set(xlabel="epoch", ylabel="cross entropy", ylim=(0, None))
    losses.set_title("Loss: validation solid, training dashed")
    accuracies.set(xlabel="epoch", ylabel="validation accuracy")
    accuracies.set_title("Accuracy on the validation split")
    accuracies.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    accuracies.legend(loc="lower right")
    for ax in (losses, accuracies):
        whole_numbers(ax.xaxis)
        ax.grid(axis="y")
    return fig


def confusion_heatmap(
    matrix: list[list[int]], classes: tuple, title: str, ax: plt.Axes
) -> None:
    """Draw a confusion matrix: colour and percentage by row, counts below.

    Args:
        matrix: K × K counts, rows the true classes, columns the predicted ones.
        classes: K class names in the order of the matrix.
        title: of the panel.
        ax: where to draw.
    """
    counts = np.asarray(matrix)
    totals = np.maximum(counts.sum(axis=1, keepdims=True), 1)
    shares = counts / totals
    text = [
        [f"{share:.0%}\n{n}" for share, n in zip(row, line, strict=True)]
        for row, line in zip(shares, counts, strict=True)
    ]
    sns.heatmap(
        shares,
        annot=np.array(text),
        fmt="",
        vmin=0,
        vmax=1,
        cmap="Blues",
        cbar=False,
        square=True,
        linewidths=1,
        xticklabels=classes,
        yticklabels=classes,
        ax=ax,
    )
    ax.set(xlabel="predicted", ylabel="true", title=title)
    ax.tick_params(length=0)
    ax.tick_params(axis="x", rotation=30 if len(classes) > 4 else 0)
    ax.tick_params(axis="y", rotation=0)


def confusion_matrices(entries: list[dict], classes: tuple) -> Figure:
    """Draw one confusion heat map a model, side by side."""
    side = 0.85 * len(classes) + 0.6
    fig, axes = plt.subplots(
        1, len(entries), figsize=(side * len(entries), side + 0.5), squeeze=False
    )
    for ax, entry in zip(axes.flat, entries, strict=True):
        title = f"{entry['title']}, accuracy {entry['accuracy']:.1%}"
        confusion_heatmap(entry["confusion"], classes, title, ax)
    for ax in axes.flat[1:]:
        ax.set(ylabel="", yticklabels=[])
    return fig


def accuracy_intervals(rows: pd.DataFrame) -> Figure:
    """Draw accuracies with their 95 % intervals, one line a model.

    Args:
        rows: columns ``title``, ``whose`` (ours, reported), ``accuracy``, ``low``,
            ``high`` (all three in 0…1), ``seeds`` (list of the accuracies of single
            trainings, drawn as small dots; empty where there was one).
    """
    titles = list(dict.fromkeys(rows.title))
    fig, ax = plt.subplots(figsize=(8, 0.95 * len(titles) + 1.3))
    looks = {
        "ours": {"color": "#0072B2", "marker": "o"},
        "reported": {"color": "#777777", "marker": "D"},
    }
    for whose, part in rows.groupby("whose"):
        shift = 0.15 if whose == "reported" else -0.15
        y = np.array([titles.index(title) for title in part.title]) + shift
        error = [part.accuracy - part.low, part.high - part.accuracy]
        ax.errorbar(
            part.accuracy, y, xerr=error, fmt="none", ecolor=looks[whose]["color"]
        )
        ax.scatter(part.accuracy, y, s=55, label=whose, zorder=3, **looks[whose])
        for single, height in zip(part.seeds, y, strict=True):
            ax.scatter(single, [height - 0.13] * len(single), s=14, **looks[whose])
        ends = [max([row.high, *row.seeds]) for row in part.itertuples()]
        for accuracy, end, height in zip(part.accuracy, ends, y, strict=True):
            ax.annotate(
                f"{accuracy:.1%}",
                (end, height),
                (6, 0),
                textcoords="offset points",
                va="center",
                fontsize=10,
                color=looks[whose]["color"],
            )
    ax.set_yticks(range(len(titles)), titles)
    ax.set_ylim(len(titles) - 0.5, -0.5)
    ax.margins(x=0.1)
    ax.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    ax.set_xlabel("test accuracy with its 95 % interval (Wilson)")
    ax.grid(axis="x")
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, 1.2), ncols=2)
    return fig


def wrong_faces(
    data: CleanData, prediction: Prediction, count: int = 8
) -> tuple[Figure, pd.DataFrame]:
    """Show the most confident errors of a model with its probabilities.

    Args:
        data: the cleaned data set.
        prediction: of one model on the test split.
        count: how many errors to show at most.

    Returns:
        The figure, and a table of what it shows: file, true class, predicted class,
        probability of each.
    """
    rows = data.rows("test")
    wrong = np.flatnonzero(prediction.predicted != prediction.targets)
    sure = prediction.probabilities[wrong].max(axis=1)
    chosen = wrong[np.argsort(-sure, kind="stable")][:count]
    fig, axes = plt.subplots(
        2, max(len(chosen), 1), figsize=(1.55 * max(len(chosen), 2), 3.3), squeeze=False
    )
    grid_of_images(axes[0], data.images[rows[chosen]])
    colours = [class_colour(name, data.classes) for name in data.classes]
    for column, i in enumerate(chosen):
        truth = data.classes[prediction.targets[i]]
        axes[0, column].set_title(f"labelled\n{truth}", fontsize=9, loc="center")
        ax = axes[1, column]
        ax.barh(data.classes, prediction.probabilities[i], color=colours)
        ax.set(xlim=(0, 1), xticks=[0, 1])
        ax.tick_params(axis="y", length=0, labelsize=9)
        ax.invert_yaxis()
        ax.label_outer()
    fig.supxlabel("probability that the network gives to each class", fontsize=10)
    names = np.array(data.classes)
    table = pd.DataFrame(
        {
            "file": data.labels["file"].to_numpy()[rows[chosen]],
            "labelled": names[prediction.targets[chosen]],
            "predicted": names[prediction.predicted[chosen]],
            "probability": prediction.probabilities[chosen].max(axis=1),
        }
    )
    return fig, table
