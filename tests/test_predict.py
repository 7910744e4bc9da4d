"""From a photograph to a table with a made-up network; maps in it."""

import io
import re
import subprocess
import sys
from unittest.mock import Mock

import numpy as np
import pandas as pd
import pytest
import skimage.data
import torch
from conftest import encoded, held, refusal
from PIL import Image
from torch import nn

from smartclass_utils import __main__ as cli
from smartclass_utils import explain, predict
from smartclass_utils.checkpoints import read_card, save_model
from smartclass_utils.commands.predict import CALM, expanded, write_csv
from smartclass_utils.config import CLASSES, ROOT, SHIPPED_MODEL
from smartclass_utils.faces import Box, cut, find_faces, square_around
from smartclass_utils.images import clean_image
from smartclass_utils.models import ReportCNN, build
from smartclass_utils.predict import PREPARED, WHOLE, Predictor, predict_files

ASTRONAUT = skimage.data.astronaut()  # uint8 (512, 512, 3), public domain
GREY = np.asarray(Image.fromarray(ASTRONAUT).convert("L"))
SMALL = ASTRONAUT[:64, :64]
FACELESS = ["coffee", "chelsea", "rocket", "coins", "moon", "brick", "grass", "gravel"]


def store(file, known=CLASSES, **changed):
    """Store an untrained network as chapter 3 stores a trained one."""
    torch.manual_seed(1)
    arguments = {"n_classes": len(known), "channels": (4, 8), "image_size": 48}
    card = read_card(SHIPPED_MODEL) | {"network": "ReportCNN", "arguments": arguments}
    card |= {"classes": list(known), "recipe": {}, "data": {}, "file": str(file)}
    save_model(file, ReportCNN(**arguments), card | changed)
    return file


@pytest.fixture
def model_file(tmp_path_factory):
    return store(tmp_path_factory.mktemp("models") / "main_cnn_seed0.safetensors")


@pytest.fixture
def network(model_file):
    return Predictor.load(model_file)


def save(array, path, **options):
    Image.fromarray(array).save(path, **options)
    return path


def resized(side):
    return np.asarray(Image.fromarray(ASTRONAUT).resize((side, side)))


class TestFaces:
    @pytest.mark.parametrize("side", [200, 300, 512, 1024])
    def test_one_face_on_the_astronaut_at_any_size(self, side):
        [box] = find_faces(resized(side))  # not her helmet, gloves or patches
        row, column = 115 * side / 512, 222 * side / 512  # between eyes and mouth
        assert box.top < row < box.top + box.height
        assert box.left < column < box.left + box.width
        assert 0.16 * side < box.width < 0.23 * side
        assert abs(box.top + box.height / 2 - row) < 0.03 * side
        assert abs(box.left + box.width / 2 - column) < 0.03 * side

    @pytest.mark.parametrize("name", FACELESS)
    def test_no_face_where_there_is_none(self, name):
        assert find_faces(getattr(skimage.data, name)()) == []
        assert find_faces(np.zeros((20, 60, 3), np.uint8)) == []  # too small to search

    def test_largest_face_comes_first_and_grey_will_do(self):
        photo = np.full((512, 832), 120, np.uint8)
        photo[:320, :320] = Image.fromarray(resized(320)).convert("L")
        photo[:, 320:] = GREY
        large, small = find_faces(photo)
        assert large.left > 320 > small.left
        assert large.width > 1.3 * small.width

    def test_tilted_faces_are_found_and_boxes_end_with_the_photograph(self):
        both = [np.asarray(Image.fromarray(ASTRONAUT).rotate(n)) for n in (-30, 30)]
        tops = [box.top for photo in both for box in find_faces(photo)]
        assert tops == pytest.approx([59, 97], abs=8)
        [box] = find_faces(ASTRONAUT[60:, 224:])  # half of her face
        assert box.left == 0 < box.width < box.height / 2

    def test_cut_reaches_beyond_the_photograph(self):
        photo = np.arange(12, dtype=np.uint8).reshape(3, 4)
        square = square_around(Box(-1, 0, 4, 2))
        assert square == (-1, -1, 4, 4)
        rows = [[0, 0, 1, 2], [0, 0, 1, 2], [4, 4, 5, 6], [8, 8, 9, 10]]
        assert cut(photo, square).tolist() == rows
        assert cut(np.dstack([photo] * 3), square).shape == (4, 4, 3)


CROPS = np.random.default_rng(0).integers(0, 256, (300, 48, 48), np.uint8)


class TestPredictor:
    def test_probabilities_add_up_whatever_the_batch(self, network):
        found = network.probabilities(CROPS)
        assert (found.shape, found.dtype) == ((300, 4), np.float32)
        np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)
        one = network.probabilities(CROPS[130:131])[0]
        np.testing.assert_allclose(one, found[130], atol=1e-5)

    def test_mirror_is_the_mean_of_both_sides(self, network, tmp_path):
        file = store(tmp_path / "both.safetensors", recipe={"mirror": True})
        both = Predictor.load(file)
        assert (both.mirror, network.mirror) == (True, False)
        crops = CROPS[:3]
        sides = network.probabilities(crops) * network.probabilities(crops[:, :, ::-1])
        mean = np.sqrt(sides) / np.sqrt(sides).sum(axis=1, keepdims=True)
        np.testing.assert_allclose(both.probabilities(crops), mean, atol=1e-5)

    def test_the_shipped_network_is_the_default(self):
        assert Predictor.load().classes == CLASSES

    @pytest.mark.parametrize("classes", [["a", "b"], ["a", "a", "b", "c"]])
    def test_a_network_of_other_classes_is_refused(self, model_file, classes):
        store(model_file, classes=classes)  # what else may be wrong: test_checkpoints
        assert "other classes" in refusal(Predictor.load, model_file)

    @pytest.mark.parametrize("name", ["absent.safetensors", ".", "", "a\0b", "x" * 999])
    def test_no_file_is_one_sentence(self, name):
        said = refusal(Predictor.load, name)
        assert said.startswith("There is no model ") and " with --model" in said


AMID_GREY = np.pad(resized(160), [(100, 40), (100, 40), (0, 0)], constant_values=90)


class TestRegions:
    def test_whole_image_is_chapter_1s_clean_image(self):
        photo = ASTRONAUT[:, :400]
        [crop], [row] = predict.regions_of(photo, 48, whole=True)
        np.testing.assert_array_equal(crop, clean_image(encoded(photo), 48).pixels)
        what = {"face": 1, "region": WHOLE, "note": "Squeezed to a square."}
        assert row == {**what, "top": 0, "left": 0, "height": 512, "width": 400}

    def test_face_is_cut_out_and_cleaned_alike(self):
        [crop], [row] = predict.regions_of(ASTRONAUT, 48)
        square = square_around(Box(*(row[side] for side in Box._fields)))
        clean = clean_image(encoded(cut(ASTRONAUT, square)), 48).pixels
        np.testing.assert_array_equal(crop, clean)
        assert square.width == row["height"] > row["width"]

    @pytest.mark.parametrize(("photo", "region", "note"), [
        (resized(48), WHOLE, r"Small \(48 × 48 pixels\)"),
        (resized(96), WHOLE, r"Small \(96 × 96 pixels\)"),
        (skimage.data.coffee(), WHOLE, "No face found, so the whole image was taken"),
        (np.full((200, 200), 90, np.uint8), WHOLE, "No face found, so the whole image"),
        (AMID_GREY, "face", r"Only \d+ pixels wide, enlarged"),
        (ASTRONAUT[60:, 224:], "face", "At the picture's edge, so it may be cut"),
    ])  # fmt: skip
    def test_what_is_odd_about_a_picture_is_said(self, photo, region, note):
        [crop], [row] = predict.regions_of(photo, 48, ["rotated upright"])
        assert row["region"] == region and crop.shape == (48, 48)
        assert re.match(f"{note}.*; rotated upright.$", row["note"])
        assert ("one flat colour" in row["note"]) == (np.ptp(photo) == 0)


class TestFiles:
    def test_one_astronaut_and_two(self, tmp_path, network):
        path = save(ASTRONAUT, tmp_path / "astronaut.png")
        both = save(np.hstack([ASTRONAUT, ASTRONAUT[:, ::-1]]), tmp_path / "two.png")
        before = torch.get_rng_state()
        table = predict_files([path, both], network)
        assert torch.equal(before, torch.get_rng_state())  # nothing random is touched
        assert " ".join([*table][:8]) == "file face region top left height width looks"
        assert [*table][8:] == [*(f"p_{name}" for name in CLASSES), "note"]
        row = table.iloc[0].to_dict()
        shares = {name: row[f"p_{name}"] for name in CLASSES}
        assert (row["region"], row["face"], row["note"]) == ("face", 1, "")
        assert sum(shares.values()) == pytest.approx(1, abs=1e-5)
        assert row["looks"] == max(shares, key=shares.get)
        assert table["file"].tolist() == [str(path), str(both), str(both)]
        assert table["face"].tolist() == [1, 1, 2]
        assert sorted(table["left"][1:] // 512) == [0, 1]
        assert table["note"].tolist()[1:] == ["Face 1 of 2.", "Face 2 of 2."]

    @pytest.mark.parametrize(("pixels", "other", "options", "note"), [
        (ASTRONAUT, np.rot90(ASTRONAUT), {"exif": held(6)}, "Rotated upright."),
        (GREY, GREY.astype(np.uint16) * 257, {}, "16 bits scaled to 8."),
    ], ids=["lying", "16 bits"])  # fmt: skip
    def test_a_mended_file_shows_the_same_face(
        self, tmp_path, network, pixels, other, options, note
    ):
        paths = [save(pixels, tmp_path / "sound.png")]
        paths += [save(np.ascontiguousarray(other), tmp_path / "other.png", **options)]
        table = predict_files(paths, network)
        assert table.pop("note").tolist() == ["", note]
        sound, mended = table.drop(columns="file").to_dict("records")
        assert sound == mended

    def test_folder_goes_on_past_what_cannot_be_used(self, tmp_path, network):
        save(ASTRONAUT, tmp_path / "b face.png")
        save(skimage.data.coffee(), tmp_path / "a.jpg")
        (tmp_path / "text.jpg").write_text("no image")
        (tmp_path / "empty.png").write_bytes(b"")
        (tmp_path / "notes.txt").write_text("passed over")
        (tmp_path / "sub/empty").mkdir(parents=True)
        # No ending: the content decides.
        save(ASTRONAUT, tmp_path / "x.png").rename(tmp_path / "sub" / "空 é")
        missing = ("gone.png", "x" * 5000, "a\0b", "")
        table = predict_files([tmp_path, tmp_path / "sub/empty", *missing], network)
        names = [name.removeprefix(f"{tmp_path}/") for name in table["file"]]
        rows = zip(names, table["region"], table["note"], strict=True)
        assert [(name, kind, note[:33]) for name, kind, note in rows] == [
            ("a.jpg", WHOLE, "No face found, so the whole image"),
            ("b face.png", "face", ""),
            ("empty.png", "", "Passed over: empty."),
            ("sub/空 é", "face", ""),
            ("text.jpg", "", "Passed over: not an image."),
            (str(tmp_path), "", "1 file passed over, as their name"),
            ("sub/empty", "", "There is no image in this folder."),
            *((name, "", "There is no such file or folder.") for name in missing),
        ]
        assert table["p_happy"].notna().sum() == 3
        assert table["face"].isna().sum() == 8

    def test_each_file_once_and_in_the_order_given(self, tmp_path, network):
        _, a, c = (save(SMALL, tmp_path / f"{name}.png") for name in "bac")
        table = predict_files([c, tmp_path, a], network)
        assert [name[-5] for name in table["file"]] == ["c", "a", "b"]

    def test_a_closed_folder_is_a_sentence(self, tmp_path, network, monkeypatch):
        closed = PermissionError(13, "Permission denied")
        monkeypatch.setattr("os.scandir", Mock(side_effect=closed))
        [note] = predict_files([tmp_path], network)["note"]
        assert "cannot be opened (Permission denied)" in note

    def test_a_networks_own_classes_name_the_columns(self, tmp_path):
        network = Predictor.load(store(tmp_path / "m.safetensors", ("note", "=sad")))
        table = predict_files([save(ASTRONAUT, tmp_path / "a.png")], network)
        assert {"p_note", "p_=sad", "note"} <= set(table)
        assert table["looks"][0] in ("note", "=sad")

    def test_formulas_are_disarmed(self, tmp_path, network, monkeypatch):
        monkeypatch.chdir(tmp_path)
        names = ["=1+1.png", "@x.png", "-y.png", "plain.png"]
        for name in names:
            save(SMALL, tmp_path / name)
        names.append("\udcff.png")  # is not there, and no UTF-8
        table = predict_files(names, network)
        write_csv(table, tmp_path / "out.csv")
        back = pd.read_csv(tmp_path / "out.csv", keep_default_na=False)
        written = ["'=1+1.png", "'@x.png", "'-y.png", "plain.png", "\\udcff.png"]
        assert back["file"].tolist() == written
        assert table["file"].tolist() == names


@pytest.fixture
def run(model_file, capsys):
    """Return a function that predicts with the made-up network; it returns the text."""

    def run_it(*words):
        words = map(str, ("predict", *words, "--model", model_file))
        cli.run(cli.parser().parse_args([*words]))
        return capsys.readouterr().out

    return run_it


class TestCommand:
    def test_no_probability_is_certain(self):
        texts = [predict.percent(share) for share in (1.0, 0.001, 0.624, 0.006)]
        assert texts == ["> 99 %", "< 1 %", "62 %", "1 %"]

    def test_says_it_and_writes_it(self, tmp_path, run):
        path, out = save(ASTRONAUT, tmp_path / "astronaut.png"), tmp_path / "out.csv"
        (tmp_path / "text.jpg").write_text("no image")
        said = run(path, tmp_path / "text.jpg", "--csv", out)
        calm, found, passed, _ = said.splitlines()
        assert calm == CALM
        back = pd.read_csv(out, keep_default_na=False)
        assert len(back) == 2
        looks, share = back["looks"][0], float(back[f"p_{back['looks'][0]}"][0])
        assert f"astronaut.png: looks {looks} ({predict.percent(share)}), face" in found
        assert passed.endswith("text.jpg: passed over: not an image.")

    def test_whole_prepared_and_without_control_characters(
        self, tmp_path, model_file, run
    ):
        store(model_file, data={"prepare": "def equalise(image): …"})
        path = save(ASTRONAUT, tmp_path / "a\x1b[31m\n.png")
        opening, found = run(path, "--whole").splitlines()
        assert opening == f"{CALM} {PREPARED}"
        assert "\x1b" not in found and found.endswith("whole image")
        assert "a\\x1b[31m\\n.png" in found

    def test_status_is_2_if_nothing_worked(self, tmp_path, model_file, smartclass):
        (tmp_path / "text.jpg").write_text("no image")
        out = tmp_path / "out.csv"
        where = ("--csv", out, "--model", model_file)
        said = smartclass("predict", "gone.png", tmp_path, *where)
        assert "None of these files could be used" in said
        assert not out.exists()

    def test_table_never_takes_the_place_of_something_else(self, tmp_path, run):
        path = save(SMALL, tmp_path / "a.png")
        image = save(SMALL, tmp_path / "b.png").rename(tmp_path / "b.csv")
        labels, content = tmp_path / "labels.csv", image.read_bytes()
        labels.write_text("file,label\n")
        (tmp_path / "folder.csv").mkdir()
        for out, message in (
            (tmp_path / "none" / "out.csv", "a folder that does not exist"),
            (path, "does not end in .csv"),
            (image, "was not written by this command"),
            (labels, "was not written by this command"),
            (tmp_path / "folder.csv", "cannot be used (Is a directory"),
            (tmp_path / f"{'x' * 300}.csv", "cannot be used (File name too long"),
            ("", "does not end in .csv"),
        ):
            assert message in refusal(run, path, image, "--csv", out)
        assert labels.read_text() == "file,label\n"
        assert image.read_bytes() == content
        out = tmp_path / "out.csv"
        run(path, "--csv", out)
        run(path, path, image, "--csv", out)
        assert len(pd.read_csv(out)) == 2

    @pytest.mark.parametrize("encoding", ["ascii", None])
    def test_the_table_is_written_whatever_can_be_printed(
        self, tmp_path, model_file, monkeypatch, encoding
    ):
        stdout = io.TextIOWrapper(io.BytesIO(), encoding) if encoding else None
        path, out = save(SMALL, tmp_path / "é空.png"), tmp_path / "out.csv"
        words = ("predict", path, "--csv", out, "--model", model_file)
        monkeypatch.setattr("sys.argv", ["smartclass", *map(str, words)])
        monkeypatch.setattr("sys.stdout", stdout)
        assert cli.main() == 0
        monkeypatch.undo()
        assert pd.read_csv(out)["file"].tolist() == [str(path)]
        assert not stdout or rb"\xe9\u7a7a.png: looks" in stdout.buffer.getvalue()

    def test_a_reader_that_leaves_is_status_1_and_a_table(self, tmp_path, model_file):
        for i in range(3):
            save(SMALL, tmp_path / f"{i}.png")
        command = [sys.executable, "-m", "smartclass_utils", "predict", tmp_path]
        command += ["--model", model_file, "--csv", tmp_path / "out.csv"]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        with subprocess.Popen(command, cwd=ROOT, **pipes) as child:
            child.stdout.close()
            assert child.stderr.read() == b""
            assert child.wait(60) == 1
        assert len(pd.read_csv(tmp_path / "out.csv")) == 3

    @pytest.mark.parametrize(("given", "wanted"), [
        ("*.png", ["a.png", "b.png"]),
        ("~/?.png", ["a.png", "b.png"]),
        ("[c].png", ["[c].png"]),  # a file's own name
        ("*.gif", ["*.gif"]),  # to be called missing
        ("**/d.png", ["sub/d.png"]),
    ])  # fmt: skip
    def test_stars_and_the_home_folder(self, tmp_path, monkeypatch, given, wanted):
        (tmp_path / "sub").mkdir()
        for name in ("b.png", "a.png", "[c].png", "sub/d.png"):
            (tmp_path / name).touch()
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("HOME", str(tmp_path))
        found = [name.removeprefix(f"{tmp_path}/") for name in expanded(given)]
        assert [n for n in found if "c" not in n or "c" in given] == wanted


def test_the_last_map_is_the_one_before_pooling():
    for name, wanted in (("ReportCNN", 11), ("ResidualCNN", 7)):
        model = build(name, {"n_classes": 4})
        for end in ([], [nn.AdaptiveAvgPool2d(1), nn.Flatten()]):  # one's own may have
            model.features.extend(end)
            assert explain.last_map_layer(model) is model.features[wanted]
    model.features = nn.Sequential(nn.ReLU())
    assert "no convolution" in refusal(explain.last_map_layer, model)


def test_activation_map_by_hand():
    """One map of 2 × 2 places, which the connected layer weighs one by one."""
    model = nn.Module()
    model.features = nn.Sequential(nn.Conv2d(1, 1, 1, bias=False))
    model.classifier = nn.Sequential(nn.Flatten(), nn.Linear(4, 2, bias=False))
    with torch.no_grad():
        model.features[0].weight.fill_(2)
        model.classifier[1].weight.copy_(torch.tensor([[1.0, 0, 3, -1], [0, 0, 0, 1]]))
    model.forward = lambda x: model.classifier(model.features(x))
    image = torch.tensor([[[[10, 20], [30, 40]]]])
    maps = [explain.activation_maps(model, image, torch.tensor([k])) for k in (0, 1)]
    first, second = [[20, 0], [180, 0]], [[0, 0], [0, 80]]  # -80 speaks against it
    assert [found.tolist() for found in maps] == [[first], [second]]
