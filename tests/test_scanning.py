import os

import pytest

from smartclass_utils.config import SmartClassError
from smartclass_utils.sources import load
from smartclass_utils.sources.folders import load_class_folders
from smartclass_utils.sources.scanning import child, relative, scan, some, subfolders


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "data"
    for name in ("b/x.JPG", "b/deep/y.webp", "a é/空.png", "b/nosuffix"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return folder


def test_images_are_found_sorted_and_with_slashes(root):
    found = scan(root, root)
    assert found.files == ["a é/空.png", "b/deep/y.webp", "b/nosuffix", "b/x.JPG"]
    assert found.notes == []
    assert scan(root / "b", root).files == found.files[1:]


def test_the_systems_own_files_are_not_seen(root):
    for name in (".DS_Store", "b/._x.jpg", "b/Thumbs.db", "__MACOSX/x.jpg"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_bytes(b"x")
    found = scan(root, root)
    assert len(found.files) == 4
    assert found.notes == []
    assert subfolders(root) == ["a é", "b"]


def test_what_is_no_image_by_name_is_named(root):
    for name in ("readme.txt", "b/z.mp4", "b/z.zip", "b/z.csv"):
        (root / name).write_bytes(b"x")
    (note,) = scan(root, root).notes
    assert note.startswith("4 files passed over, as their names are not those of im")
    assert "(b/z.csv, b/z.mp4, b/z.zip and 1 more)" in note


def test_folders_and_dead_links_named_like_images_are_left_to_the_cleaning(root):
    (root / "b/folder.jpg").mkdir()
    (root / "b/folder.jpg/inside.png").write_bytes(b"x")
    (root / "b/dead.jpg").symlink_to("gone.jpg")
    files = scan(root, root).files
    assert {"b/folder.jpg", "b/dead.jpg"} < set(files)
    assert not any("inside" in file for file in files)


def test_links_never_lead_out_of_the_folder_nor_in_circles(root, tmp_path):
    (tmp_path / "secret.jpg").write_bytes(b"x")
    (root / "b/out.jpg").symlink_to(tmp_path / "secret.jpg")
    (root / "b/circle").symlink_to(root)
    (root / "b/within.jpg").symlink_to("x.JPG")
    found = scan(root, root)
    assert "b/within.jpg" in found.files
    assert not {"b/out.jpg", "b/circle"} & set(found.files)
    assert len(found.files) == 5
    assert found.notes == [
        "2 files passed over, as they are links to folders or out of the data "
        "(b/circle, b/out.jpg)."
    ]


def test_a_folder_of_a_data_set_must_not_lead_out_of_it(root, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (root / "out").symlink_to(tmp_path / "elsewhere")
    (root / "in").symlink_to(root / "b")
    assert len(scan(root / "in", root, within=root).files) == 3
    with pytest.raises(SmartClassError, match=f"{root}/out is a link that leads out"):
        scan(root / "out", root, within=root)
    for name in ("train/cat", "train/dog", "test/cat", "photos/cat", "photos/dog"):
        (tmp_path / "sets" / name).mkdir(parents=True)
        (tmp_path / "sets" / name / "1.jpg").write_bytes(b"x")
    for folder, name in (("sets/train", "bird"), ("sets/photos", "bird")):
        (tmp_path / folder / name).symlink_to(root / "b")
        with pytest.raises(SmartClassError, match="bird is a link that leads out"):
            load_class_folders(tmp_path / folder, tmp_path / folder)
    (tmp_path / "sets/test/dog").symlink_to(root / "b")
    with pytest.raises(SmartClassError, match="is a link that leads out"):
        load(tmp_path / "sets")


def test_the_folder_itself_may_be_a_link(root, tmp_path):
    (tmp_path / "link").symlink_to(root)
    assert scan(tmp_path / "link", tmp_path).files[-1] == "link/b/x.JPG"


def test_names_that_are_not_utf8_are_reported(root):
    try:
        (root / os.fsdecode(b"bad\xff.jpg")).write_bytes(b"x")
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    found = scan(root, root)
    assert len(found.files) == 4
    assert "1 file passed over, as their names are not UTF-8" in found.notes[0]
    assert found.notes[0].encode("utf-8")


def test_skipped_folders_are_not_entered(root):
    assert scan(root, root, skip=frozenset(["deep", "a é"])).files == [
        "b/nosuffix",
        "b/x.JPG",
    ]


@pytest.fixture
def close(monkeypatch):
    """Make folders of some names refuse to open, even to root, who runs the tests."""
    opens = os.scandir

    def close(*names):
        def scandir(path):
            if os.path.basename(path) in names:  # noqa: PTH119
                raise PermissionError(13, "Permission denied", str(path))
            return opens(path)

        monkeypatch.setattr(os, "scandir", scandir)

    return close


def test_a_closed_folder_further_down_is_named_and_the_rest_goes_on(root, close):
    close("deep")
    found = scan(root, root)
    assert found.files == ["a é/空.png", "b/nosuffix", "b/x.JPG"]
    assert found.notes == [
        "1 folder passed over, as they cannot be opened: make them readable (b/deep)."
    ]
    data = load(root)
    assert set(data.classes) == {"a é", "b"}
    assert found.notes[0] in data.notes


def test_a_closed_class_is_one_sentence(root, close):
    close("b")
    with pytest.raises(SmartClassError, match=r"/b cannot be opened \(Permission de"):
        load_class_folders(root, root)
    assert subfolders(root / "b") == []
    assert child(root, "b", "deep") is None


def test_a_closed_folder_beside_the_data_sets_is_named(root, close):
    root.rename(root.parent / "inner")
    for name in ("train/cat", "train/dog", "test/cat", "test/dog"):
        (root / "set" / name).mkdir(parents=True)
        (root / "set" / name / "1.jpg").write_bytes(b"x")
    (root / "shut").mkdir()
    close("shut")
    data = load(root)
    assert len(data.table) == 4
    assert any("left out: shut" in note for note in data.notes)


def test_a_closed_data_root_is_one_sentence(root, close):
    close("data")
    with pytest.raises(SmartClassError, match="data cannot be opened"):
        load(root)


@pytest.mark.parametrize("name", ["gone", "x" * 300, "loop"])
def test_a_data_root_that_cannot_be_is_one_sentence(tmp_path, name):
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(SmartClassError, match="There is no folder"):
        load(tmp_path / name)


def test_a_link_to_itself_stops_nothing(root):
    (root / "circle").symlink_to("circle")
    (root / "b/self.jpg").symlink_to("self.jpg")
    assert subfolders(root) == ["a é", "b"]
    assert "b/self.jpg" in scan(root, root).files
    assert len(load(root).table) == 5


def test_child_is_found_in_any_case(root):
    assert child(root, "B", "DEEP", "Y.webp") == root / "b/deep/y.webp"
    assert child(root, "b", "x.jpg", "more") is None
    assert child(root, "c") is None


def test_the_root_is_no_prefix(root):
    assert relative(root, root) == ""
    assert relative(root / "b" / "deep", root) == "b/deep"


def test_many_names_are_shortened():
    assert some(list("abc")) == "a, b, c"
    assert some(list("abcde")) == "a, b, c and 2 more"
