"""Sentences that read the stored studies out."""

from itertools import pairwise

import numpy as np

from smartclass_utils.beyond.stored import read_published
from smartclass_utils.tables import percent, plus_minus, verdict

STEPS = 7  # of a ladder on which every step was taken by itself


def by_name(content: dict) -> dict[str, dict]:
    """Return the models of a study by their names."""
    return {entry["name"]: entry for entry in content["models"]}


def largest_step(content: dict) -> str:
    """Say which step of the ladder gained most, and what the whole ladder gained."""
    ladder = content["ladder"]
    whole = 100 * (ladder[-1]["accuracy"] - ladder[0]["accuracy"])
    text = (
        f"**{content['data']['name']}**: from {percent(ladder[0]['accuracy'])} to "
        f"{percent(ladder[-1]['accuracy'])} %, {whole:.1f} points"
    )
    if len(ladder) < STEPS:
        return f"{text}; not every step was taken by itself on this set."
    gains = {
        after["title"]: after["accuracy"] - before["accuracy"]
        for before, after in pairwise(ladder)
    }
    most = max(gains, key=gains.get)
    return f"{text}, of which {100 * gains[most]:.1f} come from *{most}*."


def gain(content: dict, before: str, after: str) -> float:
    """Return by how much the test accuracy of one model is above another's."""
    models = by_name(content)
    return models[after]["accuracy"] - models[before]["accuracy"]


def recipe_and_network(content: dict) -> str:
    """Tell apart what the recipe gains and what the network gains."""
    models = by_name(content)
    recipe = gain(content, "main", "main_strong")
    network = gain(content, "main_strong", "own")
    return (
        f"The recipe alone takes the main CNN from {plus_minus(models['main'])} to "
        f"{plus_minus(models['main_strong'])} % ({100 * recipe:+.1f} points); the "
        f"network of our own changes that by {100 * network:+.1f} points."
    )


def best_of_all(content: dict) -> str:
    """Say which single network and which ensemble lead on the test split."""
    models = content["models"]
    single = [entry for entry in models if not entry["name"].endswith("_ensemble")]
    best = max(single, key=lambda entry: entry["accuracy"])
    text = (
        f"The best single network is *{best['title']}* with {plus_minus(best)} % "
        f"(macro F1 {plus_minus(best, 'macro_f1')} %)"
    )
    ensembles = [entry for entry in models if entry["name"].endswith("_ensemble")]
    if not ensembles:
        return f"{text}."
    most = max(ensembles, key=lambda entry: entry["accuracy"])
    return (
        f"{text}; the best ensemble reaches {percent(most['accuracy'])} % "
        f"(macro F1 {percent(most['macro_f1'])} %)."
    )


def beside_the_report(content: dict) -> str:
    """Compare our own network with the best of the report's, of the same recipe."""
    strong = [e for e in content["models"] if e["name"].endswith("_strong")]
    best = max(strong, key=lambda entry: entry["accuracy"])
    own = by_name(content)["own"]
    return (
        f"The best of the report's networks, beside ours: {verdict(best, own)} On the "
        f"validation images that network has {plus_minus(best, 'val_accuracy')} %, "
        f"ours {plus_minus(own, 'val_accuracy')} %."
    )


def where_it_flattens(content: dict) -> str:
    """Say how close all networks with the strong recipe end."""
    names = ("main_strong", "variant1_strong", "variant2_strong", "own")
    models = by_name(content)
    ends = [models[name]["accuracy"] for name in names if name in models]
    test = content["data"]["split"]["test"]
    low, high = models["own"]["accuracy_ci95"]
    return (
        f"With the strong recipe {len(ends)} different networks end between "
        f"{percent(min(ends))} and {percent(max(ends))} %, closer together than {test} "
        f"test images can tell apart (the interval of ours is {percent(high - low)} "
        "points wide). That points to the images and their labels, rather than the "
        "network, as the limit."
    )


def against_published(content: dict) -> str:
    """Compare our own network with what was published on the same split, if any."""
    published = read_published(content["data"]["name"])
    if published.empty:
        return ""
    own = by_name(content)["own"]
    best = published["accuracy_percent"].max()
    gap = 100 * own["accuracy"] - best
    side = "above" if gap > 0 else "below"
    low, high = (100 * end for end in own["accuracy_ci95"])
    within = "within" if low <= best <= high else "outside of"
    return (
        f"Our own network is {abs(gap):.1f} points {side} the "
        f"published {best:.2f} %, which lies {within} its interval."
    )


def summary(content: dict) -> str:
    """Read the table of all models out, as a list."""
    parts = (recipe_and_network, beside_the_report, where_it_flattens, best_of_all)
    lines = [part(content) for part in parts]
    lines += [against_published(content)] if against_published(content) else []
    return "\n".join(f"- {line}" for line in lines)


def balance_verdict(content: dict) -> str:
    """Say what equal class weights did to accuracy and macro F1 on validation."""
    rows = {entry["name"]: entry for entry in content["alternatives"]}
    if "own_balanced" not in rows:
        return "Equal class weights were not tried on this data set."
    plain, even = rows["own"], rows["own_balanced"]
    accuracy, f1 = (
        100 * (even[key] - plain[key]) for key in ("val_accuracy", "val_macro_f1")
    )
    luck = 100 * max(plain["val_macro_f1_sd"], even["val_macro_f1_sd"])
    small = "less" if abs(f1) < luck else "more"
    return (
        f"Equal class weights change the accuracy by {accuracy:+.1f} and the macro F1 "
        f"by {f1:+.1f} points, {small} than the standard deviation of "
        f"{luck:.1f} points between trainings."
    )


def findings(contents: dict[str, dict], here: dict, name: str) -> str:
    """Return what the chapter found, as a list."""
    lines = [
        f"On **{name}**, our own network reaches {plus_minus(here)} % after "
        f"{here['epochs']} epochs."
    ]
    for data, content in contents.items():
        models = by_name(content)
        each = [
            f"{plus_minus(models[which])} % accuracy and "
            f"{plus_minus(models[which], 'macro_f1')} % macro F1"
            for which in ("main", "own")
        ]
        lines.append(
            f"On **{data}** ({content['data']['split']['test']} test images), the main "
            f"CNN with the report's recipe has {each[0]}, our own network {each[1]}."
        )
    recipe, network = (
        100 * np.mean([gain(content, *pair) for content in contents.values()])
        for pair in (("main", "main_strong"), ("main_strong", "own"))
    )
    lines.append(
        f"The recipe makes {recipe:+.1f} points of accuracy, the network "
        f"{network:+.1f} (means over the sets of real photographs)."
    )
    return "\n".join(f"- {line}" for line in lines)
