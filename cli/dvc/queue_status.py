"""``assay-dvc queue status``."""

from __future__ import annotations

import argparse

from assay.cli.wiring import Context

_STATES = {"running": "Running", "queued": "Queued", "failed": "Failed", "success": "Success"}
"""The states, in the order in which DVC lists them."""
_HEAD = ("Task", "Name", "Created", "Status")


def add_arguments(_parser: argparse.ArgumentParser) -> None:
    """Declares nothing: the verb has no arguments."""


def run(_args: argparse.Namespace, context: Context) -> int:
    """Lists what DVC's queue has; workers that wait for work are not told from those that are gone."""
    from assay.cli.render.dvccolumns import moment
    from assay.cli.render.dvctable import lines
    from assay.engine.experiments.dvcqueue import is_alive, tasks

    project, now = context.project(), context.world.clock.now()[0]
    project.require_git()
    found = [task for task in tasks(project) if task.commit is not None and task.place in ("dvc-task", None)]
    rows = []
    for state, word in _STATES.items():
        for task in found:
            if task.state == state and task.commit is not None:
                name = task.name or (task.result or "").rpartition("/")[2]
                made = project.repo.objects.read_commit(task.commit).committer.time
                rows.append((task.commit.hex()[:7], name, moment(made, now), word))
    if rows:
        for line in lines(_HEAD, rows):
            context.say(line)
    else:
        context.say("No experiment tasks in the queue.")
    at_work = [task for task in found if task.state == "running" and task.process and is_alive(task.process.pid)]
    context.say(f"\nWorker status: {len(at_work)} active, 0 idle")
    return 0
