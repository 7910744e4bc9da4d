"""What the networks are put together from."""

import torch
from torch import Tensor, nn

NORMALISATIONS = {
    # (x / 255 - mean) / std maps 0…255 to -1…1
    "half": (0.5, 0.5),
    # ImageNet's statistics, averaged over red, green and blue for grey images:
    # https://docs.pytorch.org/vision/stable/models.html
    "imagenet": (0.449, 0.226),
}


class Standardise(nn.Module):
    """Turn grey values 0…255 of any type into standardised float32.

    It is the first layer of every network, so that a stored model carries its own
    normalisation and nobody can forget it.
    """

    def __init__(self, mean: float, std: float):
        super().__init__()
        self.register_buffer("mean", torch.tensor(255.0 * mean))
        self.register_buffer("std", torch.tensor(255.0 * std))

    def forward(self, images: Tensor) -> Tensor:
        """Map (N, 1, H, W) grey values to (N, 1, H, W) float32."""
        return (images.float() - self.mean) / self.std


def conv_block(
    in_channels: int, out_channels: int, kernel_size: int
) -> list[nn.Module]:
    """Return one block: convolution, batch normalisation, pooling, LeakyReLU.

    The report pools after LeakyReLU. LeakyReLU is increasing, so that the largest of
    four activations is the activation of the largest: both orders give the same
    output, and this one computes LeakyReLU on a quarter of the values.

    The padding is ``kernel_size // 2``: with 3, height and width stay; with 4, they
    grow by one, which pooling rounds away where they were even. So both kernels give
    48 → 24 → 12 → 6.
    The convolution has no bias because batch normalisation would subtract it again.
    """
    return [
        nn.Conv2d(
            in_channels,
            out_channels,
            kernel_size,
            padding=kernel_size // 2,
            bias=False,
        ),  # (N, out, H, W), one larger with kernel 4
        nn.BatchNorm2d(out_channels),
        nn.MaxPool2d(2),  # (N, out, H/2, W/2)
        nn.LeakyReLU(0.01),
    ]


class ResidualBlock(nn.Module):
    """Two convolutions, and beside them a shortcut for the input (He et al. 2016).

    The block learns only what to add to its input. Its last normalisation starts at
    zero, so that a fresh block passes its input on unchanged (Goyal et al. 2017).

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        stride: 2 halves height and width.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(in_channels, out_channels, 3, stride, padding=1, bias=False),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(),
            nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(out_channels),
        )  # (N, out, H / stride, W / stride)
        nn.init.zeros_(self.body[-1].weight)
        self.shortcut = nn.Identity()
        if stride != 1 or in_channels != out_channels:
            self.shortcut = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, 1, stride, bias=False),
                nn.BatchNorm2d(out_channels),
            )
        self.bend = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, in, H, W) to (N, out, H / stride, W / stride)."""
        return self.bend(self.body(x) + self.shortcut(x))
