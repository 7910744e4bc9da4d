import pytest
from test_sources import error_of, load, put, rows_of, write_listed

from smartclass_utils.config import MANIFEST_COLUMNS


def test_labels_and_split_are_kept(tmp_path):
    root = tmp_path / "OAHEGA"  # a name says nothing
    put(root, "deep/空 é.jpg")
    write_listed(
        root,
        "file,label,split,subject,glasses,original_label",
        "deep/空 é.jpg,Focused,training,p1,yes,Alert",
        "a.jpg, happiness ,TEST,p2,None,Joy",
        "b.jpg,happy,valid,p2,,happy",
        "./c.jpg,angry,test,,no,Anger",
        encoding="utf-8-sig",
    )
    data = load(root)
    assert data.given_split
    assert data.name == "OAHEGA"
    assert data.classes == ("angry", "engaged", "happy")
    assert tuple(data.table) == (*MANIFEST_COLUMNS, "glasses")
    assert rows_of(data, *data.table) == [
        ("a.jpg", "happy", "OAHEGA", "Joy", "test", "p2", "", "None"),
        ("b.jpg", "happy", "OAHEGA", "happy", "val", "p2", "", ""),
        ("c.jpg", "angry", "OAHEGA", "Anger", "test", "", "", "no"),
        ("deep/空 é.jpg", "engaged", "OAHEGA", "Alert", "train", "p1", "", "yes"),
    ]
    assert any("so left out: d.jpg, e.jpg, f.jpg." in note for note in data.notes)


@pytest.mark.parametrize(("lines", "classes", "given", "note"), [
    (["file,label,source", "a.jpg,None,x", "b.jpg,cat,"], "cat none", False, ""),
    (["file,label,split", "a.jpg,b,train", "b.jpg,c,test"], "b c", True,
     "no val part: it is taken out of train, never of test"),
    (["file,label,split", "a.jpg,b,train", "b.jpg,c,val"], "b c", True, "no test"),
    (["File, LABEL ,Split", "a.jpg,b,train", "", "b.jpg, c,test"], "b c", True, ""),
    ([",file,label", "0,a.jpg,x", "1,b.jpg,y", ",,"], "x y", False, ""),
    (["file,label", "a.jpg,x,", "b.jpg,y,"], "x y", False, ""),
    (["file,label,", "A.jpg,x,", "b.JPG,y,"], "x y", False, ""),
    (["file,label,split,source", "a.jpg,x,train,", "b.jpg,y,,x"], "x y", False,
     "x gives no split: all is dealt anew."),
    (["file,label,Usage", "a.jpg,x,train", "b.jpg,y,test"], "x y", False,
     "The column Usage of"),
    (["file;label;split", "a.jpg;x;train", "b.jpg;y;test"], "x y", True, "no val"),
])  # fmt: skip
def test_lists_are_read_as_people_write_them(tmp_path, lines, classes, given, note):
    data = load(write_listed(tmp_path, *lines))
    assert list(data.classes) == classes.split()
    assert data.given_split == given
    assert list(data.table["file"]) == ["a.jpg", "b.jpg"]
    assert any(note in said for said in data.notes)
    assert set(data.table["source"]) <= {"x", tmp_path.name}


@pytest.mark.parametrize(("lines", "message"), [
    (["file,label", "a.jpg,happy", "x.jpg,angry"], "without their file (x.jpg)"),
    (["file,label", "../a.jpg,happy"], "leading out of its folder (../a.jpg)"),
    (["file,label", "/etc/hosts,happy"], "leading out of its folder (/etc/hosts)"),
    (["file,label", "in\\a.jpg,happy"], "hidden, with \\ or leading out of its"),
    (["file,label", "a.jpg,happy", "./a.jpg,sad"], "named before (./a.jpg)"),
    (["file,label", "a.jpg, ", "b.jpg,sad"], "1 row without a label (a.jpg)"),
    (["file,label", "a.jpg,happy", "b.jpg,Happiness"], "holds happy only"),
    (["file,label"], "holds no class only"),
    (["file\tlabel", "a.jpg\thappy"], "has no column 'file' and no 'label'"),
    (["file,class", "a.jpg,happy"], "has no column 'label'"),
    (["File,FILE,label", "a.jpg,a.jpg,x"], "has two columns file: keep one"),
    (["file,label,split", "a.jpg,x,later"], "unknown split (a.jpg: later): use train"),
    (["file,label,split", "a.jpg,x,test", "b.jpg,y,"], "without a split (b.jpg)"),
    (["file,label", 'a.jpg,"happy'], "cannot be read as a UTF-8 CSV file"),
    (["file,label", *(f"{i}.jpg,happy" for i in range(9))],
     "9 rows without their file (0.jpg, 1.jpg, 2.jpg and 6 more)"),
])  # fmt: skip
def test_rows_that_cannot_be_used_stop_the_run(tmp_path, lines, message):
    found = error_of(write_listed(tmp_path, *lines))
    assert message in found
    assert str(tmp_path) in found


def test_a_link_out_of_the_folder_is_refused(tmp_path):
    put(tmp_path, "secret.jpg", "other/x.jpg")
    lines = ("file,label", "link.jpg,happy", "a/b/x.jpg,sad")
    root = write_listed(tmp_path / "own", *lines)
    (root / "a").mkdir()
    (root / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    (root / "a/b").symlink_to(tmp_path / "other")
    assert "leading out of its folder (link.jpg, a/b/x.jpg)" in error_of(root)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"file,label\n\xe9.jpg,a\n"])
def test_a_table_that_is_no_utf8_csv_is_one_sentence(tmp_path, content):
    (tmp_path / "labels.csv").write_bytes(content)
    assert "labels.csv cannot be read as a UTF-8 CSV file" in error_of(tmp_path)
