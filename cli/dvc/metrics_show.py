"""``assay-dvc metrics show``."""

from __future__ import annotations

import argparse
import json
import posixpath
from typing import TYPE_CHECKING, Any

from assay.cli.dvc.compared import DIGITS, add_precision, native, tell_unreadable, text_of, write_table
from assay.cli.dvc.words import spelled
from assay.cli.targets import add_extent
from assay.cli.wiring import Context

if TYPE_CHECKING:
    from collections.abc import Sequence

    from assay.engine.experiments.metrics import Shown
    from assay.engine.experiments.sides import Extent

Result = dict[str, Any]
"""What is told of one revision: ``data`` by file, or ``error``."""

_ABSENT = ("FileNotFoundError", "DataIndexDirError", "IsADirectoryError")
"""What DVC calls a file that is not here; none of these is a failure."""

_ERRORS = {
    f".{suffix}": f"{name}FileCorruptedError"
    for suffix, name in (("json", "JSON"), ("yaml", "YAML"), ("yml", "YAML"), ("toml", "TOML"), ("py", "Python"))
}
"""What DVC calls a file that it cannot read."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    add_extent(parser)
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.add_argument("--md", action="store_true", help="as Markdown")
    add_precision(parser)


def run(args: argparse.Namespace, context: Context) -> int:
    """Shows the metrics of the workspace, or of revisions as well."""
    from assay.engine.experiments.sides import Extent

    project = context.project()
    wanted = Extent((), args.all_branches, args.all_tags, args.all_commits)
    several = args.all_branches or args.all_tags or args.all_commits
    shown, code = _named(args.targets, wanted, context) if args.targets else _all(wanted, context)
    branch = (project.repo.head_ref() or "").removeprefix("refs/heads/")
    if several and shown["workspace"] == shown.get(branch) and not _has_error(shown["workspace"]):
        del shown["workspace"]
    if args.json:
        context.say(json.dumps({name if several else "": result for name, result in shown.items()}))
    else:
        _write(shown, args, context, several=several)
    return code


def _all(wanted: Extent, context: Context) -> tuple[dict[str, Result], int]:
    """All metrics by revision in DVC's shape, and the exit code: only what is wrong in the workspace is a failure."""
    from assay.engine.events import Warned
    from assay.engine.experiments.dvcmetrics import metrics_show

    shown: dict[str, Result] = {}
    code = 0
    for found in metrics_show(context.project(), wanted):
        name = found.commit.hex() if found.commit and wanted.commits else found.name
        files = {spelled(path, context): about for path, about in found.files.items()}
        shown[name] = {"data": files} if found.error is None else {"error": found.error}
        problems = [about["error"] for about in found.files.values() if "error" in about]
        for problem in [found.error] if found.error else problems:
            if problem["type"] not in _ABSENT:
                context.report(Warned(f"{name}: {problem['msg']}"))
                code = 1 if found.commit is None else code
    failed = [name for name, result in shown.items() if _has_error(result)]
    if failed:
        context.report(Warned(f"Some metrics could not be loaded in {', '.join(failed)}."))
    return shown, code


def _has_error(result: Result) -> bool:
    return "error" in result or any("error" in file for file in result["data"].values())


def _named(targets: Sequence[str], wanted: Extent, context: Context) -> tuple[dict[str, Result], int]:
    """The same of some files and folders."""
    from assay.engine.experiments.metrics import show_metrics

    found = show_metrics(context.project(), wanted, [context.relative(path) for path in targets])
    named = [side.commit.hex() if side.commit and wanted.commits else side.name for side in found]
    shown = {name: {"data": _files(side, context)} for name, side in zip(named, found, strict=True)}
    return shown, tell_unreadable(((side.name, side.documents) for side in found), context)


def _files(side: Shown, context: Context) -> dict[str, dict[str, Any]]:
    """The metrics of one revision by file, in DVC's shape; for a file that cannot be read, why."""
    good = {path: {"data": native(document)} for path, document in side.documents.found.items()}
    bad = {
        path: {"error": {"type": _ERRORS.get(posixpath.splitext(path)[1].lower(), ""), "msg": text}}
        for path, text in side.documents.errors.items()
    }
    return {spelled(path, context): file for path, file in {**good, **bad}.items()}


def _write(shown: dict[str, Result], args: argparse.Namespace, context: Context, *, several: bool) -> None:
    from assay.engine.experiments.compare import flattened

    rows: list[dict[str, str]] = []
    for name, result in shown.items():
        for path, file in result.get("data", {}).items():
            values = flattened(file.get("data", {}))
            cells = {key: text_of(value, args.precision or DIGITS) for key, value in values.items()}
            rows.append({**cells, "Revision": name, "Path": path})
    fixed = ["Revision"] * several + ["Path"]
    head = [*fixed, *sorted({key for row in rows for key in row} - {"Revision", "Path"})]
    write_table(head, [[row.get(key, "-") for key in head] for row in rows], context, markdown=args.md)
