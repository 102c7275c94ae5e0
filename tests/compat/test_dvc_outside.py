"""``.dvc`` files that track what lies outside the project: read as DVC reads them, and nothing is written there."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from assay.engine.data.commit import commit
from tests.dvcpairs import Pair, write
from tests.dvcprocess import DvcProcess

MD5 = hashlib.md5(b"content", usedforsecurity=False).hexdigest()


@pytest.fixture
def pair(dvc_process: DvcProcess, tmp_path: Path) -> Iterator[Pair]:
    """A project with data of its own, and a file elsewhere."""
    found = Pair(dvc_process)
    found.write({"near": b"near"})
    found.dvc_does("add", "near")
    found.dvc_does("add", "near", at=found.ours)
    (tmp_path / "far").write_bytes(b"content")
    yield found
    found.drop()


def tracks(pair: Pair, path: Path | str, wdir: str = "", cache: str = "  cache: false\n") -> None:
    text = f"{wdir}outs:\n- md5: {MD5}\n  size: 7\n  hash: md5\n{cache}  path: {path}\n"
    pair.write({"far.dvc": text.encode()})


@pytest.mark.parametrize("form", ["absolute", "relative", "wdir"])
def test_status_tells_what_dvc_tells(pair: Pair, assay_dvc: Callable[..., Any], tmp_path: Path, form: str) -> None:
    above = "../" * 40 + str(tmp_path).lstrip("/")
    if form == "wdir":
        tracks(pair, "far", f"wdir: {above}\n")
    else:
        tracks(pair, tmp_path / "far" if form == "absolute" else f"{above}/far")
    for content in (b"content", b"changed", None):
        write(tmp_path, {"far": content})
        theirs = json.loads(pair.dvc_does("status", "--json"))
        assert json.loads(assay_dvc("status", "--json", cwd=pair.ours).out) == theirs
    assert "deleted" in str(theirs)


def test_a_commit_records_it_as_dvc_does(pair: Pair) -> None:
    tracks(pair, "../far")
    (pair.ours.parent / "far").write_bytes(b"changed")
    pair.dvc_does("commit", "-f")
    commit(pair.project)
    pair.check()
    assert MD5 not in (pair.ours / "far.dvc").read_text()


@pytest.mark.parametrize("cache", ["", "  cache: false\n"])
def test_nothing_else_is_disturbed(pair: Pair, assay_dvc: Callable[..., Any], tmp_path: Path, cache: str) -> None:
    tracks(pair, tmp_path / "far", cache=cache)
    (tmp_path / "far").write_bytes(b"mine")
    write(pair.ours, {"near": None})
    write(pair.theirs, {"near": None})
    for words in (["checkout"], ["data", "status", "--json"], ["list", ".", "--dvc-only"], ["dag", "--dot", "--outs"]):
        theirs = pair.dvc_does(*words)
        if words[0] != "list":
            assert assay_dvc(*words, cwd=pair.ours).out.strip() == theirs.strip()
    assert (pair.ours / "near").read_bytes() == b"near"
    assert (tmp_path / "far").read_bytes() == b"mine"


def test_a_stage_may_read_a_work_tree_of_git_as_with_dvc(pair: Pair, assay_dvc: Callable[..., Any]) -> None:
    write(pair.ours.parent, {"lib/code": b"1", "lib/.git": b"gitdir: ../somewhere\n"})
    pair.write({"dvc.yaml": b"stages: {s: {cmd: cp ../lib/code o, deps: [../lib], outs: [o]}}"})
    pair.dvc_does("repro")
    assay_dvc("repro", cwd=pair.ours)
    assert (pair.ours / "dvc.lock").read_bytes() == (pair.theirs / "dvc.lock").read_bytes()
    assert b"nfiles: 2" in (pair.ours / "dvc.lock").read_bytes()
