import numpy as np
import pytest

from smartclass_utils.cleaning.images import decode
from smartclass_utils.config import MANIFEST_COLUMNS, SmartClassError
from smartclass_utils.sources import load

FER = "emotion,pixels,Usage"


def put(root, *names):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def listed(root, *lines, encoding="utf-8"):
    """Write labels.csv and the files a.jpg to f.jpg that it may name."""
    put(root, *(f"{letter}.jpg" for letter in "abcdef"))
    (root / "labels.csv").write_text("\n".join(lines) + "\n", encoding)
    return root


def error_of(root):
    with pytest.raises(SmartClassError) as caught:
        load(root)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def columns_of(data, *names):
    return [tuple(row) for row in data.table[list(names)].itertuples(index=False)]


def test_labels_and_split_are_kept(tmp_path):
    root = tmp_path / "Mine"
    put(root, "deep/空 é.jpg")
    listed(
        root,
        "file,label,split,subject,glasses",
        "deep/空 é.jpg,Focused,training,p1,yes",
        "a.jpg, happiness ,TEST,p2,None",
        "b.jpg,happy,valid,p2,",
        "./c.jpg,angry,test,,no",
        encoding="utf-8-sig",
    )
    data = load(root)
    assert data.given_split
    assert data.name == "Mine"
    assert data.classes == ("angry", "engaged", "happy")
    assert tuple(data.table) == (*MANIFEST_COLUMNS, "glasses")
    assert columns_of(data, *data.table) == [
        ("a.jpg", "happy", "Mine", "happiness", "test", "p2", "", "None"),
        ("b.jpg", "happy", "Mine", "happy", "val", "p2", "", ""),
        ("c.jpg", "angry", "Mine", "angry", "test", "", "", "no"),
        ("deep/空 é.jpg", "engaged", "Mine", "Focused", "train", "p1", "", "yes"),
    ]


def test_without_a_split_there_is_none_given(tmp_path):
    lines = ("file,label,source", "a.jpg,None,x", "b.jpg,cat,")
    data = load(listed(tmp_path, *lines))
    assert not data.given_split
    assert data.classes == ("cat", "none")
    assert list(data.table["split"]) == ["", ""]
    assert list(data.table["source"]) == ["x", tmp_path.name]


def test_a_split_without_val_says_so(tmp_path):
    lines = ("file,label,split", "a.jpg,happy,train", "b.jpg,angry,test")
    data = load(listed(tmp_path, *lines))
    assert "no val part: it is taken out of train, never of test" in data.notes[0]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["file,label", "a.jpg,happy", "x.jpg,angry"], "without their file (x.jpg)"),
        (["file,label", "../a.jpg,happy"], "lead out of its folder (../a.jpg)"),
        (["file,label", "/etc/hosts,happy"], "lead out of its folder (/etc/hosts)"),
        (["file,label", "in\\a.jpg,happy"], "give paths with / relative to"),
        (["file,label", "a.jpg,happy", "./a.jpg,sad"], "named before (./a.jpg)"),
        (["file,label", "a.jpg, ", "b.jpg,sad"], "1 row without a label (a.jpg)"),
        (["file,label", "a.jpg,happy", "b.jpg,Happiness"], "holds happy only"),
        (["file,label"], "holds no class only"),
        (["file;label", "a.jpg;happy"], "has no column 'file' and no 'label'"),
        (["file,class", "a.jpg,happy"], "has no column 'label'"),
        (["file,label,split", "a.jpg,x,dev"], "unknown split (a.jpg): use train, val"),
        (["file,label,split", "a.jpg,x,test", "b.jpg,y,"], "without a split (b.jpg)"),
        (["file,label,split", "a.jpg,x,train"], "without a part named test"),
        (["file,label", 'a.jpg,"happy'], "cannot be read as a UTF-8 CSV file"),
    ],
)
def test_rows_that_cannot_be_used_stop_the_run(tmp_path, lines, message):
    found = error_of(listed(tmp_path, *lines))
    assert message in found
    assert str(tmp_path) in found


def test_only_the_first_rows_are_quoted(tmp_path):
    lines = (f"{i}.jpg,happy" for i in range(9))
    message = error_of(listed(tmp_path, "file,label", *lines))
    assert "9 rows without their file (0.jpg, 1.jpg, 2.jpg and 6 more)" in message


def test_a_link_out_of_the_folder_is_refused(tmp_path):
    put(tmp_path, "secret.jpg", "other/x.jpg")
    root = listed(tmp_path / "own", "file,label", "link.jpg,happy", "b/x.jpg,sad")
    (root / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    (root / "b").symlink_to(tmp_path / "other")
    assert "2 rows that lead out of its folder (link.jpg, b/x.jpg)" in error_of(root)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"file,label\n\xe9.jpg,a\n"])
def test_a_table_that_is_no_utf8_csv_is_one_sentence(tmp_path, content):
    (tmp_path / "labels.csv").write_bytes(content)
    assert "labels.csv cannot be read as a UTF-8 CSV file" in error_of(tmp_path)


def write_fer(path, *rows, head=FER, end="\n"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(end.join([head, *rows, ""]).encode("ascii"))


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize(
    "name", ["fer2013.csv", "fer2013/fer2013.csv", "in/fer2013.csv"]
)
def test_fer2013_as_one_table(tmp_path, name, end):
    faces = np.random.default_rng(0).integers(0, 256, (4, 2304))
    usages = ("Training", "Training", "PublicTest", "PrivateTest")
    rows = [
        f"{code},{' '.join(map(str, face))},{usage}"
        for code, face, usage in zip("0365", faces, usages, strict=True)
    ]
    write_fer(tmp_path / name, *rows, end=end)
    data = load(tmp_path)
    assert data.name == "FER2013"
    assert data.classes == ("angry", "happy", "neutral")
    table = data.table.sort_values(
        "file", key=lambda f: f.str.split("#").str[1].map(int)
    )
    assert list(table["original_label"]) == [
        *("Anger", "Happiness", "Neutral", "Surprise"),
    ]
    assert list(table["split"]) == ["train", "train", "val", "test"]
    assert table["file"].iloc[0] == f"{name}#{len(FER) + len(end)}"
    for file, face in zip(table["file"], faces, strict=True):
        assert (decode(tmp_path / file, 48).array.ravel() == face).all()


def test_fer2013_with_its_columns_in_another_order(tmp_path):
    row = " ".join(["1"] * 2303 + ["2"])
    rows = (f"3, Training,{row}", f"0, PrivateTest,{row}")
    write_fer(tmp_path / "icml_face_data.csv", *rows, head="emotion, Usage, pixels")
    data = load(tmp_path)
    assert list(data.table["label"]) == ["happy", "angry"]
    assert decode(tmp_path / data.table["file"][0], 48).array[-1, -1] == 2


@pytest.mark.parametrize(
    ("row", "head"),
    [
        ("9,1 2,Training", FER),
        ("3,1 2,Elsewhere", FER),
        ("3,1 2", FER),
        ("1 2", "pixels,emotion,Usage"),
    ],
)
def test_rows_of_fer2013_that_cannot_be_used_stop_the_run(tmp_path, row, head):
    write_fer(tmp_path / "fer2013.csv", row, "", row, head=head)
    message = error_of(tmp_path)
    assert "fer2013.csv: 2 rows with an unknown emotion or usage" in message
    assert "(line 2, line 4): get it again" in message


def test_another_table_is_not_fer2013(tmp_path):
    write_fer(tmp_path / "fer2013.csv", "1,2", head="a,b")
    assert "its first line must be emotion,pixels,Usage" in error_of(tmp_path)


def test_fer2013_in_folders(tmp_path):
    names = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
    put(tmp_path, *(f"train/{name}/Training_1.jpg" for name in names))
    put(tmp_path, *(f"test/{name}/PublicTest_2.jpg" for name in names))
    data = load(tmp_path)
    assert data.name == "FER2013"
    assert data.classes == ("angry", "happy", "neutral")
    counts = data.table["original_label"].value_counts()
    assert counts.to_dict() == dict.fromkeys(
        ("Anger", "Disgust", "Fear", "Happiness", "Sadness", "Surprise", "Neutral"), 2
    )
    assert columns_of(data, "file", "label", "split")[0] == (
        *("test/angry/PublicTest_2.jpg", "angry", "test"),
    )


def test_class_folders_take_their_aliases(tmp_path):
    put(tmp_path, "Focused/1.jpg", "attentive/p1/2.png", "Anger/a.jpg", "happiness/3")
    put(tmp_path, "Anger/A.JPG", ".cache/x.jpg", "Anger/notes.txt")
    data = load(tmp_path)
    assert data.name == tmp_path.name
    assert data.classes == ("angry", "engaged", "happy")
    assert columns_of(data, "file", "label", "original_label", "split") == [
        ("Anger/A.JPG", "angry", "Anger", ""),
        ("Anger/a.jpg", "angry", "Anger", ""),
        ("Focused/1.jpg", "engaged", "Focused", ""),
        ("attentive/p1/2.png", "engaged", "attentive", ""),
        ("happiness/3", "happy", "happiness", ""),
    ]


def test_own_classes_in_train_and_test(tmp_path):
    for part in ("Train", "test", "validation"):
        put(tmp_path, f"{part}/dog/1.jpg", f"{part}/Cat/1.jpg")
    data = load(tmp_path)
    assert data.classes == ("cat", "dog")
    assert list(data.table["split"]) == [*["train"] * 2, *["test"] * 2, *["val"] * 2]


def test_an_empty_class_folder_and_a_single_class_are_one_sentence(tmp_path):
    put(tmp_path, "happy/1.jpg")
    assert "holds happy only, and two or more classes are needed" in error_of(tmp_path)
    (tmp_path / "angry").mkdir()
    assert f"{tmp_path / 'angry'} holds no images: put some in" in error_of(tmp_path)


def test_nothing_to_work_on_is_one_sentence(tmp_path):
    assert f"There is no folder {tmp_path / 'gone'}: " in error_of(tmp_path / "gone")
    message = error_of(tmp_path)
    assert "holds no data set that is understood (found: nothing): lay it" in message
    assert "RAF-DB (DATASET/train/1…7)" in message
    put(tmp_path, "a.txt", "b.jpg")
    assert "(found: a.txt, b.jpg)" in error_of(tmp_path)
