import io

import numpy as np
import pytest
from image_bytes import encoded, manifest_of
from PIL import Image

from smartclass_utils import copies
from smartclass_utils.cleaning import clean
from smartclass_utils.copies import near_copies


def smooth_images(n, size=48, seed=0):
    """Return images of a few random waves, each unlike the others, uint8."""
    generator = np.random.default_rng(seed)
    axis = np.arange(size) / size
    images = np.zeros((n, size, size))
    for _ in range(20):
        u, v = generator.integers(-9, 10, (2, n, 1))
        phase, weight = generator.uniform(0, 6, (2, n, 1, 1))
        waves = (u * axis)[:, :, None] + (v * axis)[:, None, :]
        images += weight * np.cos(2 * np.pi * waves + phase)
    return np.clip(128 + 5 * images, 0, 255).astype(np.uint8)


def shifted(images, down, right):
    around = np.pad(images, ((0, 0), (3, 3), (3, 3)), "reflect")
    return around[:, 3 + down :, 3 + right :][:, :48, :48]


def noisy(images):
    noise = np.random.default_rng(1).normal(0, 5, images.shape)
    return np.clip(images + noise, 0, 255).astype(np.uint8)


def encoded_again(images):
    streams = [io.BytesIO(encoded(image, "JPEG", quality=60)) for image in images]
    return np.stack([np.asarray(Image.open(stream)) for stream in streams])


@pytest.mark.parametrize("copy", [
    lambda x: x,
    lambda x: (x * 0.8 + 20).astype(np.uint8),
    noisy,
    encoded_again,
    lambda x: x[:, :, ::-1],
    lambda x: shifted(x, 3, -3),
    lambda x: shifted(x, 0, 2)[:, :, ::-1],
    lambda x: encoded_again(shifted(x, -2, 1)[:, :, ::-1]),
], ids=["equal", "darker", "noisy", "encoded again", "mirrored", "shifted",
        "shifted and mirrored", "all of it"])  # fmt: skip
@pytest.mark.parametrize("size", [48, 96])
def test_copies_are_found_and_nothing_else(copy, size):
    images = smooth_images(40)
    both = np.concatenate([images, copy(images)])
    both = both.repeat(size // 48, axis=1).repeat(size // 48, axis=2)
    assert near_copies(both).tolist() == [*range(40), *range(40)]


def test_far_shifts_and_upside_down_are_no_copies():
    images = smooth_images(10)
    for other in (images[:, ::-1], images.transpose(0, 2, 1), 255 - images):
        assert near_copies(np.concatenate([images, other])).max() == 19


@pytest.mark.parametrize("n", [1, 2, 5])
def test_a_few_images_will_do(n):
    assert near_copies(smooth_images(n)).tolist() == list(range(n))


def test_flat_images_are_alike_only_if_equal():
    flat = np.repeat(np.uint8([7, 7, 9, 200]), 16 * 16).reshape(4, 16, 16)
    assert near_copies(flat).tolist() == [0, 0, 1, 2]


def test_cosine_by_hand():
    a = np.float32([[[3, 4]], [[3, 4]], [[0, 0]]])
    b = np.float32([[[6, 8]], [[-4, 3]], [[0, 0]]])
    assert copies.cosine(a, b).tolist() == pytest.approx([1, 0, 0])


def test_a_film_is_one_cluster_however_long(monkeypatch):
    noise = np.random.default_rng(0).integers(-3, 4, (300, 48, 48))
    frames = (smooth_images(1)[0].clip(3, 252) + noise).astype(np.uint8)
    others = smooth_images(20, seed=1)
    monkeypatch.setattr(copies, "CHUNK", 7)
    found = near_copies(np.concatenate([others[:10], frames, others[10:]]))
    assert found.tolist() == [*range(10), *[10] * 300, *range(11, 21)]


def test_cleaning_keeps_a_picture_and_its_copies_together(tmp_path):
    for k, image in enumerate(smooth_images(40)):
        folder = tmp_path / "data" / "ab"[k % 2]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / f"{k}.png")
        Image.fromarray(image[:, ::-1]).save(folder / f"{k} mirrored.png")
        Image.fromarray(shifted(image[None], 2, 3)[0]).save(folder / f"{k} moved.png")
    done = clean(manifest_of(tmp_path / "data"), tmp_path / "clean")
    groups = near_copies(np.load(done.folder / "images.npy"))
    assert len(groups) == 120
    assert groups.max() == 39
    assert done.labels.groupby(groups)["split"].nunique().max() == 1
