"""``assay-dvc exp pull``."""

from __future__ import annotations

import argparse

from assay.cli.dvc.exp_push import add_transfer, how_of, tell_failed
from assay.cli.wiring import Context


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    add_transfer(parser, "pull")


def run(args: argparse.Namespace, context: Context) -> int:
    """Fetches experiments; not 0 when any of it could not be done."""
    from assay.cli.dvc.exp_list import wanted
    from assay.remotes.git.experiments import pull

    done = pull(context.project(), args.git_remote, args.experiments, wanted(args), how_of(args), typed_in=context.here)
    context.report.clear()
    if done.diverged:
        names = [ref.rpartition("/")[2] for ref in done.diverged]
        context.err.write(
            f"WARNING: Local experiment '{names}' has diverged from remote experiment with the same name. "
            "To override the local experiment re-run with '--force'.\n"
        )
    if done.done:
        names = [ref.rpartition("/")[2] for ref in done.done]
        context.say(f"Pulled experiment '{names}' from Git remote '{args.git_remote}'.")
    else:
        context.say("No experiments to pull.")
    if not args.cache:
        context.say(
            "To pull cached outputs for this experiment from DVC remote storage, "
            "re-run this command without '--no-cache'."
        )
    return tell_failed(context, done.failed) or int(bool(done.diverged))
