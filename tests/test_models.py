from itertools import product

import pytest
import torch
from conftest import refusal
from torch import nn

from smartclass_utils import models
from smartclass_utils.beyond import ResidualBlock, ResidualCNN
from smartclass_utils.models import REPORT_NETWORKS, ReportCNN

NETWORKS = {
    **{name: ("ReportCNN", arguments) for name, arguments in REPORT_NETWORKS.items()},
    "Our own": ("ResidualCNN", {}),
}
LITE = {f"Lite {n}": ("EfficientNetLite0", {"in_channels": n}) for n in (1, 3)}


@pytest.mark.parametrize(("name", "fourth"), [
    ("Main CNN", []), ("Variant 1", []), ("Variant 2", [(128, 3, 3)]),
])  # fmt: skip
def test_each_block_halves_the_image(name, fourth):
    x, found = torch.zeros(1, 1, 48, 48), []
    for layer in ReportCNN(4, **REPORT_NETWORKS[name]).eval().features:
        x = layer(x)
        if isinstance(layer, nn.MaxPool2d):
            found.append(tuple(x.shape[1:]))
    assert found == [(32, 24, 24), (64, 12, 12), (128, 6, 6), *fourth]


def test_layers_are_those_of_the_report():
    kinds = [type(layer) for layer in ReportCNN(4).features[1:5]]
    assert kinds == [nn.Conv2d, nn.BatchNorm2d, nn.LeakyReLU, nn.MaxPool2d]
    kinds = [type(layer) for layer in ReportCNN(4).classifier]
    assert kinds.count(nn.Dropout) == kinds.count(nn.Linear) == 2


def test_parameters_add_up_by_hand():
    convolutions = 9 * (32 + 32 * 64 + 64 * 128)
    normalisation = 2 * (32 + 64 + 128)
    connected = (128 * 36 + 1) * 128 + (128 + 1) * 4
    total = convolutions + normalisation + connected
    assert models.count_parameters(ReportCNN(4)) == total == 683_364
    assert models.count_parameters(ResidualCNN(4)) == 325_220


def test_variants_differ_in_kernel_or_depth_only():
    main = REPORT_NETWORKS["Main CNN"]
    assert REPORT_NETWORKS["Variant 1"] == {**main, "kernel_size": 4}
    assert REPORT_NETWORKS["Variant 2"]["channels"] == (*main["channels"], 128)


@pytest.mark.parametrize(("statistics", "black", "white"), [
    ({}, -1.0, 1.0), (models.IMAGENET, -0.449 / 0.226, (1 - 0.449) / 0.226),
])  # fmt: skip
def test_standardise_maps_black_and_white(statistics, black, white):
    layer = ReportCNN(4, **statistics).features[0]
    ends = layer(torch.tensor([[[[0, 255]]]], dtype=torch.uint8)).flatten()
    assert ends.tolist() == pytest.approx([black, white], abs=1e-5)


@pytest.mark.parametrize(("name", "size"), [
    *product(NETWORKS, (16, 47, 48, 100)), *product(LITE, (32, 48, 65)),
])  # fmt: skip
def test_any_image_size_and_number_of_classes(name, size):
    network, arguments = (NETWORKS | LITE)[name]
    arguments = {**arguments, "n_classes": 7, "image_size": size}
    model = models.build(network, arguments).eval()
    channels = arguments.get("in_channels", 1)
    images = torch.zeros(2, channels, size, size, dtype=torch.uint8)
    assert model(images).shape == (2, 7)


def test_fresh_residual_block_passes_its_input_on():
    block = ResidualBlock(8, 8, stride=1).eval()
    x = torch.rand(2, 8, 6, 6)
    assert torch.equal(block(x), x)


def test_a_class_added_to_the_module_is_found_by_its_name(monkeypatch):
    class Added(nn.Linear):
        __module__ = models.__name__

    monkeypatch.setattr(models, "Added", Added, raising=False)
    built = models.build("Added", {"in_features": 3, "out_features": 2})
    assert isinstance(built, Added)


@pytest.mark.parametrize("network", ["best", "os.system", "torch", "build", "Tensor"])
def test_only_networks_of_the_module_are_built(network):
    said = refusal(models.build, network, {})
    assert f"There is no network '{network}'" in said
