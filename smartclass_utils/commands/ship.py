"""The trained network that ships with the package, and its model card."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from torch import nn

from smartclass_utils import evaluation
from smartclass_utils.checkpoints import load_model, read_card, read_cards, save_model
from smartclass_utils.cleaning import clean
from smartclass_utils.commands import study
from smartclass_utils.commands.pages import render
from smartclass_utils.commands.study_rows import Row
from smartclass_utils.config import SHIPPED_MODEL, SmartClassError
from smartclass_utils.dataset import CleanData, load_clean, tensors
from smartclass_utils.files import write_text
from smartclass_utils.sources import find_data, load
from smartclass_utils.statistics import wilson_interval


def ship(
    data: str, carry: str | None = None, terms: str = "", name: str = "Our own"
) -> Path:
    """Put a study's network into the package; return its file.

    Of the trainings of the network the one that validates best is taken, its weights
    rounded to 16 bits, with which it is then judged: on the test images, and on all of
    another data set, ``carry``, as none of them was learned from.

    Raises:
        SmartClassError: if the study has not been run.
    """
    cleaned = clean_of(data)
    card = best_of(name, cleaned)
    model, mirror = load_model(card, cleaned).half().float(), card["recipe"]["mirror"]
    facts = {"test": judge(model, mirror, cleaned), "carried_over": {}}
    if carry:
        other = clean_of(carry)
        if other.classes != cleaned.classes:
            known = ", ".join(cleaned.classes)
            raise SmartClassError(f"{carry} has other classes: name images of {known}.")
        other = replace(other, labels=other.labels.assign(split="test"))
        facts["carried_over"] = judge(model, mirror, other)
    stored = {key: value for key, value in card.items() if key != "file"}
    save_model(SHIPPED_MODEL, model.half(), {**stored, **facts, "terms": terms})
    write_model_card(SHIPPED_MODEL)
    return SHIPPED_MODEL


def clean_of(data: str) -> CleanData:
    """Return a data set as the study cleans it."""
    manifest = load(find_data(data))
    folder = Row().clean_in(study.STUDIES / manifest.name)
    clean(manifest, folder)
    return load_clean(folder)


def best_of(name: str, data: CleanData) -> dict:
    """Return the card of the training of a network that validates best."""
    folder = data.folder.with_name("models")
    stored = read_cards(folder) if any(folder.glob("*")) else []
    cards = [card for card in stored if card["name"] == name]
    if not cards:
        what = f"There is no training of {name} on {data.name} in {folder}"
        raise SmartClassError(f"{what}: run `python -m smartclass_utils study` first.")
    targets = data.targets[data.rows("val")]
    answers = [study.answers_of(card, data, card["recipe"]["mirror"]) for card in cards]
    right = [(answer["val"] == targets).mean() for answer in answers]
    return {**cards[int(np.argmax(right))], "trainings": len(cards)}


def judge(model: nn.Module, mirror: bool, data: CleanData) -> dict:
    """Return metrics on the test images, with an interval for every class's recall."""
    images, targets = tensors(data, "test")
    answers = evaluation.predict(model, images, mirror).argmax(axis=1)
    found = evaluation.metrics(targets.numpy(), answers, data.classes)
    for k, row in enumerate(found["per_class"].values()):
        right = found["confusion"][k][k]
        row["recall_ci95"] = list(wilson_interval(right, row["images"]))
    return {"data": data.name, "images": len(targets), **found}


def write_model_card(file: Path) -> None:
    """Write the model card (Mitchell et al. 2019) beside a network, as README.md."""
    card = read_card(file)
    beside = file.with_name("beside_fer.csv")  # written by benchmarks/bench_fer.py
    table = pd.read_csv(beside) if beside.exists() else pd.DataFrame({"weights": []})
    rows = table[table["weights"] == card["weights_sha256"]].to_dict("records")
    text = render("model_card.md.j2", card=card, beside=rows)
    write_text(file.with_name("README.md"), text)
