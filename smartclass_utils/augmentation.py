"""Random changes of training images, a whole batch at a time, on its device."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

GREY = 127.5  # value of an erased patch, the middle of 0…255


@dataclass(frozen=True)
class Augmentation:
    """How far an image may be changed at random before it is learned from.

    torchvision's transforms draw one change for a whole batch, or take one image at a
    time; here every image of a batch gets its own, in one call of ``grid_sample``.
    """

    flip: bool = True  # mirror every second image: a face is about as good mirrored
    degrees: float = 5.0  # of turning, to either side
    shift: float = 0.03  # of moving, as a share of height and width
    scale: float = 0.05  # of enlarging or shrinking, as a share of the size
    contrast: float = 0.1  # of stretching or squeezing the grey values, as a share
    erase: float = 0.25  # share of the images that lose a patch (Zhong et al. 2020)

    def in_words(self) -> str:
        """Return the largest changes in a line."""
        parts = ["mirrored"] if self.flip else []
        parts += [
            f"turned ±{self.degrees:g}°",
            f"moved ±{self.shift:.0%}",
            f"scaled ±{self.scale:.0%}",
            f"contrast ±{self.contrast:.0%}",
            f"a patch erased in {self.erase:.0%}",
        ]
        return ", ".join(parts)


def augment(images: Tensor, how: Augmentation, generator: torch.Generator) -> Tensor:
    """Return every image moved, turned, mirrored and patched at random.

    Args:
        images: grey values 0…255 of any type, (N, 1, H, W).
        how: the largest changes.
        generator: of the random numbers, on the CPU, so that a seed means the same
            on every device.

    Returns:
        float32 (N, 1, H, W), grey values; contrast may leave 0…255 by a little.
    """
    images = move(images.float(), how, generator)
    images = change_contrast(images, how.contrast, generator)
    return erase(images, how.erase, generator)


def draw(n: int, largest: float, generator: torch.Generator) -> Tensor:
    """Draw ``n`` numbers between ``-largest`` and ``largest``, float32 (n,)."""
    return (2 * torch.rand(n, generator=generator) - 1) * largest


def move(images: Tensor, how: Augmentation, generator: torch.Generator) -> Tensor:
    """Turn, scale, shift and mirror each image; the border is continued outwards."""
    n = len(images)
    angle = draw(n, math.radians(how.degrees), generator)
    size = torch.exp(draw(n, how.scale, generator))
    mirror = torch.ones(n)
    if how.flip:
        mirror -= 2.0 * (torch.rand(n, generator=generator) < 0.5)
    cos, sin = size * torch.cos(angle), size * torch.sin(angle)
    # grid_sample counts from −1 to 1, so that a shift of 1 is half the image
    across, down = (draw(n, 2 * how.shift, generator) for _ in range(2))
    rows = [mirror * cos, -sin, across, mirror * sin, cos, down]
    matrices = torch.stack(rows, dim=1).view(n, 2, 3).to(images.device)
    grid = functional.affine_grid(matrices, images.shape, align_corners=False)
    return functional.grid_sample(
        images, grid, padding_mode="border", align_corners=False
    )


def change_contrast(
    images: Tensor, largest: float, generator: torch.Generator
) -> Tensor:
    """Stretch the grey values of each image about its own mean."""
    factor = torch.exp(draw(len(images), largest, generator)).to(images.device)
    mean = images.mean(dim=(1, 2, 3), keepdim=True)
    return mean + factor.view(-1, 1, 1, 1) * (images - mean)


def erase(images: Tensor, share: float, generator: torch.Generator) -> Tensor:
    """Paint a rectangle of 10 to 40 % of each side grey, in a share of the images."""
    n, _, height, width = images.shape
    chosen = torch.rand(n, generator=generator) < share
    covered = chosen.view(n, 1, 1, 1)
    for length, shape in ((height, (n, 1, -1, 1)), (width, (n, 1, 1, -1))):
        half = length * (0.05 + 0.15 * torch.rand(n, 1, generator=generator))
        middle = length * torch.rand(n, 1, generator=generator)
        inside = (torch.arange(length) - middle).abs() < half  # (n, length)
        covered = covered & inside.view(shape)
    return images.masked_fill(covered.to(images.device), GREY)
