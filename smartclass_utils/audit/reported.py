"""What the original report's percentages say about its tests, in whole numbers.

Everything here rests on ``data/reported``; no image is needed.
"""

import pandas as pd
from scipy.stats import norm

from smartclass_utils.audit.decoding import (
    LARGEST_SPLIT,
    class_margins,
    decode,
    hits,
    sizes_that_fit,
)
from smartclass_utils.audit.findings import Finding
from smartclass_utils.evaluation import wilson_interval
from smartclass_utils.tables import MISSING, read_reported


def printed_classes(model: str) -> tuple[list[str], list[tuple[float | None, float]]]:
    """Return a model's class names and its (precision, recall) as printed."""
    table = read_reported("table1").query("model == @model")
    precisions = [None if pd.isna(p) else p for p in table["precision_percent"]]
    return list(table["label"]), list(
        zip(precisions, table["recall_percent"], strict=True)
    )


def printed_accuracy(model: str) -> float:
    """Return a model's test accuracy as printed, per cent."""
    table = read_reported("table2").set_index("model")
    return float(table.loc[model, "accuracy_percent"])


def test_size() -> int:
    """Return the number of test images that the main model's figures need.

    Every size up to :data:`LARGEST_SPLIT` is tried; exactly one has a solution.
    """
    _, classes = printed_classes("main")
    accuracy = printed_accuracy("main")
    sizes = [
        size
        for size in sizes_that_fit([accuracy], LARGEST_SPLIT)
        if decode(classes, accuracy, size)
    ]
    if len(sizes) != 1:
        raise ValueError(f"expected one size, found {sizes}")
    return sizes[0]


def validation_sizes() -> list[int]:
    """Return the validation split sizes that fit all nine logged accuracies."""
    logged = read_reported("training_log")["val_accuracy_percent"].tolist()
    return sizes_that_fit(logged, LARGEST_SPLIT)


def margins_table(model: str, size: int) -> pd.DataFrame:
    """Return the decoded whole numbers of a model with all four recalls.

    Columns: images, right and predicted (missing where the precision is). The model's
    figures must have exactly one solution for this size.
    """
    labels, classes = printed_classes(model)
    solutions = decode(classes, printed_accuracy(model), size)
    if len(solutions) != 1:
        raise ValueError(f"{model}: {len(solutions)} solutions for {size} images")
    rows = [(m.true, m.right, m.predicted) for m in solutions[0]]
    table = pd.DataFrame(rows, index=labels, columns=["images", "right", "predicted"])
    return table.astype("Int64").rename_axis("class")


def class_sizes(model: str, label: str, largest: int) -> list[int]:
    """Return how many test images a class may have had, from its own figures."""
    labels, classes = printed_classes(model)
    found = class_margins(*classes[labels.index(label)], largest)
    return sorted({m.true for m in found})


def totals_table() -> pd.DataFrame:
    """Return the totals that do not add up: printed, added up, difference."""
    added = read_reported("sources").groupby("original_label")["images"].sum()
    added["all"] = added.sum()
    table = read_reported("totals").set_index("original_label")
    table = table.rename(columns={"images": "printed"})
    table["added up"] = added
    table["difference"] = table["printed"] - table["added up"]
    return table


def f1_table(main: pd.DataFrame) -> pd.DataFrame:
    """Return printed macro-F1 beside the harmonic mean of macro P and R, per cent.

    Args:
        main: :func:`margins_table` of the main model; only there every class is known,
            so that the mean of the class F1 scores can be given.
    """
    table = read_reported("table2").set_index("model")
    precision, recall = table["macro_precision_percent"], table["macro_recall_percent"]
    f1 = 2 * main["right"] / (main["images"] + main["predicted"])
    known = {"main": f"{100 * f1.mean():.2f}"}
    return pd.DataFrame(
        {
            "printed": table["macro_f1_percent"],
            "harmonic mean": (2 * precision * recall / (precision + recall)).round(2),
            "mean of the classes": [known.get(name, MISSING) for name in table.index],
        }
    )


def intervals_table(size: int) -> pd.DataFrame:
    """Return every printed accuracy with its Wilson interval, all in per cent."""
    rows = {}
    for model, accuracy in (
        read_reported("table2").set_index("model")["accuracy_percent"].items()
    ):
        right = hits(accuracy, size)[0]
        low, high = (round(100 * end, 1) for end in wilson_interval(right, size))
        rows[model] = {"accuracy": accuracy, "right": right, "low": low, "high": high}
    return pd.DataFrame(rows).T.astype({"right": int}).rename_axis("model")


def images_needed(
    first: float, second: float, level: float = 0.05, power: float = 0.8
) -> int:
    """Return the test images each model needs for two accuracies to be told apart.

    For models tested on separate images (as the report's were), two-sided, by the
    normal approximation (Fleiss, Levin and Paik 2003, section 4.2, without continuity
    correction). On the same images fewer are enough.

    Args:
        first: accuracy in 0…1.
        second: another one.
        level: chance of a false alarm.
        power: chance of seeing the difference.
    """
    z = norm.ppf(1 - level / 2), norm.ppf(power)
    mean = (first + second) / 2
    under_equality = (2 * mean * (1 - mean)) ** 0.5
    under_difference = (first * (1 - first) + second * (1 - second)) ** 0.5
    n = (z[0] * under_equality + z[1] * under_difference) ** 2 / (first - second) ** 2
    return int(-(-n // 1))


def share_of_listed(main: pd.DataFrame) -> pd.DataFrame:
    """Return each class's share of the listed images and of the main test split.

    Had the listed images been used in full, the shares would agree but for chance.
    """
    nouns = {
        "angry": ["Anger"],
        "engaged": ["Amenability", "Concentration"],
        "happy": ["Happiness"],
        "neutral": ["Neutral"],
    }
    totals = read_reported("totals").set_index("original_label")["images"]
    listed = pd.Series({label: totals[names].sum() for label, names in nouns.items()})
    tested = main["images"].astype(int)
    return pd.DataFrame(
        {
            "images listed": listed,
            "share listed": listed / listed.sum(),
            "images tested": tested,
            "share tested": tested / tested.sum(),
        }
    )


def audit_reported() -> Finding:
    """Check the report's figures against each other; exact, whatever the data."""
    size = test_size()
    main, variant1 = margins_table("main", size), margins_table("variant1", size)
    intervals = intervals_table(size)
    needed = images_needed(0.818, 0.788)
    shares = share_of_listed(main)
    numbers = {
        "test_images": size,
        "validation_images": validation_sizes(),
        "main": {c: main[c].tolist() for c in main},
        "variant1_images": variant1["images"].tolist(),
        "variant1_right": variant1["right"].tolist(),
        "variant2_angry_images": class_sizes("variant2", "angry", size),
        "intervals_percent": intervals[["low", "high"]].T.to_dict("list"),
        "images_for_3_points": needed,
    }
    sentence = (
        f"The main model was tested on {size} images, "
        f"{main.loc['angry', 'images']} of them angry; variant 1 on a split with "
        f"{variant1.loc['angry', 'images']} angry ones, variant 2 on yet another. With "
        f"{size} images each, the three accuracies have overlapping intervals; a "
        f"difference of 3 points would need about {needed:,} images for each model."
    )
    tables = {
        "main": main,
        "variant1": variant1,
        "totals": totals_table(),
        "f1": f1_table(main),
        "intervals": intervals,
        "shares": shares,
    }
    return Finding(True, sentence, numbers, tables)
