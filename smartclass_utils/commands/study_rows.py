"""What a study trains: the report's recipe, the strong one, and the steps between."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from smartclass_utils import beyond
from smartclass_utils.beyond import augment, load_imagenet, load_shipped, strong_recipe
from smartclass_utils.config import IMAGE_SIZE, ROOT, SmartClassError
from smartclass_utils.dataset import CleanData, tensors
from smartclass_utils.models import REPORT_NETWORKS


def report_recipe(model: nn.Module, loaders: dict, epochs: int = 3) -> dict:
    """Return the objects of the report's recipe, named as ``train`` takes them."""
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    return {"optimizer": optimizer, "loss": nn.CrossEntropyLoss(), "epochs": epochs}


@dataclass(frozen=True)
class Row:
    """A network and how it is trained; ``recipe`` takes the model and its loaders."""

    recipe: Callable[[nn.Module, dict], dict] = report_recipe
    batch_size: int = 32
    arguments: dict = field(default_factory=dict)
    network: str = "ReportCNN"
    mirror: bool = False
    image_size: int = IMAGE_SIZE  # pixels
    colour: bool = False
    dtype: torch.dtype | None = None  # of its convolutions; else fast_dtype
    start: Callable[[nn.Module], nn.Module] = lambda model: model  # its first weights
    labels: Callable[[CleanData], CleanData] = lambda data: data  # which are learned
    targets: Callable[[CleanData], Tensor] = lambda data: tensors(data, "train")[1]

    def clean_in(self, base: Path) -> Path:
        """Return the clean folder in a data set's, by size and colour."""
        return base / f"clean{self.image_size}{'colour' * self.colour}"


@dataclass(frozen=True)
class Job:
    """One training of a row, on the frozen split or on another one."""

    folder: Path
    name: str
    row: Row
    seed: int
    split: np.ndarray | None = None


STUDIES = ROOT / "build" / "studies"
COMBINED = STUDIES / "combined" / "models"
COMBINED /= "efficientnet_lite0_imagenet_weights_colour_96_pixels_seed0.safetensors"
strong = partial(strong_recipe, epochs=40)
bare = partial(strong, augment=None, smoothing=0.0, decay=0.0, mean=0.0)
REPORT = {name: Row(report_recipe, 16, how) for name, how in REPORT_NETWORKS.items()}
MODELS = {
    **REPORT,
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
own = partial(Row, network="ResidualCNN", mirror=True)


def load_combined(network: nn.Module) -> nn.Module:
    """Give a network's features what the set "before" learned on *combined*."""
    if not COMBINED.exists():
        command = "`python -m smartclass_utils study combined --rows before --seeds 1`"
        raise SmartClassError(f"There is no {COMBINED}: run {command} first.")
    return load_shipped(network, COMBINED)


fine = partial(strong, epochs=15, rate=1e-3)
lite = partial(Row, fine, network="EfficientNetLite0", mirror=True, image_size=160)
lite = partial(lite, colour=True, dtype=torch.float32)  # which is the quicker for it
many = partial(strong, epochs=20)
wider = own(many, arguments={"channels": beyond.SHIPPED_CHANNELS})
stronger = partial(
    augment, degrees=10.0, shift=0.08, scale=0.12, contrast=0.2, erase=0.5
)


def balanced(model: nn.Module, loaders: dict, epochs: int = 55) -> dict:
    """Return the strong recipe with as much weight for a small class as for a large."""
    counts = torch.bincount(loaders["train"].dataset.tensors[1])  # (K,)
    weight = (counts.sum() / counts / len(counts)).to(next(model.parameters()))
    loss = nn.CrossEntropyLoss(weight, label_smoothing=0.1)
    return {**strong_recipe(model, loaders, epochs, augment=stronger), "loss": loss}


def majority(data: CleanData) -> CleanData:
    """Return the images on whose label half of FER+'s voters agree, under that label.

    Barsoum et al. 2016; others, and what is no face, are in no split.
    """
    votes = data.labels.filter(like="votes_")
    if votes.empty:
        raise SmartClassError(f"{data.name} has no columns votes_…: FER+'s are needed.")
    votes = votes.rename(columns=lambda name: name.removeprefix("votes_")).astype(int)
    label, most = votes.idxmax(axis=1), votes.max(axis=1)
    agreed = (most >= votes.sum(axis=1) / 2) & (votes.eq(most, axis=0).sum(axis=1) == 1)
    split = data.labels["split"].where(agreed & ~label.isin(["unknown", "nf"]), "")
    table = data.labels.assign(label=label, split=split)
    classes = tuple(sorted(set(label[split != ""])))
    return replace(data, name="ferplus", labels=table, classes=classes)


def vote_shares(data: CleanData) -> Tensor:
    """Return how FER+'s voters shared out the images to learn from, float (n, K)."""
    votes = data.labels[[f"votes_{name}" for name in data.classes]].astype("float32")
    votes = torch.from_numpy(votes.to_numpy()[data.rows("train")])
    return votes / votes.sum(dim=1, keepdim=True)


SETS = {  # of rows that a study can train: name → rows
    "base": {
        **MODELS,
        "40 epochs": Row(partial(report_recipe, epochs=40), 16),
        "one-cycle": Row(bare),
        "augmented": Row(partial(strong, smoothing=0.0, decay=0.0, mean=0.0)),
        "smoothed": Row(partial(strong, decay=0.0, mean=0.0)),
        "decayed": Row(partial(strong, mean=0.0)),
    },
    "report": REPORT,
    "large": {  # for tens of thousands of images: fewer epochs, and a wider network
        **{n: replace(r, recipe=many) for n, r in MODELS.items() if "strong" in n},
        "Our own": own(many),
        "Our own, wider": wider,
    },
    "longer": {  # about an hour of one core; the first maps, which cost most, are few
        f"Our own, wider later, {n} epochs": own(
            partial(strong, epochs=n, augment=stronger),
            batch_size=64,
            arguments={"channels": (32, 96, 192, 192)},
        )
        for n in (52, 56)
    },
    "votes": {
        "Our own, majority of the votes": own(many, labels=majority),
        "Our own, shares of the votes": own(
            partial(many, smoothing=0.0), labels=majority, targets=vote_shares
        ),
    },
    "shipped": {
        "Our own, wider, balanced": replace(wider, recipe=balanced, batch_size=64)
    },
    # What weights from ImageNet, colour and size give, each told from the others.
    "transfer": {
        "Our own, grey, 48 pixels": own(strong),
        "Our own, colour, 48 pixels": own(strong, colour=True),
        "EfficientNet-Lite0, ImageNet weights, colour, 160 pixels": lite(
            start=load_imagenet
        ),
    },
    "before": {  # on combined, to start from on rgb96
        "EfficientNet-Lite0, ImageNet weights, colour, 96 pixels": replace(
            lite(start=load_imagenet),
            recipe=partial(fine, epochs=10, augment=stronger),
            batch_size=64,
            image_size=96,
        )
    },
    "further": {
        "EfficientNet-Lite0, ImageNet weights, then combined, colour, 160 pixels": lite(
            start=load_combined
        )
    },
    "parts": {  # of the way there; they take as long again
        "Our own, colour, 96 pixels": own(strong, colour=True, image_size=96),
        "EfficientNet-Lite0, from scratch, colour, 160 pixels": lite(),
        "EfficientNet-Lite0, ImageNet weights, last layer trained": lite(
            start=load_imagenet, arguments={"frozen": True}
        ),
    },
    "started": {  # 20 epochs from random weights, and from those that ship
        "Our own, wider": wider,
        "Our own, wider, from shipped weights": replace(wider, start=load_shipped),
    },
    "formats": {
        f"Our own in {name}": own(strong, dtype=getattr(torch, name))
        for name in ("float32", "bfloat16")
    },
}
