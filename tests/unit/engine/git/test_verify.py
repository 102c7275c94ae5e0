"""engine/git/verify.py and connected.py: which objects are damaged, and who lacks what. Real Git judges in compat."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from assay.engine.events import Progress
from assay.engine.git import objects, verify
from assay.engine.git.connected import Connected
from assay.engine.git.loose import loose_path
from assay.engine.git.packs import Pack, PackMemory
from tests.datacommits import commit, set_ref
from tests.stores import overwrite
from tests.workspace import Workspace


@pytest.fixture
def ws(tmp_path):
    made = Workspace(tmp_path / "p")
    yield made
    made.project.close()


@pytest.fixture
def packed(ws, git):
    """Thirty blobs in one pack; the folder of objects and the blobs' ids by number."""
    names = {}
    for number in range(30):
        text = f"{number}: " + "x" * 50
        names[number] = ws.project.repo.objects.write(objects.BLOB, text.encode())
        set_ref(ws.project, f"refs/tags/t{number}", names[number])
    git("repack", "-adq", "--window=0", cwd=ws.root)
    git("prune-packed", cwd=ws.root)
    return ws.project.repo.objects.path, names


def pack_of(path: str) -> Path:
    (found,) = Path(path, "pack").glob("*.pack")
    return found


def test_only_what_is_damaged_in_a_pack_is_named(packed):
    path, names = packed
    pack = pack_of(path)
    data = bytearray(pack.read_bytes())
    (stem,) = verify.pack_stems(path)
    offset = Pack(stem, PackMemory()).find(names[7])
    data[offset + 5] ^= 0x40
    overwrite(pack, bytes(data))
    (damage,) = verify.check(path)
    assert damage.objects == (names[7],)
    assert damage.path == str(pack)
    assert not damage.mendable


def test_an_index_is_mended_only_from_a_sound_pack(packed):
    path, _ = packed
    (stem,) = verify.pack_stems(path)
    sound = Path(stem + ".idx").read_bytes()
    overwrite(stem + ".idx", sound[:-4] + b"oops")
    (damage,) = verify.check(path)
    assert (damage.path, damage.mendable) == (stem + ".idx", True)
    verify.mend_index(damage.path)
    assert Path(stem + ".idx").read_bytes() == sound
    assert verify.check(path) == []


def test_files_that_are_no_objects_are_left_alone(ws):
    path = ws.project.repo.objects.path
    oid = ws.project.repo.objects.write(objects.BLOB, b"x")
    for name in ("tmp_obj_x", "short", "z" * 38):
        Path(loose_path(path, oid)).with_name(name).write_bytes(b"junk")
    assert list(verify.loose_objects(path)) == [oid]
    assert verify.check(path) == []


def test_progress_is_told(packed):
    told = []
    verify.check(packed[0], told.append)
    assert any(isinstance(event, Progress) for event in told)


def test_what_a_commit_lacks_is_told_with_its_path(ws):
    base = commit(ws.project, files={"kept": "kept", "deep/er/gone": "gone", "deep/too": "too"})
    tip = commit(ws.project, files={"kept": "kept"}, parents=[base])
    gone = objects.object_id(objects.BLOB, b"gone")
    os.unlink(loose_path(ws.project.repo.objects.path, gone))
    ws.reopen()
    connected = Connected(ws.project.repo)
    assert connected.lacks(tip) == {gone}
    assert connected.own(tip) == frozenset()
    assert connected.own(base) == {gone}
    assert list(connected.paths(base)) == [(gone, "deep/er/gone")]
    assert list(connected.problems) == [gone]
