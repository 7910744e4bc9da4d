from itertools import combinations

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from PIL import Image
from skimage.color import deltaE_ciede2000, rgb2xyz, xyz2lab
from skimage.color.colorconv import rgb_from_xyz, xyz_from_rgb

from smartclass_utils import plots
from smartclass_utils.config import CLASSES, COLOURS, NETWORK_COLOURS
from smartclass_utils.files import read_json


@pytest.fixture(autouse=True)
def report_style():
    plots.use_style()


def test_class_colours_are_fixed_and_foreign_ones_differ():
    assert plots.class_palette(CLASSES) == COLOURS
    for many in (("cat", "dog", "happy"), tuple("abcdefghijklmnopqrst")):
        assert len(set(plots.class_palette(many).values())) == len(many)


def test_networks_have_their_own_colours_in_every_order():
    names = ["Our own", "Main CNN", "mine", "Variant 2", "yours"]
    found = plots.network_palette(names)
    assert list(found) == names and plots.network_palette(names[::-1]) == found
    known = [name for name in names if name in NETWORK_COLOURS]
    assert all(found[name] == NETWORK_COLOURS[name] for name in known)
    assert len(set(found.values())) == len(names)
    assert not set(found.values()) & set(COLOURS.values())


def test_images_keep_their_grey_values():
    fig, axes = plt.subplots(1, 3)
    plots.grid_of_images(axes, np.full((2, 4, 4), 7, np.uint8), ["a", "b"])
    assert [len(ax.images) for ax in axes] == [1, 1, 0]
    assert axes[0].images[0].get_clim() == (0, 255)
    assert axes[1].get_title() == "b"
    plt.close(fig)


def test_same_figure_same_bytes_and_larger_type_keeps_pixels_and_colours(tmp_path):
    for folder in ("a", "b"):
        fig, ax = plt.subplots(figsize=(6, 4))
        ax.imshow(np.random.default_rng(0).random((40, 40, 3)))
        plots.save_figure(fig, "x", tmp_path / folder, talk=0.8)
        assert fig.get_size_inches().tolist() == [6, 4]
    for name in ("x.png", "x.svg", "x_talk.png"):
        first, second = (tmp_path / f / name for f in ("a", "b"))
        assert first.read_bytes() == second.read_bytes()
    full, talk = (Image.open(tmp_path / f"a/x{end}.png") for end in ("", "_talk"))
    assert len(talk.getcolors(2**24)) > 1000
    assert talk.width == pytest.approx(full.width, rel=0.1)


def test_names_that_would_touch_are_turned_and_long_ones_shortened():
    for names, turned in ((["angry", "happy"], 0), (["class a", "class b"], 0),
                          ([f"a name {i}" for i in range(20)], 90)):  # fmt: skip
        fig, ax = plt.subplots(figsize=(4, 3))
        ax.bar(names, range(len(names)))
        plots.fit_labels(fig)
        assert {label.get_rotation() for label in ax.get_xticklabels()} == {turned}
        assert [label.get_text() for label in ax.get_xticklabels()] == names
    fig, (one, other) = plt.subplots(1, 2)
    one.bar(["looking away from the screen again"], [1])
    other.barh(["looking away from the screen again"], [1])
    plots.fit_labels(fig)
    assert one.get_xticklabels()[0].get_text() == "looking away from the sc…"
    assert other.get_yticklabels()[0].get_text() == "looking away from the screen again"
    plt.close("all")


@pytest.mark.parametrize(("caption", "message"), [
    ("Figure 2.1. One. Two.", "One"),
    ("Figure 10.12. Of 0.5 a. B c.", "Of 0.5 a"),
    ("No number.", "No number"),
])  # fmt: skip
def test_a_title_is_the_first_sentence_of_the_caption(
    tmp_path, monkeypatch, caption, message
):
    monkeypatch.setenv("SMARTCLASS_OUT", str(tmp_path))
    plots.present(plt.figure(), "99_test", caption, "An empty figure.")
    index = read_json(tmp_path / "figures/figures.json")
    assert index["99_test"]["message"] == message


@pytest.mark.filterwarnings("error")
def test_neither_missing_letters_nor_a_lack_of_room_stop_a_figure(
    tmp_path, capsys, monkeypatch
):
    shown, figures = [], tmp_path / "figures"
    monkeypatch.setenv("SMARTCLASS_OUT", str(tmp_path))
    monkeypatch.setattr(plots, "display", lambda what, **_: shown.append(what))
    fig, axes = plt.subplots(1, 9, figsize=(2, 1))
    for ax in axes:
        ax.set_ylabel("\U00012000 笑顔 مشغول\n" * 20)
    plots.present(fig, "99_test", "Figure 1. A caption.", "Too much text.")
    ends = (".png", "_talk.png", ".svg")
    assert all((figures / f"99_test{end}").stat().st_size for end in ends)
    assert read_json(figures / "figures.json")["99_test"]["alt"] == "Too much text."
    assert not plt.fignum_exists(fig.number)
    assert capsys.readouterr().err == ""
    assert "A caption</text>" in (figures / "99_test.svg").read_text(encoding="utf-8")
    assert "A caption. (No font that is installed here has all" in shown[1].data


# What readers see of linear red, green and blue (Machado, Oliveira and Fernandes 2009,
# doi:10.1109/TVCG.2009.113, severity 1), and the least distance of two class colours:
# 1 to 2 are just seen side by side, these are told apart at a glance.
SEEN_WITH = {
    "all colours": (20, np.eye(3)),
    "protanopia": (17, [[0.152286, 1.052583, -0.204868],
                        [0.114503, 0.786281, 0.099216],
                        [-0.003882, -0.048116, 1.051998]]),
    "deuteranopia": (12, [[0.367322, 0.860646, -0.227968],
                          [0.280085, 0.672501, 0.047413],
                          [-0.011820, 0.042940, 0.968881]]),
    "tritanopia": (14, [[1.255528, -0.076749, -0.178779],
                        [-0.078411, 0.930809, 0.147602],
                        [0.004733, 0.691367, 0.303900]]),
}  # fmt: skip


@pytest.mark.parametrize(("least", "matrix"), SEEN_WITH.values(), ids=SEEN_WITH)
def test_class_colours_stay_apart(least, matrix):
    linear = [rgb_from_xyz @ rgb2xyz(to_rgb(colour)) for colour in COLOURS.values()]
    seen = [xyz2lab(xyz_from_rgb @ (matrix @ one).clip(0, 1)) for one in linear]
    for one, other in combinations(seen, 2):
        assert deltaE_ciede2000(one, other) >= least
