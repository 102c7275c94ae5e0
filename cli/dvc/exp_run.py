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

_LATER = {"queue": "--queue", "run_all": "--run-all"}
_APPLIED = "Experiment results have been applied to your workspace."
_APART = "To apply the results of an experiment to your workspace run:\n\n\tassay-dvc exp apply <exp>"


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
    parser.add_argument("--queue", action="store_true", help="run it later (not there yet)")
    parser.add_argument("--run-all", action="store_true", help="run what is queued (not there yet)")
    parser.add_argument("--temp", action="store_true", help="run it in a folder of its own")
    parser.add_argument("-j", "--jobs", type=int, default=1, metavar="N", help="with --run-all: so many at a time")
    parser.add_argument(
        "-C", "--copy-paths", action="append", default=[], metavar="PATH", help="with --temp: what to copy there"
    )


def run(args: argparse.Namespace, context: Context) -> int:
    """Runs the pipeline and keeps the result as an experiment."""
    from assay.cli.pulling import pull_first
    from assay.cli.render.stages import StageLines
    from assay.engine.errors import AssayError, NameTaken
    from assay.engine.pipeline.spec import load

    for name, flag in _LATER.items():
        if getattr(args, name):
            raise AssayError(f"assay has no `exp run {flag}` yet.", "Without it, the experiment runs here and now.")
    lines = StageLines(context.out, context.report, dry=args.dry)
    context.report = lines  # before the project is opened, which then reports to it
    lines.folder = context.current()
    spec = _spec(args, context)
    if args.pull and not args.dry:
        pull_first(context, load(context.project()), spec.choice)
    try:
        copies = tuple(map(context.relative, args.copy_paths))
        ran = context.lab.execute_isolated(spec, copies) if args.temp else context.lab.execute(spec)
    except NameTaken as error:
        say_conflict(error, args.name)
        raise
    context.report.clear()
    if ran.made is not None:
        push_as_dvc(context, ran.made.ref)
        context.say(f"\nRan experiment(s): {ran.made.ref.name}")
        context.say(_APART if args.temp else _APPLIED)
    refuse_failures(ran.reproduced, lines.folder, ran.log)
    return 0


def _spec(args: argparse.Namespace, context: Context) -> RunSpec:
    from assay.engine.experiments.prepare import RunSpec
    from assay.engine.params.overrides import parse

    return RunSpec(
        choice_of(args, context),
        manner_of(args, context),
        overrides=tuple(parse(text) for text in args.set_param),
        name=args.name,
        message=args.message,
        as_written=args.no_hydra,
    )
