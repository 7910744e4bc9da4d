"""What a study trains: the report's recipe, the strong one, and the steps between."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

import torch
from torch import nn

from smartclass_utils.config import IMAGE_SIZE
from smartclass_utils.models import REPORT_NETWORKS
from smartclass_utils.training import strong_recipe
from smartclass_utils.transfer import load_imagenet


def report_recipe(model: nn.Module, loaders: dict, epochs: int = 3) -> dict:
    """Return the objects of the report's recipe, named as ``train`` takes them."""
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    return {"optimizer": optimizer, "loss": nn.CrossEntropyLoss(), "epochs": epochs}


@dataclass(frozen=True)
class Row:
    """A network and how it is trained; ``recipe`` takes the model and its loaders."""

    recipe: Callable[[nn.Module, dict], dict]
    batch_size: int = 32
    arguments: dict = field(default_factory=dict)
    network: str = "ReportCNN"
    mirror: bool = False
    image_size: int = IMAGE_SIZE  # pixels
    colour: bool = False
    start: Callable[[nn.Module], nn.Module] = lambda model: model  # its first weights


strong = partial(strong_recipe, epochs=40)
bare = partial(strong, augment=None, smoothing=0.0, decay=0.0, mean=0.0)
MODELS = {
    **{name: Row(report_recipe, 16, how) for name, how in REPORT_NETWORKS.items()},
    **{
        f"{name}, strong recipe": Row(strong, arguments=how, mirror=True)
        for name, how in REPORT_NETWORKS.items()
    },
    "Our own": Row(strong, network="ResidualCNN", mirror=True),
}
# The step, the training that shows it, and whether that sees the mirror image, too.
LADDER = (
    ("the report's recipe", "Main CNN", False),
    ("40 epochs instead of 3", "40 epochs", False),
    ("one-cycle rate up to 0.003, batches of 32, last epoch", "one-cycle", False),
    ("augmentation", "augmented", False),
    ("label smoothing", "smoothed", False),
    ("weight decay", "decayed", False),
    ("running mean of the weights", "Main CNN, strong recipe", False),
    ("mirror image at test time", "Main CNN, strong recipe", True),
    ("our own network", "Our own", True),
)
STEPS = {
    "40 epochs": Row(partial(report_recipe, epochs=40), 16),
    "one-cycle": Row(bare),
    "augmented": Row(partial(strong, smoothing=0.0, decay=0.0, mean=0.0)),
    "smoothed": Row(partial(strong, decay=0.0, mean=0.0)),
    "decayed": Row(partial(strong, mean=0.0)),
}
# What weights from ImageNet, colour and size give, each told from the others.
own = partial(Row, network="ResidualCNN", mirror=True)


def fine(model: nn.Module, loaders: dict, epochs: int = 15) -> dict:
    """Return the strong recipe at a lower rate; here float32 is the quicker one."""
    return {**strong_recipe(model, loaders, epochs, rate=1e-3), "dtype": torch.float32}


lite = partial(
    Row, fine, network="EfficientNetLite0", mirror=True, image_size=160, colour=True
)
TRANSFER = {
    "Our own, grey, 48 pixels": own(strong),
    "Our own, colour, 48 pixels": own(strong, colour=True),
    "EfficientNet-Lite0, ImageNet weights, colour, 160 pixels": lite(
        start=load_imagenet
    ),
}
PARTS = {  # of the way there; they take as long again
    "Our own, colour, 96 pixels": own(strong, colour=True, image_size=96),
    "EfficientNet-Lite0, from scratch, colour, 160 pixels": lite(),
    "EfficientNet-Lite0, ImageNet weights, last layer alone trained": lite(
        start=load_imagenet, arguments={"frozen": True}
    ),
    "EfficientNet-Lite0, ImageNet weights, grey, 160 pixels": lite(
        start=load_imagenet, colour=False
    ),
}
# For tens of thousands of images: fewer epochs, and a wider network beside ours.
many = partial(strong, epochs=20)
wide = {"channels": (48, 96, 192, 192)}
wider = Row(partial(strong, epochs=30), 32, wide, "ResidualCNN", mirror=True)
LARGE = {
    **{name: MODELS[name] for name in REPORT_NETWORKS},
    "Main CNN, strong recipe": Row(many, mirror=True),
    "Our own": own(many),
    "Our own, wider": wider,
}


def balanced(model: nn.Module, loaders: dict, epochs: int = 30) -> dict:
    """Return the strong recipe with as much weight for a small class as for a large."""
    counts = torch.bincount(loaders["train"].dataset.tensors[1])  # (K,)
    weight = (counts.sum() / counts / len(counts)).to(next(model.parameters()))
    loss = nn.CrossEntropyLoss(weight, label_smoothing=0.1)
    return {**strong_recipe(model, loaders, epochs), "loss": loss}


# The sets of rows that a study can train: name → rows.
SETS = {
    "base": MODELS | STEPS,
    "report": {name: MODELS[name] for name in REPORT_NETWORKS},
    "large": LARGE,
    "shipped": {"Our own, wider, balanced": replace(wider, recipe=balanced)},
    "transfer": TRANSFER,
    "parts": PARTS,
}
CROSS_VALIDATED = ("Main CNN", "Our own")
