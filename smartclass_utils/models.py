"""The report's three networks.

Any class here can be trained, stored and loaded by its name. To add a network, write
its class below: no other file has to know it. Its ``forward`` takes values 0…255 of any
type, (N, C, H, W) with 1 channel (grey) or 3 (colour), and returns logits, (N, K). The
chapters look into ``features``, whose first layer takes these values, and into
``classifier``, which ends in an ``nn.Linear``; each is an ``nn.Sequential``.
"""

import importlib

import torch
from torch import Tensor, nn

from smartclass_utils.config import IMAGE_SIZE, IMAGE_SIZES, SmartClassError

MAX_WEIGHTS = 100_000_000  # of a network; the report's have less than a million
MAX_BLOCKS = 32
IMAGENET = {"mean": 0.449, "std": 0.226}  # of its photographs, mean over the colours


class Standardise(nn.Module):
    """Map values 0…255 of any type to float32 around 0.

    It is the first layer of every network, so that a stored network carries its own
    normalisation. Mean and standard deviation of ½ map 0…255 to −1…1.
    """

    def __init__(self, mean: float = 0.5, std: float = 0.5):
        super().__init__()
        self.register_buffer("mean", torch.tensor(255.0 * mean))
        self.register_buffer("std", torch.tensor(255.0 * std))

    def forward(self, images: Tensor) -> Tensor:
        """Map (N, C, H, W) values to (N, C, H, W) float32."""
        return (images.float() - self.mean) / self.std


class ReportCNN(nn.Module):
    """Convolution blocks, then two fully connected layers with dropout.

    Args:
        n_classes: number of classes, K.
        kernel_size: height and width of every convolution kernel, in pixels.
        channels: output channels of each block; their number is the depth.
        hidden: width of the first fully connected layer.
        dropout: probability of dropping a value before each connected layer.
        image_size: height and width of the images, in pixels.
        in_channels: 1 for grey images, 3 for colour.
        mean, std: of the values as shares of white, to standardise with.
    """

    def __init__(
        self,
        n_classes: int,
        kernel_size: int = 3,
        channels: tuple[int, ...] = (32, 64, 128),
        hidden: int = 128,
        dropout: float = 0.5,
        image_size: int = IMAGE_SIZE,
        in_channels: int = 1,
        mean: float = 0.5,
        std: float = 0.5,
    ):
        super().__init__()
        padding = kernel_size // 2  # 3 keeps height and width, 4 adds one pixel
        layers, size, width = [Standardise(mean, std)], image_size, in_channels
        for out in channels:
            layers += [
                nn.Conv2d(width, out, kernel_size, padding=padding, bias=False),
                nn.BatchNorm2d(out),  # (N, out, H, W)
                nn.LeakyReLU(0.01),
                nn.MaxPool2d(2),  # (N, out, H/2, W/2), rounded down
            ]
            size, width = (size + 2 * padding - kernel_size + 1) // 2, out
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(
            nn.Flatten(),  # (N, out × H/8 × W/8) with three blocks
            nn.Dropout(dropout),
            nn.Linear(width * size * size, hidden),
            nn.LeakyReLU(0.01),
            nn.Dropout(dropout),
            nn.Linear(hidden, n_classes),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Map (N, C, H, W) values 0…255 to (N, K) logits."""
        return self.classifier(self.features(images))


# What distinguishes the report's three networks, and nothing else.
REPORT_NETWORKS = {
    "Main CNN": {"kernel_size": 3, "channels": (32, 64, 128)},
    "Variant 1": {"kernel_size": 4, "channels": (32, 64, 128)},
    "Variant 2": {"kernel_size": 3, "channels": (32, 64, 128, 128)},
}


def count_parameters(model: nn.Module) -> int:
    """Return the number of trainable weights."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


def build(network: str, arguments: dict) -> nn.Module:
    """Build a class of this module, or of those beyond, by the name on a card.

    A card may come from anywhere, so that the network is first built on torch's "meta"
    device, where weights have a shape and take no memory.
    """
    places = (__name__, "smartclass_utils.beyond", "smartclass_utils.efficientnet")
    homes = map(importlib.import_module, places)  # as far as the network needs
    found = next((vars(p)[network] for p in homes if network in vars(p)), None)
    is_ours = getattr(found, "__module__", None) in places
    if not (is_ours and isinstance(found, type) and issubclass(found, nn.Module)):
        what = f"There is no network '{network}' in smartclass_utils/models.py"
        raise SmartClassError(f"{what}: write its class there, for later chapters.")
    sizes = [len(v) for v in arguments.values() if isinstance(v, list | tuple)]
    try:
        if max([0, *sizes]) > MAX_BLOCKS:
            raise ValueError("too many blocks")
        if arguments.get("image_size", IMAGE_SIZE) not in IMAGE_SIZES:
            raise ValueError("image size out of range")
        with torch.device("meta"):
            n_weights = count_parameters(found(**arguments))
        if not 0 < n_weights <= MAX_WEIGHTS:
            raise ValueError(f"{n_weights:,} weights")
    except Exception as error:  # torch and Python raise almost anything here
        what = f"No {network} can be built with {str(arguments)[:200]}"
        raise SmartClassError(f"{what}: run chapter 03 again.") from error
    return found(**arguments)
