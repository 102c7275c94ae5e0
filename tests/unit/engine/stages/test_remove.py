"""Stages are taken out with everything that is about them, and undo brings all of it back."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.engine.errors import Refused, UsageError
from assay.engine.pipeline.choice import EVERYTHING
from assay.engine.pipeline.repro import reproduce
from assay.engine.pipeline.spec import load
from assay.engine.stages.remove import remove
from assay.engine.workspace.undo import undo
from tests.workspace import Workspace

TEXT = """\
# ours
stages:
  a:
    cmd: mkdir -p d && echo 1 > d/x && echo 2 > g && echo 3 > m.json
    outs: [d, {g: {cache: false}}]
    metrics: [m.json]
  b:   # second
    cmd: cat d/x > o
    deps: [d]
    outs: [o]
  g:
    foreach: [1, 2]
    do: {cmd: 'echo ${item} > g${item}', outs: ['g${item}']}
"""


@pytest.fixture
def run(work: Workspace) -> Workspace:
    work.write("dvc.yaml", TEXT)
    work.write(".gitignore", "# mine\n")
    reproduce(work.project, load(work.project), EVERYTHING)
    return work


def files(root: Path) -> dict[str, bytes]:
    found = (path for path in root.rglob("*") if path.is_file())
    return {
        name: path.read_bytes()
        for path in found
        if not (name := str(path.relative_to(root))).startswith((".git/", ".assay/"))
    }


def test_a_stage_goes_and_its_outputs_stay(run: Workspace) -> None:
    before = files(run.root)
    done = remove(run.project, ["b"])
    assert done.stages == ("b",)
    assert done.outs == ()
    after = files(run.root)
    assert set(before) == set(after)
    assert {name for name in before if before[name] != after[name]} == {"dvc.yaml", "dvc.lock", ".gitignore"}
    assert "second" not in run.read("dvc.yaml")
    assert "\n  b:" not in run.read("dvc.lock")
    assert run.read(".gitignore") == "# mine\n/d\n/m.json\n/g1\n/g2\n"
    undo(run.project)
    assert files(run.root) == before


def test_outputs_go_too_when_asked_and_undo_brings_them_back(run: Workspace) -> None:
    (run.root / "d/x").write_text("changed by hand\n")
    before = files(run.root)
    done = remove(run.project, ["a"], outs=True)
    assert set(done.outs) == {"d", "g", "m.json"}
    assert not {"d/x", "g", "m.json"} & files(run.root).keys()
    undo(run.project)
    assert files(run.root) == before


def test_a_group_goes_as_a_whole_and_not_in_part(run: Workspace) -> None:
    with pytest.raises(Refused, match="'g@1' is made from 'g'"):
        remove(run.project, ["g@1"])
    assert remove(run.project, ["g"]).stages == ("g",)
    assert "g@" not in run.read("dvc.lock")
    assert "/g1" not in run.read(".gitignore")


def test_after_the_last_stage_what_holds_nothing_else_is_gone(work: Workspace) -> None:
    work.write("sub/dvc.yaml", "stages: {x: {cmd: echo > o, outs: [o]}}\n")
    reproduce(work.project, load(work.project), EVERYTHING)
    before = files(work.root)
    remove(work.project, ["x"], folder="sub")
    assert files(work.root).keys() == {"sub/o"}
    undo(work.project)
    assert files(work.root) == before


def test_all_stages_at_once_leave_the_comments(run: Workspace) -> None:
    remove(run.project, ["a", "b", "g"])
    assert run.read("dvc.yaml") == "# ours\n"
    assert not (run.root / "dvc.lock").exists()


def test_stages_that_do_not_fit_together_can_be_taken_apart(work: Workspace) -> None:
    work.write("dvc.yaml", "stages:\n  a: {cmd: x, outs: [o]}\n  b: {cmd: x, outs: [o]}\n")
    remove(work.project, ["b"])
    assert work.read("dvc.yaml") == "stages:\n  a: {cmd: x, outs: [o]}\n"


def test_an_output_below_a_symlink_is_left_alone(work: Workspace) -> None:
    work.write("dvc.yaml", "stages:\n  a: {cmd: x, outs: [link/o]}\n  b: {cmd: x}\n")
    work.write("elsewhere/o", "mine")
    (work.root / "link").symlink_to("elsewhere")
    remove(work.project, ["a"])
    assert work.read("elsewhere/o") == "mine"
    assert work.read("dvc.yaml") == "stages:\n  b: {cmd: x}\n"


def test_links_into_the_cache_become_files_of_ones_own(run: Workspace) -> None:
    cached = run.root / ".assay/cache/linked"
    cached.write_text("content")
    (run.root / "o").unlink()
    (run.root / "o").hardlink_to(cached)
    remove(run.project, ["b"])
    assert (run.root / "o").stat().st_nlink == 1
    assert run.read("o") == "content"


def test_an_unknown_stage_and_data_are_said(run: Workspace) -> None:
    run.write("x.dvc", "outs: [{path: x}]\n")
    before = files(run.root)
    with pytest.raises(UsageError, match="There is no stage 'nope'"):
        remove(run.project, ["a", "nope"])
    with pytest.raises(UsageError, match=r"x\.dvc tracks data"):
        remove(run.project, ["x.dvc"])
    assert files(run.root) == before
