"""``assay-dvc data status``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from assay.cli.wiring import Context

if TYPE_CHECKING:
    from assay.engine.project import Project

_SECTIONS = {
    "not_in_remote": ("Not in remote", ('use "dvc push <file>..." to upload files',)),
    "not_in_cache": ("Not in cache", ('use "dvc fetch <file>..." to download files',)),
    "committed": ("DVC committed changes", ("git commit the corresponding dvc files to update the repo",)),
    "uncommitted": (
        "DVC uncommitted changes",
        ('use "dvc commit <file>..." to track changes', 'use "dvc checkout <file>..." to discard changes'),
    ),
    "untracked": ("Untracked files", ('use "git add <file> ..." or "dvc add <file>..." to commit to git or to dvc',)),
    "unchanged": ("DVC unchanged files", ()),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="data, .dvc files or stages (everything)")
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.add_argument("--granular", action="store_true", help="files in folders too")
    parser.add_argument("--unchanged", action="store_true", help="also what did not change")
    parser.add_argument("--not-in-remote", action="store_true", help="also what the remote lacks")
    parser.add_argument("-r", "--remote", metavar="NAME", help="with --not-in-remote: which one")
    parser.add_argument("--no-remote-refresh", action="store_true", help="ask the remote again (always done)")
    parser.add_argument(
        "--untracked-files", nargs="?", choices=("no", "all"), default="no", const="all", help="unknown files too"
    )


def run(args: argparse.Namespace, context: Context) -> int:
    """Compares the last commit, the files that record data, and the data itself."""
    from assay.cli.render.datastatus import lines, plain_status
    from assay.cli.targets import target_words
    from assay.engine.data.status import status

    project = context.project()
    folder, targets = target_words(context, args.targets)
    with_untracked = args.untracked_files == "all"
    found = status(project, targets, folder=folder, granular=args.granular, untracked=with_untracked)
    context.report.clear()
    shown = plain_status(found, unchanged=args.unchanged)
    if args.not_in_remote and (lacking := _not_in_remote(args, project, targets, folder)):
        shown = {"not_in_remote": lacking, **shown}
    if args.json:
        import json

        context.say(json.dumps(shown))
        return 0
    if not shown:
        context.say("No changes in an empty git repo." if project.repo.head() is None else "No changes.")
    for number, (name, content) in enumerate(shown.items()):
        label, hints = _SECTIONS[name]
        context.say(("\n" if number else "") + f"{label}:")
        for line in [*(f"  ({hint})" for hint in hints), *(f"        {line}" for line in lines(content))]:
            context.say(line)
    if _is_dirty(project, untracked=with_untracked):
        context.say(f'(there are {"other " if shown else ""}changes not tracked by dvc, use "git status" to see)')
    return 0


def _not_in_remote(args: argparse.Namespace, project: Project, targets: list[str], folder: str) -> list[str]:
    """The tracked paths that the remote lacks; with --granular the files in folders too."""
    from assay.engine.data.content import shown
    from assay.engine.data.items import items_of
    from assay.engine.pipeline.spec import load
    from assay.remotes.data import compare
    from assay.remotes.selection import Scope

    states = compare(project, Scope(tuple(targets), folder), remote=args.remote)
    tops = {item.path: item.artifact for item in items_of(project, load(project)).values() if item.artifact}
    return [
        shown(path, tops[path]) if path in tops else path
        for path, state in states.items()
        if state in ("new", "missing") and (args.granular or path in tops)
    ]


def _is_dirty(project: Project, *, untracked: bool) -> bool:
    """Whether Git would commit something, or could."""
    from assay.engine.git.status import work_state

    state = work_state(project.repo, untracked=untracked)
    return bool(state.staged or state.unstaged or state.conflicted or (untracked and state.untracked))
