"""The whole study of one data set, and how its numbers are stored."""

import json
from dataclasses import asdict
from pathlib import Path

import joblib
import numpy as np
from sklearn.metrics import accuracy_score, f1_score

from smartclass_utils.batches import softmax
from smartclass_utils.beyond.crossval import cross_validate, fold_splits
from smartclass_utils.beyond.runs import (
    Run,
    pretrain,
    read_run,
    sweep,
)
from smartclass_utils.beyond.steps import (
    ALTERNATIVES,
    DISTILLED,
    LADDER,
    OWN,
    PRETRAINED,
    PRETRAINING,
    REPORT_RECIPE,
    STRONG_RECIPE,
    TRANSFER,
    Step,
)
from smartclass_utils.cleaning.folder import clean
from smartclass_utils.config import IMAGE_SIZE, RESULTS_FOLDER, ROOT, SmartClassError
from smartclass_utils.dataset import CleanData, load_clean
from smartclass_utils.evaluation import (
    Prediction,
    describe,
    majority_baseline,
    mean,
    metrics,
    summarise,
)
from smartclass_utils.files import write_json
from smartclass_utils.hardware import environment
from smartclass_utils.sources import find_data, load
from smartclass_utils.transfer import cached_weights

STUDIES = ROOT / "build" / "studies"
CROSS_VALIDATED = (REPORT_RECIPE[0], OWN)


def clean_at(data: str, folder: Path, size: int) -> Path:
    """Clean a data set at a size, unless that was done before; return the folder."""
    out = folder / f"clean_{size}"
    clean(load(find_data(data)), out, image_size=size, progress=False)
    return out


def read_runs(folder: Path, step: Step) -> list[Run]:
    """Return all trainings of a step, in the order of their seeds."""
    files = folder.glob(f"{step.name}_seed*.npz")
    return sorted((read_run(file) for file in files), key=lambda r: r.about["seed"])


def view_of(step: Step) -> str:
    """Return the view of a training that its recipe asks for."""
    return "flipped" if step.recipe.flip_test else "kept"


def validation(data: CleanData, runs: list[Run], view: str) -> dict:
    """Return accuracy and macro-F1 on the validation split over the trainings."""
    targets = data.targets[data.rows("val")]
    answers = [run.logits[f"{view}_val"].argmax(axis=1) for run in runs]
    right = [float(accuracy_score(targets, answer)) for answer in answers]
    f1 = [float(f1_score(targets, answer, average="macro")) for answer in answers]
    return {
        "val_accuracy": mean(right),
        "val_accuracy_sd": float(np.std(right, ddof=1)) if len(right) > 1 else None,
        "val_macro_f1": mean(f1),
        "val_macro_f1_sd": float(np.std(f1, ddof=1)) if len(f1) > 1 else None,
    }


def entry_of(
    data: CleanData, runs: list[Run], view: str, name: str, title: str
) -> dict:
    """Return the entry of ``results.json`` for one view of some trainings."""
    targets = data.targets[data.rows("test")]
    predictions = []
    for run in runs:
        about = run.about
        card = {**about, "name": name, "title": title}
        card["recipe"] = {"epochs": about["epochs"]}
        probabilities = softmax(run.logits[f"{view}_test"], np.float32)
        predictions.append(Prediction(card, probabilities, targets, data.classes))
    [entry] = summarise(predictions)
    cpu = mean([run.about["cpu_seconds"] for run in runs])
    return {**entry, "cpu_seconds": cpu, **validation(data, runs, view)}


def ensemble_of(data: CleanData, runs: list[Run], name: str, title: str) -> dict:
    """Return the entry of an ensemble: the mean of the trainings' probabilities."""
    each = {
        split: np.mean(
            [softmax(r.logits[f"flipped_{split}"], np.float32) for r in runs], axis=0
        )
        for split in ("val", "test")
    }
    answers = {split: p.argmax(axis=1) for split, p in each.items()}
    val, test = (data.targets[data.rows(split)] for split in ("val", "test"))
    about = [run.about for run in runs]
    return {
        "name": name,
        "title": title,
        "parameters": sum(a["parameters"] for a in about),
        "epochs": about[0]["epochs"],
        "seeds": [a["seed"] for a in about],
        "seconds": sum(a["seconds"] for a in about),
        "cpu_seconds": sum(a["cpu_seconds"] for a in about),
        "images_per_second": mean([a["images_per_second"] for a in about]),
        **metrics(test, answers["test"], data.classes),
        "val_accuracy": float(accuracy_score(val, answers["val"])),
        "val_macro_f1": float(f1_score(val, answers["val"], average="macro")),
    }


def ladder_of(data: CleanData, runs: dict[str, list[Run]]) -> list[dict]:
    """Return the steps from the report's recipe to the ensemble, in order."""
    main, strong = REPORT_RECIPE[0], STRONG_RECIPE[0]
    rungs = [
        (main.name, "kept", "the report's recipe"),
        (LADDER[0].name, "kept", f"{OWN.recipe.epochs} epochs, one-cycle rate"),
        (LADDER[1].name, "kept", "augmentation"),
        (strong.name, "latest", "label smoothing, weight decay"),
        (OWN.name, "latest", "our own network"),
        (OWN.name, "kept", "running mean of the weights"),
        (OWN.name, "flipped", "mirror image at test time"),
    ]
    return [
        entry_of(data, runs[name], view, f"{name} {view}", title)
        for name, view, title in rungs
        if runs.get(name)
    ]


def models_of(data: CleanData, runs: dict[str, list[Run]]) -> list[dict]:
    """Return the entry of every model: both recipes, ours, the ensemble."""
    steps = (*REPORT_RECIPE, *STRONG_RECIPE, OWN, DISTILLED, PRETRAINED, TRANSFER)
    entries = [
        entry_of(data, runs[step.name], view_of(step), step.name, step.title)
        for step in steps
        if runs.get(step.name)
    ]
    for step in (OWN, PRETRAINED):
        own = runs.get(step.name, [])
        if len(own) > 1:
            title = f"Ensemble of {len(own)}: {step.title.lower()}"
            entries.append(ensemble_of(data, own, f"{step.name}_ensemble", title))
    strong = [run for s in (*STRONG_RECIPE, OWN) for run in runs.get(s.name, [])]
    if len(strong) > len(runs.get(OWN.name, [])):
        title = f"Ensemble of {len(strong)}: all with the strong recipe"
        entries.append(ensemble_of(data, strong, "all_strong_ensemble", title))
    return entries


def alternatives_of(data: CleanData, runs: dict[str, list[Run]]) -> list[dict]:
    """Return what was tried on the validation split only, beside our own step."""
    rows = []
    for step in (OWN, *ALTERNATIVES):
        tried = runs.get(step.name, [])
        if tried:
            seconds = mean([run.about["cpu_seconds"] for run in tried])
            found = validation(data, tried, "flipped")
            seeds = [run.about["seed"] for run in tried]
            row = {"name": step.name, "title": step.title, "seeds": seeds}
            rows.append({**row, "cpu_seconds": seconds, **found})
    return rows


def content_of(data: CleanData, folder: Path, threads: int) -> dict:
    """Return all that the stored trainings of a data set say, as it is stored."""
    steps = (
        *REPORT_RECIPE,
        *LADDER,
        *STRONG_RECIPE,
        OWN,
        DISTILLED,
        PRETRAINED,
        PRETRAINING,
        TRANSFER,
    )
    runs = {step.name: read_runs(folder, step) for step in (*steps, *ALTERNATIVES)}
    folds = folder / "folds.json"
    return {
        "data": describe(data),
        "environment": {**environment(), "threads of a training": threads},
        "recipe": asdict(OWN.recipe),
        "baseline": majority_baseline(data),
        "models": models_of(data, runs),
        "ladder": ladder_of(data, runs),
        "alternatives": alternatives_of(data, runs),
        "folds": json.loads(folds.read_text("utf-8")) if folds.exists() else [],
    }


def chosen_alternatives(names: tuple[str, ...] | list[str]) -> list[Step]:
    """Return the alternatives of these names, all of them for "all".

    Raises:
        SmartClassError: if a name is not known.
    """
    known = {step.name.removeprefix("own_"): step for step in ALTERNATIVES}
    wanted = list(known) if "all" in names else names
    for name in wanted:
        if name not in known:
            raise SmartClassError(
                f"No alternative '{name}'; choose from all, {', '.join(known)}."
            )
    return [known[name] for name in wanted]


def run_study(
    data: str,
    others: list[str] | None = None,
    out: str | None = None,
    seeds: int = 3,
    folds: int = 0,
    alternatives: tuple[str, ...] | list[str] = (),
    jobs: int = 2,
) -> Path:
    """Train every step on one data set and store the numbers; return the JSON file.

    Each training is kept as soon as it is done, so that a second call goes on where
    the first was stopped.

    Args:
        data: a folder of images, or ``"demo"``.
        others: folders of other data sets with the same classes, to pretrain on.
        out: JSON file to write; default: ``data/results/<data set>.json``.
        seeds: trainings of every step.
        folds: of the cross-validation of the first and the last network; 0: none.
        alternatives: names of what else to try on validation, or "all".
        jobs: trainings side by side.
    """
    tried = chosen_alternatives(alternatives)  # a wrong name stops before any training
    name = load(find_data(data)).name
    base = STUDIES / name
    folder = base / "runs"
    folder.mkdir(parents=True, exist_ok=True)
    place = {IMAGE_SIZE: clean_at(data, base, IMAGE_SIZE)}
    if folds:
        fold_splits(load_clean(place[IMAGE_SIZE]), folds)  # says now what can't work
    first = [*REPORT_RECIPE, *LADDER, *STRONG_RECIPE, OWN]
    second = [DISTILLED, *([TRANSFER] if cached_weights() else [])]
    if others:
        names = [load(find_data(other)).name for other in others]
        cleaned = [
            clean_at(other, STUDIES / known, IMAGE_SIZE)
            for other, known in zip(others, names, strict=True)
        ]
        threads = max(1, (joblib.cpu_count() or 1) // jobs)
        joblib.Parallel(n_jobs=jobs)(
            joblib.delayed(pretrain)(cleaned, folder, PRETRAINING, seed, threads)
            for seed in range(seeds)
        )
        second.append(PRETRAINED)
    for step in tried:
        size = step.image_size
        place[size] = place.get(size) or clean_at(data, base, size)
        first.append(step)
    for steps in (first, second):
        work = [(place[s.image_size], s, k) for s in steps for k in range(seeds)]
        sweep(work, folder, jobs)
    cleaned = load_clean(place[IMAGE_SIZE])
    if folds:
        table = cross_validate(
            place[IMAGE_SIZE], list(CROSS_VALIDATED), folds, jobs=jobs, folder=folder
        )
        write_json(folder / "folds.json", table.to_dict("records"))
    path = Path(out) if out else RESULTS_FOLDER / f"{name}.json"
    threads = max(1, (joblib.cpu_count() or 1) // jobs)
    write_json(path, content_of(cleaned, folder, threads))
    return path
