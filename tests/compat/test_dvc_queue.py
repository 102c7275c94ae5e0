"""What DVC's own queue has, as `exp show` of both tools and `assay show` tell it: waiting, running, failed, done."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.dvchistory import comparable
from tests.dvcprocess import python_of_dvc
from tests.filetree import write

FILES = {
    "dvc.yaml": "stages: {train: {cmd: sh train.sh, deps: [train.sh], params: [lr, mode], "
    "metrics: [{m.json: {cache: false}}]}}\n",
    "params.yaml": "lr: 0.1\nmode: ok\n",
    "m.json": '{"acc": 0.5}\n',
    "train.sh": """\
case $(grep mode params.yaml) in
*fail) exit 3 ;;
*slow) echo '{"acc": 0.7}' > m.json; touch "$GATE/begun"; while [ ! -e "$GATE/go" ]; do sleep 0.1; done ;;
esac
echo '{"acc": 0.9}' > m.json
""",
}


@pytest.fixture(scope="module")
def root(dvc_process):
    """A project with one commit; stages of the mode "slow" wait for the file ``go`` in a folder beside it."""
    folder = dvc_process.new()
    write(folder, FILES)
    gate = gate_of(folder)
    gate.mkdir()
    (folder / "train.sh").write_text(f"GATE={gate}\n{FILES['train.sh']}")
    environment = {**os.environ, **{f"GIT_{who}_{what}": f"{what}@x" for who in WHO for what in ("NAME", "EMAIL")}}
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "first"]):
        subprocess.run(["git", *words], cwd=folder, env=environment, check=True)
    return folder


WHO = ("AUTHOR", "COMMITTER")


def gate_of(root: Path) -> Path:
    return root.with_name(f"{root.name}-gate")


def until(is_so, what: str, seconds: float = 120) -> None:
    """Waits for something that another process does."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, f"{what} did not come"
        time.sleep(0.05)


def dvc(root: Path, *words: str) -> subprocess.Popen:
    """DVC in a process of its own: a worker is a copy of the process that starts it, which may have no threads."""
    environment = {**os.environ, "DVC_NO_ANALYTICS": "1", "DVC_SITE_CACHE_DIR": str(root.with_name("site"))}
    environment.update({f"GIT_{who}_{what}": f"{what}@x" for who in WHO for what in ("NAME", "EMAIL")})
    environment["PATH"] = f"{Path(python_of_dvc()).parent}:{environment['PATH']}"
    return subprocess.Popen([python_of_dvc(), "-m", "dvc", *words], cwd=root, env=environment)


def shown(dvc_process, assay_dvc, root: Path, *words: str) -> list[dict]:
    """The rows that both tools show, which are the same."""
    theirs = dvc_process.run(root, "exp", "show", *words)
    assert theirs.code == 0, theirs.err
    ours = assay_dvc("exp", "show", *words, cwd=root)
    if "--json" not in words:
        assert ours.out == theirs.out
        return []
    found = comparable(ours.out)
    assert found == comparable(theirs.out)
    return found[-1]["experiments"]


def listed(dvc_process, assay_dvc, root: Path) -> None:
    """Both tools tell the same of the queue, but for workers that wait."""
    theirs, ours = dvc_process.run(root, "queue", "status").out, assay_dvc("queue", "status", cwd=root).out
    assert ours.splitlines()[:-1] == theirs.splitlines()[:-1]
    assert ours.rpartition(",")[0] == theirs.rpartition(",")[0]


def own(assay, root: Path, *words: str) -> list[dict]:
    """The experiments that `assay show` shows."""
    return json.loads(assay("show", "--json", *words, cwd=root).out)["baselines"][0]["experiments"]


def states(experiments: list[dict]) -> dict[str, str | None]:
    return {one["name"]: one["executor"] and one["executor"]["state"] for one in experiments}


@pytest.fixture(scope="module")
def played(dvc_process, root):
    """A queue with one experiment that runs, one that will fail, one that waits; yields when the first has begun."""
    for name, change in (("slow", "mode=slow"), ("bad", "mode=fail"), ("later", "lr=0.3")):
        assert dvc_process.run(root, "exp", "run", "--queue", "-n", name, "-S", change).code == 0
    assert dvc(root, "queue", "start").wait(120) == 0
    until((gate_of(root) / "begun").exists, "the first experiment")
    yield root
    (gate_of(root) / "go").touch()
    with suppress(OSError, ValueError):
        worker = json.loads((root / ".dvc/tmp/exps/celery/dvc-exp-worker-1.json").read_text())
        os.kill(worker["pid"], signal.SIGTERM)


def test_a_queue_from_its_beginning_to_its_end(dvc_process, assay_dvc, assay, played):
    root = played
    rows = shown(dvc_process, assay_dvc, root, "--json")
    assert states(rows) == {"slow": "running", "bad": "queued", "later": "queued"}
    assert rows[0]["revs"][0]["data"]["metrics"]["m.json"]["data"] == {"acc": 0.7}  # as it runs
    for words in ("", "--csv", "--md --hide-queued"):
        shown(dvc_process, assay_dvc, root, *words.split())
    mine = {
        row["name"]: row for row in json.loads(assay("show", "--json", cwd=root).out)["baselines"][0]["experiments"]
    }
    assert {name: row["state"] for name, row in mine.items()} == states(rows)
    assert mine["slow"]["metrics"] == {"m.json": {"acc": 0.7}}
    assert mine["bad"]["metrics"] == {}
    assert mine["bad"]["params"]["params.yaml"]["mode"] == "fail"

    listed(dvc_process, assay_dvc, root)

    (gate_of(root) / "go").touch()
    results = root / ".dvc/tmp/exps/celery/result"
    until(lambda: len(os.listdir(results)) == 3, "the end of the queue")
    until(lambda: json.loads(assay_dvc("exp", "show", "--json", cwd=root).out)[1]["experiments"], "an experiment")
    rows = shown(dvc_process, assay_dvc, root, "--json")
    assert states(rows) == {"slow": "success", "bad": "failed", "later": "success"}
    listed(dvc_process, assay_dvc, root)
    shown(dvc_process, assay_dvc, root, "--csv")
    shown(dvc_process, assay_dvc, root, "--json", "--hide-failed", "--param-deps")
    (row,) = own(assay, root, "--where", 'state == "failed"')
    assert row["name"] == "bad"
    assert "exit status 255" in row["errors"]["(run)"]


def test_a_run_in_the_workspace(dvc_process, assay_dvc, assay, root):
    with suppress(FileNotFoundError):
        (gate_of(root) / "go").unlink()
        (gate_of(root) / "begun").unlink()
    running = dvc(root, "exp", "run", "-q", "-n", "here", "-S", "mode=slow", "-S", "lr=0.9")
    try:
        until((gate_of(root) / "begun").exists, "the run")
        rows = shown(dvc_process, assay_dvc, root, "--json", "--hide-failed")
        assert rows[0]["name"] == "here"
        assert rows[0]["executor"]["name"] == "workspace"
        assert ("here", "running") in {(row["name"], row["state"]) for row in own(assay, root)}
    finally:
        (gate_of(root) / "go").touch()
        assert running.wait(120) == 0
