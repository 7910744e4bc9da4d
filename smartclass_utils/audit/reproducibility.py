"""What comes out the same again, bit for bit, and how much the rest moves."""

from dataclasses import replace

import numpy as np
import torch

from smartclass_utils.audit.findings import Finding
from smartclass_utils.audit.outputs import Output, by_model
from smartclass_utils.dataset import CleanData
from smartclass_utils.hardware import seed_everything
from smartclass_utils.journal import hash_of
from smartclass_utils.models import build
from smartclass_utils.recipes import Recipe
from smartclass_utils.training import fit, quiet

SUBSET = 160  # images that the trial trainings learn from, at most


def small_part(data: CleanData, n_train: int = SUBSET) -> CleanData:
    """Return the data with at most ``n_train`` training images, the same every time."""
    train = data.rows("train")
    chosen = np.random.default_rng(0).permutation(train)[:n_train]
    others = np.flatnonzero(data.labels["split"] != "train")
    rows = np.sort(np.concatenate([chosen, others]))
    labels = data.labels.iloc[rows].reset_index(drop=True)
    return replace(data, labels=labels, images=np.asarray(data.images[rows]))


def train_once(
    data: CleanData, seed: int, recipe: Recipe, device: str | None = None
) -> str:
    """Train the main network and return the hash of its weights."""
    seed_everything(seed)
    model = build("main", len(data.classes), data.image_size)
    where = torch.device(device) if device else None
    fitted = fit(model, data, recipe, seed, where, quiet)
    return hash_of(fitted.model.state_dict())


def audit_reproducibility(data: CleanData, outputs: list[Output]) -> Finding:
    """Train three times for an epoch, and say how far seeds spread.

    Two trials share their seed, the third has another.
    """
    part, recipe = small_part(data), Recipe(epochs=1)
    first, again, other = (train_once(part, seed, recipe) for seed in (0, 0, 1))
    spreads = {
        title: float(np.ptp([o.right.mean() for o in own]))
        for title, own in by_model(outputs).items()
    }
    widest = max(spreads, key=spreads.get)
    several = max(len(own) for own in by_model(outputs).values()) > 1
    same = first == again
    sentence = (
        f"Trained twice with one seed, the weights were {'the same' if same else 'not'}"
        f"{', bit for bit' if same else ' the same'}; with another seed they were "
        f"{'others' if other != first else 'the same, which should not be'}."
    )
    if several:
        sentence += (
            f" Between seeds the test accuracy of {widest} moves by "
            f"{100 * spreads[widest]:.1f} points."
        )
    numbers = {
        "same_seed_same_weights": same,
        "other_seed_other_weights": first != other,
        "accuracy_range_over_seeds": spreads,
    }
    return Finding(True, sentence, numbers)
