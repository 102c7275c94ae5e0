"""``assay-dvc queue remove``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from assay.cli.dvc.queued import meant, refuse_unknown, tell_of_dvcs
from assay.cli.wiring import Context

if TYPE_CHECKING:
    from assay.engine.queue.jobs import State

_STATES: tuple[State, ...] = ("queued", "failed", "success")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("--all", action="store_true", help="everything that is not running")
    for state in _STATES:
        parser.add_argument(f"--{state}", action="store_true", help=f"all that are {state}")
    parser.add_argument("task", nargs="*", metavar="<task>", help="names of experiments, or the beginnings of ids")


def run(args: argparse.Namespace, context: Context) -> int:
    """Takes tasks out of the queue; the experiments that came of them stay."""
    from assay.engine.errors import AssayError
    from assay.engine.workers.control import remove

    states = _STATES if args.all else tuple(state for state in _STATES if getattr(args, state))
    if bool(states) == bool(args.task):
        raise AssayError(
            "Either provide an `tasks` argument, or use the `--all`, `--queued`, `--failed`, `--success` flag."
        )
    project = context.project()
    if states:
        tell_of_dvcs(context, states, "queue remove")
        gone = remove(project, states=states)
    else:
        entries, missing = meant(context, args.task, _STATES)
        refuse_unknown(context, missing, "experiment name", "queue remove")
        gone = remove(project, [entry.job.number for entry in entries])
    context.report.clear()
    names = ", ".join(job.name for job in gone)
    context.say(f"Removed tasks in queue: {names}" if gone else "No tasks found named []")
    return 0
