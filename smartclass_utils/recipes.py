"""How networks are trained: the report's recipe, and a stronger one."""

from dataclasses import dataclass

import pandas as pd

from smartclass_utils.augmentation import Augmentation
from smartclass_utils.config import SmartClassError

SCHEDULES = ("constant", "one-cycle")


@dataclass(frozen=True)
class Recipe:
    """How a network is trained. The defaults are the report's recipe.

    Attributes:
        epochs: passes over the training images.
        learning_rate: of Adam; with "one-cycle", the highest of the course.
        batch_size: images in a step.
        schedule: "constant", or "one-cycle": the rate rises from a tenth for a fifth
            of the steps and then falls to nothing (Smith and Topin 2018).
        weight_decay: share of every weight taken off a step, times the rate (AdamW,
            Loshchilov and Hutter 2019); biases and batch normalisation are spared.
        label_smoothing: share of the target spread over all classes (Szegedy et al.
            2016).
        balance: 0 weighs every image the same; 1 weighs every class the same.
        averaging: 0, or the decay of a running mean of the weights, which is then
            what is kept (Polyak and Juditsky 1992).
        keep: "best" keeps the epoch of the lowest validation loss, "last" the last.
        flip_test: when predicting, average over the image and its mirror image.
        augmentation: random changes of the training images, or none.
        mixed_precision: convolve in bfloat16 where the hardware has it.
    """

    epochs: int = 3
    learning_rate: float = 1e-3
    batch_size: int = 16
    schedule: str = "constant"
    weight_decay: float = 0.0
    label_smoothing: float = 0.0
    balance: float = 0.0
    averaging: float = 0.0
    keep: str = "best"
    flip_test: bool = False
    augmentation: Augmentation | None = None
    mixed_precision: bool = True

    def __post_init__(self):
        for name in ("epochs", "learning_rate", "batch_size"):
            value = getattr(self, name)
            if not value > 0:
                raise SmartClassError(
                    f"{name.upper()}={value} trains nothing: give a number above 0."
                )
        if self.schedule not in SCHEDULES:
            raise SmartClassError(
                f"No schedule '{self.schedule}'; choose from {', '.join(SCHEDULES)}."
            )


# Chosen on validation images, see chapter 5.
STRONG = Recipe(
    epochs=40,
    learning_rate=3e-3,
    batch_size=32,
    schedule="one-cycle",
    weight_decay=0.05,
    label_smoothing=0.1,
    averaging=0.99,
    keep="last",
    flip_test=True,
    augmentation=Augmentation(),
)


def side_by_side(recipes: dict[str, Recipe]) -> pd.DataFrame:
    """Return recipes as a table, one row a setting, one column a recipe."""
    table = {}
    for title, recipe in recipes.items():
        how = recipe.augmentation
        table[title] = {
            "epochs": recipe.epochs,
            "highest learning rate": recipe.learning_rate,
            "images in a step": recipe.batch_size,
            "course of the rate": recipe.schedule,
            "weight decay": recipe.weight_decay or "none",
            "label smoothing": recipe.label_smoothing or "none",
            "augmentation": how.in_words() if how else "none",
            "running mean of the weights": recipe.averaging or "none",
            "weights that are kept": f"{recipe.keep} epoch",
            "mirror image at test time": "yes" if recipe.flip_test else "no",
        }
    return pd.DataFrame(table).astype(str)
