"""``assay-dvc metrics show``."""

from __future__ import annotations

import argparse
import json
import posixpath
from typing import TYPE_CHECKING, Any

from assay.cli.dvc.compared import DIGITS, add_precision, native, tell_unreadable, text_of, write_table
from assay.cli.dvc.words import spelled
from assay.cli.wiring import Context

if TYPE_CHECKING:
    from assay.engine.experiments.metrics import Shown

_ERRORS = {
    f".{suffix}": f"{name}FileCorruptedError"
    for suffix, name in (("json", "JSON"), ("yaml", "YAML"), ("yml", "YAML"), ("toml", "TOML"), ("py", "Python"))
}
"""What DVC calls a file that it cannot read."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("targets", nargs="*", metavar="PATH", help="only these files, or files in these folders")
    parser.add_argument("-a", "--all-branches", action="store_true", help="at every branch's tip too")
    parser.add_argument("-T", "--all-tags", action="store_true", help="at every tag too")
    parser.add_argument(
        "-A", "--all-commits", action="store_true", help="at every commit of branches, remote branches and tags too"
    )
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.add_argument("--md", action="store_true", help="as Markdown")
    add_precision(parser)


def run(args: argparse.Namespace, context: Context) -> int:
    """Shows the metrics of the workspace, or of revisions as well."""
    from assay.engine.experiments.metrics import show_metrics
    from assay.engine.experiments.sides import Extent

    project = context.project()
    wanted = Extent((), args.all_branches, args.all_tags, args.all_commits)
    found = show_metrics(project, wanted, [context.relative(path) for path in args.targets])
    several = args.all_branches or args.all_tags or args.all_commits
    named = [side.commit.hex() if side.commit and args.all_commits else side.name for side in found]
    shown = {name: _files(side, context) for name, side in zip(named, found, strict=True)}
    branch = (project.repo.head_ref() or "").removeprefix("refs/heads/")
    if several and shown.get("workspace") == shown.get(branch):
        del shown["workspace"]
    if args.json:
        whole = {name if several else "": {"data": files} for name, files in shown.items()}
        context.say(json.dumps(whole))
    else:
        _write(shown, args, context, several=several)
    return tell_unreadable(((side.name, side.documents) for side in found), context)


def _files(side: Shown, context: Context) -> dict[str, dict[str, Any]]:
    """The metrics of one revision by file, in DVC's shape; for a file that cannot be read, why."""
    good = {path: {"data": native(document)} for path, document in side.documents.found.items()}
    bad = {
        path: {"error": {"type": _ERRORS.get(posixpath.splitext(path)[1].lower(), ""), "msg": text}}
        for path, text in side.documents.errors.items()
    }
    return {spelled(path, context): file for path, file in {**good, **bad}.items()}


def _write(
    shown: dict[str, dict[str, dict[str, Any]]], args: argparse.Namespace, context: Context, *, several: bool
) -> None:
    from assay.engine.experiments.compare import flattened

    rows: list[dict[str, str]] = []
    for name, files in shown.items():
        for path, file in files.items():
            values = flattened(file.get("data", {}))
            cells = {key: text_of(value, args.precision or DIGITS) for key, value in values.items()}
            rows.append({**cells, "Revision": name, "Path": path})
    fixed = ["Revision"] * several + ["Path"]
    head = [*fixed, *sorted({key for row in rows for key in row} - {"Revision", "Path"})]
    write_table(head, [[row.get(key, "-") for key in head] for row in rows], context, markdown=args.md)
