"""A new stage as words of a command line: the flags of both ``stage add`` commands, and what they mean."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from assay.engine.pipeline.stage import OutKind
    from assay.engine.stages.add import NewStage

_OUTS: tuple[tuple[tuple[str, ...], str, OutKind, bool, bool], ...] = (
    (("--outs-persist",), "like -o, and left in place when the stage runs", "outs", True, True),
    (("--outs-persist-no-cache",), "like -O, and left in place when the stage runs", "outs", False, True),
    (("-m", "--metrics"), "a file of metrics that it writes, kept in the cache", "metrics", True, False),
    (("-M", "--metrics-no-cache"), "a file of metrics that it writes, kept by Git", "metrics", False, False),
    (("--plots",), "a file of plots that it writes, kept in the cache", "plots", True, False),
    (("--plots-no-cache",), "a file of plots that it writes, kept by Git", "plots", False, False),
    (("-O", "--outs-no-cache"), "a file or folder that it writes, kept by Git", "outs", False, False),
    (("-o", "--outs"), "a file or folder that it writes, kept in the cache", "outs", True, False),
)
"""The flags of outputs, in the order in which they get their lines in .gitignore."""


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Declares the flags and the command."""
    parser.add_argument("-n", "--name", required=True)
    parser.add_argument("-f", "--force", action="store_true", help="replace a stage of that name")
    parser.add_argument("-d", "--deps", action="append", default=[], metavar="PATH", help="a file or folder it reads")
    text = "keys of params.yaml, or of another file, that it reads; with a file and no keys the whole file"
    parser.add_argument("-p", "--params", action="append", default=[], metavar="[FILE:]KEYS", help=text)
    for names, text, *_ in (*_OUTS[:5:-1], *_OUTS[2:6], *_OUTS[:2]):  # the usual ones first
        parser.add_argument(*names, action="append", default=[], metavar="PATH", help=text)
    parser.add_argument("-w", "--wdir", default="", metavar="FOLDER", help="where it runs; other paths start there")
    parser.add_argument("--always-changed", action="store_true", help="run it every time")
    parser.add_argument("--desc", default="", metavar="TEXT", help="a sentence about it")
    parser.add_argument("--run", action="store_true", help="run it now")
    parser.add_argument("words", nargs=argparse.REMAINDER, metavar="COMMAND", help="its command")


def new_stage(args: argparse.Namespace, command: list[str]) -> NewStage:
    """The stage that was described, with its command as words."""
    from assay.engine.stages.add import NewOut, NewStage

    params: dict[str, list[str]] = {}
    for word in args.params:
        file, _, keys = word.rpartition(":")
        params.setdefault(file or "params.yaml", []).extend(key for key in keys.split(",") if key)
    outs = []
    for names, _, kind, cache, persist in _OUTS:
        given = getattr(args, names[-1].removeprefix("--").replace("-", "_"))
        outs += [NewOut(path, kind, cache, persist) for path in given]
    return NewStage(
        args.name,
        command,
        args.deps,
        params,
        outs,
        wdir=args.wdir,
        always_changed=args.always_changed,
        desc=args.desc,
    )
