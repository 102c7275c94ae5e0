"""What is edited or committed while a stage runs belongs to the next experiment."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from tests.programs import ROOT


def wait_for(path, seconds=120):
    end = time.monotonic() + seconds
    while not path.exists():
        assert time.monotonic() < end, f"{path} never came"
        time.sleep(0.01)


@pytest.mark.law(2)
def test_an_edit_and_a_commit_during_a_run_stay_out_of_the_experiment(project, assay, git, tmp_path):
    (project / "train.sh").write_text(
        "touch started\nwhile [ ! -e go ]; do sleep 0.01; done\n" + (project / "train.sh").read_text()
    )
    (project / ".gitignore").write_text("/started\n/go\n")
    assay("baseline", "-m", "waits", cwd=project)
    old_head = git("rev-parse", "HEAD", cwd=project)
    old_script = (project / "train.sh").read_text()
    run = subprocess.Popen(
        [sys.executable, "-m", "assay", "run", "-n", "slow"],
        cwd=project, env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
        stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    wait_for(project / "started")
    (project / "train.sh").write_text("echo rewritten\n")
    (project / "late.py").write_text("late\n")
    git("add", "late.py", "train.sh", cwd=project)
    git("commit", "-qm", "meanwhile", cwd=project)
    (project / "go").touch()
    _, said = run.communicate(timeout=120)
    assert run.returncode == 0, said
    ref = f"refs/exps/{old_head[:2]}/{old_head[2:]}/slow"
    assert git("rev-parse", f"{ref}^", cwd=project) == old_head
    assert git("show", f"{ref}:train.sh", cwd=project) == old_script.rstrip("\n")
    assert "late.py" not in git("ls-tree", "-r", "--name-only", ref, cwd=project)
    assert "HEAD moved while it ran" in said
    assert "train.sh changed while its stage ran" in said
    assert "Dirty-During-Run: train.sh" in git("log", "-1", "--format=%B", ref, cwd=project)
    assert git("log", "-1", "--format=%s", cwd=project) == "meanwhile"
    assert (project / "train.sh").read_text() == "echo rewritten\n"


def test_a_second_run_in_the_same_workspace_names_the_first(project, assay, tmp_path):
    (project / "train.sh").write_text("touch started\nwhile [ ! -e go ]; do sleep 0.01; done\n")
    run = subprocess.Popen(
        [sys.executable, "-m", "assay", "run"],
        cwd=project, env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
        stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        wait_for(project / "started")
        said = assay("run", cwd=project, code=255)
        assert str(run.pid) in said.err
        assert "assay run" in said.err
        assay("show", cwd=project)
        assert str(run.pid) in assay("status", cwd=project).out
    finally:
        (project / "go").touch()
        run.wait(timeout=120)
