"""``assay-dvc fetch``."""

from __future__ import annotations

import argparse

from assay.cli.dvc import transfers
from assay.cli.wiring import Context

FAILURE_CODE = transfers.FAILURE_CODE


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    transfers.add_scope(parser)
    parser.add_argument("--max-size", type=int, metavar="<bytes>", help="only what is smaller than this")
    parser.add_argument(
        "--type", dest="types", action="append", default=[], choices=["metrics", "plots"], help="only such outputs"
    )


def run(args: argparse.Namespace, context: Context) -> int:
    """Fetches data into the cache; 1 when any of it could not be fetched."""
    from assay.remotes.data import fetch_data

    scope = transfers.scope_of(args, context)._replace(kinds=tuple(args.types), largest=args.max_size)
    done = fetch_data(context.project(), scope, remote=args.remote, jobs=args.jobs, run_cache=args.run_cache)
    return transfers.tell(context, [(done.objects, "fetched")], done.failed)
