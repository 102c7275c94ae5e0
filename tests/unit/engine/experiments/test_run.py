"""Running: what is checked before anything is written, what the tree of an experiment holds, what a failure leaves."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from assay.engine import disk
from tests.conftest import IDENTITY
from tests.filetree import picture, tree_of, write


@pytest.mark.parametrize(
    ("path", "text", "code"),
    [
        ("dvc.yaml", "stages:\n  a: {cmd: x, deps: [b], outs: [a]}\n  b: {cmd: x, deps: [a], outs: [b]}\n", 255),
        ("dvc.yaml", "stages:\n  a: {cmd: x, deps: [nowhere], outs: [a]}\n", 255),
        ("dvc.lock", "schema: '2.0'\nstages:\n  train: nonsense\n", 255),
        (".assay/config", "[core]\n    hash = xxh128\n[cache]\n    type = teleport\n", 251),
    ],
)
def test_params_stay_as_they_are_when_the_pipeline_cannot_run(project, assay, path, text, code):
    write(project, {path: text})
    before = picture(project)
    assay("run", "-S", "train.lr=0.7", cwd=project, code=code)
    assert picture(project) == before


def test_params_stay_as_they_are_when_a_large_file_stops_the_snapshot(project, assay):
    with open(project / "huge.bin", "wb") as file:
        file.truncate(11_000_000)
    before = picture(project)
    assay("run", "-S", "train.lr=0.7", cwd=project, code=1)
    assert picture(project) == before


def test_a_new_parameter_may_be_what_a_stage_asks_for(project, assay):
    text = (project / "dvc.yaml").read_text().replace("- train.epochs", "- train.batch")
    write(project, {"dvc.yaml": text})
    assert "train.batch" in assay("run", cwd=project, code=255).err
    assay("run", "-S", "+train.batch=8", cwd=project)


def test_a_dry_run_sees_the_params_that_it_is_given(project, assay):
    assay("run", cwd=project)
    assert assay("run", "--dry", cwd=project).out == "Nothing would run: all stages are up to date.\n"
    assert assay("run", "--dry", "-S", "train.lr=9", cwd=project).out == "Would run: train.\n"
    assert assay("run", "--dry", "-S", "seed=9", cwd=project).out == "Nothing would run: all stages are up to date.\n"


@pytest.mark.parametrize(
    ("word", "says"),
    [("nope.yaml:a=1", "no such file"), ("../p.yaml:a=1", "outside"), ("dvc.yaml:stages=1", "part of the pipeline")],
)
def test_a_file_named_to_set_a_parameter_in_must_be_one_of_the_project(project, assay, word, says):
    assert says in assay("run", "-S", word, cwd=project, code=254).err


@pytest.mark.law(5)
def test_parameters_are_not_written_through_a_symlink_out_of_the_project(project, assay, tmp_path):
    outside = tmp_path / "outside.yaml"
    outside.write_text("train:\n  lr: 0.1\n  epochs: 3\n")
    (project / "params.yaml").unlink()
    (project / "params.yaml").symlink_to(outside)
    assert "outside the project" in assay("run", "-S", "train.lr=0.7", cwd=project, code=1).err
    assert "lr: 0.1" in outside.read_text()


def test_the_message_is_one_line_whatever_the_values_are(project, assay, git):
    assay("run", "-n", "one", "-S", 'train.lr="a\nb"', "-S", "seed=null", cwd=project)
    lines = git("log", "-1", "--format=%B", git("for-each-ref", "--format=%(refname)", "refs/exps", cwd=project),
                cwd=project).splitlines()  # fmt: skip
    assert lines[0] == "train.lr='a b' seed=null"
    assert lines[1] == ""


def test_a_baseline_with_broken_params_does_not_cost_the_run(project, assay):
    good = (project / "params.yaml").read_text()
    write(project, {"params.yaml": "train: [1\n"})
    assay("baseline", "-m", "broken", cwd=project)
    write(project, {"params.yaml": good})
    assert "Experiment one" in assay("run", "-n", "one", cwd=project).out


def test_uncached_folders_are_in_the_tree_as_they_are_at_the_end(project, assay, git):
    write(project, {"plots/old.txt": "1", "plots/kept.txt": "1"})
    assay("baseline", "-m", "with plots", cwd=project)
    write(project, {"dvc.yaml": "stages:\n  a:\n    cmd: sh a.sh\n    outs:\n    - plots: {cache: false}\n",
                    "a.sh": "mkdir -p plots/deep\necho 2 > plots/kept.txt\necho 2 > plots/deep/new.txt\n"})  # fmt: skip
    assay("run", "-n", "one", cwd=project)
    assert {path for path in tree_of(git, project, "one") if path.startswith("plots")} == {
        "plots/kept.txt",
        "plots/deep/new.txt",
    }


def test_an_uncached_output_may_become_a_file_where_a_folder_was(project, assay, git):
    write(project, {"plots/a": "1"})
    assay("baseline", "-m", "with plots", cwd=project)
    write(project, {"dvc.yaml": "stages:\n  a:\n    cmd: echo 2 > plots\n    outs:\n    - plots: {cache: false}\n"})
    assay("run", "-n", "one", cwd=project)
    assert [path for path in tree_of(git, project, "one") if path.startswith("plots")] == ["plots"]


def test_an_output_that_git_had_moves_to_the_cache_and_back(project, assay, git):
    write(project, {"model.bin": "by hand\n"})
    git("add", "model.bin", cwd=project)
    git("commit", "-qm", "the model is in Git", cwd=project)
    assay("run", "-n", "one", cwd=project)
    made = (project / "model.bin").read_text()
    assert "model.bin" not in tree_of(git, project, "one")
    assay("apply", "HEAD", cwd=project)
    assert (project / "model.bin").read_text() == "by hand\n"
    assay("apply", "one", cwd=project)
    assert (project / "model.bin").read_text() == made
    assert "nothing had to change" in assay("apply", "one", cwd=project).out


def test_executables_links_and_odd_names_come_through(project, assay, git):
    names = ["with blank.txt", "ümlaut.txt", os.fsdecode(b"not-utf8-\xff.txt")]
    write(project, dict.fromkeys(names, "x"))
    (project / "with blank.txt").chmod(0o755)
    (project / "link").symlink_to("raw.txt")
    assay("run", "-n", "one", cwd=project)
    for name in [*names, "link"]:
        (project / name).unlink()
    assay("apply", "one", cwd=project)
    assert all((project / name).read_text() == "x" for name in names)
    assert os.access(project / "with blank.txt", os.X_OK)
    assert os.readlink(project / "link") == "raw.txt"
    assert git("fsck", "--strict", "--no-dangling", cwd=project) == ""


def test_a_command_runs_in_the_folder_it_was_typed_in(project, assay):
    write(project, {"sub/go.sh": "echo '{\"acc\": 1}' > m.json\n"})
    (project / "dvc.yaml").unlink()
    assay("run", "-n", "one", "--metrics", "m.json", "--", "sh", "go.sh", cwd=project / "sub")
    shown = json.loads(assay("show", "--json", cwd=project).out)
    assert shown["baselines"][0]["experiments"][0]["metrics"] == {"sub/m.json": {"acc": 1}}


def test_a_command_stands_beside_the_stages_that_are_there_and_takes_params(project, assay):
    command = ["sh", "-c", "grep lr: params.yaml; echo {} > m.json"]
    words = ["--params", "params.yaml", "--metrics", "m.json", "--", *command]
    assay("run", "-n", "one", *words, cwd=project)
    said = assay("run", "-n", "two", "-S", "train.lr=0.6", *words, cwd=project)
    assert "lr: 0.6" in said.err
    assert "Stage run took" in said.err
    assert "train:" in (project / "dvc.yaml").read_text()


def test_a_dvc_yaml_that_is_not_text_is_told_where_a_command_is_added(project, assay):
    (project / "dvc.yaml").write_bytes(b"\xff\xfe")
    assert "dvc.yaml" in assay("run", "--", "true", cwd=project, code=255).err


@contextmanager
def running(project):
    """A run in a process of its own, whose first stage has said that it started."""
    write(project, {"train.sh": "echo started\nexec sleep 60\n"})
    environment = {**os.environ, **IDENTITY, "PYTHONPATH": str(Path(__file__).resolve().parents[4])}
    words = [sys.executable, "-m", "assay", "run"]
    with subprocess.Popen(words, cwd=project, env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert any("started" in line for line in process.stderr)
        yield process


def test_what_git_ignores_and_a_stage_reads_is_said_to_be_missing(project, assay):
    write(project, {".gitignore": "/raw.txt\n/params.yaml\n/data\n/model.bin\n"})
    for path in ("raw.txt", "params.yaml"):
        (project / path).rename(project / f"{path}.kept")
    assay("baseline", "-m", "no data", cwd=project)
    for path in ("raw.txt", "params.yaml"):
        (project / f"{path}.kept").rename(project / path)
    said = assay("run", cwd=project).err
    assert "warning: raw.txt is not in the experiment" in said
    assert "warning: params.yaml is not in the experiment" in said
    assay("add", "raw.txt", cwd=project)
    assert "raw.txt is not in the experiment" not in assay("run", "-n", "tracked", cwd=project).err


def test_a_folder_that_stages_write_into_and_another_reads_is_not_missing(project, assay):
    one = "  a: {cmd: mkdir -p all && echo a > all/a, outs: [all/a]}\n"
    other = "  b: {cmd: ls all > list, deps: [all], outs: [list]}\n"
    write(project, {"dvc.yaml": f"stages:\n{one}{other}"})
    assert "is not in the experiment" not in assay("run", cwd=project).err


def test_a_run_that_is_interrupted_releases_the_workspace_and_keeps_its_log(project, assay):
    with running(project) as process:
        process.send_signal(signal.SIGINT)
        assert process.wait(120) == 252
    logs = os.listdir(project / ".git/assay/logs")
    assert [name.partition("-")[0] for name in logs] == ["failed"]
    assert "started" in (project / ".git/assay/logs" / logs[0] / "run.log").read_text()
    assert not (project / ".git/assay/workspace.lock").exists()
    assert "failed" not in assay("list", cwd=project).out


def test_the_log_of_a_run_that_was_killed_counts_as_failed_later(project, assay):
    with running(project) as process:
        process.kill()
    write(project, {"train.sh": "echo x > model.bin\necho '{}' > metrics.json\n"})
    assay("run", cwd=project)
    kinds = sorted(name.partition("-")[0] for name in os.listdir(project / ".git/assay/logs"))
    assert "failed" in kinds
    assert "running" not in kinds


@pytest.mark.law(4)
def test_a_second_run_names_the_first(project, assay):
    with running(project) as process:
        said = assay("run", cwd=project, code=255)
        assert f"The workspace is locked by `assay run` (process {process.pid} on" in said.err
        assert "The workspace is in use: `assay run`" in assay("status", cwd=project).out
        process.send_signal(signal.SIGINT)


def test_a_workspace_whose_run_was_killed_is_not_in_use(project, assay):
    with running(project) as process:
        process.kill()
        process.wait()
    assert "in use" not in assay("status", cwd=project).out


def test_edited_data_that_no_stage_reads_joins_the_experiment_unless_stages_are_named(project, assay, git):
    write(project, {"apart.csv": "1\n"})
    assay("add", "apart.csv", cwd=project)
    assay("baseline", "-m", "data", cwd=project)
    write(project, {"apart.csv": "22\n"})
    assay("run", "-n", "some", "train", cwd=project)
    assay("run", "-n", "all", cwd=project)
    for name, size in (("some", 2), ("all", 3)):
        ref = next(
            ref for ref in git("for-each-ref", "--format=%(refname)", "refs/exps", cwd=project).split() if name in ref
        )
        assert f"size: {size}\n" in git("show", f"{ref}:apart.csv.dvc", cwd=project) + "\n"


@pytest.mark.law(1)
@pytest.mark.parametrize("words", [("run", "-n", "one"), ("save", "-n", "one")])
def test_what_an_experiment_needs_is_synced_before_its_ref_is_made(project, assay, words):
    (project / "raw.txt").write_text("other\n")
    steps: list[tuple[str, str]] = []
    with disk.injected(lambda step, path: steps.append((step, path))):
        assay(*words, cwd=project)
    made = next(at for at, (_, path) in enumerate(steps) if "/.git/refs/exps/" in path and path.endswith("/one"))
    written = max(at for at, (_, path) in enumerate(steps[:made]) if "/.git/objects/" in path)
    assert ("sync", f"{project}/.git") in steps[written:made]
    assert not any("/.git/objects/" in path for _, path in steps[made:])
