"""``assay-dvc diff``."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence

from assay.cli.wiring import Context

FAILURE_CODE = 1
_ORDER = ("added", "deleted", "renamed", "modified", "not in cache")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("a_rev", nargs="?", default="HEAD", metavar="A", help="a revision (HEAD)")
    parser.add_argument("b_rev", nargs="?", metavar="B", help="another (the workspace)")
    parser.add_argument("--targets", nargs="*", default=[], metavar="PATH", help="only these tracked paths")
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.add_argument("--show-hash", action="store_true", help="digests too")
    parser.add_argument("--md", action="store_true", help="as Markdown")
    parser.add_argument("--hide-missing", action="store_true", help="leave out what the cache lacks")


def run(args: argparse.Namespace, context: Context) -> int:
    """Compares the data of two revisions, or of one and the workspace."""
    from assay.cli.render.datadiff import plain_diff, sections
    from assay.cli.targets import target_words
    from assay.engine.data.diff import diff

    project = context.project()
    if project.repo.head() is None and args.a_rev == "HEAD":
        if args.json:
            context.say("{}")
        return 0
    folder, targets = target_words(context, args.targets)
    found = diff(project, args.a_rev, args.b_rev, targets=targets, folder=folder)
    context.report.clear()
    hidden = args.hide_missing or args.b_rev is not None
    if args.json:
        import json

        whole = plain_diff(found, show_hash=args.show_hash)
        if hidden:
            whole.pop("not in cache", None)
        context.say(json.dumps(whole))
        return 0
    parts = {name: rows for name in _ORDER if (rows := sections(found)[name]) and not (hidden and name == _ORDER[-1])}
    if args.md:
        _write_markdown(parts, context, show_hash=args.show_hash)
    else:
        _write(parts, context, show_hash=args.show_hash)
    return 0


def _write(parts: Mapping[str, Sequence[tuple[object, object]]], context: Context, *, show_hash: bool) -> None:
    from assay.cli.render.datadiff import spelled

    counts = []
    for name, rows in parts.items():
        context.say(f"{name.capitalize()}:")
        for path, digest in rows:
            context.say(f"    {spelled(digest, short=True) + '  ' if show_hash else ''}{spelled(path)}")
        context.say("")
        files = sum(not spelled(path).endswith("/") for path, _ in rows)
        counts += [f"{files} {name}"] if files else []
    if counts:
        context.say(f"files summary: {', '.join(counts)}")


def _write_markdown(parts: Mapping[str, Sequence[tuple[object, object]]], context: Context, *, show_hash: bool) -> None:
    from assay.cli.render import dvctable
    from assay.cli.render.datadiff import spelled

    head = ["Status", *(["Hash"] if show_hash else []), "Path"]
    rows = [
        [name, *([spelled(digest, short=True)] if show_hash else []), spelled(path)]
        for name, found in parts.items()
        for path, digest in found
    ]
    context.out.write("".join(f"{line}\n" for line in dvctable.lines(head, rows, markdown=True)))
