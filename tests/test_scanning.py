"""Files that are found in a folder, lists of them in labels.csv, and their names."""

import itertools
import os

import pandas as pd
import pytest
from nbconvert.filters.markdown_mistune import markdown2html_mistune as page_body
from test_sources import error_of, load, put, rows_of, write_listed

from smartclass_utils.config import MANIFEST_COLUMNS
from smartclass_utils.names import as_text, canonical_label
from smartclass_utils.walking import LINKS, Tree, kind_of


@pytest.fixture
def root(tmp_path):
    put(tmp_path / "data", "b/x.JPG", "b/deep/y.webp", "a é/空.png", "b/nosuffix")
    return tmp_path / "data"


def notes_of(root):
    return Tree(root).notes("b", "a é")


def test_images_are_found_sorted_and_what_is_none_by_name_is_named(root):
    tree = Tree(root)
    assert tree.files == ["a é/空.png", "b/deep/y.webp", "b/nosuffix", "b/x.JPG"]
    assert notes_of(root) == []
    (root.parent / "link").symlink_to(root)
    assert Tree(root.parent / "link").files == tree.files
    put(root, ".DS_Store", "b/._x.jpg", "b/Thumbs.db")  # the system's own
    assert Tree(root).files == tree.files
    assert notes_of(root) == []
    put(root, "readme.txt", "b/z.mp4", "b/z.zip", "b/z.csv", "b/z.txt")
    (note,) = notes_of(root)
    assert note.startswith("4 files passed over, as their names are not those of im")
    assert "(b/z.csv, b/z.mp4, b/z.txt and 1 more)" in note


def test_folders_and_dead_links_named_like_images_are_left_to_the_cleaning(root):
    put(root, "b/folder.jpg/inside.png")
    (root / "b/dead.jpg").symlink_to("gone.jpg")
    (root / "b/self.jpg").symlink_to("self.jpg")
    (root / "circle").symlink_to("circle")
    (root / "gone").symlink_to("gone_v2")
    files = Tree(root).files
    assert {"b/folder.jpg", "b/dead.jpg", "b/self.jpg"} < set(files)
    assert not any("inside" in file for file in files)
    data = load(root)
    assert data.classes == ("a é", "b")
    assert "2 files passed over, as they are links" in " ".join(data.notes)


def test_links_never_lead_out_of_the_folder_nor_in_circles(root, tmp_path):
    put(tmp_path, "secret.jpg")
    (root / "b/out.jpg").symlink_to(tmp_path / "secret.jpg")
    (root / "b/circle").symlink_to(root)
    (root / "b/within.jpg").symlink_to("x.JPG")
    files = Tree(root).files
    assert "b/within.jpg" in files and len(files) == 5
    why = "as they are links to folders or out of the data (b/circle, b/out.jpg)"
    assert notes_of(root) == [f"2 files passed over, {why}."]
    (root / "up").symlink_to(tmp_path)  # right in the root, where links are followed
    assert Tree(root).files == files


def test_a_class_folder_must_not_lead_out_of_the_data(tmp_path):
    classes = ("train/cat/1.jpg", "test/cat/1.jpg", "test/bird/1.jpg")
    put(tmp_path, "elsewhere/1.jpg", *(f"data/{name}" for name in classes))
    (tmp_path / "data/train/bird").symlink_to(tmp_path / "elsewhere")
    message = error_of(tmp_path / "data")
    assert f"{tmp_path}/data/train/bird is a link that leads out of the" in message
    (tmp_path / "data/train/bird").unlink()
    (tmp_path / "data/dog").symlink_to(tmp_path / "elsewhere")  # right in the root
    assert "dog/1.jpg" in Tree(tmp_path / "data").files


def test_names_that_are_not_utf8_are_reported(root):
    try:
        (root / os.fsdecode(b"bad\xff.jpg")).write_bytes(b"x")
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    assert len(Tree(root).files) == 4
    why = "as their names are not UTF-8: rename them"
    assert load(root).notes == (f"1 file passed over, {why} (bad�.jpg).",)


@pytest.mark.parametrize("name", ["b", "data", "deep"])
def test_a_closed_folder_is_one_sentence(root, name, monkeypatch):
    opens = os.scandir

    def scandir(path):  # which refuses even root, who runs the tests
        if os.path.basename(path) == name:  # noqa: PTH119
            raise PermissionError(13, "Permission denied", str(path))
        return opens(path)

    monkeypatch.setattr(os, "scandir", scandir)
    assert f"{name} cannot be opened (Permission denied): make it" in error_of(root)


def test_a_junction_of_windows_is_a_link(root, monkeypatch):
    monkeypatch.setattr(os.path, "isjunction", lambda path: True, raising=False)
    assert kind_of(str(root), "up", True, [str(root)], is_top=True) == LINKS


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
    assert "so left out: d.jpg, e.jpg, f.jpg." in " ".join(data.notes)


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
    (["file,label"], "holds no class, and two or more classes"),
    (["file\tlabel", "a.jpg\thappy"], "has no column 'file' and no 'label'"),
    (["file,class", "a.jpg,happy"], "has no column 'label'"),
    (["File,FILE,label", "a.jpg,a.jpg,x"], "has two columns file: keep one"),
    (["file,label,label", "a.jpg,happy,sad"], "has two columns label: keep one"),
    (["file,label,a*,a∗", "a.jpg,happy,1,2"], "has two columns a∗: keep one"),
    (["file,label,split", "a.jpg,x,later"], "unknown split (a.jpg: later): use train"),
    (["file,label,split", "a.jpg,x,test", "b.jpg,y,"], "without a split (b.jpg)"),
    (["file,label", 'a.jpg,"happy'], "cannot be read (is it a UTF-8 CSV file"),
    (["file,label", *(f"{i}.jpg,happy" for i in range(9))],
     "9 rows without their file (0.jpg, 1.jpg, 2.jpg and 6 more)"),
])  # fmt: skip
def test_rows_that_cannot_be_used_stop_the_run(tmp_path, lines, message):
    found = error_of(write_listed(tmp_path, *lines))
    assert message in found and str(tmp_path) in found


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
    assert "labels.csv cannot be read (is it a UTF-8 CSV file" in error_of(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_table_that_is_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "labels.csv")
    assert "labels.csv cannot be read (it is no file)" in error_of(tmp_path)


HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "[a](javascript:alert(1))",
    "![a](x.png)",
    "`x` | **b**\n\n# Title\n\n<script>alert(1)</script>",
    "<https://evil.example>",
    "https://evil.example",
    "</td><svg onload=alert(1)>",
    'happy" onload="alert(1)',
    "\x1b[31mred\u202egnihton",
    *("_x_", "__x__ (_y_)", "~~x~~", "a$b$c", r"$\frac$", "$a_$"),
]
TAGS = ("<img", "<script", "<svg", "<a ", "<h1", "<strong", "<code", "<em", "<del")
MARKS = (*TAGS, "$")  # two dollars are a formula, set by the browser


def test_a_usual_name_stays_with_underscores_wherever_markdown_keeps_them():
    usual = ["very_happy", "a__b_1", "é_空", "0–3", "70+", "空 é", "R&D (2)"]
    assert [*map(as_text, usual)] == usual
    assert canonical_label(" Happiness\t") == "happy"
    assert as_text("_very_happy_") == "ˍvery_happyˍ"
    assert as_text("data/_a b_") == "data/ˍa bˍ"
    assert "<em" in page_body("x _a_ y")
    texts = [as_text("".join(name)) for name in itertools.product("_a (", repeat=5)]
    assert [as_text(text) for text in texts] == texts
    page = page_body("\n\n".join(f"x {text} y {text}" for text in texts))
    assert "<em" not in page and "<strong" not in page


def test_hostile_names_of_a_data_set_reach_no_page(tmp_path):
    root = tmp_path / "<b>mine"
    root.mkdir()
    files = [f"{i}<img>.jpg" for i in range(len(HOSTILE))]
    for file in (*files, "<script>.png"):
        (root / file).write_bytes(b"x")
    columns = ("label", "source", "subject", "<svg onload=alert(1)>")
    table = pd.DataFrame({"file": files, **dict.fromkeys(columns, HOSTILE)})
    table.to_csv(root / "labels.csv", index=False)
    data = load(root)
    assert len(data.classes) == len(HOSTILE)  # they differ as they did before
    shown = [*data.classes, *data.notes, data.name, *data.table]
    for text in {*shown, *data.table.drop(columns="file").to_numpy().ravel()}:
        assert as_text(text) == text and text.isprintable()
        page = page_body(f"The class {text} is the largest: {text}.")
        assert not any(mark in page for mark in MARKS) and text[:5] in page
    assert all((root / file).exists() for file in data.table["file"])
    page = page_body("\n".join(f"- *{text}*" for text in shown))
    page += data.table.drop(columns="file").to_html()
    assert not any(mark in page for mark in MARKS if mark != "<em")
