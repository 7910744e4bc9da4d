"""What `check` says of folders as careless users have them."""

from conftest import write_photos
from image_bytes import write_noise
from PIL import Image, ImageOps

from smartclass_utils.commands.check import check_folder


def test_a_look_says_what_a_report_would_do_and_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    write_photos(tmp_path / "mine", ("happy", "sad"), 10)
    write_noise(tmp_path / "mine/sad/more.pgm", 0, 48, "PPM")
    (tmp_path / "mine/sad/broken.jpg").write_bytes(b"no picture")
    (tmp_path / "mine/@eaDir").mkdir()
    before = sorted(tmp_path.rglob("*"))
    said = check_folder(str(tmp_path / "mine"))
    assert sorted(tmp_path.rglob("*")) == before
    (tmp_path / "mine").rename(tmp_path / "my $ 1")
    quoted = f"make report DATA='{tmp_path}/my $$ 1'"  # by make, then by the shell
    assert quoted in check_folder(str(tmp_path / "my $ 1"))
    named = "mine: 22 files|happy|sad/broken.jpg: not an image|@eaDir|The split, drawn"
    for part in f"{named}|A report would run|No image has a near-copy".split("|"):
        assert part in said


def test_a_long_video_is_named_before_it_makes_the_parts_uneven(tmp_path):
    write_photos(tmp_path, ("happy", "sad"), 10)
    rows = [f"{k}/{i}.png,{k}," for k in ("happy", "sad") for i in range(10)]
    rows[:5] = [row + "one" for row in rows[:5]]
    rows[5:10] = [row + "Unknown" for row in rows[5:10]]  # is nobody
    (tmp_path / "labels.csv").write_text("\n".join(["file,label,subject", *rows]))
    said = check_folder(str(tmp_path))
    assert "5 images have near-copies or share a subject" in said
    assert "The largest holds 5 of 20" in said


def test_groups_on_both_sides_of_a_given_split_are_counted(tmp_path):
    rows, who = ["file,label,split,subject"], {"a0": 1, "a9": 1, "b1": 2, "b2": 2}
    write_photos(tmp_path, "ab", 10)
    for label in "ab":
        for i, part in enumerate(["train"] * 6 + ["val"] * 2 + ["test"] * 2):
            rows += [f"{label}/{i}.png,{label},{part},{who.get(f'{label}{i}', '')}"]
    ImageOps.mirror(Image.open(tmp_path / "b/0.png")).save(tmp_path / "b/9.png")
    (tmp_path / "labels.csv").write_text("\n".join(rows))
    said = "groups on both sides of the given split, in test and outside it: 2 of 3."
    assert said in check_folder(str(tmp_path))
