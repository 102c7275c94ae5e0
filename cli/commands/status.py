"""``assay status``."""

from __future__ import annotations

import argparse

from assay.cli.wiring import Context

EXAMPLES = """\
  assay status
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments: there are none."""


def run(args: argparse.Namespace, context: Context) -> int:
    """Tells what changed, which stages would run, and who holds the workspace."""
    from assay.engine.experiments.status import status

    found = status(context.project())
    at = found.head.hex()[:7] if found.head else "no commit yet"
    context.say(f"On branch {found.branch} ({at})." if found.branch else f"On no branch, at {at}.")
    for title, paths in (
        ("Staged", found.files.staged),
        ("Changed", found.files.changed),
        ("Deleted", found.files.deleted),
        ("New", found.files.untracked),
    ):
        if paths:
            context.say(f"{title}:")
            for path in sorted(paths):
                context.say(f"  {path}")
    if found.stages:
        context.say("Stages that would run:")
        for stage in found.stages:
            context.say(f"  {stage.name}: {', '.join(stage.reasons)}")
    if found.owner is not None:
        context.say(f"The workspace is in use: {found.owner}.")
    return 0
