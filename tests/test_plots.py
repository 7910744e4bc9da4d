import json
import warnings

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from conftest import write_clean

from smartclass_utils import data_plots, plots, result_plots
from smartclass_utils.config import CLASSES, COLOURS, canonical_label, class_colour
from smartclass_utils.dataset import load_clean, sample_rows
from smartclass_utils.evaluation import Prediction


@pytest.fixture(autouse=True)
def close_figures():
    plots.use_style()
    yield
    plt.close("all")


def test_class_distribution_draws_the_counts(clean_data):
    [ax] = data_plots.class_distribution(clean_data).axes
    assert [bar.get_height() for bar in ax.patches] == [20] * 4
    assert [tick.get_text() for tick in ax.get_xticklabels()] == list(CLASSES)
    assert len({bar.get_hatch() for bar in ax.patches}) == 4


def test_class_colours_are_fixed_and_foreign_ones_differ():
    assert class_colour("happy") == COLOURS["happy"]
    foreign = ("cat", "dog", "happy")
    assert len({class_colour(name, foreign) for name in foreign}) == 3


def test_histograms_add_up_to_one(clean_data):
    table = data_plots.class_histograms(clean_data)
    assert list(table.columns) == list(CLASSES)
    assert table.sum().tolist() == pytest.approx([1] * 4)
    first = clean_data.images[clean_data.targets == 0]
    assert table["angry"].iloc[0] == pytest.approx((first < 8).mean())


def test_mean_images_by_hand(clean_data):
    means = data_plots.mean_images(clean_data)
    wanted = clean_data.images[clean_data.targets == 2].mean(axis=0)
    assert np.allclose(means[2], wanted)


def test_difference_by_region_by_hand(tmp_path):
    data = load_clean(write_clean(tmp_path, per_class=5))
    images = np.full(data.images.shape, 100, np.uint8)
    images[data.targets == 0, :2, :2] = 180  # one of four corners of 2 × 2 pixels
    changed = type(data)(**{**vars(data), "images": images})
    found = data_plots.difference_by_region(changed)
    assert found.loc["angry", "middle"] == 0
    assert found.loc["angry", "corners"] == pytest.approx(60 / 2)  # 80 - 80 / 4
    assert found.loc["happy", "corners"] == pytest.approx(20 / 2)


def test_intensity_summary_by_hand(clean_data):
    images = clean_data.images[clean_data.targets == 1]
    row = data_plots.intensity_summary(clean_data).loc["engaged"]
    assert row["mean"] == pytest.approx(images.mean(), abs=0.06)
    spread = images.std(axis=(1, 2)).mean()
    assert row["contrast within an image"] == pytest.approx(spread, abs=0.06)


def test_samples_show_every_class_by_name(clean_data):
    rows = sample_rows(clean_data, 3, 0)
    fig = data_plots.sample_images(clean_data, rows)
    names = {text.get_text() for ax in fig.axes for text in ax.texts}
    assert set(CLASSES) <= names
    assert sum(len(ax.images) for ax in fig.axes) == 12


@pytest.mark.parametrize("parse_math", [True, False])
def test_names_like_formulas_can_be_drawn(tmp_path, parse_math):
    mpl.rcParams["text.parse_math"] = parse_math
    classes = tuple(map(canonical_label, ("a$b$c", r"$\frac$", "$a_$", "_x_", "~y~")))
    data = load_clean(write_clean(tmp_path, classes, per_class=5))
    rows = sample_rows(data, 2, 0)
    figures = (
        data_plots.class_distribution(data),
        data_plots.source_by_class(data),
        data_plots.sample_images(data, rows),
        data_plots.intensity_by_class(data),
        data_plots.samples_with_histograms(data, rows),
        data_plots.mean_faces(data),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # such as a letter that the font lacks
        for number, fig in enumerate(figures):
            plots.save_figure(fig, str(number), tmp_path / "figures")
    assert len(list((tmp_path / "figures").iterdir())) == 3 * len(figures)


def test_confusion_heatmap_labels_both_axes_and_counts():
    fig, ax = plt.subplots()
    result_plots.confusion_heatmap([[3, 1], [0, 4]], ("a", "b"), "title", ax)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("predicted", "true")
    assert [text.get_text() for text in ax.texts] == [
        "75%\n3",
        "25%\n1",
        "0%\n0",
        "100%\n4",
    ]
    plt.close(fig)


def test_training_curves_tell_validation_from_training():
    history = {
        "epoch": [1, 2],
        "train_loss": [2, 1],
        "val_loss": [1.5, 1.2],
        "val_accuracy": [0.4, 0.6],
    }
    card = {
        "name": "main",
        "title": "Main CNN",
        "seed": 0,
        "history": history,
        "best_epoch": 2,
    }
    losses, accuracies = result_plots.training_curves([card]).axes
    assert [line.get_linestyle() for line in losses.lines] == ["--", "-"]
    assert list(accuracies.lines[0].get_ydata()) == [0.4, 0.6]
    assert accuracies.get_legend().get_texts()[0].get_text() == "Main CNN"


def test_wrong_faces_are_sorted_by_confidence(clean_data):
    targets = clean_data.targets[clean_data.rows("test")]
    probabilities = np.eye(4, dtype=np.float32)[targets]
    probabilities[0] = (0.1, 0.9, 0, 0)
    probabilities[5] = (0.7, 0.3, 0, 0)
    card = {"name": "main"}
    prediction = Prediction(card, probabilities, targets, CLASSES)
    _, table = result_plots.wrong_faces(clean_data, prediction)
    assert table.probability.tolist() == pytest.approx([0.9, 0.7])
    assert table.predicted.tolist() == ["engaged", "angry"]


def test_no_wrong_face_still_gives_a_figure(clean_data):
    targets = clean_data.targets[clean_data.rows("test")]
    prediction = Prediction({}, np.eye(4)[targets], targets, CLASSES)
    _, table = result_plots.wrong_faces(clean_data, prediction)
    assert table.empty


def test_accuracy_intervals_draw_ours_and_reported():
    rows = pd.DataFrame(
        [
            ("Main CNN", "ours", 0.7, 0.6, 0.8, [0.65, 0.75]),
            ("Main CNN", "reported", 0.8, 0.7, 0.9, []),
        ],
        columns=["title", "whose", "accuracy", "low", "high", "seeds"],
    )
    [ax] = result_plots.accuracy_intervals(rows).axes
    assert {text.get_text() for text in ax.texts} == {"70.0%", "80.0%"}


def test_present_stores_png_svg_caption_and_alt(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("SMARTCLASS_OUT", str(tmp_path))
    fig, _ = plt.subplots()
    plots.present(fig, "99_test", "Figure 1. A caption.", "An empty plot.")
    folder = tmp_path / "figures"
    assert (folder / "99_test.png").read_bytes().startswith(b"\x89PNG")
    assert (folder / "99_test_talk.png").read_bytes().startswith(b"\x89PNG")
    assert "<svg" in (folder / "99_test.svg").read_text(encoding="utf-8")
    index = json.loads((folder / "figures.json").read_text(encoding="utf-8"))
    assert index["99_test"]["alt"] == "An empty plot."
    assert not plt.fignum_exists(fig.number)


def test_same_figure_same_bytes(tmp_path):
    for folder in ("a", "b"):
        fig, ax = plt.subplots()
        ax.plot([1, 2])
        plots.save_figure(fig, "x", tmp_path / folder)
    for name in ("x.png", "x.svg", "x_talk.png"):
        first, second = (tmp_path / f / name for f in ("a", "b"))
        assert first.read_bytes() == second.read_bytes()
