import os

import pytest
from test_sources import error_of, load, put

from smartclass_utils.names import natural, some
from smartclass_utils.walking import LINKS, kind_of, walk


@pytest.fixture
def root(tmp_path):
    put(tmp_path / "data", "b/x.JPG", "b/deep/y.webp", "a é/空.png", "b/nosuffix")
    return tmp_path / "data"


def notes_of(root):
    return walk(root).notes("b", "a é")


def test_images_are_found_sorted_and_with_slashes(root):
    tree = walk(root)
    assert tree.files == ["a é/空.png", "b/deep/y.webp", "b/nosuffix", "b/x.JPG"]
    assert tree.folders == {"": ["a é", "b"], "a é": [], "b": ["deep"], "b/deep": []}
    assert tree.holding == {"", "a é", "b", "b/deep"}
    assert tree.find("B/DEEP/Y.webp") == "b/deep/y.webp"
    assert tree.find("b/y.webp") == ""
    assert notes_of(root) == []
    (root.parent / "link").symlink_to(root)
    assert walk(root.parent / "link").files == tree.files


def test_what_is_no_image_by_name_is_named_but_for_the_systems_own(root):
    put(root, ".DS_Store", "b/._x.jpg", "b/Thumbs.db")
    assert len(walk(root).files) == 4
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
    files = walk(root).files
    assert {"b/folder.jpg", "b/dead.jpg", "b/self.jpg"} < set(files)
    assert not any("inside" in file for file in files)
    data = load(root)
    assert data.classes == ("a é", "b")
    why = "2 files passed over, as they are links"
    assert any(why in note for note in data.notes)


def test_links_never_lead_out_of_the_folder_nor_in_circles(root, tmp_path):
    put(tmp_path, "secret.jpg")
    (root / "b/out.jpg").symlink_to(tmp_path / "secret.jpg")
    (root / "b/circle").symlink_to(root)
    (root / "b/within.jpg").symlink_to("x.JPG")
    files = walk(root).files
    assert "b/within.jpg" in files
    assert len(files) == 5
    why = "as they are links to folders or out of the data (b/circle, b/out.jpg)"
    assert notes_of(root) == [f"2 files passed over, {why}."]
    (root / "up").symlink_to(tmp_path)  # right in the root, where links are followed
    assert walk(root).files == files


def test_a_class_folder_must_not_lead_out_of_the_data(tmp_path):
    classes = ("train/cat/1.jpg", "test/cat/1.jpg", "test/bird/1.jpg")
    put(tmp_path, "elsewhere/1.jpg", *(f"data/{name}" for name in classes))
    (tmp_path / "data/train/bird").symlink_to(tmp_path / "elsewhere")
    message = error_of(tmp_path / "data")
    assert f"{tmp_path}/data/train/bird is a link that leads out of the" in message
    (tmp_path / "data/train/bird").unlink()
    (tmp_path / "data/dog").symlink_to(tmp_path / "elsewhere")  # right in the root
    assert "dog/1.jpg" in walk(tmp_path / "data").files


def test_names_that_are_not_utf8_are_reported(root):
    try:
        (root / os.fsdecode(b"bad\xff.jpg")).write_bytes(b"x")
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    assert len(walk(root).files) == 4
    (note,) = load(root).notes
    why = "as their names are not UTF-8: rename them"
    assert note == f"1 file passed over, {why} (bad�.jpg)."


@pytest.mark.parametrize("name", ["b", "data", "deep"])
def test_a_closed_folder_is_one_sentence(root, name, monkeypatch):
    opens = os.scandir

    def scandir(path):  # which refuses even root, who runs the tests
        if os.path.basename(path) == name:  # noqa: PTH119
            raise PermissionError(13, "Permission denied", str(path))
        return opens(path)

    monkeypatch.setattr(os, "scandir", scandir)
    assert f"{name} cannot be opened (Permission denied): make it" in error_of(root)


def test_names_are_shortened_and_sorted_as_numbers():
    assert some(list("abc")) == "a, b, c"
    assert some(list("abcde")) == "a, b, c and 2 more"
    assert sorted(["a10", "a2", "b", "10"], key=natural) == ["10", "a2", "a10", "b"]
    assert sorted(["10", "9"], key=natural) == ["9", "10"]
    assert sorted(["1", "01"], key=natural) == sorted(["01", "1"], key=natural)


def test_a_junction_of_windows_is_a_link(root, monkeypatch):
    monkeypatch.setattr(os.path, "isjunction", lambda path: True, raising=False)
    assert kind_of(str(root), "up", True, [str(root)], is_top=True) == LINKS
