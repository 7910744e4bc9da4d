"""Activation maps and what they are compared with, and the upload button."""

from datetime import UTC, datetime

import pytest
import torch
from conftest import refusal
from torch import nn

from smartclass_utils import explain
from smartclass_utils.models import build


def test_the_last_map_is_the_one_before_pooling():
    for name, wanted in (("ReportCNN", 11), ("ResidualCNN", 7)):
        model = build(name, {"n_classes": 4})
        assert explain.last_map_layer(model) is model.features[wanted]
    model.features = nn.Sequential(nn.ReLU())
    assert "no convolution" in refusal(explain.last_map_layer, model)


def test_activation_map_by_hand():
    """One map of 2 × 2 places, which the connected layer weighs one by one."""
    model = nn.Module()
    model.features = nn.Sequential(nn.Conv2d(1, 1, 1, bias=False))
    model.classifier = nn.Sequential(nn.Flatten(), nn.Linear(4, 2, bias=False))
    with torch.no_grad():
        model.features[0].weight.fill_(2)
        model.classifier[1].weight.copy_(torch.tensor([[1.0, 0, 3, -1], [0, 0, 0, 1]]))
    model.forward = lambda x: model.classifier(model.features(x))
    image = torch.tensor([[[[10, 20], [30, 40]]]])
    maps = [explain.activation_maps(model, image, torch.tensor([k])) for k in (0, 1)]
    first, second = [[20, 0], [180, 0]], [[0, 0], [0, 80]]  # -80 speaks against it
    assert [found.tolist() for found in maps] == [[first], [second]]


def uploaded(*files):
    now = datetime.now(UTC)
    fixed = {"type": "image/png", "size": 1, "last_modified": now}
    return tuple({"name": n, "content": memoryview(c), **fixed} for n, c in files)


def test_uploads_are_handed_on_and_forgotten():
    seen = []

    def look(paths):
        seen.extend((path, path.name, path.read_bytes()) for path in paths)

    button, _ = explain.upload_box(look).children
    button.value = uploaded(("a b.png", b"1"), ("a b.png", b"2"))
    assert [rest for _, *rest in seen] == [["a b.png", b"1"], ["a b.png", b"2"]]
    assert not any(path.exists() for path, *_ in seen)
    button.value = uploaded(("a b.png", b"1"))  # the same one again
    assert len(seen) == 3


@pytest.mark.parametrize("name", ["../../x.png", "..\\x.png", "/x.png", "..x.png"])
def test_an_upload_cannot_choose_its_folder(tmp_path, name):
    [path] = explain.kept(uploaded((name, b"1")), tmp_path)
    assert path == tmp_path / "0" / "x.png"
    [nameless] = explain.kept(uploaded(("..", b"1")), tmp_path / "other")
    assert nameless.name == "photo"
