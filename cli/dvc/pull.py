"""``assay-dvc pull``."""

from __future__ import annotations

import argparse

from assay.cli.dvc import transfers
from assay.cli.wiring import Context

FAILURE_CODE = transfers.FAILURE_CODE


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    transfers.add_scope(parser)
    parser.add_argument("-f", "--force", action="store_true", help="replace also what is in no cache yet")
    parser.add_argument("--allow-missing", action="store_true", help="go on without what is nowhere")


def run(args: argparse.Namespace, context: Context) -> int:
    """Fetches data and checks it out; 1 when any of it is missing."""
    from assay.cli.dvc.words import tell_states
    from assay.remotes.data import pull_data

    fetched, done = pull_data(
        context.project(),
        transfers.scope_of(args, context),
        remote=args.remote,
        jobs=args.jobs,
        run_cache=args.run_cache,
        force=args.force,
    )
    context.report.clear()
    tell_states(done.states, context)
    added, modified, deleted = done.counts
    counts = [(fetched.objects, "fetched"), (added, "added"), (modified, "modified"), (deleted, "deleted")]
    missing = {path: why for path, why in done.missing.items() if path not in fetched.failed}
    failed = {} if args.allow_missing else {**fetched.failed, **missing}
    return transfers.tell(context, counts, failed)
