"""From a photograph to a class, with a made-up network."""

import json

import numpy as np
import pandas as pd
import pytest
import skimage.data
import torch
from PIL import Image

from smartclass_utils import __main__ as cli
from smartclass_utils import models
from smartclass_utils.checkpoints import save_model
from smartclass_utils.cleaning.images import decode
from smartclass_utils.config import CLASSES, SmartClassError
from smartclass_utils.dataset import CleanData
from smartclass_utils.hardware import seed_everything
from smartclass_utils.predict import predictor as predictors
from smartclass_utils.predict import tables
from smartclass_utils.predict.command import CALM, run_predict
from smartclass_utils.predict.photos import WHOLE, percent, photo_of, regions_of
from smartclass_utils.predict.predictor import Predictor
from smartclass_utils.predict.tables import predict_files, write_csv
from smartclass_utils.recipes import Recipe
from smartclass_utils.training import Fit

ASTRONAUT = skimage.data.astronaut()  # uint8 (512, 512, 3), public domain


def store(folder, classes=CLASSES, size=48, **extra):
    """Store an untrained network as chapter 3 stores a trained one."""
    seed_everything(1)
    model = models.build("main", len(classes), size)
    data = CleanData(
        folder=folder,
        name="made up",
        classes=tuple(classes),
        fingerprint="none",
        labels=pd.DataFrame(),
        images=np.empty((0, size, size), np.uint8),
    )
    result = Fit(model, model, pd.DataFrame(), 1, 1.0, 1.0)
    card_file = save_model(folder, "main", 0, result, Recipe(), data)
    card = json.loads(card_file.read_text(encoding="utf-8"))
    card_file.write_text(json.dumps(card | extra), encoding="utf-8")
    return card_file


@pytest.fixture
def card_file(tmp_path):
    return store(tmp_path / "models")


@pytest.fixture
def network(card_file):
    return Predictor.load(card_file)


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    return folder


def save(array, path):
    Image.fromarray(array).save(path)
    return path


class TestPredictor:
    def test_probabilities_add_up_whatever_the_batch(self, network):
        crops = np.random.default_rng(0).integers(0, 256, (300, 48, 48), np.uint8)
        found = network.probabilities(crops)
        assert found.shape == (300, 4)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)
        np.testing.assert_allclose(
            network.probabilities(crops[130:131])[0], found[130], atol=1e-5
        )
        assert network.probabilities(crops[:0]).shape == (0, 4)

    def test_flip_test_is_the_mean_of_both_sides(self, network, tmp_path):
        both = Predictor.load(store(tmp_path / "flip", recipe={"flip_test": True}))
        assert both.flip_test
        assert not network.flip_test
        crops = np.random.default_rng(0).integers(0, 256, (3, 48, 48), np.uint8)
        sides = network.probabilities(crops) * network.probabilities(crops[:, :, ::-1])
        mean = np.sqrt(sides) / np.sqrt(sides).sum(axis=1, keepdims=True)
        np.testing.assert_allclose(both.probabilities(crops), mean, atol=1e-5)
        np.testing.assert_allclose(
            both.probabilities(crops), both.probabilities(crops[:, :, ::-1]), atol=1e-6
        )

    def test_image_size_and_margin_come_from_the_card(self, tmp_path):
        card = store(tmp_path, size=32, face_margin=1.4)
        network = Predictor.load(card)
        assert (network.image_size, network.margin) == (32, 1.4)
        assert network.probabilities(np.zeros((1, 32, 32), np.uint8)).shape == (1, 4)

    def test_no_shipped_model_is_one_sentence(self, monkeypatch, tmp_path):
        monkeypatch.setattr(
            predictors, "SHIPPED_CARD", tmp_path / "shipped" / "own.json"
        )
        with pytest.raises(SmartClassError, match=r"no shipped model.*--model"):
            Predictor.load()

    def test_other_weights_than_the_cards_are_refused(self, card_file):
        weights = card_file.with_suffix(".pt")
        content = bytearray(weights.read_bytes())
        content[len(content) // 2] ^= 1
        weights.write_bytes(content)
        with pytest.raises(SmartClassError, match=r"main_seed0\.pt is missing or not"):
            Predictor.load(card_file)

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"classes": ["a", "b"]}, "other classes"),
            ({"classes": ["a", "a", "b", "c"]}, "other classes"),
            ({"classes": "abcd"}, "does not say 'classes'"),
            ({"weights": "../main_seed0.pt"}, "weights that are not its own"),
            ({"arguments": {"n_classes": 4, "image_size": 5000}}, "5000 pixels"),
            ({"arguments": {"n_classes": 4, "surprise": 1}}, "no ReportCNN"),
            ({"face_margin": 100}, "margin of 100"),
            ({"architecture": "Other"}, "No architecture"),
        ],
    )
    def test_a_card_that_cannot_be_is_refused(self, card_file, change, message):
        card = json.loads(card_file.read_text(encoding="utf-8"))
        card_file.write_text(json.dumps(card | change), encoding="utf-8")
        with pytest.raises(SmartClassError, match=message):
            Predictor.load(card_file)

    @pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"\xff\xfe", b"[" * 9999])
    def test_a_file_that_is_no_card_is_refused(self, tmp_path, content):
        path = tmp_path / "card.json"
        path.write_bytes(content)
        with pytest.raises(SmartClassError, match=r"card\.json"):
            Predictor.load(path)
        with pytest.raises(SmartClassError, match=r"absent\.json"):
            Predictor.load(tmp_path / "absent.json")
        for no_file in (tmp_path, ""):
            with pytest.raises(SmartClassError, match=r"name the card .* with --model"):
                Predictor.load(no_file)


class TestRegions:
    def test_whole_image_is_chapter_1s_clean_image(self, photos):
        path = save(ASTRONAUT[:, :400], photos / "a.png")
        [region] = regions_of(photo_of(ASTRONAUT[:, :400]), 48, whole=True)
        np.testing.assert_array_equal(region.crop, decode(path, 48).array)
        assert region.kind == WHOLE
        assert region.box == (0, 0, 512, 400)
        assert region.note == "Squeezed to a square."

    def test_face_is_cut_out_and_cleaned_alike(self, photos):
        [region] = regions_of(photo_of(ASTRONAUT), 48)
        top, left, height, width = region.square
        path = save(
            ASTRONAUT[top : top + height, left : left + width], photos / "a.png"
        )
        np.testing.assert_array_equal(region.crop, decode(path, 48).array)
        assert region.box.width < region.square.width < 1.2 * region.box.width

    def test_sixteen_bits_and_grey_give_the_same_face(self):
        grey = np.asarray(Image.fromarray(ASTRONAUT).convert("L"))
        photo = photo_of(grey)
        deep = type(photo)(grey.astype(np.int32) * 257, 257)
        [one], [other] = regions_of(photo, 48), regions_of(deep, 48)
        assert one.box == other.box
        np.testing.assert_array_equal(one.crop, other.crop)

    @pytest.mark.parametrize("side", [48, 96])
    def test_small_picture_is_taken_as_a_face(self, side):
        small = np.asarray(Image.fromarray(ASTRONAUT).resize((side, side)))
        [region] = regions_of(photo_of(small), 48)
        assert region.kind == WHOLE
        assert region.note.startswith(f"Small ({side} × {side} pixels)")

    def test_no_face_is_said(self):
        [region] = regions_of(photo_of(skimage.data.coffee()), 48)
        assert region.kind == WHOLE
        assert region.note.startswith("No face found, so the whole image was taken")

    def test_a_face_of_few_pixels_is_said(self):
        photo = np.full((300, 300, 3), 90, np.uint8)
        photo[100:260, 100:260] = Image.fromarray(ASTRONAUT).resize((160, 160))
        [region] = regions_of(photo_of(photo), 48)
        assert "pixels wide, enlarged" in region.note
        assert region.crop.shape == (48, 48)


class TestFiles:
    def test_astronaut(self, photos, network):
        table = predict_files([save(ASTRONAUT, photos / "astronaut.png")], network)
        assert len(table) == 1
        [row] = table.to_dict("records")
        assert (row["region"], row["face"], row["note"]) == ("face", 1, "")
        assert list(table) == [
            *("file", "face", "region", "top", "left", "height", "width", "looks"),
            *(f"p_{name}" for name in CLASSES),
            "note",
        ]
        shares = {name: row[f"p_{name}"] for name in CLASSES}
        assert sum(shares.values()) == pytest.approx(1, abs=1e-5)
        assert row["looks"] == max(shares, key=shares.get)
        assert row["file"] == str(photos / "astronaut.png")

    def test_two_astronauts_are_two_faces(self, photos, network):
        side = np.hstack([ASTRONAUT, np.asarray(ASTRONAUT[:, ::-1])])
        table = predict_files([save(side, photos / "two.png")], network)
        assert table["face"].tolist() == [1, 2]
        assert sorted(table["left"] // 512) == [0, 1]
        assert table["note"].tolist() == ["Face 1 of 2.", "Face 2 of 2."]

    def test_folder_goes_on_past_what_cannot_be_used(self, photos, network):
        save(ASTRONAUT, photos / "b face.png")
        save(skimage.data.coffee(), photos / "a.jpg")
        (photos / "text.jpg").write_text("no image")
        (photos / "empty.png").write_bytes(b"")
        (photos / "notes.txt").write_text("passed over")
        (photos / "sub").mkdir()
        save(ASTRONAUT, photos / "x.png").rename(
            photos / "sub" / "空 é"
        )  # no suffix: content decides

        table = predict_files([photos, photos / "gone.png"], network)
        names = [name.removeprefix(f"{photos}/") for name in table["file"]]
        assert names == [
            *("a.jpg", "b face.png", "empty.png", "sub/空 é", "text.jpg"),
            *(str(photos), "gone.png"),
        ]
        assert table["region"].tolist() == [WHOLE, "face", "", "face", "", "", ""]
        notes = dict(zip(names, table["note"], strict=True))
        assert notes["empty.png"] == "Passed over: empty."
        assert notes["text.jpg"] == "Passed over: not an image."
        assert notes["gone.png"] == "There is no such file or folder."
        assert notes[str(photos)].startswith("1 file passed over")
        assert table["p_happy"].notna().sum() == 3
        assert table["face"].isna().sum() == 4

    def test_links_out_of_a_folder_are_not_followed(self, photos, network, tmp_path):
        save(ASTRONAUT, tmp_path / "outside.png")
        (photos / "link.png").symlink_to(tmp_path / "outside.png")
        (photos / "all").symlink_to(tmp_path, target_is_directory=True)
        table = predict_files([photos], network)
        assert table["region"].tolist() == ["", ""]
        assert table["note"][0] == "There is no image in this folder."
        assert "2 files passed over, as they are links" in table["note"][1]

    def test_each_file_once_and_in_the_order_given(self, photos, network):
        small = ASTRONAUT[:64, :64]
        for name in ("b.png", "a.png", "c.png"):
            save(small, photos / name)
        table = predict_files([photos / "c.png", photos, photos / "a.png"], network)
        assert [name[-5] for name in table["file"]] == ["c", "a", "b"]

    def test_processes_and_batches_change_nothing(self, photos, network, monkeypatch):
        generator = np.random.default_rng(0)
        for i in range(20):
            save(generator.integers(0, 256, (40, 40), np.uint8), photos / f"{i}.png")
        (photos / "5.png").write_text("no image")
        alone = predict_files([photos], network, jobs=1)
        monkeypatch.setattr(tables, "AT_ONCE", 3)
        pd.testing.assert_frame_equal(predict_files([photos], network, jobs=2), alone)
        assert len(alone) == 20

    def test_odd_names_are_a_sentence(self, network):
        table = predict_files(["x" * 5000, "a\0b", ""], network)
        assert table["note"].str.len().gt(10).all()
        assert table["region"].tolist() == ["", "", ""]

    def test_a_closed_folder_is_a_sentence(self, photos, network, monkeypatch):
        def closed(path):
            raise PermissionError(13, "Permission denied", str(path))

        monkeypatch.setattr("os.scandir", closed)
        table = predict_files([photos], network)
        assert table["note"].tolist() == ["Cannot be read: Permission denied."]

    def test_a_networks_own_classes_name_the_columns(self, photos, tmp_path):
        network = Predictor.load(store(tmp_path / "m", classes=("note", "=sad")))
        table = predict_files([save(ASTRONAUT, photos / "a.png")], network)
        assert {"p_note", "p_=sad", "note"} <= set(table)
        assert table["looks"][0] in ("note", "=sad")


class TestCsv:
    def test_formulas_are_disarmed(self, photos, network, monkeypatch):
        monkeypatch.chdir(photos)
        names = ["=1+1.png", "@x.png", "-y.png", "plain.png"]
        for name in names:
            save(ASTRONAUT[:64, :64], photos / name)
        table = predict_files(names, network)
        write_csv(table, photos / "out.csv")
        back = pd.read_csv(photos / "out.csv", keep_default_na=False)
        assert back["file"].tolist() == [
            *("'=1+1.png", "'@x.png", "'-y.png", "plain.png")
        ]
        assert table["file"].tolist() == names

    def test_a_name_that_is_not_utf8_can_be_written(self, photos, network):
        table = predict_files([b"\xff.png".decode("utf-8", "surrogateescape")], network)
        write_csv(table, photos / "out.csv")
        assert "\\udcff.png" in (photos / "out.csv").read_text(encoding="utf-8")


class TestCommand:
    def run(self, *arguments):
        options = vars(cli.parser().parse_args(["predict", *map(str, arguments)]))
        options.pop("command")
        run_predict(**options)

    def test_says_it_and_writes_it(self, photos, card_file, capsys):
        path, out = save(ASTRONAUT, photos / "astronaut.png"), photos / "out.csv"
        (photos / "text.jpg").write_text("no image")
        self.run(path, photos / "text.jpg", "--model", card_file, "--csv", out)
        lines = capsys.readouterr().out.splitlines()
        assert lines[0] == CALM
        back = pd.read_csv(out, keep_default_na=False)
        looks, share = back["looks"][0], float(back[f"p_{back['looks'][0]}"][0])
        assert f"astronaut.png: looks {looks} ({percent(share)}), face" in lines[1]
        assert lines[2].endswith("text.jpg: passed over: not an image.")
        assert len(lines) == 4
        assert len(back) == 2

    def test_whole_looks_for_no_face(self, photos, card_file, capsys):
        path = save(ASTRONAUT, photos / "a.png")
        self.run(path, "--whole", "--model", card_file)
        assert capsys.readouterr().out.rstrip().endswith("whole image")

    def test_status_is_2_if_nothing_worked(
        self, photos, card_file, capsys, monkeypatch
    ):
        (photos / "text.jpg").write_text("no image")
        out = photos / "out.csv"
        command = ["smartclass", "predict", "gone.png", str(photos), "--csv", str(out)]
        monkeypatch.setattr("sys.argv", [*command, "--model", str(card_file)])
        assert cli.main() == 2
        assert "None of these files could be used" in capsys.readouterr().err
        assert not out.exists()

    def test_table_never_takes_the_place_of_something_else(
        self, photos, card_file, capsys
    ):
        path = save(ASTRONAUT[:64, :64], photos / "a.png")
        image = save(ASTRONAUT[:64, :64], photos / "b.png").rename(photos / "b.csv")
        labels = photos / "labels.csv"
        labels.write_text("file,label\n")
        (photos / "folder.csv").mkdir()
        for out, message in (
            (photos / "none" / "out.csv", "There is no folder"),
            (path, r"ends in \.csv"),
            (image, "one of the images"),
            (labels, "was not written by this command"),
            (photos / "folder.csv", "is a folder"),
            (photos / f"{'x' * 300}.csv", r"cannot be used \(File name too long"),
            ("", r"ends in \.csv"),
        ):
            with pytest.raises(SmartClassError, match=message):
                self.run(path, image, "--model", card_file, "--csv", out)
        assert labels.read_text() == "file,label\n"
        out = photos / "out.csv"
        self.run(path, "--model", card_file, "--csv", out)
        self.run(path, path, image, "--model", card_file, "--csv", out)
        assert len(pd.read_csv(out)) == 2

    def test_control_characters_do_not_reach_the_terminal(
        self, photos, card_file, capsys
    ):
        path = save(ASTRONAUT[:64, :64], photos / "a\x1b[31m\n.png")
        self.run(path, "--model", card_file)
        text = capsys.readouterr().out
        assert "\x1b" not in text
        assert "a\\x1b[31m\\n.png" in text


def test_nothing_random_is_touched(photos, network):
    before = torch.get_rng_state()
    predict_files([save(ASTRONAUT, photos / "a.png")], network)
    assert torch.equal(before, torch.get_rng_state())
