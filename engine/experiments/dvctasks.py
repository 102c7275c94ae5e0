"""Every experiment that waits, runs or is over, whoever's queue it is in, told as DVC tells its own tasks.

DVC knows a task by the commit that says what to run. A job of ours is known by the one that it starts from, in the
same places and the same words; so whoever reads DVC's queue finds ours there, too.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from assay.engine.experiments import logs
from assay.engine.experiments.dvcqueue import Process, Task, tasks
from assay.engine.model import ExpRef, Oid
from assay.engine.project import Project
from assay.engine.queue.board import Board
from assay.engine.queue.boards import board_of
from assay.engine.queue.jobs import Job

_FAILED = 255
"""The status of a task that failed, where no command of its own has one: DVC's."""
_SHORTEST = 4
"""Digits of an id that mean a task."""


def all_tasks(project: Project) -> list[Task]:
    """DVC's tasks, then ours, each in the order in which they were queued."""
    return [*tasks(project), *our_tasks(project)]


def our_tasks(project: Project) -> list[Task]:
    """The jobs of our queue. What ran in a folder of its own without the queue is there until it ends well."""
    board = board_of(project)
    if not os.path.isdir(board.folder):
        return []
    return list(_tasks(project, board))


def waiting(project: Project, text: str) -> Oid | None:
    """The commit of the one task, queued or failed, that a name or the beginning of an id means; None for none."""
    left = [task for task in all_tasks(project) if task.state in ("queued", "failed")]
    found = {task.commit for task in left if task.name == text}
    if not found and len(text) >= _SHORTEST:
        found = {task.commit for task in left if task.commit is not None and task.commit.hex().startswith(text)}
    return found.pop() if len(found) == 1 else None


def _tasks(project: Project, board: Board) -> Iterator[Task]:
    for state, place, job in board.jobs():
        is_alone = bool(job.spec.get("alone"))
        if is_alone and state == "success":
            continue
        task = Task(state, job.commit, job.baseline, job.name, "dvc-task", created=job.created)
        if state == "running":
            root, folder = _whereabouts(project, job)
            task = task._replace(place="tempdir" if is_alone else "dvc-task", root=root, folder=folder)
            task = task._replace(process=Process(_pid(board, place), _log(project, job)))
        elif state == "failed":
            task = task._replace(place=None, process=Process(None, _log(project, job), job.status or _FAILED))
        elif state == "success":
            ref = ExpRef(job.baseline, job.name).refname
            task = task._replace(process=Process(None, _log(project, job), 0), result=ref)
        yield task


def _log(project: Project, job: Job) -> str | None:
    return logs.path_of_job(project, job.log, job.made) if job.log else None


def _pid(board: Board, place: str) -> int | None:
    """The worker's process, where that is one of this machine."""
    owner = board.holder(place)
    return owner.pid if owner is not None and owner.host == os.uname().nodename else None


def _whereabouts(project: Project, job: Job) -> tuple[str | None, str]:
    """The repository that a job runs in, and the folder of DVC's in there."""
    from assay.engine.experiments.runfolder import RunFolder  # with all that makes one, which few lists need

    folder = RunFolder(project, job.number)
    settings = os.path.dirname(project.layout.config[1])
    return (folder.path if folder.is_there else None), f"{project.prefix}{settings}"
