"""The trained network that ships with the package, and its model card."""

import io
from dataclasses import asdict
from pathlib import Path

import jinja2
import numpy as np
import torch

from smartclass_utils.batches import Batches, predict_logits
from smartclass_utils.beyond.runs import read_run
from smartclass_utils.beyond.steps import OWN
from smartclass_utils.beyond.study import STUDIES, clean_at
from smartclass_utils.config import IMAGE_SIZE, SHIPPED_CARD, SmartClassError
from smartclass_utils.dataset import CleanData, load_clean
from smartclass_utils.evaluation import metrics, wilson_interval
from smartclass_utils.files import replacing, sha256, write_json, write_text
from smartclass_utils.hardware import environment, pick_device
from smartclass_utils.models import build, count_parameters
from smartclass_utils.site.chapters import TEMPLATES
from smartclass_utils.sources import find_data, load


def best_run(folder: Path, data: CleanData) -> Path:
    """Return the training of our own network that validates best.

    Raises:
        SmartClassError: if the study of the data set has not been run.
    """
    files = sorted(folder.glob(f"{OWN.name}_seed*.npz"))
    if not files:
        raise SmartClassError(
            f"There is no training of {data.name} in {folder}: run "
            "`python -m smartclass_utils study` on it first."
        )
    targets = data.targets[data.rows("val")]
    right = [
        (read_run(file).logits["flipped_val"].argmax(axis=1) == targets).mean()
        for file in files
    ]
    return files[int(np.argmax(right))]


def judge(model: torch.nn.Module, data: CleanData, splits: tuple[str, ...]) -> dict:
    """Return metrics on some splits, with an interval for every class's recall."""
    batches = [Batches(data, split, pick_device()) for split in splits]
    logits = [predict_logits(model, part, flip=True).numpy() for part in batches]
    answers = np.concatenate(logits).argmax(axis=1)
    targets = np.concatenate([part.targets.cpu().numpy() for part in batches])
    found = metrics(targets, answers, data.classes)
    for k, name in enumerate(data.classes):
        right = int((answers[targets == k] == k).sum())
        total = int((targets == k).sum())
        found["per_class"][name]["recall_ci95"] = list(wilson_interval(right, total))
    return {"data": data.name, "images": len(targets), **found}


def ship(data: str, carry: str | None = None, terms: str = "") -> Path:
    """Put the best training of a study into the package, with its card.

    Args:
        data: the folder of images on which the study was run.
        carry: another data set, to measure how the network carries over to it; all
            its images are used, for none of them was learned from.
        terms: under which the training images may be used, for the card.

    Returns:
        The path of the JSON card.
    """
    name = load(find_data(data)).name
    folder = STUDIES / name / "runs"
    cleaned = load_clean(clean_at(data, STUDIES / name, IMAGE_SIZE))
    file = best_run(folder, cleaned)
    run = read_run(file)
    model = build(OWN.model, len(cleaned.classes), IMAGE_SIZE, **OWN.changes)
    state = torch.load(file.with_suffix(".pt"), map_location="cpu", weights_only=True)
    model.load_state_dict(state)
    carried = {}
    if carry:
        other = load(find_data(carry)).name
        more = load_clean(clean_at(carry, STUDIES / other, IMAGE_SIZE))
        carried = judge(model, more, ("train", "val", "test"))
    buffer = io.BytesIO()
    torch.save(model.state_dict(), buffer)
    weights = SHIPPED_CARD.with_suffix(".pt")
    with replacing(weights) as stream:
        stream.write(buffer.getvalue())
    card = {
        "name": OWN.name,
        "title": OWN.title,
        **model.spec,
        "parameters": count_parameters(model),
        "classes": list(cleaned.classes),
        "seed": run.about["seed"],
        "recipe": asdict(OWN.recipe),
        "best_epoch": OWN.recipe.epochs,
        "history": {},  # the study keeps none
        "seconds": run.about["seconds"],
        "images_per_second": run.about["images_per_second"],
        "data": {"name": cleaned.name, "fingerprint": cleaned.fingerprint},
        "terms": terms,
        "test": judge(model, cleaned, ("test",)),
        "carried_over": carried,
        "environment": environment(),
        "weights": weights.name,
        "weights_sha256": sha256(weights),
    }
    write_json(SHIPPED_CARD, card)
    write_text(SHIPPED_CARD.with_name("README.md"), model_card(card))
    return SHIPPED_CARD


def model_card(card: dict) -> str:
    """Return the model card (Mitchell et al. 2019) as Markdown."""
    place = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return place.get_template("model_card.md.j2").render(card=card)
