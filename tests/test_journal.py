"""Trainings that were stopped go on, and end in the same weights."""

from dataclasses import replace

import pytest
import torch

from smartclass_utils import journal, models
from smartclass_utils.hardware import seed_everything
from smartclass_utils.recipes import STRONG, Recipe
from smartclass_utils.training import fit

CPU = torch.device("cpu")
RECIPES = {
    "report": Recipe(epochs=4, batch_size=8),
    "strong": replace(STRONG, epochs=4, batch_size=8),
}


class StoppedError(Exception):
    """Stands for whatever ends a process."""


def train(data, recipe, folder=None, stop_after=None, seed=3, soft=None):
    lines = []

    def log(line):
        lines.append(line)
        if stop_after and line.startswith(f"Epoch [{stop_after}/"):
            raise StoppedError

    name = "own" if recipe.averaging else "main"
    seed_everything(seed)
    model = models.build(name, len(data.classes), data.image_size)
    return fit(model, data, recipe, seed, CPU, log, soft, folder), lines


def hashes(fitted):
    return [journal.hash_of(m.state_dict()) for m in (fitted.model, fitted.latest)]


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize("stop_after", [2, 4])
def test_a_stopped_training_ends_in_the_same_weights(
    clean_data, tmp_path, name, stop_after
):
    recipe, notes = RECIPES[name], tmp_path / "notes"
    whole, _ = train(clean_data, recipe)
    with pytest.raises(StoppedError):
        train(clean_data, recipe, notes, stop_after)
    torch.manual_seed(99)  # another process begins elsewhere
    resumed, lines = train(clean_data, recipe, notes)
    assert lines[0] == f"Going on after epoch {stop_after - 1}"
    assert hashes(resumed) == hashes(whole)
    assert resumed.history.equals(whole.history)
    assert resumed.best_epoch == whole.best_epoch


def test_a_finished_training_is_not_done_twice(clean_data, tmp_path):
    first, _ = train(clean_data, RECIPES["report"], tmp_path / "notes")
    again, lines = train(clean_data, RECIPES["report"], tmp_path / "notes")
    assert lines == ["Going on after epoch 4"]
    assert hashes(again) == hashes(first)
    assert again.seconds == first.seconds


def test_other_trainings_do_not_take_the_note(clean_data, tmp_path):
    recipe, notes = RECIPES["report"], tmp_path / "notes"
    soft = torch.full((len(clean_data.rows("train")), 4), 0.25)
    labels = clean_data.labels.assign(split=clean_data.labels["split"].to_numpy()[::-1])
    others = [
        {"seed": 4},
        {"recipe": replace(recipe, learning_rate=2e-3)},
        {"soft": soft},
        {"data": replace(clean_data, fingerprint="other")},
        {"data": replace(clean_data, labels=labels)},
    ]
    train(clean_data, recipe, notes)
    usual = {"data": clean_data, "recipe": recipe, "folder": notes}
    for other in others:
        _, lines = train(**{**usual, **other})
        assert "Going on" not in lines[0]
    assert len(list(notes.iterdir())) == 1 + len(others)


@pytest.mark.parametrize("position", [0, 40, 5000, -1])
def test_a_damaged_note_is_not_believed(clean_data, tmp_path, position):
    notes = tmp_path / "notes"
    whole, _ = train(clean_data, RECIPES["report"], notes)
    [note] = notes.iterdir()
    content = bytearray(note.read_bytes())
    content[position] ^= 1
    note.write_bytes(content if position != 5000 else content[:5000])
    assert journal.read_note(note) is None
    again, lines = train(clean_data, RECIPES["report"], notes)
    assert lines[0] == "Saving Checkpoint"
    assert hashes(again) == hashes(whole)


def test_notes_stay_while_a_report_is_at_work(tmp_path, monkeypatch):
    (tmp_path / "notes").mkdir()
    monkeypatch.setenv("SMARTCLASS_STAGE", str(tmp_path / "stage"))
    journal.forget_notes(tmp_path / "notes")
    assert (tmp_path / "notes").exists()
    monkeypatch.delenv("SMARTCLASS_STAGE")
    journal.forget_notes(tmp_path / "notes")
    assert not (tmp_path / "notes").exists()
