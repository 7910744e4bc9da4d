"""Tables of chapter 06 that put findings side by side."""

import pandas as pd

from smartclass_utils.audit.findings import Finding
from smartclass_utils.audit.outputs import Output, by_model

NONE = "–"
BORDER = "border only"
SOURCE = {True: "yes", False: "no", None: "can’t tell"}


def claims_table(size: int, needed: int) -> pd.DataFrame:
    """Return what the report claims, and what its own figures say about it.

    Args:
        size: test images of the main model.
        needed: images for a difference of 3 points.
    """
    rows = [
        (
            "Main is the best of the three networks",
            "can’t tell",
            f"one run each, three test splits, about {needed:,} images needed",
        ),
        (
            "A deeper network or a larger kernel does worse",
            "can’t tell",
            "as above; the sections below ask it of our own networks",
        ),
        (
            "Over 80 % after one epoch",
            "refuted",
            "the logs show 70.74, 47.29 and 50.30 % after the first epoch",
        ),
        (
            "Macro F1 of 81.52 %",
            "refuted",
            "harmonic mean of two averages; the mean of the F1 scores is 81.36 %",
        ),
        (
            "2,972 images of Surprise, 31,708 in all",
            "refuted",
            "the rows add up to 2,853 and 31,589",
        ),
        (
            "81.8 % of the test images are right",
            "supported",
            f"409 of {size}, and all printed precisions and recalls fit it",
        ),
    ]
    return pd.DataFrame(rows, columns=["reported", "verdict", "why"])


def stored_table(stored: dict[str, dict]) -> pd.DataFrame:
    """Return the stored audits side by side, one column a data set.

    Args:
        stored: data set → content of its JSON file.
    """
    columns = {}
    for name, content in stored.items():
        leaks, confound = content["leaks"], content["confound"]
        networks = content["calibration"]["networks"]
        before, after = (
            sum(row[when] for row in networks) / len(networks)
            for when in ("before", "after")
        )
        pairs = content["comparisons"].get("pairs", [])
        apart = [f"{p['first']} – {p['second']}" for p in pairs if told_apart(p)]
        probes = confound.get("probes", [])
        border = [p["class"] for p in probes if p["what the probe sees"] == BORDER]
        columns[name] = {
            "images": f"{content['data']['n_images']:,}",
            "near-duplicate pairs": leaks["near_pairs"],
            "test images with a double": leaks["test_images_with_a_double"],
            "source recognisable": SOURCE[confound.get("confound")],
            "mean recall from the border": f"{border[0]:.0%}" if border else NONE,
            "calibration error": f"{100 * before:.1f} → {100 * after:.1f} points",
            "networks told apart": "; ".join(apart) or "none",
            "sd from seed, from split": spreads(content["spread"]),
            "labels contradicted surely": content["labels"].get(
                "contradicted_surely", NONE
            ),
        }
    return pd.DataFrame(columns)


def told_apart(pair: dict) -> bool:
    """Return whether a stored pair of networks is significantly different."""
    return pair["p (Holm)"] < 0.05 and pair["seeds agree"]


def spreads(spread: dict) -> str:
    """Return the two spreads of a stored audit in points."""
    if not spread["available"]:
        return NONE
    return f"{100 * spread['sd_seed']:.1f}, {100 * spread['sd_split']:.1f} points"


def reproducibility_table(outputs: list[Output], repeats: Finding) -> pd.DataFrame:
    """Return what is the same in a second run, where, and how it is known.

    Args:
        outputs: of the stored networks.
        repeats: from ``audit_reproducibility``.
    """
    same = repeats.numbers["same_seed_same_weights"]
    spread = max(repeats.numbers["accuracy_range_over_seeds"].values())
    n = max(len(own) for own in by_model(outputs).values())
    moves = f"up to {100 * spread:.1f} points" if n > 1 else "unknown: one seed"
    rows = [
        ("audit of the reported figures", "yes", "every machine", "whole numbers"),
        ("clean images, labels, split", "yes", "every machine", "fingerprint, ch. 1"),
        (
            "drawn demo faces",
            "almost",
            "same processor type",
            "floating point; fingerprint, ch. 1",
        ),
        (
            "weights, same seed",
            "yes" if same else "no",
            "same machine, versions, threads",
            "hashes of two trainings, this section",
        ),
        (
            "weights, another machine",
            "not promised",
            "–",
            "PyTorch documentation, “Reproducibility”",
        ),
        ("accuracy, other seeds", "no", moves, f"{n} trainings of each network"),
        ("seconds, images a second", "no", "any", "depends on what else is running"),
    ]
    columns = ["what", "same again?", "where, or how much it moves", "known from"]
    return pd.DataFrame(rows, columns=columns)
