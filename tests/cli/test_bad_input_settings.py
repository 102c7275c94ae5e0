"""init, config and convert with what no program should be given: one sentence, the right code, nothing changed."""

from __future__ import annotations

import pytest

from tests.filetree import picture


@pytest.fixture
def refused(assay):
    """Runs a command that must be refused, and looks at everything before and after."""

    def check(folder, code, *words, says=()):
        before = picture(folder)
        said = assay(*words, cwd=folder, code=code)
        assert len([line for line in said.err.splitlines() if line.startswith("error: ")]) == 1, said.err
        for word in says:
            assert word in said.err
        assert picture(folder) == before

    return check


@pytest.fixture
def dvc_project(tmp_path, assay):
    """A DVC project with one tracked file."""
    folder = tmp_path / "dvc-project"
    folder.mkdir()
    assay("init", "--dvc", cwd=folder)
    (folder / "raw.csv").write_text("1,2\n")
    assay("add", "raw.csv", cwd=folder)
    return folder


@pytest.mark.parametrize(
    ("code", "words", "says"),
    [
        (254, ["init", "--dvc", "--hash", "sha256"], ["--hash", "md5"]),
        (254, ["init", "--no-scm"], ["--dvc"]),
        (254, ["init", "--dvc", "--no-scm", "--subdir"], ["exclude"]),
        (1, ["init", "--dvc", "--subdir"], ["not inside a Git repository"]),
    ],
)
def test_init_with_flags_that_do_not_go_together(refused, tmp_path, code, words, says):
    (tmp_path / "new").mkdir()
    refused(tmp_path / "new", code, *words, says=says)


@pytest.mark.parametrize("words", [["init"], ["init", "--dvc"], ["init", "--dvc", "--no-scm"]])
def test_init_of_what_is_a_project(refused, dvc_project, words):
    refused(dvc_project, 1, *words, says=["project already"])


@pytest.mark.parametrize(
    ("code", "words", "says"),
    [
        (254, ["config"], ["--list"]),
        (254, ["config", "--global", "--local", "core.remote", "x"], ["not allowed with"]),
        (251, ["config", "corr.remote", "x"], ["no setting", "core.remote"]),
        (251, ["config", "corr.remote"], ["no setting", "core.remote"]),
        (251, ["config", "remote", "x"], ["section.key"]),
        (251, ["config", "-u", "core.remote"], ["not set"]),
        (251, ["config", "remote.x.region", "eu"], ["no url"]),
        (251, ["config", "cache.type", "magic"], ["magic", "reflink"]),
        (251, ["config", "core.no_scm", "perhaps"], ["true or false"]),
        (251, ["config", "gc.grace", "1d"], ["--global"]),
        (251, ["config", "plots.out_dir", "%(x)s"], ["%(x)s"]),
        (251, ["config", "plots.out_dir", "a\rb"], ["read again"]),
        (251, ["config", "cache.dir", "~bob/cache"], ["~bob"]),
    ],
)
def test_settings_that_cannot_be(refused, dvc_project, code, words, says):
    refused(dvc_project, code, *words, says=says)


def test_a_whole_machines_settings_in_a_native_project(refused, assay, tmp_path):
    assay("init", cwd=tmp_path)
    refused(tmp_path, 251, "config", "--system", "core.remote", "x", says=["--global"])


@pytest.mark.parametrize(
    "text",
    ["[core]\nwhat\n", "[[core]]\n", "[cache]\n    dir = '''x\n", "[core]\nx = " + "y" * 9000, "[cache\ndir = x"],
)
def test_a_hostile_configuration_stops_every_verb_before_it_writes(refused, dvc_project, text):
    (dvc_project / ".dvc/config.local").write_text(text)
    for words in (
        ["add", "raw.csv"],
        ["status"],
        ["repro"],
        ["convert", "--to", "native"],
        ["config", "core.remote", "x"],
    ):
        refused(dvc_project, 251, *words, says=["config.local, line"])


def test_a_cache_at_a_place_that_is_a_file(refused, dvc_project):
    (dvc_project / ".dvc/config").write_text("[cache]\n    dir = ../raw.csv\n")
    (dvc_project / "raw.csv").write_text("3\n")
    refused(dvc_project, 255, "add", "raw.csv", says=["raw.csv"])


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (254, ["convert"]),
        (254, ["convert", "--to", "git"]),
        (254, ["convert", "--to", "dvc", "--hash", "sha256"]),
        (254, ["convert", "--to", "native", "extra"]),
    ],
)
def test_convert_with_words_that_make_no_command(refused, dvc_project, code, words):
    refused(dvc_project, code, *words)


def test_convert_of_a_pipeline_that_cannot_be_understood(refused, dvc_project):
    (dvc_project / "dvc.yaml").write_text("stages: [\n")
    refused(dvc_project, 255, "convert", "--to", "native", says=["dvc.yaml"])


def test_convert_of_a_lock_file_that_cannot_be_understood(refused, dvc_project):
    (dvc_project / "dvc.yaml").write_text("stages:\n  a:\n    cmd: 'true'\n")
    (dvc_project / "dvc.lock").write_text("schema: '9'\n")
    refused(dvc_project, 255, "convert", "--to", "native", says=["dvc.lock"])


def test_convert_to_native_without_git(refused, assay, tmp_path):
    assay("init", "--dvc", "--no-scm", cwd=tmp_path)
    assay("status", cwd=tmp_path)
    refused(tmp_path, 1, "convert", "--to", "native", says=["works without Git"])
