"""What is trained beyond the report: each step, and what it changes."""

from dataclasses import dataclass, field, replace

from smartclass_utils.config import IMAGE_SIZE
from smartclass_utils.models import REPORT_MODELS, TITLES
from smartclass_utils.recipes import STRONG, Recipe


@dataclass(frozen=True)
class Step:
    """One way of training one network.

    Attributes:
        name: short, for file names.
        title: for tables.
        model: name in :data:`smartclass_utils.models.MODELS`.
        recipe: how to train.
        changes: arguments of the network that differ from the model's own.
        image_size: pixels, height and width.
        start: "fresh" weights, "pretrained" on other data of ours, or "imagenet".
        teacher: the step whose ensemble gives the targets, or "".
        chooses: whether it serves a choice, so that no test image may be looked at.
    """

    name: str
    title: str
    model: str
    recipe: Recipe
    changes: dict = field(default_factory=dict)
    image_size: int = IMAGE_SIZE
    start: str = "fresh"
    teacher: str = ""
    chooses: bool = False


OWN = Step("own", TITLES["own"], "own", STRONG)

# The report's recipe becomes the strong one; the network stays the main CNN.
LONG = replace(
    Recipe(keep="last"),
    epochs=STRONG.epochs,
    learning_rate=STRONG.learning_rate,
    batch_size=STRONG.batch_size,
    schedule=STRONG.schedule,
)
AUGMENTED = replace(LONG, augmentation=STRONG.augmentation)
LADDER = (
    Step("main_long", "40 epochs, one-cycle", "main", LONG),
    Step("main_augmented", "augmentation", "main", AUGMENTED),
)

REPORT_RECIPE = tuple(Step(n, TITLES[n], n, Recipe()) for n in REPORT_MODELS)
STRONG_RECIPE = tuple(
    Step(f"{n}_strong", f"{TITLES[n]}, strong recipe", n, STRONG) for n in REPORT_MODELS
)
DISTILLED = replace(
    OWN, name="own_distilled", title="Our own, distilled", teacher="own"
)
# First other data, for a quarter as long, then the data at hand, in smaller steps.
PRETRAINING = replace(
    OWN, name="pretraining", recipe=replace(STRONG, epochs=STRONG.epochs // 4)
)
PRETRAINED = replace(
    OWN,
    name="own_pretrained",
    title="Our own, pretrained",
    recipe=replace(STRONG, learning_rate=STRONG.learning_rate / 2),
    start="pretrained",
)
TRANSFER = Step(
    "resnet18",
    "ResNet-18, weights from ImageNet",
    "resnet18",
    replace(STRONG, epochs=10, learning_rate=5e-4),
    start="imagenet",
)

# What might help, tried on the validation split only.
FAR = replace(
    STRONG.augmentation, degrees=10.0, shift=0.06, scale=0.1, contrast=0.2, erase=0.5
)
STILL = replace(STRONG.augmentation, degrees=0.0, shift=0.0, scale=0.0)


def other(name: str, title: str, **changes) -> Step:
    """Return our own step with one thing changed."""
    return replace(OWN, name=f"own_{name}", title=title, chooses=True, **changes)


ALTERNATIVES = (
    other("64px", "64 pixels instead of 48", image_size=64),
    other("wide", "half as many channels again", changes={"channels": (48, 96, 192)}),
    other("deep", "a fourth block", changes={"channels": (32, 64, 128, 128)}),
    other("hidden", "a second connected layer", changes={"hidden": 128}),
    other("mean", "mean over places", changes={"average": True}),
    other("imagenet", "ImageNet's mean and sd", changes={"normalisation": "imagenet"}),
    other("far", "twice the augmentation", recipe=replace(STRONG, augmentation=FAR)),
    other(
        "still",
        "no turning, moving, scaling",
        recipe=replace(STRONG, augmentation=STILL),
    ),
    other("balanced", "equal class weights", recipe=replace(STRONG, balance=1.0)),
)
