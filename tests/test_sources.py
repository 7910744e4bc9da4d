import unicodedata
import zipfile
from functools import partial

import numpy as np
import pytest
from conftest import refusal
from PIL import Image

from smartclass_utils import config
from smartclass_utils.commands.unpack import unpack
from smartclass_utils.config import MANIFEST_COLUMNS
from smartclass_utils.names import part_of
from smartclass_utils.sources import find_data, load

FER = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
FED = ("Agree", "Confusion", "Aversion", "Think")


def put(root, *names):
    """Write small files; what is in them does not matter before the cleaning."""
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def put_text(path, *lines, encoding="utf-8", newline=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding, newline=newline)
    return path


def write_rafdb(root):
    """Write one training image of every class and one test image of three."""
    for split, codes, digits in (("train", "1234567", 5), ("test", "467", 4)):
        rows = [(f"{split}_{int(c):0{digits}}_aligned.jpg", c) for c in codes]
        put(root / "DATASET" / split, *(f"{c}/{name}" for name, c in rows))
        lines = (f"{name},{c}" for name, c in rows)
        put_text(root / f"{split}_labels.csv", "image,label", *lines)


def write_oahega(root):
    names = ["Angry/1.jpg", "Happy/a é.PNG", "Neutral/3.gif", "Sad/4.jpg", "Sad/5.jpg"]
    names += ["Surprise/5.webp", "Ahegao/6.jpg"]
    put(root / "dataset", *names)
    rows = [f"{i},{name},{name.split('/')[0]}" for i, name in enumerate(names)]
    put_text(root / "data.csv", ",path,label", *rows)


def write_listed(root, *lines, encoding="utf-8"):
    """Write labels.csv and the files a.jpg to f.jpg that it may name."""
    put(root, *(f"{letter}.jpg" for letter in "abcdef"))
    put_text(root / "labels.csv", *lines, encoding=encoding)
    return root


def names_of(*parts, classes=("cat", "dog")):
    return [f"{part}/{name}/1.jpg" for part in parts for name in classes]


def halves(*classes):
    return names_of("train", "test", classes=classes)


def rows_of(data, *columns):
    return [tuple(row) for row in data.table[list(columns)].itertuples(index=False)]


error_of = partial(refusal, load)


@pytest.mark.parametrize("where", ["", "rafdb", "archive/rafdb"])
def test_rafdb_of_kaggle(tmp_path, where):
    write_rafdb(tmp_path / where)
    data = load(tmp_path)
    assert data.name == "RAF-DB" and not data.given_split
    assert data.classes == ("angry", "happy", "neutral")
    assert tuple(data.table) == MANIFEST_COLUMNS
    words = "Happiness Anger Neutral Surprise Fear Disgust Happiness Sadness Anger"
    assert [*data.table["original_label"]] == [*words.split(), "Neutral"]
    train = ["", "", "", "happy", "", "angry", "neutral"]
    assert list(data.table["label"]) == ["happy", "angry", "neutral", *train]
    assert list(data.table["split"]) == ["test"] * 3 + ["train"] * 7
    first = "DATASET/test/4/test_0004_aligned.jpg"
    assert data.table["file"][0] == f"{where}/{first}".lstrip("/")
    out = "so left out: Disgust (1), Fear (1), Sadness (1), Surprise (1)."
    none = "So there is no class engaged."
    assert data.notes[-2:] == (none, f"In none of the classes, {out}")


@pytest.mark.parametrize(("break_it", "message"), [
    (lambda d: (d / "train/5/train_00005_aligned.jpg").unlink(),
     "1 row without their file (DATASET/train/5/train_00005_aligned.jpg): add the"),
    (lambda d: (d / "test").rename(d / "tests2"), "but lacks test: get it anew"),
    (lambda d: put(d, "test/8/x.jpg"), "but also holds 8: get it anew, move the"),
    (lambda d: put_text(d.parent / "train_labels.csv", "image,label", "a.jpg,9"),
     "unknown label (a.jpg 9): labels are 1, 2, 3, 4, 5, 6, 7"),
    (lambda d: put_text(d.parent / "test_labels.csv", "image,label", "new.jpg,5"),
     "test_labels.csv: 1 row without their file (DATASET/test/5/new.jpg): "),
])  # fmt: skip
def test_rafdb_must_be_complete_and_agree_with_its_lists(tmp_path, break_it, message):
    write_rafdb(tmp_path)
    put(tmp_path, "DATASET/test/4/new.jpg", "DATASET/test/Thumbs.db")
    assert len(load(tmp_path).table) == 11
    break_it(tmp_path / "DATASET")
    assert message in error_of(tmp_path)


def test_rafdb_as_its_owners_release_it(tmp_path):
    basic = tmp_path / "basic"
    names = [f"train_{i:05}" for i in (1, 2, 3)] + ["test_0001"]
    put(basic / "Image/aligned", *(f"{name}_aligned.jpg" for name in names))
    put(basic / "Image/original", *(f"{name}.jpg" for name in names))
    listed = [f"{name}.jpg {c}" for name, c in zip(names, "6744", strict=True)]
    put_text(basic / "EmoLabel/list_patition_label.txt", *listed)
    for name, codes in (("train_00001", "024"), ("test_0001", "200"),
                        ("train_00002", "91")):  # fmt: skip
        path = basic / "Annotation/manual" / f"{name}_manu_attri.txt"
        put_text(path, *["10.5\t20.25"] * 5, *codes)
    data = load(tmp_path)
    assert data.name == "RAF-DB"
    assert rows_of(data, "label", "split", "gender", "race", "age") == [
        ("happy", "test", "unsure", "Caucasian", "0–3"),
        ("angry", "train", "male", "Asian", "70+"),
        ("neutral", "train", "", "", ""),
        ("happy", "train", "", "", ""),
    ]
    assert data.table["file"][1] == "basic/Image/aligned/train_00001_aligned.jpg"
    put_text(basic / "EmoLabel/list_patition_label.txt", *listed, "train_00009.jpg")
    assert "1 row without a label (train_00009.jpg)" in error_of(tmp_path)


def test_oahega_without_its_adult_class(tmp_path):
    write_oahega(tmp_path)
    data = load(tmp_path)
    assert data.name == "OAHEGA"
    assert rows_of(data, "file", "original_label", "label", "split") == [
        ("dataset/Angry/1.jpg", "Anger", "angry", ""),
        ("dataset/Happy/a é.PNG", "Happiness", "happy", ""),
        ("dataset/Neutral/3.gif", "Neutral", "neutral", ""),
        ("dataset/Sad/4.jpg", "Sadness", "", ""),
        ("dataset/Sad/5.jpg", "Sadness", "", ""),
        ("dataset/Surprise/5.webp", "Surprise", "", ""),
    ]
    assert not any("hegao" in note for note in data.notes)


def test_the_adult_class_is_never_read_elsewhere_either(tmp_path):
    put(tmp_path, *(f"set/{n}.jpg" for n in ("ahegao/1", "b/AHEGAO/2", "b/3", "c/4")))
    assert list(load(tmp_path).table["file"]) == ["set/b/3.jpg", "set/c/4.jpg"]
    lines = ("file,label", "b/3.jpg,b", "c/4.jpg,c", "b/3.jpg,Ahegao")
    put_text(tmp_path / "set/labels.csv", *lines)
    assert list(load(tmp_path).table["file"]) == ["set/b/3.jpg", "set/c/4.jpg"]


@pytest.mark.parametrize(("classes", "parts"), [
    (FED, ("train", "test")),
    (("AGREEMENT", "confused", "Disagree", "thinking"), ("Train/Train", "Test/x")),
    (("amenability", "Confuse", "aversions", "Concentration"),
     ("a/train/b/c", "a/test")),
])  # fmt: skip
def test_fed_by_what_its_folders_resemble(tmp_path, classes, parts):
    root = tmp_path / "data"  # with another set beside it, as engaged is one class
    write_oahega(root / "oahega")
    put(root / "fed", *names_of(*parts, classes=classes), f"{parts[0]}/Boredom/1.jpg")
    data = load(root)
    table = data.table[data.table["source"] == "FED 2023"]
    nouns = ("Amenability", "Confusion", "Aversion", "Concentration")
    meant = dict(zip(classes, nouns, strict=True))
    folders = [file.split("/")[-2] for file in table["file"]]
    assert list(table["original_label"]) == [meant.get(name, name) for name in folders]
    engaged = table["original_label"].isin(("Amenability", "Concentration"))
    assert list(table["label"]) == ["engaged" if e else "" for e in engaged]
    assert table["split"].value_counts().to_dict() == {"train": 5, "test": 4}
    understood, left_out = (note for note in data.notes if "FED 2023: fo" in note)
    assert f"{classes[0]} → Amenability" in understood
    assert left_out == "FED 2023: folders not understood, left out: Boredom."


def test_several_sources_are_merged_and_the_rest_is_named(tmp_path):
    root = tmp_path / "all"
    write_rafdb(root / "rafdb")
    write_oahega(root / "oahega")
    where = "kaggle.com/datasets/prajvalpatel/facial-expression-detection-2023"
    missing = f"FED 2023 is not there (expected in all/fed2023; from {where})."
    assert load(root).notes[-3:-1] == (missing, "So there is no class engaged.")
    put(tmp_path / "cache/versions/1", *halves(*FED))
    (root / "fed2023").symlink_to(tmp_path / "cache/versions/1")
    put(root, "downloads.json", "mine/happy/1.jpg", "loose.png", "LICENSE")
    put(root, "rafdb/DATASET_old/1/1.jpg", ".hidden/1.jpg")
    data = load(root)
    assert data.name == "RAF-DB + FED 2023 + OAHEGA"
    assert list(data.table["file"]) == sorted(data.table["file"])
    assert all((data.root / file).is_file() for file in data.table["file"])
    left = "Not recognised in all, so left out: loose.png, mine, rafdb/DATASET_old."
    why = "1 folder passed over, as they are hidden or the system's own (.hidden)."
    assert {left, why} <= {*data.notes}


MOODS, HALVES, NO_VAL = ("angry", "happy"), ("train", "test"), "gives no val part"
SAME_FACES = ("fearful", "disgusted", "surprised", "sadness", "happiness", "anger")
FER_LEFT_OUT = "so left out: Disgust (2), Fear (2), Sadness (2), Surprise (2)."


@pytest.mark.parametrize(("files", "classes", "splits", "note"), [
    (["Focused/1.jpg", "attentive/p1/2.png", "Anger/a.jpg", "Anger/A.JPG",
      "happiness/3", "Anger/notes.txt"],
     "angry engaged happy", "", "passed over, as their names are not"),
    (names_of("Train", "test", "validation"), "cat dog", "train test val", ""),
    (names_of("train", "test"), "cat dog", "train test", NO_VAL),
    (names_of("train", "val"), "cat dog", "train test", "val part is taken"),
    (names_of("Training_Set"), "cat dog", "train", "a train part only"),
    (names_of("train/train", "test/Test"), "cat dog", "train test", ""),
    ([*names_of("train"), "test/1.jpg"], "cat dog", "train", "out: test."),
    ([*halves("cat", "dog"), "cow/1.jpg"], "cat dog", "train test", "left out: cow."),
    (halves(*FER), "angry happy neutral", "train test", FER_LEFT_OUT),
    (halves(*SAME_FACES, "neutral"), "angry happy neutral", "train test", FER_LEFT_OUT),
    (halves(*FER[1:]), "disgust fear happy neutral sad surprise", "train test", ""),
    (halves("1", "2"), "1 2", "train test",
     "resembles RAF-DB but lacks Disgust, Happiness, Sadness and 2 more: taken as"),
    (halves("bored", "confused", "concentrated"), "bored concentrated confused",
     "train test", "resembles FED 2023 but"),
    (halves(*"1234567"), "1 2 3 4 5 6 7", "train test",
     "resembles RAF-DB but lacks its label files: taken as"),
    (halves(*FED, "happy"), "agree aversion confusion happy think", "train test",
     "FED 2023 but also holds happy: taken as"),
    (["cat/1.jpg", "dog/1.jpg", "code/run.py", "code/sub/notes.txt"], "cat dog", "",
     "2 files passed over, as their names are not those of images"),
    (names_of("p1", "p2", classes=MOODS), "p1 p2", "",
     "p1 holds images only in folders (angry, happy): if those are"),
    (names_of("A/train", "A/test", "B/train", "B/test", classes=MOODS),
     "angry happy", "train test", NO_VAL),
    (["A/train/angry/1.jpg", "A/test/happy/4.jpg", "B/angry/1.jpg", "B/happy/2.jpg"],
     "angry happy", "train test", "so left out: B."),
    (names_of("cat", "dog", classes=HALVES), "cat dog", "train test", NO_VAL),
    ([*names_of("train/train", "train/val"), "test/dog/3.jpg"], "cat dog",
     "train val test", ""),
    (["angry/1.jpg", "bored/2.jpg", "happy/3.jpg", "data.csv"], "angry bored happy", "",
     "resembles OAHEGA but lacks Surprise, Sadness, Neutral and also holds bored"),
    ([*names_of("dataset", classes=(*MOODS, "bored")), "data.csv"],
     "angry bored happy", "", "and also holds bored: taken as one's own."),
    ([f"{name}/1.jpg" for name in ("b", "a10", "10", "1", "a2", "9", "01")],
     "01 1 9 10 a2 a10 b", "", ""),
    (["cat/1.jpg", "dog/1.jpg", "lost+found/x/1.jpg", "$RECYCLE.BIN/2.jpg",
      "@eaDir/3.jpg", "__MACOSX/4.jpg", ".ipynb_checkpoints/5.jpg", "cat/._1.jpg",
      "dog/Thumbs.db"], "cat dog", "", "5 folders passed over, as they are"),
    (["cat/1.pgm", "dog/1.avif", "3.jpg", "readme.md"], "cat dog", "",
     "Not recognised in mine, so left out: 3.jpg."),
])  # fmt: skip
def test_folders_of_ones_own(tmp_path, files, classes, splits, note):
    put(tmp_path / "mine", *files)
    data = load(tmp_path / "mine")
    assert data.name == ("FER2013" if note == FER_LEFT_OUT else "mine")
    assert list(data.classes) == classes.split()
    assert {*data.table["split"]} == {*splits.split()} or {""} == {*data.table["split"]}
    assert data.given_split == ("test" in splits)
    assert any(note in said for said in data.notes) or not note
    assert len(data.notes) <= 2
    if "engaged" in classes:  # the aliases keep what the folder was called
        assert rows_of(data, "file", "label", "original_label", "split") == [
            ("Anger/A.JPG", "angry", "Anger", ""),
            ("Anger/a.jpg", "angry", "Anger", ""),
            ("Focused/1.jpg", "engaged", "Focused", ""),
            ("attentive/p1/2.png", "engaged", "attentive", ""),
            ("happiness/3", "happy", "happiness", ""),
        ]


@pytest.mark.parametrize(("name", "part"), [
    ("TRAIN", "train"), ("Training-data", "train"), ("test (2)", "test"),
    ("valid_set", "val"), ("testing", "test"), ("trained", ""), ("contest", ""),
    ("dev", "val"), ("Dev set", "val"), ("devices", ""), ("PublicTest", "val"),
    ("private_test", "test"),
])  # fmt: skip
def test_parts_are_known_in_any_spelling(name, part):
    assert part_of(name) == part


@pytest.mark.parametrize(("files", "message"), [
    (["happy/1.jpg"], "holds happy only, and two or more classes are needed"),
    (["happy/1.jpg", "angry/"], "/angry holds no images: put some in or remove"),
    (["a/1.jpg", "b/1.HEIC"], "/b holds no images that are read, only heic: save"),
    (["a/1.jpg", "b/1.npy"], "/b holds no images that are read, only npy: save"),
    (["a/1.jpg", "b/.h/1.jpg"], "/b holds only what is passed over, as they are hid"),
    ([], "holds no data set that is understood (found: nothing): lay it out as"),
    (["a.txt", "b.jpg"], "(found: a.txt, b.jpg)"),
    (["fer2013.csv"], "_utils unpack fer2013.csv FOLDER`"),
    (["train/1.jpg", "test/2.jpg"], "holds no data set that is understood (found"),
    (["a/1.heic", "b/2.HEIC"], "(found: a, b; files end in heic: save as JPEG): lay"),
    (["X_train/a/1.jpg", "X_test/a/2.jpg"], ": X_test, X_train seem to be parts of a"),
    (["trainA/1.jpg", "testA/2.jpg", "own/3.jpg"], ": testA, trainA seem to be parts"),
    (halves("Agree"), "holds agree only, and two"),
])  # fmt: skip
def test_nothing_to_work_on_is_one_sentence(tmp_path, files, message):
    for name in files:
        put(tmp_path, name) if name[-1] != "/" else (tmp_path / name).mkdir()
    assert message in error_of(tmp_path)


@pytest.mark.parametrize("name", ["gone", "x" * 300, "loop"])
def test_a_data_root_that_cannot_be_is_one_sentence(tmp_path, name):
    (tmp_path / "loop").symlink_to("loop")
    assert f"There is no folder {tmp_path / name}: " in error_of(tmp_path / name)
    assert f"There is no folder ~nobody{name[0]}: " in error_of(f"~nobody{name[0]}")


def test_two_spellings_of_one_name_are_one_class(tmp_path):
    nfc, nfd = (unicodedata.normalize(form, "gelöst") for form in ("NFC", "NFD"))
    put(tmp_path, f"train/{nfc}/1.jpg", "train/b/2.jpg", f"test/{nfd}/1.jpg")
    assert load(tmp_path).classes == ("b", nfc)
    put_text(tmp_path / "labels.csv", "file,label", f"test/{nfc}/1.jpg,{nfd}",
             "train/b/2.jpg,b")  # fmt: skip
    data = load(tmp_path)
    assert data.classes == ("b", nfc)
    assert data.table["file"][0] == f"test/{nfd}/1.jpg"


def test_classes_and_extra(tmp_path):
    rafdb, more, own = (tmp_path / name for name in ("rafdb", "more", "own"))
    write_rafdb(rafdb)
    put(tmp_path, "more/Bored/1.jpg", "more/happy/2.jpg", "own/b/3.jpg")
    data = load(rafdb, extra=more)
    assert data.name == "RAF-DB + more"
    assert data.classes == ("angry", "bored", "happy", "neutral")
    first = rows_of(data, "file", "label", "source", "original_label")[0]
    assert first == (f"{more}/Bored/1.jpg", "bored", "more", "Bored")
    assert all((data.root / file).is_file() for file in data.table["file"])
    data = load(rafdb, classes=("happy", "Anger"))
    assert data.classes == ("angry", "happy")
    counts = data.table["label"].value_counts().to_dict()
    assert counts == {"": 6, "angry": 2, "happy": 2}
    assert "Neutral (2)" in data.notes[-1]
    put(own, *names_of("train", "test"))
    is_none = "is no list of two or more names"
    for root, options, message in (
        (rafdb, {"classes": ("happy", "bored")},
         "CLASSES names bored, and the data has angry, happy, neutral"),
        *((rafdb, {"classes": few}, f"CLASSES = {few!r} {is_none}")
          for few in (("happy",), "happy", 5, ())),
        (rafdb, {"extra": "/nowhere"}, "nowhere: name an existing one with EXTRA=…"),
        (more / "Bored/1.jpg", {}, "1.jpg is a file: name a folder with DATA=…"),
        (own, {"extra": more}, "own gives a split and"),
    ):  # fmt: skip
        assert message in error_of(root, **options)


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Return a project's data folder with a small archive of demo faces."""
    monkeypatch.setattr(config, "RAW_FOLDER", tmp_path / "data/raw")
    monkeypatch.setattr(config, "DEMO_FOLDER", tmp_path / "data/demo")
    monkeypatch.delenv("SMARTCLASS_DATA", raising=False)
    archive(tmp_path / "data/demo", dict.fromkeys(names_of("a", "b"), "x"))
    return tmp_path / "data"


def archive(demo, files):
    demo.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(demo / "faces.zip", "w") as content:
        for name, text in files.items():
            content.writestr(name, text)


def test_data_is_looked_for_in_order(tmp_path, monkeypatch, project):
    demo, raw, explicit = project / "demo/faces", project / "raw", tmp_path / "explicit"
    assert find_data() == demo
    put(raw, ".gitkeep")
    assert find_data() == demo
    put(raw, "happy/1.jpg")
    assert find_data() == raw
    put(tmp_path, "variable/1.jpg", "explicit/1.jpg")
    monkeypatch.setenv("SMARTCLASS_DATA", str(tmp_path / "variable"))
    assert find_data() == tmp_path / "variable"
    assert find_data(explicit) == find_data(str(explicit)) == explicit
    assert find_data("demo") == demo
    monkeypatch.setenv("SMARTCLASS_DATA", "demo")
    assert find_data() == demo
    monkeypatch.setenv("SMARTCLASS_DATA", str(tmp_path / "lost"))
    assert f"no folder {tmp_path}/lost: name an existing" in refusal(find_data)
    monkeypatch.delenv("SMARTCLASS_DATA")
    (raw / "rafdb").symlink_to(tmp_path / "cache")
    assert "raw/rafdb leads to a download that is" in refusal(find_data)


def test_the_demo_is_unpacked_once_inside_and_anew_when_it_changed(project):
    rows = ["file,glasses", "a/cat/1.jpg,yes"]
    more = {"demo.json": "{}", "demo_attributes.csv": "\n".join(rows)}
    archive(project / "demo", dict.fromkeys(names_of("train", "test"), "x") | more)
    folder = find_data("demo")
    data = load(folder)
    assert data.name == "demo"
    assert rows_of(data, "file", "glasses")[0] == ("test/cat/1.jpg", "")
    (folder / "mark").touch()
    assert find_data("demo") == folder
    assert (folder / "mark").exists()
    outside = ("../out.jpg", "/out.jpg")  # which come to lie inside
    archive(project / "demo", dict.fromkeys((*outside, "a/cat/1.jpg"), "y"))
    inside = {path.name for path in find_data("demo").iterdir()}
    assert inside == {"out.jpg", "a", ".sha256"}
    assert {path.name for path in project.iterdir()} == {"demo"}


@pytest.mark.parametrize("content", [None, b"PK no archive"])
def test_a_damaged_archive_is_refused(project, content):
    (project / "demo/faces.zip").unlink()
    if content:
        (project / "demo/faces.zip").write_bytes(content)
    said = refusal(find_data, "demo")
    assert "is missing or damaged" in said
    assert "get it again with `git checkout data/demo`" in said
    assert not (project / "demo/faces").exists()


HEAD = "emotion,pixels,Usage"
FACE = " ".join(map(str, range(256))) + " 7" * (2304 - 256)


@pytest.mark.parametrize(("head", "end", "name"), [
    (HEAD, "\n", "new/fer"), (HEAD, "\r\n", "new/fer"),
    ("emotion, Usage, pixels", "\n", "empty"),  # a folder as good as none
])  # fmt: skip
def test_fer2013s_table_becomes_a_folder_of_images(tmp_path, head, end, name):
    faces = np.random.default_rng(0).integers(0, 256, (8, 2304))
    usages = ("Training",) * 6 + ("PublicTest", "PrivateTest")
    pixels = [" ".join(map(str, face)) for face in faces]
    rows = [head.replace("emotion", e).replace("Usage", u).replace("pixels", p)
            for e, u, p in zip("01234563", usages, pixels, strict=True)]  # fmt: skip
    table = put_text(tmp_path / "fer2013.csv", head, *rows, "", newline=end)
    (tmp_path / "empty").mkdir()
    folder = unpack(table, tmp_path / name)
    assert sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*.png")) == [
        "test/happy/PrivateTest_7.png",
        "train/angry/Training_0.png",
        "train/disgust/Training_1.png",
        "train/fear/Training_2.png",
        "train/happy/Training_3.png",
        "train/sad/Training_4.png",
        "train/surprise/Training_5.png",
        "val/neutral/PublicTest_6.png",
    ]
    with Image.open(folder / "train/fear/Training_2.png") as image:
        assert (np.asarray(image).ravel() == faces[2]).all()
    data = load(folder)
    assert data.name == "FER2013"
    assert data.given_split
    assert data.classes == ("angry", "happy", "neutral")
    assert f"{name} is no empty folder: name a new" in refusal(unpack, table, folder)


@pytest.mark.parametrize(("line", "message"), [
    (f"9,{FACE},Training", "emotion '9' is none of 0 to 6; get the file"),
    (f"3,{FACE},Else", "Usage 'Else' is none of Training, PublicTest"),
    (f"3,{FACE}", "Usage '' is none of"),
    *((f"3,{face},Training", "pixels are not 2304 numbers from 0 to 255")
      for face in ("1 2", f"{FACE[:-1]}256", f"{FACE[:-1]}x", f"{FACE[:-1]}-7")),
])  # fmt: skip
def test_a_row_with_a_fault_ends_unpacking_with_nothing_left(tmp_path, line, message):
    table = put_text(tmp_path / "fer2013.csv", HEAD, f"3,{FACE},Training", line)
    said = refusal(unpack, table, tmp_path / "fer")
    assert said.startswith(f"{table}, row 2: {message}")
    assert list(tmp_path.iterdir()) == [table]


def test_what_came_into_the_folder_while_it_was_unpacked_stays(tmp_path, monkeypatch):
    table = put_text(tmp_path / "fer2013.csv", HEAD, f"3,{FACE},Training")
    (tmp_path / "fer").mkdir()

    def progress(rows, *_, **__):
        put_text(tmp_path / "fer/mine.txt", "mine")
        return rows

    monkeypatch.setattr("smartclass_utils.commands.unpack.tqdm", progress)
    with pytest.raises(OSError, match="not empty"):
        unpack(table, tmp_path / "fer")
    assert (tmp_path / "fer/mine.txt").read_text("utf-8") == "mine\n"


def test_another_table_is_not_fer2013(tmp_path):
    table, folder = put_text(tmp_path / "fer2013.csv", "a,b", "1,2"), tmp_path / "fer"
    assert "first line must name emotion,pixels,us" in refusal(unpack, table, folder)
    assert "There is no file" in refusal(unpack, tmp_path / "gone.csv", folder)
    table = put_text(tmp_path / "none.csv", HEAD)
    assert "none.csv has no rows" in refusal(unpack, table, folder)
    assert not folder.exists()
