"""The check of parameters; colours of classes, for readers who see fewer of them."""

from itertools import combinations

import numpy as np
import pytest
from conftest import refusal
from matplotlib.colors import to_rgb
from skimage.color import deltaE_ciede2000, rgb2xyz, xyz2lab
from skimage.color.colorconv import rgb_from_xyz, xyz_from_rgb

from smartclass_utils.config import COLOURS, HATCHES, check


@pytest.mark.parametrize("value", ["5", 5.0, True, None, 0, 11, np.float64(5)])
def test_a_value_that_is_no_whole_number_in_range_is_one_sentence(value):
    told = f"EPOCHS = {value!r} is not a whole number from 1 to 10: correct it."
    assert refusal(check, SEEDS=(3, 1, 10), EPOCHS=(value, 1, 10)) == told


def test_a_range_of_fractions_takes_whole_numbers_too():
    check(RATE=(1, 0.0, 1.0), EPOCHS=(np.int64(3), 1, 10))
    for value in ("0.1", float("nan")):
        said = refusal(check, RATE=(value, 0.0, 1.0))
        assert said.startswith(f"RATE = {value!r} is not a number from 0.0")


# Machado, Oliveira and Fernandes 2009 (doi:10.1109/TVCG.2009.113), severity 1, for
# linear red, green and blue.
SEEN_WITH = {
    "all colours": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868],
                   [0.114503, 0.786281, 0.099216],
                   [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968],
                     [0.280085, 0.672501, 0.047413],
                     [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779],
                   [-0.078411, 0.930809, 0.147602],
                   [0.004733, 0.691367, 0.303900]],
}  # fmt: skip
# Distances of 1 to 2 are just seen side by side; these are told apart at a glance.
LEAST = {"all colours": 20, "protanopia": 17, "deuteranopia": 12, "tritanopia": 14}


def seen(colour: str, matrix) -> np.ndarray:
    """Return how a colour looks to such a reader, CIELAB (3,)."""
    linear = rgb_from_xyz @ rgb2xyz(to_rgb(colour))
    return xyz2lab(xyz_from_rgb @ (matrix @ linear).clip(0, 1))


@pytest.mark.parametrize("eyes", SEEN_WITH)
def test_class_colours_stay_apart_and_have_a_second_cue(eyes):
    assert len(set(HATCHES.values())) == len(COLOURS)
    looks = {name: seen(colour, SEEN_WITH[eyes]) for name, colour in COLOURS.items()}
    for one, other in combinations(looks, 2):
        assert deltaE_ciede2000(looks[one], looks[other]) >= LEAST[eyes]
