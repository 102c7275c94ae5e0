"""``assay-dvc exp run``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from assay.cli.autopush import push_as_dvc
from assay.cli.dvc.words import say_conflict
from assay.cli.stageflags import add_flags, choice_of, manner_of, refuse_failures
from assay.cli.wiring import Context

if TYPE_CHECKING:
    from assay.engine.experiments.prepare import RunSpec
    from assay.engine.model import Override

_APPLIED = "Experiment results have been applied to your workspace."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    add_flags(parser)
    parser.add_argument("-f", "--force", action="store_true", help="run unchanged stages, replace an experiment")
    parser.add_argument("-n", "--name", help="the experiment's name (made up)")
    parser.add_argument(
        "-S", "--set-param", action="append", default=[], metavar="[FILE:]KEY=VALUE", help="change a parameter"
    )
    parser.add_argument("-m", "--message", help="the commit's message (the parameters that differ)")
    parser.add_argument("-M", dest="message", help=argparse.SUPPRESS)
    parser.add_argument("--no-hydra", action="store_true", help="take the parameters as they are")
    parser.add_argument("--pull", action="store_true", help="get missing data and the run cache from the remote first")
    parser.add_argument("--queue", action="store_true", help="run it later; -S may have several values: lr=0.1,0.01")
    parser.add_argument("--run-all", action="store_true", help="run all that is queued")
    parser.add_argument("--temp", action="store_true", help="run it in a folder of its own")
    parser.add_argument("-j", "--jobs", type=int, default=1, metavar="N", help="with --run-all: so many at a time")
    parser.add_argument(
        "-C",
        "--copy-paths",
        action="append",
        default=[],
        metavar="PATH",
        help="with --temp and --queue: what to copy",
    )


def run(args: argparse.Namespace, context: Context) -> int:
    """Runs the pipeline and keeps the result as an experiment."""
    from assay.cli.dvc.queueing import APART, enqueue, run_all
    from assay.cli.pulling import pull_for
    from assay.cli.render.stages import StageLines
    from assay.engine.errors import NameTaken

    if args.run_all:
        return run_all(context, max(args.jobs, 1))
    lines = StageLines(context.out, context.report, dry=args.dry)
    context.report = lines  # before the project is opened, which then reports to it
    lines.folder = context.current()
    spec = _spec(args, context)
    if args.pull and not args.dry:
        pull_for(context, spec)
    copies = tuple(map(context.relative, args.copy_paths))
    try:
        if args.queue:
            enqueue(context, spec, copies)
            return 0
        ran = context.lab.execute_isolated(spec, copies) if args.temp else context.lab.execute(spec)
    except NameTaken as error:
        say_conflict(error, args.name)
        raise
    context.report.clear()
    if ran.made is not None:
        push_as_dvc(context, ran.made.ref)
        context.say(f"\nRan experiment(s): {ran.made.ref.name}")
        context.say(APART if args.temp else _APPLIED)
    refuse_failures(ran.reproduced, lines.folder, ran.log)
    return 0


def _spec(args: argparse.Namespace, context: Context) -> RunSpec:
    from assay.engine.experiments.prepare import RunSpec

    return RunSpec(
        choice_of(args, context),
        manner_of(args, context),
        overrides=_overrides(args),
        name=args.name,
        message=args.message,
        as_written=args.no_hydra,
    )


def _overrides(args: argparse.Namespace) -> tuple[Override, ...]:
    from assay.engine.errors import UsageError
    from assay.engine.experiments.sweep import is_sweep
    from assay.engine.params.overrides import parse_sweep

    found = tuple(map(parse_sweep, args.set_param))
    if is_sweep(found) and not args.queue:
        raise UsageError("Sweep overrides can't be used without `--queue`", "Add --queue, then `queue start`.")
    return found
