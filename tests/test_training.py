import re
from dataclasses import replace

import pytest
import torch

from smartclass_utils import journal, models
from smartclass_utils.augmentation import Augmentation
from smartclass_utils.batches import Batches, predict_logits
from smartclass_utils.config import SmartClassError
from smartclass_utils.hardware import environment, seed_everything
from smartclass_utils.recipes import Recipe
from smartclass_utils.training import Training, class_weights, fit, quiet

CPU = torch.device("cpu")


def train(data, seed=0, epochs=3, log=quiet):
    seed_everything(seed)
    model = models.build("main", len(data.classes), data.image_size)
    return fit(model, data, Recipe(epochs=epochs, batch_size=8), seed, CPU, log)


def hash_of(model):
    return journal.hash_of(model.state_dict())


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
    seen = [batches.take(which)[0] for which in batches.shuffled(7, generator)]
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


STRONG = Recipe(
    epochs=6,
    batch_size=8,
    learning_rate=3e-3,
    schedule="one-cycle",
    weight_decay=0.05,
    label_smoothing=0.1,
    averaging=0.9,
    keep="last",
    augmentation=Augmentation(),
)


def test_strong_recipe_learns_repeatably_and_keeps_the_last_epoch(clean_data):
    results = []
    for _ in range(2):
        seed_everything(1)
        model = models.build("own", 4, clean_data.image_size, channels=(8, 16))
        results.append(fit(model, clean_data, STRONG, 1, CPU, quiet))
    assert hash_of(results[0].model) == hash_of(results[1].model)
    assert results[0].best_epoch == STRONG.epochs
    assert results[0].history.train_loss.iloc[-1] < results[0].history.train_loss[0]


def test_one_cycle_rises_for_a_fifth_and_falls_to_nothing(clean_data):
    model = models.build("main", 4, clean_data.image_size)
    training = Training(model, Batches(clean_data, "train", CPU), STRONG, 0)
    rates = []
    for _ in range(training.steps):
        rates.append(training.optimiser.param_groups[0]["lr"])
        training.optimiser.step()
        if len(rates) < training.steps:
            training.schedule.step()
    assert max(rates) == pytest.approx(3e-3, rel=0.02)
    assert abs(rates.index(max(rates)) / len(rates) - 0.2) < 0.05
    assert rates[0] == pytest.approx(3e-4) and rates[-1] < 1e-5


def test_running_mean_of_the_weights_is_what_is_kept(clean_data):
    seed_everything(0)
    model = models.build("main", 4, clean_data.image_size)
    recipe = replace(STRONG, epochs=1)
    training = Training(model, Batches(clean_data, "train", CPU), recipe, 0)
    training.one_epoch()
    name = "classifier.5.weight"
    latest, mean = (m.state_dict()[name] for m in (training.model, training.result))
    assert not torch.equal(latest, mean)
    fresh = models.build("main", 4, clean_data.image_size)
    kept = fit(fresh, clean_data, recipe, 0, CPU, quiet).model
    assert all(torch.isfinite(v).all() for v in kept.state_dict().values())


def test_balance_weighs_every_class_the_same():
    targets = torch.tensor([0] * 30 + [1] * 10)
    assert class_weights(targets, 2, 0).tolist() == [1, 1]
    even = class_weights(targets, 2, 1)
    assert float(even[0] * 30) == pytest.approx(float(even[1] * 10))
    assert float(even[0] * 30 + even[1] * 10) == pytest.approx(40)


def test_soft_targets_take_the_place_of_the_labels(clean_data):
    n = len(clean_data.rows("train"))
    turned = torch.eye(4)[(torch.tensor(clean_data.targets[:n]) * 0 + 2)]
    seed_everything(0)
    model = models.build("main", 4, clean_data.image_size)
    fitted = fit(model, clean_data, Recipe(batch_size=8), 0, CPU, quiet, turned)
    logits = predict_logits(fitted.model, Batches(clean_data, "test", CPU))
    assert (logits.argmax(1) == 2).all()


def test_flip_answers_the_same_for_an_image_and_its_mirror_image(clean_data):
    model = models.build("main", 4, clean_data.image_size)
    mirrored = replace(clean_data, images=clean_data.images[:, :, ::-1].copy())
    first, second = (
        predict_logits(model, Batches(data, "test", CPU), flip=True)
        for data in (clean_data, mirrored)
    )
    assert torch.allclose(first, second, atol=1e-5)


def test_unknown_schedule_is_refused_in_a_sentence():
    with pytest.raises(SmartClassError, match="No schedule 'cosine'"):
        Recipe(schedule="cosine")
