"""The 26 kinds of bad input, each as a file that the test makes, then all at once.

The numbers are those of the list by which the cleaning was built. What exactly comes
out of a mended image is tested in test_images.py; row 24, what is missing, in
test_sources.py; row 26, a run that is cut off, in test_cleaning.py.
"""

import image_bytes
import numpy as np
import pandas as pd
import pytest
from image_bytes import GREY, JPEG, PNG, RGB, encoded, flipped, manifest_of, write_noise
from PIL import ImageFile

from smartclass_utils import images
from smartclass_utils.cleaning import clean

SIZE = 16  # pixels


def white_png(side):
    """Return a sound one-bit PNG of side × side pixels, in a few kilobytes."""
    return encoded(np.ones((side, side), bool))


GREY_ALPHA, RGBA = np.dstack([GREY, GREY // 2]), np.dstack([RGB, GREY])
DEEP = GREY.astype(np.uint16) * 257
WITH_NAN = encoded(np.where(GREY > 9, GREY / 255, np.nan).astype("f4"), "TIFF")
SIDEWAYS = encoded(RGB, "JPEG", exif=image_bytes.held(6))
MOVING = image_bytes.animation(*np.moveaxis(RGB, 2, 0))
LARGE, LARGER = map(white_png, (10_000, 14_500))
CHECKSUM, PIXELS = image_bytes.IDAT_END, image_bytes.IDAT + 900
LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 9\n"
LINK, FOLDER = "link", "folder"

# row, what it is, file name, content, outcome, how its reason or note begins
CASES = [
    (1, "JPEG cut in half", "a.jpg", JPEG[: len(JPEG) // 2], "rejected", "truncated"),
    (2, "JPEG without its end", "a.jpg", JPEG[:-2], "rejected", "truncated"),
    (3, "empty", "a.jpg", b"", "rejected", "empty"),
    (4, "text", "a.jpg", b"Dear diary,\n", "rejected", "not an image"),
    (4, "HTML", "b.jpg", b"<!DOCTYPE html><p>Busy", "rejected", "not an image"),
    (4, "LFS pointer", "c.jpg", LFS, "rejected", "not an image"),
    (5, "JPEG header", "a.jpg", JPEG[:20], "rejected", "not an image"),
    (6, "PNG checksum", "a.png", flipped(PNG, CHECKSUM), "rejected", "damaged: a c"),
    (6, "PNG header", "b.png", flipped(PNG, 29), "rejected", "not an image"),
    (6, "PNG pixels", "c.png", flipped(PNG, PIXELS), "rejected", "damaged"),
    (7, "PNG without IEND", "a.png", PNG[:-12], "mended", "end mark missing"),
    (8, "PNG cut in half", "a.png", PNG[: len(PNG) // 2], "rejected", "truncated"),
    (9, "CMYK", "a.jpg", encoded(RGB, "JPEG", "CMYK"), "mended", "CMYK converted"),
    (10, "16 bits", "a.png", encoded(DEEP), "mended", "16 bits scaled to 8"),
    (10, "16 bits", "b.tif", encoded(DEEP, "TIFF"), "mended", "16 bits scaled to 8"),
    (11, "grey + alpha", "a.png", encoded(GREY_ALPHA), "mended", "transparency put"),
    (12, "RGBA", "a.png", encoded(RGBA), "mended", "transparency put"),
    (13, "grey", "a.png", encoded(GREY), "kept", ""),
    (13, "1-bit", "b.png", encoded(RGB, mode="1"), "kept", ""),
    (13, "palette", "c.png", encoded(RGB, mode="P"), "kept", ""),
    (14, "animation", "a.gif", MOVING, "mended", "first frame of several"),
    (15, "GIF named .jpg", "a.jpg", encoded(GREY, "GIF"), "kept", ""),
    (16, "EXIF orientation", "a.jpg", SIDEWAYS, "mended", "rotated upright"),
    (17, "100 megapixels", "a.png", LARGE, "rejected", "too large"),
    (18, "200 megapixels", "a.png", LARGER, "rejected", "too large"),
    (19, "float with NaN", "a.tif", WITH_NAN, "rejected", "unsupported: fl"),
    (20, "one pixel", "a.png", encoded(RGB[:1, :1]), "rejected", "too small: 1 × 1"),
    (20, "one colour", "b.png", encoded(GREY * 0 + 7), "kept", "one flat colour"),
    (21, "a space", "a face.png", encoded(RGB[1:]), "kept", ""),
    (21, "an accent", "é.png", encoded(RGB[2:]), "kept", ""),
    (21, "Chinese", "空.png", encoded(RGB[3:]), "kept", ""),
    (22, "folder", "x.jpg", FOLDER, "rejected", "not a file"),
    (22, "dead link", "y.jpg", LINK, "rejected", "not a file"),
]


def put(folder, name, content):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if content == FOLDER:
        path.mkdir()
    elif content == LINK:
        path.symlink_to("gone.jpg")
    else:
        path.write_bytes(content)
    return path


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"row {case[0]:02d} {case[1]}")
def test_one_file(tmp_path, case):
    _, _, name, content, outcome, text = case
    try:
        clean = images.clean_image(images.read(put(tmp_path, name, content)), SIZE)
        found = "mended" if {*clean.notes} & {*images.MENDING} else "kept"
        why = "; ".join(clean.notes)
        assert clean.pixels.shape == (SIZE, SIZE)
        assert clean.pixels.dtype == np.uint8
    except images.Rejected as verdict:
        found, why = "rejected", str(verdict)
    assert (found, why[: len(text)]) == (outcome, text)
    assert bool(why) == bool(text)


@pytest.mark.parametrize("side", [8_000, 10_000, 14_500])  # 64, 100, 210 megapixels
def test_rows_17_and_18_are_rejected_before_decoding(side, monkeypatch):
    loaded = []
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda self: loaded.append(1))
    with pytest.raises(images.Rejected, match=r"^too large"):
        images.clean_image(white_png(side), SIZE)
    assert not loaded


def test_row_23_equal_names_do_not_overwrite_each_other(tmp_path):
    names = [f"{i}.png" for i in range(8)] + ["a.png", "A.PNG"]
    folders = ("1 angry", "1 happy", "2 angry", "2 happy")
    for k, folder in enumerate(folders):
        for i, name in enumerate(names):
            write_noise(tmp_path / "raw" / folder / name, (k, i))
    table = manifest_of(tmp_path / "raw").table
    source, label = table["label"].str.split(" ", expand=True).to_numpy().T
    manifest = manifest_of(tmp_path / "raw", source=source, label=label)
    labels = clean(manifest, tmp_path / "clean").labels
    assert len(labels) == len(folders) * len(names)
    assert not labels["file"].str.lower().duplicated().any()
    assert {name.split("/")[1].split("_")[0] for name in labels["file"]} == {"1", "2"}


@pytest.mark.parametrize(("row", "message"), [
    ("gone.png,happy", "without their file (gone.png)"),
    ("b.png,", "without a la"),
])  # fmt: skip
def test_row_25_a_wrong_list_stops_it(tmp_path, smartclass, row, message):
    root = tmp_path / "raw"
    for name in ("a.png", "b.png"):
        put(root, name, PNG)
    put(root, "labels.csv", f"file,label\na.png,sad\n{row}\n".encode())
    said = smartclass("report", "--data", root, "--out", tmp_path / "out")
    assert message in said
    assert not (tmp_path / "out").exists()


def test_all_rows_at_once_add_up_and_end_well(tmp_path):
    root, expected = tmp_path / "raw", {}
    for k, label in enumerate(("angry", "engaged", "happy")):
        for i in range(12):
            write_noise(root / label / f"{i}.png", (k, i))
    for i, (row, _, name, content, *found) in enumerate(CASES):
        file = f"{('angry', 'happy')[i % 2]}/{row:02d} {name}"
        put(root, file, content)
        expected[file] = found
    manifest = manifest_of(root)
    done = clean(manifest, tmp_path / "clean", image_size=SIZE)
    by_outcome = done.counts.groupby("outcome")["images"].sum().to_dict()
    wanted = pd.Series([outcome for outcome, _ in expected.values()]).value_counts()
    assert by_outcome == {**wanted, "kept": wanted["kept"] + 36}
    assert sum(by_outcome.values()) == len(manifest.table)
    rejected = done.rejected.set_index("file")["reason"]
    noted = done.noted.set_index("original_file")["note"]
    said = {**rejected, **noted}
    for file, (outcome, text) in expected.items():
        assert (file in rejected.index) == (outcome == "rejected"), file
        assert said.get(file, "").startswith(text), file
    assert set(done.labels["split"]) == {"train", "val", "test"}
    assert len(np.load(done.folder / "images.npy")) == len(done.labels)
