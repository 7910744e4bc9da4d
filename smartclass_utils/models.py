"""The report's three convolutional networks, and one of our own."""

import torch
from torch import Tensor, nn

from smartclass_utils.config import IMAGE_SIZE, IMAGE_SIZES, SmartClassError
from smartclass_utils.layers import (
    NORMALISATIONS,
    ResidualBlock,
    Standardise,
    conv_block,
)
from smartclass_utils.transfer import TransferCNN

MAX_WEIGHTS = 100_000_000  # of a network; the report's have less than a million
MAX_BLOCKS = 32


class ReportCNN(nn.Module):
    """Convolution blocks, then two fully connected layers with dropout.

    Args:
        n_classes: number of classes, K.
        kernel_size: height and width of every convolution kernel, in pixels.
        channels: output channels of each convolution block.
        hidden: width of the first fully connected layer.
        dropout: probability of dropping a value before each connected layer.
        image_size: height and width of the images, in pixels.
        normalisation: ``"half"`` or ``"imagenet"``.
    """

    def __init__(
        self,
        n_classes: int,
        kernel_size: int = 3,
        channels: tuple[int, ...] = (32, 64, 128),
        hidden: int = 128,
        dropout: float = 0.5,
        image_size: int = IMAGE_SIZE,
        normalisation: str = "half",
    ):
        super().__init__()
        self.standardise = Standardise(*NORMALISATIONS[normalisation])
        blocks, size, width = [], image_size, 1
        for out_channels in channels:
            blocks += conv_block(width, out_channels, kernel_size)
            grown = size + 1 - kernel_size % 2  # see conv_block on padding
            width, size = out_channels, grown // 2
        self.features = nn.Sequential(*blocks)
        self.classifier = nn.Sequential(
            nn.Flatten(),
            nn.Dropout(dropout),
            nn.Linear(width * size * size, hidden),
            nn.LeakyReLU(0.01),
            nn.Dropout(dropout),
            nn.Linear(hidden, n_classes),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Map (N, 1, H, W) grey values 0…255 to (N, K) logits."""
        x = self.standardise(images)  # (N, 1, H, W)
        x = self.features(x)  # (N, C, H/8, W/8), H/16 with four blocks
        return self.classifier(x)  # (N, K)


class ResidualCNN(nn.Module):
    """A small residual network: a stem, residual blocks, one connected layer.

    Args:
        n_classes: number of classes, K.
        channels: output channels of each block; all but the first halve the image.
        hidden: width of a first connected layer, 0 for none.
        average: hand on only the mean of each channel, as large networks do, instead
            of all its places. Faces that lie in the same place in every image are told
            apart better by place.
        dropout: probability of dropping a value before each connected layer.
        image_size: height and width of the images, in pixels.
        normalisation: ``"half"`` or ``"imagenet"``.
    """

    def __init__(
        self,
        n_classes: int,
        channels: tuple[int, ...] = (32, 64, 128),
        hidden: int = 0,
        average: bool = False,
        dropout: float = 0.5,
        image_size: int = IMAGE_SIZE,
        normalisation: str = "half",
    ):
        super().__init__()
        self.standardise = Standardise(*NORMALISATIONS[normalisation])
        width, size = channels[0], image_size // 2
        layers = [
            nn.Conv2d(1, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.MaxPool2d(2),
        ]
        for i, out_channels in enumerate(channels):
            layers.append(ResidualBlock(width, out_channels, stride=1 if i == 0 else 2))
            width, size = out_channels, size if i == 0 else -(-size // 2)
        self.features = nn.Sequential(*layers)
        width *= 1 if average else size * size
        head = [nn.AdaptiveAvgPool2d(1) if average else nn.Identity(), nn.Flatten()]
        if hidden:
            head += [nn.Dropout(dropout), nn.Linear(width, hidden), nn.ReLU()]
        head += [nn.Dropout(dropout), nn.Linear(hidden or width, n_classes)]
        self.classifier = nn.Sequential(*head)

    def forward(self, images: Tensor) -> Tensor:
        """Map (N, 1, H, W) grey values 0…255 to (N, K) logits."""
        x = self.standardise(images)  # (N, 1, H, W)
        x = self.features(x)  # (N, C, H/8, W/8) with three blocks
        return self.classifier(x)  # (N, K)


ARCHITECTURES = {
    "ReportCNN": ReportCNN,
    "ResidualCNN": ResidualCNN,
    "TransferCNN": TransferCNN,
}

# What distinguishes the report's three models, and nothing else; then our own.
MODELS = {
    "main": ("ReportCNN", {"kernel_size": 3, "channels": (32, 64, 128)}),
    "variant1": ("ReportCNN", {"kernel_size": 4, "channels": (32, 64, 128)}),
    "variant2": ("ReportCNN", {"kernel_size": 3, "channels": (32, 64, 128, 128)}),
    "own": ("ResidualCNN", {"channels": (32, 64, 128)}),
    "resnet18": ("TransferCNN", {}),
}
REPORT_MODELS = ("main", "variant1", "variant2")
TITLES = {
    "main": "Main CNN",
    "variant1": "Variant 1",
    "variant2": "Variant 2",
    "own": "Our own",
    "resnet18": "ResNet-18",
}


def build(
    name: str,
    n_classes: int,
    image_size: int = IMAGE_SIZE,
    normalisation: str = "half",
    **changes,
) -> nn.Module:
    """Return a fresh network by its name in :data:`MODELS`.

    Any further argument of the architecture, such as ``dropout``, can be changed.

    The network carries ``spec``, the architecture's name and arguments, from which
    :func:`from_spec` builds it again.

    Raises:
        SmartClassError: if the name or the normalisation is not known.
    """
    if name not in MODELS:
        raise SmartClassError(f"No model '{name}'; choose from {', '.join(MODELS)}.")
    if normalisation not in NORMALISATIONS:
        raise SmartClassError(
            f"No normalisation '{normalisation}'; choose from "
            f"{', '.join(NORMALISATIONS)}."
        )
    architecture, arguments = MODELS[name]
    arguments = {
        **arguments,
        **changes,
        "n_classes": n_classes,
        "image_size": image_size,
        "normalisation": normalisation,
    }
    return from_spec({"architecture": architecture, "arguments": arguments})


def from_spec(spec: dict) -> nn.Module:
    """Build the network that ``spec`` describes, with fresh weights.

    Args:
        spec: ``{"architecture": name, "arguments": {…}}`` as a model's card holds it.

    Raises:
        SmartClassError: if there is no such network, or one too large for any machine.
    """
    if spec["architecture"] not in ARCHITECTURES:
        raise SmartClassError(
            f"No architecture '{spec['architecture']}'; known: "
            f"{', '.join(ARCHITECTURES)}."
        )
    check_arguments(spec["architecture"], spec["arguments"])
    model = ARCHITECTURES[spec["architecture"]](**spec["arguments"])
    model.spec = spec
    return model.to(memory_format=torch.channels_last)


def check_arguments(architecture: str, arguments: dict) -> None:
    """Build a network without memory for its weights, to see whether it can be.

    A card may come from anywhere. On torch's "meta" device a network has shapes but no
    weights, and takes no random numbers.
    """
    lists = [value for value in arguments.values() if isinstance(value, list | tuple)]
    try:
        if any(len(values) > MAX_BLOCKS for values in lists):
            raise ValueError("too many blocks")
        if arguments.get("image_size", IMAGE_SIZE) not in IMAGE_SIZES:
            raise ValueError("image size out of range")
        with torch.device("meta"):
            n_weights = count_parameters(ARCHITECTURES[architecture](**arguments))
        if not 0 < n_weights <= MAX_WEIGHTS:
            raise ValueError(f"{n_weights:,} weights")
    except Exception as error:  # torch and Python raise almost anything here
        raise SmartClassError(
            f"no {architecture} can be built with {str(arguments)[:200]}, so run "
            "chapter 03 again."
        ) from error


def count_parameters(model: nn.Module) -> int:
    """Return the number of trainable weights."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)
