"""``assay-dvc push``."""

from __future__ import annotations

import argparse

from assay.cli.dvc import transfers
from assay.cli.wiring import Context

FAILURE_CODE = transfers.FAILURE_CODE


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    transfers.add_scope(parser)


def run(args: argparse.Namespace, context: Context) -> int:
    """Sends data; 1 when any of it could not be sent."""
    from assay.remotes.data import push_data

    scope = transfers.scope_of(args, context)
    done = push_data(context.project(), scope, remote=args.remote, jobs=args.jobs, run_cache=args.run_cache)
    return transfers.tell(context, [(done.objects, "pushed")], done.failed)
