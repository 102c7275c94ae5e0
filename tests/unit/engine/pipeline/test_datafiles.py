"""``commit_data``: edited data is recorded, unchanged data costs nothing."""

from __future__ import annotations

import shutil

import pytest

from assay.engine import disk
from assay.engine.data.add import How, add
from assay.engine.pipeline.datafile import parse_file
from assay.engine.pipeline.datafiles import commit_data
from assay.engine.pipeline.observe import Observer
from assay.engine.pipeline.spec import load


@pytest.fixture
def data(built):
    """A project with a tracked folder and a tracked file."""
    built.write({"data/a": "1", "f": "f"})
    add(built.project, ["data", "f"])
    return built


def commit(built):
    """Commits all data as it is."""
    return commit_data(built.project, load(built.project).data.values(), Observer(built.project))


@pytest.mark.law(1)
def test_edited_data_is_in_the_synced_cache_before_its_file_says_so(data):
    data.write({"data/a": "22"})
    steps = []
    with disk.injected(lambda step, path: steps.append((step, path))):
        assert commit(data) == ("data.dvc",)
    artifact = parse_file((data.folder / "data.dvc").read_bytes(), "data.dvc").cached["data"]
    assert artifact.size == 2
    assert data.project.cache.has(artifact.digest)
    sync = steps.index(("sync", data.project.cache_folder))
    assert not [path for _, path in steps[:sync] if path.startswith(f"{data.folder}/") and ".assay" not in path]
    assert [path for step, path in steps[sync:] if step == "rename"] == [f"{data.folder}/data.dvc"]


def test_unchanged_data_writes_nothing(data):
    def no_step(step, path):
        if ".assay/tmp" not in path and ".assay/cache/packs" not in path:
            raise AssertionError((step, path))

    with disk.injected(no_step):
        assert commit(data) == ()


def test_data_that_is_gone_stays_recorded(data):
    before = (data.folder / "data.dvc").read_text()
    shutil.rmtree(data.folder / "data")
    data.write({"f": "ff"})
    assert commit(data) == ("f.dvc",)
    assert (data.folder / "data.dvc").read_text() == before


def test_data_that_was_only_named_gets_its_content(data):
    data.write({"g": "g"})
    add(data.project, ["g"], How(keep=False))
    commit(data)
    assert data.project.cache.has(load(data.project).data["g.dvc"].cached["g"].digest)


def test_an_uncached_out_is_named_only(data):
    path = data.folder / "f.dvc"
    path.write_text(path.read_text() + "  cache: false\n")
    data.write({"f": "other"})
    assert commit(data) == ("f.dvc",)
    (out,) = load(data.project).data["f.dvc"].outs
    assert not data.project.cache.has(out.artifact.digest)


def test_an_import_that_was_edited_is_recorded_too(data):
    text = f"md5: {'b' * 32}\nfrozen: true\ndeps:\n- path: /x\nouts:\n- md5: {'a' * 32}\n  hash: md5\n  path: i\n"
    data.write({"i": "1", "i.dvc": text})
    assert commit(data) == ("i.dvc", ".gitignore")
    file = load(data.project).data["i.dvc"]
    assert file.is_import
    assert file.cached["i"].digest.algo == "xxh128"
    assert "b" * 32 not in file.source.text
