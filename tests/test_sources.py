import pandas as pd
import pytest

from smartclass_utils.config import MANIFEST_COLUMNS, REPORTED_FOLDER, SmartClassError
from smartclass_utils.sources import compare_with_reported, load, overview
from smartclass_utils.sources.manifest import detect


def put(root, *names):
    """Write small files; what is in them does not matter before the cleaning."""
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def put_text(path, *lines):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", "utf-8")


def write_rafdb(root):
    """Write one training image of every class and one test image of three."""
    for split, codes, digits in (("train", "1234567", 5), ("test", "467", 4)):
        rows = [(f"{split}_{int(c):0{digits}}_aligned.jpg", c) for c in codes]
        put(root / "DATASET" / split, *(f"{c}/{name}" for name, c in rows))
        lines = (f"{name},{c}" for name, c in rows)
        put_text(root / f"{split}_labels.csv", "image,label", *lines)


def write_oahega(root):
    names = ["Angry/1.jpg", "Happy/a é.PNG", "Neutral/3.gif", "Sad/4.jpg"]
    put(root / "dataset", *names, "Surprise/5.webp", "Ahegao/6.jpg")
    names += ["Surprise/5.webp", "Ahegao/6.jpg"]
    rows = [f"{i},{name},{name.split('/')[0]}" for i, name in enumerate(names)]
    put_text(root / "data.csv", ",path,label", *rows)


def write_fed(root, classes=("Agree", "Confusion", "Aversion", "Think"), parts=None):
    for part in parts or ("train", "test"):
        put(root, *(f"{part}/{name}/{i}.jpg" for name in classes for i in range(2)))


def rows_of(manifest, *columns):
    return [tuple(row) for row in manifest.table[list(columns)].itertuples(index=False)]


def error_of(root):
    with pytest.raises(SmartClassError) as caught:
        load(root)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("where", ["", "rafdb", "archive/rafdb"])
def test_rafdb_of_kaggle(tmp_path, where):
    write_rafdb(tmp_path / where)
    data = load(tmp_path)
    assert data.name == "RAF-DB"
    assert data.classes == ("angry", "happy", "neutral")
    assert tuple(data.table) == MANIFEST_COLUMNS
    assert list(data.table["original_label"]) == [
        *("Happiness", "Anger", "Neutral"),  # test
        *("Surprise", "Fear", "Disgust", "Happiness", "Sadness", "Anger", "Neutral"),
    ]
    train = ["", "", "", "happy", "", "angry", "neutral"]
    assert list(data.table["label"]) == ["happy", "angry", "neutral", *train]
    assert list(data.table["split"]) == ["test"] * 3 + ["train"] * 7
    first = "DATASET/test/4/test_0004_aligned.jpg"
    assert data.table["file"][0] == f"{where}/{first}".lstrip("/")
    assert not data.given_split
    assert data.notes[-1] == "So there is no class engaged."


def test_rafdb_is_held_against_its_lists(tmp_path):
    write_rafdb(tmp_path)
    put(tmp_path, "DATASET/test/4/new.jpg")
    assert (
        "test_labels.csv does not list 4/new.jpg: taken by" in load(tmp_path).notes[0]
    )
    (tmp_path / "DATASET/train/5/train_00005_aligned.jpg").unlink()
    message = error_of(tmp_path)
    assert "train_labels.csv: 1 row without their file" in message
    assert "train/5/train_00005_aligned.jpg" in message
    put_text(tmp_path / "train_labels.csv", "image,label", "a.jpg,9")
    assert "unknown label (a.jpg 9): labels are 1 to 7" in error_of(tmp_path)


def test_rafdb_must_be_complete(tmp_path):
    write_rafdb(tmp_path)
    (tmp_path / "DATASET/test").rename(tmp_path / "DATASET/tests")
    assert "has no folder 'test'" in error_of(tmp_path)
    (tmp_path / "DATASET/tests").rename(tmp_path / "DATASET/test")
    put(tmp_path, "DATASET/test/Thumbs.db", "DATASET/test/8/x.jpg")
    assert "holds '8'" in error_of(tmp_path)


def test_rafdb_as_its_owners_release_it(tmp_path):
    basic = tmp_path / "basic"
    names = [f"train_{i:05}" for i in (1, 2, 3)] + ["test_0001"]
    put(basic / "Image/aligned", *(f"{name}_aligned.jpg" for name in names))
    put(basic / "Image/original", *(f"{name}.jpg" for name in names))
    listed = [f"{name}.jpg {c}" for name, c in zip(names, "6744", strict=True)]
    put_text(basic / "EmoLabel/list_patition_label.txt", *listed)
    points = ["10.5\t20.25"] * 5
    for name, codes in (("train_00001", "0 2 4"), ("test_0001", "2 0 0")):
        path = basic / "Annotation/manual" / f"{name}_manu_attri.txt"
        put_text(path, *points, *codes.split())
    put_text(basic / "Annotation/manual/train_00002_manu_attri.txt", *points, "9", "1")
    data = load(tmp_path)
    assert data.name == "RAF-DB"
    assert rows_of(data, "label", "split", "gender", "race", "age") == [
        ("happy", "test", "unsure", "Caucasian", "0–3"),
        ("angry", "train", "male", "Asian", "70+"),
        ("neutral", "train", "", "", ""),
        ("happy", "train", "", "", ""),
    ]
    assert data.table["file"][1] == "basic/Image/aligned/train_00001_aligned.jpg"
    put_text(basic / "EmoLabel/list_patition_label.txt", *listed, "train_00009.jpg 4")
    assert "train_00009_aligned.jpg" in error_of(tmp_path)
    put_text(basic / "EmoLabel/list_patition_label.txt", *listed, "train_00009.jpg")
    assert "no 'name label' (train_00009.jpg)" in error_of(tmp_path)


def test_oahega_without_its_adult_class(tmp_path):
    write_oahega(tmp_path)
    data = load(tmp_path)
    assert data.name == "OAHEGA"
    assert rows_of(data, "file", "original_label", "label", "split") == [
        ("dataset/Angry/1.jpg", "Anger", "angry", ""),
        ("dataset/Happy/a é.PNG", "Happiness", "happy", ""),
        ("dataset/Neutral/3.gif", "Neutral", "neutral", ""),
        ("dataset/Sad/4.jpg", "Sadness", "", ""),
        ("dataset/Surprise/5.webp", "Surprise", "", ""),
    ]
    assert not any("hegao" in note for note in data.notes)
    (tmp_path / "dataset/Sad/4.jpg").unlink()
    assert "data.csv: 1 row without their file (Sad/4.jpg)" in error_of(tmp_path)
    put_text(tmp_path / "data.csv", ",path,label", "0,Angry/1.jpg,Furious")
    assert "unknown label (Angry/1.jpg furious)" in error_of(tmp_path)
    put_text(tmp_path / "data.csv", "0,Angry/1.jpg,Angry")
    assert "data.csv has no column 'path' and no 'label'" in error_of(tmp_path)


def test_oahegas_adult_class_is_no_class_folder_either(tmp_path):
    put(
        tmp_path, "set/ahegao/1.jpg", "set/b/AHEGAO/2.jpg", "set/b/3.jpg", "set/c/4.jpg"
    )
    assert list(load(tmp_path).table["file"]) == ["set/b/3.jpg", "set/c/4.jpg"]


@pytest.mark.parametrize(
    ("classes", "parts"),
    [
        (("Agree", "Confusion", "Aversion", "Think"), ("train", "test")),
        (("AGREEMENT", "confused", "Disagree", "thinking"), ("Train/Train", "Test/x")),
        (
            ("amenability", "Confuse", "aversions", "Concentration"),
            ("a/train", "a/test"),
        ),
    ],
)
def test_fed_by_what_its_folders_resemble(tmp_path, classes, parts):
    write_fed(tmp_path, classes, parts)
    put(tmp_path, f"{parts[0]}/Boredom/1.jpg")
    ((layout, where),) = detect(tmp_path)
    assert layout.name == "FED 2023"
    table, notes = (
        layout.load(where, tmp_path).table,
        layout.load(where, tmp_path).notes,
    )
    nouns = ("Amenability", "Confusion", "Aversion", "Concentration")
    meant = dict(zip(classes, nouns, strict=True))
    folders = [file.split("/")[-2] for file in table["file"]]
    originals = [name.split("/")[-1] for name in table["original_label"]]
    assert originals == [meant.get(name, name) for name in folders]
    engaged = table["original_label"].isin(("Amenability", "Concentration"))
    assert list(table["label"]) == ["engaged" if e else "" for e in engaged]
    assert table["split"].value_counts().to_dict() == {"train": 9, "test": 8}
    assert f"{classes[0]} → Amenability" in notes[0]
    assert "not understood, left out: " in notes[1]
    assert notes[1].endswith("Boredom.")


def test_fed_needs_both_parts_of_engaged(tmp_path):
    write_fed(tmp_path, ("Agree", "Confusion"))
    assert "no images of Concentration: FED 2023 is incomplete" in error_of(tmp_path)


def test_fed_alone_is_read_through_a_link_too(tmp_path):
    write_fed(tmp_path / "cache")
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw/fed2023").symlink_to(tmp_path / "cache")
    assert "engaged only, and two or more classes are" in error_of(tmp_path / "raw")


@pytest.mark.parametrize("wrapper", ["", "raw"])
def test_several_sources_are_merged(tmp_path, wrapper):
    root = tmp_path / "all" / wrapper
    write_rafdb(root / "rafdb")
    write_oahega(root / "oahega")
    write_fed(tmp_path / "cache/versions/1")
    (root / "fed2023").symlink_to(tmp_path / "cache/versions/1")
    put(root, "notes/minutes.txt", "downloads.json")
    data = load(tmp_path / "all")
    assert data.name == "RAF-DB + FED 2023 + OAHEGA"
    assert data.classes == ("angry", "engaged", "happy", "neutral")
    sizes = data.table["source"].value_counts().to_dict()
    assert sizes == {"RAF-DB": 10, "FED 2023": 16, "OAHEGA": 5}
    assert list(data.table["file"]) == sorted(data.table["file"])
    assert all((data.root / file).is_file() for file in data.table["file"])
    labels = data.table["label"].value_counts().to_dict()
    assert labels == {"": 14, "engaged": 8, "angry": 3, "happy": 3, "neutral": 3}
    notes = f"{wrapper}/notes".lstrip("/")
    assert f"Not recognised in all, so left out: {notes}." in data.notes


@pytest.mark.parametrize("where", ["", "rafdb"])
def test_what_lies_beside_a_single_data_set_is_named(tmp_path, where):
    root = tmp_path / "all"
    write_rafdb(root / where)
    assert not any("Not recognised" in note for note in load(root).notes)
    put(root, "mine/happy/1.jpg", "loose.png", "LICENSE", ".hidden/1.jpg")
    put(root / where, "DATASET_old/1/1.jpg")
    old = f"{where}/DATASET_old".lstrip("/")
    names = ["mine", "loose.png", old] if where else [old, "mine", "loose.png"]
    sentence = f"Not recognised in all, so left out: {', '.join(names)}."
    assert sentence in load(root).notes


def test_what_lies_beside_a_list_or_class_folders_is_named(tmp_path):
    listed, folders = tmp_path / "listed", tmp_path / "folders"
    put(listed, "a.jpg", "b.jpg", "c.jpg", "in/d.jpg", "LICENSE")
    put_text(listed / "labels.csv", "file,label", "a.jpg,happy", "b.jpg,sad")
    assert load(listed).notes == (
        "labels.csv does not list c.jpg, in/d.jpg: left out.",
    )
    put(folders, "happy/1.jpg", "sad/2.jpg", "3.jpg", "readme.md")
    assert load(folders).notes == ("Not recognised in folders, so left out: 3.jpg.",)


def test_a_file_outside_of_the_data_root_is_not_looked_at(tmp_path):
    put(tmp_path, "mine/Angry/1.jpg", "mine/Happy/2.jpg", "mine/Bored/3.jpg")
    put_text(tmp_path / "data.csv", "a,b", "1,2")
    data = load(tmp_path / "mine")
    assert data.name == "mine"
    assert data.classes == ("angry", "bored", "happy")
    write_rafdb(tmp_path / "dataset" / "r")
    (tmp_path / "dataset" / "r" / "DATASET").rename(tmp_path / "rafdb")
    put_text(tmp_path / "train_labels.csv", "foreign", "1")
    assert load(tmp_path / "rafdb").name == "RAF-DB"


def test_fer2013_does_not_hide_the_sources_beside_it(tmp_path):
    write_rafdb(tmp_path / "rafdb")
    row = " ".join(["7"] * 2304)
    head = "emotion,pixels,Usage"
    put_text(tmp_path / "fer2013/fer2013.csv", head, f"3,{row},Training")
    assert load(tmp_path).name == "RAF-DB + FER2013"


def test_a_source_that_is_not_there_is_named(tmp_path):
    write_rafdb(tmp_path / "rafdb")
    write_oahega(tmp_path / "oahega")
    assert load(tmp_path).notes[-2:] == (
        f"FED 2023 is not there (expected in {tmp_path.name}/fed2023; from "
        "kaggle.com/datasets/prajvalpatel/facial-expression-detection-2023).",
        "So there is no class engaged.",
    )


def test_counts_are_set_beside_the_reported_ones(tmp_path):
    write_rafdb(tmp_path / "rafdb")
    write_oahega(tmp_path / "oahega")
    table = load(tmp_path).table
    counts = overview(table)
    assert tuple(counts.iloc[0]) == ("RAF-DB", "train", "Anger", 1)
    assert tuple(counts.iloc[-1]) == ("OAHEGA", "", "Surprise", 1)
    assert counts["images"].sum() == len(table) == 15
    assert len(counts) == 15

    reported = pd.read_csv(REPORTED_FOLDER / "sources.csv")
    both = compare_with_reported(table, reported)
    assert len(both) == len(reported) == 27
    assert both["images"].sum() == 15
    assert both["reported"].sum() == reported["images"].sum()
    assert (both["difference"] == both["images"] - both["reported"]).all()
    assert tuple(both.iloc[0]) == ("RAF-DB", "train", "Anger", 1, 705, -704)
    fed = both[both["source"] == "FED 2023"]
    assert (fed["images"] == 0).all()
    ours = table.assign(source="mine")
    both = compare_with_reported(ours, reported)
    assert both.loc[both["source"] == "mine", "reported"].sum() == 0
    assert both["images"].sum() == 15
