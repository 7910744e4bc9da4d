"""Trained models on disk: weights, and a JSON card that says what they are."""

import io
import json
from dataclasses import asdict
from pathlib import Path

import torch
from torch import nn

from smartclass_utils.config import SmartClassError
from smartclass_utils.dataset import CleanData
from smartclass_utils.files import replacing, sha256, write_json
from smartclass_utils.hardware import environment
from smartclass_utils.models import TITLES, count_parameters, from_spec
from smartclass_utils.recipes import Recipe
from smartclass_utils.training import Fit


def save_model(
    folder: Path, name: str, seed: int, result: Fit, recipe: Recipe, data: CleanData
) -> Path:
    """Write ``<name>_seed<seed>.pt`` and, last, its card ``….json``.

    Weights come first and the card holds their SHA-256, so that a card is never
    found without the weights that belong to it.

    Returns:
        The path of the card.
    """
    weights = folder / f"{name}_seed{seed}.pt"
    buffer = io.BytesIO()
    torch.save(result.model.state_dict(), buffer)
    with replacing(weights) as stream:
        stream.write(buffer.getvalue())
    card = {
        "name": name,
        "title": TITLES.get(name, name),
        **result.model.spec,
        "parameters": count_parameters(result.model),
        "classes": list(data.classes),
        "seed": seed,
        "recipe": asdict(recipe),
        "best_epoch": result.best_epoch,
        "history": result.history.to_dict(orient="list"),
        "seconds": round(result.seconds, 3),
        "images_per_second": round(result.images_per_second, 1),
        "data": {"name": data.name, "fingerprint": data.fingerprint},
        "environment": environment(),
        "weights": weights.name,
        "weights_sha256": sha256(weights),
    }
    card_file = weights.with_suffix(".json")
    write_json(card_file, card)
    return card_file


def forget_models(folder: Path, name: str = "*") -> None:
    """Remove the models of an earlier training from ``folder``, cards first.

    Args:
        folder: of weights and cards.
        name: of the models; by default all.
    """
    for pattern in (f"{name}_seed*.json", f"{name}_seed*.pt"):
        for file in folder.glob(pattern):
            file.unlink()


def read_cards(folder: Path) -> list[dict]:
    """Return the cards of all models in ``folder``, sorted by file name.

    Raises:
        SmartClassError: if there is none.
    """
    files = sorted(folder.glob("*_seed*.json"))
    if not files:
        raise SmartClassError(
            f"There is no trained model in {folder}: run chapter 03 first "
            "(notebooks/03_training.ipynb)."
        )
    return [json.loads(file.read_text(encoding="utf-8")) for file in files]


def flips(card: dict) -> bool:
    """Return whether the network answers for an image and its mirror image."""
    return bool(card.get("recipe", {}).get("flip_test"))


def load_model(folder: Path, card: dict, data: CleanData | None = None) -> nn.Module:
    """Build a card's network and fill in its weights, on the CPU.

    Args:
        folder: where the weights lie.
        card: as :func:`read_cards` returns it.
        data: if given, the model must have been trained on this very data set.

    Raises:
        SmartClassError: if the weights are missing or changed, or do not fit the
            card or the data.
    """
    weights = folder / card["weights"]
    if not weights.exists() or sha256(weights) != card["weights_sha256"]:
        raise SmartClassError(
            f"{weights} is missing or not the file that its card describes: run "
            "chapter 03 again."
        )
    if data is not None and card["data"]["fingerprint"] != data.fingerprint:
        raise SmartClassError(
            f"{weights} was trained on other data ({card['data']['name']}) than lies "
            f"in {data.folder} ({data.name}): run chapter 03 again."
        )
    model = from_spec(card)
    try:
        state = torch.load(weights, map_location="cpu", weights_only=True)
        model.load_state_dict(state)
    except Exception as error:
        raise SmartClassError(
            f"{weights} does not hold the weights of a {card['architecture']}: run "
            "chapter 03 again."
        ) from error
    return model.eval()
