"""Chapters 3 and 4 on small made-up data that tempts their sentences."""

import json

import pandas as pd
from chapters import run_chapter
from conftest import write_clean

from smartclass_utils.checkpoints import read_cards
from smartclass_utils.dataset import load_clean


def evaluated(tmp_path, training=None, judging=None, **options):
    """Run chapters 3 and 4; return the text of 4 and the networks in results.json."""
    run_chapter(3, tmp_path, training, **options)
    said = run_chapter(4, tmp_path, edits=judging)
    content = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    return said, {entry["name"]: entry for entry in content["models"]}


def test_what_a_student_changes_in_chapter_3_is_what_chapter_4_judges(tmp_path):
    data = load_clean(write_clean(tmp_path / "clean", ("cat", "dog"), per_class=40))
    adam = "torch.optim.Adam(model.parameters(), lr=LEARNING_RATE, fused=True)"
    sgd = "torch.optim.SGD(model.parameters(), lr=LEARNING_RATE, momentum=0.9)"
    main = '"Main CNN": (ReportCNN, {"kernel_size": 3, '
    fourth = '"Kernel 5": (ReportCNN, {"kernel_size": 5}),\n    '
    edits = {adam: sgd, main: f'{fourth}{main}"dropout": 0.3, '}
    said, found = evaluated(tmp_path, {"EPOCHS": 1, "SEEDS": 2}, edits=edits)
    assert set(found) == {"Kernel 5", "Main CNN", "Variant 1", "Variant 2"}
    assert "Kernel 5" in said
    cards = {card["name"]: card for card in read_cards(tmp_path / "models")}
    assert cards["Main CNN"]["arguments"]["dropout"] == 0.3
    recipe = cards["Variant 1"]["recipe"]
    assert "lr: 0.001" in recipe["optimizer"] and "momentum: 0.9" in recipe["optimizer"]
    assert recipe["loss"].startswith("CrossEntropyLoss(")
    assert cards["Kernel 5"]["data"]["fingerprint"] == data.fingerprint
    # Back to the original, each network once, and until no answer is wrong.
    longer = {"EPOCHS": 8, "SEEDS": 1, "BATCH_SIZE": 8}
    greener = {'"cmap": "Blues"': '"cmap": "Greens"'}  # as in Try it
    said, found = evaluated(tmp_path, longer, greener)
    assert set(found) == {"Main CNN", "Variant 1", "Variant 2"}
    assert [entry["accuracy"] for entry in found.values()] == [1, 1, 1]
    assert not any("accuracy_sd" in entry for entry in found.values())
    assert said.count("can't tell") == 3  # pairs of three networks
    assert "engaged" not in said and "All recognise" not in said
    assert "#00441b" in (tmp_path / "figures/04_confusion_matrices.svg").read_text()
    cards = read_cards(tmp_path / "models")
    assert all("Adam" in card["recipe"]["optimizer"] for card in cards)
    runs = pd.read_csv(tmp_path / "models/runs.csv")
    tried = runs["optimizer"].str.partition(" ")[0].tolist()
    assert tried == ["SGD"] * 4 + ["Adam"] * 3
