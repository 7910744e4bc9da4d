"""Figures of chapter 7, examples, diagrams and the upload button."""

from datetime import UTC, datetime

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch
from conftest import write_clean
from test_explain import SIZE, plain, residual

from smartclass_utils import models, plots
from smartclass_utils.config import CLASSES
from smartclass_utils.dataset import load_clean
from smartclass_utils.evaluation import Prediction
from smartclass_utils.explain import checks, diagram, examples, layers, upload
from smartclass_utils.explain import plots as explain_plots
from smartclass_utils.explain.stages import stages
from smartclass_utils.models import count_parameters


@pytest.fixture(autouse=True)
def close_figures():
    plots.use_style()
    yield
    plt.close("all")


@pytest.fixture
def data(tmp_path):
    return load_clean(write_clean(tmp_path / "clean", size=SIZE))


@pytest.fixture
def prediction(data):
    targets = data.targets[data.rows("test")]  # four images a class
    probabilities = np.full((16, 4), 0.02, np.float32)
    probabilities[np.arange(16), targets] = 0.94
    probabilities[3] = (0.1, 0.7, 0.1, 0.1)  # angry taken for engaged
    probabilities[4] = (0.9, 0.1, 0.0, 0.0)  # engaged taken for angry
    probabilities[10] = (0.0, 0.0, 1.0, 0.0)  # happy, the surest
    return Prediction({"name": "main"}, probabilities, targets, CLASSES)


def test_stages_of_a_plain_network():
    model = plain()
    chain = stages(model, SIZE)
    assert [stage.shape for stage in chain] == [
        (1, 16, 16),
        (4, 8, 8),
        (6, 4, 4),
        (8,),
        (4,),
    ]
    assert chain[1].operations == (
        "conv 3 × 3",
        "batch norm",
        "max pool 2",
        "LeakyReLU",
    )
    assert chain[3].operations == ("dropout", "connected", "LeakyReLU")
    assert sum(stage.weights for stage in chain) == count_parameters(model)


def test_stages_of_a_residual_network():
    model = residual()
    chain = stages(model, SIZE)
    assert [stage.shape for stage in chain][1:] == [
        (4, 16, 16),
        (6, 8, 8),
        (8, 4, 4),
        (4,),
    ]
    assert [stage.shortcut for stage in chain] == [False, False, True, True, False]
    wanted = ("conv 3 × 3 step 2", "batch norm", "+ shortcut", "ReLU")
    assert chain[2].operations == wanted
    assert chain[-1].operations == ("channel means", "dropout", "connected")
    assert sum(stage.weights for stage in chain) == count_parameters(model)


def test_boxes_are_as_high_as_the_maps_and_as_wide_as_the_channels():
    chain = stages(plain(), SIZE)
    sizes = [diagram.box_size(stage, largest=16, most=8) for stage in chain]
    assert [high for _, high in sizes[:3]] == [1, 0.5, 0.25]
    widths = [wide for wide, _ in sizes]
    assert widths[0] < widths[1] < widths[2] < widths[3] == diagram.WIDEST


def test_diagram_marks_what_the_first_network_lacks():
    networks = {name: models.build(name, 4) for name in models.REPORT_MODELS}
    fig = diagram.architectures(networks, 48)
    marked = [
        sum(patch.get_edgecolor()[:3] != (0x22 / 255,) * 3 for patch in boxes)
        for boxes in (
            [p for p in ax.patches if isinstance(p, plt.Rectangle)] for ax in fig.axes
        )
    ]
    assert marked == [0, 3, 1]
    texts = [text.get_text() for text in fig.axes[1].texts]
    assert "conv\N{NO-BREAK SPACE}4\N{NO-BREAK SPACE}×\N{NO-BREAK SPACE}4" in texts[3]
    assert "32 × 24 × 24" in texts
    assert "683,364 weights" in fig.axes[0].get_title(loc="left")


def test_right_and_wrong_examples(data, prediction):
    right = examples.surest_right([prediction, prediction])
    assert right[2] == 10
    assert [prediction.targets[place] for place in right] == [0, 1, 2, 3]
    assert examples.surest_wrong(prediction, 3) == [4, 3, None]
    shown = examples.show(plain(), data, prediction, [10, 4, None], "hirescam")
    assert [shown[0].is_right, shown[1].is_right, shown[2]] == [True, False, None]
    assert (shown[1].label, shown[1].predicted) == ("engaged", "angry")
    assert shown[1].probability == pytest.approx(0.9)
    assert np.array_equal(shown[0].image, data.images[data.rows("test")[10]])


def test_activation_grid_tells_right_from_wrong(data, prediction):
    shown = examples.show(plain(), data, prediction, [10, 4, None], "hirescam")
    axes = explain_plots.activation_grid({"Main CNN": shown}, CLASSES).axes
    assert [ax.get_xlabel() for ax in axes] == ["✓ happy\n100%", "✗ angry\n90%", ""]
    assert axes[1].get_title(loc="center") == "labelled\nengaged"
    assert axes[0].get_ylabel() == "Main CNN"


def test_blend_shows_the_image_where_there_is_no_heat():
    image = np.array([[0, 255], [51, 51]], np.uint8)
    heat = np.array([[0.0, 0.0], [0.5, 1.0]])
    mixed = explain_plots.blend(image, heat)
    assert mixed[0].tolist() == [[0, 0, 0], [1, 1, 1]]
    assert mixed[1, 1] == pytest.approx(0.25 * 0.2 + 0.75 * explain_plots.HEAT[255])
    assert mixed[1, 1].sum() > mixed[1, 0].sum()


def test_tiles_leave_a_gap():
    sheet = explain_plots.tiles(np.ones((3, 2, 2)), columns=2)
    assert sheet.shape == (5, 5)
    assert np.isnan(sheet[2]).all()
    assert np.isnan(sheet[:, 2]).all()
    assert np.nansum(sheet) == 12


def test_maps_and_filters_show_every_block_and_network(data):
    maps = layers.feature_maps(plain(), data.images[0])
    fig = explain_plots.feature_maps(data.images[0], maps, show=3)
    shown = [ax for ax in fig.axes if ax.images]
    assert len(shown) == 1 + 2 * 3
    labels = [ax.get_ylabel() for ax in fig.axes if ax.get_ylabel()]
    assert labels == ["block 1\n8 × 8", "block 2\n4 × 4"]
    kernels = {"A": layers.first_filters(plain()), "B": np.ones((9, 4, 4))}
    titles = [ax.get_title("center") for ax in explain_plots.filters(kernels).axes]
    assert titles == ["A\n4 filters of 3 × 3", "B\n9 filters of 4 × 4"]


def test_randomisation_draws_a_line_a_network(data):
    table = pd.DataFrame(
        {"part": ["as trained", "output layer"], "correlation": [1.0, 0.2], "sd": 0}
    )
    maps = np.zeros((2, SIZE, SIZE))
    fig = explain_plots.randomisation({"A": table, "B": table}, data.images[0], maps)
    *strip, chart = fig.axes
    titles = [ax.get_title("center") for ax in strip]
    assert titles == ["as\ntrained", "+ output\nlayer"]
    assert list(chart.lines[0].get_ydata()) == [1.0, 0.2]


def test_class_maps_show_a_panel_a_class(data):
    maps = np.zeros((4, SIZE, SIZE))
    shares = np.array([0.7, 0.1, 0.1, 0.1])
    fig = explain_plots.class_maps(data.images[0], maps, shares, CLASSES)
    assert [ax.get_title("center") for ax in fig.axes[1:]] == [
        f"for {name}" for name in CLASSES
    ]
    assert fig.axes[1].get_xlabel() == "70%"


def test_embedding_gives_classes_and_sources_a_colour_and_a_shape(data):
    labels = data.labels["label"].to_numpy()
    sources = np.where(np.arange(len(labels)) % 2, "A", "B")
    plane = np.random.default_rng(0).random((len(labels), 2))
    fig = explain_plots.embedding(plane, labels, sources, CLASSES)
    by_class, by_source = fig.axes
    names = [text.get_text() for text in by_class.get_legend().get_texts()]
    assert names == list(CLASSES)
    assert len(by_source.get_legend().get_texts()) == 2
    points = [c for c in by_class.collections if len(c.get_offsets())]
    assert [len(c.get_offsets()) for c in points] == [20] * 4
    assert len({c.get_paths()[0].vertices.tobytes() for c in points}) == 4


def test_uploads_stay_inside_their_folder(tmp_path):
    uploaded = tuple(
        {"name": name, "content": memoryview(b"abc")}
        for name in ("../../a.png", "a.png", "C:\\x\\b.png", "..")
    )
    paths = upload.kept(uploaded, tmp_path)
    assert [path.name for path in paths] == ["a.png", "a.png", "b.png", "photo"]
    assert all(path.resolve().is_relative_to(tmp_path.resolve()) for path in paths)
    assert len(set(paths)) == 4


def test_upload_box_hands_files_on_and_forgets_them():
    seen = []

    def look(paths):
        seen.extend((path, path.read_bytes()) for path in paths)

    button, _ = upload.upload_box(look).children
    button.value = (
        {
            "name": "a.png",
            "type": "image/png",
            "size": 1,
            "content": b"x",
            "last_modified": datetime.now(UTC),
        },
    )
    assert [content for _, content in seen] == [b"x"]
    assert not seen[0][0].exists()


def test_a_run_without_a_browser_is_not_live(monkeypatch):
    monkeypatch.delenv(upload.SERVER_SETS, raising=False)
    assert not upload.is_live()
    monkeypatch.setenv(upload.SERVER_SETS, "07.ipynb")
    assert upload.is_live()


def test_random_weights_do_not_touch_the_random_state(data):
    torch.manual_seed(0)
    model = plain()
    before = torch.get_rng_state()
    checks.randomisation_check(model, data.images[:2], np.zeros(2, int))
    assert torch.equal(before, torch.get_rng_state())
