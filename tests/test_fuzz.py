"""A few hundred mutated files; ``make soak`` tries 10,000 in processes of their own."""

import os
import time
import warnings
from functools import partial

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks import bench_decoder, mutations
from smartclass_utils import images

SIZE = 16  # pixels
# The same files every time, so that a failure can be seen again.
SAME = {"derandomize": True, "database": None, "deadline": 5000}  # milliseconds
FIXED = settings(**SAME, suppress_health_check=[HealthCheck.too_slow])
NUMBERS = st.integers(0, 2**63 - 1)


def harmless(content):
    """Decode; return the array, ``None`` if it is rejected; fail at all else."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # nothing of it may reach the notebook
        try:
            clean = images.clean_image(content, SIZE)
        except images.Rejected as verdict:
            assert verdict.kind
            return None
    assert clean.pixels.shape == (SIZE, SIZE)
    assert clean.pixels.dtype == np.uint8
    assert all(isinstance(note, str) for note in clean.notes)
    return clean.pixels


def test_the_sound_files_are_kept():
    forms = [file[:4] for file in mutations.sound_files()]
    assert len(set(forms)) >= len(mutations.FORMATS)
    assert all(harmless(file) is not None for file in mutations.sound_files())


@pytest.mark.parametrize("mutation", mutations.MUTATIONS, ids=lambda m: m.__name__)
@given(number=NUMBERS)
@settings(FIXED, max_examples=60)
def test_a_mutated_file_is_kept_or_rejected(mutation, number):
    rng = np.random.default_rng(number)
    content = mutation(mutations.pick(rng), rng)
    if content:
        harmless(content)


@given(st.binary(min_size=1, max_size=400), st.sampled_from(mutations.sound_files()))
@settings(FIXED, max_examples=60)
def test_any_bytes_after_a_true_beginning_are_kept_or_rejected(end, file):
    harmless(end)
    harmless(file[:40] + end)


@given(st.data(), st.sampled_from(mutations.sound_files()))
@settings(FIXED, max_examples=150)
def test_a_cut_file_is_rejected_or_still_the_same_image(data, file):
    cut = harmless(file[: data.draw(st.integers(1, len(file) - 1))])
    assert cut is None or (cut == harmless(file)).all()


def test_the_soak_sees_a_crash_and_a_hang(monkeypatch):
    does = {b"crash": partial(os._exit, 9), b"hang": partial(time.sleep, 60)}
    does[b"kept"] = str
    monkeypatch.setattr(bench_decoder, "PATIENCE", 1.0)
    monkeypatch.setattr(bench_decoder, "outcome_of", lambda x: does[x]() or "kept")
    for file in (b"kept", b"crash", b"hang", b"kept"):
        assert bench_decoder.watched(file)[2] == file.decode()
