"""``assay status``."""

from __future__ import annotations

import argparse
import posixpath
from typing import TYPE_CHECKING

from assay.cli.render.progress import spelled
from assay.cli.wiring import Context

if TYPE_CHECKING:
    from assay.engine.experiments.status import Status
    from assay.engine.pipeline.changes import Reason

EXAMPLES = """\
  assay status
  assay status --json
  assay status --remote          what the default remote has, what only you have
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.add_argument(
        "-r", "--remote", nargs="?", const="", metavar="NAME", help="what is on this remote (the default one) instead"
    )
    parser.add_argument("-j", "--jobs", type=int, metavar="N", help="with --remote: so many requests at once")


def run(args: argparse.Namespace, context: Context) -> int:
    """Tells what changed, which stages would run, and who holds the workspace."""
    from assay.engine.errors import UsageError
    from assay.engine.events import Warned
    from assay.engine.experiments.status import status

    if args.remote is not None:
        return _beside(args, context)
    if args.jobs is not None:
        raise UsageError("-j is for asking a remote.", "Say --remote.")
    found = status(context.project())
    if args.json:
        context.say(_json(found))
    else:
        _tell(found, context)
    for sentence in found.files.warnings:
        context.report(Warned(sentence))
    if found.problem is not None:
        raise found.problem
    return 0


def _beside(args: argparse.Namespace, context: Context) -> int:
    """Compares with a remote; non-zero when something there is damaged."""
    from assay.cli.render import beside
    from assay.remotes.comparison import compared

    found = compared(context.project(), args.remote or None, jobs=args.jobs)
    context.report.clear()
    context.say(beside.json_of(found) if args.json else beside.text_of(found))
    context.out.flush()
    for line in beside.damage_of(found):
        context.err.write(f"error: {line}\n")
    return 0 if found.is_sound else 255


def _tell(found: Status, context: Context) -> None:
    """The state of the workspace, for a person."""
    at = found.head.hex()[:7] if found.head else "no commit yet"
    if not context.project().has_git:
        context.say("Without Git (core.no_scm).")
    else:
        context.say(f"On branch {found.branch} ({at})." if found.branch else f"On no branch, at {at}.")
    folder = context.current()
    for title, letters in (
        ("Staged for a commit", found.files.staged),
        ("Changed", found.files.unstaged),
        ("In conflict", found.files.conflicted),
        ("New", dict.fromkeys(found.files.untracked, "?")),
    ):
        if letters:
            context.say(f"{title}:")
            for path, letter in letters.items():
                context.say(f"  {letter} {_from(folder, path, context.project().prefix)}")
    for title, frozen in (("Stages that would run", False), ("Frozen stages that are not as recorded", True)):
        stages = [stage for stage in found.stages if stage.frozen == frozen]
        if stages:
            context.say(f"{title}:")
        for stage in stages:
            reasons = ", ".join(_reason(reason, folder) for reason in stage.reasons)
            context.say(f"  {spelled(stage.name, folder)}: {reasons}")
    if found.owner is not None:
        context.say(f"The workspace is in use: {found.owner.describe()}.")
    if found.collector is not None:
        context.say(f"The cache is being collected: {found.collector.describe()}.")


def _from(folder: str, path: str, prefix: str) -> str:
    """A path of the repository as it is spelled in a folder of the project."""
    return posixpath.relpath(path, prefix + folder) if prefix + folder else path


def _reason(reason: Reason, folder: str) -> str:
    """Why a stage would run, with the path as it is spelled in a folder of the project."""
    if not folder or not reason.name or "://" in reason.name or reason.name.startswith("/"):
        return reason.text
    return reason.text.replace(reason.name, posixpath.relpath(reason.name, folder), 1)


def _json(found: Status) -> str:
    """The same as one JSON document (docs/formats.md)."""
    import json

    files = found.files
    data = {
        "schema": 1,
        "branch": found.branch,
        "head": found.head.hex() if found.head else None,
        "files": {
            "staged": dict(files.staged),
            "unstaged": dict(files.unstaged),
            "conflicted": dict(files.conflicted),
            "untracked": list(files.untracked),
        },
        "stages": [
            {"stage": stage.name, "frozen": stage.frozen, "reasons": [reason._asdict() for reason in stage.reasons]}
            for stage in found.stages
        ],
        "owner": found.owner.describe() if found.owner else None,
        "collector": found.collector.describe() if found.collector else None,
        "problem": found.problem.message if found.problem else None,
    }
    return json.dumps(data)
