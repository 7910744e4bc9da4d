"""Trained networks on disk: one file per training, with a card that says what it is."""

import json
import re
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import safetensors
import safetensors.torch
import torch
from torch import nn
from torch.utils.data import DataLoader

from smartclass_utils import models, training
from smartclass_utils.config import SmartClassError
from smartclass_utils.dataset import CleanData, load_clean, tensors
from smartclass_utils.files import in_place_of
from smartclass_utils.hardware import environment
from smartclass_utils.names import as_text
from smartclass_utils.training import describe, hash_of, key_of, tensors_of

ENDING = ".safetensors"
CARD = {  # what a card must say, and as what
    **dict.fromkeys(("name", "network", "key", "weights_sha256"), str),
    **dict.fromkeys(("arguments", "recipe", "history", "data", "environment"), dict),
    **dict.fromkeys(("parameters", "seed", "chapter", "epochs", "best_epoch"), int),
    "classes": list,
    "seconds": int | float,
}
AGAIN = "run the chapter that trains it again, or move the file away"


def train_once(
    folder: Path,
    name: str,
    seed: int,
    model: nn.Module,
    arguments: dict,
    data: CleanData,
    loaders: dict[str, DataLoader],
    optimizer: torch.optim.Optimizer,
    loss: Callable,
    epochs: int,
    *,
    chapter: int = 3,
    mirror: bool = False,
    **options,
) -> dict:
    """Train a network and store it with its card, unless this very training is stored.

    A stored training is taken only if all that its result depends on is the same: the
    network and its first weights, the pixels, the optimizer with the weights it moves,
    the loss, every other option, and the code of the networks and of training.

    ``folder`` is for the file ``<name>_seed<seed>.safetensors``, ``seed`` what weights
    and order were drawn with, ``arguments`` what the network's class was called with,
    ``mirror`` whether it answers for an image and its mirror image; the rest goes to
    :func:`smartclass_utils.training.train`. Returned is the card, see :data:`CARD`.
    """
    with torch.random.fork_rng(devices=[]):  # will later chapters find its class?
        own, found = type(model), type(models.build(type(model).__name__, arguments))
    if own.__module__ != found.__module__:
        raise SmartClassError(
            f"Later chapters would take the {own.__name__} of {found.__module__}: "
            "change it there, or give yours another name and put it into "
            "smartclass_utils/models.py."
        )
    recipe = {
        "optimizer": describe(optimizer),
        "loss": describe(loss),
        "batch_size": loaders["train"].batch_size,
        "mirror": mirror,
        **{k: describe(value) for k, value in options.items() if k != "log"},
    }
    places = {id(weights): i for i, weights in enumerate(model.parameters())}
    groups = [[places.get(id(p)) for p in g["params"]] for g in optimizer.param_groups]
    settings = [seed, epochs, recipe, groups, data.fingerprint]
    key = key_of(model, loaders, settings)
    stem = re.sub(r"\W+", "_", (name := as_text(name)).lower())
    file, other = folder / f"{stem}_seed{seed}{ENDING}", name
    with suppress(SmartClassError):  # there is none, or none that can be used
        card = read_card(file)
        if (card["key"], card["name"]) == (key, name):
            load_model(card)
            options.get("log", print)(f"Stored earlier, not trained again: {file.name}")
            return card
        other = card["name"]
    if other != name:
        what = f"{file} holds the network '{other}', and '{name}' would replace it"
        raise SmartClassError(f"{what}: use other letters, or delete the file.")
    as_cleaned = all(is_as_cleaned(loaders[k], data, k) for k in ("train", "val"))
    if not as_cleaned:
        options.get("log", print)("Not chapter 01's images: chapter 04 will refuse it.")
    start, busy = time.perf_counter(), time.process_time()
    history = training.train(model, loaders, optimizer, loss, epochs, **options)
    best = int(history["val_loss"].fillna(float("inf")).argmin()) + 1
    about = {"name": data.name, "fingerprint": data.fingerprint}
    card = {
        "name": name,
        "network": type(model).__name__,
        "arguments": arguments,
        "parameters": models.count_parameters(model),
        "classes": list(data.classes),
        "seed": seed,
        "chapter": chapter,
        "epochs": epochs,
        "recipe": recipe,
        "history": history.to_dict(orient="list"),
        "best_epoch": epochs if options.get("keep") == "last" else best,
        "seconds": round(time.perf_counter() - start, 3),
        "cpu_seconds": round(time.process_time() - busy, 3),
        "data": {**about, "as_cleaned": as_cleaned, "prepare": data.prepare},
        "environment": environment(),
        "key": key,
    }
    save_model(file, model, card)
    return read_card(file)


def is_as_cleaned(loader: DataLoader, data: CleanData, split: str) -> bool:
    """Return whether its images are of a split as chapter 1 left it; some may lack."""
    parts = tensors_of(loader.dataset)[0], tensors(load_clean(data.folder), split)[0]
    seen, known = ({hash(x.tobytes()) for x in part.cpu().numpy()} for part in parts)
    return seen <= known


def save_model(file: Path, model: nn.Module, card: dict) -> None:
    """Write a network's weights with its card, all of it or nothing."""
    state = {k: v.detach().cpu().contiguous() for k, v in model.state_dict().items()}
    text = json.dumps({**card, "weights_sha256": hash_of(state)})
    content = safetensors.torch.save(state, {"card": text})
    with in_place_of(file) as new:
        new.write_bytes(content)


def read_card(file: Path | str) -> dict:
    """Read the card of a stored network; ``card["file"]`` says where it lies."""
    file = Path(file)
    try:
        with safetensors.safe_open(file, "pt") as opened:
            card = json.loads((opened.metadata() or {})["card"])
        lacking = [k for k, kind in CARD.items() if not isinstance(card.get(k), kind)]
    except Exception as error:  # safetensors and json raise almost anything
        what = f"{file} is not a stored network with its card, or was cut off"
        raise SmartClassError(f"{what}: {AGAIN}.") from error
    if lacking:
        raise SmartClassError(f"{file} does not say '{lacking[0]}': {AGAIN}.")
    names = [card["name"], *card["classes"]]
    if any(not isinstance(name, str) or as_text(name) != name for name in names):
        odd = f"a name that no chapter writes ({as_text(str(names))[:60]})"
        raise SmartClassError(f"{file} holds {odd}: {AGAIN}.")
    return {**card, "file": file}


def read_cards(folder: Path, chapter: int | None = None) -> list[dict]:
    """Return the cards of all networks in a folder, the report's first, by name.

    Raises:
        SmartClassError: if there is none, of this chapter if one is named.
    """
    cards = [read_card(file) for file in sorted(folder.glob(f"*{ENDING}"))]
    cards = [card for card in cards if chapter in (None, card["chapter"])]
    if not cards:
        what = f"There is no trained network of chapter {chapter or 3} in {folder}"
        raise SmartClassError(f"{what}: run it first.")
    ours = models.REPORT_NETWORKS  # they come first
    return sorted(cards, key=lambda c: (c["name"] not in ours, c["name"], c["seed"]))


def forget_models(folder: Path, chapter: int, but: list[dict]) -> None:
    """Remove what a chapter stored in earlier runs and no longer trains."""
    written = set(folder.glob(f"*_seed[0-9]*{ENDING}"))  # other files stay
    for file in written - {card["file"] for card in but} if but else ():
        with suppress(SmartClassError):
            if read_card(file)["chapter"] != chapter:
                continue
        file.unlink()  # one that is damaged, too


def load_model(card: dict, data: CleanData | None = None) -> nn.Module:
    """Build a card's network with its weights, on the CPU, to answer and not to learn.

    Raises:
        SmartClassError: if the weights were changed or do not fit the network, or if it
            did not learn from the train split of ``data``, where that is given.
    """
    file = card["file"]
    if data is not None:
        check_data(card, data)
    try:
        model = models.build(card["network"], card["arguments"])
    except SmartClassError as error:
        raise SmartClassError(f"{file}: {error}") from error
    try:
        state = safetensors.torch.load_file(file)
        model.load_state_dict(state)
    except Exception as error:
        what = f"{file} does not hold the weights of a {card['network']}"
        raise SmartClassError(f"{what}: {AGAIN}.") from error
    if hash_of(state) != card["weights_sha256"]:
        what = f"{file} was changed after it was written, its weights are others"
        raise SmartClassError(f"{what}: {AGAIN}.")
    return model.to(memory_format=torch.channels_last).eval()  # which is the quicker


def check_data(card: dict, data: CleanData) -> None:
    """Refuse a network of other images or classes; say what differs."""
    about, remedy = card["data"], f"run chapter {card['chapter']:02d} again"
    if tuple(card["classes"]) != data.classes:
        what = f"knows the classes {', '.join(card['classes'])}, and the data in "
        what += f"{data.folder} has {', '.join(data.classes)}"
    elif about.get("fingerprint") != data.fingerprint:
        name, mark = (as_text(str(about.get(k))) for k in ("name", "fingerprint"))
        what = f"learned from other images or another split ({name}, {mark[:8]}) than "
        what += f"lie in {data.folder} ({data.name}, {data.fingerprint[:8]})"
    elif not about.get("as_cleaned", True):
        what = "learned from images that were changed after chapter 01, or dealt anew"
        remedy = "make the change in chapter 01 (PREPARE, a split in labels.csv) "
        remedy += "or, if it is random, by `augment` (chapter 03, 3.6)"
    else:
        return
    raise SmartClassError(f"{card['file']} {what}: {remedy}.")
