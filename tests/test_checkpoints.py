"""What a chapter stores for the next ones: networks, and the clean folder."""

import json
import pickle
from dataclasses import replace
from functools import partial
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
import safetensors.torch
import torch
from conftest import flipped, refusal, small_network, store, write_clean
from torch import nn
from torch.utils.data import DataLoader, Subset, TensorDataset, WeightedRandomSampler
from torchvision.transforms import v2

from smartclass_utils import checkpoints, evaluation, models, training
from smartclass_utils.checkpoints import load_model, read_card, read_cards
from smartclass_utils.dataset import load_clean, tensors
from smartclass_utils.files import read_json

FILE = "main_cnn_seed0.safetensors"


@pytest.fixture
def stored(clean_data, tmp_path):
    folder = tmp_path / "models"
    return folder, store(clean_data, folder)


def changed(folder, weights=None, **about):
    """Write the stored file again with another card or other weights."""
    card = read_card(folder / FILE)
    file = card.pop("file")
    content = {**safetensors.torch.load_file(file), **(weights or {})}
    metadata = {"card": json.dumps({**card, **about})}
    file.write_bytes(safetensors.torch.save(content, metadata))
    return file


def refused(file, data=None):
    """Return the one sentence with which a file is refused."""
    said = refusal(lambda: load_model(read_card(file), data))
    assert str(file) in said
    return said


def dealt_anew(data):
    """Return the same images in another split."""
    split = data.labels["split"].to_numpy()[::-1]
    return replace(data, labels=data.labels.assign(split=split))


def watch_training(monkeypatch):
    """Return a mock that notes what every training from now on was called with."""
    watched = Mock(side_effect=training.train)
    monkeypatch.setattr(training, "train", watched)
    return watched


def test_a_class_that_later_chapters_cannot_find_learns_nothing(
    clean_data, tmp_path, monkeypatch
):
    trained = watch_training(monkeypatch)
    other = type("ReportCNN", (models.ReportCNN,), {"__module__": "__main__"})
    monkeypatch.setattr("conftest.ReportCNN", other)  # as if of a notebook
    said = refusal(store, clean_data, tmp_path)
    assert "the ReportCNN of smartclass_utils.models: change it there" in said
    monkeypatch.delattr(models, "ReportCNN")
    said = refusal(store, clean_data, tmp_path)
    assert "no network 'ReportCNN' in smartclass_utils/models.py" in said
    assert not trained.called


def test_a_class_added_to_models_is_stored_bit_for_bit_and_evaluated(
    clean_data, tmp_path, monkeypatch
):
    class Own(nn.Sequential):
        def __init__(self, n_classes, image_size):
            maps = models.Standardise(), nn.BatchNorm2d(1), nn.Flatten()
            super().__init__(*maps, nn.Linear(image_size**2, n_classes))

    Own.__module__ = models.__name__
    monkeypatch.setattr(models, "Own", Own, raising=False)
    own = Own(n_classes=4, image_size=16)
    own.arguments = {"n_classes": 4, "image_size": 16}
    watched = watch_training(monkeypatch)
    card = store(clean_data, tmp_path, "Of one's own", model=own, epochs=9)
    model = load_model(card, clean_data)
    images, targets = tensors(clean_data, "test")
    answers = evaluation.predict(model, images).argmax(axis=1)
    found = evaluation.entry([card], [answers], targets.numpy(), clean_data.classes)
    assert (found["network"], found["accuracy"] > 0.7) == ("Own", True)
    trained = watched.call_args.args[0].state_dict()
    assert trained.keys() == model.state_dict().keys()
    assert all(torch.equal(trained[k], v) for k, v in model.state_dict().items())
    assert not model.training


@pytest.mark.parametrize("change", [
    {"lr": 1e-2}, {"epochs": 2}, {"keep": "last"}, {"dtype": torch.bfloat16},
    {"optimizer": torch.optim.SGD},
    {"optimizer": lambda weights, lr: torch.optim.Adam([*weights][2:], lr=lr)},
    {"loss": nn.CrossEntropyLoss(label_smoothing=0.1)},
    {"loss": nn.CrossEntropyLoss(weight=torch.tensor([1.0, 2, 1, 1]))},
    {"arguments": {"dropout": 0.3}},
    {"augment": lambda images: images.float()},
], ids=" ".join)  # fmt: skip
def test_it_trains_again_only_after_a_change(stored, clean_data, change, monkeypatch):
    folder, first = stored
    trained = watch_training(monkeypatch)
    assert store(clean_data, folder)["key"] == first["key"]
    assert not trained.called
    assert store(clean_data, folder, **change)["key"] != first["key"]
    trained.assert_called_once()


def test_changed_code_of_the_networks_trains_again(stored, clean_data, monkeypatch):
    folder, first = stored
    real = models.__loader__.get_source(models.__name__)
    place = "smartclass_utils.training.inspect.getsource"
    monkeypatch.setattr(place, lambda what: f"{real} #")
    assert store(clean_data, folder)["key"] != first["key"]


def test_a_failed_training_or_writing_leaves_the_older(stored, clean_data, monkeypatch):
    folder, first = stored
    with pytest.raises(AttributeError):
        store(clean_data, folder, loss=lambda logits, labels: logits.missing())
    full = OSError(28, "No space left on device")
    monkeypatch.setattr(Path, "replace", Mock(side_effect=full))
    said = refusal(store, clean_data, folder, epochs=2)
    assert "(No space left on device): make room" in said
    assert [file.name for file in folder.iterdir()] == [FILE]
    assert read_card(folder / FILE)["key"] == first["key"]


def test_a_training_that_diverges_is_stored_all_the_same(clean_data, tmp_path):
    card = store(clean_data, tmp_path, lr=1e30, optimizer=torch.optim.SGD, epochs=2)
    assert np.isnan(card["history"]["val_loss"]).tolist() == [True, True]
    assert card["best_epoch"] == 1
    assert load_model(card, clean_data)


def test_functions_are_described_by_their_code_and_what_they_hold():
    assert " at 0x" not in training.describe(object())
    typed, networks = {"k": 1}, []
    code = "def f(x): return x + 1\ndef g(x): return x * 2\n"
    code += "def h(x): return [k for _ in x]"
    exec(code, typed)  # as into a terminal, without a source
    for factor in (2, 3):  # as classes of a notebook
        code = "class Loss(M):\n def __init__(self): super().__init__()\n"
        space = {"__name__": "__main__", "M": nn.Module}
        exec(f"{code} def forward(self, x): return {factor} * x", space)
        networks.append(space["Loss"]())
    adam = torch.optim.Adam([torch.zeros(1)])
    rates = [lambda epoch: 1.0]
    rates.append(lambda epoch: 0.5**epoch)  # alike at first; of another line
    schedules = [torch.optim.lr_scheduler.LambdaLR(adam, rate) for rate in rates]
    means = [torch.optim.swa_utils.get_ema_multi_avg_fn(d) for d in (0.9, 0.99)]
    for one, two in (networks, schedules, means, (typed["f"], typed["g"])):
        assert training.describe(one) != training.describe(two)
    turns, said = [v2.RandomRotation(angle) for angle in (10, 60)], []
    for typed["k"] in (1, 2, *turns, *map(nn.Sequential, turns)):
        said.append(training.describe(typed["h"]))
    assert len({*said}) == 6


def test_the_key_knows_the_order_of_the_images_and_what_is_frozen(clean_data):
    model = small_network(clean_data)
    train = TensorDataset(*tensors(clean_data, "train"))

    def key(**way):
        return training.key_of(model, {"train": DataLoader(train, **way)}, [])

    draws = [WeightedRandomSampler(torch.ones(n), 8) for n in (1, 2)]
    keys = [key(), key(shuffle=True), key(drop_last=True)]
    keys += [key(sampler=draw) for draw in draws]
    train = type("Turned", (TensorDataset,), {"__module__": "__main__"})(*train.tensors)
    keys.append(key())
    model.features.requires_grad_(False)
    assert len({*keys, key()}) == len(keys) + 1


@pytest.mark.parametrize("form", ["pickle", "torch"])
def test_a_payload_is_refused_and_does_not_run(stored, tmp_path, form):
    file, ran = stored[0] / FILE, tmp_path / "ran"
    runs = {"__reduce__": lambda self: (Path.touch, (ran,))}  # when it is unpickled
    payload = type("Payload", (), runs)()
    file.write_bytes(pickle.dumps(payload))
    if form == "torch":
        torch.save(payload, file)
    assert "not a stored network" in refused(file)
    assert not ran.exists()


weights = partial(safetensors.torch.save, {"x": torch.zeros(2)})
NO_CARD = "not a stored network with its card"


@pytest.mark.parametrize(("harm", "message"), [
    (lambda whole: flipped(whole, len(whole) - 100), "changed after it was written"),
    (lambda whole: b"", "cut off"), (lambda whole: whole[:7], "cut off"),
    (lambda whole: whole[:100], "cut off"), (lambda whole: whole[:-100], "cut off"),
    (lambda whole: whole[: len(whole) // 2], "cut off"),
    (lambda _: weights(None), NO_CARD), (lambda _: weights({"card": "{"}), NO_CARD),
    (lambda _: weights({"card": "[" * 10**5}), NO_CARD),
])  # fmt: skip
def test_a_harmed_file_is_refused_by_name(stored, clean_data, harm, message):
    file = stored[0] / FILE
    file.write_bytes(harm(file.read_bytes()))
    assert message in refused(file, clean_data)


@pytest.mark.parametrize("arguments", [
    {"image_size": 10**9}, {"image_size": 0}, {"hidden": 10**12}, {"hidden": -1},
    {"channels": [10**6] * 3}, {"channels": [1] * 10**5}, {"channels": "many"},
    {"channels": [4000] * 3},  # 1.2 GB of weights
    {"n_classes": 0.5}, {"kernel_size": 10**5}, {"dropout": 7}, {"mean": "none"},
    {"unknown": 1},
], ids=lambda arguments: str(arguments)[:30])  # fmt: skip
def test_absurd_arguments_take_no_memory(stored, arguments, monkeypatch):
    folder, first = stored
    file, made = changed(folder, arguments={**first["arguments"], **arguments}), []
    monkeypatch.setattr(nn.Conv2d, "reset_parameters", made.append)
    assert "No ReportCNN can be built with" in refused(file)
    # On "meta" weights have a shape and take no memory.
    assert {layer.weight.device.type for layer in made} <= {"meta"}


@pytest.mark.parametrize(("about", "message"), [
    ({"classes": None}, "does not say 'classes'"),
    ({"arguments": 3}, "does not say 'arguments'"),
    ({"name": "<img src=x>"}, "a name that no chapter writes"),
    ({"classes": [1, 2]}, "a name that no chapter writes"),
    *(({"network": name}, f"There is no network '{name}'")
      for name in ("best", "os.system", "torch", "build", "Tensor")),
    ({"weights": {"features.1.weight": torch.zeros(2, 2)}},
     "does not hold the weights of a ReportCNN"),
    ({"arguments": {"n_classes": 4, "kernel_size": 4}},
     "does not hold the weights of a ReportCNN"),
    ({"classes": ["neutral", "happy"]}, "knows the classes neutral, happy"),
    ({"data": {"name": "x", "fingerprint": "y"}}, "from other images or another"),
], ids=str)  # fmt: skip
def test_a_card_that_cannot_be_is_one_sentence(stored, clean_data, about, message):
    assert message in refused(changed(stored[0], **about), clean_data)


@pytest.mark.parametrize(("part", "change", "said"), [
    ("train", lambda images, labels, data: TensorDataset(images // 2, labels),
     "make the change in chapter 01"),
    *((part, lambda images, labels, data: TensorDataset(*tensors(data, "test")),
       "or dealt anew") for part in ("train", "val")),
    ("train", lambda x, y, data: TensorDataset(*tensors(dealt_anew(data), "train")),
     "or dealt anew"),
    ("train", lambda *both: Subset(TensorDataset(*both[:2]), [0, 2, 3]), ""),
])  # fmt: skip
def test_a_network_may_learn_from_fewer_images_but_no_others(
    clean_data, tmp_path, part, change, said
):
    chosen, lines = change(*tensors(clean_data, part), clean_data), []
    loaders = {part: DataLoader(chosen, 2)}
    card = store(clean_data, tmp_path, loaders=loaders, log=lines.append)
    assert ("will refuse it" in lines[0]) == bool(said)
    assert said in (refused(card["file"], clean_data) if said else "")
    assert said or load_model(card, clean_data)


def test_a_chapter_finds_its_networks_and_forgets_only_those(stored, clean_data):
    folder, first = stored
    none = "no trained network of chapter"
    assert f"{none} 3 in" in refusal(read_cards, folder / "none")
    assert f"{none} 5 in" in refusal(read_cards, folder, chapter=5)
    other = store(clean_data, folder, name="Our own", chapter=5)
    (folder / "cut_seed0.safetensors").write_bytes(b"cut")
    mine = folder / "mine.safetensors"
    mine.write_bytes(b"somebody's own")
    checkpoints.forget_models(folder, chapter=3, but=[])  # nothing trained: all stay
    assert len(list(folder.iterdir())) == 4
    checkpoints.forget_models(folder, chapter=3, but=[other])
    assert mine.read_bytes() == b"somebody's own"
    mine.unlink()
    assert [card["file"] for card in read_cards(folder)] == [other["file"]]
    assert first["file"] != other["file"]


def test_names_in_other_letters_keep_their_own_files(clean_data, tmp_path):
    names = ("Сеть", "Глубокая", "Net [0.3]")
    cards = [store(clean_data, tmp_path, name=name) for name in names]
    assert len({card["file"] for card in cards}) == 3
    assert cards[2]["name"] == "Net (0.3)"
    said = refusal(store, clean_data, tmp_path, name="Net {0.3}")
    assert "holds the network 'Net (0.3)'" in said


def test_images_are_mapped_and_their_rows_are_in_one_split_each(tmp_path):
    classes = ("None", "happy", "null", "sad")  # which all stay text
    data = load_clean(write_clean(tmp_path, classes))
    parts = [data.rows(split) for split in ("train", "val", "test")]
    assert np.sort(np.concatenate(parts)).tolist() == list(range(80))
    assert data.split_sizes() == {"train": 48, "val": 16, "test": 16}
    assert "No split 'dev'" in refusal(data.rows, "dev")
    labels = [classes[k] for k in data.targets]
    assert labels == data.labels["label"].tolist()
    assert isinstance(data.images, np.memmap)
    assert data.images.shape == (80, 16, 16)
    assert data.image_size == 16


@pytest.mark.parametrize(("name", "content"), [
    ("clean.json", b"{"), ("clean.json", b"[]"), ("labels.csv", b""),
    ("labels.csv", b"file,label,split\na,happy,dev\n"), ("images.npy", b""),
    ("images.npy", b"\x80\x04K\x01."),  # a pickle
    *(("clean.json", change) for change in (
        {"name": None}, {"classes": None}, {"classes": ["happy", "sad", 1]},
        {"classes": ["happy"]}, {"classes": ["happy", "sad", "x"]},
        {"name": "<b>"}, {"fingerprint": None})),
], ids=str)  # fmt: skip
def test_a_harmed_or_missing_file_of_a_clean_folder_is_one_sentence(
    tmp_path, name, content
):
    folder = write_clean(tmp_path, classes=("happy", "sad"))
    if isinstance(content, dict):
        content = json.dumps(read_json(folder / name) | content).encode()
    (folder / name).write_bytes(content)
    said = refusal(load_clean, folder)
    assert str(folder) in said and "run chapter 01 again" in said
    (folder / name).unlink()
    when = "first" if name == "clean.json" else "again"
    assert f"run chapter 01 {when}" in refusal(load_clean, folder)
