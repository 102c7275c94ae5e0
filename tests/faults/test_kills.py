"""SIGKILL at any moment of a run: the repository is clean, every file is old or new, the next command works."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import chain
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
    (project / "train.sh").write_text("sleep 0.2\n" + (project / "train.sh").read_text())
    env = environment(clean_environment)
    command = [sys.executable, "-m", "assay", "run", "-f", "-n", "victim", "-S"]
    first = [*command, "train.lr=0.9"]
    lasts = min(duration_of(lambda: subprocess.run(first, cwd=project, env=env, check=True)) for _ in range(3))
    still = git_state(git, project)
    before_params = (project / "params.yaml").read_text()
    between = 0

    def has_written() -> bool:
        return (project / "params.yaml").read_text() != before_params

    victim = [*command, "train.lr=0.25"]
    kills = chain(
        killed_runs(victim, project, env, KILLS // 2, (0.0, lasts)),
        killed_runs(victim, project, env, KILLS // 2, (0.0, lasts * 0.45), since=has_written, seed=2),
    )
    for number, _ in enumerate(kills):
        assert git_state(git, project) == still
        params = (project / "params.yaml").read_text()
        assert params in (before_params, before_params.replace("lr: 0.9", "lr: 0.25"))
        reached = "train.lr=0.25" in git("for-each-ref", "--format=%(subject)", "refs/exps", cwd=project)
        between += params != before_params and not reached
        if number % 10 == 0:
            assert git("fsck", "--strict", "--no-dangling", cwd=project) == ""
        if number % 25 == 0 or reached:
            assay("run", "-f", "-n", "victim", "-S", "train.lr=0.9", cwd=project)
        (project / "params.yaml").write_text(before_params)
    assert between >= KILLS // 4, f"only {between} kills fell between the first write and the ref"
    said = assay("run", "-n", "after", "-S", "train.lr=0.3", cwd=project)
    assert "after" in said.out
    (project / "new.txt").write_text("x")
    git("add", "-A", cwd=project)
    git("commit", "-qm", "real git is not blocked", cwd=project)
    assert git("fsck", "--strict", "--no-dangling", cwd=project) == ""


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_same_harness_sees_dvc_leave_a_detached_head(tmp_path, git, clean_environment):
    dvc = find_dvc()
    if dvc is None:
        pytest.skip("needs dvc")
    folder = projects.write(tmp_path / "dvc-project")
    (folder / "train.sh").write_text("sleep 20\n" + (folder / "train.sh").read_text())
    env = environment(clean_environment) | {"DVC_NO_ANALYTICS": "1", "DVC_SITE_CACHE_DIR": str(tmp_path / "site")}
    git("init", "-q", cwd=folder)
    subprocess.run([dvc, "init", "-q"], cwd=folder, env=env, check=True)
    git("add", "-A", cwd=folder)
    git("commit", "-qm", "first", cwd=folder)
    still = (folder / ".git/HEAD").read_text()
    for _ in killed_runs([dvc, "exp", "run", "-S", "train.lr=0.5"], folder, env, 1, (5.0, 8.0)):
        pass
    assert (folder / ".git/HEAD").read_text() != still
