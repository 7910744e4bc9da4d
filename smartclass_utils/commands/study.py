"""Train every row of chapter 5 on one data set and store the numbers."""

from dataclasses import replace
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import torch
from sklearn.model_selection import StratifiedGroupKFold
from torch.utils.data import DataLoader, TensorDataset

from smartclass_utils import evaluation
from smartclass_utils.checkpoints import load_model, train_once
from smartclass_utils.cleaning import clean
from smartclass_utils.commands.results_page import HEAD, PAGE, write_page
from smartclass_utils.commands.study_rows import LADDER, MODELS, SETS, STUDIES, Job, Row
from smartclass_utils.config import RESULTS_FOLDER, SmartClassError, check
from smartclass_utils.dataset import CleanData, load_clean, tensors
from smartclass_utils.files import read_json, write_json, write_text
from smartclass_utils.hardware import fast_dtype, pick_device
from smartclass_utils.models import REPORT_NETWORKS, build
from smartclass_utils.sources import find_data, load
from smartclass_utils.splits import deal, joint_groups
from smartclass_utils.walking import read_table

GRID_SEEDS = 3  # trainings of a network on each redrawn split


def run_job(base: Path, job: Job, place: str) -> dict:
    """Train, unless this very training is kept; return the card and what it answers."""
    torch.set_num_threads(1)
    row, device = job.row, pick_device()
    data = row.labels(load_clean(row.clean_in(base)))
    if job.split is not None:
        data = replace(data, labels=data.labels.assign(split=job.split))
    train = TensorDataset(tensors(data, "train")[0], row.targets(data))
    order = torch.Generator().manual_seed(job.seed)
    loaders = {
        "train": DataLoader(train, row.batch_size, shuffle=True, generator=order),
        "val": DataLoader(TensorDataset(*tensors(data, "val")), batch_size=32),
    }
    sizes = {"n_classes": len(data.classes), "image_size": data.image_size}
    arguments = {**row.arguments, **sizes, "in_channels": data.channels}
    torch.manual_seed(job.seed)
    model = row.start(build(row.network, arguments))
    model = model.to(device, memory_format=torch.channels_last)
    recipe = {"dtype": row.dtype or fast_dtype(device), **row.recipe(model, loaders)}
    card = train_once(
        *(job.folder, job.name, job.seed, model, arguments, data, loaders),
        **recipe,
        chapter=5,
        mirror=row.mirror,
        log=str,  # prints nothing
    )
    answers = answers_of(card, data, row.mirror)
    right = {k: (v == data.targets[data.rows(k)]).mean() for k, v in answers.items()}
    print(
        f"{place} {job.name}, seed {job.seed}: {right['val']:.1%} of the validation "
        f"images, {card['cpu_seconds']:.0f} processor seconds",
        flush=True,
    )
    return {**card, "answers": answers, "accuracy": float(right["test"])}


def sweep(base: Path, work: list[Job], jobs: int) -> list[dict]:
    """Do all trainings through joblib, ``jobs`` at a time; return what each gave."""
    call, n = joblib.delayed(run_job), len(work)
    calls = (call(base, job, f"[{i}/{n}]") for i, job in enumerate(work, 1))
    return joblib.Parallel(jobs)(calls)


def answers_of(card: dict, data: CleanData, mirror: bool) -> dict[str, np.ndarray]:
    """Return the class a stored network gives every val and test image, int (n,)."""
    model = load_model(card)
    return {
        split: evaluation.predict(model, tensors(data, split)[0], mirror).argmax(axis=1)
        for split in ("val", "test")
    }


def entry_of(name: str, cards: list[dict], data: CleanData) -> dict:
    """Return an entry as results.json has it, with validation and what was right.

    ``right`` holds a text for each training, with a 1 or 0 for each test image, so that
    :func:`smartclass_utils.statistics.difference` can compare networks later;
    ``never`` the classes that trainings never answered.
    """
    val, test = (data.targets[data.rows(split)] for split in ("val", "test"))
    on_test = [card["answers"]["test"] for card in cards]
    on_val = [float((card["answers"]["val"] == val).mean()) for card in cards]
    entry = evaluation.entry(cards, on_test, test, data.classes)
    never = {
        label: sum(k not in each for each in on_test)
        for k, label in enumerate(data.classes)
    }
    return {
        **entry,
        "name": name,
        "cpu_seconds": float(np.mean([card["cpu_seconds"] for card in cards])),
        "val_accuracy": float(np.mean(on_val)),
        "val_accuracy_per_seed": on_val,
        "never": [f"{label} ({n} of {len(cards)})" for label, n in never.items() if n],
        "right": ["".join(map(str, (each == test).astype(int))) for each in on_test],
    }


def run_study(
    data: str,
    out: str | None = None,
    rows: str = "base",
    seeds: int = 3,
    jobs: int = 2,
    splits: int = 0,
    folds: int = 0,
) -> Path:
    """Train all rows on one data set and store the numbers; return where they are.

    A finished training is kept under a key of recipe, code, data and seed, so that a
    second call goes on where the first was stopped. What the file holds of other rows
    on the same images stays. ``splits`` redrawn ones, on which the report's networks
    are trained, make ``<data set>_grid.csv`` beside it; ``folds`` of train and val make
    ``…_folds.csv``, each row's answers for the fold left out; 0 seeds: nothing else.

    Raises:
        SmartClassError: if there is no such study, or it would replace other results.
    """
    if rows not in SETS:
        raise SmartClassError(f"No study has rows {rows}: name {', '.join(SETS)}.")
    check(SEEDS=(seeds, 0, 1000), SPLITS=(splits, 0, 1000), JOBS=(jobs, 1, 1000))
    if splits == 1 or not (seeds or splits or folds):
        what = "1 split makes no grid, and 0 seeds, splits and folds make nothing"
        raise SmartClassError(f"{what}: name more.")
    manifest = load(find_data(data))
    if not out and seeds and manifest.name == "demo":
        what = "demo.json is what `make record` writes"
        raise SmartClassError(f"{what}: name another file with --out.")
    base, chosen = STUDIES / manifest.name, SETS[rows]
    usual = Row()  # only for its images: grey, of the usual size
    needed = {row.clean_in(base): row for row in [usual, *chosen.values()]}
    for folder, row in needed.items():
        clean(manifest, folder, image_size=row.image_size, colour=row.colour, jobs=jobs)
    found = next(iter(chosen.values())).labels(load_clean(usual.clean_in(base)))
    path = Path(out) if out else RESULTS_FOLDER / f"{found.name}.json"
    known = stored(path, found)
    labels, subjects = (found.labels[k].to_numpy(object) for k in ("label", "subject"))
    groups = joint_groups(found.images, subjects)
    redrawn = [deal(labels, groups, seed=k, subjects=subjects) for k in range(splits)]
    beside = path.with_name(f"{found.name}_folds.csv")
    if folds:
        table, in_folds = fold_jobs(base, chosen, found, groups, folds, beside)
    if seeds:
        place, runs = base / "models", range(seeds)
        work = [Job(place, *named, seed) for named in chosen.items() for seed in runs]
        cards = sweep(base, work, jobs)
        content = content_of(known, found, rows, cards)
        twin = np.isin(groups, groups[found.rows("train")])[found.rows("test")]
        write_json(path, {**content, "twin": "".join(map(str, twin.astype(int)))})
    if splits:
        work = [
            Job(base / f"split{number}", name, MODELS[name], seed, split)
            for number, split in enumerate(redrawn)
            for name in REPORT_NETWORKS
            for seed in range(GRID_SEEDS)
        ]
        grid = grid_of(sweep(base, work, jobs)).to_csv(index=False)
        write_text(path.with_name(f"{manifest.name}_grid.csv"), grid)
    if folds:
        for job, card in zip(in_folds, sweep(base, in_folds, jobs), strict=True):
            held = table["fold"] == job.folder.name.removeprefix("fold")
            table.loc[held, job.name] = np.array(found.classes)[card["answers"]["val"]]
        write_text(beside, table.to_csv(index=False))
    write_page(path.parent)
    return path if path.exists() else path.parent


def stored(path: Path, data: CleanData) -> dict:
    """Return what a study of these images has stored; refuse any other file."""
    remedy = "name another file with --out"
    page = path.with_name(PAGE)
    if page.exists() and not page.read_text("utf-8", "replace").startswith(HEAD):
        raise SmartClassError(f"{page} is no page of results: {remedy}, elsewhere.")
    if not path.exists():
        return {}
    known = read_json(path, remedy)
    about = known.get("data")
    if not isinstance(about, dict) or about.get("fingerprint") != data.fingerprint:
        raise SmartClassError(f"{path} holds no study of these images: {remedy}.")
    return known


def grid_of(cards: list[dict]) -> pd.DataFrame:
    """Return how right each training on a redrawn split was."""
    return pd.DataFrame(
        {
            "network": card["name"],
            "split": card["file"].parent.name.removeprefix("split"),
            "seed": card["seed"],
            "accuracy": card["accuracy"],
            "n_test": len(card["answers"]["test"]),
            "images": card["data"]["fingerprint"][:8],
        }
        for card in cards
    )


def fold_jobs(base, rows, data, groups, folds, path) -> tuple[pd.DataFrame, list[Job]]:
    """Return each image's fold; and trainings, to which it is validation.

    The table is the one in ``path``, with what it says of other rows, if there is one
    of these folds; any other file there is refused.
    """
    learned = np.flatnonzero(data.labels["split"].isin(["train", "val"]))
    table = data.labels.loc[learned, ["sha256", "label"]].reset_index(drop=True)
    few = pd.Series(groups[learned]).groupby(table["label"]).nunique()
    if not 2 <= folds <= few.min():
        what = f"{few.idxmin()} has {few.min()} groups (near-copies, subjects) to deal"
        raise SmartClassError(f"FOLDS = {folds}, and {what}: name 2 to as many.")
    dealer = StratifiedGroupKFold(folds, shuffle=True, random_state=0)
    dealt, work = dealer.split(learned, table["label"], groups[learned]), []
    for fold, (_, out) in enumerate(dealt):
        split = data.labels["split"].replace("val", "train").to_numpy(object)
        split[learned[out]] = "val"
        table.loc[out, "fold"] = f"{fold}of{folds}"
        place = base / f"fold{fold}of{folds}"
        work += [Job(place, name, row, 0, split) for name, row in rows.items()]
    known = read_table(path, *table) if path.exists() else table
    if not known[[*table]].astype(str).equals(table.astype(str)):
        raise SmartClassError(f"{path} has other folds: name another place by --out.")
    return known, work


def content_of(known: dict, data: CleanData, rows: str, cards: list[dict]) -> dict:
    """Return what is stored: results.json's parts, and ladder and transfer."""
    of = {name: [card for card in cards if card["name"] == name] for name in SETS[rows]}
    made = [entry_of(n, of[n], data) for n in of if rows != "base" or n in MODELS]
    further = ("transfer", "parts", "further", "started")
    key = "transfer" if rows in further else "models"
    made = [entry for entry in known.get(key, []) if entry["name"] not in of] + made
    if key == "transfer":
        return {**evaluation.results_of(data, []), **known, key: made}
    ladder = []
    for step, name, mirror in LADDER if rows == "base" else ():
        shown = [{**c, "answers": answers_of(c, data, mirror)} for c in of[name]]
        ladder.append(entry_of(step, shown, data))
    parts = {"ladder": ladder} if ladder else {}
    return {**known, **evaluation.results_of(data, made), **parts}
