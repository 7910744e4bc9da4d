"""The variant of a figure for the screen: the same figure with larger type.

A smaller figure with the same type is a figure with larger type, once both are shown
as wide as the screen. So nothing is drawn twice; the layout is only solved again.
"""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import combinations

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

SIZES = (0.7, 0.8, 0.9)  # of the figure; the type grows by the inverse
SMALLEST = 0.7  # of the figure's area that the axes took, they take at least this share
GAP = 2  # pixels at 100 dpi around a text that other texts should leave free


def undrawn(ax: Axes) -> set[Text]:
    """Return the texts of ``ax`` that exist but are not drawn."""
    texts: set[Text] = set()
    for axis in (ax.xaxis, ax.yaxis):
        low, high = sorted(axis.get_view_interval())
        slack = 1e-6 * (high - low)
        for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
            if not (ax.axison and low - slack <= tick.get_loc() <= high + slack):
                texts |= {tick.label1, tick.label2}
        if not ax.axison:
            texts |= {axis.label, axis.offsetText}
    return texts


def overlaps(fig: Figure) -> int:
    """Return how many pairs of texts in a figure touch or lie on each other.

    Raises:
        UserWarning: if the figure has no room left for its axes.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "constrained_layout not applied")
        fig.draw_without_rendering()
    hidden = set().union(*map(undrawn, fig.findobj(Axes)))
    boxes = [
        text.get_window_extent().padded(GAP)
        for text in fig.findobj(Text)
        if text not in hidden and text.get_visible() and text.get_text().strip()
    ]
    return sum(one.overlaps(other) for one, other in combinations(boxes, 2))


def drawn_share(fig: Figure) -> float:
    """Return the share of a drawn figure's area that its axes take, 0…1."""
    boxes = [ax.get_window_extent() for ax in fig.findobj(Axes)]
    whole = fig.bbox.width * fig.bbox.height
    return sum(box.width * box.height for box in boxes) / whole


@contextmanager
def larger_type(fig: Figure) -> Iterator[float]:
    """Make a figure as small as its texts allow, and whole again afterwards.

    Yields:
        The size in shares of the full one, 0.7 to 1: the smallest at which no more
        texts touch each other than in the full figure, and images stay large.
    """
    width, height = fig.get_size_inches()
    touching, share = overlaps(fig), SMALLEST * drawn_share(fig)
    try:
        for size in (*SIZES, 1.0):
            fig.set_size_inches(width * size, height * size)
            try:
                if overlaps(fig) <= touching and drawn_share(fig) >= share:
                    break
            except UserWarning:  # no room
                continue
        yield size
    finally:
        fig.set_size_inches(width, height)


def talk_png(fig: Figure, dpi: float) -> bytes:
    """Return the figure with larger type as a PNG, as many pixels wide as at ``dpi``.

    Args:
        fig: a figure; it keeps its size.
        dpi: dots an inch of the full figure.
    """
    stream = io.BytesIO()
    with larger_type(fig) as size:
        undated = {"Software": None}
        fig.savefig(stream, format="png", dpi=dpi / size, metadata=undated)
    return stream.getvalue()
