"""``assay logs``."""

from __future__ import annotations

import argparse

from assay.cli.wiring import Context

EXAMPLES = """\
  assay logs bumpy-lion
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("experiment", help="an experiment's name, or its commit")


def run(args: argparse.Namespace, context: Context) -> int:
    """Prints what the experiment's commands printed."""
    from assay.engine.experiments import logs
    from assay.engine.git.revisions import resolve

    project = context.project()
    data = logs.read(project, resolve(project.repo, args.experiment))
    context.out.flush()
    buffer = getattr(context.out, "buffer", None)
    if buffer is None:
        context.out.write(data.decode("utf-8", "replace"))
    else:
        buffer.write(data)
    return 0
