"""What DVC 2 recorded (no ``hash:`` key, objects at the cache's root): read, kept while it is the same, then upgraded.

Real DVC 3 does the same in a copy of the project beside it, and the two are compared byte for byte.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from assay.engine.data.add import add
from assay.engine.data.checkout import How, checkout
from assay.engine.data.commit import How as CommitHow
from assay.engine.data.commit import commit
from assay.engine.data.ls import ls
from assay.engine.data.status import status
from assay.engine.pipeline import lockyaml
from assay.engine.pipeline.repro import reproduce, statuses
from assay.engine.pipeline.spec import load
from tests.dvcpairs import Pair, cache_of, legacy_data, legacy_item
from tests.dvcprocess import DvcProcess

CRLF = b"a\r\nb\r\n"
BINARY = b"\0\r\n\r\n"
FOLDER = {"x": b"x\r\n", "s/y": b"y\n"}
PIPELINE = """\
stages:
  prepare:
    cmd: cp in.txt mid && mkdir -p made && cp in.txt made/f
    deps:
    - in.txt
    - more.txt
    outs:
    - made
    - mid
  count:
    cmd: wc -c mid > count.txt
    deps:
    - mid
    metrics:
    - count.txt:
        cache: false
"""


@pytest.fixture
def pair(dvc_process: DvcProcess) -> Iterator[Pair]:
    """A project of DVC 2, twice: a text with CRLF, a binary, a folder, and a file."""
    found = Pair(dvc_process)
    for root in (found.theirs, found.ours):
        legacy_data(root, "crlf", CRLF)
        legacy_data(root, "binary", BINARY)
        legacy_data(root, "data", FOLDER)
    yield found
    found.drop()


@pytest.fixture
def piped(dvc_process: DvcProcess) -> Iterator[Pair]:
    """A pipeline that DVC 2 ran, twice."""
    found = Pair(dvc_process)
    count = b"6 mid\n"
    found.write({"dvc.yaml": PIPELINE.encode(), "in.txt": CRLF, "more.txt": b"1\n", "mid": CRLF, "made/f": CRLF})
    found.write({"count.txt": count, ".gitignore": b"/made\n/mid\n"})
    for root in (found.theirs, found.ours):
        outs = [legacy_item(root, "made", {"f": CRLF}), legacy_item(root, "mid", CRLF, cached=True)]
        deps = [legacy_item(root, "in.txt", CRLF), legacy_item(root, "more.txt", b"1\n")]
        first = {"cmd": "cp in.txt mid && mkdir -p made && cp in.txt made/f", "deps": deps, "outs": outs}
        deps, outs = [legacy_item(root, "mid", CRLF)], [legacy_item(root, "count.txt", count)]
        second = {"cmd": "wc -c mid > count.txt", "deps": deps, "outs": outs}
        (root / "dvc.lock").write_text(lockyaml.emit({"schema": "2.0", "stages": {"prepare": first, "count": second}}))
    yield found
    found.drop()


def test_unchanged_data_of_dvc_2_is_unchanged(pair: Pair) -> None:
    pair.dvc_sees_no_change(pair.theirs)
    found = status(pair.project)
    assert not any((*found.uncommitted[:4], found.not_in_cache))
    assert [line.path for line in ls(pair.project, recursive=True)] == ["binary", "crlf", "data/s/y", "data/x"]


def test_data_of_dvc_2_is_checked_out(pair: Pair) -> None:
    for root in (pair.theirs, pair.ours):
        shutil.rmtree(root / "data")
        (root / "crlf").unlink()
    pair.dvc_does("checkout")
    checkout(pair.project)
    pair.check()
    assert (pair.ours / "crlf").read_bytes() == CRLF


@pytest.mark.parametrize("verb", ["add", "commit"])
def test_unchanged_data_keeps_the_form_of_dvc_2(pair: Pair, verb: str) -> None:
    if verb == "add":
        pair.dvc_does("add", "crlf", "binary", "data")
        add(pair.project, ["crlf", "binary", "data"])
    else:
        pair.dvc_does("commit", "-f")
        commit(pair.project, how=CommitHow(force=True))
    pair.check()
    assert not any(name.startswith("files") for name in cache_of(pair.ours))


@pytest.mark.parametrize("verb", ["add", "commit"])
def test_changed_data_moves_to_the_form_of_dvc_3(pair: Pair, verb: str) -> None:
    pair.write({"crlf": b"c\r\n", "data/new": b"z\r\n", "binary": None})
    if verb == "add":
        pair.dvc_does("add", "crlf", "data")
        add(pair.project, ["crlf", "data"])
    else:
        for name in ("crlf", "data"):
            pair.dvc_does("commit", "-f", name)
        commit(pair.project, ["crlf", "data"])
    pair.check()
    assert b"hash: md5" in (pair.ours / "crlf.dvc").read_bytes()
    pair.dvc_does("checkout", "binary", at=pair.ours)
    pair.dvc_sees_no_change()


def test_an_edited_folder_of_dvc_2_comes_back(pair: Pair) -> None:
    pair.write({"data/x": b"edited", "data/more": b"m"})
    pair.dvc_does("checkout", "-f")
    checkout(pair.project, how=How(force=True))
    assert (pair.ours / "data/x").read_bytes() == FOLDER["x"]
    assert not (pair.ours / "data/more").exists()
    pair.dvc_sees_no_change()


def test_what_the_cache_of_dvc_2_lost_is_put_there_again(pair: Pair) -> None:
    for root in (pair.theirs, pair.ours):
        shutil.rmtree(root / ".dvc/cache")
    assert status(pair.project).not_in_cache
    pair.dvc_does("add", "crlf", "binary", "data")
    add(pair.project, ["crlf", "binary", "data"])
    pair.check()


def test_a_pipeline_of_dvc_2_is_up_to_date(piped: Pair) -> None:
    piped.dvc_sees_no_change(piped.theirs)
    assert not any(found.reasons for found in statuses(piped.project, load(piped.project)))
    before = (piped.ours / "dvc.lock").read_bytes()
    assert not reproduce(piped.project, load(piped.project)).ran
    commit(piped.project)
    assert (piped.ours / "dvc.lock").read_bytes() == before


def test_a_run_upgrades_what_changed_and_nothing_else(piped: Pair) -> None:
    piped.write({"more.txt": b"2\n"})
    piped.dvc_does("repro")
    assert reproduce(piped.project, load(piped.project)).ran == ("prepare",)
    piped.check()
    piped.write({"in.txt": b"c\r\n"})
    piped.dvc_does("repro")
    assert reproduce(piped.project, load(piped.project)).ran == ("prepare", "count")
    piped.check()
    assert b"hash: md5" in (piped.ours / "dvc.lock").read_bytes()


def test_outputs_of_dvc_2_come_back_from_its_cache(piped: Pair) -> None:
    piped.write({"mid": None, "made/f": b"edited"})
    assert reproduce(piped.project, load(piped.project)).restored == ("prepare",)
    assert (piped.ours / "made/f").read_bytes() == CRLF
    piped.dvc_sees_no_change()


def test_a_run_of_dvc_2_data_is_in_the_run_cache_of_both(piped: Pair) -> None:
    piped.write({"more.txt": b"2\n"})
    reproduce(piped.project, load(piped.project))
    kept = (piped.ours / "dvc.lock").read_bytes()
    piped.write({"more.txt": b"3\n"})
    piped.dvc_does("repro", at=piped.ours)
    piped.write({"more.txt": b"2\n"})
    assert "skipping run" in piped.dvc_does("repro", at=piped.ours)
    assert (piped.ours / "dvc.lock").read_bytes() == kept
    piped.write({"more.txt": b"3\n"})
    assert reproduce(piped.project, load(piped.project)).restored == ("prepare",)
