"""Architecture diagrams, drawn from the networks themselves."""

import textwrap
from collections import Counter

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, Rectangle
from torch import nn

from smartclass_utils.explain.stages import Stage, stages

WIDEST = 0.62  # width of a box with as many channels as the widest, in steps
LOWEST = 0.035  # height of a box of one pixel, in heights of the image
LINE = 23  # characters of a line below a box
LOOKS = {"image": "#DDDDDD", "block": "#56B4E9", "flat": "#E69F00"}
NEW = "#D55E00"  # what the first network does not have


def box_size(stage: Stage, largest: int, most: int) -> tuple[float, float]:
    """Return width and height of a box.

    The height grows with the pixels of a side, the width with the logarithm of the
    number of channels.

    Args:
        stage: what the box stands for.
        largest: pixels of a side that make a height of 1.
        most: channels that make the full width.
    """
    share = np.log2(stage.channels) / max(np.log2(most), 1)
    return float(WIDEST * (0.12 + 0.88 * share)), max(stage.side / largest, LOWEST)


def box_text(stage: Stage) -> str:
    """Return what stands below a box: its operations and weights."""
    whole = [name.replace(" ", "\N{NO-BREAK SPACE}") for name in stage.operations]
    lines = textwrap.wrap(", ".join(whole), LINE)
    return "\n".join([*lines, *([f"{stage.weights:,} weights"] * (stage.weights > 0))])


def draw_box(
    ax: plt.Axes, stage: Stage, x: float, size: tuple[float, float], new: bool
) -> None:
    """Draw one box around (x, 0), its shape above and its operations below."""
    wide, high = size
    kind = "flat" if len(stage.shape) == 1 else "block"
    colour = LOOKS["image" if x == 0 else kind]
    edge = {"edgecolor": NEW if new else "#222222", "linewidth": 3 if new else 1}
    corner = (x - wide / 2, -high / 2)
    ax.add_patch(Rectangle(corner, wide, high, facecolor=colour, **edge))
    shape = " × ".join(f"{length:,}" for length in stage.shape)
    style = {"ha": "center", "color": NEW if new else "#222222"}
    ax.text(x, high / 2 + 0.06, shape, va="bottom", weight="bold", **style)
    ax.text(x, -0.58, box_text(stage), va="top", fontsize=10, **style)


def draw_arrows(ax: plt.Axes, start: float, end: float, shortcut: bool) -> None:
    """Draw what leads from one box to the next, and the shortcut beside it."""
    look = {"arrowstyle": "-|>", "mutation_scale": 11, "color": "#444444"}
    look |= {"shrinkA": 2, "shrinkB": 2}
    ax.add_patch(FancyArrowPatch((start, 0), (end, 0), **look))
    if shortcut:
        arc = {"connectionstyle": "arc3,rad=-0.8", "linestyle": (0, (2, 1.5))}
        ax.add_patch(FancyArrowPatch((start, 0), (end, 0), **arc, **look))


def draw_network(
    ax: plt.Axes, chain: list[Stage], largest: int, most: int, known: Counter
) -> None:
    """Draw one network from left to right; what is not in ``known`` is marked."""
    seen: Counter = Counter()
    edge = 0.0
    for x, stage in enumerate(chain):
        wide, high = box_size(stage, largest, most)
        seen[stage.operations] += 1
        new = seen[stage.operations] > known[stage.operations]
        draw_box(ax, stage, x, (wide, high), new)
        if x:
            draw_arrows(ax, edge, x - wide / 2, stage.shortcut)
        edge = x + wide / 2


def architectures(networks: dict[str, nn.Module], image_size: int) -> Figure:
    """Draw networks below each other on one scale.

    The height of a box is the height of its feature maps, its width the number of
    channels on a logarithmic scale. What the first network does not have is marked.

    Args:
        networks: title → network, on the CPU.
        image_size: height and width of the image, in pixels.
    """
    chains = {title: stages(model, image_size) for title, model in networks.items()}
    every = [stage for chain in chains.values() for stage in chain]
    largest = max(stage.side for stage in every)
    most = max(stage.channels for stage in every)
    longest = max(map(len, chains.values()))
    below = 0.6 + 0.15 * max(box_text(stage).count("\n") + 1 for stage in every)
    known = Counter(stage.operations for stage in next(iter(chains.values())))
    fig, axes = plt.subplots(
        len(chains),
        1,
        figsize=(1.85 * longest, 1.35 * (below + 1) * len(chains)),
        squeeze=False,
    )
    for ax, (title, chain) in zip(axes.flat, chains.items(), strict=True):
        draw_network(ax, chain, largest, most, known)
        total = sum(stage.weights for stage in chain)
        ax.set_title(f"{title}: {total:,} weights", fontsize=14)
        ax.set(xlim=(-0.5, longest - 0.5), ylim=(-below, 0.7))
        ax.set_axis_off()
    return fig
