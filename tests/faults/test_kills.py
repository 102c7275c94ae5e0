"""SIGKILL at any moment of a run: the repository is clean, every file is old or new, the next command works."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import projects
from tests.faults.kills import duration_of, killed_runs
from tests.programs import ROOT, find_dvc

KILLS = 200


def environment(home: Path) -> dict[str, str]:
    identity = {f"GIT_{who}_{what}": "a@b.c" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    return {
        **identity,
        "PYTHONPATH": str(ROOT),
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def git_state(git, folder: Path) -> tuple[str, ...]:
    """What must never move: HEAD, branches, stash, and the index's content."""
    head = (folder / ".git/HEAD").read_text()
    return head, git("for-each-ref", "refs/heads", "refs/stash", cwd=folder), git("ls-files", "--stage", cwd=folder)


@pytest.mark.slow
@pytest.mark.law(1)
@pytest.mark.law(2)
@pytest.mark.law(4)
@pytest.mark.timeout(900)
def test_a_run_can_be_killed_at_any_moment(project, assay, git, clean_environment):
    env = environment(clean_environment)
    command = [sys.executable, "-m", "assay", "run", "-f", "-n", "victim", "-S"]
    lasts = duration_of(lambda: subprocess.run([*command, "train.lr=0.9"], cwd=project, env=env, check=True))
    still = git_state(git, project)
    before_params = (project / "params.yaml").read_text()
    between = 0
    values = iter(range(1, KILLS + 1))
    for number, _ in enumerate(
        killed_runs([*command, "train.lr=0.25"], project, env, KILLS, lasts * 1.1), next(values)
    ):
        assert git_state(git, project) == still
        params = (project / "params.yaml").read_text()
        assert params in (before_params, before_params.replace("lr: 0.9", "lr: 0.25"))
        began = params != before_params or list((project / ".git/assay/logs").glob("running-*"))
        reached = "train.lr=0.25" in git("for-each-ref", "--format=%(subject)", "refs/exps", cwd=project)
        between += bool(began) and not reached
        if number % 20 == 0 or reached:
            assert git("fsck", "--strict", "--no-dangling", cwd=project) == ""
            assert not list((project / ".git").rglob("*.lock")) or _next_git_command_works(git, project)
        (project / "params.yaml").write_text(before_params)
        for left in (project / ".git/assay/logs").glob("running-*"):
            subprocess.run(["rm", "-rf", str(left)], check=True)
        if reached:
            assay("run", "-f", "-n", "victim", "-S", "train.lr=0.9", cwd=project)
            before_params = (project / "params.yaml").read_text()
    assert between >= KILLS // 4, f"only {between} kills fell between the first write and the ref"
    said = assay("run", "-n", "after", "-S", "train.lr=0.3", cwd=project)
    assert "after" in said.out
    (project / "new.txt").write_text("x")
    git("add", "-A", cwd=project)
    git("commit", "-qm", "real git is not blocked", cwd=project)
    assert git("fsck", "--strict", "--no-dangling", cwd=project) == ""


def _next_git_command_works(git, project: Path) -> bool:
    git("update-ref", "refs/heads/probe", "HEAD", cwd=project)
    git("update-ref", "-d", "refs/heads/probe", cwd=project)
    return True


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_same_harness_sees_dvc_leave_a_detached_head(tmp_path, git, clean_environment):
    dvc = find_dvc()
    if dvc is None:
        pytest.skip("needs dvc")
    folder = projects.write(tmp_path / "dvc-project")
    (folder / "train.sh").write_text("sleep 5\n" + (folder / "train.sh").read_text())
    env = environment(clean_environment) | {"DVC_NO_ANALYTICS": "1", "DVC_SITE_CACHE_DIR": str(tmp_path / "site")}
    git("init", "-q", cwd=folder)
    subprocess.run([dvc, "init", "-q"], cwd=folder, env=env, check=True)
    git("add", "-A", cwd=folder)
    git("commit", "-qm", "first", cwd=folder)
    still = (folder / ".git/HEAD").read_text()
    for _ in killed_runs([dvc, "exp", "run", "-S", "train.lr=0.5"], folder, env, 1, duration=16.0, seed=3):
        pass
    assert (folder / ".git/HEAD").read_text() != still
