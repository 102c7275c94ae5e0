"""``assay gc``."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING

from assay.cli.render.progress import size
from assay.cli.wiring import Context
from assay.engine.words import counted, first_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from assay.engine.experiments.gc import Preview

EXAMPLES = """\
  assay gc -w -a -T --all-experiments    keep what branches, tags, experiments and the workspace need
  assay gc -w --dry                      what would go if only the workspace's data were kept, and whose it is
  assay gc --rev main -n 5               keep the last five commits of main
  assay gc -A --all-experiments -f       keep everything that has a name, without a question
  assay undo                             gives back what the last one took
"""
_NAMED = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("-w", "--workspace", action="store_true", help="keep what the workspace needs (always done)")
    parser.add_argument("--rev", action="append", default=[], metavar="COMMIT", help="keep what a commit needs")
    parser.add_argument("-n", "--num", type=int, default=1, metavar="N", help="N commits of --rev and -a, not one")
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
    parser.add_argument("--dry", action="store_true", help="only tell what would go")
    parser.add_argument("-f", "--force", action="store_true", help="ask no question")
    parser.add_argument("--skip-failed", action="store_true", help="let go what unreadable commits may need")
    parser.add_argument("--empty-trash", action="store_true", help="free the space at once; nothing can come back")


def run(args: argparse.Namespace, context: Context) -> int:
    """Tells what would go, asks, and collects."""
    from assay.engine.experiments.gc import gc
    from assay.engine.experiments.keeping import Keep
    from assay.engine.project import open_project

    project = context.project()
    keep = Keep(
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
    seen: list[Preview] = []

    def tell(preview: Preview) -> None:
        seen.append(preview)
        context.report.clear()
        for line in told(preview):
            context.say(line)
        context.out.flush()

    folders = [os.path.realpath(os.path.join(context.here, path)) for path in args.projects]
    others = [open_project(folder, context.world, context.report) for folder in folders]
    try:
        ask = None if args.force else _question(context)
        done = gc(project, keep, others=others, dry=args.dry, empty_trash=args.empty_trash, tell=tell, ask=ask)
    finally:
        for other in others:
            other.close()
    context.report.clear()
    if args.dry or not seen:
        return 0
    if not done:
        context.say("Nothing was changed.")
        return 1
    if seen[0].objects and args.empty_trash:
        context.say("Deleted for good.")
    elif seen[0].objects:
        it, them = ("It is", "it") if seen[0].objects == 1 else ("They are", "them")
        context.say(f"{it} in the trash; `assay undo` brings {them} back.")
    return 0


def _day(text: str, context: Context) -> int:
    """When a day begins here, in seconds since 1970."""
    from datetime import datetime, timezone

    from assay.engine.errors import UsageError

    try:
        day = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=timezone.utc)
    except ValueError:
        raise UsageError(f"--date {text}: that is no day.", "It is written as 2026-01-31.") from None
    return int(day.timestamp()) - context.world.clock.now()[1] * 60


def _question(context: Context) -> Callable[[], bool]:
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
    return f" to the trash, which keeps them for {_length(preview.grace)}."


def _length(seconds: float) -> str:
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
        return ["  Nothing that has a name needs them."]
    head = f"  {counted(loss.objects, 'object')} of them, {size(loss.size)}, would be missing from:"
    return [head, *(f"    {line}" for line in lines)]
