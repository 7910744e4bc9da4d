"""What a study trains: the report's recipe, the strong one, and the steps between."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import torch
from torch import nn

from smartclass_utils.models import REPORT_NETWORKS
from smartclass_utils.training import strong_recipe


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
ROWS = {
    **MODELS,
    "40 epochs": Row(partial(report_recipe, epochs=40), 16),
    "one-cycle": Row(bare),
    "augmented": Row(partial(strong, smoothing=0.0, decay=0.0, mean=0.0)),
    "smoothed": Row(partial(strong, decay=0.0, mean=0.0)),
    "decayed": Row(partial(strong, mean=0.0)),
}
CROSS_VALIDATED = ("Main CNN", "Our own")
