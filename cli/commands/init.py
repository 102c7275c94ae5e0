"""``assay init``."""

from __future__ import annotations

import argparse

from assay.cli.wiring import Context

EXAMPLES = """\
  assay init
  assay init --hash sha256      where whoever can write to the remote is not trusted
  assay init --dvc              a project that DVC works on, too
  assay init --dvc --subdir     in a folder of a Git repository
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("--hash", choices=("xxh128", "sha256"), help="hash of artifacts (xxh128)")
    parser.add_argument("--dvc", action="store_true", help="make what `dvc init` makes: md5, DVC's cache and remotes")
    parser.add_argument("--subdir", action="store_true", help="with --dvc: below the root of the Git repository")
    parser.add_argument("--no-scm", action="store_true", help="with --dvc: without Git, and so without experiments")


def run(args: argparse.Namespace, context: Context) -> int:
    """Makes the folder a project."""
    from assay.engine.errors import UsageError
    from assay.engine.experiments.init import init
    from assay.engine.layout import dvc, native

    if args.dvc and args.hash:
        raise UsageError("assay init: --hash cannot be used with --dvc.", "DVC names everything by md5.")
    if (args.subdir or args.no_scm) and not args.dvc:
        raise UsageError("assay init: --subdir and --no-scm need --dvc.", "Without it any folder will do.")
    if args.subdir and args.no_scm:
        raise UsageError(
            "assay init: --subdir and --no-scm exclude each other.", "One is about Git, the other without."
        )
    layout = dvc() if args.dvc else native(args.hash or "xxh128")
    done = init(context.here, context.world, layout, subdir=args.subdir, without_git=args.no_scm)
    also = " and an empty Git repository" if done.made_repository else ""
    context.say(f"Made {'a DVC' if args.dvc else 'an assay'} project{also} in {done.root}.")
    if not args.dvc and args.hash != "sha256":
        context.say(
            "Artifacts are named by xxh128, which detects damage, not forgery; `assay init --hash sha256` detects both."
        )
    context.say("Next: assay add FILE" if args.no_scm else 'Next: assay baseline -m "first"')
    return 0
