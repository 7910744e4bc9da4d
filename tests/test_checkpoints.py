import json
from dataclasses import asdict

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
