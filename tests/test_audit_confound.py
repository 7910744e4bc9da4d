"""The built-in confound of the demo is found; with shuffled cameras it is not."""

import numpy as np
import pytest

from smartclass_utils import sources
from smartclass_utils.audit import confound
from smartclass_utils.cleaning.folder import clean
from smartclass_utils.dataset import load_clean
from smartclass_utils.demo.drawing import draw_demo


@pytest.mark.parametrize("shuffle", [False, True])
def test_source_verdict_on_the_demo(tmp_path, shuffle):
    root = draw_demo(tmp_path / "demo", scale=0.1, shuffle_cameras=shuffle)
    clean(sources.load(root), tmp_path / "clean", image_size=36, progress=False)
    data = load_clean(tmp_path / "clean")
    tied = confound.tied_classes(data.labels)
    assert tied == {"engaged": "FED 2023"}
    visible = confound.border_visibility(data, np.arange(len(data.labels)))
    found, sentence = confound.verdict(tied, visible)
    assert found is not shuffle
    assert "*engaged*" in sentence
    if not shuffle:
        assert visible["engaged"] == max(visible.values())
