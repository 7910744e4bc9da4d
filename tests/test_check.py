"""What `check` says of folders as careless users have them."""

from conftest import refusal
from image_bytes import write_noise

from smartclass_utils.commands.check import check_folder


def fill(folder, n, seed=0, ending="png", form="PNG"):
    for i in range(n):
        write_noise(folder / f"{i}.{ending}", 1000 * seed + i, 48, form)


def test_a_look_says_what_a_report_would_do_and_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    fill(tmp_path / "mine/happy", 8, 1)
    fill(tmp_path / "mine/sad", 12, 2, "pgm", "PPM")
    (tmp_path / "mine/sad/broken.jpg").write_bytes(b"no picture")
    (tmp_path / "mine/@eaDir").mkdir()
    before = sorted(tmp_path.rglob("*"))
    said = check_folder(str(tmp_path / "mine"))
    assert sorted(tmp_path.rglob("*")) == before
    named = "mine: 21 files|happy|sad/broken.jpg: not an image|@eaDir|The split, drawn"
    for part in f"{named}|A report would run|No image has a near-copy".split("|"):
        assert part in said


def test_a_long_video_is_named_before_it_makes_the_parts_uneven(tmp_path):
    fill(tmp_path / "happy", 10, 1)
    fill(tmp_path / "sad", 10, 2)
    rows = [f"{k}/{i}.png,{k}," for k in ("happy", "sad") for i in range(10)]
    rows[:5] = [row + "one" for row in rows[:5]]
    (tmp_path / "labels.csv").write_text("\n".join(["file,label,subject", *rows]))
    said = check_folder(str(tmp_path))
    assert "5 images have near-copies or share a subject" in said
    assert "The largest holds 5 of 20" in said


def test_where_no_report_would_run_the_reason_is_the_reports(tmp_path):
    fill(tmp_path / "happy", 8)
    fill(tmp_path / "sad", 2, 1)
    said = refusal(check_folder, str(tmp_path))
    assert "Class 'sad' has only 2 usable images" in said
