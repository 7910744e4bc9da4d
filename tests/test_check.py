"""What `check` says of folders as careless users have them."""

import pytest
from image_bytes import write_noise
from PIL import Image, ImageOps

from smartclass_utils import images
from smartclass_utils.commands.check import check_folder


def fill(folder, n, seed=0, ending="png"):
    """Put n images of noise into a folder."""
    form = Image.registered_extensions()[f".{ending}"]
    for i in range(n):
        write_noise(folder / f"{i}.{ending}", (seed, i), 48, form)


def test_a_look_says_what_a_report_would_do_and_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    fill(tmp_path / "mine/happy", 8, 1)
    fill(tmp_path / "mine/sad", 12, 2, "pgm")
    (tmp_path / "mine/sad/broken.jpg").write_bytes(b"no picture")
    (tmp_path / "mine/@eaDir").mkdir()
    before = sorted(tmp_path.rglob("*"))
    said = check_folder(str(tmp_path / "mine"))
    assert sorted(tmp_path.rglob("*")) == before
    (tmp_path / "mine").rename(tmp_path / "my $ 1")
    quoted = f"make report DATA='{tmp_path}/my $$ 1'"  # by make, then by the shell
    assert quoted in check_folder(str(tmp_path / "my $ 1"))
    named = "mine: 21 files|happy|sad/broken.jpg: not an image|@eaDir|The split, drawn"
    for part in f"{named}|A report would run|No image has a near-copy".split("|"):
        assert part in said


def test_a_long_video_is_named_before_it_makes_the_parts_uneven(tmp_path):
    fill(tmp_path / "happy", 10, 1)
    fill(tmp_path / "sad", 10, 2)
    rows = [f"{k}/{i}.png,{k}," for k in ("happy", "sad") for i in range(10)]
    rows[:5] = [row + "one" for row in rows[:5]]
    rows[5:10] = [row + "Unknown" for row in rows[5:10]]  # is nobody
    (tmp_path / "labels.csv").write_text("\n".join(["file,label,subject", *rows]))
    said = check_folder(str(tmp_path))
    assert "5 images have near-copies or share a subject" in said
    assert "The largest holds 5 of 20" in said


def test_groups_on_both_sides_of_a_given_split_are_counted(tmp_path):
    rows, who = ["file,label,split,subject"], {"a0": 1, "a9": 1, "b1": 2, "b2": 2}
    for k, label in enumerate("ab"):
        fill(tmp_path / label, 10, k)
        for i, part in enumerate(["train"] * 6 + ["val"] * 2 + ["test"] * 2):
            rows += [f"{label}/{i}.png,{label},{part},{who.get(f'{label}{i}', '')}"]
    ImageOps.mirror(Image.open(tmp_path / "b/0.png")).save(tmp_path / "b/9.png")
    (tmp_path / "labels.csv").write_text("\n".join(rows))
    said = "groups on both sides of the given split, in test and outside it: 2 of 3."
    assert said in check_folder(str(tmp_path))


def test_a_format_that_this_pillow_lacks_has_a_remedy(tmp_path, monkeypatch):
    pytest.importorskip("PIL._avif")
    fill(tmp_path / "happy", 8, 1)
    fill(tmp_path / "sad", 8, 2)
    fill(tmp_path / "sad", 1, 3, "avif")
    assert "rejected" not in check_folder(str(tmp_path))
    monkeypatch.setattr(images, "FORMATS", ("JPEG", "PNG"))
    said = check_folder(str(tmp_path))
    assert "  sad/0.avif: AVIF: this Pillow can't read it, save it as JPEG\n" in said
    assert "damaged" not in said
