import functools
import re
from itertools import product

import pytest
import torch
from conftest import loaders_of, refusal, small_network
from torch import nn

from smartclass_utils import models
from smartclass_utils.beyond import ResidualBlock, augment
from smartclass_utils.dataset import tensors
from smartclass_utils.hardware import environment, fast_dtype, pick_device
from smartclass_utils.models import REPORT_NETWORKS
from smartclass_utils.training import hash_of, loss_and_accuracy, train

adam = functools.partial(torch.optim.Adam, lr=1e-3)


def fit(data, seed=0, epochs=3, network=None, make=adam, **options):
    """Train a small network; return it with its history."""
    model = network or small_network(data, seed)
    loaders, loss = loaders_of(data, seed), nn.CrossEntropyLoss()
    what = (model, loaders, make(model.parameters()), loss, epochs)
    return model, train(*what, **{"log": str, **options})


def test_easy_classes_are_learned_and_the_best_epoch_is_kept(clean_data):
    model, history = fit(clean_data, epochs=6)
    losses = history.train_loss.tolist()
    assert losses[-1] < 0.7 * losses[0]
    assert history.val_accuracy.max() >= 0.9
    loss, _ = loss_and_accuracy(model, loaders_of(clean_data)["val"])
    assert loss == pytest.approx(history.val_loss.min(), abs=1e-5)


@pytest.mark.parametrize("options", [
    {}, {"augment": functools.partial(augment, degrees=9.0), "epochs": 2},
], ids=["plain", "augmented"])  # fmt: skip
def test_same_seed_same_weights(clean_data, options):
    done = [fit(clean_data, seed, **options) for seed in (3, 3, 4)]
    first, same, other = (hash_of(model.state_dict()) for model, _ in done)
    assert first == same != other
    assert done[0][1].equals(done[1][1])


def test_a_rising_loss_keeps_the_first_epoch_and_is_told_as_in_the_report(clean_data):
    lines, worse = [], functools.partial(torch.optim.SGD, lr=0.02, maximize=True)
    model, history = fit(clean_data, make=worse, log=lines.append)
    assert history.val_loss.is_monotonic_increasing
    saving = "Saving Checkpoint"
    assert lines[0] == saving and saving not in lines[1:]
    pattern = r"Epoch \[1/3\], Validation Loss: \d\.\d{4}, Validation Accuracy: .*%$"
    assert re.match(pattern, lines[1])
    kept, _ = loss_and_accuracy(model, loaders_of(clean_data)["val"])
    assert kept == pytest.approx(history.val_loss[0], rel=1e-4)


def test_loss_and_accuracy_are_over_images_not_batches(clean_data):
    model = small_network(clean_data).eval()
    images, labels = tensors(clean_data, "val")
    with torch.no_grad():
        logits = model(images)
    loss, accuracy = loss_and_accuracy(model, loaders_of(clean_data, size=7)["val"])
    assert loss == pytest.approx(float(nn.functional.cross_entropy(logits, labels)))
    assert accuracy == float((logits.argmax(1) == labels).float().mean())


@pytest.mark.parametrize("options", [
    {"make": lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9)},
    {"make": lambda p: torch.optim.RMSprop(p, lr=1e-3)},
    {"network": nn.Sequential(models.Standardise(), nn.Flatten(), nn.Linear(256, 4))},
    {"dtype": torch.bfloat16},
], ids=["SGD", "RMSprop", "own network", "bfloat16"])  # fmt: skip
def test_any_optimizer_network_and_number_format_learn(clean_data, options):
    model, history = fit(clean_data, epochs=4, **options)
    assert history.train_loss.iloc[-1] < history.train_loss.iloc[0]
    assert {p.dtype for p in model.parameters()} == {torch.float32}


def test_environment_names_versions_device_and_number_format():
    found = environment()
    assert torch.__version__.startswith(found["torch"].split("+")[0])
    assert f"torch.{found['training in']}" == str(fast_dtype(pick_device()))
    assert fast_dtype(torch.device("meta")) == torch.float32


STILL = {"flip": False, "degrees": 0, "shift": 0, "scale": 0, "contrast": 0, "erase": 0}


def faces(n=64, size=24):
    pixels = torch.rand(n, 1, size, size, generator=torch.Generator().manual_seed(5))
    return (pixels * 255).to(torch.uint8)


def augmented(images, seed=0, **options):
    torch.manual_seed(seed)
    return augment(images, **options)


def test_half_of_the_images_are_mirrored_if_asked_and_nothing_else():
    images = faces()
    assert torch.allclose(augmented(images, **STILL), images.float(), atol=1e-2)
    seen = augmented(images, **{**STILL, "flip": True})
    both = images, images.flip(3)
    same, mirrored = ((seen - x).abs().amax(dim=(1, 2, 3)) < 1e-2 for x in both)
    assert (same | mirrored).all()
    assert 20 < int(mirrored.sum()) < 44


def test_a_shift_moves_by_that_share_at_most():
    images = torch.zeros(50, 1, 40, 40)
    images[:, :, 20, 20] = 255.0
    seen = augmented(images, **{**STILL, "shift": 0.1})
    for side in (3, 2):
        moved = seen.amax(dim=side).argmax(dim=2) - 20
        assert 3 <= int(moved.abs().max()) <= 4


def test_patches_are_grey_and_of_the_stated_size():
    seen = augmented(torch.zeros(400, 1, 40, 40), **{**STILL, "erase": 0.5})
    patched = (seen == 127.5).flatten(1).sum(dim=1)
    assert 0.4 < float((patched > 0).float().mean()) < 0.55
    assert int(patched.max()) <= 17 * 17


@pytest.mark.parametrize("options", [{}, {"contrast": 0.5, "erase": 1}])
def test_same_seed_same_images_and_each_image_its_own(options):
    images = faces()[:1].repeat(8, 1, 1, 1)
    first, again = (augmented(images, seed=3, **options) for _ in range(2))
    assert torch.equal(first, again)
    assert first.dtype == torch.float32 and first.shape == images.shape
    assert len({tuple(image.flatten().tolist()) for image in first}) == 8


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
    assert f"There is no network '{network}'" in refusal(models.build, network, {})
