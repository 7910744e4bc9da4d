"""Trained models on disk: weights, and a JSON card that says what they are."""

import io
import zipfile
from dataclasses import asdict
from pathlib import Path

import torch
from torch import nn

from smartclass_utils.config import SmartClassError
from smartclass_utils.dataset import CleanData
from smartclass_utils.files import read_json, replacing, sha256, write_json
from smartclass_utils.hardware import environment
from smartclass_utils.models import TITLES, count_parameters, from_spec
from smartclass_utils.names import as_text
from smartclass_utils.recipes import Recipe
from smartclass_utils.training import Fit

# What a card must say, and as what.
CARD = {
    "name": str,
    "title": str,
    "architecture": str,
    "arguments": dict,
    "parameters": int,
    "classes": list,
    "seed": int,
    "recipe": dict,
    "best_epoch": int,
    "history": dict,
    "seconds": int | float,
    "images_per_second": int | float,
    "data": dict,
    "environment": dict,
    "weights": str,
    "weights_sha256": str,
}


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

    What a run that was killed has half written goes with them.

    Args:
        folder: of weights and cards.
        name: of the models; by default all.
    """
    for pattern in (f"{name}_seed*.json", f"{name}_seed*.pt", f".{name}_seed*"):
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
    return [read_card(file) for file in files]


def read_card(file: Path) -> dict:
    """Read one card; refuse one that chapter 03 cannot have written.

    Raises:
        SmartClassError: if it is no JSON, lacks something, or names weights elsewhere.
    """
    card = read_json(file, "run chapter 03 again")
    lacking = [key for key, kind in CARD.items() if not isinstance(card.get(key), kind)]
    if lacking:
        raise SmartClassError(
            f"{file} does not say '{lacking[0]}' as a card does: run chapter 03 again."
        )
    if card["weights"] != file.with_suffix(".pt").name:
        raise SmartClassError(
            f"{file} names weights that are not its own ({as_text(card['weights'])}): "
            "run chapter 03 again."
        )
    names = [card["name"], card["title"], *card["classes"]]
    if any(not isinstance(name, str) or as_text(name) != name for name in names):
        raise SmartClassError(
            f"{file} holds a name that chapter 03 does not write: run it again."
        )
    return card


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
    if data is not None and card["data"].get("fingerprint") != data.fingerprint:
        other = card["data"].get("name")
        raise SmartClassError(
            f"{weights} was trained on other data ({other}) than lies in {data.folder} "
            f"({data.name}): run chapter 03 again."
        )
    if data is not None and tuple(card["classes"]) != data.classes:
        raise SmartClassError(
            f"{weights} was trained for other classes ({', '.join(card['classes'])}) "
            f"than {data.folder} has ({', '.join(data.classes)}): run chapter 03 again."
        )
    try:
        model = from_spec(card)
    except SmartClassError as error:
        raise SmartClassError(f"{weights} cannot be used: {error}") from error
    check_size(weights, model)
    try:
        state = torch.load(weights, map_location="cpu", weights_only=True)
        model.load_state_dict(state)
    except Exception as error:
        raise SmartClassError(
            f"{weights} does not hold the weights of a {card['architecture']}: run "
            "chapter 03 again."
        ) from error
    return model.eval()


def check_size(weights: Path, model: nn.Module) -> None:
    """Refuse a file that would take more memory than its network before it is read."""
    needed = sum(value.nbytes for value in model.state_dict().values())
    try:
        with zipfile.ZipFile(weights) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
    except (OSError, zipfile.BadZipFile) as error:
        raise SmartClassError(
            f"{weights} is no file of weights: run chapter 03 again."
        ) from error
    if unpacked > 2 * needed + 2**20:
        raise SmartClassError(
            f"{weights} holds {unpacked:,} bytes, where its network has {needed:,}: "
            "run chapter 03 again."
        )
