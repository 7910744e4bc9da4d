import io
import json
import pickle
import zipfile
from dataclasses import asdict
from pathlib import Path

import pytest
import torch
from test_training import train

from smartclass_utils.checkpoints import (
    forget_models,
    load_model,
    read_cards,
    save_model,
)
from smartclass_utils.config import SmartClassError
from smartclass_utils.files import sha256
from smartclass_utils.models import build
from smartclass_utils.recipes import Recipe


@pytest.fixture
def stored(clean_data, tmp_path):
    folder = tmp_path / "models"
    result = train(clean_data, epochs=1)
    save_model(folder, "main", 0, result, Recipe(epochs=1), clean_data)
    return folder, result


def test_weights_come_back_bit_for_bit(stored, clean_data):
    folder, result = stored
    [card] = read_cards(folder)
    model = load_model(folder, card, clean_data)
    for name, value in result.model.state_dict().items():
        assert torch.equal(model.state_dict()[name], value)
    assert not model.training


def test_card_says_what_the_model_is(stored, clean_data):
    card = json.loads((stored[0] / "main_seed0.json").read_text(encoding="utf-8"))
    assert card["classes"] == list(clean_data.classes)
    assert card["architecture"] == "ReportCNN"
    assert card["recipe"] == asdict(Recipe(epochs=1))
    assert card["data"]["fingerprint"] == clean_data.fingerprint
    assert len(card["history"]["val_loss"]) == 1


def test_flipped_byte_is_refused_by_name(stored, clean_data):
    folder, _ = stored
    weights = folder / "main_seed0.pt"
    content = bytearray(weights.read_bytes())
    content[len(content) // 2] ^= 1
    weights.write_bytes(content)
    with pytest.raises(SmartClassError, match=r"main_seed0\.pt is missing or not"):
        load_model(folder, read_cards(folder)[0], clean_data)


def with_weights(folder, content):
    """Put other bytes in the place of the weights, and their hash into the card."""
    weights = folder / "main_seed0.pt"
    weights.write_bytes(content)
    return {**read_cards(folder)[0], "weights_sha256": sha256(weights)}


def refused(folder, card, data=None):
    """Return the one sentence with which a card's weights are refused."""
    with pytest.raises(SmartClassError) as caught:
        load_model(folder, card, data)
    assert str(folder / "main_seed0.pt") in str(caught.value)
    assert "\n" not in str(caught.value)
    return str(caught.value)


class Payload:
    """Writes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.write_text, (self.path, "it ran")


@pytest.mark.parametrize("form", ["pickle", "old torch", "torch", "with weights"])
def test_a_payload_is_refused_and_does_not_run(stored, tmp_path, form):
    folder, result = stored
    payload, buffer = Payload(tmp_path / "ran"), io.BytesIO()
    content = {**result.model.state_dict(), "x": payload}
    if form == "pickle":
        pickle.dump(payload, buffer)
    elif form == "old torch":
        torch.save(payload, buffer, _use_new_zipfile_serialization=False)
    else:
        torch.save(content if form == "with weights" else payload, buffer)
    message = refused(folder, with_weights(folder, buffer.getvalue()))
    assert "does not hold the weights" in message or "no file of weights" in message
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("keep", [0, 100, 0.5, 0.999])
def test_a_cut_file_is_refused_by_name(stored, keep):
    folder, _ = stored
    whole = (folder / "main_seed0.pt").read_bytes()
    cut = whole[: keep if keep > 1 else int(keep * len(whole))]
    assert "no file of weights" in refused(folder, with_weights(folder, cut))
    (folder / "main_seed0.pt").write_bytes(cut)
    card = read_cards(folder)[0]
    assert "not the file that its card describes" in refused(folder, card)


def test_weights_of_another_network_are_refused(stored):
    folder, _ = stored
    buffer = io.BytesIO()
    torch.save(build("variant2", 4, 16).state_dict(), buffer)
    card = with_weights(folder, buffer.getvalue())
    assert "does not hold the weights of a ReportCNN" in refused(folder, card)


def test_a_file_that_unpacks_to_more_than_its_network_is_refused(stored):
    folder, _ = stored
    weights = folder / "main_seed0.pt"
    with zipfile.ZipFile(weights, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data/bomb", bytes(2**24))
    card = with_weights(folder, weights.read_bytes())
    assert "where its network has" in refused(folder, card)


def test_other_classes_are_refused(stored, clean_data):
    folder, _ = stored
    card = read_cards(folder)[0]
    card["classes"] = card["classes"][::-1]
    assert "trained for other classes (neutral, " in refused(folder, card, clean_data)


@pytest.mark.parametrize(
    "arguments",
    [
        {"image_size": 10**9},
        {"image_size": 0},
        {"channels": [10**6] * 3},
        {"channels": [1] * 10**5},
        {"channels": [4000] * 3},  # 1.2 GB of weights
        {"channels": "many"},
        {"hidden": 10**12},
        {"hidden": -1},
        {"n_classes": 0.5},
        {"kernel_size": 10**5},
        {"dropout": 7},
        {"normalisation": "none"},
        {"unknown": 1},
    ],
    ids=lambda arguments: str(arguments)[:30],
)
def test_absurd_arguments_are_refused_before_memory_is_taken(
    stored, arguments, monkeypatch
):
    folder, _ = stored
    card = read_cards(folder)[0]
    card["arguments"].update(arguments)
    devices = set()
    monkeypatch.setattr(
        torch.nn.Conv2d,
        "reset_parameters",
        lambda layer: devices.add(layer.weight.device.type),
    )
    assert "no ReportCNN can be built with" in refused(folder, card)
    assert devices <= {"meta"}  # where weights have a shape and take no memory


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda card: "{", "cannot be read as a JSON object"),
        (lambda card: "\xff", "cannot be read as a JSON object"),
        (lambda card: "[" * 10**5, "cannot be read as a JSON object"),
        (lambda card: json.dumps([card]), "cannot be read as a JSON object"),
        (lambda card: card.pop("classes"), "does not say 'classes'"),
        (lambda card: card.update(arguments=3), "does not say 'arguments'"),
        (lambda card: card.update(weights="../../x.pt"), "not its own (../../x.pt)"),
        (lambda card: card.update(weights="/etc/hosts"), "not its own (/etc/hosts)"),
        (lambda card: card.update(title="<img src=x>"), "a name that chapter 03 does"),
        (lambda card: card.update(classes=[1, 2]), "a name that chapter 03 does"),
    ],
)
def test_a_card_that_is_none_is_one_sentence(stored, change, message):
    file = stored[0] / "main_seed0.json"
    card = json.loads(file.read_text(encoding="utf-8"))
    changed = change(card)
    text = changed if isinstance(changed, str) else json.dumps(card)
    file.write_text(text, encoding="latin-1")
    with pytest.raises(SmartClassError) as caught:
        read_cards(stored[0])
    assert str(caught.value).startswith(str(file))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_other_data_is_refused(stored, clean_data):
    folder, _ = stored
    card = read_cards(folder)[0]
    card["data"]["fingerprint"] = "another"
    with pytest.raises(SmartClassError, match="trained on other data"):
        load_model(folder, card, clean_data)


def test_swapped_architecture_is_refused(stored, clean_data):
    folder, _ = stored
    card = read_cards(folder)[0]
    card["arguments"]["kernel_size"] = 4
    with pytest.raises(SmartClassError, match="does not hold the weights"):
        load_model(folder, card, clean_data)


def test_no_model_names_the_chapter_to_run(stored, tmp_path):
    with pytest.raises(SmartClassError, match="run chapter 03 first"):
        read_cards(tmp_path)
    forget_models(stored[0])
    assert list(stored[0].iterdir()) == []
