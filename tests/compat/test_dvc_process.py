"""The one long-lived DVC answers like a fresh one: nothing of one question is seen by the next."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.dvcprocess import DvcProcess, DvcRefused

STAGE = "stages: {a: {cmd: cat in > out, deps: [in], outs: [out]}}\n"


def test_a_stage_runs_once_and_then_is_up_to_date(dvc_process: DvcProcess) -> None:
    root = dvc_process.new()
    (root / "in").write_text("x\n")
    (root / "dvc.yaml").write_text(STAGE)
    assert dvc_process.repro(root) == ["a"]
    assert dvc_process.repro(root) == []
    assert dvc_process.run(root, "status", "--json").out == "{}\n"
    assert (root / ".gitignore").read_text() == "/out\n"


def test_a_folder_made_anew_under_the_same_name_is_another_repository(dvc_process: DvcProcess) -> None:
    root = dvc_process.new(git=False)
    for content in ("one", "two"):
        (root / "in").write_text(content)
        (root / "dvc.yaml").write_text(STAGE)
        (root / ".dvc").mkdir(exist_ok=True)
        (root / ".dvc/config").write_text("[core]\n    no_scm = True\n")
        assert dvc_process.repro(root) == ["a"]
        dvc_process.drop(root)
        root.mkdir()


def test_a_refusal_leaves_the_process_well(dvc_process: DvcProcess) -> None:
    root = dvc_process.new()
    (root / "dvc.yaml").write_text("stages: {a: {cmd: 'false'}, b: {cmd: x, dep: [y]}}\n")
    with pytest.raises(DvcRefused, match="validation failed"):
        dvc_process.resolve(root)
    (root / "dvc.yaml").write_text("stages: {a: {cmd: 'false'}}\n")
    assert dvc_process.resolve(root)["stages"]["a"]["cmd"] == "false"
    answer = dvc_process.run(root, "repro")
    assert answer.code == 255
    assert "failed to run: false, exited with 1" in answer.err
    assert dvc_process.run(root, "no-such-verb").code == 254


def test_what_stages_print_and_read_stays_out_of_the_conversation(dvc_process: DvcProcess, tmp_path: Path) -> None:
    root = dvc_process.new()
    (root / "dvc.yaml").write_text("stages: {a: {cmd: 'cat; echo said; echo $MINE $HOME >&2'}}\n")
    answer = dvc_process.run(root, "repro", MINE="mine")
    assert "said" in answer.out
    assert f"mine {dvc_process.folder}/home" in answer.err
    assert "mine" not in dvc_process.run(root, "repro", "-f").err
    assert os.listdir(os.environ["HOME"]) == []
