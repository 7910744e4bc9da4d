import pytest
import torch

from smartclass_utils.training import augment

STILL = {"flip": False, "degrees": 0, "shift": 0, "scale": 0, "contrast": 0, "erase": 0}


def faces(n=64, size=24):
    pixels = torch.rand(n, 1, size, size, generator=torch.Generator().manual_seed(5))
    return (pixels * 255).to(torch.uint8)


def changed(images, seed=0, **options):
    torch.manual_seed(seed)
    return augment(images, **options)


def test_nothing_asked_changes_nothing():
    images = faces()
    assert torch.allclose(changed(images, **STILL), images.float(), atol=1e-2)


def test_half_of_the_images_are_mirrored_and_nothing_else():
    images = faces()
    seen = changed(images, **{**STILL, "flip": True})
    both = images, images.flip(3)
    same, mirrored = ((seen - x).abs().amax(dim=(1, 2, 3)) < 1e-2 for x in both)
    assert (same | mirrored).all()
    assert 20 < int(mirrored.sum()) < 44


def test_a_shift_moves_by_that_share_at_most():
    images = torch.zeros(50, 1, 40, 40)
    images[:, :, 20, 20] = 255.0
    seen = changed(images, **{**STILL, "shift": 0.1})
    rows, columns = (seen.amax(dim=side).argmax(dim=2) - 20 for side in (3, 2))
    for moved in (rows, columns):
        assert 3 <= int(moved.abs().max()) <= 4


def test_patches_are_grey_and_of_the_stated_size():
    seen = changed(torch.zeros(400, 1, 40, 40), **{**STILL, "erase": 0.5})
    patched = (seen == 127.5).flatten(1).sum(dim=1)
    assert 0.4 < float((patched > 0).float().mean()) < 0.55
    assert int(patched.max()) <= 17 * 17


@pytest.mark.parametrize("options", [{}, {"contrast": 0.5, "erase": 1}])
def test_same_seed_same_images_and_each_image_its_own(options):
    images = faces()[:1].repeat(8, 1, 1, 1)
    first, again = (changed(images, seed=3, **options) for _ in range(2))
    assert torch.equal(first, again)
    assert first.dtype == torch.float32 and first.shape == images.shape
    assert len({tuple(image.flatten().tolist()) for image in first}) == 8
