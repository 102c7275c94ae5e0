"""``assay init``."""

from __future__ import annotations

import argparse

from assay.cli.wiring import Context

EXAMPLES = """\
  assay init
  assay init --hash sha256      where whoever can write to the remote is not trusted
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("--hash", choices=("xxh128", "sha256"), default="xxh128", help="hash of artifacts (xxh128)")


def run(args: argparse.Namespace, context: Context) -> int:
    """Makes the folder a project."""
    from assay.engine.experiments.init import init

    done = init(context.here, context.world, hash_name=args.hash)
    also = " and an empty Git repository" if done.made_repository else ""
    context.say(f"Made an assay project{also} in {done.root}.")
    if args.hash == "xxh128":
        context.say(
            "Artifacts are named by xxh128, which detects damage, not forgery; `assay init --hash sha256` detects both."
        )
    context.say('Next: assay baseline -m "first"')
    return 0
