"""Tests of the check of parameters."""

import numpy as np
import pytest
from conftest import refusal

from smartclass_utils.config import check


@pytest.mark.parametrize("value", ["5", 5.0, True, None, 0, 11, np.float64(5)])
def test_a_value_that_is_no_whole_number_in_range_is_one_sentence(value):
    told = f"EPOCHS = {value!r} is not a whole number from 1 to 10: correct it."
    assert refusal(check, SEEDS=(3, 1, 10), EPOCHS=(value, 1, 10)) == told


def test_a_range_of_fractions_takes_whole_numbers_too():
    check(RATE=(1, 0.0, 1.0), EPOCHS=(np.int64(3), 1, 10))
    said = refusal(check, RATE=("0.1", 0.0, 1.0))
    assert said.startswith("RATE = '0.1' is not a number from 0.0")
    said = refusal(check, RATE=(float("nan"), 0.0, 1.0))
    assert said.startswith("RATE = nan is not a number")
