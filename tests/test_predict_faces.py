"""Finding faces, and the figure of what was found."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import skimage.data
from matplotlib.colors import to_hex
from PIL import Image

from smartclass_utils.config import CLASSES, COLOURS
from smartclass_utils.predict.faces import (
    Box,
    cut,
    find_faces,
    merged,
    overlap,
    square_around,
)
from smartclass_utils.predict.plots import photo_figure

ASTRONAUT = skimage.data.astronaut()


def resized(side):
    return np.asarray(Image.fromarray(ASTRONAUT).resize((side, side)))


@pytest.mark.parametrize("side", [200, 300, 512, 1024])
def test_one_face_on_the_astronaut_at_any_size(side):
    [box] = find_faces(resized(side))  # not her helmet, gloves or patches
    row, column = 115 * side / 512, 222 * side / 512  # between eyes and mouth
    assert box.top < row < box.top + box.height
    assert box.left < column < box.left + box.width
    assert 0.16 * side < box.width < 0.23 * side
    assert abs(box.top + box.height / 2 - row) < 0.03 * side
    assert abs(box.left + box.width / 2 - column) < 0.03 * side


@pytest.mark.parametrize(
    "name", ["coffee", "chelsea", "rocket", "coins", "moon", "brick", "grass", "gravel"]
)
def test_no_face_where_there_is_none(name):
    assert find_faces(getattr(skimage.data, name)()) == []


def test_largest_face_comes_first_and_grey_will_do():
    photo = np.full((512, 832), 120, np.uint8)
    photo[:320, :320] = Image.fromarray(resized(320)).convert("L")
    photo[:, 320:] = Image.fromarray(ASTRONAUT).convert("L")
    large, small = find_faces(photo)
    assert large.left > 320 > small.left
    assert large.width > 1.3 * small.width


def test_picture_too_small_to_search_has_no_face():
    assert find_faces(np.zeros((20, 60, 3), np.uint8)) == []


def test_overlapping_boxes_are_one_face():
    large, inside, beside = Box(0, 0, 40, 40), Box(5, 5, 20, 20), Box(0, 36, 30, 30)
    assert overlap(large, inside) == 1
    assert overlap(large, beside) == pytest.approx(4 * 30 / 900)
    assert merged([inside, beside, large]) == [large, beside]


def test_cut_reaches_beyond_the_photograph():
    photo = np.arange(12, dtype=np.uint8).reshape(3, 4)
    square = square_around(Box(0, 0, 2, 2), margin=2)
    assert square == (-1, -1, 4, 4)
    part = cut(photo, square)
    assert part.tolist() == [[0, 0, 1, 2], [0, 0, 1, 2], [4, 4, 5, 6], [8, 8, 9, 10]]
    assert cut(np.dstack([photo] * 3), square).shape == (4, 4, 3)


def test_figure_shows_frame_crop_and_answer():
    crop = np.zeros((48, 48), np.uint8)
    shares = np.array([0.1, 0.2, 0.62, 0.08])
    fig = photo_figure(ASTRONAUT, Box(60, 170, 110, 110), crop, shares, CLASSES)
    photo, seen, bars = fig.axes
    frame = photo.patches[-1]
    assert (frame.get_x(), frame.get_y(), frame.get_width()) == (169.5, 59.5, 110)
    assert to_hex(frame.get_edgecolor()).upper() == COLOURS["happy"]
    assert seen.get_title() == "as the network sees it"
    assert bars.get_title() == "looks happy (62 %)"
    assert [patch.get_width() for patch in bars.patches] == shares.tolist()
    assert [label.get_text() for label in bars.get_yticklabels()] == list(CLASSES)
    assert [to_hex(p.get_facecolor()).upper() for p in bars.patches] == [
        COLOURS[name] for name in CLASSES
    ]
    plt.close(fig)


def test_figure_without_a_frame_and_never_certain():
    crop, shares = np.zeros((48, 48), np.uint8), np.array([0.001, 0.999])
    fig = photo_figure(crop, None, crop, shares, ("calm", "sad"))
    assert not fig.axes[0].patches
    assert fig.axes[2].get_title() == "looks sad (> 99 %)"
    assert [text.get_text() for text in fig.axes[2].texts] == ["< 1 %", "> 99 %"]
    plt.close(fig)
