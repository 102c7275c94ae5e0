"""``assay logs``."""

from __future__ import annotations

import argparse

from assay.cli.wiring import Context

EXAMPLES = """\
  assay logs bumpy-lion
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("experiment", help="an experiment's name, or its commit; a job of the queue")


def run(args: argparse.Namespace, context: Context) -> int:
    """Prints what the experiment's commands printed."""
    from assay.cli.follow import follow, write
    from assay.engine.errors import Refused, UnknownRevision
    from assay.engine.experiments import logs
    from assay.engine.git.revisions import resolve
    from assay.engine.workers.control import open_log

    project = context.project()
    try:
        write(context, logs.read(project, resolve(project.repo, args.experiment)))
    except (Refused, UnknownRevision) as error:
        try:
            log, _ = open_log(project, args.experiment)
        except UnknownRevision:
            raise error from None
        follow(context, log, None)
    return 0
