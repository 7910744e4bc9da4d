"""A stored network, ready to be asked about faces."""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from smartclass_utils.batches import EVALUATION_BATCH, answer
from smartclass_utils.checkpoints import flips, load_model, read_card
from smartclass_utils.config import (
    IMAGE_SIZE,
    IMAGE_SIZES,
    SHIPPED_CARD,
    SmartClassError,
)
from smartclass_utils.predict.faces import MARGIN

MARGINS = (0.5, 3.0)  # what a card may ask for


@dataclass(frozen=True)
class Predictor:
    """A network with what its card says of it.

    Attributes:
        model: maps grey values 0…255 (N, 1, H, W) to logits (N, K).
        classes: K class names.
        image_size: height and width that the network takes, pixels.
        flip_test: whether to average over an image and its mirror image.
        margin: side of the square cut out around a face, as a multiple of its box;
            a card may set it (``"face_margin"``) for other training photographs.
    """

    model: nn.Module
    classes: tuple[str, ...]
    image_size: int = IMAGE_SIZE
    flip_test: bool = False
    margin: float = MARGIN

    @classmethod
    def load(cls, card_file: Path | str | None = None) -> "Predictor":
        """Load the network that a card describes.

        Args:
            card_file: the JSON card beside its weights; default: the shipped model's.

        Raises:
            SmartClassError: if card or weights are missing, damaged or do not fit.
        """
        path = SHIPPED_CARD if card_file is None else Path(card_file)
        is_there = os.access(path, os.R_OK) and path.is_file()
        if card_file is None and not is_there:
            raise SmartClassError(
                f"There is no shipped model ({path.parent.name}/{path.name}): name one "
                "with --model, such as data/models/main_seed0.json after `make report`."
            )
        if not is_there:
            raise SmartClassError(
                f"{path} is no file that can be read: name the card (.json) of a model "
                "with --model, such as data/models/main_seed0.json."
            )
        card = read_card(path)
        if problem := problem_with(card):
            raise SmartClassError(f"{path} {problem}: name another with --model.")
        model = load_model(path.parent, card)
        return cls(
            model=model,
            classes=tuple(card["classes"]),
            image_size=card["arguments"].get("image_size", IMAGE_SIZE),
            flip_test=flips(card),
            margin=float(card.get("face_margin", MARGIN)),
        )

    @torch.inference_mode()
    def probabilities(self, crops: np.ndarray) -> np.ndarray:
        """Return the probability of each class.

        Args:
            crops: uint8 (N, image_size, image_size), grey values 0…255.

        Returns:
            float32 (N, K), rows add up to 1.
        """
        parts = [np.empty((0, len(self.classes)), np.float32)]
        for start in range(0, len(crops), EVALUATION_BATCH):
            chunk = np.ascontiguousarray(crops[start : start + EVALUATION_BATCH])
            images = torch.from_numpy(chunk).unsqueeze(1)  # (n, 1, H, W)
            logits = answer(self.model, images, self.flip_test)  # (n, K)
            parts.append(logits.softmax(dim=1).numpy())
        return np.concatenate(parts)


def problem_with(card: dict) -> str:
    """Return what a predictor cannot take of a card, ``""`` if nothing."""
    classes, arguments = card["classes"], card["arguments"]
    if len({*classes}) != len(classes) or arguments.get("n_classes") != len(classes):
        return "lists other classes than its network has"
    size = arguments.get("image_size", IMAGE_SIZE)
    if not isinstance(size, int) or size not in IMAGE_SIZES:
        return f"asks for images of {size} pixels"
    margin = card.get("face_margin", MARGIN)
    low, high = MARGINS
    if not isinstance(margin, int | float) or not low <= margin <= high:
        return f"asks for a margin of {margin}"
    return ""
