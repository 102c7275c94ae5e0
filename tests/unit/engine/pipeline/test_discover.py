"""Where pipeline files are looked for, and where not."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from assay.engine.errors import BadInput
from assay.engine.pipeline.discover import pipeline_files
from assay.engine.pipeline.spec import load
from tests.workspace import Workspace

STAGES = "stages: {s: {cmd: x, outs: [big]}}\n"


def found(root: Path, outs: Iterable[str] = ()) -> list[str]:
    return list(pipeline_files(str(root), lambda path, is_dir: path == "ignored" and is_dir, lambda path: outs))


def touch(root: Path, *paths: str) -> None:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("")


def test_a_folder_comes_before_those_below_it(tmp_path: Path) -> None:
    touch(tmp_path, "b/dvc.yaml", "a/deep/x.dvc", "dvc.yaml", "z.dvc", "a.dvc", "a/dvc.yaml", "other.yaml", "dvc.yaml~")
    assert found(tmp_path) == ["dvc.yaml", "a.dvc", "z.dvc", "a/dvc.yaml", "b/dvc.yaml", "a/deep/x.dvc"]


def test_nothing_is_looked_for_in_what_cannot_hold_one(tmp_path: Path) -> None:
    touch(tmp_path, "dvc.yaml", "ignored/dvc.yaml", ".git/dvc.yaml", ".dvc/x.dvc", ".assay/dvc.yaml", "out/dvc.yaml",
          "inner/.dvc/config", "inner/dvc.yaml", "sub/inner/.assay/config", "sub/inner/dvc.yaml")  # fmt: skip
    (tmp_path / "link").symlink_to("sub")
    assert found(tmp_path, ["out"]) == ["dvc.yaml"]


def test_a_file_that_is_called_like_a_marker_is_nothing_special(tmp_path: Path) -> None:
    touch(tmp_path, "sub/.dvc", "sub/dvc.yaml")
    assert found(tmp_path) == ["sub/dvc.yaml"]


def test_ignored_folders_and_outputs_are_not_entered(work: Workspace) -> None:
    work.write(".gitignore", "/venv/\n")
    work.write(".dvcignore", "/scratch\n")
    work.write("dvc.yaml", STAGES)
    for folder in ("venv", "scratch", "big", "sub"):
        work.write(f"{folder}/dvc.yaml", STAGES)
    assert list(load(work.project).stages) == ["s", "sub/dvc.yaml:s"]


def test_a_project_without_a_pipeline_has_no_stages(work: Workspace) -> None:
    assert load(work.project).stages == {}


def test_a_broken_file_in_a_folder_is_named(work: Workspace) -> None:
    work.write("sub/dvc.yaml", "stages: 1\n")
    with pytest.raises(BadInput, match=r"^sub/dvc\.yaml, line 1, stages: should be a map"):
        load(work.project)


def test_a_dvc_yaml_that_is_a_folder_is_no_pipeline(work: Workspace) -> None:
    work.write("dvc.yaml/file", "")
    assert load(work.project).stages == {}
