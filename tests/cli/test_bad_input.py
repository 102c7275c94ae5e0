"""Bad input gets one sentence, the right exit code, and changes nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.filetree import picture


@pytest.fixture
def refused(assay):
    """Runs a command that must fail with a code and words, and leave the project as it was."""

    def check(project, code, *words, says=()):
        before = picture(project)
        said = assay(*words, cwd=project, code=code)
        errors = [line for line in said.err.splitlines() if line.startswith("error: ")]
        assert len(errors) == 1, said.err
        for word in says:
            assert word in said.err, said.err
        assert picture(project) == before
        return said

    return check


def test_not_a_project(assay, tmp_path):
    said = assay("show", cwd=tmp_path, code=253)
    assert "assay init" in said.err


def test_a_second_init(refused, project):
    refused(project, 1, "init", says=["already"])


def test_an_unknown_command_names_the_nearest(assay, tmp_path):
    assert "'show'" in assay("shwo", cwd=tmp_path, code=254).err


def test_an_unknown_option_names_the_nearest(assay, tmp_path):
    assert "--name" in assay("run", "--nmae", "x", cwd=tmp_path, code=254).err


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("stages:\n  a:\n   - x\n", ["dvc.yaml", "stages.a"]),
        ("stages:\n  a:\n    cmdd: x\n", ["dvc.yaml", "line 3", "cmdd", "cmd"]),
        ("stages: [\n", ["dvc.yaml", "line"]),
        ("stages:\n  a:\n    cmd: x\n    outs: [../x]\n", ["dvc.yaml", "../x", "outside"]),
        ("stages:\n  a:\n    cmd: x\n    outs: [/etc/x]\n", ["dvc.yaml", "/etc/x"]),
        (
            "stages:\n  a: {cmd: x, deps: [b], outs: [a]}\n  b: {cmd: x, deps: [a], outs: [b]}\n",
            ["circle", "a -> b"],
        ),
        ("stages:\n  a: {cmd: x, outs: [d]}\n  b: {cmd: x, outs: [d/e]}\n", ["d/e"]),
        ("stages:\n  a: {cmd: x, deps: [nowhere.txt], outs: [o]}\n", ["nowhere.txt"]),
    ],
)
def test_a_malformed_dvc_yaml(refused, project, text, says):
    (project / "dvc.yaml").write_text(text)
    refused(project, 255, "run", says=says)


def test_a_malformed_params_file(refused, project):
    (project / "params.yaml").write_text("train:\n  lr: [1\n")
    refused(project, 255, "run", says=["params.yaml", "line"])


def test_a_malformed_lock_file(refused, project, assay):
    assay("run", "-n", "one", cwd=project)
    (project / "dvc.lock").write_text("schema: '2.0'\nstages:\n  train: nonsense\n")
    refused(project, 255, "run", says=["dvc.lock", "train"])


def test_an_unknown_parameter_names_the_nearest(refused, project):
    said = refused(project, 254, "run", "-S", "train.lrr=1", says=["train.lrr", "train.lr", "+train.lrr="])
    assert "sh train.sh" not in said.err


@pytest.mark.parametrize("word", ["train.lr", "=1", "train.lr=[1", "train.lr=1,2", "a b=1"])
def test_a_malformed_override(refused, project, word):
    refused(project, 254, "run", "-S", word)


@pytest.mark.parametrize("name", ["a/b", "a..b", "-x", "a b", "a~1", "", "x.lock", "@{"])
def test_a_forbidden_name(refused, project, name):
    refused(project, 254, "run", f"--name={name}")


def test_a_duplicate_name(refused, project, assay):
    assay("run", "-n", "one", cwd=project)
    refused(project, 1, "run", "-n", "one", says=["one", "-f"])


def test_a_failing_stage_keeps_the_workspace_and_names_its_log(project, assay):
    (project / "train.sh").write_text("echo about to fail\necho partial > model.bin\nexit 3\n")
    said = assay("run", "-n", "bad", "-S", "train.lr=0.7", cwd=project, code=255)
    assert "exited with 3" in said.err
    assert "  | about to fail" in said.err
    log = next(word.rstrip(".") for word in said.err.split() if "run.log" in word)
    assert "about to fail" in Path(log).read_text()
    assert "lr: 0.7" in (project / "params.yaml").read_text()
    assert (project / "model.bin").read_text() == "partial\n"
    assert "bad" not in assay("list", cwd=project).out
    (project / "train.sh").write_text("echo fine > model.bin\necho '{}' > metrics.json\n")
    assay("run", "-n", "bad", cwd=project)


def test_a_stage_that_does_not_write_its_output(project, assay):
    (project / "train.sh").write_text("true\n")
    assert "model.bin" in assay("run", cwd=project, code=255).err


def test_an_unknown_stage(refused, project):
    refused(project, 255, "run", "tarin", says=["tarin", "train"])


def test_nothing_to_run(refused, assay, tmp_path):
    assay("init", cwd=tmp_path)
    (tmp_path / "x").write_text("")
    assay("baseline", "-m", "x", cwd=tmp_path)
    refused(tmp_path, 254, "run", says=["dvc.yaml"])


def test_an_unborn_branch(refused, assay, tmp_path):
    assay("init", cwd=tmp_path)
    (tmp_path / "dvc.yaml").write_text("stages: {a: {cmd: 'true'}}\n")
    refused(tmp_path, 1, "run", says=["assay baseline"])
    refused(tmp_path, 1, "save", says=["assay baseline"])


def test_a_detached_head_is_a_baseline_like_any_other(assay, project):
    assay("switch", "HEAD~0", cwd=project)
    assay("run", "-n", "one", cwd=project)
    assert "one" in assay("list", cwd=project).out


def test_a_bare_repository(assay, git, tmp_path):
    git("init", "--bare", "bare.git")
    assert "bare" in assay("init", cwd=tmp_path / "bare.git", code=255).err


def test_nothing_changed_is_no_baseline(refused, project):
    refused(project, 1, "baseline", "-m", "again", says=["Nothing changed"])


def test_a_large_untracked_file_is_not_taken_silently(project, assay):
    with open(project / "huge.bin", "wb") as file:
        file.truncate(11_000_000)
    said = assay("run", cwd=project, code=1)
    assert "huge.bin" in said.err
    (project / ".gitignore").write_text("/huge.bin\n")
    assay("run", cwd=project)


def test_an_unknown_experiment_names_the_nearest(refused, project, assay):
    assay("run", "-n", "bumpy", cwd=project)
    for verb in ("apply", "branch", "logs", "switch"):
        refused(project, 255, verb, "bumpi", says=["bumpi", "bumpy"])
    refused(project, 255, "remove", "bumpi", says=["bumpi"])


def test_a_missing_artifact_stops_apply_before_anything_changes(refused, project, assay):
    assay("run", "-n", "one", cwd=project)
    assay("run", "-n", "two", "-S", "train.lr=0.5", cwd=project)
    for pack in (project / ".assay/cache/packs").iterdir():
        pack.unlink()
    refused(project, 255, "apply", "one", says=["assay pull"])


@pytest.mark.law(3)
def test_a_corrupt_artifact_is_named_and_never_handed_out(project, assay):
    assay("run", "-n", "one", cwd=project)
    assay("run", "-n", "two", "-S", "train.lr=0.5", cwd=project)
    two = (project / "model.bin").read_bytes()
    for pack in (project / ".assay/cache/packs").glob("*.pack"):
        data = pack.read_bytes()
        os.chmod(pack, 0o644)
        pack.write_bytes(data.replace(b"HELLO\n0.1\n", b"HELLO\n0.9\n"))
    said = assay("apply", "one", cwd=project, code=255)
    assert "error: " in said.err
    assert (project / "model.bin").read_bytes() in (two, b"HELLO\n0.1\n")


def test_a_damaged_index_is_told(refused, project):
    index = project / ".git/index"
    index.write_bytes(index.read_bytes()[:-10])
    refused(project, 255, "save", says=["index"])


def test_a_damaged_configuration_is_told(refused, project):
    (project / ".assay/config").write_text("what\n")
    refused(project, 251, "show", says=["config, line 1"])


def test_an_unknown_hash_is_told(refused, project):
    (project / ".assay/config").write_text("[core]\n    hash = crc32\n")
    refused(project, 251, "run", says=["core.hash"])


def test_options_that_need_a_command(refused, project):
    refused(project, 254, "run", "--metrics", "m.json", says=["--"])


def test_a_path_outside_the_project(refused, project):
    refused(project, 254, "run", "--outs", "../x", "--", "true", says=["../x"])
