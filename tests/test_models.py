import pytest
import torch
from torch import nn

from smartclass_utils import models
from smartclass_utils.config import SmartClassError
from smartclass_utils.layer_tables import (
    comparison_table,
    layer_table,
    layers_side_by_side,
)
from smartclass_utils.layers import ResidualBlock


def test_main_halves_the_image_three_times():
    table = layer_table(models.build("main", 4))
    pooled = table.loc[table.layer == "MaxPool2d", "output shape"].tolist()
    assert pooled == ["32 × 24 × 24", "64 × 12 × 12", "128 × 6 × 6"]
    assert table["output shape"].iloc[-1] == "4"


def test_parameters_add_up_by_hand():
    convolutions = 9 * (32 + 32 * 64 + 64 * 128)
    normalisation = 2 * (32 + 64 + 128)
    connected = (128 * 36 + 1) * 128 + (128 + 1) * 4
    model = models.build("main", 4)
    total = convolutions + normalisation + connected
    assert models.count_parameters(model) == total
    assert layer_table(model).parameters.sum() == total


def test_variants_differ_in_kernel_or_depth_only():
    main = models.MODELS["main"][1]
    assert models.MODELS["variant1"][1] == {**main, "kernel_size": 4}
    assert models.MODELS["variant2"][1]["channels"][:3] == main["channels"]
    assert len(models.MODELS["variant2"][1]["channels"]) == 4


def test_kernel_4_hands_on_the_same_sizes():
    table = layer_table(models.build("variant1", 4))
    pooled = table.loc[table.layer == "MaxPool2d", "output shape"].tolist()
    assert pooled == ["32 × 24 × 24", "64 × 12 × 12", "128 × 6 × 6"]


def test_two_dropout_layers_before_the_connected_ones():
    layers = list(models.build("main", 4).classifier)
    kinds = [type(layer) for layer in layers]
    assert kinds.count(nn.Dropout) == 2
    assert kinds.count(nn.Linear) == 2


def test_pooling_before_leaky_relu_gives_the_same():
    x = torch.randn(2, 3, 8, 8)
    pool, bend = nn.MaxPool2d(2), nn.LeakyReLU(0.01)
    assert torch.equal(pool(bend(x)), bend(pool(x)))


@pytest.mark.parametrize(
    ("normalisation", "black", "white"),
    [("half", -1.0, 1.0), ("imagenet", -0.449 / 0.226, (1 - 0.449) / 0.226)],
)
def test_standardise_maps_black_and_white(normalisation, black, white):
    layer = models.build("main", 4, normalisation=normalisation).standardise
    ends = layer(torch.tensor([[[[0, 255]]]], dtype=torch.uint8)).flatten()
    assert ends.tolist() == pytest.approx([black, white], abs=1e-5)


@pytest.mark.parametrize("size", [16, 47, 48, 100])
@pytest.mark.parametrize("name", models.MODELS)
def test_any_image_size_and_number_of_classes(name, size):
    model = models.build(name, 7, size).eval()
    images = torch.zeros(2, 1, size, size, dtype=torch.uint8)
    assert model(images).shape == (2, 7)


def test_spec_rebuilds_the_same_network():
    model = models.build("variant2", 3, 32, "imagenet")
    again = models.from_spec(model.spec)
    assert again.load_state_dict(model.state_dict())


def test_comparison_counts_all_weights():
    networks = {name: models.build(name, 4) for name in models.REPORT_MODELS}
    table = comparison_table(networks)
    assert table.kernel.tolist() == ["3 × 3", "4 × 4", "3 × 3"]
    assert table.blocks.tolist() == [3, 3, 4]


def test_unknown_names_are_refused_in_a_sentence():
    with pytest.raises(SmartClassError, match=r"No model 'best'.*main"):
        models.build("best", 4)
    with pytest.raises(SmartClassError, match="No normalisation 'z'"):
        models.build("main", 4, normalisation="z")
    with pytest.raises(SmartClassError, match="No architecture"):
        models.from_spec({"architecture": "os.system", "arguments": {}})


def test_layers_side_by_side_leaves_a_dash_where_a_block_is_missing():
    networks = {name: models.build(name, 4) for name in models.REPORT_MODELS}
    table = layers_side_by_side(networks)
    shape = table.loc[[("block 4", "Conv2d")]].iloc[0]
    assert shape[("Main CNN", "output shape")] == "–"
    assert shape[("Variant 2", "output shape")] == "128 × 6 × 6"
    first = table.loc[[("block 1", "Conv2d")]].iloc[0]
    assert first[("Variant 1", "output shape")] == "32 × 49 × 49"
    assert len(table) == len(layer_table(networks["variant2"]))


def test_fresh_residual_block_passes_its_input_on():
    block = ResidualBlock(8, 8, stride=1).eval()
    x = torch.rand(2, 8, 6, 6)
    assert torch.equal(block(x), x)


def test_own_network_is_small_and_can_average_over_places():
    assert models.count_parameters(models.build("own", 4)) < 1_500_000
    averaged = models.build("own", 4, average=True)
    assert averaged.classifier[-1].in_features == 128
