import json
import sys
import types

import pytest

from smartclass_utils import config
from smartclass_utils.config import SmartClassError
from smartclass_utils.demo import drawing
from smartclass_utils.sources import find_data
from smartclass_utils.sources.download import download_sources, restore
from smartclass_utils.sources.provenance import PROVENANCE

KAGGLE = [source.kaggle for source in PROVENANCE]
PINNED = [f"{slug}/versions/7" for slug in KAGGLE]


class FakeHub(types.ModuleType):
    """Stands in for kagglehub: keeps what is asked of it, and a cache on disk."""

    def __init__(self, cache):
        super().__init__("kagglehub")
        self.cache, self.asked, self.error = cache, [], None

    def dataset_download(self, handle):
        self.asked.append(handle)
        if self.error:
            raise self.error
        owner, slug = handle.split("/")[:2]
        folder = self.cache / "datasets" / owner / slug / "versions" / "7"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "here.txt").write_text(handle, "utf-8")
        return str(folder)


@pytest.fixture
def raw(tmp_path, monkeypatch):
    monkeypatch.setattr(config, "RAW_FOLDER", tmp_path / "project" / "raw")
    return tmp_path / "project" / "raw"


@pytest.fixture
def hub(tmp_path, monkeypatch, raw):
    module = FakeHub(tmp_path / "cache")
    monkeypatch.setitem(sys.modules, "kagglehub", module)
    return module


def test_nothing_is_downloaded_before_the_terms_are_accepted(hub, raw, capsys):
    assert download_sources() == []
    printed = capsys.readouterr().out
    for source in PROVENANCE:
        assert source.terms in printed
        assert source.authors in printed
    assert "require a signed agreement" in printed
    assert printed.endswith("make data ACCEPT_TERMS=1\n")
    assert hub.asked == []
    assert not raw.exists()


def test_the_terms_come_first_even_when_they_are_accepted(hub, capsys):
    hub.error = OSError("stop here")
    with pytest.raises(SmartClassError):
        download_sources(accept_terms=True)
    printed = capsys.readouterr().out
    assert all(source.terms in printed for source in PROVENANCE)


def test_the_version_is_recorded_and_asked_for_the_next_time(hub, raw):
    folders = download_sources(accept_terms=True)
    assert folders == [raw / name for name in ("rafdb", "fed2023", "oahega")]
    assert all((folder / "here.txt").is_file() for folder in folders)
    assert hub.asked == KAGGLE
    record = json.loads((raw / "downloads.json").read_text("utf-8"))
    assert list(record.values()) == PINNED
    download_sources(accept_terms=True)
    assert hub.asked == KAGGLE + PINNED


def test_a_cache_that_is_gone_is_filled_again(hub, raw):
    download_sources(accept_terms=True)
    hub.asked.clear()
    assert restore(raw) == raw
    assert hub.asked == []
    moved = hub.cache.with_name("moved")
    hub.cache.rename(moved)
    restore(raw)
    assert hub.asked == PINNED
    assert (raw / "rafdb" / "here.txt").is_file()


def test_a_failing_network_is_one_sentence_and_what_came_stays(hub, raw):
    download_sources(accept_terms=True)
    (raw / "fed2023").unlink()
    hub.error = ConnectionError("Max retries exceeded\nwith url: …")
    with pytest.raises(SmartClassError) as caught:
        restore(raw)
    assert str(caught.value) == (
        "FED 2023 could not be downloaded (Max retries exceeded): try again with a "
        "network, or unpack kaggle.com/datasets/prajvalpatel/"
        "facial-expression-detection-2023 by hand into data/raw/fed2023, or run make "
        "report DATA=demo without it."
    )
    assert (raw / "rafdb" / "here.txt").is_file()


def test_an_error_without_a_message_is_named_by_its_type(hub):
    hub.error = TimeoutError()
    with pytest.raises(SmartClassError, match=r"downloaded \(TimeoutError\)"):
        download_sources(accept_terms=True)


def test_somebodys_own_copy_is_kept(hub, raw, capsys):
    (raw / "rafdb").mkdir(parents=True)
    (raw / "rafdb" / "mine.txt").write_text("mine", "utf-8")
    download_sources(accept_terms=True)
    assert hub.asked == KAGGLE[1:]
    assert (raw / "rafdb" / "mine.txt").read_text("utf-8") == "mine"
    assert "rafdb is there already, kept" in capsys.readouterr().out


def test_without_kagglehub_the_remedy_is_named(monkeypatch, raw):
    monkeypatch.setitem(sys.modules, "kagglehub", None)
    with pytest.raises(SmartClassError, match="kagglehub is not installed: run make"):
        download_sources(accept_terms=True)


@pytest.mark.parametrize("content", ["{", "[]", '{"rafdb": 3}'])
def test_a_damaged_record_is_named(hub, raw, content):
    raw.mkdir(parents=True)
    (raw / "downloads.json").write_text(content, "utf-8")
    with pytest.raises(SmartClassError, match=r"downloads\.json is damaged: del"):
        download_sources(accept_terms=True)
    assert hub.asked == []


def put_faces(folder):
    for label in ("angry", "happy"):
        (folder / label).mkdir(parents=True)
        (folder / label / "1.jpg").write_bytes(b"x")
    return folder


@pytest.fixture
def demo(tmp_path, monkeypatch):
    monkeypatch.setattr(drawing, "draw_demo", lambda: tmp_path / "demo")
    monkeypatch.delenv("SMARTCLASS_DATA", raising=False)
    return tmp_path / "demo"


def test_data_is_looked_for_in_order(tmp_path, monkeypatch, demo, raw):
    assert find_data() == demo
    raw.mkdir(parents=True)
    (raw / ".gitkeep").touch()
    assert find_data() == demo
    put_faces(raw)
    assert find_data() == raw
    monkeypatch.setenv("SMARTCLASS_DATA", str(put_faces(tmp_path / "variable")))
    assert find_data() == tmp_path / "variable"
    explicit = put_faces(tmp_path / "explicit")
    assert find_data(explicit) == find_data(str(explicit)) == explicit
    assert find_data("demo") == demo
    monkeypatch.setenv("SMARTCLASS_DATA", "demo")
    assert find_data() == demo
    assert find_data(explicit) == explicit


def test_a_folder_asked_for_must_exist(tmp_path, monkeypatch, demo):
    with pytest.raises(SmartClassError, match=r"no folder .*gone: name an existing"):
        find_data(tmp_path / "gone")
    monkeypatch.setenv("SMARTCLASS_DATA", str(tmp_path / "lost"))
    with pytest.raises(SmartClassError, match=r"no folder .*lost"):
        find_data()


def test_recorded_downloads_come_back_before_the_demo(hub, raw, demo):
    raw.mkdir(parents=True)
    (raw / "downloads.json").write_text(json.dumps({"oahega": PINNED[2]}), "utf-8")
    put_faces(hub.cache / "datasets" / KAGGLE[2] / "versions" / "7")
    assert find_data() == raw
    assert hub.asked == PINNED[2:]
    assert (raw / "oahega" / "happy" / "1.jpg").is_file()
