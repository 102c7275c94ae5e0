"""``assay data``."""

from __future__ import annotations

import argparse

from assay.cli.render.datadiff import plain_diff, sections, spelled
from assay.cli.render.datastatus import lines, plain_status
from assay.cli.wiring import Context

EXAMPLES = """\
  assay data status                   what changed since the last commit, and since it was recorded
  assay data ls data -R               what a tracked folder holds, here or not
  assay data diff HEAD~1              file by file
  assay data move raw.csv archive/    with its .dvc file
  assay data remove raw.csv.dvc       stop tracking it
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    actions = parser.add_subparsers(dest="action", metavar="status|ls|diff|move|remove", required=True)
    status = actions.add_parser("status", help="the last commit, the .dvc and lock files, and the data, compared")
    status.add_argument("targets", nargs="*", metavar="TARGET", help="data, .dvc files or stages (everything)")
    status.add_argument("--granular", action="store_true", help="files in folders too")
    status.add_argument("--unchanged", action="store_true", help="also what did not change")
    status.add_argument(
        "--untracked-files", nargs="?", choices=("no", "all"), default="no", const="all", help="unknown files too"
    )
    listing = actions.add_parser("ls", help="what is tracked outside Git")
    listing.add_argument("path", nargs="?", default=".", metavar="PATH", help="a tracked path, or a folder")
    listing.add_argument("-R", "--recursive", action="store_true", help="all files below")
    listing.add_argument("--rev", metavar="REV", help="as a commit or experiment records it")
    listing.add_argument("--show-hash", action="store_true", help="digests too")
    diff = actions.add_parser("diff", help="compare the data of two revisions, or of one and the workspace")
    diff.add_argument("a", nargs="?", default="HEAD", metavar="A", help="a revision or experiment (HEAD)")
    diff.add_argument("b", nargs="?", metavar="B", help="another (the workspace)")
    diff.add_argument("--targets", nargs="+", default=[], metavar="PATH", help="only these paths")
    diff.add_argument("--show-hash", action="store_true", help="digests too")
    diff.add_argument("--hide-missing", action="store_true", help="leave out what the cache lacks")
    diff.add_argument("--md", action="store_true", help="a Markdown table")
    for action in (status, listing, diff):
        action.add_argument("--json", action="store_true", help="machine-readable")
    move = actions.add_parser("move", help="give added data another path")
    move.add_argument("source", metavar="SRC", help="the data, or its .dvc file")
    move.add_argument("target", metavar="DST", help="the new path; a folder means into it")
    remove = actions.add_parser("remove", help="stop tracking added data")
    remove.add_argument("targets", nargs="+", metavar="TARGET", help=".dvc files, or their data")
    remove.add_argument("--outs", action="store_true", help="remove the data too")


def run(args: argparse.Namespace, context: Context) -> int:
    """Looks at tracked data, moves it, or lets go of it."""
    actions = {"status": _status, "ls": _ls, "diff": _diff, "move": _move, "remove": _remove}
    actions[args.action](args, context)
    return 0


def _json(context: Context, value: object) -> None:
    import json

    context.say(json.dumps(value, ensure_ascii=True))


# --- status ------------------------------------------------------------------------------------------------------

_LABELS = {
    "not_in_cache": ("Not in cache", "`assay pull` fetches it"),
    "committed": ("Committed changes", 'commit the .dvc and lock files: `assay baseline -m "..."` or Git'),
    "uncommitted": ("Uncommitted changes", "`assay commit` records them, `assay checkout` undoes them"),
    "untracked": ("Untracked files", "`assay add` tracks them"),
    "unchanged": ("Unchanged", ""),
}


def _status(args: argparse.Namespace, context: Context) -> None:
    from assay.cli.targets import target_words
    from assay.engine.data.status import status

    folder, targets = target_words(context, args.targets)
    with_untracked = args.untracked_files == "all"
    found = status(context.project(), targets, folder=folder, granular=args.granular, untracked=with_untracked)
    context.report.clear()
    plain = plain_status(found, unchanged=args.unchanged)
    if args.json:
        _json(context, plain)
        return
    if not plain:
        context.say("No changes.")
    for number, (name, content) in enumerate(plain.items()):
        label, hint = _LABELS[name]
        context.say(("\n" if number else "") + f"{label}:" + (f"  ({hint})" if hint else ""))
        for line in lines(content):
            context.say(f"    {line}")


# --- ls ----------------------------------------------------------------------------------------------------------


def _ls(args: argparse.Namespace, context: Context) -> None:
    from assay.cli.targets import target_words
    from assay.engine.data.ls import ls

    folder, (path,) = target_words(context, [args.path])
    lines = ls(context.project(), path, folder=folder, recursive=args.recursive, revision=args.rev)
    context.report.clear()
    if args.json:
        keys = ("path", "isdir", "isexec", "size", "nfiles")
        names = [(line.digest.algo, line.digest.text) if line.digest else (None, None) for line in lines]
        rows = [
            {**dict(zip(keys, line[:5], strict=True)), "hash": algo, "digest": text}
            for line, (algo, text) in zip(lines, names, strict=True)
        ]
        _json(context, rows)
        return
    sizes = ["-" if line.size is None else f"{line.size:,}" for line in lines]
    width = max(map(len, sizes), default=0)
    for line, size in zip(lines, sizes, strict=True):
        digest = f"  {line.digest.text if line.digest else '-':36}" if args.show_hash else ""
        context.say(f"{size:>{width}}{digest}  {line.path}{'/' if line.is_dir else ''}")


# --- diff --------------------------------------------------------------------------------------------------------


def _diff(args: argparse.Namespace, context: Context) -> None:
    from assay.cli.targets import target_words
    from assay.engine.data.diff import diff

    folder, targets = target_words(context, args.targets)
    found = diff(context.project(), args.a, args.b, targets=targets, folder=folder)
    context.report.clear()
    if args.hide_missing:
        found = found._replace(not_in_cache=())
    parts = sections(found)
    if args.json:
        whole = plain_diff(found, show_hash=args.show_hash)
        if args.hide_missing:
            whole.pop("not in cache", None)
        _json(context, whole)
    elif args.md:
        context.out.write(_markdown(parts, show_hash=args.show_hash))
    else:
        _tell(context, parts, show_hash=args.show_hash)


def _markdown(parts: dict[str, list[tuple[object, object]]], *, show_hash: bool) -> str:
    from assay.cli.render import grid

    head = ["Status", "Hash", "Path"] if show_hash else ["Status", "Path"]
    rows = [
        [name, *([spelled(digest, short=True)] if show_hash else []), spelled(path)]
        for name, found in parts.items()
        for path, digest in found
    ]
    return "".join(f"{line}\n" for line in grid.markdown(head, rows))


def _tell(context: Context, parts: dict[str, list[tuple[object, object]]], *, show_hash: bool) -> None:
    for name, rows in parts.items():
        if rows:
            context.say(f"{name.capitalize()}:")
        for path, digest in rows:
            prefix = f"{spelled(digest, short=True):<20}" if show_hash else ""
            context.say(f"    {prefix}{spelled(path)}")
    counts = {name: sum(not spelled(path).endswith("/") for path, _ in rows) for name, rows in parts.items() if rows}
    told = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
    context.say(f"Files: {told}." if told else "No changes.")


# --- move, remove ------------------------------------------------------------------------------------------------


def _move(args: argparse.Namespace, context: Context) -> None:
    from assay.cli.commands.add import tell_written
    from assay.cli.targets import target_words
    from assay.engine.data.move import move
    from assay.engine.events import Warned

    folder, (source, target) = target_words(context, [args.source, args.target])
    moved = move(context.project(), source, target, folder=folder)
    context.report.clear()
    context.say(f"{moved.source} is now {moved.target}; `assay undo` takes it back.")
    for address in moved.readers:
        context.report(Warned(f"Stage {address} still reads {moved.source}; change that in its dvc.yaml."))
    tell_written(context, moved.written)


def _remove(args: argparse.Namespace, context: Context) -> None:
    from assay.cli.commands.add import tell_written
    from assay.cli.targets import target_words
    from assay.engine.data.remove import remove

    folder, targets = target_words(context, args.targets)
    removed = remove(context.project(), targets, folder=folder, outs=args.outs)
    context.report.clear()
    context.say(f"Removed {', '.join((*removed.data_files, *removed.outs))}; `assay undo` brings it back.")
    tell_written(context, removed.written)
