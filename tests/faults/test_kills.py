"""SIGKILL at any moment of a run: the repository is clean, every file is old or new, the next command works.

And what the run cache gives back is right, however often it was interrupted. ``PYTEST_KILLS=200`` kills runs so often,
and those that use the run cache a third of it.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
from itertools import chain
from pathlib import Path

import pytest
import xxhash
import yaml

from assay.engine import disk
from tests import projects
from tests.closure import Closure
from tests.faults.kills import duration_of, killed_runs
from tests.programs import ROOT, find_dvc

KILLS = int(os.environ.get("PYTEST_KILLS", "80"))
RUN_CACHE_KILLS = max(KILLS // 3, 24)


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


def outputs_of(lr: str, raw: str) -> dict[str, bytes]:
    """What the stages write, by cached path, worked out here."""
    upper, count = raw.upper().encode(), str(len(raw)).encode()
    model = upper + lr.encode() + b"\n"
    return {"data/upper.txt": upper, "data/deep/count.txt": count + b"\n", "model.bin": model}


def check_run_cache(folder: Path, known: dict[str, str]) -> None:
    """Every entry is whole, lies where entries do, and names content that is in the cache and right."""
    closure = Closure(folder)
    for path in (folder / ".assay/cache/runs").rglob("*"):
        if path.is_dir() or disk.is_temp(path.name):
            continue
        entry = yaml.safe_load(path.read_text())
        assert (len(path.name), path.parent.name[:2]) == (64, path.parent.parent.name)
        outs = closure.outs(yaml.safe_dump({"stages": {"": entry}}).encode())
        deps = {dep["path"]: dep["digest"] for dep in entry["deps"]}
        if entry["cmd"] == "sh prepare.sh":
            expected = outputs_of("", known[deps["raw.txt"]])
            assert outs == {path: data for path, data in expected.items() if path.startswith("data/")}
        else:
            lr = str(entry["params"]["params.yaml"]["train.lr"])
            objects = closure.objects()
            upper = closure.outs(
                yaml.safe_dump({"stages": {"": {"outs": [{"path": "d", "digest": deps["data"]}]}}}).encode()
            )
            assert outs["model.bin"] == upper["d/upper.txt"] + lr.encode() + b"\n"
            metrics = next(out["digest"] for out in entry["outs"] if out["path"] == "metrics.json")
            assert objects[metrics].startswith(b'{"acc": %s,' % lr.encode())


@pytest.mark.slow
@pytest.mark.law(1)
@pytest.mark.law(2)
@pytest.mark.timeout(900)
def test_a_run_cache_that_is_killed_again_and_again_never_gives_back_what_is_wrong(
    project, assay, git, clean_environment
):
    for name in ("prepare.sh", "train.sh"):
        (project / name).write_text("sleep 0.05\n" + (project / name).read_text())
    chance = random.Random(5)
    raws = [f"hello number {number}\n" for number in range(6)]
    known = {xxhash.xxh128_hexdigest(raw.encode()): raw for raw in raws}
    env, params = environment(clean_environment), (project / "params.yaml").read_text()
    commands = [[sys.executable, "-m", "assay", *words] for words in (["repro"], ["run", "-f", "-n", "victim"])]

    def chosen() -> tuple[str, str]:
        lr, raw = chance.choice(["0.1", "0.3", "0.7"]), chance.choice(raws)
        (project / "raw.txt").write_text(raw)
        (project / "params.yaml").write_text(params.replace("lr: 0.1", f"lr: {lr}"))
        return lr, raw

    def holder() -> str:
        try:
            return held.read_text()
        except FileNotFoundError:
            return ""

    held = project / ".git/assay/workspace.lock"
    still, between, restored = git_state(git, project), 0, 0
    for number in range(RUN_CACHE_KILLS):
        (lr, raw), left = chosen(), holder()
        has_begun = lambda left=left: holder() not in ("", left)  # noqa: E731
        for _ in killed_runs(commands[number % 2], project, env, 1, (0.0, 0.35), since=has_begun, seed=number):
            assert git_state(git, project) == still
        between += holder() not in ("", left)
        check_run_cache(project, known)
        if (project / "dvc.lock").exists():
            Closure(project).outs((project / "dvc.lock").read_bytes())
        if number % 3 == 0:
            restored += "restored from the run cache" in assay("repro", cwd=project).err
            for path, data in outputs_of(lr, raw).items():
                assert (project / path).read_bytes() == data, (number, path)
    assert between >= RUN_CACHE_KILLS // 4, f"only {between} kills fell between the first write and the last"
    assert git("fsck", "--strict", "--no-dangling", cwd=project) == ""
    for raw in raws:
        (project / "raw.txt").write_text(raw)
        restored += "restored from the run cache" in assay("repro", cwd=project).err
        lr = (project / "params.yaml").read_text().partition("lr: ")[2].split()[0]
        assert {path: (project / path).read_bytes() for path in outputs_of(lr, raw)} == outputs_of(lr, raw)
    assert restored >= 3


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_same_harness_sees_dvc_leave_a_detached_head(tmp_path, git, clean_environment):
    dvc = find_dvc()
    if dvc is None:
        pytest.skip("needs dvc")
    folder = projects.write(tmp_path / "dvc-project")
    (folder / "train.sh").write_text("touch begun\nsleep 20\n" + (folder / "train.sh").read_text())
    env = environment(clean_environment) | {"DVC_NO_ANALYTICS": "1", "DVC_SITE_CACHE_DIR": str(tmp_path / "site")}
    git("init", "-q", cwd=folder)
    subprocess.run([dvc, "init", "-q"], cwd=folder, env=env, check=True)
    git("add", "-A", cwd=folder)
    git("commit", "-qm", "first", cwd=folder)
    still = (folder / ".git/HEAD").read_text()
    has_begun = (folder / "begun").exists
    for _ in killed_runs([dvc, "exp", "run", "-S", "train.lr=0.5"], folder, env, 1, (0.0, 0.5), since=has_begun):
        pass
    assert (folder / ".git/HEAD").read_text() != still
