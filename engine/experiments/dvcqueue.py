"""DVC's own queue of experiments as plain values: what waits, what runs, what failed, what came of it.

DVC keeps it below ``.dvc/tmp/exps``: messages of Celery in ``celery/broker``, results of tasks in ``celery/result``, a
folder per task in ``run``. A state is nowhere written down: a message in ``in`` waits, one in ``processed`` runs until
there is a result, and then the ``.run`` file says whether an experiment came of it. Only JSON is read; nothing is
unpickled, and a file that is none of DVC's, or gone the next moment, is passed over.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

from assay.engine.model import Oid
from assay.engine.project import Project

TaskState = Literal["queued", "running", "failed", "success"]

_TASK = "dvc.repo.experiments.queue.tasks.run_exp"
_ENDED, _FAILED, _SUCCESS = ("SUCCESS", "FAILURE", "REVOKED"), 4, 3
_LARGEST = 10_000_000
"""Bytes: a larger file is no message."""


class Process(NamedTuple):
    """The process of a task: ``log`` is the absolute path of what it printed, ``returncode`` None while it runs."""

    pid: int | None
    log: str | None
    returncode: int | None = None


class Task(NamedTuple):
    """An experiment in DVC's queue, or one that DVC runs in the workspace or in a folder of its own.

    Attributes:
        state: Where it is.
        commit: The stash commit that says what to run; None for a run in the workspace.
        baseline: The commit that it starts from.
        name: What it is or will be called; empty when nobody knows yet.
        place: Where it runs: "dvc-task", "workspace", "tempdir"; None for what runs no more.
        process: Its process, as far as DVC has noted one.
        root: Absolute path of the repository that it runs in; None where that is over or not begun.
        folder: The ``.dvc`` folder in there, relative to ``root``.
        result: The ref of the experiment that came of it.
        created: When it was queued, in seconds since 1970; None where only its commit says so.
    """

    state: TaskState
    commit: Oid | None
    baseline: Oid
    name: str
    place: str | None = None
    process: Process | None = None
    root: str | None = None
    folder: str = ".dvc"
    result: str | None = None
    created: int | None = None


def tasks(project: Project) -> list[Task]:
    """Everything that DVC's queue knows: runs in the workspace and in folders first, then the queue's in its order."""
    folder = f"{project.root}/{project.layout.shared_runs}"
    if not project.layout.shared_runs or not os.path.isdir(folder):
        return []
    return [*_in_workspace(folder), *_in_folders(f"{folder}/standalone/run"), *_queue(folder)]


def _queue(folder: str) -> Iterator[Task]:
    for _, entry in _messages(f"{folder}/celery/broker/in"):
        yield Task("queued", entry.commit, entry.baseline, entry.name, "dvc-task")
    for number, entry in _messages(f"{folder}/celery/broker/processed"):
        run = f"{folder}/run"
        name = entry.commit.hex()
        info, process = _json(f"{run}/{name}/{name}.run"), _process(run, name)
        ending = _text((_json(f"{folder}/celery/result/celery-task-meta-{number}") or {}).get("status"))
        if ending not in _ENDED:
            yield Task("running", entry.commit, entry.baseline, entry.name, *_whereabouts(info, process))
        elif info.get("result_hash") is None if info is not None else ending == "FAILURE":
            yield Task("failed", entry.commit, entry.baseline, entry.name, None, process)
        elif info is not None and isinstance(info.get("result_ref"), str):
            done = Task("success", entry.commit, entry.baseline, entry.name, "dvc-task", process)
            yield done._replace(result=info["result_ref"])


def _in_workspace(folder: str) -> Iterator[Task]:
    """The run that uses the workspace now, if the process that began it is alive."""
    process, info = _process(f"{folder}/run", "workspace"), _json(f"{folder}/run/workspace/workspace.run")
    baseline = _oid(info.get("baseline_rev")) if info else None
    if process is None or info is None or baseline is None or not is_alive(process.pid):
        return
    if _status(info) < _FAILED and _status(info) != _SUCCESS:
        root, dvc = info.get("root_dir"), info.get("dvc_dir")
        place = (root if isinstance(root, str) else None, dvc if isinstance(dvc, str) else ".dvc")
        yield Task("running", None, baseline, _text(info.get("name")), "workspace", process._replace(log=None), *place)


def _in_folders(folder: str) -> Iterator[Task]:
    """Runs in temporary folders outside the queue."""
    for name in _names(folder):
        commit, info = _oid(name), _json(f"{folder}/{name}/{name}.run")
        baseline = _oid(info.get("baseline_rev")) if info else None
        if commit is None or info is None or baseline is None or _status(info) > _SUCCESS:
            continue
        root = info.get("root_dir")
        if isinstance(root, str) and os.path.exists(root):
            where = _whereabouts(info, _process(folder, name))
            yield Task("running", commit, baseline, _text(info.get("name")), *where)


class _Entry(NamedTuple):
    commit: Oid
    baseline: Oid
    name: str


def _messages(folder: str) -> Iterator[tuple[str, _Entry]]:
    """The tasks of a folder of messages, with their numbers, in the order in which they are taken."""
    for name in _names(folder):
        message = _json(f"{folder}/{name}") if name.endswith(".msg") else None
        if message is None or not isinstance(message.get("headers"), dict) or message["headers"].get("task") != _TASK:
            continue
        entry, number = _entry(message), message["headers"].get("id")
        if entry is not None and isinstance(number, str) and "/" not in number:
            yield number, entry


def _entry(message: Mapping[str, Any]) -> _Entry | None:
    try:
        args, words, *_ = json.loads(base64.b64decode(message["body"]))
        about = words.get("entry_dict") or args[0]
        commit, baseline = _oid(about["stash_rev"]), _oid(about["baseline_rev"])
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, RecursionError, binascii.Error):
        return None
    if commit is None or baseline is None:
        return None
    return _Entry(commit, baseline, _text(about.get("name")))


def _whereabouts(
    info: Mapping[str, Any] | None, process: Process | None
) -> tuple[str | None, Process | None, str | None, str]:
    """Place, process, root and folder of a running task."""
    about: Mapping[str, Any] = info or {}
    root, folder = about.get("root_dir"), about.get("dvc_dir")
    return (
        _text(about.get("location")) or "dvc-task",
        process,
        root if isinstance(root, str) else None,
        folder if isinstance(folder, str) else ".dvc",
    )


def _process(folder: str, name: str) -> Process | None:
    info = _json(f"{folder}/{name}/{name}.json")
    if info is None:
        return None
    pid, log, code = info.get("pid"), info.get("stdout"), info.get("returncode")
    return Process(
        pid if isinstance(pid, int) else None,
        log if isinstance(log, str) else None,
        code if isinstance(code, int) else None,
    )


def is_alive(pid: int | None) -> bool:
    """Whether a process of this machine runs."""
    if not pid or pid < 0:
        return False
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (ProcessLookupError, OverflowError):
        return False
    return True


def _status(info: Mapping[str, Any]) -> int:
    status = info.get("status")
    return status if isinstance(status, int) else 0


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _oid(value: Any) -> Oid | None:
    try:
        return Oid(bytes.fromhex(value)) if isinstance(value, str) and len(value) == 40 else None
    except ValueError:
        return None


def _names(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


def _json(path: str) -> dict[str, Any] | None:
    """A file that holds a JSON object; None for any other, and for none."""
    try:
        with open(path, "rb") as file:
            found = json.loads(file.read(_LARGEST))
    except (OSError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
