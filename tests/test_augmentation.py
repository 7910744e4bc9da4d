import pytest
import torch

from smartclass_utils.augmentation import GREY, Augmentation, augment, erase, move

STILL = Augmentation(False, 0, 0, 0, 0, 0)


def random(seed=0):
    return torch.Generator().manual_seed(seed)


def faces(n=64, size=24):
    return (torch.rand(n, 1, size, size, generator=random(5)) * 255).to(torch.uint8)


def test_nothing_asked_changes_nothing():
    images = faces()
    assert torch.allclose(augment(images, STILL, random()), images.float(), atol=1e-2)


def test_half_of_the_images_are_mirrored_and_nothing_else():
    images = faces()
    seen = move(images.float(), Augmentation(True, 0, 0, 0, 0, 0), random())
    same, mirrored = (
        (seen - wanted).abs().amax(dim=(1, 2, 3)) < 1e-2
        for wanted in (images, images.flip(3))
    )
    assert (same | mirrored).all()
    assert 20 < int(mirrored.sum()) < 44


def test_a_shift_moves_by_that_share_at_most():
    images = torch.zeros(50, 1, 40, 40)
    images[:, :, 20, 20] = 255.0
    seen = move(images, Augmentation(False, 0, 0.1, 0, 0, 0), random())
    rows, columns = (seen.amax(dim=side).argmax(dim=2) - 20 for side in (3, 2))
    for moved in (rows, columns):
        assert 3 <= int(moved.abs().max()) <= 4


def test_patches_are_grey_and_of_the_stated_size():
    seen = erase(torch.zeros(400, 1, 40, 40), 0.5, random())
    patched = (seen == GREY).flatten(1).sum(dim=1)
    assert 0.4 < float((patched > 0).float().mean()) < 0.55
    assert int(patched.max()) <= 17 * 17


@pytest.mark.parametrize("how", [Augmentation(), Augmentation(contrast=0.5, erase=1)])
def test_same_seed_same_images_and_each_image_its_own(how):
    images = faces()[:1].repeat(8, 1, 1, 1)
    first, again = (augment(images, how, random(3)) for _ in range(2))
    assert torch.equal(first, again)
    assert first.dtype == torch.float32 and first.shape == images.shape
    assert len({tuple(image.flatten().tolist()) for image in first}) == 8
