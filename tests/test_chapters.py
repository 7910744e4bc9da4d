"""All chapters on small made-up data, also as a reader changes them."""

import re

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from conftest import rewrite, run_chapter, store, write_clean, write_photos
from PIL import Image
from skimage.exposure import equalize_hist
from skimage.util import img_as_ubyte

from smartclass_utils import evaluation
from smartclass_utils.checkpoints import load_model, read_cards
from smartclass_utils.dataset import load_clean, tensors
from smartclass_utils.files import read_json, write_json
from smartclass_utils.names import canonical_label


def write_speckled(folder, level, n, seed):
    """Write n different images of 16 × 16 pixels, mean grey ``level``, deviation 10."""
    folder.mkdir(parents=True)
    generator = np.random.default_rng(seed)
    values = np.repeat(np.uint8([level - 10, level + 10]), 128)
    for i in range(n):
        pixels = generator.permutation(values).reshape(16, 16)
        Image.fromarray(pixels).save(folder / f"{i:02d}.png")
    return folder


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    """Two classes of one source, a copy, two bad files and a class to leave out."""
    folder = tmp_path_factory.mktemp("raw") / "speckled"
    dark = write_speckled(folder / "Dark", 50, 20, 1)
    write_speckled(folder / "Light", 200, 10, 2)
    write_speckled(folder / "Grey", 128, 10, 3)
    (dark / "copy.png").write_bytes((dark / "03.png").read_bytes())
    Image.new("L", (1, 1)).save(dark / "!first.png")  # no example to clean by hand
    (dark / "cut.png").write_bytes((dark / "04.png").read_bytes()[:90])
    return folder


@pytest.fixture(scope="module")
def first(raw, tmp_path_factory):
    """Chapter 1 on two of the classes: its folder and what it says."""
    out = tmp_path_factory.mktemp("first")
    chosen = {"DATA": str(raw), "IMAGE_SIZE": 16, "CLASSES": ["dark", "light"]}
    return out, run_chapter(1, out, chosen)


def test_chapter_1_by_hand(first):
    out, text = first
    assert "43 files; classes: dark, light" in text
    assert re.search(r"kept +rejected +left out\nimages +30 +3 +10", text)
    data = load_clean(out / "clean")
    assert data.split_sizes() == {"train": 20, "val": 5, "test": 5}
    assert data.images.mean(axis=(1, 2)).tolist() == [50] * 20 + [200] * 10


def test_chapter_2_by_hand(first):
    out, _ = first
    text = run_chapter(2, out)
    assert "Dark has 2.0 times as many images as light." in text
    assert "All classes share one source" in text
    bars = (out / "figures" / "02_class_distribution.svg").read_text(encoding="utf-8")
    assert {"dark", "light", "20", "67 %", "33 %"} <= {*re.findall(">([^<]+)<", bars)}
    levels = (out / "figures" / "02_intensity_by_class.svg").read_text(encoding="utf-8")
    assert "mean 50.0" in levels and "mean 200.0" in levels


def test_try_it_1_equalised_and_with_a_class_of_ones_own(raw, first, tmp_path):
    write_speckled(tmp_path / "mine" / "Sleepy", 90, 9, 4)
    chosen = {"DATA": str(raw), "IMAGE_SIZE": 16, "EXTRA": str(tmp_path / "mine")}
    chosen |= {"CLASSES": ["dark", "light", "sleepy"]}
    own = "from skimage.exposure import equalize_hist\n\ndef PREPARE(image):\n"
    own += "    return img_as_ubyte(equalize_hist(image))\n#"
    run_chapter(1, tmp_path, chosen, {"PREPARE = None": own})
    before, after = load_clean(first[0] / "clean"), load_clean(tmp_path / "clean")
    assert after.classes == ("dark", "light", "sleepy")
    assert after.fingerprint != before.fingerprint
    assert after.images[0, 0, 0] in (128, 255)  # half the pixels, then all of them
    expected = [img_as_ubyte(equalize_hist(image)) for image in before.images]
    assert np.array_equal(after.images[:30], expected)
    assert after.labels["source"].groupby(after.labels["label"]).nunique().max() == 1


def test_try_it_2_another_colour_map_and_odd_names(tmp_path):
    names = tuple(map(canonical_label, ("a$b$c", r"$\frac$", "$a_$", "_x_", "~y~")))
    clean = write_clean(tmp_path / "clean", names, per_class=5)
    labels = pd.read_csv(clean / "labels.csv")
    labels["source"] = np.where(labels["label"] == names[0], "a lone one", "others")
    images = np.full((25, 16, 16), 100, np.uint8)
    images[:5, :2, :2] = 180  # of the first class, one corner of 2 × 2 pixels
    rewrite(clean, labels, images)
    text = run_chapter(2, tmp_path, {"SAMPLES": 2}, {'"RdBu_r"': '"PuOr_r"'})
    with Image.open(tmp_path / "figures" / "02_mean_faces.png") as figure:
        drawn = np.asarray(figure.convert("RGB"))
    brightest = plt.get_cmap("PuOr_r")(255, bytes=True)[:3]
    assert (drawn == brightest).all(axis=2).sum() > 50  # pixels of that corner
    # 80 - 80 / 5 in one of four corners, and 80 / 5 in that of the others.
    assert re.search(rf"{names[0]} +0\.0 +32\.0", text)
    assert re.search(rf"{names[4]} +0\.0 +8\.0", text)
    assert f"All of {' and of '.join(names)} comes from a single source." in text


def evaluated(tmp_path, training=None, judging=None, **options):
    """Run chapters 3 and 4; return the text of 4 and the networks in results.json."""
    run_chapter(3, tmp_path, training, **options)
    said = run_chapter(4, tmp_path, edits=judging)
    entries = read_json(tmp_path / "results.json")["models"]
    return said, {entry["name"]: entry for entry in entries}


def test_what_a_student_changes_in_chapter_3_is_what_chapter_4_judges(tmp_path):
    data = load_clean(write_clean(tmp_path / "clean", ("cat", "dog"), per_class=40))
    adam = "torch.optim.Adam(model.parameters(), lr=LEARNING_RATE, fused=True)"
    sgd = "torch.optim.SGD(model.parameters(), LEARNING_RATE, 0.9, maximize=True)"
    main = '"Main CNN": (ReportCNN, {"kernel_size": 3, '
    fourth = '"Kernel 5": (ReportCNN, {"kernel_size": 5}),\n    '
    edits = {adam: sgd, main: f'{fourth}{main}"dropout": 0.3, '}
    said, found = evaluated(tmp_path, {"EPOCHS": 2, "SEEDS": 2}, edits=edits)
    assert set(found) == {"Kernel 5", "Main CNN", "Variant 1", "Variant 2"}
    assert "Kernel 5" in said  # though losses rise and a class is never predicted
    each = found["Main CNN"]["per_class"].values()
    assert sum(row["precision"] for row in each) == 0.5  # a training answers one class
    cards = {card["name"]: card for card in read_cards(tmp_path / "models")}
    assert cards["Main CNN"]["arguments"]["dropout"] == 0.3
    assert pd.Series(cards["Main CNN"]["history"]["val_loss"]).is_monotonic_increasing
    recipe = cards["Variant 1"]["recipe"]
    assert "lr: 0.001" in recipe["optimizer"] and "momentum: 0.9" in recipe["optimizer"]
    assert recipe["loss"].startswith("CrossEntropyLoss(")
    assert cards["Kernel 5"]["data"]["fingerprint"] == data.fingerprint
    # Back to the original, each network once, and until no answer is wrong.
    longer = {"EPOCHS": 8, "SEEDS": 1, "BATCH_SIZE": 8}
    greener = {'"cmap": "Blues"': '"cmap": "Greens"'}  # as in Try it
    said, found = evaluated(tmp_path, longer, greener)
    assert set(found) == {"Main CNN", "Variant 1", "Variant 2"}
    assert [entry["accuracy"] for entry in found.values()] == [1, 1, 1]
    assert not any("accuracy_sd" in entry for entry in found.values())
    assert said.count("can't tell") == 3  # pairs of three networks
    assert "engaged" not in said and "All recognise" not in said
    assert "#00441b" in (tmp_path / "figures/04_confusion_matrices.svg").read_text()
    cards = read_cards(tmp_path / "models")
    assert all("Adam" in card["recipe"]["optimizer"] for card in cards)
    runs = pd.read_csv(tmp_path / "models/runs.csv")
    tried = runs["optimizer"].str.partition(" ")[0].tolist()
    assert tried == ["SGD"] * 4 + ["Adam"] * 3


@pytest.fixture
def report(tmp_path):
    """What chapters 1 to 4 leave, small."""
    data = load_clean(write_clean(tmp_path / "clean"))
    targets, entries = data.targets[data.rows("test")], []
    for name in ("Main CNN", "Variant 1"):
        card = store(data, tmp_path / "models", name)
        chances = evaluation.predict(load_model(card), tensors(data, "test")[0])
        answers = [chances.argmax(axis=1)]
        entries.append(evaluation.entry([card], answers, targets, data.classes))
    entries.append({**entries[0], "name": "of an earlier run", "chapter": 5})
    write_json(tmp_path / "results.json", evaluation.results_of(data, entries))
    return tmp_path


def test_chapter_5_runs_on_little_data_from_shipped_weights_with_sgd(report):
    small = {"EPOCHS": 1, "SEEDS": 1, "FOLDS": 3, "START": "shipped"}
    sgd = {"optim.AdamW(groups, lr": "optim.SGD(groups, lr"}
    name = "Our own, wider, from shipped weights"
    assert name in run_chapter(5, report, small, sgd)
    entries = read_json(report / "results.json")["models"]
    assert [entry["name"] for entry in entries] == ["Main CNN", "Variant 1", name]
    [card] = [card for card in read_cards(report / "models") if card["chapter"] == 5]
    assert "SGD" in card["recipe"]["optimizer"]


def test_chapter_6_calls_a_lead_better_at_a_looser_level(report):
    said = run_chapter(6, report, {"LEVEL": 0.3})  # as in Try it
    assert "Figure 6.1. Variant 2 is better on fer48." in said


def test_chapter_8_bins_more_coarsely(report):
    said = run_chapter(8, report, {"BINS": 5, "SHUFFLES": 50})  # as in Try it
    assert "Figure 8.2." in said and "(True, False)" in said


def test_chapter_7_shows_other_networks_and_covers_less(report):
    tried = {"NETWORKS": ("Variant 1", "Main CNN"), "COVERED": 0.1}  # as in Try it
    own = write_photos(report / "photos", ("one",), per_class=2)
    others = load_clean(write_clean(report / "others", ("cat", "dog")))
    tried |= {"MODEL": str(store(others, report / "asked")["file"])}
    said = run_chapter(7, report, {**tried, "PHOTO": str(own)})
    assert "Figure 7.1. The first block of Variant 1" in said
    assert "another's hottest" in said and "Not trained" not in said
    assert said.count("so taken as a face as it is") == 2
    assert "p_cat" in said and "p_happy" not in said
