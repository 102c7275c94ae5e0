"""The command's frame: version, help, laziness, exit codes, completion."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from assay import __version__
from assay.cli.commands.completion import ACTIONS
from assay.cli.main import COMMANDS
from tests.programs import ROOT


def test_the_version_is_printed(assay):
    assert assay("--version").out == f"assay {__version__}\n"


def test_help_starts_with_examples(assay):
    out = assay("--help").out
    assert out.index("examples:") < out.index("every day:")
    assert all(f"  {name} " in out for name in COMMANDS)


def test_no_words_give_help_and_a_usage_code(assay):
    assert "examples:" in assay(code=254).out


def test_a_verb_of_a_verb_says_what_it_does(assay_process):
    assert "the metrics of the workspace, or of revisions" in assay_process("metrics", "show", "--help").out


@pytest.mark.parametrize("verb", COMMANDS)
def test_every_verb_has_help_with_examples(assay_process, verb):
    out = assay_process(verb, "--help").out
    assert "examples:\n" in out
    assert f"  assay {verb}" in out


def loaded_by(tmp_path, *words):
    code = (
        "import sys, json, contextlib, io\n"
        "from assay.cli.main import main\n"
        "with contextlib.redirect_stdout(io.StringIO()):\n"
        f"    assert main({list(words)!r}) == 0\n"
        "print(json.dumps(sorted(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        check=True,
        capture_output=True,
        env={"PYTHONPATH": str(ROOT), "HOME": "/"},
    )
    return {name.partition(".")[0] for name in json.loads(done.stdout)} | set(json.loads(done.stdout))


HEAVY = {"dulwich", "yaml", "msgpack", "rich", "fsspec", "s3fs", "xxhash", "asyncio", "botocore", "urllib3"}


def test_the_version_loads_next_to_nothing(tmp_path):
    loaded = loaded_by(tmp_path, "--version")
    assert not loaded & (HEAVY | {"argparse", "dataclasses", "assay.engine", "assay.cli.wiring"})


@pytest.mark.parametrize("words", [["list"], ["show", "--json", "--hide-workspace"]])
def test_listing_an_indexed_history_loads_no_heavy_module(project, assay, words):
    assay("run", "-n", "one", cwd=project)
    assay("show", "--json", cwd=project)
    assert not loaded_by(project, *words) & (HEAVY | {"shutil"})


@pytest.mark.parametrize(
    "words", [["list"], ["show"], ["show", "--json"], ["status"], ["save", "-n", "two"], ["run", "-n", "three"]]
)
def test_everyday_commands_define_no_dataclass_and_load_no_inspection(project, assay, words):
    assay("run", "-n", "one", cwd=project)
    assert not loaded_by(project, *words) & {"dataclasses", "inspect", "ast", "dis", "tokenize"}


def test_the_status_loads_nothing_that_writes_data(project, assay):
    assay("run", "-n", "one", cwd=project)
    assert not loaded_by(project, "status") & {"assay.engine.store.checkout", "assay.engine.store.links", "shutil"}


def test_a_push_of_experiments_to_git_alone_loads_nothing_that_carries_data(project, assay, git, tmp_path):
    git("init", "-q", "--bare", "up.git")
    assay("config", "exp.git_remote", str(tmp_path / "up.git"), cwd=project)
    assay("save", "-n", "one", cwd=project)
    storing = {"assay.remotes.layouts", "assay.remotes.exchange", "assay.remotes.bucket.transport", "dataclasses"}
    assert not loaded_by(project, "push", "one", "--no-cache") & {*storing, "assay.engine.pipeline.spec", "difflib"}
    assert "/one" in git("for-each-ref", cwd=tmp_path / "up.git")


def test_a_closed_pipe_is_no_error_message(project, assay_process):
    command = f"{sys.executable} -m assay --help | true"
    done = subprocess.run(["sh", "-c", command], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stderr == ""


def test_completion_names_every_command(assay, assay_process):
    for shell in ("bash", "zsh"):
        assert " ".join(COMMANDS) in assay("completion", shell).out
        assert " ".join(ACTIONS) in assay("completion", shell).out
    assert "|".join(ACTIONS) in assay_process("queue", "--help").out


def test_cd_works_elsewhere(assay, project, tmp_path):
    assert "On branch main" in assay("--cd", str(project), "status", cwd=tmp_path).out
    assert "not a folder" in assay("--cd", "nowhere", "status", cwd=tmp_path, code=254).err


def test_settings_are_written_read_and_listed(assay, project, clean_environment):
    assay("config", "--global", "user.name", "Ann Lee", cwd=project)
    assert "Ann Lee" in (clean_environment / ".config/assay/config").read_text()
    assert assay("config", "user.name", cwd=project).out == "Ann Lee\n"
    assay("config", "cache.type", "hardlink, copy", cwd=project)
    assert "cache.type=hardlink, copy" in assay("config", "--list", cwd=project).out
    assay("config", "--unset", "cache.type", cwd=project)
    assay("config", "cache.type", cwd=project, code=1)
    assert "cache.type" in assay("config", "cache.tpye", "x", cwd=project, code=251).err


def test_the_users_own_settings_need_no_project(assay, tmp_path):
    assay("config", "--global", "user.name", "Ann Lee", cwd=tmp_path)
    assert assay("config", "--global", "user.name", cwd=tmp_path).out == "Ann Lee\n"
    assert assay("config", "--global", "--list", cwd=tmp_path).out == "user.name=Ann Lee\n"


def test_one_level_of_settings_is_read_alone_and_says_where_it_stands(assay, project):
    assay("config", "--global", "cache.type", "copy", cwd=project)
    assay("config", "--local", "cache.type", "hardlink", cwd=project)
    assert assay("config", "cache.type", cwd=project).out == "hardlink\n"
    assert assay("config", "--global", "cache.type", cwd=project).out == "copy\n"
    listed = assay("config", "--local", "--list", "--show-origin", cwd=project).out
    assert listed == f"{project}/.assay/config.local\tcache.type=hardlink\n"


def test_who_commits_is_told_when_nobody_said(project, assay_process, monkeypatch):
    nobody = dict.fromkeys(("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"), "")
    said = assay_process("run", "-n", "anonymous", cwd=project, env={**nobody, "USER": "ann"})
    assert "Nobody has said who you are" in said.err
    assert said.err.count("Nobody has said who you are") == 1


def test_a_short_option_that_is_not_there_has_no_lookalikes(assay):
    said = assay("params", "show", "-R", code=254)
    assert "Did you mean" not in said.err
    assert "`assay params --help`" in said.err
