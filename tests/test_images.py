import io

import numpy as np
import pytest
from image_bytes import GREY, IDAT_END, JPEG, PNG, RGB, encoded, flipped
from PIL import Image, ImageOps
from skimage.color import rgb2gray
from skimage.transform import resize, resize_local_mean

from smartclass_utils.cleaning import images, resizing
from smartclass_utils.cleaning.images import Rejected, decode, decode_bytes


def flat(*colour, mode="RGB"):
    stream = io.BytesIO()
    Image.new(mode, (10, 10), colour).save(stream, "PNG")
    return stream.getvalue()


def reason(content):
    with pytest.raises(Rejected) as caught:
        decode_bytes(content, 16)
    return str(caught.value)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (flipped(PNG, IDAT_END - 1), "damaged"),
        (encoded(np.full((9, 9), 70_000, np.int32), "TIFF"), "unsupported: 32 bits"),
        (encoded(GREY.astype(np.int32), "TIFF"), "unsupported: 32 bits"),
        (encoded(GREY.astype(np.uint16)), "unsupported: 16 bits that hold only 8"),
        (encoded(RGB[:7]), "too small: 30 × 7 pixels"),
        (encoded(np.zeros((41, 10), np.uint8)), "too elongated: 10 × 41 pixels"),
    ],
)
def test_what_cannot_be_used_is_rejected_for_its_reason(content, kind):
    assert reason(content).startswith(kind)


def test_a_file_that_went_away_is_rejected(tmp_path):
    with pytest.raises(Rejected, match="not a file: it is gone"):
        decode(tmp_path / "x.jpg", 16)


def test_a_huge_file_is_not_read_to_its_end(tmp_path, monkeypatch):
    monkeypatch.setattr(images, "MAX_BYTES", 2**20)
    (tmp_path / "x.png").write_bytes(PNG + bytes(2**20))
    with pytest.raises(Rejected, match="too large: over 1 MiB"):
        decode(tmp_path / "x.png", 16)


def test_a_png_without_its_end_mark_is_kept_and_noted():
    cut = decode_bytes(PNG[:-12], 16)
    assert cut.notes == ("end mark missing",)
    np.testing.assert_array_equal(cut.array, decode_bytes(PNG, 16).array)


def test_cmyk_is_converted_as_pillow_does():
    content = encoded(RGB, "JPEG", "CMYK", quality=95)
    decoded = decode_bytes(content, 16)
    rgb = np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))
    assert decoded.notes == ("CMYK converted",)
    np.testing.assert_array_equal(decoded.array, resizing.resized(rgb, 10_000, 16))
    assert abs(decoded.array.mean() - 255 * rgb2gray(RGB).mean()) < 4


@pytest.mark.parametrize("form", ["PNG", "TIFF"])
def test_16_bits_are_scaled_to_the_exact_value(form):
    deep = np.full((10, 10), 1000, np.uint16)  # 1000 / 257 = 3.89
    deep[:, 5:] = 65_535
    decoded = decode_bytes(encoded(deep, form), 10)
    assert decoded.notes == ("16 bits scaled to 8",)
    assert set(decoded.array[:, :5].flat) == {4}
    assert set(decoded.array[:, 5:].flat) == {255}


def test_transparency_is_put_on_white():
    half = decode_bytes(flat(255, 0, 0, 128, mode="RGBA"), 10)
    # 128/255 of red on white is (255, 127, 127), and rgb2gray of that 154.2.
    assert set(half.array.flat) == {154}
    assert half.notes == ("transparency put on white", "one flat colour")
    grey = decode_bytes(flat(100, 51, mode="LA"), 10)
    assert set(grey.array.flat) == {224}  # 255 - 155 / 5
    assert grey.notes[0] == "transparency put on white"
    clear = decode_bytes(flat(0, 0, 0, 0, mode="RGBA"), 10)
    assert set(clear.array.flat) == {255}
    opaque = decode_bytes(flat(0, 0, 0, 255, mode="RGBA"), 10)
    assert set(opaque.array.flat) == {0}
    assert opaque.notes == ("one flat colour",)


@pytest.mark.parametrize("mode", ["L", "1", "P"])
def test_grey_one_bit_and_palette_are_kept(mode):
    content = encoded(RGB, mode=mode)
    seen = np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))
    decoded = decode_bytes(content, 16)
    expected = resize_local_mean(rgb2gray(seen), (16, 16)) * 255
    assert np.abs(decoded.array - expected).max() <= 1
    assert decoded.notes == ()


def test_of_an_animation_the_first_frame_counts():
    frames = [Image.new("L", (20, 20), level) for level in (50, 200, 250)]
    stream = io.BytesIO()
    frames[0].save(stream, "GIF", save_all=True, append_images=frames[1:])
    decoded = decode_bytes(stream.getvalue(), 16)
    assert set(decoded.array.flat) == {50}
    assert decoded.notes[0] == "first frame of several"


def test_the_content_decides_and_not_the_name(tmp_path):
    path = tmp_path / "face é 空.jpg"
    path.write_bytes(encoded(GREY, "GIF"))
    decoded = decode(path, 16)
    expected = decode_bytes(encoded(GREY), 16).array
    np.testing.assert_array_equal(decoded.array, expected)
    assert decoded.notes == ()


def corner(rows, columns):
    grey = np.zeros((16, 16), np.uint8)
    grey[rows, columns] = 255
    return grey


@pytest.mark.parametrize(
    ("orientation", "rows", "columns"),
    [
        (2, slice(0, 8), slice(8, 16)),
        (3, slice(8, 16), slice(8, 16)),
        (6, slice(0, 8), slice(8, 16)),
        (8, slice(8, 16), slice(0, 8)),
    ],
)
def test_a_camera_held_sideways_is_turned_upright(orientation, rows, columns):
    exif = Image.Exif()
    exif[images.ORIENTATION] = orientation
    content = encoded(corner(slice(0, 8), slice(0, 8)), exif=exif)  # top left
    decoded = decode_bytes(content, 16)
    np.testing.assert_array_equal(decoded.array, corner(rows, columns))
    assert decoded.notes == ("rotated upright",)


def test_broken_exif_does_not_lose_the_image():
    content = encoded(RGB, "JPEG", exif=b"Exif\x00\x00II*\x00nonsense")
    decoded = decode_bytes(content, 16)
    np.testing.assert_array_equal(decoded.array, decode_bytes(JPEG, 16).array)
    assert set(decoded.notes) <= {"unreadable EXIF ignored"}


@pytest.mark.parametrize("shape", [(40, 30), (100, 100), (16, 16), (17, 23)])
def test_grey_and_smaller_equal_scikit_image(shape):
    rgb = np.random.default_rng(1).integers(0, 256, (*shape, 3), dtype=np.uint8)
    decoded = decode_bytes(encoded(rgb), 16).array
    expected = resize_local_mean(rgb2gray(rgb), (16, 16)) * 255
    assert np.abs(decoded - expected).max() <= 1


@pytest.mark.parametrize("shape", [(40, 30), (48, 20), (9, 9)])
def test_larger_equals_scikit_image(shape):
    grey = np.random.default_rng(2).integers(0, 256, shape, dtype=np.uint8)
    decoded = decode_bytes(encoded(grey), 48).array
    expected = resize(grey / 255, (48, 48), order=1, mode="edge") * 255
    assert np.abs(decoded - expected).max() <= 1


def test_stripes_change_nothing(monkeypatch):
    files = [PNG, JPEG, encoded(RGB, "JPEG", "CMYK"), encoded(RGB, "GIF", "P")]
    rgba = np.dstack([RGB, np.full_like(GREY, 255)])
    rgba[30:, :, 3] = 9
    files += [encoded(rgba), encoded(GREY), encoded(GREY.astype(np.uint16) * 257)]
    whole = [decode_bytes(content, 16) for content in files]
    monkeypatch.setattr(resizing, "STRIPE_PIXELS", 100)
    for content, expected in zip(files, whole, strict=True):
        again = decode_bytes(content, 16)
        np.testing.assert_array_equal(again.array, expected.array)
        assert again.notes == expected.notes


@pytest.mark.parametrize("orientation", range(2, 9))
@pytest.mark.parametrize("size", [16, 64])
def test_turning_the_small_image_equals_turning_the_large_one(orientation, size):
    exif = Image.Exif()
    exif[images.ORIENTATION] = orientation
    content = encoded(RGB, exif=exif)
    upright = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(content))))
    expected = decode_bytes(encoded(upright), size).array
    np.testing.assert_array_equal(decode_bytes(content, size).array, expected)


def test_a_row_of_fer2013_is_decoded_from_its_place(tmp_path):
    grey = np.random.default_rng(3).integers(0, 256, (48, 48), dtype=np.uint8)
    row = " ".join(map(str, grey.flat))
    head = "emotion,pixels,Usage\n"
    path = tmp_path / "fer2013.csv"
    path.write_text(f'{head}3,"{row}",Training\r\n4,1 2 3,Training\n0,{row} x,a\n')
    np.testing.assert_array_equal(decode(f"{path}#{len(head)}", 48).array, grey)
    second = len(head) + len(f'3,"{row}",Training\r\n')
    for offset in (second, second + len("4,1 2 3,Training\n"), 10**6):
        with pytest.raises(Rejected, match="damaged"):
            decode(f"{path}#{offset}", 48)
