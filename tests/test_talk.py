"""The variant of a figure with larger type."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image

from smartclass_utils import plots


@pytest.fixture(autouse=True)
def close_figures():
    plots.use_style()
    yield
    plt.close("all")


def two_texts(distance: float):
    """Return a figure of 4 × 4 inches with two texts, ``distance`` of it apart."""
    fig = plt.figure(figsize=(4, 4))
    fig.text(0.1, 0.5, "one word")
    fig.text(0.1 + distance, 0.5, "another")
    return fig


def test_overlaps_counts_pairs_that_touch():
    assert plots.overlaps(two_texts(0.5)) == 0
    assert plots.overlaps(two_texts(0.1)) == 1


def test_hidden_and_outlying_labels_do_not_count():
    fig, ax = plt.subplots()
    ax.set_xticks([0, 0.001, 5, 5.001], ["a", "b", "c", "d"])
    ax.set_xlim(0.5, 4)
    assert plots.overlaps(fig) == 0
    ax.set_xlim(-1, 1)
    assert plots.overlaps(fig) == 1
    ax.set_axis_off()
    assert plots.overlaps(fig) == 0


@pytest.mark.parametrize(("distance", "wanted"), [(0.6, 0.7), (0.24, 0.8), (0.1, 0.7)])
def test_type_grows_as_far_as_texts_leave_room(distance, wanted):
    fig = two_texts(distance)
    with plots.larger_type(fig) as size:
        assert size == wanted
        assert fig.get_size_inches() == pytest.approx([4 * size] * 2)
    assert fig.get_size_inches().tolist() == [4, 4]


def test_a_figure_without_room_for_its_axes_stays_as_it_is():
    fig, ax = plt.subplots(figsize=(4, 2))
    ax.set_ylabel("long text\n" * 15)
    with plots.larger_type(fig) as size:
        assert size == 1.0


def test_talk_png_has_as_many_pixels_as_the_figure_and_all_its_colours(tmp_path):
    fig, ax = plt.subplots(figsize=(6, 4))
    ax.imshow(np.random.default_rng(0).random((40, 40, 3)))
    made = plots.save_figure(fig, "x", tmp_path)
    full, small = (Image.open(path) for path in (made[0], made[2]))
    assert len(small.getcolors(2**24)) > 1000
    assert small.width == pytest.approx(full.width, rel=0.1)


def test_images_stay_large():
    fig, axes = plt.subplots(1, 6, figsize=(6, 1.6))
    for ax in axes:
        ax.imshow(np.zeros((4, 4)))
        ax.set_axis_off()
        ax.set_title("label\nof two", loc="center")
    overlapping = plots.overlaps(fig)
    before = plots.drawn_share(fig)
    with plots.larger_type(fig):
        assert plots.overlaps(fig) <= overlapping
        assert plots.drawn_share(fig) >= plots.SMALLEST * before
