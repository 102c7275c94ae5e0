"""``assay-dvc queue status``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from assay.cli.wiring import Context

if TYPE_CHECKING:
    from collections.abc import Iterable

    from assay.engine.experiments.dvcqueue import Task
    from assay.engine.project import Project

_STATES = {"running": "Running", "queued": "Queued", "failed": "Failed", "success": "Success"}
"""The states, in the order in which DVC lists them."""
_HEAD = ("Task", "Name", "Created", "Status")


def add_arguments(_parser: argparse.ArgumentParser) -> None:
    """Declares nothing: the verb has no arguments."""


def run(_args: argparse.Namespace, context: Context) -> int:
    """Lists what our queue and DVC's have; DVC's workers that wait for work are not told from those that are gone."""
    from assay.cli.render.dvccolumns import moment
    from assay.cli.render.dvctable import lines
    from assay.engine.experiments.dvctasks import all_tasks

    project, now = context.project(), context.world.clock.now()[0]
    project.require_git()
    found = [task for task in all_tasks(project) if task.commit is not None and task.place in ("dvc-task", None)]
    rows = []
    for state, word in _STATES.items():
        for task in found:
            if task.state == state and task.commit is not None:
                name = task.name or (task.result or "").rpartition("/")[2]
                made = _made(project, task)
                rows.append((task.commit.hex()[:7], name, "-" if made is None else moment(made, now), word))
    if rows:
        for line in lines(_HEAD, rows):
            context.say(line)
    else:
        context.say("No experiment tasks in the queue.")
    active, idle = _workers(project, found)
    context.say(f"\nWorker status: {active} active, {idle} idle")
    return 0


def _made(project: Project, task: Task) -> int | None:
    """When a task was queued, in seconds since 1970; None where Git has let go of the commit of one that is over."""
    from assay.engine.errors import AssayError

    if task.created is not None or task.commit is None:
        return task.created
    try:
        return project.repo.objects.read_commit(task.commit).committer.time
    except AssayError:
        return None


def _workers(project: Project, found: Iterable[Task]) -> tuple[int, int]:
    """How many workers have a task, and how many of ours wait for one."""
    from assay.engine.experiments.dvcqueue import is_alive
    from assay.engine.workers.control import overview

    ours = overview(project)
    busy = sum(state == "running" and not job.spec.get("alone") for state, _, job in ours.entries)
    at_work = sum(
        task.created is None and task.state == "running" and task.process is not None and is_alive(task.process.pid)
        for task in found
    )
    return at_work + busy, max(len(ours.workers) - busy, 0)
