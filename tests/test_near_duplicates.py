import numpy as np
import pytest
from PIL import Image

from smartclass_utils import near_duplicates, sources
from smartclass_utils.cleaning.folder import clean
from smartclass_utils.cleaning.splits import draw_split
from smartclass_utils.dataset import load_clean


def smooth_images(n, size=24, seed=0):
    """Return images of a few random waves, each unlike the others, uint8."""
    generator = np.random.default_rng(seed)
    axis = np.arange(size) / size
    images = np.zeros((n, size, size))
    for _ in range(12):
        u, v = generator.integers(0, 5, (2, n, 1))
        phase, weight = generator.uniform(0, 6, (2, n, 1, 1))
        waves = (u * axis)[:, :, None] + (v * axis)[:, None, :]
        images += weight * np.cos(2 * np.pi * waves + phase)
    return np.clip(128 + 8 * images, 0, 255).astype(np.uint8)


def test_hash_survives_brightness_but_tells_images_apart():
    images = smooth_images(30)
    bits = near_duplicates.perceptual_hash(images)
    brighter = near_duplicates.perceptual_hash((images * 0.8 + 20).astype(np.uint8))
    assert bits.shape == (30, 64)
    assert (bits != brighter).sum(axis=1).max() <= 6
    distances = (bits[:, None] != bits[None]).sum(axis=2)
    assert np.median(distances[np.triu_indices(30, 1)]) > 15


def test_pairs_are_found_over_chunks(monkeypatch):
    monkeypatch.setattr(near_duplicates, "CHUNK", 7)
    bits = near_duplicates.perceptual_hash(smooth_images(30))
    bits[29] = bits[2]
    assert [2, 29] in near_duplicates.candidates(bits, 0).tolist()


def test_correlation_by_hand():
    images = np.array([[[0, 2], [4, 6]], [[6, 4], [2, 0]], [[5, 5], [5, 5]]], np.uint8)
    pairs = np.array([[0, 0], [0, 1], [0, 2], [2, 2]])
    found = near_duplicates.correlation(images, pairs)
    assert found.tolist() == pytest.approx([1, -1, 0, 1])


def test_pairs_that_share_an_image_are_one_cluster():
    found = near_duplicates.clusters(np.array([[0, 3], [3, 4]]), 5)
    assert found[0] == found[3] == found[4]
    assert len(set(found.tolist())) == 3


def test_a_split_keeps_clusters_on_one_side():
    labels = np.array(["a", "b"] * 100, object)
    alike = np.arange(200)
    alike[100:160] = alike[:60]  # 60 images have a double
    split = draw_split(labels, np.full(200, "", object), alike)
    assert (split[100:160] == split[:60]).all()
    shares = [np.mean(split == part) for part in ("train", "val", "test")]
    assert shares == pytest.approx([0.7, 0.15, 0.15], abs=0.05)


def test_cleaning_keeps_a_picture_and_its_brighter_copy_together(tmp_path):
    for k, image in enumerate(smooth_images(60, size=48)):
        folder = tmp_path / "data" / "ab"[k % 2]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / f"{k}.png")
        brighter = (image * 0.9 + 12).astype(np.uint8)
        Image.fromarray(brighter).save(folder / f"{k} brighter.png")
    manifest = sources.load(tmp_path / "data")
    found = clean(manifest, tmp_path / "clean", image_size=48, progress=False)
    data = load_clean(tmp_path / "clean")
    assert len(found.labels) == 120
    pairs = near_duplicates.near_pairs(data.images)
    split = found.labels["split"].to_numpy()
    assert len(pairs) >= 55
    assert (split[pairs[:, 0]] == split[pairs[:, 1]]).all()
