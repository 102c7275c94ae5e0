"""``assay-dvc status``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from assay.cli.wiring import Context

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from assay.engine.data.drift import Drift
    from assay.engine.pipeline.datafile import DataFile

FAILURE_CODE = 1
UP_TO_DATE = "Data and pipelines are up to date."
_EMPTY = "There are no data or pipelines tracked in this project yet.\nSee <https://dvc.org/doc/start> to get started!"
_COLUMN = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="stages, .dvc files, tracked paths (everything)")
    parser.add_argument("-d", "--with-deps", action="store_true", help="also what the targets need")
    parser.add_argument("-R", "--recursive", action="store_true", help="a folder means everything tracked below it")
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.add_argument("-c", "--cloud", action="store_true", help="compare the cache with the remote instead")
    parser.add_argument("-r", "--remote", metavar="NAME", help="with this remote")
    parser.add_argument("-j", "--jobs", type=int, metavar="N", help="with -c: so many questions at once")
    parser.add_argument("-a", "--all-branches", action="store_true", help="with -c: also of the tips of all branches")
    parser.add_argument("-T", "--all-tags", action="store_true", help="with -c: also of all tags")
    parser.add_argument("-A", "--all-commits", action="store_true", help="with -c: also of all commits")
    parser.add_argument("--no-updates", action="store_true", help="do not look for news of imports")


def run(args: argparse.Namespace, context: Context) -> int:
    """Tells how stages and data differ from what was recorded."""
    from assay.cli.targets import target_words
    from assay.engine.data.drift import drift
    from assay.engine.errors import UsageError
    from assay.engine.events import Warned
    from assay.engine.pipeline.tracked import is_from_repository

    if args.cloud or args.remote:
        return _beside_remote(args, context)
    for name in ("all_branches", "all_tags", "all_commits", "jobs"):
        if getattr(args, name):
            raise UsageError(f"--{name.replace('_', '-')} needs --cloud.")
    folder, targets = target_words(context, args.targets)
    found = drift(context.project(), targets, folder=folder, recursive=args.recursive, with_deps=args.with_deps)
    context.report.clear()
    shown: dict[str, Any] = {}
    files = [found.graph.data[node.node] for node in found.nodes if node.node in found.graph.data]
    imports = {file.path for file in files if is_from_repository(file)}
    updates = {} if args.no_updates or not imports else _updates(files, context)
    for node in found.nodes:
        name = found.graph.names.seen_from(node.node, folder)
        if node.frozen and node.node not in imports:
            context.report(Warned(f"{name} is frozen, so what it reads is not looked at."))
        entries = _entries(node, context)
        if node.node in updates:
            entries.insert(0, {"changed deps": dict.fromkeys(updates[node.node], "update available")})
        if entries:
            shown[name] = entries
    return _tell(shown, UP_TO_DATE if found.nodes else _EMPTY, args, context)


def _updates(files: Sequence[DataFile], context: Context) -> Mapping[str, Sequence[str]]:
    """Of which imports there is something newer, by their files."""
    from assay.engine.events import Warned
    from assay.remotes.sources import news

    found, failed = news(context.project(), files)
    context.report.clear()
    for path, why in failed.items():
        context.report(Warned(f"{path}: whether there is something newer is not known. {why}"))
    return found


def _beside_remote(args: argparse.Namespace, context: Context) -> int:
    """Tells what of the data only the cache has, only the remote, or neither."""
    from assay.cli.targets import target_words
    from assay.remotes.data import compare
    from assay.remotes.selection import Scope

    project = context.project()
    folder, targets = target_words(context, args.targets)
    scope = Scope(tuple(targets), folder, args.recursive, args.with_deps)
    scope = scope._replace(branches=args.all_branches, tags=args.all_tags, commits=args.all_commits)
    found = compare(project, scope, remote=args.remote, jobs=args.jobs)
    context.report.clear()
    name = args.remote or project.config.get("core", "remote")
    return _tell(found, f"Cache and remote '{name}' are in sync.", args, context, depth=int(args.cloud))


def _tell(shown: dict[str, Any], nothing: str, args: argparse.Namespace, context: Context, *, depth: int = 0) -> int:
    """Writes what was found, or that there is nothing; returns the exit code."""
    if args.json:
        import json

        context.say(json.dumps(shown))
    elif args.quiet:
        return int(bool(shown))
    elif shown:
        _write(shown, depth, context)
    else:
        context.say(nothing)
    return 0


def _entries(node: Drift, context: Context) -> list[Any]:
    """What there is to say of one stage or file, in DVC's shape."""
    from assay.cli.dvc.words import spelled

    found: list[Any] = []
    if node.deps:
        found.append({"changed deps": {spelled(path, context): word for path, word in node.deps.items()}})
    if node.outs:
        found.append({"changed outs": {spelled(path, context): word for path, word in node.outs.items()}})
    if node.always:
        found.append("always changed")
    if node.command:
        found.append("changed command")
    if node.checksum:
        found.append("changed checksum")
    return found


def _write(entries: Any, depth: int, context: Context) -> None:
    """Entries as indented lines."""
    indent = "\t" * depth
    if isinstance(entries, str):
        context.say(f"{indent}{entries}")
    elif isinstance(entries, list):
        for entry in entries:
            _write(entry, depth, context)
    else:
        for name, entry in entries.items():
            if isinstance(entry, str):
                context.say(f"{indent}{entry + ':':<{_COLUMN}}{name}")
            elif entry:
                context.say(f"{indent}{name}:")
                _write(entry, depth + 1, context)
