"""What `commit` and `exp save` say of a stage is in the run cache where DVC has it, and where it can be believed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.dvcpairs import Pair, files
from tests.dvcprocess import DvcProcess
from tests.dvcsides import commit as git_commit

STAGE = b"""\
stages:
  s:
    cmd: cat a > o && echo "{}" > m.json
    deps: [a]
    params: [x]
    outs: [o]
    metrics:
    - m.json:
        cache: false
  still:
    cmd: cat a > kept
    frozen: true
    deps: [a]
    outs: [kept]
"""


@pytest.fixture
def pair(dvc_process: DvcProcess) -> Iterator[Pair]:
    found = Pair(dvc_process)
    found.write(
        {"a": b"1\n", "params.yaml": b"x: 1\n", "dvc.yaml": STAGE, "kept": b"1\n", ".gitignore": b"/kept\n/o\n"}
    )
    yield found
    found.drop()


def both(pair: Pair, assay_dvc: Callable[..., Any], *words: str) -> None:
    pair.dvc_does(*words)
    assay_dvc(*words, cwd=pair.ours)


def runs(pair: Pair) -> tuple[set[str], set[str]]:
    """The entries of both run caches: ours, theirs."""
    ours, theirs = ({name for name in files(root) if "/runs/" in name} for root in (pair.ours, pair.theirs))
    return ours, theirs


def test_a_commit_of_what_somebody_made_by_hand(pair: Pair, assay_dvc: Callable[..., Any]) -> None:
    pair.write({"o": b"1\n", "m.json": b"{}\n"})
    both(pair, assay_dvc, "commit", "-f")
    pair.check()
    assert len(runs(pair)[0]) == 2
    for content in ({"o": b"edited"}, {"a": b"2\n", "m.json": b'{"a": 1}'}):
        pair.write(content)
        both(pair, assay_dvc, "commit", "-f")
        pair.check()


def test_a_commit_of_a_run_that_was_not(pair: Pair, assay_dvc: Callable[..., Any]) -> None:
    both(pair, assay_dvc, "repro", "--no-commit", "s")
    assert runs(pair) == (set(), set())
    both(pair, assay_dvc, "commit", "s")
    pair.check()
    assert runs(pair) == (set(), set())
    both(pair, assay_dvc, "commit", "-f", "s")
    pair.check()
    assert len(runs(pair)[0]) == 1


def test_a_save_keeps_what_was_recorded_and_what_was_made_first(pair: Pair, assay_dvc: Callable[..., Any]) -> None:
    pair.write({"o": b"1\n", "m.json": b"{}\n"})
    for root in (pair.ours, pair.theirs):
        git_commit(root)
    both(pair, assay_dvc, "exp", "save", "-n", "one")
    ours, theirs = runs(pair)
    assert ours == theirs
    assert len(ours) == 2
    pair.write({"o": b"edited"})
    both(pair, assay_dvc, "exp", "save", "-n", "two")
    ours, theirs = runs(pair)
    assert ours < theirs  # nobody knows that the command made it


def test_a_save_after_a_run_that_was_not_committed(pair: Pair, assay_dvc: Callable[..., Any]) -> None:
    for root in (pair.ours, pair.theirs):
        git_commit(root)
    both(pair, assay_dvc, "repro", "--no-commit", "s")
    both(pair, assay_dvc, "exp", "save", "-n", "one", "s")
    ours, theirs = runs(pair)
    assert ours == theirs
    assert len(ours) == 1
    both(pair, assay_dvc, "repro", "s")
    assert runs(pair) == (ours, theirs)
