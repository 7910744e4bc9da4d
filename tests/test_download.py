import re
import shutil
import sys
from functools import partial
from unittest.mock import Mock

import pytest
from conftest import refusal

from smartclass_utils import config
from smartclass_utils.commands.download import download_sources
from smartclass_utils.layouts import PROVENANCE

KAGGLE = [source.kaggle for source in PROVENANCE]
PINNED = [f"{slug}/versions/7" for slug in KAGGLE]
error_of = partial(refusal, download_sources, accept_terms=True)


@pytest.fixture
def raw(tmp_path, monkeypatch):
    monkeypatch.setattr(config, "RAW_FOLDER", tmp_path / "project/raw")
    return tmp_path / "project/raw"


@pytest.fixture
def hub(tmp_path, monkeypatch, raw):
    """Stand in for kagglehub: keep what is asked of it, and a cache on disk."""

    def dataset_download(handle):
        module.asked.append(handle)
        folder = tmp_path / "cache" / handle.removesuffix("/versions/7") / "versions/7"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "here.txt").touch()
        return str(folder)

    module = Mock(asked=[], dataset_download=Mock(side_effect=dataset_download))
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


def test_the_version_is_recorded_and_asked_for_the_next_time(hub, raw, tmp_path):
    folders = download_sources(accept_terms=True)
    assert folders == [raw / name for name in ("rafdb", "fed2023", "oahega")]
    assert all((folder / "here.txt").is_file() for folder in folders)
    assert hub.asked == KAGGLE
    download_sources(accept_terms=True)
    assert hub.asked == KAGGLE + PINNED
    shutil.rmtree(tmp_path / "cache")  # now the links lead nowhere
    download_sources(accept_terms=True)
    assert hub.asked == KAGGLE + PINNED + PINNED


def test_a_failing_network_is_one_sentence_and_what_came_stays(hub, raw):
    download_sources(accept_terms=True)
    gone = ConnectionError("Max retries exceeded\nwith url: …")
    hub.dataset_download.side_effect = [gone, TimeoutError()]
    assert error_of() == (
        "RAF-DB could not be downloaded (Max retries exceeded): try again with a "
        "network, or unpack kaggle.com/datasets/shuvoalok/raf-db-dataset by hand into "
        "data/raw/rafdb, or run make report DATA=demo without it."
    )
    assert (raw / "rafdb" / "here.txt").is_file()
    assert "downloaded (TimeoutError)" in error_of()


def test_somebodys_own_copy_is_kept(hub, raw, capsys):
    (raw / "rafdb").mkdir(parents=True)
    (raw / "rafdb" / "mine.txt").write_text("mine", "utf-8")
    download_sources(accept_terms=True)
    assert hub.asked == KAGGLE[1:]
    assert (raw / "rafdb" / "mine.txt").read_text("utf-8") == "mine"
    assert "rafdb is there already, kept" in capsys.readouterr().out


def test_without_kagglehub_the_remedy_is_named(monkeypatch, raw):
    monkeypatch.setitem(sys.modules, "kagglehub", None)
    assert "kagglehub is not installed: run make" in error_of()


def test_a_link_to_something_else_names_no_version(hub, raw, tmp_path):
    raw.mkdir(parents=True)
    (raw / "rafdb").symlink_to(tmp_path / "someone/else/versions/1")
    download_sources(accept_terms=True)
    assert hub.asked == KAGGLE


def test_where_links_are_not_allowed_the_remedy_is_named(hub, raw, monkeypatch):
    monkeypatch.setattr("pathlib.Path.symlink_to", Mock(side_effect=OSError(1, "no")))
    assert re.search(r"\(no\): copy \S+7 there, or turn", error_of())
