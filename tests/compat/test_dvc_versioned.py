"""Data of remotes that keep versions: outs that name their files themselves, and what a cloud knows of them.

It is read, kept and pushed as DVC does it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from assay.engine.data.add import add
from assay.engine.data.checkout import checkout
from assay.engine.data.commit import How, commit
from assay.engine.data.status import status
from assay.engine.experiments.gc import gc
from assay.engine.experiments.keeping import Keep
from assay.engine.pipeline.repro import reproduce
from assay.engine.pipeline.spec import load
from tests.dvcpairs import Pair, cache_of
from tests.dvcprocess import DvcProcess
from tests.filetree import write

CLOUD_FOLDER = """\
outs:
- path: v
  hash: md5
  files:
  - relpath: a
    md5: c4ca4238a0b923820dcc509a6f75849b
    size: 1
    cloud:
      r:
        etag: abc
        version_id: v1
  - relpath: b
    md5: b6d767d2f8ed5d21a44b0e5886680cb9
    size: 2
    cloud:
      r:
        etag: def
        version_id: v2
"""
CLOUD_FILE = """\
outs:
- md5: f97c5d29941bfb1b2fdab0874906ab82
  size: 3
  cloud:
    r:
      etag: abc
      version_id: v1
  hash: md5
  path: one
"""


@pytest.fixture
def versioned(dvc_process: DvcProcess) -> Iterator[Pair]:
    """Data that was pushed to a remote which keeps versions, twice; the cache has no listing of the folder."""
    pair = Pair(dvc_process)
    pair.write({"v/a": b"1", "v/b": b"22", "one": b"one"})
    pair.dvc_does("add", "v/a", "v/b", "one")
    pair.write({"v/a.dvc": None, "v/b.dvc": None, "v/.gitignore": None, ".gitignore": b"/v\n/one\n"})
    pair.write({"v.dvc": CLOUD_FOLDER.encode(), "one.dvc": CLOUD_FILE.encode()})
    shutil.copytree(pair.theirs / ".dvc/cache", pair.ours / ".dvc/cache")
    yield pair
    pair.drop()


def test_a_folder_that_names_its_files_itself_is_known_and_checked_out(versioned: Pair) -> None:
    assert not any(status(versioned.project).uncommitted[:4])
    shutil.rmtree(versioned.ours / "v")
    checkout(versioned.project)
    assert (versioned.ours / "v/b").read_bytes() == b"22"
    assert not commit(versioned.project).written


def test_what_a_cloud_knows_of_unchanged_files_stays(versioned: Pair) -> None:
    versioned.write({"v/b": b"x", "v/c": b"333", "one": b"two"})
    versioned.dvc_does("commit", "-f")
    commit(versioned.project)
    versioned.check()
    assert b"version_id: v1" in (versioned.ours / "v.dvc").read_bytes()


def test_files_that_only_the_data_file_names_are_kept_by_a_collection(versioned: Pair) -> None:
    before = cache_of(versioned.ours)
    for path in (versioned.ours / ".dvc/cache").rglob("*"):
        os.utime(path, (1, 1))
    gc(versioned.project, Keep(workspace=True))
    assert cache_of(versioned.ours) - {"collection.lock"} == before


@pytest.fixture
def shared(versioned: Pair) -> Pair:
    """The same, with a remote each that keeps no versions."""
    for root in (versioned.theirs, versioned.ours):
        text = f"[core]\n    remote = s\n['remote \"s\"']\n    url = {root}-store\n"
        write(root, {".dvc/config": text.encode()})
    return versioned


def _sent(root: Path) -> set[str]:
    store = Path(f"{root}-store")
    return {path.relative_to(store).as_posix() for path in (store / "files").rglob("*") if path.is_file()}


def _without_data(root: Path) -> None:
    shutil.rmtree(root / "v")
    shutil.rmtree(root / ".dvc/cache")


@pytest.mark.parametrize("program", ["assay", "assay_dvc"])
def test_a_folder_that_names_its_files_itself_is_pushed_with_a_listing(
    shared: Pair, request: pytest.FixtureRequest, program: str
) -> None:
    run = request.getfixturevalue(program)
    shared.dvc_does("push")
    run("push", cwd=shared.ours)
    more = _sent(shared.ours) - _sent(shared.theirs)
    assert [path.endswith(".dir") for path in more] == [True], "DVC warns that it has no listing to push"
    _without_data(shared.ours)
    run("pull", cwd=shared.ours)
    assert (shared.ours / "v/b").read_bytes() == b"22"


@pytest.mark.parametrize("program", ["assay", "assay_dvc"])
def test_what_dvc_pushed_of_such_a_folder_is_enough(shared: Pair, request: pytest.FixtureRequest, program: str) -> None:
    shared.dvc_does("push", at=shared.ours)
    _without_data(shared.ours)
    request.getfixturevalue(program)("pull", cwd=shared.ours)
    assert (shared.ours / "v/b").read_bytes() == b"22"


STAGE = """\
stages:
  s:
    cmd: cat in > changing; echo k > same; mkdir -p dir; echo a > dir/a; cat in > dir/b; echo m > metric
    deps: [in]
    outs: [changing, same, dir]
    metrics:
    - metric:
        cache: false
"""


@pytest.fixture
def piped(dvc_process: DvcProcess) -> Iterator[Pair]:
    """A stage whose outputs were pushed to a remote that keeps versions, twice."""
    pair = Pair(dvc_process)
    pair.write({"in": b"1\n", "dvc.yaml": STAGE.encode()})
    pair.dvc_does("repro")
    data = yaml.safe_load((pair.theirs / "dvc.lock").read_text())
    for out in data["stages"]["s"]["outs"]:
        version = {"etag": "abc", "version_id": out["path"]}
        if out["path"] == "dir":
            digests = {name: hashlib.md5(text, usedforsecurity=False) for name, text in (("a", b"a\n"), ("b", b"1\n"))}
            rows = [{"relpath": name, "md5": digest.hexdigest(), "size": 2} for name, digest in digests.items()]
            out["files"] = [{**row, "cloud": {"r": version}} for row in rows]
            del out["md5"], out["size"], out["nfiles"]
        else:
            out.update(version if out["path"] == "metric" else {"cloud": {"r": version}})
    shutil.rmtree(pair.ours)
    shutil.copytree(pair.theirs, pair.ours)
    pair.write({"dvc.lock": yaml.safe_dump(data, sort_keys=False).encode()})
    yield pair
    pair.drop()


def runs_of(root: Path) -> dict[str, bytes]:
    """The run cache of a project: entries by name."""
    return {path.name: path.read_bytes() for path in (root / ".dvc/cache/runs").rglob("*") if path.is_file()}


def test_versions_of_outputs_that_stay_the_same_stay(piped: Pair) -> None:
    for text in (b"1\n", b"2\n"):
        piped.write({"in": text})
        piped.dvc_does("repro")
        reproduce(piped.project, load(piped.project))
        assert (piped.ours / "dvc.lock").read_bytes() == (piped.theirs / "dvc.lock").read_bytes()
    assert (piped.ours / "dvc.lock").read_bytes().count(b"version_id") == 2
    assert runs_of(piped.ours) == runs_of(piped.theirs)
    assert any(b"version_id" in entry for entry in runs_of(piped.ours).values())


def test_a_run_with_versions_is_fetched_from_a_remote(
    piped: Pair, tmp_path: Path, assay_dvc: Callable[..., Any]
) -> None:
    piped.write({"in": b"2\n"})
    piped.dvc_does("repro")
    piped.dvc_does("remote", "add", "-d", "far", str(tmp_path / "far"))
    piped.dvc_does("push", "--run-cache")
    (piped.ours / ".dvc/config").write_bytes((piped.theirs / ".dvc/config").read_bytes())
    said = assay_dvc("fetch", "--run-cache", cwd=piped.ours)
    assert "left out" not in said.err
    assert runs_of(piped.ours) == runs_of(piped.theirs)


def test_a_commit_keeps_the_versions_of_what_did_not_change(piped: Pair) -> None:
    piped.write({"changing": b"x", "dvc.yaml": STAGE.replace("cat in >", "true; cat in >").encode()})
    piped.dvc_does("commit", "-f")
    commit(piped.project, how=How(force=True))
    assert (piped.ours / "dvc.lock").read_bytes() == (piped.theirs / "dvc.lock").read_bytes()


@pytest.mark.parametrize("verb", ["commit", "add"])
def test_changed_and_new_files_are_said_to_be_executable(versioned: Pair, verb: str) -> None:
    versioned.write({"v/b": b"changed", "v/c": b"new", "v/plain": b"new too"})
    for root in (versioned.theirs, versioned.ours):
        for name in ("a", "b", "c"):  # DVC keeps what was said of a, whose content is the same
            (root / "v" / name).chmod(0o755)
    versioned.dvc_does(*(["commit", "-f"] if verb == "commit" else ["add", "v"]))
    commit(versioned.project) if verb == "commit" else add(versioned.project, ["v"])
    assert (versioned.ours / "v.dvc").read_bytes() == (versioned.theirs / "v.dvc").read_bytes()
    assert (versioned.ours / "v.dvc").read_bytes().count(b"isexec: true") == 2


def test_a_file_that_is_named_without_its_digest_gets_one(versioned: Pair) -> None:
    text = CLOUD_FOLDER.replace("    md5: b6d767d2f8ed5d21a44b0e5886680cb9\n", "")
    versioned.write({"v.dvc": text.encode()})
    status(versioned.project)
    versioned.dvc_does("commit", "-f")
    commit(versioned.project)
    assert (versioned.ours / "v.dvc").read_bytes() == (versioned.theirs / "v.dvc").read_bytes()
