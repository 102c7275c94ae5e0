"""``assay gc``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from assay.cli.collecting import add_flags, elsewhere_of, keep_of, others_of, question, told
from assay.cli.wiring import Context
from assay.engine.errors import UsageError
from assay.engine.words import counted

if TYPE_CHECKING:
    from assay.engine.experiments.gc import Preview
    from assay.remotes.collect.sweep import Preview as RemotePreview

EXAMPLES = """\
  assay gc -w -a -T --all-experiments    keep what branches, tags, experiments and the workspace need
  assay gc -w --dry                      what would go if only the workspace's data were kept, and whose it is
  assay gc --rev main -n 5               keep the last five commits of main
  assay gc -A --all-experiments -f       keep everything that has a name, without a question
  assay gc -w --not-in-remote            keep of the workspace's data only what the remote does not have
  assay gc --remote                      name what nothing on the default remote needs; a day later, delete it
  assay gc --remote team -n 10 --dry     what would go there if branches kept the data of ten commits each
  assay undo                             gives back what the last one took
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    add_flags(parser)
    parser.add_argument("--grace", metavar="TIME", help="with --remote: how long what is named stays (1d; 12h; 0d)")
    parser.add_argument("--empty-trash", action="store_true", help="free the space at once; nothing can come back")


def run(args: argparse.Namespace, context: Context) -> int:
    """Tells what would go, asks, and collects."""
    from assay.engine.experiments.gc import gc

    if args.remote is not None and not args.not_in_remote:
        return _collect_remote(args, context)
    if args.grace is not None:
        raise UsageError("--grace is for --remote.", "The trash of the cache has gc.grace.")
    project = context.project()
    keep = keep_of(args, context)
    seen: list[Preview] = []

    def tell(preview: Preview) -> None:
        seen.append(preview)
        context.report.clear()
        for line in told(preview):
            context.say(line)
        context.out.flush()

    elsewhere = elsewhere_of(args, context)
    with others_of(args, context) as others:
        ask = None if args.force else question(context)
        done = gc(
            project,
            keep,
            others=others,
            dry=args.dry,
            elsewhere=elsewhere,
            empty_trash=args.empty_trash,
            tell=tell,
            ask=ask,
        )
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


def _collect_remote(args: argparse.Namespace, context: Context) -> int:
    """One phase on a remote: deletes what was named long enough ago, names what nothing needs now."""
    from assay.engine.vocabulary import seconds
    from assay.remotes.collect.sweep import GRACE, gc_remote

    if args.empty_trash or args.projects:
        raise UsageError("--empty-trash and -p are about the cache, and --remote is about a remote.")
    if args.num is not None and args.num < 1:
        raise UsageError(f"-n takes a number from 1 upwards, not {args.num}.")
    grace = GRACE if args.grace is None else int(seconds("--grace", args.grace))
    seen: list[RemotePreview] = []

    def tell(preview: RemotePreview) -> None:
        seen.append(preview)
        context.report.clear()
        for line in _told_of_remote(preview):
            context.say(line)
        context.out.flush()

    done = gc_remote(
        context.project(),
        args.remote or None,
        keep_of(args, context),
        last=args.num,
        grace=grace,
        dry=args.dry,
        tell=tell,
        ask=None if args.force else question(context),
    )
    context.report.clear()
    if args.dry or done:
        return 0
    if seen[0].objects or seen[0].due[0]:
        context.say("Nothing was changed.")
        return 1
    return 0


def _told_of_remote(preview: RemotePreview) -> list[str]:
    """What a phase would do, line by line."""
    from assay.cli.collecting import length
    from assay.cli.render.progress import size

    lines = []
    if preview.due[0]:
        lines.append(f"{counted(preview.due[0], 'file')}, {size(preview.due[1])}, named before, would be deleted now.")
    if preview.waiting[0]:
        lines.append(f"{counted(preview.waiting[0], 'file')}, {size(preview.waiting[1])}, named before, still wait.")
    if preview.objects:
        when = f"would be named, and could go in {length(preview.grace)}" if preview.grace else "would be deleted now"
        lines.append(f"{size(preview.size)} that nothing needs, {when}.")
    if preview.anew:
        lines.append(f"{size(preview.anew)} would be written anew, out of packs of which little is needed.")
    everything = f"{counted(preview.all_objects, 'file')}, {size(preview.all_size)}"
    if not lines:
        return [f"Nothing to collect from {preview.url}: {everything}."]
    return [*lines, f"{preview.url} has {everything}."]
