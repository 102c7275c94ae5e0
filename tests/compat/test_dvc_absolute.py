"""Absolute paths that lie in the project are paths of the project, wherever a file or a command line has them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from assay.engine.data.commit import How, commit
from assay.engine.experiments.show import show
from assay.engine.pipeline.repro import reproduce
from assay.engine.pipeline.spec import load
from tests.dvcpairs import Pair, open_at, write
from tests.dvcprocess import DvcProcess
from tests.dvcsides import commit as git_commit

PIPELINE = """\
vars:
- top: {root}
- {root}/sub/more.yaml
stages:
  first:
    cmd: cat in/a > mid
    deps:
    - {root}/in/../in/a
    outs:
    - {root}/mid
  second:
    cmd: cat mid > out && echo '{{"a":1}}' > m.json
    deps:
    - mid
    params:
    - {root}/params.yaml:
      - x
    - {root}/sub/more.yaml:
    outs:
    - ${{top}}/out
    metrics:
    - {root}/m.json:
        cache: false
  third:
    wdir: {root}/sub
    vars:
    - {root}/sub/third.yaml
    cmd: cat ../out > o${{n}}
    deps:
    - {root}/out
    outs:
    - {root}/sub/o${{n}}
metrics:
- {root}/m.json
params:
- {root}/params.yaml
plots:
- {root}/m.json
"""


@pytest.fixture
def pair(dvc_process: DvcProcess) -> Iterator[Pair]:
    """A project whose files spell its own absolute path, a different one on each side."""
    found = Pair(dvc_process)
    found.write({"in/a": b"1\n", "params.yaml": b"x: 1\n", "sub/more.yaml": b"k: v\n", "sub/third.yaml": b"n: 3\n"})
    for root in (found.ours, found.theirs):
        write(root, {"dvc.yaml": PIPELINE.format(root=root).encode()})
    yield found
    found.drop()


def without_root(pair: Pair, name: str) -> tuple[str, str]:
    """A file of both sides, with each side's root taken out."""
    sides = (root.joinpath(name).read_text().replace(str(root), "<root>") for root in (pair.ours, pair.theirs))
    ours, theirs = sides
    return ours, theirs


def test_a_pipeline_is_run_and_recorded_as_with_dvc(pair: Pair, assay_dvc: Callable[..., Any]) -> None:
    pair.dvc_does("repro")
    reproduce(pair.project, load(pair.project))
    for name in ("dvc.lock", ".gitignore", "sub/.gitignore"):
        ours, theirs = without_root(pair, name)
        assert ours == theirs
        assert "<root>" not in ours
    pair.dvc_sees_no_change()
    (pair.ours / "params.yaml").write_text("x: 2\n")
    (pair.theirs / "params.yaml").write_text("x: 2\n")
    for words in (["dag", "--dot", "--outs"], ["status", "--json"], ["metrics", "show", "--json"], ["data", "status"]):
        assert assay_dvc(*words, cwd=pair.ours).out.strip() == pair.dvc_does(*words).strip()


def test_words_of_a_command_line_may_be_absolute(pair: Pair, assay_dvc: Callable[..., Any]) -> None:
    for do, root in ((pair.dvc_does, pair.theirs), (lambda *words: assay_dvc(*words, cwd=pair.ours), pair.ours)):
        do("repro", f"{root}/dvc.yaml:third")
        write(root, {"mid": None, "d/x": b"x", "d/y": b"y"})
        do("checkout", f"{root}/mid")
        do("add", f"{root}/d")
        write(root, {"d/x": b"z"})
        do("commit", "-f", f"{root}/d.dvc")
        do("metrics", "show", f"{root}/m.json")
        do("freeze", f"{root}/d.dvc")
        do("unfreeze", f"{root}/d.dvc")
    for name in ("dvc.lock", ".gitignore", "d.dvc"):
        ours, theirs = without_root(pair, name)
        assert ours == theirs


def test_a_data_file_is_recorded_with_relative_paths(pair: Pair) -> None:
    for root in (pair.ours, pair.theirs):
        text = f"wdir: {root}/sub\nouts:\n- md5: {'a' * 32}\n  size: 2\n  hash: md5\n  path: {root}/kept\n"
        write(root, {"kept": b"kept", "k.dvc": text.encode()})
    pair.dvc_does("commit", "-f", "k.dvc")
    commit(pair.project, ["k.dvc"], How(force=True))
    ours, theirs = without_root(pair, "k.dvc")
    assert ours == theirs
    assert "path: ../kept" in ours


def test_the_workspace_is_shown_as_dvc_shows_it(pair: Pair, assay_dvc: Callable[..., Any]) -> None:
    for root in (pair.ours, pair.theirs):
        assay_dvc("repro", cwd=root)
        git_commit(root)
    ours, theirs = (
        json.loads(told)[0]["data"]
        for told in (assay_dvc("exp", "show", "--json", cwd=pair.ours).out, pair.dvc_does("exp", "show", "--json"))
    )
    for key in ("deps", "outs", "params", "metrics"):
        assert ours[key] == theirs[key]


def test_what_a_commit_says_is_told_for_where_the_project_is_now(pair: Pair, tmp_path: Path) -> None:
    reproduce(pair.project, load(pair.project))
    git_commit(pair.ours)
    for _ in range(2):
        (group,) = show(pair.project).groups
        assert json.loads("{" + group.baseline.body)["metrics"] == {"m.json": {"a": 1}}
    elsewhere = tmp_path / "moved"
    pair.ours.rename(elsewhere)
    try:
        (group,) = show(open_at(elsewhere)).groups
        assert json.loads("{" + group.baseline.body)["metrics"] == {}
    finally:
        elsewhere.rename(pair.ours)
