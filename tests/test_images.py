"""What cleaning makes of one file, of a few hundred mutated ones, of all bad inputs.

``make soak`` tries 10,000 in processes of their own.
"""

import io
import os
import time
import warnings
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import GREY, RGB, encoded, flipped, held, refusal, write_photos
from PIL import Image, ImageFile, ImageOps, PngImagePlugin
from skimage.color import rgb2gray
from skimage.transform import resize, resize_local_mean

from benchmarks import bench_decoder, mutations
from smartclass_utils import images
from smartclass_utils.cleaning import clean
from smartclass_utils.images import Rejected, clean_image, open_image, read
from smartclass_utils.sources import load

JPEG = encoded(RGB, "JPEG")
PNG = encoded(RGB)
LONG_TEXT = PngImagePlugin.PngInfo()
LONG_TEXT.add_text("comment", "x" * 2**21, zip=True)  # Pillow reads half of it


def animation(first, *others):
    """Return the images as a moving GIF."""
    others = map(Image.fromarray, others)
    return encoded(first, "GIF", save_all=True, append_images=list(others))


def flat(*colour):
    return encoded(np.full((10, 10, len(colour)), colour, np.uint8))


def test_a_file_that_is_gone_or_huge_is_rejected(tmp_path, monkeypatch):
    with pytest.raises(Rejected, match="not a file: it is gone"):
        read(tmp_path / "x.jpg")
    monkeypatch.setattr(images, "MAX_BYTES", 2**20)
    (tmp_path / "x.png").write_bytes(PNG + bytes(2**20))
    with pytest.raises(Rejected, match="too large: over 1 MiB"):
        read(tmp_path / "x.png")


LEVELS = [np.full((20, 20), level, np.uint8) for level in (50, 200, 250)]
DEEP = np.full((10, 10), 1000, np.uint16)  # 1000 / 257 = 3.89
DEEP[:, 5:] = 65_535
ON_WHITE, FLAT = "transparency put on white", "one flat colour"


@pytest.mark.parametrize(("content", "values", "notes"), [
    (encoded(DEEP), {4, 255}, ("16 bits scaled to 8",)),
    (encoded(DEEP, "TIFF"), {4, 255}, ("16 bits scaled to 8",)),
    # 128/255 of red on white is (255, 127, 127), and rgb2gray of that 154.2.
    (flat(255, 0, 0, 128), {154}, (ON_WHITE, FLAT)),
    (flat(100, 51), {224}, (ON_WHITE, FLAT)),  # 255 - 155 / 5
    (flat(0, 0, 0, 0), {255}, (ON_WHITE, FLAT)),
    (flat(0, 0, 0, 255), {0}, (FLAT,)),
    (animation(*LEVELS), {50}, ("first frame of several", FLAT)),
])  # fmt: skip
def test_what_is_mended_has_the_exact_value(content, values, notes):
    clean = clean_image(content, 10)
    assert set(clean.pixels.flat) == values
    assert clean.notes == notes


@pytest.mark.parametrize(("content", "same", "notes"), [
    (PNG[:-14], PNG, ("end mark missing",)),
    (encoded(RGB, "JPEG", exif=b"Exif\x00\x00II*\x00nonsense"), JPEG, None),
    (encoded(RGB, exif=b"Exif\x00\x00nonsense"), PNG, ("unreadable EXIF ignored",)),
    (encoded(GREY, "GIF"), encoded(GREY), ()),
    (encoded(GREY, pnginfo=LONG_TEXT), encoded(GREY), ()),
])  # fmt: skip
def test_what_is_around_the_pixels_does_not_change_them(content, same, notes):
    clean = clean_image(content, 16)
    np.testing.assert_array_equal(clean.pixels, clean_image(same, 16).pixels)
    ignored = notes is None and {*clean.notes} <= {"unreadable EXIF ignored"}
    assert ignored or clean.notes == notes


@pytest.mark.parametrize(("content", "notes"), [
    (encoded(RGB, "JPEG", "CMYK", quality=95), ("CMYK converted",)),
    *((encoded(RGB, mode=mode), ()) for mode in "L1P"),
    (JPEG, ()),
])  # fmt: skip
@pytest.mark.parametrize(("size", "by"), [
    (16, resize_local_mean), (30, resize_local_mean), (35, resize),
])  # fmt: skip
def test_grey_and_size_are_those_of_scikit_image(content, notes, size, by):
    seen = np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))  # (40, 30, 3)
    clean = clean_image(content, size)
    expected = by(rgb2gray(seen), (size, size)) * 255
    assert clean.pixels.shape == (size, size)
    assert clean.pixels.dtype == np.uint8
    assert np.abs(clean.pixels - expected).max() <= 0.5 + 1e-6
    assert clean.notes == notes


@pytest.mark.parametrize("width", [300, 601, 1601])
def test_a_large_photograph_is_averaged_first_and_comes_out_the_same(width):
    photo = Image.fromarray(RGB).resize((width, 900), Image.Resampling.BICUBIC)
    clean = clean_image(encoded(np.asarray(photo)), 16).pixels
    whole = resize_local_mean(rgb2gray(np.asarray(photo)), (16, 16)) * 255
    assert whole.std() > 20
    assert np.abs(clean - whole).max() < 3


@pytest.mark.parametrize("orientation", range(2, 9))
@pytest.mark.parametrize("size", [16, 64])
def test_a_camera_held_sideways_is_turned_upright(orientation, size):
    content = encoded(RGB, exif=held(orientation))
    upright = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(content))))
    clean = clean_image(content, size)
    expected = clean_image(encoded(upright), size).pixels
    np.testing.assert_array_equal(clean.pixels, expected)
    assert clean.notes == ("rotated upright",)
    photo, notes = open_image(content)
    np.testing.assert_array_equal(photo, upright)
    assert tuple(notes) == clean.notes


def test_a_format_that_this_pillow_lacks_has_a_remedy(monkeypatch):
    pytest.importorskip("PIL._avif")
    content = encoded(RGB, "AVIF")
    assert clean_image(content, 16).notes == ()
    monkeypatch.setattr(images, "FORMATS", ("JPEG", "PNG"))
    with pytest.raises(Rejected, match=r"^AVIF: this Pillow can't read it, save it as"):
        clean_image(content, 16)


@pytest.mark.parametrize(("prepare", "message"), [
    (lambda x: x / 255, "PREPARE returns float64 (16, 16): let it return uint8"),
    (lambda x: x[:8], "PREPARE returns uint8 (8, 16): let it return"),
    (lambda x: None, "PREPARE returns object"),
    (lambda x: x.nonsense, "PREPARE fails on a clean image (AttributeError"),
])  # fmt: skip
def test_a_function_of_the_reader_works_on_the_finished_square(prepare, message):
    plain = clean_image(JPEG, 16)
    inverted = clean_image(JPEG, 16, lambda x: 255 - x)
    np.testing.assert_array_equal(inverted.pixels, 255 - plain.pixels)
    assert message in refusal(clean_image, JPEG, 16, prepare)


SIZE = 16  # pixels


def harmless(content):
    """Decode; return the array, ``None`` if it is rejected; fail at all else."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # nothing of it may reach the notebook
        try:
            clean = clean_image(content, SIZE)
        except Rejected as verdict:
            assert verdict.kind
            return None
    assert clean.pixels.shape == (SIZE, SIZE)
    assert clean.pixels.dtype == np.uint8
    assert all(isinstance(note, str) for note in clean.notes)
    return clean.pixels


@pytest.mark.parametrize("seed", range(420))  # the first of the soak's
def test_a_mutated_file_or_any_bytes_after_a_true_beginning_do_no_harm(seed):
    harmless(mutations.mutated(seed))
    rng = mutations.Random(seed)
    end = rng.randbytes(rng.randint(1, 400))
    harmless(end)
    harmless(rng.choice(mutations.sound_files())[:40] + end)


def test_sound_files_are_kept_and_cut_ones_rejected_or_still_the_same_image():
    files, rng = mutations.sound_files(), np.random.default_rng(0)
    assert len({file[:4] for file in files}) >= len(mutations.FORMATS)
    for file in files:
        assert (whole := harmless(file)) is not None
        for end in (1, len(file) - 1, *rng.integers(1, len(file), 3)):
            cut = harmless(file[:end])
            assert cut is None or (cut == whole).all()


def test_the_soak_sees_a_crash_and_a_hang(monkeypatch):
    does = {b"crash": partial(os._exit, 9), b"hang": partial(time.sleep, 60)}
    does[b"kept"] = str
    monkeypatch.setattr(bench_decoder, "PATIENCE", 1.0)
    monkeypatch.setattr(bench_decoder, "outcome_of", lambda x: does[x]() or "kept")
    for file in (b"kept", b"crash", b"hang", b"kept"):
        assert bench_decoder.watched(file)[2] == file.decode()


GREY_ALPHA, RGBA = np.dstack([GREY, GREY // 2]), np.dstack([RGB, GREY])
WITH_NAN = encoded(np.where(GREY > 9, GREY / 255, np.nan).astype("f4"), "TIFF")
SIDEWAYS = encoded(RGB, "JPEG", exif=held(6))
MOVING = animation(*np.moveaxis(RGB, 2, 0))
# Sound one-bit PNGs of 64, 100 and 210 megapixels, in a few kilobytes.
HUGE = [encoded(np.ones((side, side), bool)) for side in (8_000, 10_000, 14_500)]
PIXELS, CHECKSUM = PNG.index(b"IDAT") + 900, PNG.index(b"IEND") - 8
LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 9\n"
WIDE = encoded(np.full((9, 9), 70_000, np.int32), "TIFF")
NARROW, SHALLOW = encoded(GREY.astype(np.int32), "TIFF"), encoded(GREY.astype("u2"))
LONG, HEIC = encoded(np.zeros((41, 10), np.uint8)), b"\0\0\0\x18ftypheic" + PNG
DEAD_LINK = partial(os.symlink, "gone.jpg")

# The 26 kinds of bad input; 23, 24 and 26 in test_cleaning.py and test_sources.py:
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
    (11, "grey + alpha", "a.png", encoded(GREY_ALPHA), "mended", "transparency put"),
    (12, "RGBA", "a.png", encoded(RGBA), "mended", "transparency put"),
    (12, "flat", "b.png", encoded(RGBA * 0 + 9), "mended", f"{ON_WHITE}; one flat"),
    (13, "grey", "a.png", encoded(GREY), "kept", ""),
    (14, "animation", "a.gif", MOVING, "mended", "first frame of several"),
    (15, "GIF named .jpg", "a.jpg", encoded(GREY, "GIF"), "kept", ""),
    (16, "EXIF orientation", "a.jpg", SIDEWAYS, "mended", "rotated upright"),
    (17, "100 megapixels", "a.png", HUGE[1], "rejected", "too large"),
    (18, "200 megapixels", "a.png", HUGE[2], "rejected", "too large"),
    (19, "float with NaN", "a.tif", WITH_NAN, "rejected", "unsupported: fl"),
    (6, "PNG mark", "d.png", flipped(PNG, CHECKSUM - 1), "rejected", "damaged"),
    (10, "16-bit PGM", "e.pgm", encoded(DEEP, "PPM"), "mended", "16 bits scaled to 8"),
    (10, "32 bits", "c.tif", WIDE, "rejected", "unsupported: 32 bits"),
    (10, "8 in 32", "d.tif", NARROW, "rejected", "unsupported: 32 bits"),
    (10, "8 in 16", "e.png", SHALLOW, "rejected", "unsupported: 16 bits that hold"),
    (20, "flat", "c.png", encoded(RGB[:7]), "rejected", "too small: 30 × 7 pixels"),
    (20, "long", "d.png", LONG, "rejected", "too elongated: 10 × 41 pixels"),
    (0, "HEIC", "a.jpg", HEIC, "rejected", "a HEIC photograph: save it as JPEG"),
    (20, "one pixel", "a.png", encoded(RGB[:1, :1]), "rejected", "too small: 1 × 1"),
    (20, "one colour", "b.png", encoded(GREY * 0 + 7), "kept", "one flat colour"),
    (21, "space, accent, Chinese", "a é 空.png", encoded(RGB[1:]), "kept", ""),
    (22, "folder", "x.jpg", Path.mkdir, "rejected", "not a file"),
    (22, "dead link", "y.jpg", DEAD_LINK, "rejected", "not a file"),
]


def test_too_large_images_are_rejected_before_decoding(monkeypatch):
    monkeypatch.setattr(ImageFile.ImageFile, "load", None)
    for content in HUGE:
        with pytest.raises(Rejected, match=r"^too large"):
            clean_image(content, SIZE)


def test_all_bad_inputs_at_once_add_up_and_end_well(tmp_path):
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
    said = {**rejected, **done.noted.set_index("original_file")["note"]}
    for file, (outcome, text) in expected.items():
        why = said.get(file, "")
        found = "mended" if {*why.split("; ")} - {"", FLAT} else "kept"
        found = "rejected" if file in rejected.index else found
        assert (file, found) == (file, outcome)
        assert why.startswith(text) and bool(why) == bool(text), file
    assert set(done.labels["split"]) == {"train", "val", "test"}
    pixels = np.load(done.folder / "images.npy")
    assert pixels.dtype == np.uint8 and pixels.shape == (len(done.labels), SIZE, SIZE)
