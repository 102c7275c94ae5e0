"""Taking what nothing needs out of the cache: the words of both ``gc`` commands, and what they tell first."""

from __future__ import annotations

import argparse
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from assay.cli.render.progress import size
from assay.cli.wiring import Context
from assay.engine.words import counted, first_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from assay.engine.experiments.gc import Elsewhere, Preview
    from assay.engine.experiments.keeping import Keep
    from assay.engine.project import Project

_NAMED = 5


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Declares what is kept, and how it is gone about."""
    parser.add_argument("-w", "--workspace", action="store_true", help="keep what the workspace needs (always done)")
    parser.add_argument("--rev", action="append", default=[], metavar="COMMIT", help="keep what a commit needs")
    parser.add_argument("-n", "--num", type=int, metavar="N", help="N commits of --rev and -a, not one")
    parser.add_argument("-a", "--all-branches", action="store_true", help="keep what the tips of branches need")
    parser.add_argument("-T", "--all-tags", action="store_true", help="keep what tags need")
    parser.add_argument(
        "-A", "--all-commits", action="store_true", help="keep what any commit of branches, remotes and tags needs"
    )
    parser.add_argument("--date", metavar="YYYY-MM-DD", help="keep what their commits since that day need")
    parser.add_argument("--all-experiments", action="store_true", help="keep what experiments and baselines need")
    parser.add_argument(
        "-p", "--projects", nargs="*", default=[], metavar="FOLDER", help="other projects with the same cache"
    )
    parser.add_argument(
        "--not-in-remote", action="store_true", help="of what is to be kept, keep only what the remote does not have"
    )
    parser.add_argument(
        "-r",
        "--remote",
        nargs="?",
        const="",
        metavar="REMOTE",
        help="collect there; or the one for --not-in-remote",
    )
    parser.add_argument("--dry", action="store_true", help="only tell what would go")
    parser.add_argument("-f", "--force", action="store_true", help="ask no question")
    parser.add_argument("--skip-failed", action="store_true", help="let go what unreadable commits may need")


def keep_of(args: argparse.Namespace, context: Context) -> Keep:
    """What is to be kept. Raises UsageError on a day that is none."""
    from assay.engine.experiments.keeping import Keep

    return Keep(
        workspace=args.workspace,
        revisions=tuple(args.rev),
        number=args.num or 1,
        branches=args.all_branches,
        tags=args.all_tags,
        commits=args.all_commits,
        since=None if args.date is None else _day(args.date, context),
        experiments=args.all_experiments,
        skip_failed=args.skip_failed,
    )


def elsewhere_of(args: argparse.Namespace, context: Context) -> Elsewhere | None:
    """Asks the remote what it has, where that is wanted. Raises UsageError or ConfigError."""
    if not args.not_in_remote:
        if args.remote is not None:
            from assay.engine.errors import UsageError

            raise UsageError("-r names the remote for -c or --not-in-remote, and neither is given.")
        return None
    from assay.remotes.layouts import known

    return known(context.project(), args.remote or None)


@contextmanager
def others_of(args: argparse.Namespace, context: Context) -> Iterator[list[Project]]:
    """The other projects that were named, opened. Raises NotAProject."""
    from assay.engine.project import open_project

    folders = [os.path.realpath(os.path.join(context.here, path)) for path in args.projects]
    others = [open_project(folder, context.world, context.report) for folder in folders]
    try:
        yield others
    finally:
        for other in others:
            other.close()


def _day(text: str, context: Context) -> int:
    """When a day begins here, in seconds since 1970."""
    from datetime import datetime, timezone

    from assay.engine.errors import UsageError

    try:
        day = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=timezone.utc)
    except ValueError:
        raise UsageError(f"--date {text}: that is no day.", "It is written as 2026-01-31.") from None
    return int(day.timestamp()) - context.world.clock.now()[1] * 60


def question(context: Context) -> Callable[[], bool]:
    """Asks whether to go on; where nobody can be asked, that is refused."""

    def ask() -> bool:
        from assay.engine.errors import Refused

        if not context.can_ask:
            raise Refused("Nobody can be asked here, so nothing was changed.", "Add -f to go on without a question.")
        return context.ask("Go on?")

    return ask


def told(preview: Preview) -> list[str]:
    """What a collection would do, line by line."""
    everything = f"{counted(preview.all_objects, 'object')}, {size(preview.all_size)}"
    if preview.objects:
        lines = [f"{counted(preview.objects, 'object')}, {size(preview.size)}, would go{_where(preview)}"]
        if preview.elsewhere[0]:
            copies, total = preview.elsewhere
            of_them = counted(copies, "of them", "of them")
            lines.append(f"  The remote has {of_them}, {size(total)}; `assay pull` fetches what is needed.")
        lines += _owners(preview)
        lines.append(f"The cache has {everything}.")
    else:
        lines = [f"Nothing to collect from the cache's {everything}."]
    if preview.fresh[0]:
        count = counted(preview.fresh[0], "object")
        why = "that nothing kept needs stay, because they are new (gc.fresh)"
        lines.append(f"{count}, {size(preview.fresh[1])}, {why}.")
    if preview.held:
        lines.append(f"{size(preview.held)} stay only for what `assay undo` and the queue may need.")
    if preview.unknown:
        count = counted(preview.unknown, "directory is", "directories are")
        lines.append(f"{count} to be kept and not here; `assay pull` fetches what is missing.")
    if preview.expired:
        count = counted(len(preview.expired), "earlier collection")
        lines.append(f"{count}, {size(preview.expired_size)}, will be deleted from the trash for good.")
    return lines


def _where(preview: Preview) -> str:
    if preview.for_good:
        return ", for good."
    return f" to the trash, which keeps them for {length(preview.grace)}."


def length(seconds: float) -> str:
    """A length of time for people."""
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= length:
            return counted(int(seconds // length), unit)
    return counted(int(seconds), "second")


def _owners(preview: Preview) -> list[str]:
    """Who loses data although it has a name."""
    loss, lines = preview.loss, []
    if loss.experiments:
        lines.append(f"{counted(len(loss.experiments), 'experiment')}: {first_of(loss.experiments, _NAMED)}")
    if loss.refs:
        lines.append(f"{counted(len(loss.refs), 'branch or tag', 'branches and tags')}: {first_of(loss.refs, _NAMED)}")
    if loss.commits:
        lines.append(counted(loss.commits, "older commit"))
    if not lines:
        others = preview.elsewhere[0] < preview.objects
        return (
            [f"  Nothing that has a name needs {'the others' if preview.elsewhere[0] else 'them'}."] if others else []
        )
    head = f"  {counted(loss.objects, 'object')} of them, {size(loss.size)}, would be missing from:"
    return [head, *(f"    {line}" for line in lines)]
