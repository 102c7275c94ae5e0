"""``assay run``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from assay.cli.autopush import push_if_asked
from assay.cli.stageflags import add_flags, choice_of, manner_of, refuse_failures, would_run
from assay.cli.wiring import Context

if TYPE_CHECKING:
    from assay.api.records import Record
    from assay.engine.experiments.prepare import RunSpec
    from assay.engine.experiments.run import Ran
    from assay.engine.model import Override

_GLANCE = 200  # characters
TAKES_COMMAND = True  # what follows `--` is not for argparse

EXAMPLES = """\
  assay run                                   run what changed
  assay run -S train.lr=0.01 -S split.seed=7  with changed parameters
  assay run -n deeper -S forest.max_depth=12  under a name of your own
  assay run --temp -S train.lr=0.01           in a folder of its own
  assay run train                             one stage and what it needs
  assay run --params p.yaml --metrics m.json --outs model.pkl -- python train.py
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments; what follows ``--`` is the command."""
    add_flags(parser)
    parser.add_argument(
        "-S", "--set-param", action="append", default=[], metavar="[FILE:]KEY=VALUE", help="change a parameter"
    )
    parser.add_argument("-n", "--name", help="the experiment's name (made up)")
    parser.add_argument("-m", "--message", help="the commit's message (the parameters that differ)")
    parser.add_argument(
        "-f", "--force", action="store_true", help="run unchanged stages too, replace an experiment of that name"
    )
    parser.add_argument("--pull", action="store_true", help="get missing data and the run cache from the remote first")
    parser.add_argument(
        "--no-hydra", action="store_true", help="take params.yaml as it is, though hydra.enabled has it composed"
    )
    parser.add_argument("--temp", action="store_true", help="run in a folder of its own; the workspace stays free")
    parser.add_argument(
        "-C",
        "--copy-paths",
        action="append",
        default=[],
        metavar="PATH",
        help="copy this there, though Git ignores it (with --temp)",
    )
    parser.add_argument("--queue", action="store_true", help="run it later; -S may have several values: lr=0.1,0.01")
    parser.add_argument("--run-all", action="store_true", help="run all that is queued")
    parser.add_argument("-j", "--jobs", type=int, default=1, metavar="N", help="so many at a time (with --run-all)")
    parser.add_argument("--resume", metavar="NAME", help="go on with a run of its own that was killed, in its folder")
    for name, text in (
        ("--params", "a file of parameters that the command reads"),
        ("--metrics", "a file of metrics that it writes"),
        ("--outs", "a file or folder that it writes, kept in the cache"),
        ("--deps", "a file or folder that it reads"),
    ):
        parser.add_argument(name, action="append", default=[], metavar="PATH", help=text + " (with --)")


def run(args: argparse.Namespace, context: Context) -> int:
    """Runs and keeps the result."""
    if args.run_all:
        from assay.cli.crew import attend

        return attend(context, max(args.jobs, 1))
    spec = _spec(args, context)
    if args.pull and not spec.manner.dry:
        from assay.cli.pulling import pull_for

        pull_for(context, spec)
    if args.queue:
        return queue(args, context, spec)
    ran = execute(args, context, spec)
    context.report.clear()
    if spec.manner.dry:
        context.say(would_run(ran.reproduced.ran, context.report.folder))
        return 0
    if ran.made is not None:
        context.say(told(context.lab.record_of(ran.made)))
        push_if_asked(context, ran.made.ref)
    refuse_failures(ran.reproduced, context.report.folder, ran.log)
    return 0


def queue(args: argparse.Namespace, context: Context, spec: RunSpec) -> int:
    """Queues what was asked for."""
    from assay.engine.words import counted

    jobs = context.lab.enqueue(spec, tuple(map(context.relative, args.copy_paths)))
    context.report.clear()
    names = ", ".join(job.name for job in jobs[:10]) + (" ..." if len(jobs) > 10 else "")
    context.say(f"Queued {counted(len(jobs), 'experiment')}: {names}")
    if not context.quiet:
        context.err.write("`assay queue start -j N` runs N at a time.\n")
    return 0


def execute(args: argparse.Namespace, context: Context, spec: RunSpec) -> Ran:
    """Runs in the workspace, or with ``--temp`` in a folder of its own."""
    from assay.engine.errors import UsageError

    copies = tuple(map(context.relative, args.copy_paths))
    if args.resume is not None:
        if args.temp or copies or args.set_param or args.name or args.targets or args.command:
            raise UsageError("--resume goes on with a run as it was begun, so nothing else can be given with it.")
        return context.lab.resume(args.resume)
    if args.temp:
        return context.lab.execute_isolated(spec, copies)
    if copies:
        raise UsageError("-C copies into the folder of a run of its own, and this one runs here.", "Add --temp.")
    return context.lab.execute(spec)


def _overrides(args: argparse.Namespace, context: Context) -> tuple[Override, ...]:
    """The changed parameters; only the queue takes several values of one."""
    from assay.engine.errors import UsageError
    from assay.engine.experiments.sweep import combinations, is_sweep
    from assay.engine.params.overrides import parse_sweep

    found = tuple(parse_sweep(text) for text in args.set_param)
    if is_sweep(found) and not args.queue:
        count = len(combinations(found))
        raise UsageError(
            f"These parameters ask for {count} runs, and a run takes one value of each.",
            f"Queue them: `{context.with_flag('--queue')}`.",
        )
    return found


def told(made: Record) -> str:
    """A new experiment, for a person: its name, its commit, its baseline, and the first line of its message."""
    line = made.message.partition("\n")[0]
    line = line if len(line) <= _GLANCE else line[: _GLANCE - 4] + " ..."
    return f"Experiment {made.name} ({(made.commit or '')[:7]}) on {(made.baseline or '')[:7]}: {line}"


def _spec(args: argparse.Namespace, context: Context) -> RunSpec:
    from assay.engine.errors import UsageError
    from assay.engine.experiments.prepare import RunSpec
    from assay.engine.model import AdHoc

    command = args.command
    named = [*args.params, *args.metrics, *args.outs, *args.deps]
    if command is None and named:
        raise UsageError(
            "--params, --metrics, --outs and --deps describe a command, but there is none.", "Give it after `--`."
        )
    if command is not None and not command:
        raise UsageError("There is no command after `--`.")
    if command is not None and args.targets:
        raise UsageError("Give stages or a command after `--`, not both.")
    adhoc = None
    if command is not None:
        kinds = ("params", "metrics", "deps", "outs")
        paths = {kind: tuple(map(context.relative, getattr(args, kind))) for kind in kinds}
        adhoc = AdHoc(tuple(command), **paths, wdir=context.current())
    return RunSpec(
        choice_of(args, context),
        manner_of(args, context),
        overrides=_overrides(args, context),
        name=args.name,
        message=args.message,
        adhoc=adhoc,
        as_written=args.no_hydra,
    )
