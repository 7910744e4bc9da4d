import numpy as np
import pytest
from PIL import Image
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

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
    hashes = near_duplicates.perceptual_hash(images)
    brighter = near_duplicates.perceptual_hash((images * 0.8 + 20).astype(np.uint8))
    assert hashes.shape == (30,)
    assert near_duplicates.distance(hashes, brighter).max() <= 6
    distances = near_duplicates.distance(hashes[:, None], hashes)
    assert np.median(distances[np.triu_indices(30, 1)]) > 15


def test_hash_is_the_same_over_chunks(monkeypatch):
    images = smooth_images(30)
    hashes = near_duplicates.perceptual_hash(images)
    monkeypatch.setattr(near_duplicates, "CHUNK", 7)
    assert (near_duplicates.perceptual_hash(images) == hashes).all()


@pytest.mark.parametrize("block", [(7, 11), (5, 40), (64, 4096)])
def test_candidates_are_all_pairs_of_near_hashes(block, monkeypatch):
    monkeypatch.setattr(near_duplicates, "BLOCK", block)
    bits = np.random.default_rng(0).random((30, 64)) < 0.1
    hashes = np.packbits(bits, axis=1).view(np.uint64)[:, 0]
    found = list(near_duplicates.candidates(hashes, 12))
    assert max(map(len, found)) <= block[0] * block[1]
    differing = (bits[:, None] != bits).sum(axis=2)
    wanted = np.argwhere(np.triu(differing <= 12, 1)).tolist()
    assert 10 < len(wanted) < 400
    assert sorted(np.concatenate(found).tolist()) == wanted


def test_correlation_by_hand():
    images = np.array([[[0, 2], [4, 6]], [[6, 4], [2, 0]], [[5, 5], [5, 5]]], np.uint8)
    pairs = np.array([[0, 0], [0, 1], [0, 2], [2, 2]])
    found = near_duplicates.correlation(images, pairs)
    assert found.tolist() == pytest.approx([1, -1, 0, 1])


def test_pairs_that_share_an_image_are_one_cluster():
    found = near_duplicates.clusters(np.array([[0, 3], [3, 4]]), 5)
    assert found[0] == found[3] == found[4]
    assert len(set(found.tolist())) == 3


def with_doubles(seed, n=60):
    """Return images of which some are copies, or lead from one to another by steps."""
    generator = np.random.default_rng(seed)
    images = smooth_images(n, seed=seed).astype(float)
    shares = np.linspace(0, 1, n)[:, None, None]
    steps = shares * images[0] + (1 - shares) * images[1]
    copies = images[generator.integers(0, n // 4, n)] * 0.9 + 12
    flat = np.full((3, *images.shape[1:]), 7)
    both = np.concatenate([images, steps, copies, flat]).astype(np.uint8)
    return generator.permutation(both)


@pytest.mark.parametrize("block", [(7, 11), (64, 4096)])
@pytest.mark.parametrize(("near", "alike"), [(8, 0.96), (30, 0.6), (64, 0.9)])
@pytest.mark.parametrize("seed", [0, 1])
def test_clusters_are_those_of_all_pairs(seed, near, alike, block, monkeypatch):
    images = with_doubles(seed)
    n = len(images)
    pairs = near_duplicates.near_pairs(images, near, alike)
    assert pairs.tolist() == sorted(pairs.tolist())
    links = coo_array((np.ones(len(pairs)), tuple(pairs.T)), shape=(n, n))
    wanted = connected_components(links, directed=False)[1]
    assert 1 < len(set(wanted.tolist())) < n - 60
    monkeypatch.setattr(near_duplicates, "BLOCK", block)
    assert (near_duplicates.near_pairs(images, near, alike) == pairs).all()
    assert (near_duplicates.clusters(pairs, n) == wanted).all()
    assert (near_duplicates.near_clusters(images, near, alike) == wanted).all()


def test_frames_that_are_all_alike_are_looked_at_once(monkeypatch):
    looked_at = []

    def counted(images, pairs):
        looked_at.append(len(pairs))
        return correlation(images, pairs)

    correlation = near_duplicates.correlation
    monkeypatch.setattr(near_duplicates, "correlation", counted)
    monkeypatch.setattr(near_duplicates, "BLOCK", (16, 64))
    noise = np.random.default_rng(0).integers(-3, 4, (300, 24, 24))
    frames = (smooth_images(1)[0].clip(3, 252) + noise).astype(np.uint8)
    assert (near_duplicates.near_clusters(frames) == 0).all()
    assert sum(looked_at) == 299


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
