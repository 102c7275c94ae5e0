"""`fsck`: what is damaged is named with who needs it, goes into quarantine, and comes back from what is at hand."""

from __future__ import annotations

import os

import pytest

from assay.engine.events import Progress
from assay.engine.experiments.fsck import fsck
from assay.engine.experiments.gc import gc
from assay.engine.experiments.keeping import Keep
from assay.engine.model import ExpRef
from assay.engine.store.digest import digest_bytes
from tests.datacommits import commit, data_file, experiment, put, set_ref
from tests.stores import LARGE, damage, files_below, overwrite
from tests.workspace import Workspace

SMALL_DATA, LARGE_DATA = b"small data", LARGE + b"large data"


@pytest.fixture
def ws(tmp_path):
    made = Workspace(tmp_path / "p")
    made.write(".assay/config", "[gc]\n    fresh = 0\n")
    made.reopen()
    yield made
    made.project.close()


def named(digest):
    return digest_bytes("xxh128", digest)


def test_a_sound_project_is_in_order(ws):
    base = commit(ws.project, {"d": SMALL_DATA}, ref="refs/heads/main")
    experiment(ws.project, "one", base, {"d": {"a": LARGE_DATA}})
    checked = fsck(ws.project)
    assert (checked.bad, checked.absent, checked.is_clean) == ((), 0, True)


@pytest.mark.law(3)
@pytest.mark.parametrize("data", [SMALL_DATA, LARGE_DATA], ids=["packed", "a file"])
def test_damage_is_named_with_who_needs_it_and_put_into_quarantine(ws, data):
    base = commit(ws.project, ref="refs/heads/main")
    experiment(ws.project, "one", base, {"d": data})
    experiment(ws.project, "two", base, {"dir": {"deep/a": data}, "other": b"other"})
    experiment(ws.project, "three", base, {"other": b"other"})
    damage(ws.project.cache, named(data))
    ws.reopen()
    (bad,) = fsck(ws.project).bad
    assert bad.name == str(named(data))
    assert sorted(bad.needs) == [("one", "d"), ("two", "dir")]
    assert not bad.is_repaired
    ws.reopen()
    assert named(data) not in ws.project.cache
    assert len(files_below(ws.root / ".assay/cache/quarantine")) == 1
    again = fsck(ws.project)
    assert again.bad == ()
    assert again.absent == 1


def test_what_else_a_damaged_pack_holds_stays(ws):
    cache = ws.project.cache
    with cache.writer() as writer:
        digests = [writer.add_bytes(b"in one pack %d" % number) for number in range(5)]
    damage(cache, digests[2])
    ws.reopen()
    (bad,) = fsck(ws.project).bad
    assert bad.name == str(digests[2])
    ws.reopen()
    assert ws.project.cache.missing(digests) == {digests[2]}


@pytest.mark.parametrize("data", [SMALL_DATA, LARGE_DATA], ids=["packed", "a file"])
class TestRepair:
    """Where it comes back from."""

    def test_from_the_workspace(self, ws, data):
        ws.write("d.dvc", data_file("d", put(ws.project.cache, data)))
        (ws.root / "d").write_bytes(data)
        damage(ws.project.cache, named(data))
        ws.reopen()
        (bad,) = fsck(ws.project, repair=True).bad
        assert bad.is_repaired
        ws.reopen()
        assert ws.project.cache.read(named(data)) == data

    def test_from_a_directory_of_the_workspace(self, ws, data):
        artifact = put(ws.project.cache, {"deep/a": data, "b": b"b"})
        ws.write("dir.dvc", data_file("dir", artifact))
        (ws.root / "dir/deep").mkdir(parents=True)
        (ws.root / "dir/deep/a").write_bytes(data)
        (ws.root / "dir/b").write_bytes(b"b")
        damage(ws.project.cache, artifact.digest)
        damage(ws.project.cache, named(data))
        ws.reopen()
        checked = fsck(ws.project, repair=True)
        assert checked.is_clean
        assert len(checked.bad) == 2
        ws.reopen()
        assert ws.project.cache.read(named(data)) == data
        assert artifact.digest in ws.project.cache

    def test_not_from_a_workspace_that_has_something_else(self, ws, data):
        ws.write("d.dvc", data_file("d", put(ws.project.cache, data)))
        (ws.root / "d").write_bytes(data + b" changed")
        damage(ws.project.cache, named(data))
        ws.reopen()
        assert not fsck(ws.project, repair=True).is_clean

    def test_from_the_trash(self, ws, data):
        base = commit(ws.project, ref="refs/heads/main")
        exp = commit(ws.project, {"d": data}, parents=[base])
        gc(ws.project, Keep(workspace=True))
        set_ref(ws.project, ExpRef(base, "one").refname, exp)
        path = ws.project.cache.object_path(named(data))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(b"damaged")
        ws.reopen()
        (bad,) = fsck(ws.project, repair=True).bad
        assert bad.is_repaired
        ws.reopen()
        assert ws.project.cache.read(named(data)) == data

    def test_from_another_copy(self, ws, data):
        digest = put(ws.project.cache, data).digest
        with ws.project.cache.receive(digest) as sink:
            sink.write(data)
        path = ws.project.cache.object_path(digest)
        if data == LARGE_DATA:
            with ws.project.cache.new_file() as spare:
                spare.write(data)
                os.makedirs(ws.root / ".assay/cache/trash/1-a/xxh128" / digest.hex[:2])
                spare.publish(str(ws.root / f".assay/cache/trash/1-a/xxh128/{digest.hex[:2]}/{digest.hex[2:]}"))
        overwrite(path, b"damaged")
        ws.reopen()
        (bad,) = fsck(ws.project, repair=True).bad
        assert bad.is_repaired


def test_what_is_missing_comes_back_from_the_workspace_too(ws):
    ws.write("d.dvc", data_file("d", put(ws.project.cache, LARGE_DATA)))
    (ws.root / "d").write_bytes(LARGE_DATA)
    os.unlink(ws.project.cache.object_path(named(LARGE_DATA)))
    assert fsck(ws.project).absent == 1
    assert fsck(ws.project, repair=True).absent == 0
    assert ws.project.cache.read(named(LARGE_DATA)) == LARGE_DATA


def test_a_file_that_is_no_object_is_told(ws):
    ws.write(".assay/cache/xxh128/ab/nonsense", "x")
    (bad,) = fsck(ws.project).bad
    assert "nonsense" in bad.name


def test_a_pack_without_its_end_is_told_though_nobody_knows_what_it_held(ws):
    base = commit(ws.project, ref="refs/heads/main")
    experiment(ws.project, "one", base, {"d": SMALL_DATA})
    (pack,) = ws.project.cache.packs()
    with open(pack.path, "rb") as file:
        data = file.read()
    overwrite(pack.path, data[:-5])
    ws.reopen()
    checked = fsck(ws.project)
    (bad,) = checked.bad
    assert bad.kind == "pack"
    assert checked.absent == 1


def test_progress_is_reported(ws):
    commit(ws.project, {"d": LARGE_DATA}, ref="refs/heads/main")
    fsck(ws.project)
    assert any(isinstance(event, Progress) for event in ws.events)
