from itertools import product

import pytest
import torch
from conftest import refusal

from smartclass_utils import models
from smartclass_utils.beyond import ResidualBlock
from smartclass_utils.models import REPORT_NETWORKS

NETWORKS = {
    **{name: ("ReportCNN", arguments) for name, arguments in REPORT_NETWORKS.items()},
    "Our own": ("ResidualCNN", {}),
}
LITE = {f"Lite {n}": ("EfficientNetLite0", {"in_channels": n}) for n in (1, 3)}


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


@pytest.mark.parametrize("network", ["best", "os.system", "torch", "build", "Tensor"])
def test_only_networks_of_the_module_are_built(network):
    said = refusal(models.build, network, {})
    assert f"There is no network '{network}'" in said
