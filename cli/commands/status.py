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
    from assay.engine.events import Warned
    from assay.engine.experiments.status import status

    found = status(context.project())
    at = found.head.hex()[:7] if found.head else "no commit yet"
    context.say(f"On branch {found.branch} ({at})." if found.branch else f"On no branch, at {at}.")
    for title, letters in (
        ("Staged for a commit", found.files.staged),
        ("Changed", found.files.unstaged),
        ("In conflict", found.files.conflicted),
        ("New", dict.fromkeys(found.files.untracked, "?")),
    ):
        if letters:
            context.say(f"{title}:")
            for path, letter in letters.items():
                context.say(f"  {letter} {path}")
    for sentence in found.files.warnings:
        context.report(Warned(sentence))
    if found.stages:
        context.say("Stages that would run:")
        for stage in found.stages:
            context.say(f"  {stage.name}: {', '.join(stage.reasons)}")
    if found.owner is not None:
        context.say(f"The workspace is in use: {found.owner.describe()}.")
    if found.collector is not None:
        context.say(f"The cache is being collected: {found.collector.describe()}.")
    if found.problem is not None:
        raise found.problem
    return 0
