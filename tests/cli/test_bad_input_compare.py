"""Bad input to the verbs that compare: one sentence, the right exit code, nothing changed."""

from __future__ import annotations

import pytest

from tests.filetree import picture


@pytest.fixture
def refused(assay, project):
    """Runs a command that must fail with a code and words, and leave the project as it was."""

    def check(code, *words, says=()):
        before = picture(project)
        said = assay(*words, cwd=project, code=code)
        errors = [line for line in said.err.splitlines() if line.startswith("error: ")]
        assert len(errors) == 1, said.err
        assert said.out == ""
        for word in says:
            assert word in said.err, said.err
        assert picture(project) == before

    return check


@pytest.mark.parametrize("verb", ["metrics", "params"])
def test_an_unknown_revision(refused, verb):
    refused(255, verb, "diff", "nope", says=["'nope'"])
    refused(255, verb, "diff", "HEAD", "mainn", says=["main"])
    refused(255, verb, "show", "--rev", "nope", says=["'nope'"])


@pytest.mark.parametrize("verb", ["metrics", "params"])
def test_a_target_that_is_nowhere(refused, verb):
    refused(255, verb, "show", "nope.json", says=["nope.json", "workspace"])
    refused(255, verb, "diff", "--targets", "nope.json", says=["nope.json", "HEAD or workspace"])


@pytest.mark.parametrize("verb", ["metrics", "params"])
def test_a_target_outside_the_project(refused, verb):
    refused(254, verb, "show", "../metrics.json", says=["outside"])


@pytest.mark.parametrize("verb", ["metrics", "params"])
def test_words_that_make_no_command(refused, verb):
    refused(254, verb, says=["show"])
    refused(254, verb, "shw", says=["shw"])
    refused(254, verb, "diff", "a", "b", "c", says=["c"])
    refused(254, verb, "diff", "--json", "--md")


def test_a_precision_that_is_none(refused):
    refused(254, "metrics", "diff", "--precision", "0", says=["1 to 17"])
    refused(254, "metrics", "show", "--precision", "many", says=["many"])


def test_a_folder_that_is_no_project(assay, tmp_path):
    assert "assay init" in assay("metrics", "diff", cwd=tmp_path, code=253).err


def test_no_commit_yet(assay, tmp_path):
    assay("init")
    assert "HEAD has no commit yet" in assay("params", "diff", code=255).err


def test_diff_of_an_unknown_revision(refused):
    refused(255, "diff", "nope", says=["'nope'"])
    refused(255, "diff", "HEAD~5", says=["HEAD~5"])


def test_diff_of_a_section_that_is_none(refused):
    refused(254, "diff", "--only", "numbers", says=["numbers"])


def test_a_patch_without_code_or_as_json(refused):
    refused(254, "diff", "-p", "--only", "data", says=["--only code"])
    refused(254, "diff", "-p", "--json", says=["--patch"])


def test_diff_with_a_precision_that_is_none(refused):
    refused(254, "diff", "--precision", "99", says=["1 to 17"])


def test_a_damaged_file_that_dvc_yaml_needs_as_well_is_told_once(assay, project):
    (project / "dvc.yaml").write_text((project / "dvc.yaml").read_text() + "vars: [params.yaml]\n")
    (project / "params.yaml").write_text("lr: [")
    assert assay("show", cwd=project).out.count("! workspace: params.yaml, line") == 1
    assert assay("params", "show", cwd=project, code=1).err.count("params.yaml, line") == 1
    assert assay("diff", cwd=project, code=1).err.count("params.yaml, line") == 1
