"""What the stored networks say about validation and test images, as logits."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from smartclass_utils.batches import Batches, predict_logits, softmax
from smartclass_utils.checkpoints import flips, load_model, read_cards
from smartclass_utils.dataset import CleanData
from smartclass_utils.hardware import pick_device


@dataclass(frozen=True)
class Output:
    """One trained network on the validation and the test split.

    Attributes:
        card: the network's card.
        val, test: logits, float32 (n, K).
        val_targets, test_targets: true class indices, int64 (n,).
    """

    card: dict
    val: np.ndarray
    test: np.ndarray
    val_targets: np.ndarray
    test_targets: np.ndarray

    @property
    def right(self) -> np.ndarray:
        """Whether each test image was classified correctly, bool (n,)."""
        return self.test.argmax(axis=1) == self.test_targets


def read_outputs(folder: Path, data: CleanData) -> list[Output]:
    """Run every network stored in ``folder`` on the val and test split of ``data``."""
    device = pick_device()
    splits = {name: Batches(data, name, device) for name in ("val", "test")}
    targets = {name: data.targets[data.rows(name)] for name in splits}
    outputs = []
    for card in read_cards(folder):
        model = load_model(folder, card, data).to(device)
        logits = {
            name: predict_logits(model, part, flips(card))
            for name, part in splits.items()
        }
        outputs.append(
            Output(
                card,
                logits["val"].numpy(),
                logits["test"].numpy(),
                targets["val"],
                targets["test"],
            )
        )
    return outputs


def by_model(outputs: list[Output]) -> dict[str, list[Output]]:
    """Return the trainings of each network under its title, in order."""
    titles = dict.fromkeys(output.card["title"] for output in outputs)
    return {t: [o for o in outputs if o.card["title"] == t] for t in titles}


def vote(trainings: list[Output]) -> np.ndarray:
    """Return the answer of a network's trainings together, int64 (n,).

    Their probabilities are averaged; the largest mean decides. Two trainings that
    disagree never end in a tie, as they can in a count of votes.
    """
    return np.mean([softmax(o.test) for o in trainings], axis=0).argmax(axis=1)
