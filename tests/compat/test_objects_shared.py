"""Others at work in the same repository, and the traps in which other pure-Python layers lose data or stop."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from assay.engine import disk
from assay.engine.errors import CorruptObject
from assay.engine.git.database import ObjectDatabase
from assay.engine.git.loose import loose_path
from assay.engine.git.objects import BLOB, object_id
from tests.githistory import contents, database, experiments, make_history

Git = Callable[..., str]


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_history(tmp_path_factory.mktemp("history"))


@pytest.fixture
def repo(history: Path, tmp_path: Path) -> Path:
    """A copy of a repository with all that histories hold."""
    shutil.copytree(history, tmp_path / "repo")
    return tmp_path / "repo"


class TestWhileGitWorks:
    """Repacks and collections next door."""

    @pytest.mark.parametrize("mapped", [True, False])
    def test_an_open_database_reads_on_after_a_repack(self, git: Git, repo: Path, mapped: bool) -> None:
        db = ObjectDatabase(str(repo / ".git/objects"), mapped=mapped)
        expected = contents(repo)
        oids = list(expected)
        for number, words in enumerate(("repack -adq", "gc -q", "repack -adfq --depth=3", "repack -Adq")):
            for oid in oids[number::7]:
                assert db.read(oid) == expected[oid]
            git(*words.split(), cwd=repo)
            if number == 1:
                experiments(db, 1)
        for oid in oids:
            assert db.read(oid) == expected[oid]

    def test_a_reader_never_stumbles_over_repacks(self, git: Git, repo: Path) -> None:
        expected = contents(repo)
        script = (
            "set -e; for i in 1 2 3 4 5 6; do git repack -adfq --depth=$i; git repack -adq --max-pack-size=1m; "
            "git unpack-objects -q < /dev/null 2>/dev/null || true; done"
        )
        repacking = subprocess.Popen(["sh", "-c", script], cwd=repo)
        db, rounds = database(repo), 0
        try:
            while repacking.poll() is None:
                for oid in list(expected)[rounds % 5 :: 5]:
                    assert db.read(oid) == expected[oid]
                rounds += 1
        finally:
            assert repacking.wait() == 0
        assert rounds > 3

    def test_what_was_written_again_survives_a_collection(self, git: Git, repo: Path) -> None:
        db = database(repo)
        kept, lost = db.write(BLOB, b"kept"), db.write(BLOB, b"lost")
        long_ago = time.time() - 30 * 86400
        for oid in (kept, lost):
            os.utime(loose_path(db.path, oid), (long_ago, long_ago))
        db.write(BLOB, b"kept")
        git("gc", "-q", "--prune=2.weeks.ago", cwd=repo)
        db.refresh()
        assert (kept in db, lost in db) == (True, False)

    def test_git_sweeps_what_a_crash_leaves_behind(self, git: Git, repo: Path) -> None:
        objects = repo / ".git/objects"

        class Crash(BaseException):
            pass

        def crash(step: disk.Step, path: str) -> None:
            if step == "rename":
                for temp in (*objects.glob("tmp_*"), *objects.glob("pack/tmp_*")):
                    shutil.copy(temp, temp.with_name(temp.name + "x"))
                raise Crash

        for count in (1, 100):
            with disk.injected(crash), pytest.raises(Crash):
                experiments(database(repo), count)
        assert len([*objects.glob("tmp_*"), *objects.glob("pack/tmp_*")]) >= 3
        git("fsck", "--strict", "--no-dangling", cwd=repo)
        git("prune", "--expire=now", cwd=repo)
        assert not [*objects.glob("tmp_*"), *objects.glob("pack/tmp_*")]


WRITER = """
import sys
from assay.engine.git.database import ObjectDatabase
from assay.engine.git.objects import BLOB
db = ObjectDatabase(sys.argv[1])
sys.stdin.readline()
for number in range(500):
    db.write(BLOB, b"blob %d" % number)
with db.batch() as batch:
    for number in range(500):
        batch.add(BLOB, b"packed %d" % number)
"""


class TestTraps:
    """Where others lose data or stop."""

    @pytest.fixture
    def empty(self, git: Git, tmp_path: Path) -> Iterator[Path]:
        git("init", "-q", "new")
        yield tmp_path / "new"
        assert git("fsck", "--strict", "--full", cwd=tmp_path / "new").replace("dangling", "").count("error") == 0

    def test_four_processes_may_write_the_same_objects(self, git: Git, empty: Path) -> None:
        objects = str(empty / ".git/objects")
        writers = [
            subprocess.Popen([sys.executable, "-c", WRITER, objects], stdin=subprocess.PIPE, stderr=subprocess.PIPE)
            for _ in range(4)
        ]
        for writer in writers:
            assert writer.stdin is not None
            writer.stdin.write(b"go\n")
            writer.stdin.flush()
        assert [writer.communicate()[1] for writer in writers] == [b""] * 4
        assert [writer.returncode for writer in writers] == [0] * 4
        db = database(empty)
        for number in range(500):
            assert db.read_blob(object_id(BLOB, b"blob %d" % number)) == b"blob %d" % number
            assert object_id(BLOB, b"packed %d" % number) in db
        assert "garbage: 0" in git("count-objects", "-v", cwd=empty)

    def test_a_lock_left_by_another_tool_is_ignored(self, git: Git, empty: Path) -> None:
        db = database(empty)
        oid = object_id(BLOB, b"a")
        lock = Path(loose_path(db.path, oid) + ".lock")
        lock.parent.mkdir()
        lock.touch()
        db.write(BLOB, b"a")
        lock.unlink()  # fsck calls it garbage
        assert git("cat-file", "-p", oid.hex(), cwd=empty) == "a"

    def test_an_empty_object_after_a_power_cut_is_healed(self, git: Git, empty: Path) -> None:
        db = database(empty)
        oid = db.write(BLOB, b"a")
        path = Path(loose_path(db.path, oid))
        path.unlink()
        path.touch()
        assert subprocess.run(["git", "cat-file", "-p", oid.hex()], cwd=empty, capture_output=True).returncode
        with pytest.raises(CorruptObject, match="empty"):
            db.read(oid)
        db.write(BLOB, b"a")
        assert git("cat-file", "-p", oid.hex(), cwd=empty) == "a"

    def test_what_a_pack_has_is_not_written_again(self, git: Git, repo: Path) -> None:
        db = database(repo)
        for kind, data in contents(repo).values():
            db.write(kind, data)
        with db.batch() as batch:
            for kind, data in contents(repo).values():
                batch.add(kind, data)
        assert git("count-objects", "-v", cwd=repo).startswith("count: 0\n")
        assert "packs: 1" in git("count-objects", "-v", cwd=repo)
