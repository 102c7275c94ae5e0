"""Branches of experiments, and the list of commits."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize("name", ["a b", "HEAD", "x..y", "x.lock"])
def test_a_name_that_no_branch_can_have(project, assay, name):
    assert "name of a branch" in assay("branch", "HEAD", name, cwd=project, code=254).err


def test_a_name_that_another_branch_has_or_blocks(project, assay):
    for name in ("main", "main/sub"):
        assert "There is a branch" in assay("branch", "HEAD", name, cwd=project, code=1).err


def test_a_branch_of_a_revision_asks_for_a_name(project, assay):
    assert "assay branch EXPERIMENT NAME" in assay("branch", "HEAD~0", cwd=project, code=254).err


def test_log_names_annotated_tags_and_the_branch_one_is_on(project, assay, git):
    git("tag", "-a", "-m", "one", "v1", cwd=project)
    git("tag", "plain", cwd=project)
    assert "(HEAD -> main, tag: plain, tag: v1)" in assay("log", cwd=project).out


def test_log_takes_no_negative_number(project, assay):
    assert "-1" in assay("log", "-n", "-1", cwd=project, code=254).err


def test_status_tells_of_the_files_although_the_pipeline_is_broken(project, assay):
    (project / "dvc.yaml").write_text("stages: [\n")
    said = assay("status", cwd=project, code=255)
    assert "M dvc.yaml" in said.out
    assert "dvc.yaml, line" in said.err


def test_an_init_that_was_cut_short_can_be_done_again(tmp_path, assay):
    (tmp_path / ".assay").mkdir()
    assay("init", "--hash", "sha256", cwd=tmp_path)
    assert "already" in assay("init", cwd=tmp_path, code=1).err


def test_a_setting_that_would_lock_one_out_is_refused(project, assay):
    before = (project / ".assay/config").read_text()
    for key, value in (("core.hash", "crc32"), ("cache.type", "hardlink,teleport")):
        assert key in assay("config", key, value, cwd=project, code=251).err
    assert (project / ".assay/config").read_text() == before


def test_a_project_reached_through_a_symlink(project, assay):
    link = project.parent / "link"
    link.symlink_to(project)
    (project / "raw.txt").write_text("x\n")
    assay("baseline", "-m", "x", str(link / "raw.txt"), cwd=link)
    assay("run", "-n", "one", cwd=link)
    assay("apply", "one", cwd=link)
