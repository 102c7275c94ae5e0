"""``assay-dvc queue stop``."""

from __future__ import annotations

import argparse

from assay.cli.dvc.queue_kill import tell_left, wait_for_end
from assay.cli.dvc.queued import tell_of_dvcs
from assay.cli.wiring import Context

_KILLED = "All running tasks in the queue have been killed.Queue workers are stopping."
"""DVC's words, which lack a blank."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("--kill", action="store_true", help="end running tasks first")


def run(args: argparse.Namespace, context: Context) -> int:
    """Has workers end after the tasks that they have; where there are none, nothing is left for those to come."""
    from assay.engine.workers.control import overview, stop

    project = context.project()
    tell_of_dvcs(context, ("running",), "queue stop")
    running = {
        job.number for state, _, job in overview(project).entries if state == "running" and not job.spec.get("alone")
    }
    stop(project, kill_running=args.kill)
    left = wait_for_end(context, running) if args.kill else set()
    context.say(_KILLED if args.kill else "Queue workers will stop after running tasks finish.")
    return tell_left(context, left)
