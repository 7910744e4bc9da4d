"""Which test images to look at, and what the networks say to them."""

from dataclasses import dataclass

import numpy as np
from torch import nn

from smartclass_utils.dataset import CleanData
from smartclass_utils.evaluation import Prediction
from smartclass_utils.explain.activation import activation_maps


@dataclass(frozen=True)
class Example:
    """One test image with the activation map of a network's answer.

    Attributes:
        image: grey values, uint8 (H, W).
        heat: float32 (H, W), 0…1.
        label: the class it carries in the data set.
        predicted: the class that the network answers.
        probability: of that answer, 0…1.
    """

    image: np.ndarray
    heat: np.ndarray
    label: str
    predicted: str
    probability: float

    @property
    def is_right(self) -> bool:
        """Whether answer and label agree."""
        return self.label == self.predicted


def first_trainings(predictions: list[Prediction]) -> dict[str, Prediction]:
    """Return the first stored training of each network, by its title."""
    found: dict[str, Prediction] = {}
    for prediction in predictions:
        found.setdefault(prediction.card["title"], prediction)
    return found


def surest_right(predictions: list[Prediction]) -> list[int | None]:
    """Return one test image a class that all networks get right, the surest.

    Args:
        predictions: of several networks on one test split.

    Returns:
        Positions in the test split, one a class; ``None`` where there is no such image.
    """
    targets = predictions[0].targets
    right = np.all([p.predicted == targets for p in predictions], axis=0)
    sure = np.mean([p.probabilities.max(axis=1) for p in predictions], axis=0)
    found = []
    for k in range(len(predictions[0].classes)):
        which = np.flatnonzero(right & (targets == k))
        found.append(int(which[sure[which].argmax()]) if len(which) else None)
    return found


def surest_wrong(prediction: Prediction, how_many: int) -> list[int | None]:
    """Return the test images that one network gets wrong, the surest first.

    The list is filled up with ``None`` where there are fewer than ``how_many``.
    """
    which = np.flatnonzero(prediction.predicted != prediction.targets)
    sure = prediction.probabilities[which].max(axis=1)
    found = which[np.argsort(-sure, kind="stable")][:how_many].tolist()
    return found + [None] * (how_many - len(found))


def show(
    model: nn.Module,
    data: CleanData,
    prediction: Prediction,
    places: list[int | None],
    method: str,
) -> list[Example | None]:
    """Return an example with its activation map for each place of the test split.

    Args:
        model: the network that ``prediction`` comes from, on the CPU.
        data: the cleaned data set.
        prediction: on the test split of ``data``.
        places: positions in the test split; ``None`` stays ``None``.
        method: of :func:`smartclass_utils.explain.activation.activation_maps`.
    """
    rows = data.rows("test")
    found = []
    for place in places:
        if place is None:
            found.append(None)
            continue
        image = np.array(data.images[rows[place]])
        answer = int(prediction.predicted[place])
        [heat] = activation_maps(model, image[None], np.array([answer]), method)
        found.append(
            Example(
                image=image,
                heat=heat,
                label=data.classes[prediction.targets[place]],
                predicted=data.classes[answer],
                probability=float(prediction.probabilities[place, answer]),
            )
        )
    return found
