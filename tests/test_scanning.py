import os

import pytest
from test_sources import error_of, load, put

from smartclass_utils.names import natural, some
from smartclass_utils.walking import walk


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


def test_the_systems_own_files_are_not_seen(root):
    put(root, ".DS_Store", "b/._x.jpg", "b/Thumbs.db")
    assert len(walk(root).files) == 4
    assert notes_of(root) == []


def test_what_is_no_image_by_name_is_named(root):
    put(root, "readme.txt", "b/z.mp4", "b/z.zip", "b/z.csv", "b/z.txt")
    (note,) = notes_of(root)
    assert note.startswith("4 files passed over, as their names are not those of im")
    assert "(b/z.csv, b/z.mp4, b/z.txt and 1 more)" in note


def test_folders_and_dead_links_named_like_images_are_left_to_the_cleaning(root):
    put(root, "b/folder.jpg/inside.png")
    (root / "b/dead.jpg").symlink_to("gone.jpg")
    (root / "b/self.jpg").symlink_to("self.jpg")
    (root / "circle").symlink_to("circle")
    files = walk(root).files
    assert {"b/folder.jpg", "b/dead.jpg", "b/self.jpg"} < set(files)
    assert not any("inside" in file for file in files)
    assert load(root).classes == ("a é", "b")


def test_links_never_lead_out_of_the_folder_nor_in_circles(root, tmp_path):
    put(tmp_path, "secret.jpg")
    (root / "b/out.jpg").symlink_to(tmp_path / "secret.jpg")
    (root / "b/circle").symlink_to(root)
    (root / "b/within.jpg").symlink_to("x.JPG")
    files = walk(root).files
    assert "b/within.jpg" in files
    assert len(files) == 5
    assert notes_of(root) == [
        "2 files passed over, as they are links to folders or out of the data "
        "(b/circle, b/out.jpg)."
    ]
    (root / "up").symlink_to(tmp_path)  # right in the root, where links are followed
    assert walk(root).files == files


@pytest.mark.parametrize(
    ("link", "names"),
    [
        ("bird", ("cat/1.jpg", "dog/1.jpg")),
        ("train/bird", ("train/cat/1.jpg", "test/cat/1.jpg", "test/bird/1.jpg")),
        ("train", ("test/cat/1.jpg", "test/dog/1.jpg")),
    ],
)
def test_a_folder_of_a_data_set_must_not_lead_out_of_it(tmp_path, link, names):
    put(tmp_path, "elsewhere/cat/1.jpg", *(f"data/{name}" for name in names))
    (tmp_path / "data" / link).symlink_to(tmp_path / "elsewhere")
    message = error_of(tmp_path / "data")
    assert f"{tmp_path}/data/{link}" in message
    assert "is a link that leads out of the data: put the images there" in message


def test_names_that_are_not_utf8_are_reported(root):
    try:
        (root / os.fsdecode(b"bad\xff.jpg")).write_bytes(b"x")
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    assert len(walk(root).files) == 4
    (note,) = load(root).notes
    why = "as their names are not UTF-8: rename them"
    assert note == f"1 file passed over, {why} (bad�.jpg)."


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
    put(root, "b/shut/1.jpg")
    close("shut")
    assert len(walk(root).files) == 4
    assert notes_of(root) == [
        "1 folder passed over, as they cannot be opened: make them readable (b/shut)."
    ]
    data = load(root)
    assert set(data.classes) == {"a é", "b"}
    assert notes_of(root)[0] in data.notes


def test_a_closed_folder_beside_the_data_sets_is_named(root, close):
    put(
        root,
        *(f"set/{part}/{name}/1.jpg" for part in ("train", "test") for name in "ab"),
    )
    (root / "shut").mkdir()
    close("shut")
    data = load(root)
    assert len(data.table) == 4
    assert any("cannot be opened: make them readable (shut)" in n for n in data.notes)


@pytest.mark.parametrize("name", ["b", "data"])
def test_a_closed_class_or_root_is_one_sentence(root, close, name):
    close(name)
    assert f"{name} cannot be opened" in error_of(root)


def test_names_are_shortened_and_sorted_as_numbers():
    assert some(list("abc")) == "a, b, c"
    assert some(list("abcde")) == "a, b, c and 2 more"
    assert sorted(["a10", "a2", "b", "10"], key=natural) == ["10", "a2", "a10", "b"]
    assert sorted(["10", "9"], key=natural) == ["9", "10"]
