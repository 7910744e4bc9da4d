import numpy as np
import pytest
from conftest import refusal
from PIL import Image

from smartclass_utils.commands.unpack import unpack
from smartclass_utils.sources import load

HEAD = "emotion,pixels,Usage"
FACE = " ".join(map(str, range(256))) + " 7" * (2304 - 256)


def write(path, *lines, end="\n"):
    path.write_bytes(end.join([*lines, ""]).encode("ascii"))
    return path


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_table_becomes_a_folder_of_images(tmp_path, end):
    faces = np.random.default_rng(0).integers(0, 256, (8, 2304))
    usages = ("Training",) * 6 + ("PublicTest", "PrivateTest")
    pixels = [" ".join(map(str, face)) for face in faces]
    rows = map(",".join, zip("01234563", pixels, usages, strict=True))
    table = write(tmp_path / "fer2013.csv", HEAD, *rows, "", end=end)
    folder = unpack(table, tmp_path / "new/fer")
    assert sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*.png")) == [
        "test/happy/PrivateTest_7.png",
        "train/angry/Training_0.png",
        "train/disgust/Training_1.png",
        "train/fear/Training_2.png",
        "train/happy/Training_3.png",
        "train/sad/Training_4.png",
        "train/surprise/Training_5.png",
        "val/neutral/PublicTest_6.png",
    ]
    with Image.open(folder / "train/fear/Training_2.png") as image:
        assert (np.asarray(image).ravel() == faces[2]).all()
    data = load(folder)
    assert data.name == "FER2013"
    assert data.given_split
    assert data.classes == ("angry", "happy", "neutral")
    assert "new/fer is no empty folder: name a new" in refusal(unpack, table, folder)


def test_columns_may_come_in_another_order(tmp_path):
    rows = (f"3, Training,{FACE}", f"0, PrivateTest,{FACE}")
    table = write(tmp_path / "icml_face_data.csv", "emotion, Usage, pixels", *rows)
    (tmp_path / "fer").mkdir()  # an empty folder is as good as none
    folder = unpack(table, tmp_path / "fer")
    with Image.open(folder / "train/happy/Training_0.png") as image:
        assert np.asarray(image)[0, 9] == 9
    assert (folder / "test/angry/PrivateTest_1.png").is_file()


@pytest.mark.parametrize(("line", "message"), [
    (f"9,{FACE},Training", "row 2: emotion '9' is none of 0 to 6; get the file"),
    (f"3,{FACE},Else", "row 2: Usage 'Else' is none of Training, PublicTest"),
    (f"3,{FACE}", "row 2: Usage '' is none of"),
    ("3,1 2,Training", "row 2: pixels are not 2304 numbers from 0 to 255"),
    (f"3,{FACE[:-1]}256,Training", "row 2: pixels are not 2304 numbers"),
    (f"3,{FACE[:-1]}x,Training", "row 2: pixels are not 2304 numbers"),
    (f"3,{FACE[:-1]}-7,Training", "row 2: pixels are not 2304 numbers"),
])  # fmt: skip
def test_a_row_with_a_fault_stops_it_and_leaves_nothing(tmp_path, line, message):
    table = write(tmp_path / "fer2013.csv", HEAD, f"3,{FACE},Training", line)
    assert refusal(unpack, table, tmp_path / "fer").startswith(f"{table}, {message}")
    assert list(tmp_path.iterdir()) == [table]


def test_another_table_is_not_fer2013(tmp_path):
    table = write(tmp_path / "fer2013.csv", "a,b", "1,2")
    said = refusal(unpack, table, tmp_path / "fer")
    assert "first line must name emotion,pixels,us" in said
    said = refusal(unpack, tmp_path / "gone.csv", tmp_path / "fer")
    assert "There is no file" in said
    said = refusal(unpack, write(tmp_path / "none.csv", HEAD), tmp_path / "fer")
    assert "none.csv has no rows" in said and not (tmp_path / "fer").exists()
