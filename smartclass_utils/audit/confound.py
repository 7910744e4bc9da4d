"""Is it the face or the source? What can be told without looking at the face."""

import numpy as np
import pandas as pd
from sklearn.metrics import recall_score, roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from smartclass_utils.audit.findings import Finding, missing
from smartclass_utils.audit.outputs import Output, by_model
from smartclass_utils.audit.probes import (
    VIEWS,
    draw_down,
    gradients,
    probe,
    second_opinion,
)
from smartclass_utils.dataset import CleanData

FOLDS = 4
VISIBLE = 0.80  # area under the ROC curve from which a source counts as visible
FEWEST = 20  # images a class or a source needs for a probe


def balanced_recall(targets: np.ndarray, predicted: np.ndarray) -> float:
    """Return the mean recall of the classes, 0…1; chance is 1 / K."""
    return float(recall_score(targets, predicted, average="macro", zero_division=0))


def out_of_fold(features: np.ndarray, targets: np.ndarray, method: str) -> np.ndarray:
    """Return what probes say about images that they did not learn from.

    Args:
        features: float32 (n, P).
        targets: class of each image, (n,).
        method: ``"predict"`` or ``"decision_function"``.
    """
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    model = probe(features.shape[1], len(features) * (FOLDS - 1) // FOLDS)
    return cross_val_predict(model, features, targets, cv=folds, method=method)


def tied_classes(labels: pd.DataFrame) -> dict[str, str]:
    """Return the classes that are a source's only class and have no other source.

    Such a class cannot be told from its source by any data of the set.
    """
    counts = pd.crosstab(labels["label"], labels["source"]) > 0
    return {
        str(label): str(counts.columns[row.to_numpy()][0])
        for label, row in counts.iterrows()
        if row.sum() == 1 and counts.loc[:, row.to_numpy()].to_numpy().sum() == 1
    }


def probe_classes(data: CleanData, rows: np.ndarray) -> pd.DataFrame:
    """Return how well each view alone tells the class and the source.

    Args:
        data: the cleaned data set.
        rows: the rows to use; probes are cross-validated on them.

    Returns:
        One row a view: ``class`` and ``source``, mean recall in 0…1 (source is missing
        where there is only one), and ``recall of …`` for every class.
    """
    targets = data.targets[rows]
    sources = data.labels["source"].to_numpy()[rows]
    several = len(set(sources)) > 1
    table = {}
    for name, view in VIEWS.items():
        features = view(np.asarray(data.images[rows]))
        said = out_of_fold(features, targets, "predict")
        each = recall_score(
            targets,
            said,
            labels=range(len(data.classes)),
            average=None,
            zero_division=0,
        )
        table[name] = {"class": balanced_recall(targets, said)}
        if several:
            guess = out_of_fold(features, sources, "predict")
            table[name]["source"] = balanced_recall(sources, guess)
        for label, value in zip(data.classes, each, strict=True):
            table[name][f"recall of {label}"] = float(value)
    return pd.DataFrame(table).T.rename_axis("what the probe sees")


def border_visibility(data: CleanData, rows: np.ndarray) -> dict[str, float]:
    """Return how well the border alone tells each class from all others.

    The area under the ROC curve: the chance that of one image of the class and one
    other the right one looks more like the class; 0.5 is a guess.
    """
    features = VIEWS["border only"](np.asarray(data.images[rows]))
    found = {}
    for k, label in enumerate(data.classes):
        is_class = data.targets[rows] == k
        score = out_of_fold(features, is_class, "decision_function")
        found[label] = float(roc_auc_score(is_class, score))
    return found


def without_class(outputs: list[Output], left_out: int) -> pd.DataFrame:
    """Return accuracies with one class left out, means over trainings, 0…1.

    The images of the class are set aside and the networks choose among the others.
    """
    rows = {}
    for title, own in by_model(outputs).items():
        kept = own[0].test_targets != left_out
        truth = own[0].test_targets[kept]
        few = [np.delete(o.test[kept], left_out, axis=1).argmax(axis=1) for o in own]
        few = [answer + (answer >= left_out) for answer in few]
        rows[title] = {
            "all classes": np.mean([o.right.mean() for o in own]),
            "its recall": np.mean([o.right[~kept].mean() for o in own]),
            "without it": np.mean([(answer == truth).mean() for answer in few]),
        }
    return pd.DataFrame(rows).T.rename_axis("network")


def leave_one_source_out(data: CleanData, rows: np.ndarray) -> pd.DataFrame:
    """Return what shapes learned from other sources are worth on a source.

    A linear classifier of gradients learns the classes twice: from the other sources,
    and, by cross-validation, from the source itself. Only classes that the other
    sources have, too, are judged.

    Returns:
        One row a source: ``images`` judged, ``classes``, mean recall ``from others``
        and ``from itself`` (missing where it cannot be had), 0…1.
    """
    sources = data.labels["source"].to_numpy()[rows]
    features = gradients(np.asarray(data.images[rows]))
    targets = data.targets[rows]
    table = {}
    for source in sorted(set(sources)):
        here = sources == source
        shared = np.intersect1d(targets[here], targets[~here])
        judged = here & np.isin(targets, shared)
        row = {"images": int(judged.sum()), "classes": len(shared)}
        if len(shared) > 1 and judged.sum() >= FEWEST:
            learned = ~here & np.isin(targets, shared)
            model = second_opinion().fit(features[learned], targets[learned])
            said = model.predict(features[judged])
            row["from others"] = balanced_recall(targets[judged], said)
            folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
            own = cross_val_predict(
                second_opinion(), features[judged], targets[judged], cv=folds
            )
            row["from itself"] = balanced_recall(targets[judged], own)
        table[source] = row
    columns = ["images", "classes", "from others", "from itself"]
    result = pd.DataFrame(table).T.reindex(columns=columns).rename_axis("source")
    return result.astype({"images": int, "classes": int})


def verdict(tied: dict[str, str], visible: dict[str, float]) -> tuple[bool, str]:
    """Return whether the confound is there, and the sentence that says so."""
    if not tied:
        return False, (
            "No class has a source to itself, so that recognising a source would not "
            "be enough to name a class."
        )
    label = max(tied, key=lambda name: visible[name])
    found = visible[label] >= VISIBLE
    number = f"an area under the curve of {visible[label]:.2f}, where 0.5 is a guess"
    if found:
        return True, (
            f"*{label}* has a source to itself, and the border of an image, without "
            f"the face, gives it away ({number}): its recall can’t be credited to the "
            "expression."
        )
    return False, (
        f"*{label}* has a source to itself, but the border of an image does not give "
        f"it away ({number}): nothing speaks for the source being recognised."
    )


def transfer_sentence(found: Finding) -> str:
    """Say how well shapes from other sources serve each source."""
    table = found.tables.get("sources")
    if table is None:
        return "With fewer than two sources, none can be left out."
    parts = []
    for source, row in table.iterrows():
        if pd.isna(row["from others"]):
            parts.append(f"for {source} it can’t be asked: no other has its classes")
        else:
            parts.append(
                f"on {source}, shapes learned elsewhere reach a mean recall of "
                f"{row['from others']:.1%}, its own {row['from itself']:.1%}"
            )
    text = "; ".join(parts)
    return f"{text[0].upper()}{text[1:]}."


def audit_confound(data: CleanData, outputs: list[Output]) -> Finding:
    """Ask of every class whether its source, not the face, may be recognised."""
    rows = draw_down(np.arange(len(data.labels)))
    if min(np.bincount(data.targets[rows], minlength=len(data.classes))) < FEWEST:
        return missing(f"A class has fewer than {FEWEST} images: too few for a probe.")
    table, visible = probe_classes(data, rows), border_visibility(data, rows)
    tables = {"probes": table}
    numbers = {
        "border_auc": visible,
        "probes": table.reset_index().to_dict("records"),
    }
    if data.labels["source"].nunique() < 2:
        label = max(visible, key=visible.get)
        sentence = (
            "All images come from one source, or none is noted, so that classes and "
            "sources can’t be told apart; but the border alone tells the class with a "
            f"mean recall of {table.loc['border only', 'class']:.0%}, where a guess "
            f"has {1 / len(data.classes):.0%}, and most easily *{label}* (area under "
            f"the curve {visible[label]:.2f})."
        )
        return Finding(True, sentence, {**numbers, "confound": None}, tables)
    tied = tied_classes(data.labels)
    confound, sentence = verdict(tied, visible)
    sources = leave_one_source_out(data, rows)
    tables["sources"] = sources
    numbers |= {
        "confound": confound,
        "tied": tied,
        "leave_one_source_out": [
            {key: None if pd.isna(value) else value for key, value in row.items()}
            for row in sources.reset_index().to_dict("records")
        ],
    }
    for label in tied:
        k = data.classes.index(label)
        tables[f"without {label}"] = left = without_class(outputs, k)
        numbers[f"without_{label}"] = left.reset_index().to_dict("records")
    return Finding(True, sentence, numbers, tables)
