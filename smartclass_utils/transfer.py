"""Transfer learning: a network that has seen a million photographs of other things."""

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models import ResNet18_Weights, resnet18

from smartclass_utils.config import IMAGE_SIZE
from smartclass_utils.layers import NORMALISATIONS, Standardise

WEIGHTS = ResNet18_Weights.IMAGENET1K_V1
SIDE = 96  # pixels; of a smaller image little would be left after five halvings


class TransferCNN(nn.Module):
    """torchvision's ResNet-18 with a last layer for our classes (He et al. 2016).

    Args:
        n_classes: number of classes, K.
        image_size: taken for the sake of the other networks; any size does.
        normalisation: likewise; the weights want ImageNet's.
    """

    def __init__(
        self,
        n_classes: int,
        image_size: int = IMAGE_SIZE,
        normalisation: str = "imagenet",
    ):
        super().__init__()
        self.standardise = Standardise(*NORMALISATIONS["imagenet"])
        network = resnet18(weights=None)
        names = list(dict(network.named_children()))[:-2]  # without pooling and fc
        self.features = nn.Sequential(*(getattr(network, name) for name in names))
        self.classifier = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, n_classes)
        )

    def forward(self, images: Tensor) -> Tensor:
        """Map (N, 1, H, W) grey values 0…255 to (N, K) logits."""
        x = self.standardise(images)  # (N, 1, H, W)
        x = functional.interpolate(x, (SIDE, SIDE), mode="bilinear", antialias=True)
        x = self.features(x.expand(-1, 3, -1, -1))  # (N, 512, 3, 3)
        return self.classifier(x)  # (N, K)


def cached_weights() -> Path | None:
    """Return the file in which torchvision keeps its weights, ``None`` without it."""
    folder = Path(torch.hub.get_dir()) / "checkpoints"
    file = folder / Path(WEIGHTS.url).name
    return file if file.exists() else None


def load_imagenet(model: TransferCNN, file: Path) -> None:
    """Fill all layers but the last with torchvision's ImageNet weights.

    Args:
        model: a fresh network.
        file: a state dict of torchvision's ResNet-18, see :func:`cached_weights`.
    """
    network = resnet18(weights=None)
    state = torch.load(file, map_location="cpu", weights_only=True)
    network.load_state_dict(state)
    parts = list(network.children())[:-2]
    model.features.load_state_dict(nn.Sequential(*parts).state_dict())
