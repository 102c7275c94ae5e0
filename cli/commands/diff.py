"""``assay diff``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from assay.cli.commands.metrics import add_forms, add_sides, digits
from assay.cli.wiring import Context

if TYPE_CHECKING:
    from assay.engine.experiments.diff import Difference

EXAMPLES = """\
  assay diff                          HEAD and the workspace
  assay diff bumpy-lion shy-fox       two experiments
  assay diff main bumpy-lion --only params --only metrics
  assay diff bumpy-lion -p            with the changes of code files
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    add_sides(parser)
    parser.add_argument(
        "--only",
        action="append",
        choices=("metrics", "params", "data", "code", "packages"),
        help="only this section, all of it; repeatable",
    )
    parser.add_argument("-p", "--patch", action="store_true", help="the changes of code files, line by line")
    parser.add_argument("--all", action="store_true", help="also metrics and parameters that are the same")
    parser.add_argument("--param-deps", action="store_true", help="only parameters that stages read")
    parser.add_argument("--no-path", action="store_true", help="leave out the column of files")
    parser.add_argument("--precision", type=int, metavar="DIGITS", help="significant digits (5)")
    add_forms(parser)
    parser.add_argument("--no-pager", action="store_true", help="never a page at a time")


def run(args: argparse.Namespace, context: Context) -> int:
    """Compares two sides."""
    from assay.engine.errors import UsageError

    precision = digits(args)
    if args.patch and args.json:
        raise UsageError("--patch is text, and --json is not.", "`--only code -p` prints the patch alone.")
    if args.patch and args.only and "code" not in args.only:
        raise UsageError("--patch is about code, and --only leaves it out.", "Add `--only code`.")
    compared = context.lab.diff(args.old, args.new, only=args.only, unchanged=args.all, stages_only=args.param_deps)
    found = compared.difference
    if args.json:
        from assay.cli.render.diff import as_json
        from assay.engine.experiments.values import encode

        context.out.write(encode(as_json(found)) + "\n")
    else:
        _write(found, args, context, precision)
    return _tell_errors(found, context)


def _write(found: Difference, args: argparse.Namespace, context: Context, precision: int) -> None:
    """Writes the forms for people, a page at a time where it is longer than the screen."""
    from assay.cli.render.diff import Style, lines, patch_lines

    screen = context.screen[0] if context.is_terminal else None
    now, _ = context.world.clock.now()
    style = Style(now, precision, not args.no_path, args.md, bool(args.only or args.all), screen, context.colour)
    if args.patch and args.only == ["code"] and not args.md:
        written = list(patch_lines(found.patch(), colour=context.colour, safe=screen is not None))
    else:
        written = list(lines(found, style, patch=args.patch))
    context.write_paged("".join(line + "\n" for line in written), whole=args.no_pager)


def _tell_errors(found: Difference, context: Context) -> int:
    from assay.engine.events import Warned

    for name, errors in found.errors.items():
        for text in dict.fromkeys(errors.values()):  # a file that dvc.yaml needs is told once
            context.report(Warned(f"{name}: {text}"))
    return 1 if found.errors else 0
