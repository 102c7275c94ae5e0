"""``assay worker``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from assay.cli.wiring import Context

if TYPE_CHECKING:
    from assay.engine.queue.board import Claim

EXAMPLES = """\
  assay worker                   carry out what is queued, then end
  assay worker --wait 600        and wait ten minutes for more
  sbatch --wrap "assay worker"   on another machine that sees this folder
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("--wait", type=float, default=0.0, metavar="SECONDS", help="how long to wait for a new job (0)")


def run(args: argparse.Namespace, context: Context) -> int:
    """Works until nothing is queued; what failed is on the board."""
    import signal

    from assay.cli.autopush import push_from_queue
    from assay.cli.render.jobs import ended
    from assay.engine.words import counted
    from assay.engine.workers.worker import work

    def told(claim: Claim) -> None:
        context.report.clear()
        context.say(ended(claim.job))
        context.out.flush()
        if claim.job.made is not None:
            push_from_queue(context, claim.job)

    signal.signal(signal.SIGINT, signal.default_int_handler)  # a wish comes as one; shells ignore it in the background
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as under nohup
            signal.signal(number, signal.default_int_handler)
    done = work(context.project(), patience=args.wait, told=told)
    context.report.clear()
    if not done.succeeded and not done.failed:
        context.say("Nothing is queued.")
    elif done.failed:
        context.say(f"{counted(done.failed, 'job')} failed; `assay queue logs NAME` says why.")
    return 0
