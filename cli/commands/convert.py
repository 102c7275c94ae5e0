"""``assay convert``."""

from __future__ import annotations

import argparse

from assay.cli.wiring import Context

EXAMPLES = """\
  assay convert --to dvc --dry          what would be done
  assay convert --to dvc                from now on DVC works here, too
  assay convert --to native             assay's own hash, packs and remotes
  assay convert --to native --hash sha256
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("--to", choices=("dvc", "native"), required=True, help="the kind that the project should have")
    parser.add_argument("--hash", choices=("xxh128", "sha256"), help="with --to native: the hash of artifacts (xxh128)")
    parser.add_argument("--dry", action="store_true", help="only say what would be done")


def run(args: argparse.Namespace, context: Context) -> int:
    """Makes the project one of the other kind."""
    from assay.cli.render.progress import size
    from assay.engine.errors import UsageError
    from assay.engine.events import Note, Warned
    from assay.engine.experiments.convert import convert
    from assay.engine.layout import dvc, native

    if args.hash and args.to == "dvc":
        raise UsageError("assay convert: --hash cannot be used with --to dvc.", "DVC names everything by md5.")
    project = context.project()
    done = convert(project, dvc() if args.to == "dvc" else native(args.hash or "xxh128"), dry=args.dry)
    if not done.written:
        context.say("Nothing to convert.")
        return 0
    for path in done.written:
        context.say(path)
    if done.left_out:
        names = ", ".join(done.left_out)
        context.report(Warned(f"What these stages read is nowhere any more as it was; they will run again: {names}."))
    if done.settings:
        context.report(Warned(f"These settings have no counterpart and are left out: {', '.join(done.settings)}."))
    if done.remotes:
        names = ", ".join(done.remotes)
        context.report(Note(f"What was pushed to {names} stays in the old form: choose a new URL before you push."))
    if args.dry:
        return 0
    context.report(Note(f"{done.objects} files ({size(done.size)}) have another name; `assay undo` goes back."))
    return 0
