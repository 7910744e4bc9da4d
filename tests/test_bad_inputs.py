"""The 26 kinds of bad input; 23, 24 and 26 in test_cleaning.py and test_sources.py."""

import os
from functools import partial
from pathlib import Path

import image_bytes
import numpy as np
import pandas as pd
import pytest
from conftest import write_photos
from image_bytes import GREY, JPEG, PNG, RGB, encoded, flipped
from PIL import ImageFile

from smartclass_utils import images
from smartclass_utils.cleaning import clean
from smartclass_utils.sources import load

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
WIDE = encoded(np.full((9, 9), 70_000, np.int32), "TIFF")
NARROW, SHALLOW = encoded(GREY.astype(np.int32), "TIFF"), encoded(GREY.astype("u2"))
LONG, HEIC = encoded(np.zeros((41, 10), np.uint8)), b"\0\0\0\x18ftypheic" + PNG
ON_WHITE, DEAD_LINK = "transparency put on white", partial(os.symlink, "gone.jpg")

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
    (12, "flat", "b.png", encoded(RGBA * 0 + 9), "mended", f"{ON_WHITE}; one flat"),
    (13, "grey", "a.png", encoded(GREY), "kept", ""),
    (13, "1-bit", "b.png", encoded(RGB, mode="1"), "kept", ""),
    (13, "palette", "c.png", encoded(RGB, mode="P"), "kept", ""),
    (14, "animation", "a.gif", MOVING, "mended", "first frame of several"),
    (15, "GIF named .jpg", "a.jpg", encoded(GREY, "GIF"), "kept", ""),
    (16, "EXIF orientation", "a.jpg", SIDEWAYS, "mended", "rotated upright"),
    (17, "100 megapixels", "a.png", LARGE, "rejected", "too large"),
    (18, "200 megapixels", "a.png", LARGER, "rejected", "too large"),
    (19, "float with NaN", "a.tif", WITH_NAN, "rejected", "unsupported: fl"),
    (6, "PNG mark", "d.png", flipped(PNG, CHECKSUM - 1), "rejected", "damaged"),
    (10, "32 bits", "c.tif", WIDE, "rejected", "unsupported: 32 bits"),
    (10, "8 in 32", "d.tif", NARROW, "rejected", "unsupported: 32 bits"),
    (10, "8 in 16", "e.png", SHALLOW, "rejected", "unsupported: 16 bits that hold"),
    (20, "flat", "c.png", encoded(RGB[:7]), "rejected", "too small: 30 × 7 pixels"),
    (20, "long", "d.png", LONG, "rejected", "too elongated: 10 × 41 pixels"),
    (0, "HEIC", "a.jpg", HEIC, "rejected", "a HEIC photograph: save it as JPEG"),
    (20, "one pixel", "a.png", encoded(RGB[:1, :1]), "rejected", "too small: 1 × 1"),
    (20, "one colour", "b.png", encoded(GREY * 0 + 7), "kept", "one flat colour"),
    (21, "a space", "a face.png", encoded(RGB[1:]), "kept", ""),
    (21, "an accent", "é.png", encoded(RGB[2:]), "kept", ""),
    (21, "Chinese", "空.png", encoded(RGB[3:]), "kept", ""),
    (22, "folder", "x.jpg", Path.mkdir, "rejected", "not a file"),
    (22, "dead link", "y.jpg", DEAD_LINK, "rejected", "not a file"),
]


def test_rows_17_and_18_are_rejected_before_decoding(monkeypatch):
    monkeypatch.setattr(ImageFile.ImageFile, "load", None)
    for content in (white_png(8_000), LARGE, LARGER):  # 64, 100, 210 megapixels
        with pytest.raises(images.Rejected, match=r"^too large"):
            images.clean_image(content, SIZE)


def test_all_rows_at_once_add_up_and_end_well(tmp_path):
    root = write_photos(tmp_path / "raw", ("angry", "engaged", "happy"), 12)
    expected = {}
    for i, (row, _, name, content, *found) in enumerate(CASES):
        file = f"{('angry', 'happy')[i % 2]}/{row:02d} {name}"
        place = root / file
        content(place) if callable(content) else place.write_bytes(content)
        expected[file] = found
    manifest = load(root)
    done = clean(manifest, tmp_path / "clean", image_size=SIZE)
    by_outcome = done.counts.groupby("outcome")["images"].sum().to_dict()
    wanted = pd.Series([outcome for outcome, _ in expected.values()]).value_counts()
    assert by_outcome == {**wanted, "kept": wanted["kept"] + 36}
    assert sum(by_outcome.values()) == len(manifest.table)
    rejected = done.rejected.set_index("file")["reason"]
    noted = done.noted.set_index("original_file")["note"]
    said = {**rejected, **noted}
    for file, (outcome, text) in expected.items():
        why = said.get(file, "")
        is_mended = bool({*why.split("; ")} & {*images.MENDING})
        found = "mended" if is_mended else "kept"
        found = "rejected" if file in rejected.index else found
        assert (file, found) == (file, outcome)
        assert why.startswith(text) and bool(why) == bool(text), file
    assert set(done.labels["split"]) == {"train", "val", "test"}
    pixels = np.load(done.folder / "images.npy")
    assert pixels.dtype == np.uint8 and pixels.shape == (len(done.labels), SIZE, SIZE)
