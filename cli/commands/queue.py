"""``assay queue``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from assay.cli.wiring import Context

if TYPE_CHECKING:
    from collections.abc import Sequence

    from assay.engine.queue.jobs import State

EXAMPLES = """\
  assay run --queue -S lr=0.1,0.01,0.001    queue three experiments
  assay queue start -j 4                    carry out what is queued, four at a time
  assay queue start -j 4 --detach           and give the terminal back
  assay queue status
  assay queue logs brave-lynx -f
  assay queue kill brave-lynx
  assay queue retry --all
"""
_STATES: tuple[State, ...] = ("queued", "failed", "success")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    actions = parser.add_subparsers(dest="action", metavar="start|stop|status|logs|kill|remove|retry", required=True)
    start = actions.add_parser("start", help="carry out what is queued")
    start.add_argument("-j", "--jobs", type=_count, default=1, metavar="N", help="so many at a time (1)")
    start.add_argument("--detach", action="store_true", help="in the background")
    stop = actions.add_parser("stop", help="let workers end after the job that they have")
    stop.add_argument("--kill", action="store_true", help="end these jobs too")
    status = actions.add_parser("status", help="what is queued, runs, or is over")
    status.add_argument("--json", action="store_true", help="machine-readable")
    logs = actions.add_parser("logs", help="what a job printed")
    logs.add_argument("name", metavar="NAME", help="the experiment's name, or the beginning of the job's number")
    logs.add_argument("-f", "--follow", action="store_true", help="go on until it ends")
    kill = actions.add_parser("kill", help="end running jobs, with every process that they started")
    kill.add_argument("names", nargs="+", metavar="NAME", help="which")
    remove = actions.add_parser("remove", help="take jobs away; their experiments stay")
    remove.add_argument("names", nargs="*", metavar="NAME", help="which")
    for state in _STATES:
        remove.add_argument(f"--{state}", action="store_true", help=f"all that are {state}")
    remove.add_argument("--all", action="store_true", help="all that are not running")
    retry = actions.add_parser("retry", help="queue failed jobs again")
    retry.add_argument("names", nargs="*", metavar="NAME", help="which")
    retry.add_argument("--all", action="store_true", help="all failed ones")


def run(args: argparse.Namespace, context: Context) -> int:
    """Looks at the queue, or changes it."""
    actions = {
        "start": _start,
        "stop": _stop,
        "status": _status,
        "logs": _logs,
        "kill": _kill,
        "remove": _remove,
        "retry": _retry,
    }
    return actions[args.action](args, context)


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number


def _start(args: argparse.Namespace, context: Context) -> int:
    from assay.cli.crew import attend, detach

    return detach(context, args.jobs) if args.detach else attend(context, args.jobs)


def _stop(args: argparse.Namespace, context: Context) -> int:
    from assay.engine.words import counted
    from assay.engine.workers.control import stop

    workers = stop(context.project(), kill_running=args.kill)
    if not workers:
        context.say("No worker is at work.")
    else:
        context.say(f"{counted(len(workers), 'worker')} will end" + (" now." if args.kill else " after their jobs."))
    return 0


def _status(args: argparse.Namespace, context: Context) -> int:
    from assay.cli.render import jobs
    from assay.engine.events import Warned
    from assay.engine.words import counted
    from assay.engine.workers.control import overview

    project = context.project()
    found = overview(project)
    for path in found.damaged:
        context.report(Warned(f"{path} is no job; remove it."))
    if args.json:
        import json

        context.say(json.dumps(jobs.to_plain(found.entries, found.workers), allow_nan=False))
        return 0
    if not found.entries:
        context.say("The queue is empty.")
    else:
        now, _ = project.world.clock.now()
        screen = context.screen[0] if context.is_terminal else None
        context.write_paged("".join(f"{line}\n" for line in jobs.table(found.entries, now, screen)))
    busy = sum(entry.state == "running" for entry in found.entries)
    context.say(f"{counted(len(found.workers), 'worker')}, {counted(busy, 'job')} running.")
    return 0


def _logs(args: argparse.Namespace, context: Context) -> int:
    from assay.cli.follow import follow
    from assay.engine.workers.control import open_log

    log, job = open_log(context.project(), args.name)
    follow(context, log, job.number if args.follow else None)
    return 0


def _kill(args: argparse.Namespace, context: Context) -> int:
    from assay.engine.workers.control import kill

    jobs = kill(context.project(), args.names)
    context.say(f"{', '.join(job.name for job in jobs)}: their workers have been asked to end them.")
    return 0


def _remove(args: argparse.Namespace, context: Context) -> int:
    from assay.engine.words import counted
    from assay.engine.workers.control import remove

    states = _STATES if args.all else tuple(state for state in _STATES if getattr(args, state))
    jobs = remove(context.project(), args.names, states)
    context.say(f"Removed {counted(len(jobs), 'job')}{_some([job.name for job in jobs])}.")
    return 0


def _retry(args: argparse.Namespace, context: Context) -> int:
    from assay.engine.words import counted
    from assay.engine.workers.control import retry

    jobs = retry(context.project(), args.names, everything=args.all)
    context.say(f"Queued {counted(len(jobs), 'job')} again{_some([job.name for job in jobs])}.")
    return 0


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:10]) + (" ..." if len(names) > 10 else "")
    return f": {shown}" if shown else ""
