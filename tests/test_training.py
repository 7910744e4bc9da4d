import hashlib
import re

import pytest
import torch

from smartclass_utils import models
from smartclass_utils.config import SmartClassError
from smartclass_utils.training import (
    Batches,
    Recipe,
    environment,
    fit,
    predict_logits,
    seed_everything,
)

CPU = torch.device("cpu")


def train(data, seed=0, epochs=3, log=lambda line: None):
    seed_everything(seed)
    model = models.build("main", len(data.classes), data.image_size)
    return fit(model, data, Recipe(epochs=epochs, batch_size=8), seed, CPU, log)


def hash_of(model):
    state = b"".join(v.numpy().tobytes() for v in model.state_dict().values())
    return hashlib.sha256(state).hexdigest()


def test_loss_falls_and_easy_classes_are_learned(clean_data):
    result = train(clean_data, epochs=6)
    losses = result.history.train_loss.tolist()
    assert losses[-1] < 0.7 * losses[0]
    assert result.history.val_accuracy.max() >= 0.9


def test_same_seed_same_weights(clean_data):
    first, second = train(clean_data, seed=3), train(clean_data, seed=3)
    assert hash_of(first.model) == hash_of(second.model)
    assert first.history.equals(second.history)
    assert hash_of(train(clean_data, seed=4).model) != hash_of(first.model)


def test_best_epoch_is_kept(clean_data):
    result = train(clean_data, epochs=4)
    losses = result.history.val_loss
    assert result.best_epoch == losses.idxmin() + 1
    batches = Batches(clean_data, "val", CPU)
    loss = torch.nn.functional.cross_entropy(
        predict_logits(result.model, batches), batches.targets
    )
    assert float(loss) == pytest.approx(losses.min(), abs=1e-5)


def test_terminal_lines_have_the_form_of_the_report(clean_data):
    lines = []
    train(clean_data, epochs=1, log=lines.append)
    assert lines[0] == "Saving Checkpoint"
    pattern = r"Epoch \[1/1\], Validation Loss: \d\.\d{4}, Validation Accuracy: .*%$"
    assert re.match(pattern, lines[1])


def test_test_split_is_never_touched(clean_data):
    seen = []
    rows = clean_data.rows

    class Watched(type(clean_data)):
        def rows(self, split):
            seen.append(split)
            return rows(split)

    watched = Watched(**vars(clean_data))
    train(watched, epochs=1)
    assert set(seen) == {"train", "val"}


def test_shuffled_batches_show_every_image_once(clean_data):
    batches = Batches(clean_data, "train", CPU)
    generator = torch.Generator().manual_seed(0)
    seen = [images for images, _ in batches.shuffled(7, generator)]
    assert [len(part) for part in seen] == [7] * 6 + [6]
    shown = sorted(image.numpy().tobytes() for image in torch.cat(seen))
    wanted = sorted(
        clean_data.images[row].tobytes() for row in clean_data.rows("train")
    )
    assert shown == wanted


@pytest.mark.parametrize("field", ["epochs", "batch_size", "learning_rate"])
def test_recipe_refuses_zero(field):
    with pytest.raises(SmartClassError, match=f"{field.upper()}=0 trains nothing"):
        Recipe(**{field: 0})


def test_environment_names_versions_and_device():
    found = environment(CPU)
    assert torch.__version__.startswith(found["torch"].split("+")[0])
    assert found["device"].startswith("CPU, ")
