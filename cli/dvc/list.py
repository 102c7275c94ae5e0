"""``assay-dvc list``."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING, Any

from assay.cli.wiring import Context

if TYPE_CHECKING:
    from assay.remotes.imports.listing import Node

FAILURE_CODE = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    from assay.cli.dvc.elsewhere import add_level, add_repository

    add_repository(parser, "")
    add_level(parser)
    parser.add_argument("--dvc-only", action="store_true", help="only what is tracked as data")
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.add_argument("--show-hash", action="store_true", help="with digests")


def run(args: argparse.Namespace, context: Context) -> int:
    """Says what is in a repository."""
    from assay.cli.dvc.elsewhere import as_failure, check_numbers, repository_said, say_entries, temporary
    from assay.engine.errors import AssayError
    from assay.remotes.imports.listing import Node, rows
    from assay.remotes.imports.repositories import Wanted, list_repository, scratch

    check_numbers(args)
    if args.tree and args.json:
        context.fail(AssayError("Cannot use --tree and --json options together."))
        return 255
    is_deep = args.level is None or args.level > 1
    wanted = Wanted(repository_said(args, context), args.dvc_only, (args.recursive or args.tree) and is_deep)
    with as_failure(), scratch(temporary(context), context.world, context.report) as project:
        node = list_repository(project, wanted)
    if args.tree:
        say_entries(context, args, args.path or ".", node, digests=args.show_hash)
        return 0
    if not node.is_folder or (args.level == 0 and args.recursive):
        node = Node({os.path.basename(args.path or "") or ".": node._replace(children=None)})
    if args.json:
        import json

        found = sorted(rows(node, recursive=args.recursive, level=args.level))
        context.report.clear()
        context.say(json.dumps([_plain(path, one) for path, one in found]))
        return 0
    say_entries(context, args, "", node, digests=args.show_hash, in_order=True)
    return 0


def _plain(path: str, node: Node) -> dict[str, Any]:
    return {
        "isout": node.is_out, "isdir": node.is_folder, "isexec": node.is_exec, "size": node.size,
        "md5": node.digest or None, "path": path,
    }  # fmt: skip
