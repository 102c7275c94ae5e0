"""The loop a user goes through: run, compare, apply, undo, remove, save, branch, switch."""

from __future__ import annotations

import json

import pytest


def rows(assay, project, *words):
    shown = json.loads(assay("show", "--json", *words, cwd=project).out)
    return {row["name"]: row for baseline in shown["baselines"] for row in baseline["experiments"]}


def test_a_run_keeps_params_metrics_and_outputs(assay, project):
    assay("run", "-n", "low", "-S", "train.lr=0.01", cwd=project)
    row = rows(assay, project)["low"]
    assert row["params"]["params.yaml"]["train"] == {"lr": 0.01, "epochs": 3}
    assert row["metrics"]["metrics.json"] == {"acc": 0.01, "loss": {"val": 0.5}}
    assert set(row["outs"]) == {"data", "model.bin"}
    assert row["message"].startswith("train.lr=0.01")


def test_a_run_changes_only_the_value_in_the_params_file(assay, project):
    before = (project / "params.yaml").read_text()
    assay("run", "-S", "train.lr=0.01", cwd=project)
    assert (project / "params.yaml").read_text() == before.replace("lr: 0.1 ", "lr: 0.01 ")


def test_what_did_not_change_is_not_run_again(assay, project):
    assay("run", cwd=project)
    said = assay("run", "-S", "train.epochs=4", cwd=project)
    assert "Stage prepare is" in said.err
    assert "training with" in said.err


def test_what_a_stage_prints_is_shown_and_logged(assay, project):
    said = assay("run", "-n", "one", cwd=project)
    assert "training with 0.1" in said.err
    assert "training with 0.1" in assay("logs", "one", cwd=project).out


@pytest.mark.law(2)
def test_apply_brings_back_code_params_and_data_and_undo_takes_it_back(assay, project):
    assay("run", "-n", "one", cwd=project)
    first = (project / "model.bin").read_bytes()
    (project / "train.sh").write_text((project / "train.sh").read_text() + "# second thoughts\n")
    assay("run", "-n", "two", "-S", "train.lr=0.5", cwd=project)
    second = {name: (project / name).read_bytes() for name in ("train.sh", "params.yaml", "model.bin", "dvc.lock")}
    (project / "notes.txt").write_text("mine")

    assay("apply", "one", cwd=project)
    assert (project / "model.bin").read_bytes() == first
    assert "second thoughts" not in (project / "train.sh").read_text()
    assert "lr: 0.1 " in (project / "params.yaml").read_text()
    assert (project / "notes.txt").read_text() == "mine"

    assay("undo", cwd=project)
    assert {name: (project / name).read_bytes() for name in second} == second
    assay("undo", cwd=project)
    assert (project / "model.bin").read_bytes() == first


@pytest.mark.law(2)
def test_apply_keeps_edits_that_no_experiment_has_in_the_undo_record(assay, project):
    assay("run", "-n", "one", cwd=project)
    (project / "train.sh").write_text("echo precious\n")
    (project / "model.bin").unlink()
    (project / "model.bin").write_text("made by hand")
    assay("apply", "one", cwd=project)
    assay("undo", cwd=project)
    assert (project / "train.sh").read_text() == "echo precious\n"
    assert (project / "model.bin").read_text() == "made by hand"


def test_applying_what_is_there_already_changes_nothing(assay, project):
    assay("run", "-n", "one", cwd=project)
    assert "nothing had to change" in assay("apply", "one", cwd=project).out


@pytest.mark.law(2)
def test_removed_experiments_come_back_with_undo(assay, project):
    assay("run", "-n", "one", cwd=project)
    assay("run", "-n", "two", "-S", "train.lr=0.5", cwd=project)
    before = rows(assay, project)
    assay("remove", "one", "two", cwd=project)
    assert rows(assay, project) == {}
    assay("undo", cwd=project)
    assert rows(assay, project) == before


def test_save_keeps_the_workspace_without_running(assay, project):
    assay("run", "-n", "one", cwd=project)
    (project / "metrics.json").write_text('{"acc": 0.77}')
    (project / "module.py").write_text("x = 1\n")
    said = assay("save", "-n", "hand", "-m", "by hand", cwd=project)
    assert "training with" not in said.err
    assert rows(assay, project)["hand"]["metrics"]["metrics.json"] == {"acc": 0.77}
    (project / "module.py").unlink()
    assay("apply", "hand", cwd=project)
    assert (project / "module.py").read_text() == "x = 1\n"


def test_a_command_without_a_pipeline_becomes_an_experiment(assay, tmp_path):
    folder = tmp_path / "plain"
    folder.mkdir()
    (folder / "p.yaml").write_text("lr: 1\n")
    (folder / "go.sh").write_text("cp p.yaml model.txt\necho '{\"acc\": 0.9}' > m.json\n")
    assay("init", cwd=folder)
    assay("baseline", "-m", "first", cwd=folder)
    words = ["--params", "p.yaml", "--metrics", "m.json", "--outs", "model.txt", "--deps", "go.sh"]
    assay("run", "-n", "a", *words, "--", "sh", "go.sh", cwd=folder)
    assay("run", "-n", "b", "-S", "p.yaml:lr=2", *words, "--", "sh", "go.sh", cwd=folder)
    found = rows(assay, folder)
    assert found["a"]["metrics"] == {"m.json": {"acc": 0.9}}
    assert found["b"]["params"]["p.yaml"] == {"lr": 2}
    assay("apply", "a", cwd=folder)
    assert (folder / "model.txt").read_text() == "lr: 1\n"


def test_branch_and_switch_go_to_an_experiment_and_back(assay, project):
    assay("run", "-n", "one", cwd=project)
    one = (project / "model.bin").read_bytes()
    assay("run", "-n", "two", "-S", "train.lr=0.5", cwd=project)
    assay("branch", "one", "better", cwd=project)
    assay("apply", "one", cwd=project)
    assay("baseline", "-m", "one is the new start", "--from", "one", cwd=project)
    assay("switch", "better", cwd=project)
    assert (project / "model.bin").read_bytes() == one
    assert "On branch better" in assay("status", cwd=project).out
    assay("switch", "main", cwd=project)
    assert "one is the new start" in assay("log", cwd=project).out


def test_status_names_what_changed_and_what_would_run(assay, project):
    assay("run", "-n", "one", cwd=project)
    assay("baseline", "-m", "with results", cwd=project)
    (project / "train.sh").write_text("echo changed\n")
    (project / "new.py").write_text("")
    out = assay("status", cwd=project).out
    assert "train.sh" in out
    assert "new.py" in out
    assert "train:" in out
    assert "prepare:" not in out


def test_log_counts_experiments(assay, project):
    assay("run", cwd=project)
    assay("run", "-S", "train.lr=0.5", cwd=project)
    assert "[2 experiments]" in assay("log", cwd=project).out


def test_a_dry_run_tells_and_changes_nothing(assay, project):
    before = sorted(path.name for path in project.iterdir())
    said = assay("run", "--dry", "-S", "train.lr=9", cwd=project)
    assert "sh train.sh" in said.err
    assert sorted(path.name for path in project.iterdir()) == before
    assert "lr: 0.1" in (project / "params.yaml").read_text()


def test_it_works_from_a_folder_below_the_root(assay, project):
    below = project / "src"
    below.mkdir()
    assay("run", "-n", "one", cwd=below)
    assert "one" in assay("list", cwd=below).out


def test_a_cache_in_the_work_tree_is_in_no_commit(assay, project):
    assay("config", "cache.dir", "store", cwd=project)
    assay("run", "-n", "first", cwd=project)
    assert "store" not in assay("status", cwd=project).out
    assay("baseline", "-m", "all of it", "--from", "first", cwd=project)
    assert (project / "store/packs").is_dir()
    assert "store" not in assay("diff", "HEAD~1", "HEAD", "--only", "code", cwd=project).out
    assay("baseline", "-m", "nothing else", cwd=project, code=1)


def test_no_default_remote_is_told(assay, project):
    assert "No remote is the default." in assay("remote", "default", cwd=project, code=1).err


def test_in_a_folder_a_parameter_file_is_named_as_there_or_as_in_the_tables(assay, project):
    (project / "sub").mkdir()
    (project / "sub/own.toml").write_text("a = 1  # kept\n")
    assay("run", "-n", "one", "-S", "own.toml:a=2", cwd=project / "sub", code=None)
    assert (project / "sub/own.toml").read_text() == "a = 2  # kept\n"
    assay("run", "-n", "two", "-S", "sub/own.toml:a=3", cwd=project / "sub", code=None)
    assert (project / "sub/own.toml").read_text() == "a = 3  # kept\n"
    assert (
        "-S names ../../x.toml, which lies outside"
        in assay("run", "-S", "../../x.toml:a=3", cwd=project / "sub", code=254).err
    )
