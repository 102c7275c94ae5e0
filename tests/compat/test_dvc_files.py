"""A DVC project's files, the workspace's and the cache's: what assay leaves there is what real DVC would have left."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from assay.engine.data.add import add
from assay.engine.data.checkout import How, checkout
from assay.engine.data.commit import commit
from assay.engine.data.status import status
from assay.engine.data.unprotect import unprotect
from assay.engine.experiments.gc import gc
from assay.engine.experiments.keeping import Keep
from assay.engine.pipeline.repro import reproduce
from assay.engine.pipeline.spec import load
from assay.engine.store.verify import fsck
from assay.engine.workspace.undo import undo
from tests.dvcpairs import Pair, cache_of, legacy_data, open_at
from tests.dvcprocess import DvcProcess
from tests.filetree import write

TREE = {
    "plain": b"plain\n",
    "empty": b"",
    "run.sh": b"#!/bin/sh\n",
    "d/a": b"1",
    "d/s/b": b"22",
    "d/ü é\\q": b"333",
    "d/empty": b"",
    "big": bytes(range(256)) * 1200,
}
ADDED = ["plain", "empty", "run.sh", "d", "big"]


@pytest.fixture
def pair(dvc_process: DvcProcess) -> Iterator[Pair]:
    """The same files twice: one executable, some empty, a symlink in a folder, a folder without files."""
    found = Pair(dvc_process)
    found.write(TREE)
    for root in (found.theirs, found.ours):
        (root / "run.sh").chmod(0o755)
        (root / "d/none").mkdir()
        (root / "d/link").symlink_to("../plain")
    yield found
    found.drop()


@pytest.fixture
def added(pair: Pair) -> Pair:
    """The same, added by DVC on both sides."""
    for root in (pair.theirs, pair.ours):
        pair.dvc_does("add", *ADDED, at=root)
    return pair


def _check(pair: Pair) -> None:
    """Everything is the same, but that DVC makes a file of a symlink in a folder and assay leaves it to the user."""
    for root in (pair.theirs, pair.ours):
        assert (root / "d/link").read_bytes() == TREE["plain"]
        (root / "d/link").unlink()
    pair.check()


def place(root: Path, name: str) -> Path:
    """Where the cache keeps the file at a path."""
    data = (root / f"{name}.dvc").read_text().split("md5: ")[1][:32]
    return root / ".dvc/cache/files/md5" / data[:2] / data[2:]


def test_adding_leaves_the_same_bytes_everywhere(pair: Pair) -> None:
    pair.dvc_does("add", *ADDED)
    add(pair.project, ADDED)
    pair.dvc_sees_no_change()
    _check(pair)
    assert all(path.stat().st_mode & 0o777 == 0o444 for path in (pair.ours / ".dvc/cache/files").rglob("*/*/*"))


def test_each_side_checks_out_what_the_other_added(pair: Pair) -> None:
    pair.dvc_does("add", *ADDED)
    add(pair.project, ADDED)
    for root in (pair.theirs, pair.ours):
        for name in ADDED:
            shutil.rmtree(root / name) if (root / name).is_dir() else (root / name).unlink()
    pair.dvc_does("checkout", at=pair.ours)
    checkout(open_at(pair.theirs))
    pair.check()
    for root in (pair.theirs, pair.ours):
        assert os.access(root / "run.sh", os.X_OK)
        assert not (root / "d/link").is_symlink()
        assert not (root / "d/none").exists()


@pytest.mark.parametrize("kind", ["hardlink", "symlink", "copy", "reflink,copy"])
def test_links_are_those_that_dvc_makes(pair: Pair, kind: str) -> None:
    for root in (pair.theirs, pair.ours):
        (root / ".dvc/config").write_text(f'[cache]\n    type = "{kind}"\n')
    pair.dvc_does("add", *ADDED)
    add(pair.project, ADDED)
    assert _kinds(pair.ours) == _kinds(pair.theirs)
    pair.dvc_sees_no_change()
    shutil.rmtree(pair.theirs / "d")
    shutil.rmtree(pair.ours / "d")
    pair.dvc_does("checkout")
    checkout(pair.project)
    assert _kinds(pair.ours) == _kinds(pair.theirs)
    pair.dvc_does("unprotect", "plain", "d")
    unprotect(pair.project, ["plain", "d"])
    assert _kinds(pair.ours) == _kinds(pair.theirs)
    assert (pair.ours / "plain").stat().st_mode & 0o200


def _kinds(root: Path) -> dict[str, str]:
    """How each file of the workspace lies there: a symlink into the cache, a second name of its object, or a file."""
    cache = {path.stat().st_ino for path in (root / ".dvc/cache").rglob("*") if path.is_file()}
    found = {}
    for name in ("plain", "big", "d/a", "d/s/b"):  # assay never links what is empty or executable
        path = root / name
        into = path.is_symlink() and os.readlink(path).startswith(str(root / ".dvc/cache"))
        found[name] = "symlink" if into else "hardlink" if path.stat().st_ino in cache else "file"
    return found


def test_a_wrong_object_that_is_not_protected_is_replaced(added: Pair) -> None:
    for root in (added.theirs, added.ours):
        broken = place(root, "plain")
        broken.chmod(0o644)
        broken.write_bytes(b"broken")
    added.dvc_does("add", "plain")
    add(added.project, ["plain"])
    assert place(added.ours, "plain").read_bytes() == TREE["plain"] == place(added.theirs, "plain").read_bytes()
    assert place(added.ours, "plain").stat().st_mode & 0o777 == 0o444


def test_a_wrong_object_never_reaches_the_workspace_although_dvc_trusts_its_mode(added: Pair) -> None:
    broken = place(added.ours, "plain")
    broken.chmod(0o644)
    broken.write_bytes(b"broken")
    broken.chmod(0o444)
    (added.ours / "plain").unlink()
    found = checkout(added.project)
    assert "damaged" in found.missing["plain"]
    assert not (added.ours / "plain").exists()
    assert not broken.exists()
    write(added.ours, {"plain": TREE["plain"]})
    add(added.project, ["plain"])
    added.dvc_sees_no_change()


def test_a_listing_whose_files_are_gone_is_not_complete(added: Pair) -> None:
    for root in (added.theirs, added.ours):
        (root / ".dvc/cache/files/md5/b6/d767d2f8ed5d21a44b0e5886680cb9").unlink()
    theirs = json.loads(added.dvc_does("data", "status", "--json", "--granular"))
    assert theirs["not_in_cache"] == ["d/s/b"]
    assert status(added.project).not_in_cache == ("d/",)
    shutil.rmtree(added.ours / "d")
    found = checkout(added.project)
    assert list(found.missing) == ["d"]
    assert (added.ours / "d/a").exists()
    write(added.ours, {"d/s/b": b"22"})
    add(added.project, ["d"])
    added.dvc_sees_no_change()


def test_a_protected_object_is_not_written_again(added: Pair) -> None:
    before = place(added.ours, "plain").stat()  # its access time changes when it is read
    add(added.project, ADDED)
    commit(added.project)
    after = place(added.ours, "plain").stat()
    assert (after.st_ino, after.st_mtime_ns, after.st_ctime_ns) == (
        before.st_ino,
        before.st_mtime_ns,
        before.st_ctime_ns,
    )


def test_gc_takes_what_nobody_needs_and_nothing_else(added: Pair) -> None:
    root = added.ours
    legacy_data(root, "old", b"old\r\n")
    for name in ("runs/ab/" + "ab" * 32 + "/" + "cd" * 32, "notes.txt", "fs/other/tool"):
        write(root / ".dvc/cache", {name: b"mine"})
    write(root, {"big": b"other\n"})
    add(added.project, ["big"])
    dead = "files/md5/" + "/".join(_parts(TREE["big"]))
    kept = cache_of(root) - {dead}
    for path in (root / ".dvc/cache").rglob("*"):
        os.utime(path, (1, 1))
    assert gc(added.project, Keep(workspace=True))
    assert {name for name in cache_of(root) if not name.startswith(("trash/", "tmp/"))} == kept
    added.dvc_sees_no_change()
    undo(added.project)
    assert dead in cache_of(root)
    added.dvc_does("gc", "-w", "-f", at=root)
    added.dvc_sees_no_change()


def _parts(data: bytes) -> tuple[str, str]:
    name = hashlib.md5(data, usedforsecurity=False).hexdigest()
    return name[:2], name[2:]


def test_fsck_reads_a_cache_of_dvc(added: Pair) -> None:
    legacy_data(added.ours, "old", b"old\r\n")
    write(added.ours / ".dvc/cache", {"runs/ab/" + "ab" * 32 + "/" + "cd" * 32: b"cmd: x\n"})
    assert fsck(added.project.cache) == []
    for name in ("big", "run.sh"):
        place(added.ours, name).chmod(0o644)
        place(added.ours, name).write_bytes(b"broken")
    found = fsck(added.project.cache)
    assert sorted(problem.path for problem in found) == sorted(str(place(added.ours, n)) for n in ("big", "run.sh"))


PIPELINE = b"""\
stages:
  make:
    cmd: mkdir -p made && cp in.txt made/f && cp in.txt run.sh && chmod +x run.sh && cp in.txt metric.txt && touch none
    wdir: work
    deps:
    - in.txt
    params:
    - lr
    - ../other.yaml:
    outs:
    - made
    - run.sh
    - none
    metrics:
    - metric.txt:
        cache: false
  long:
    cmd: echo a-very-long-command-line-that-is-folded-by-the-yaml-writer since-it-does-not-fit-on-one > long.txt
    deps:
    - work/made
    outs:
    - long.txt:
        persist: true
"""
FILES = {"dvc.yaml": PIPELINE, "work/in.txt": b"1\n", "work/params.yaml": b"lr: 1e-5\nsize: 3\n"}


@pytest.fixture
def piped(dvc_process: DvcProcess) -> Iterator[Pair]:
    """A pipeline with a working folder, an executable, a long command, parameters named like sizes, twice."""
    found = Pair(dvc_process)
    found.write({**FILES, "other.yaml": b"nfiles: 2\nsize: 1\nx: [1, 2.0, null, yes]\n"})
    yield found
    found.drop()


def test_a_run_leaves_the_same_bytes_everywhere(piped: Pair) -> None:
    piped.dvc_does("repro")
    reproduce(piped.project, load(piped.project))
    piped.check()
    assert b"isexec: true" in (piped.ours / "dvc.lock").read_bytes()
    piped.dvc_sees_no_change()
    piped.write({"work/in.txt": b"2\n"})
    piped.dvc_does("repro", "make")
    reproduce(piped.project, load(piped.project))
    piped.dvc_does("repro")
    piped.check()


def test_each_side_is_given_back_what_the_other_ran(piped: Pair) -> None:
    piped.dvc_does("repro", at=piped.ours)
    piped.write({"work/in.txt": b"2\n"})
    reproduce(piped.project, load(piped.project))
    second = (piped.ours / "dvc.lock").read_bytes()
    piped.write({"work/in.txt": b"1\n"})
    assert "make" in reproduce(piped.project, load(piped.project)).restored
    piped.dvc_sees_no_change()
    piped.write({"work/in.txt": b"2\n"})
    assert "skipping run" in piped.dvc_does("repro", at=piped.ours)
    assert (piped.ours / "dvc.lock").read_bytes() == second


def test_what_a_lock_file_says_of_others_stays(piped: Pair) -> None:
    piped.dvc_does("repro")
    reproduce(piped.project, load(piped.project))
    gone = "  gone:\n    cmd: x\n    outs:\n    - path: g\n      hash: md5\n      md5: " + "ab" * 16 + "\n"
    gone += "      size: 1\n      cloud:\n        r:\n          etag: abc\n          version_id: v1\n"
    data = "datasets:\n- name: ds1\n  url: ../x\n  type: dvc\n  path: d\n  rev_lock: abc\n"
    for root in (piped.theirs, piped.ours):
        with (root / "dvc.lock").open("a") as file:
            file.write(gone + data)
    piped.write({"work/in.txt": b"3\n"})
    piped.dvc_does("repro")
    reproduce(piped.project, load(piped.project))
    piped.check()
    assert gone.encode() in (piped.ours / "dvc.lock").read_bytes()


@pytest.mark.parametrize("before", [b"# mine\n/other", b"", b"*.tmp\n!x\n", b"/d\r\n", b"/d\n/plain\n"])
def test_gitignore_gets_the_lines_that_dvc_gives_it(pair: Pair, before: bytes) -> None:
    odd = ["a b", "#x", "!y", "[z]", "q*", "back\\slash", "plain", "d"]
    pair.write({**dict.fromkeys(odd[:-1], b"1"), ".gitignore": before})
    pair.dvc_does("add", *odd)
    add(pair.project, odd)
    (pair.ours / "d/link").unlink()
    (pair.theirs / "d/link").unlink()
    pair.check()


def test_edits_come_back_with_force(added: Pair) -> None:
    added.write({"d/a": b"edited", "plain": None, "d/new": b"n"})
    added.dvc_does("checkout", "-f")
    checkout(added.project, how=How(force=True))
    added.dvc_sees_no_change()
    assert not (added.ours / "d/new").exists()
