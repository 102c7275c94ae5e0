"""``data status``: what changed since the last commit, and since it was recorded."""

from __future__ import annotations

import hashlib
import json
import shutil

import pytest

from assay.engine.data.add import add
from assay.engine.data.content import Difference
from assay.engine.data.status import status
from assay.engine.errors import UsageError
from assay.engine.experiments.baseline import baseline


@pytest.fixture
def data(built):
    """A project with a tracked folder and a tracked file, committed."""
    built.write({"data/a": "1", "data/sub/b": "2", "f": "f"})
    add(built.project, ["data", "f"])
    baseline(built.project, "first")
    return built


def test_nothing_changed(data):
    found = status(data.project)
    assert found.unchanged == ("data/", "f")
    assert (found.committed._replace(unchanged=()), found.uncommitted._replace(unchanged=())) == (Difference(),) * 2
    assert found.not_in_cache == ()
    assert found.untracked is None


def test_before_the_first_commit(built):
    built.write({"f": "f"})
    add(built.project, ["f"])
    assert status(built.project).committed.added == ("f",)


def test_an_edit_is_uncommitted_then_committed_then_gone(data):
    data.write({"data/a": "changed", "data/new": "new"})
    (data.folder / "data/sub/b").unlink()
    assert status(data.project).uncommitted.modified == ("data/",)
    found = status(data.project, granular=True).uncommitted
    assert (found.added, found.modified, found.deleted) == (("data/new",), ("data/", "data/a"), ("data/sub/b",))
    add(data.project, ["data"])
    found = status(data.project, granular=True)
    assert found.uncommitted._replace(unchanged=()) == Difference()
    assert (found.committed.added, found.committed.modified) == (("data/new",), ("data/", "data/a"))
    assert found.unchanged == ("f",)
    baseline(data.project, "second")
    assert status(data.project).unchanged == ("data/", "f")


def test_a_target_limits_it(data):
    data.write({"data/a": "changed", "data/sub/b": "changed", "f": "changed"})
    assert status(data.project, ["f.dvc"]).uncommitted.modified == ("f",)
    assert status(data.project, ["sub"], folder="data", granular=True).uncommitted.modified == ("data/sub/b",)
    with pytest.raises(UsageError):
        status(data.project, ["nothing"])


def test_data_that_is_gone_is_deleted(data):
    (data.folder / "f").unlink()
    assert status(data.project).uncommitted.deleted == ("f",)


def test_what_the_cache_lacks(data):
    shutil.rmtree(data.project.cache_folder)
    data.reopened()
    found = status(data.project, granular=True)
    assert found.not_in_cache == ("data/", "f")
    assert found.uncommitted == Difference(unchanged=("data/", "f"), unknown=("data/a", "data/sub/b"))
    assert found.unchanged == ("data/", "f")


def test_a_move_is_a_rename(data):
    (data.folder / "f").rename(data.folder / "g")
    (data.folder / "f.dvc").unlink()
    add(data.project, ["g"])
    assert status(data.project).committed.renamed == (("f", "g"),)


def test_files_that_nobody_knows(data):
    data.write({"new.txt": "", "data/new": ""})
    assert status(data.project, untracked=True).untracked == ("new.txt",)


def test_a_file_that_became_executable_is_modified(data):
    (data.folder / "f").chmod(0o755)
    (data.folder / "data/a").chmod(0o755)
    assert status(data.project, granular=True).uncommitted.modified == ("data/", "data/a", "f")


def test_reading_writes_nothing_that_a_user_sees(data):
    data.write({"f": "changed"})
    before = {path: path.stat().st_mtime_ns for path in data.folder.rglob("*") if ".assay/tmp" not in str(path)}
    status(data.project, granular=True, untracked=True)
    assert before == {path: path.stat().st_mtime_ns for path in data.folder.rglob("*") if ".assay/tmp" not in str(path)}


def test_what_is_recorded_under_dvcs_hash_is_compared_under_it(data):
    digest = hashlib.md5(b"m").hexdigest()
    listing = json.dumps([{"md5": digest, "relpath": "x"}]).encode()
    folder = hashlib.md5(listing).hexdigest()
    outs = f"- md5: '{digest}'\n  size: 1\n  hash: md5\n  path: m\n"
    outs += f"- md5: {folder}.dir\n  size: 1\n  nfiles: 1\n  hash: md5\n  path: n\n"
    data.write({"m": "m", "n/x": "m", "m.dvc": f"outs:\n{outs}"})
    assert status(data.project).uncommitted._replace(unchanged=()) == Difference()
    data.write({"m": "changed", "n/x": "changed"})
    assert status(data.project).uncommitted.modified == ("m", "n/")
