"""A stage is added to a dvc.yaml or replaces one; what is wrong with it is found before anything is written."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from assay.engine import disk
from assay.engine.errors import AssayError, BadInput, Refused, StageFailed, UnsafePath, UsageError
from assay.engine.stages.add import Added, NewOut, NewStage, add
from assay.engine.workspace.undo import undo
from tests.faults.fulldisk import FullDisk
from tests.workspace import Workspace


def added(work: Workspace, name: str = "a", *, replace: bool = False, run: bool = False, folder: str = "",
          command: str = "true", **more: Any) -> Added:  # fmt: skip
    return add(work.project, NewStage(name, [command], **more), folder=folder, replace=replace, run=run)


def test_a_stage_is_added_with_its_lines_in_gitignore(work: Workspace) -> None:
    work.write("sub/x", "")
    outs = [NewOut("per", persist=True), NewOut("m", "metrics", cache=False), NewOut("sub/d"), NewOut("nowhere/o")]
    done = added(work, deps=["z", "b"], params={"p.yaml": [], "params.yaml": ["k", "a"]}, outs=outs, desc="x")
    assert done.written == ("dvc.yaml", ".gitignore", "sub/.gitignore")
    assert work.read(".gitignore") == "/per\n"
    assert work.read("sub/.gitignore") == "/d\n"
    assert work.read("dvc.yaml") == (
        "stages:\n  a:\n    desc: x\n    cmd: 'true'\n    deps:\n    - b\n    - z\n    params:\n    - a\n    - k\n"
        "    - p.yaml:\n    outs:\n    - nowhere/o\n    - per:\n        persist: true\n    - sub/d\n    metrics:\n"
        "    - m:\n        cache: false\n"
    )


def test_it_is_added_to_the_dvc_yaml_of_the_folder(work: Workspace) -> None:
    work.write("sub/deep/x", "")
    done = added(work, folder="sub", wdir="deep", deps=[work.project.path("sub/deep/x")], outs=[NewOut("../o")])
    assert work.read("sub/dvc.yaml") == (
        "stages:\n  a:\n    cmd: 'true'\n    wdir: deep\n    deps:\n    - x\n    outs:\n    - ../o\n"
    )
    assert done.stage.address == "sub/dvc.yaml:a"
    assert done.stage.outs[0].path == "sub/o"
    assert work.read("sub/.gitignore") == "/o\n"


def test_a_command_may_have_templates(work: Workspace) -> None:
    work.write("params.yaml", "lr: 1\n")
    assert added(work, command="echo ${lr}").stage.cmd == "echo 1"
    assert "cmd: echo ${lr}" in work.read("dvc.yaml")


def test_an_addition_that_was_cut_short_works_the_second_time(work: Workspace) -> None:
    with pytest.raises(AssayError, match="No space"), disk.injected(FullDisk(3)):
        added(work, outs=[NewOut("o")])
    assert not (work.root / "dvc.yaml").exists()
    assert added(work, outs=[NewOut("o")]).written
    assert work.read(".gitignore") == "/o\n"


def test_a_stage_is_replaced_and_undo_gives_it_back(work: Workspace) -> None:
    before = work.write("dvc.yaml", "stages:\n  a:\n    cmd: x # c\n    outs:\n    - o: {desc: mine, push: false}\n")
    text = before.read_text() + "    desc: about\n    frozen: true\n    meta: {k: 1}\n"
    before.write_text(text)
    with pytest.raises(Refused, match=r"dvc\.yaml has a stage 'a' already"):
        added(work)
    added(work, replace=True, outs=[NewOut("o", cache=False), NewOut("p")])
    assert work.read("dvc.yaml") == (
        "stages:\n  a:\n    cmd: 'true'\n    outs:\n    - o:\n        desc: mine\n        cache: false\n"
        "        push: false\n    - p\n    desc: about\n    meta: {k: 1}\n"
    )
    undo(work.project)
    assert work.read("dvc.yaml") == text
    assert not os.path.exists(work.project.path(".gitignore"))


def test_what_is_said_anew_about_a_stage_wins(work: Workspace) -> None:
    added(work, desc="old")
    added(work, desc="new", replace=True)
    assert "desc: new" in work.read("dvc.yaml")


def test_it_is_run_when_asked(work: Workspace) -> None:
    done = added(work, command="echo hi > o", outs=[NewOut("o")], run=True)
    assert done.reproduced is not None
    assert done.reproduced.ran == ("a",)
    assert "a:" in work.read("dvc.lock")
    with pytest.raises(StageFailed):
        added(work, "b", command="false", run=True)
    assert "b:" in work.read("dvc.yaml")


@pytest.mark.parametrize("name", ["", " ", "a.b", "a@b", "a:b", "a/b", "a\nb", " a", "${x}", "a!"])
def test_a_name_that_is_none(work: Workspace, name: str) -> None:
    refused(work, UsageError, name=name)


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"command": " "}, "no command"),
        ({"outs": [NewOut("../o")]}, "outside"),
        ({"outs": [NewOut("/etc/o")]}, "outside"),
        ({"outs": [NewOut("o"), NewOut("o", "metrics")]}, "written twice"),
        ({"outs": [NewOut("o")], "deps": ["./o"]}, "both read and written"),
        ({"outs": [NewOut("data/in")]}, "lies inside 'data'"),
        ({"outs": [NewOut("data")]}, "also written by stage 'prep'"),
        ({"outs": [NewOut("raw")], "deps": ["data"]}, "circle"),
        ({"wdir": "nope"}, "no such folder"),
        ({"command": "echo ${nope}"}, "nope"),
        ({"deps": ["\udcff"]}, "UTF-8"),
        ({"outs": [NewOut("a\nb")]}, "line break"),
    ],
)
def test_a_stage_that_does_not_fit(work: Workspace, more: dict[str, Any], says: str) -> None:
    work.write("dvc.yaml", "stages:\n  prep: {cmd: x, deps: [raw], outs: [data]}  # c\n")
    refused(work, UsageError, says, **more)


def test_a_pipeline_that_is_wrong_already_is_not_the_new_stages_fault(work: Workspace) -> None:
    work.write("sub/dvc.yaml", "stages: {x: {}}\n")
    refused(work, BadInput, "sub/dvc.yaml")


def test_what_git_keeps_is_not_for_the_cache(work: Workspace) -> None:
    work.write("folder/file", "x")
    subprocess.run(["git", "add", "folder/file"], cwd=work.root, check=True)
    refused(work, Refused, "folder is tracked by Git", outs=[NewOut("folder")])
    refused(work, Refused, "folder/file is tracked by Git", outs=[NewOut("folder/file", "metrics")])
    added(work, outs=[NewOut("folder/file", cache=False)])


def test_a_definition_of_many_stages_is_not_replaced(work: Workspace) -> None:
    work.write("dvc.yaml", "stages:\n  a:\n    foreach: [1]\n    do: {cmd: x}\n")
    refused(work, Refused, "stands for many", replace=True)


def test_an_output_below_a_symlink_is_not_written(work: Workspace) -> None:
    (work.root / "link").symlink_to("elsewhere")
    refused(work, UnsafePath, "link", outs=[NewOut("link/o")])


def test_a_folder_that_is_ignored_gets_no_stage(work: Workspace) -> None:
    work.write("sub/x", "")
    work.write(".gitignore", "/sub\n")
    refused(work, Refused, "ignored", folder="sub")


def refused(work: Workspace, kind: type[AssayError], says: str = "", **more: Any) -> None:
    before = files(work.root)
    with pytest.raises(kind) as caught:
        added(work, **more)
    assert says in caught.value.message
    assert files(work.root) == before


def files(root: Path) -> dict[str, bytes]:
    return {
        str(path): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and ".git/" not in str(path) and ".assay/" not in str(path)
    }
