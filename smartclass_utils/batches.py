"""A split of the clean images as batches on the device."""

import numpy as np
import torch
from numpy.typing import DTypeLike
from torch import Tensor, nn

from smartclass_utils.dataset import CleanData

EVALUATION_BATCH = 128  # images; large enough to be fast, small enough for any memory


class Batches:
    """Images of one split as a stream of batches on the device.

    On a GPU the whole split lies in its memory. On a CPU it stays mapped on disk and
    only a batch at a time is copied, so that memory does not grow with the data.

    Args:
        data: the cleaned data set.
        split: ``"train"``, ``"val"`` or ``"test"``.
        device: where the batches are wanted.
    """

    def __init__(self, data: CleanData, split: str, device: torch.device):
        self.rows = data.rows(split)  # (n,)
        self.device = device
        self.n_classes = len(data.classes)
        self.targets = torch.from_numpy(data.targets[self.rows]).to(device)  # (n,)
        if device.type == "cpu":
            self.images, self.resident = data.images, None
        else:
            held = torch.from_numpy(np.array(data.images[self.rows]))
            self.resident = held.unsqueeze(1).to(device)  # (n, 1, H, W)

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, which: Tensor) -> tuple[Tensor, Tensor]:
        """Return images uint8 (B, 1, H, W) and targets (B,) at positions ``which``."""
        if self.resident is not None:
            which = which.to(self.device)
            return self.resident[which], self.targets[which]
        images = torch.from_numpy(self.images[self.rows[which.numpy()]])  # (B, H, W)
        return images.unsqueeze(1), self.targets[which]

    def in_order(self, size: int = EVALUATION_BATCH):
        """Yield all batches in the order of labels.csv."""
        for which in torch.arange(len(self)).split(size):
            yield self.take(which)

    def shuffled(self, size: int, generator: torch.Generator):
        """Yield the positions of all batches in an order drawn from ``generator``."""
        yield from torch.randperm(len(self), generator=generator).split(size)


def answer(model: nn.Module, images: Tensor, flip: bool = False) -> Tensor:
    """Return the logits of some images, float32 (B, K).

    Args:
        model: a trained network, in evaluation mode.
        images: grey values 0…255, (B, 1, H, W).
        flip: answer with the mean over the image and its mirror image.
    """
    logits = model(images).float()
    return (logits + model(images.flip(3)).float()) / 2 if flip else logits


@torch.inference_mode()
def predict_logits(model: nn.Module, batches: Batches, flip: bool = False) -> Tensor:
    """Return the logits of all images of a split, float32 (n, K), on the CPU.

    Args:
        model: a trained network, on the device of the batches.
        batches: the split.
        flip: see :func:`answer`.
    """
    model.eval()
    each = [answer(model, images, flip) for images, _ in batches.in_order()]
    return torch.cat(each).cpu()


def softmax(logits: np.ndarray, dtype: DTypeLike = np.float64) -> np.ndarray:
    """Return logits (n, K) as probabilities, (n, K), rows add up to 1.

    Args:
        logits: of n images, float.
        dtype: of calculation and result; float32 is what a network trains on.
    """
    return torch.from_numpy(logits.astype(dtype)).softmax(dim=1).numpy()
