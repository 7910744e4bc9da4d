"""Layers, activation maps and their checks, on tiny networks and made-up images."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from smartclass_utils.config import SmartClassError
from smartclass_utils.demo import camera, faces, head, people
from smartclass_utils.explain import activation, checks, embedding, layers
from smartclass_utils.models import ReportCNN

SIZE = 16


class Residual(nn.Module):
    """A block with a shortcut."""

    def __init__(self, n_in: int, n_out: int):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(n_in, n_out, 3, 2, padding=1), nn.BatchNorm2d(n_out)
        )
        self.shortcut = nn.Conv2d(n_in, n_out, 1, 2)
        self.bend = nn.ReLU()

    def forward(self, x):
        return self.bend(self.body(x) + self.shortcut(x))


class ResidualNet(nn.Module):
    """A stem, two residual blocks and one connected layer behind channel means."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 4, 3, padding=1),
            nn.ReLU(),
            Residual(4, 6),
            Residual(6, 8),
        )
        self.classifier = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.5), nn.Linear(8, 4)
        )

    def forward(self, images):
        return self.classifier(self.features(images.float() / 255))


def plain() -> ReportCNN:
    torch.manual_seed(0)
    return ReportCNN(4, channels=(4, 6), hidden=8, image_size=SIZE)


def residual() -> ResidualNet:
    torch.manual_seed(0)
    return ResidualNet()


BOTH = pytest.mark.parametrize("build", [plain, residual])


@pytest.fixture
def images() -> np.ndarray:
    generator = np.random.default_rng(0)
    return generator.integers(0, 256, (5, SIZE, SIZE), dtype=np.uint8)


def test_blocks_begin_with_a_convolution_or_are_modules_of_their_own():
    sizes = [len(block.layers) for block in layers.blocks(plain())]
    assert sizes == [4, 4]
    named = [(b.name, len(b.layers)) for b in layers.blocks(residual())]
    assert named == [("block 1", 2), ("block 2", 1), ("block 3", 1)]


def test_feature_maps_are_what_the_blocks_hand_on(images):
    model = plain().train()
    maps = layers.feature_maps(model, images[0])
    assert {name: m.shape for name, m in maps.items()} == {
        "block 1": (4, 8, 8),
        "block 2": (6, 4, 4),
    }
    assert model.training  # as it was before
    model.eval()
    with torch.no_grad():
        wanted = model.features(model.standardise(layers.as_batch(images[:1])))
    assert np.allclose(maps["block 2"], wanted[0].numpy())
    shapes = [m.shape for m in layers.feature_maps(residual(), images[0]).values()]
    assert shapes == [(4, 16, 16), (6, 8, 8), (8, 4, 4)]


def test_strongest_maps_differ_most_from_place_to_place():
    maps = np.zeros((3, 2, 2))
    maps[0] += 100  # large but the same everywhere
    maps[1, 0, 0], maps[2, 0, 0] = 1, 2
    assert layers.strongest(maps, 2).tolist() == [2, 1]


def test_filters_that_compare_and_filters_that_average():
    assert layers.first_filters(plain()).shape == (4, 3, 3)
    edge, blur = np.zeros((3, 3)), np.full((3, 3), 0.1)
    edge[0], edge[2] = 1, -1
    assert layers.is_edge_filter(np.stack([edge, blur, -blur])).tolist() == [1, 0, 0]


@BOTH
def test_penultimate_layer_gives_the_logits_of_the_network(build, images):
    model = build().eval()
    features = torch.from_numpy(layers.penultimate(model, images))
    with torch.no_grad():
        assert features.shape == (5, 8)
        logits = model(layers.as_batch(images))
        assert torch.allclose(model.classifier[-1](features), logits, atol=1e-5)


@BOTH
@pytest.mark.parametrize("method", activation.METHODS)
def test_activation_maps_lie_between_0_and_1_and_repeat(build, method, images):
    model, targets = build(), np.array([0, 1, 2, 3, 0])
    maps = activation.activation_maps(model, images, targets, method)
    assert maps.shape == images.shape
    assert maps.dtype == np.float32
    assert maps.min() >= 0
    highest = maps.max(axis=(1, 2))
    assert np.all(np.isclose(highest, 1) | (highest == 0))
    assert (highest > 0).any()
    again = activation.activation_maps(model, images, targets, method)
    assert np.array_equal(maps, again)


def test_activation_maps_of_other_classes_differ(images):
    maps = [activation.activation_maps(plain(), images, np.full(5, k)) for k in (0, 1)]
    assert not np.allclose(*maps)


def test_methods_agree_where_the_network_averages(images):
    targets = np.zeros(5, np.int64)
    one, other = (
        activation.activation_maps(residual(), images, targets, method)
        for method in activation.METHODS
    )
    assert np.allclose(one, other, atol=1e-4)


def test_hirescam_adds_up_to_the_logit_of_a_linear_head(images):
    model = residual().eval()
    batch, target = layers.as_batch(images), torch.zeros(5, dtype=torch.long)
    raw = activation.attribute(model, batch, target, "hirescam").sum(dim=(1, 2, 3))
    with torch.no_grad():
        wanted = model(batch)[:, 0] - model.classifier[-1].bias[0]
    assert torch.allclose(raw, wanted, atol=1e-4)


def test_unknown_method_is_refused(images):
    with pytest.raises(SmartClassError, match="choose from hirescam, gradcam"):
        activation.activation_maps(plain(), images, np.zeros(5, int), "guess")


def test_a_network_without_convolution_is_refused():
    model = nn.Module()
    model.features = nn.Sequential(nn.ReLU())
    with pytest.raises(SmartClassError, match="no convolution"):
        activation.last_map_layer(model)


def test_probabilities_add_up_to_one(images):
    assert activation.probabilities_of(plain(), images).sum(axis=1) == pytest.approx(1)


@BOTH
def test_randomisation_goes_from_the_top_and_spares_the_network(build, images):
    model = build().eval()
    before = copy.deepcopy(model.state_dict())
    steps = [
        (name, {k: v.clone() for k, v in network.state_dict().items()})
        for name, network in checks.randomised(model, 0)
    ]
    names = [name for name, _ in steps]
    assert names[:2] == ["as trained", "output layer"]
    assert names[-1] == "block 1"
    kernel = "features.0.weight"
    assert all(torch.equal(state[kernel], before[kernel]) for _, state in steps[:-1])
    assert not torch.equal(steps[-1][1][kernel], before[kernel])
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())


def test_randomised_maps_differ_and_repeat(images):
    targets = np.zeros(5, np.int64)
    table, maps = checks.randomisation_check(plain(), images, targets, seed=1)
    assert table.part.tolist() == [
        "as trained",
        "output layer",
        "hidden layer",
        "block 2",
        "block 1",
    ]
    assert table.correlation[0] == pytest.approx(1)
    assert table.correlation[1:].max() < 0.9
    assert table.correlation.between(-1, 1 + 1e-9).all()
    assert maps.shape == (5, SIZE, SIZE)
    assert not np.allclose(maps[0], maps[-1])
    again, _ = checks.randomisation_check(plain(), images, targets, seed=1)
    assert again.equals(table)
    other, _ = checks.randomisation_check(plain(), images, targets, seed=2)
    assert not other.equals(table)


def test_rank_correlation_by_hand():
    rising = np.arange(4.0).reshape(1, 2, 2)
    flat = np.ones((1, 2, 2))
    assert checks.rank_correlation(rising, rising**3) == pytest.approx([1])
    assert checks.rank_correlation(rising, -rising) == pytest.approx([-1])
    assert checks.rank_correlation(rising, flat).tolist() == [0]


def test_covering_what_matters_costs_more():
    """A network that sees one quarter of the image only."""
    model = nn.Module()
    model.features = nn.Sequential(nn.Conv2d(1, 1, 1))
    model.classifier = nn.Sequential(nn.Flatten(), nn.Linear(100, 2))
    weights = torch.zeros(2, 10, 10)
    weights[0, :5, :5] = 0.0005
    with torch.no_grad():
        model.classifier[1].weight.copy_(weights.flatten(1))
        model.classifier[1].bias.zero_()
    model.forward = lambda x: model.classifier(x.float() - 128)
    image = np.full((1, 10, 10), 255, np.uint8)
    heat = weights[:1].numpy()
    falls = checks.covering_check(model, image, np.array([0]), heat)
    assert falls["hottest"] > 0.2
    assert falls["coolest"] == 0


def test_share_in_face_by_hand():
    inside = checks.face_ellipse(40)
    maps = np.stack(
        [inside * 1.0, ~inside * 1.0, np.ones((40, 40)), np.zeros((40, 40))]
    )
    shares = checks.share_in_face(maps)
    assert shares[:3] == pytest.approx([1, 0, inside.mean()])
    assert np.isnan(shares[3])


def test_face_ellipse_lies_over_the_drawn_heads():
    overlap = []
    for name in camera.CAMERAS:
        for seed in range(12):
            someone, feeling, setting, *_ = faces.chances(seed)
            person = people.draw_person(someone)
            face = people.draw_expression(feeling, "neutral", 1)
            view = faces.draw_view(setting, camera.CAMERAS[name], face)
            u, v = head.pixel_grid(view)
            skull = head.see_skull(u, v, view, person.width, person.jaw).outside < 0
            ellipse = checks.face_ellipse(len(skull))
            overlap.append((skull & ellipse).sum() / (skull | ellipse).sum())
    assert np.mean(overlap) > 0.8


def test_projection_keeps_groups_apart_and_repeats():
    generator = np.random.default_rng(0)
    features = generator.normal(size=(60, 70))
    features[:30] += 8
    plane = embedding.project(features, 0)
    assert plane.shape == (60, 2)
    assert np.array_equal(plane, embedding.project(features, 0))
    groups = np.repeat([0, 1], 30)
    assert embedding.neighbours_alike(plane, groups) == 1
    assert embedding.neighbours_alike(features, groups) == 1
    assert embedding.project(features[:4], 0).shape == (4, 2)


def test_neighbours_by_hand():
    line = np.array([[0.0], [1.0], [10.0], [11.0]])
    assert embedding.neighbours_alike(line, np.array(list("aabb")), k=1) == 1
    assert embedding.neighbours_alike(line, np.array(list("abab")), k=1) == 0
    assert embedding.alike_by_chance(np.array(list("aabb"))) == pytest.approx(1 / 3)


def test_few_points_are_all_drawn_and_many_are_sampled():
    assert embedding.choose_rows(5, 0).tolist() == [0, 1, 2, 3, 4]
    rows = embedding.choose_rows(100, 0, most=10)
    assert len(set(rows.tolist())) == 10
    assert rows.tolist() == embedding.choose_rows(100, 0, most=10).tolist()


def test_neighbours_table_looks_within_classes_of_several_sources():
    features = np.arange(8.0)[:, None]
    labels = np.array(["a"] * 4 + ["b"] * 4)
    sources = np.array(["x", "x", "y", "y"] + ["z"] * 4)
    table = embedding.neighbours_table(features, labels, sources)
    assert table.index.tolist() == [
        "same class",
        "same source",
        "same source, within a",
    ]
    assert table.loc["same class", "by chance"] == pytest.approx(3 / 7)
    assert table.loc["same source, within a"].tolist() == pytest.approx([1 / 3, 1 / 3])


def test_tables_of_the_checks(images):
    networks = {"A": plain(), "B": residual()}
    answers = {title: np.zeros(5, np.int64) for title in networks}
    table = checks.covering_table(networks, images, answers)
    assert table[["network", "map"]].to_numpy().tolist() == [
        ["A", "hirescam"],
        ["A", "gradcam"],
        ["B", "hirescam"],
        ["B", "gradcam"],
    ]
    assert table[["hottest", "coolest"]].abs().max().max() <= 1
    maps = {title: np.ones((5, SIZE, SIZE)) for title in networks}
    right = {"A": np.ones(5, bool), "B": np.arange(5) < 2}
    shares = checks.face_table(maps, right)
    even = checks.face_ellipse(SIZE).mean()
    assert shares.loc["B"].tolist() == pytest.approx([even] * 3)
    assert np.isnan(shares.loc["A", "wrong answers"])
