"""What dead workers left is cleared away, what somebody still needs is not."""

from __future__ import annotations

import json
import os
import threading
import time

import pytest

from assay.engine.experiments import logs
from assay.engine.locks import FileLock, this_process, to_bytes
from tests.filetree import write


def jobs(project, assay):
    """The queue as programs see it, by experiment."""
    return {job["name"]: job for job in json.loads(assay("queue", "status", "--json", cwd=project).out)["jobs"]}


@pytest.fixture
def failed(project, assay):
    """A project with a job that failed twice."""
    assay("run", "--queue", "-n", "bad", "--outs", "o", "--", "sh", "-c", "echo why; exit 3", cwd=project)
    assay("worker", cwd=project)
    assay("queue", "retry", "bad", cwd=project)
    assay("worker", cwd=project)
    return project


def folders(project):
    return sorted(path.name for path in (project / ".git/assay/logs").iterdir())


def test_the_logs_of_all_attempts_go_with_their_job(failed, assay):
    assert [name.rpartition("-")[0][-2:] for name in folders(failed)] == [".1", ".2"]
    assay("queue", "remove", "bad", cwd=failed)
    assert folders(failed) == []


def test_what_a_job_left_that_is_gone_goes_with_the_next_look(failed, assay, git):
    for path in (failed / ".git/assay/queue/failed").iterdir():
        path.unlink()
    git("config", "user.name", "somebody", cwd=failed)
    assay("run", "--temp", "-n", "next", "-S", "seed=9", cwd=failed)
    assert git("for-each-ref", "refs/assay/kept", cwd=failed) == ""
    assert not any(name.startswith("job-") for name in folders(failed))


def test_the_log_of_a_job_is_no_old_failure(failed):
    name = folders(failed)[0]
    running = failed / ".git/assay/logs" / name.replace("job-", "running-")
    running.with_name(name).rename(running)
    write(running, {"owner": to_bytes(this_process()._replace(pid=2**22 + 1, start=1)).decode()})
    logs._bury_the_dead(str(running.parent))
    assert name in folders(failed)


def test_a_job_that_ended_is_not_run_again_for_lack_of_a_rename(failed, assay):
    board = failed / ".git/assay/queue"
    (path,) = (board / "failed").iterdir()
    path.rename(board / "running" / path.name)
    assay("worker", cwd=failed)
    job = jobs(failed, assay)["bad"]
    assert (job["state"], job["status"], len(job["attempts"])) == ("failed", 3, 2)


def test_the_folder_of_a_worker_elsewhere_that_has_just_died_is_waited_for(project, assay):
    assay("run", "--queue", "-n", "one", "-S", "seed=9", cwd=project)
    owner = {"host": "elsewhere", "machine": "m", "pid": 1, "start": 1, "command": "", "time": 1, "nonce": "1"}
    number = jobs(project, assay)["one"]["number"]
    path = project / ".git/assay/runs" / f"{number}.lock"
    write(path.parent, {path.name: json.dumps(owner)})
    threading.Timer(1.0, lambda: os.utime(path, (time.time() - 90,) * 2)).start()
    assay("worker", cwd=project)
    assert jobs(project, assay)["one"]["state"] == "success"


def test_what_was_left_of_breaking_a_stale_lock_goes(failed, assay):
    dead = to_bytes(this_process()._replace(pid=2**22 + 1, start=1)).decode()
    left = [".git/assay/runs/0.lock.1f", ".git/assay/queue/leases/00000000000000-0.000000.0.1f"]
    write(failed, dict.fromkeys(left, dead))
    assay("worker", cwd=failed)
    assert [path for path in left if (failed / path).exists()] == []


def test_a_log_that_is_on_its_way_to_its_experiment_is_waited_for(project, assay):
    assay("run", "--queue", "-n", "one", "--outs", "o", "--", "sh", "-c", "echo said; touch o", cwd=project)
    assay("worker", cwd=project)
    board, commit = project / ".git/assay/queue", jobs(project, assay)["one"]["commit"]
    (path,) = (board / "success").iterdir()
    done = path.read_text()
    path.unlink()
    write(board / "running", {path.name: done.replace(f'"made": "{commit}"', '"made": null')})  # as it is for a moment
    late = threading.Timer(1.0, lambda: (board / "running" / path.name).rename(path))
    late.start()
    threading.Timer(0.5, lambda: (board / "running" / path.name).write_text(done)).start()
    assert assay("queue", "logs", "one", cwd=project).out == "said\n"
    late.join()


def grow_old(folder, seconds=7200):
    """Whatever happened there has happened so long ago."""
    for path in (folder, *folder.rglob("*")):
        os.utime(path, (time.time() - seconds,) * 2, follow_symlinks=False)


def test_the_queue_of_a_work_tree_that_is_gone_goes_when_nobody_works_there(project, assay, git, tmp_path):
    beside = tmp_path / "beside"
    git("worktree", "add", "-q", str(beside), "-b", "beside", cwd=project)
    assay("run", "--queue", "-n", "bad", "--outs", "o", "--", "sh", "-c", "exit 3", cwd=beside)
    assay("worker", cwd=beside)
    assay("run", "--queue", "-n", "waits", "-S", "seed=9", cwd=beside)
    (board,) = (project / ".git/assay/queues").iterdir()
    assay("run", "--temp", "-n", "next", "-S", "seed=8", cwd=project)
    assert board.exists()
    git("worktree", "remove", "--force", str(beside), cwd=project)
    assay("worker", cwd=project)
    assert board.exists()  # it has only just been used
    with FileLock(f"{board}/workers/0123456789abcdef"):
        grow_old(board)
        assay("worker", cwd=project)
        assert board.exists()
    grow_old(board)
    assay("worker", cwd=project)
    assert not board.exists()
    assert git("for-each-ref", "refs/assay/kept", cwd=project) == ""
    assert not any("-bad-" in name for name in folders(project))


def test_the_run_folder_of_a_work_tree_that_is_gone_is_no_work_tree_any_more(project, assay, git):
    admin = project / ".git/worktrees/0123456789abcdef"
    head = git("rev-parse", "HEAD", cwd=project)
    gone = {"locked": "assay run x", "gitdir": f"{project.parent}/gone/.assay/tmp/runs/x/.git", "HEAD": head}
    write(admin, {**{name: f"{text}\n" for name, text in gone.items()}, "commondir": "../..\n"})
    assert git("worktree", "list", cwd=project).count("\n") == 1
    assay("worker", cwd=project)
    assert not admin.exists()


def test_half_written_locks_of_dead_processes_go_after_an_hour(failed, assay):
    places = [f".git/assay/{place}/.assay-tmp-1-1-0" for place in ("runs", "queue/leases", "queue/workers")]
    write(failed, dict.fromkeys(places, "half"))
    assay("worker", cwd=failed)
    assert [place for place in places if (failed / place).exists()] == places
    for place in places:
        grow_old(failed / place)
    assay("worker", cwd=failed)
    assert [place for place in places if (failed / place).exists()] == []
