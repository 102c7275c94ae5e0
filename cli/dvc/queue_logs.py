"""``assay-dvc queue logs``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from assay.cli.dvc.queued import meant, refuse_unknown
from assay.cli.wiring import Context

if TYPE_CHECKING:
    from assay.engine.experiments.dvcqueue import Task

_SHORTEST = 4
FOLLOWING = "Following logs for {}. Use Ctrl+C to stop following logs (experiment execution will continue).\n"
"""What stands above logs that are followed, with a line left empty below."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("-e", "--encoding", metavar="<encoding>", help="accepted; what was printed is shown as it is")
    parser.add_argument("-f", "--follow", action="store_true", help="go on until it ends")
    parser.add_argument("task", metavar="<task>", help="the name of an experiment, or the beginning of an id")


def run(args: argparse.Namespace, context: Context) -> int:
    """Prints what a task printed, be it one of ours or of DVC's."""
    from assay.cli.follow import follow
    from assay.engine.errors import AssayError
    from assay.engine.workers.control import open_log

    word = args.task
    entries, _ = meant(context, [word], ("running", "failed", "success"))
    if not entries:
        if meant(context, [word], ("queued",))[0]:
            raise AssayError(f"Experiment '{word}' is in queue but has not been started")
        return _of_dvcs(args, context)
    log, job = open_log(context.project(), entries[0].job.number)
    if args.follow:
        context.say(FOLLOWING.format(f"experiment '{word}'"))
    try:
        follow(context, log, job.number if args.follow else None)
    except KeyboardInterrupt:
        if not args.follow:
            raise
    if not args.follow:
        context.say("")
    return 0


def _of_dvcs(args: argparse.Namespace, context: Context) -> int:
    from assay.cli.follow import follow

    task = _dvcs(args.task, context)
    log = task.process.log if task is not None and task.process is not None else None
    if log is None or args.follow:
        refuse_unknown(context, [args.task], "queued experiment name", "queue logs")
        return 0
    with open(log, "rb") as file:
        follow(context, file, None)
    context.say("")
    return 0


def _dvcs(word: str, context: Context) -> Task | None:
    """The task of DVC's that is meant."""
    from assay.engine.experiments.dvcqueue import tasks

    found = [task for task in tasks(context.project()) if task.commit is not None and task.process is not None]
    for task in found:
        is_id = len(word) >= _SHORTEST and task.commit is not None and task.commit.hex().startswith(word)
        if task.name == word or is_id:
            return task
    return None
