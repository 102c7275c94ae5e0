"""Queued experiments from the command line: queued, carried out, looked at, ended, taken away."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from tests.filetree import picture, write

SLOW = "while :; do sleep 0.05; done"
PATIENCE = 120  # seconds
ASSAY = [sys.executable, "-m", "assay"]


def jobs(project, assay):
    """The queue as programs see it, by experiment."""
    return {job["name"]: job for job in json.loads(assay("queue", "status", "--json", cwd=project).out)["jobs"]}


def names(project, assay):
    """The names of HEAD's experiments."""
    return sorted(row["name"] for row in listed(project, assay) if row["state"] == "success")


def listed(project, assay):
    """The rows below HEAD's."""
    (baseline,) = json.loads(assay("show", "--json", cwd=project).out)["baselines"]
    return baseline["experiments"]


def begun(project, assay, *experiments):
    """Waits until these run."""
    until(lambda: all(jobs(project, assay).get(name, {}).get("state") == "running" for name in experiments))


def until(is_so):
    """Waits until something is so."""
    deadline = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture
def worker(project):
    """Starts a worker in the background."""
    started = []

    def start(*words):
        process = subprocess.Popen(
            [*ASSAY, *(words or ("worker",))], cwd=project, start_new_session=True, stdout=subprocess.DEVNULL
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def queue_slow(project, assay, name="slow"):
    write(project, {"slow.sh": f"echo begun\ntouch here\n{SLOW}\n"})
    assay("run", "--queue", "-n", name, "--outs", "o", "--", "sh", "slow.sh", cwd=project)


def test_a_grid_is_queued_and_carried_out(project, assay, git):
    before = {path: data for path, data in picture(project).items() if not path.startswith((".git/", ".assay/"))}
    said = assay("run", "--queue", "-n", "g", "-S", "train.lr=0.1,0.2", "-S", "seed=1,2", cwd=project)
    assert said.out == "Queued 4 experiments: g-1, g-2, g-3, g-4\n"
    assert assay("queue", "start", "-j", "2", cwd=project).out.endswith("4 experiments made, 0 jobs failed.\n")
    params = {row["name"]: row["params"]["params.yaml"] for row in listed(project, assay)}
    found = {name: (values["train"]["lr"], values["seed"]) for name, values in params.items()}
    assert found == {"g-1": (0.1, 1), "g-2": (0.1, 2), "g-3": (0.2, 1), "g-4": (0.2, 2)}
    after = {path: data for path, data in picture(project).items() if not path.startswith((".git/", ".assay/"))}
    assert after == before
    assert git("status", "--porcelain", cwd=project) == ""
    assert git("fsck", "--strict", "--no-dangling", cwd=project) == ""
    assert git("worktree", "list", cwd=project).count("\n") == 0


def test_what_is_queued_starts_from_the_workspace_as_it_was(project, assay):
    text = (project / "params.yaml").read_text()
    assay("run", "--queue", "-n", "before", "-S", "train.lr=0.5", cwd=project)
    write(project, {"params.yaml": text.replace("seed: ", "seed: 9")})
    assay("queue", "start", cwd=project)
    (row,) = listed(project, assay)
    assert f"seed: {row['params']['params.yaml']['seed']}\n" in text


def test_a_sweep_without_the_queue_is_refused_with_the_command_that_works(project, assay):
    said = assay("run", "-S", "train.lr=0.1,0.2", cwd=project, code=254).err
    assert "ask for 2 runs" in said
    assert "`assay run --queue -S train.lr=0.1,0.2`" in said


@pytest.mark.parametrize("value", ["glob(*)", "interval(0,1)"])
def test_sweeps_without_a_list_of_values_are_refused(project, assay, value):
    assert "no list of values" in assay("run", "--queue", "-S", f"train.lr={value}", cwd=project, code=254).err


def test_names_in_the_queue_are_taken(project, assay):
    assay("run", "--queue", "-n", "one", cwd=project)
    assert "in the queue already" in assay("run", "--queue", "-n", "one", cwd=project, code=1).err
    assay("run", "-n", "two", "-S", "seed=3", cwd=project)
    assert "has an experiment 'two'" in assay("run", "--queue", "-n", "two", cwd=project, code=1).err


def test_a_name_that_is_taken_while_it_waits_costs_no_work(project, assay):
    assay("run", "--queue", "-n", "one", "-S", "seed=4", cwd=project)
    assay("run", "-n", "one", "-S", "seed=3", cwd=project)
    assay("queue", "start", cwd=project)
    assert names(project, assay) == ["one", "one-2"]


def test_missing_inputs_are_named_when_it_is_queued(project, assay):
    write(project, {".gitignore": "/secret\n", "secret": "1"})
    words = ("--deps", "secret", "--outs", "o", "--", "touch", "o")
    assert "would not have secret" in assay("run", "--queue", *words, cwd=project, code=1).err
    assert jobs(project, assay) == {}


def test_a_failed_job_keeps_its_log_its_status_and_what_it_left(project, assay, git):
    write(project, {"fails.sh": "echo why not\necho '{\"half\": 1}' > m.json\nexit 7\n"})
    assay("run", "--queue", "-n", "bad", "--metrics", "m.json", "--", "sh", "fails.sh", cwd=project)
    assert assay("queue", "start", cwd=project, code=1).out.endswith("0 experiments made, 1 job failed.\n")
    job = jobs(project, assay)["bad"]
    assert (job["state"], job["status"], job["attempts"][0]["end"]) == ("failed", 7, "failed")
    assert assay("queue", "logs", "bad", cwd=project).out == "why not\n"
    kept = git("for-each-ref", "--format=%(refname)", "refs/assay/kept", cwd=project)
    assert git("show", f"{kept}:m.json", cwd=project) == '{"half": 1}'
    assert names(project, assay) == []


def test_failed_jobs_are_done_again_when_somebody_says_so(project, assay):
    write(project, {".gitignore": "/flag\n", "flag": "no"})
    words = ("-C", "flag", "--outs", "o", "--", "sh", "-c", "grep -q yes flag && touch o")
    assay("run", "--queue", "-n", "again", *words, cwd=project)
    assay("queue", "start", cwd=project, code=1)
    write(project, {"flag": "yes"})
    assert assay("queue", "retry", "again", cwd=project).out == "Queued 1 job again: again.\n"
    assay("queue", "start", cwd=project)
    assert names(project, assay) == ["again"]
    assert [one["end"] for one in jobs(project, assay)["again"]["attempts"]] == ["failed", "success"]


def test_a_running_job_is_killed_with_all_that_it_started(project, assay, worker):
    queue_slow(project, assay)
    process = worker()
    begun(project, assay, "slow")
    assay("queue", "kill", "slow", cwd=project)
    assert process.wait(PATIENCE) == 0
    job = jobs(project, assay)["slow"]
    assert (job["state"], job["problem"]) == ("failed", "It was killed.")
    until(lambda: not any(name.isdigit() and runs_in(name, project) for name in os.listdir("/proc")))


def runs_in(pid, project):
    """Whether a process works in a folder of the project's."""
    try:
        return os.readlink(f"/proc/{pid}/cwd").startswith(f"{project}/.assay")
    except OSError:
        return False


def test_a_worker_that_is_told_to_end_gives_its_job_back(project, assay, worker):
    queue_slow(project, assay)
    process = worker()
    begun(project, assay, "slow")
    process.terminate()
    assert process.wait(PATIENCE) == 252
    job = jobs(project, assay)["slow"]
    assert (job["state"], [one["end"] for one in job["attempts"]]) == ("queued", ["stopped"])


def test_the_job_of_a_worker_that_died_is_done_by_the_next_one(project, assay, worker):
    write(project, {"once.sh": "test -e $DVC_ROOT/.git/seen && touch o || { touch $DVC_ROOT/.git/seen; sleep 600; }\n"})
    assay("run", "--queue", "-n", "one", "--outs", "o", "--", "sh", "once.sh", cwd=project)
    process = worker()
    until((project / ".git" / "seen").exists)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assay("queue", "start", cwd=project)
    job = jobs(project, assay)["one"]
    assert (job["state"], [one["end"] for one in job["attempts"]]) == ("success", ["lost", "success"])
    assert names(project, assay) == ["one"]


def test_workers_end_after_their_job_when_they_are_asked_to(project, assay, worker):
    write(project, {".gitignore": "/go\n", "wait.sh": "while ! test -e $DVC_ROOT/go; do sleep 0.05; done; touch o\n"})
    for name in ("one", "two"):
        assay("run", "--queue", "-n", name, "--outs", "o", "--", "sh", "wait.sh", cwd=project)
    process = worker()
    begun(project, assay, "one")
    assert assay("queue", "stop", cwd=project).out == "1 worker will end after their jobs.\n"
    write(project, {"go": ""})
    assert process.wait(PATIENCE) == 0
    assert {name: job["state"] for name, job in jobs(project, assay).items()} == {"one": "success", "two": "queued"}


def test_runs_in_the_workspace_go_on_beside_the_queue(project, assay, worker):
    queue_slow(project, assay)
    worker()
    begun(project, assay, "slow")
    assay("run", "-n", "here", "-S", "seed=5", cwd=project)
    assert names(project, assay) == ["here"]
    assay("queue", "kill", "slow", cwd=project)


def test_workers_in_the_background_end_with_the_queue(project, assay):
    assay("run", "--queue", "-n", "one", "-S", "seed=8", cwd=project)
    assert "1 worker started" in assay("queue", "start", "-j", "2", "--detach", cwd=project).out
    until(lambda: jobs(project, assay)["one"]["state"] == "success")
    until(lambda: not json.loads(assay("queue", "status", "--json", cwd=project).out)["workers"])


def test_jobs_are_taken_away_and_experiments_stay(project, assay, git):
    assay("run", "--queue", "-n", "done", "-S", "seed=8", cwd=project)
    assay("queue", "start", cwd=project)
    assay("run", "--queue", "-n", "waits", cwd=project)
    assert assay("queue", "remove", "--all", cwd=project).out == "Removed 2 jobs: waits, done.\n"
    assert jobs(project, assay) == {}
    assert names(project, assay) == ["done"]
    assert git("for-each-ref", "refs/assay/queue", "refs/assay/kept", cwd=project) == ""


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("queue", "kill", "nobody"), 255, "There is no 'nobody' in the queue"),
        (("queue", "logs", "nobody"), 255, "There is no 'nobody' in the queue"),
        (("queue", "remove"), 254, "Say which"),
        (("queue", "remove", "a", "--all"), 254, "Say which"),
        (("queue", "retry"), 254, "Say which"),
        (("queue", "start", "-j", "0"), 254, "at least 1"),
        (("run", "--queue", "--dry"), 254, "--dry does not go with it"),
        (("worker", "--wait", "soon"), 254, "invalid float"),
    ],
)
def test_bad_input_is_one_sentence_and_changes_nothing(project, assay, words, code, says):
    before = picture(project)
    assert says in assay(*words, cwd=project, code=code).err
    assert picture(project) == before


def test_the_table_shows_what_waits_what_runs_and_what_failed(project, assay, worker):
    waiting = "while ! test -e $DVC_ROOT/go; do sleep 0.05; done"
    write(project, {".gitignore": "/go\n", "slow.sh": f"echo '{{\"step\": 3}}' > live.json; {waiting}; exit 3\n"})
    assay("run", "--queue", "-n", "slow", "--metrics", "live.json", "--", "sh", "slow.sh", cwd=project)
    assay("run", "--queue", "-n", "waits", "-S", "seed=7", cwd=project)
    process = worker()
    begun(project, assay, "slow")
    until(lambda: {row["name"]: row for row in listed(project, assay)}["slow"]["metrics"])
    rows = {row["name"]: row for row in listed(project, assay)}
    assert {name: row["state"] for name, row in rows.items()} == {"slow": "running", "waits": "queued"}
    assert rows["slow"]["metrics"]["live.json"] == {"step": 3}
    write(project, {"go": ""})
    process.wait(PATIENCE)
    rows = {row["name"]: row for row in listed(project, assay)}
    assert {name: row["state"] for name, row in rows.items()} == {"slow": "failed", "waits": "success"}
    assert rows["slow"]["metrics"]["live.json"] == {"step": 3}
    assert "exited with 3" in rows["slow"]["errors"]["(run)"]


def test_rows_of_the_queue_can_be_left_out(project, assay):
    assay("run", "--queue", "-n", "bad", "--", "sh", "-c", "exit 1", cwd=project)
    assay("queue", "start", cwd=project, code=1)
    assay("run", "--queue", "-n", "waits", cwd=project)
    words = ("show", "--hide-workspace")
    assert "bad" in assay(*words, "--hide-queued", cwd=project).out
    assert "waits" not in assay(*words, "--hide-queued", cwd=project).out
    assert "bad" not in assay(*words, "--hide-failed", cwd=project).out


def test_what_a_failed_run_left_can_be_compared_applied_and_read(project, assay):
    write(project, {"fails.sh": "echo why not\necho half > made.txt\nexit 7\n"})
    assay("run", "--queue", "-n", "bad", "--outs", "made.txt", "-S", "seed=9", "--", "sh", "fails.sh", cwd=project)
    assay("queue", "start", cwd=project, code=1)
    assert "seed" in assay("diff", "bad", cwd=project).out
    assert assay("logs", "bad", cwd=project).out == "why not\n"
    assay("apply", "bad", cwd=project)
    assert "seed: 9\n" in (project / "params.yaml").read_text()


def test_a_worker_that_slept_makes_no_second_experiment(project, assay):
    owner = {"host": "elsewhere", "machine": "m", "pid": 1, "start": 1, "command": "", "time": 1, "nonce": "1"}
    write(project, {".gitignore": "/owner\n", "owner": json.dumps(owner)})
    script = 'for lease in $DVC_ROOT/.git/assay/queue/leases/*; do cp $DVC_ROOT/owner "$lease"; done'
    assay("run", "--queue", "-n", "one", "--", "sh", "-c", script, cwd=project)
    assert "was taken over while this process gave no sign of life" in assay("worker", cwd=project).err
    assert names(project, assay) == []
    assert jobs(project, assay)["one"]["state"] == "running"
