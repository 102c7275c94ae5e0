"""``assay-dvc stage list``."""

from __future__ import annotations

import argparse
import posixpath

from assay.cli.wiring import Context

_WIDEST = 80


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="stages and files of stages (this folder's)")
    parser.add_argument("--all", action="store_true", help="every stage and .dvc file of the project")
    parser.add_argument("--fail", action="store_true", help="end with an error when any file cannot be understood")
    parser.add_argument("-R", "--recursive", action="store_true", help="a folder means the stages below it")
    parser.add_argument("--name-only", "--names-only", action="store_true", help="just the names")


def run(args: argparse.Namespace, context: Context) -> int:
    """Lists stages, with a line about each."""
    from assay.cli.render import dvctable
    from assay.cli.targets import target_words
    from assay.engine.errors import UsageError
    from assay.engine.events import Warned
    from assay.engine.stages.listing import Which, listing, summary

    folder, targets = target_words(context, args.targets)
    found = listing(context.project(), Which(targets, folder, args.all, args.recursive), strict=args.fail)
    context.report.clear()
    if not (found.nodes or targets or args.all) and context.project().read(posixpath.join(folder, "dvc.yaml")) is None:
        raise UsageError("There is no dvc.yaml here.", "--all lists the stages of the whole project.")
    for error in found.errors.values():
        context.report(Warned(f"{error.message} Its stages are left out."))
    rows = []
    for node in found.nodes:
        about = summary(found.names.stages.get(node) or found.names.data[node])
        text = "" if args.name_only else about if len(about) <= _WIDEST else about[: _WIDEST - 1] + "…"
        rows.append([found.names.seen_from(node, folder), text])
    context.out.write("".join(f"{line}\n" for line in dvctable.lines([], rows)))
    return 0
