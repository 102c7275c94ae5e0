"""The flags of ``run`` and ``repro`` that choose stages and say how they are gone through; the letters are DVC's."""

from __future__ import annotations

import argparse
import posixpath
from typing import TYPE_CHECKING

from assay.cli.render.progress import spelled
from assay.cli.wiring import Context

if TYPE_CHECKING:
    from collections.abc import Sequence

    from assay.engine.pipeline.choice import Choice, Manner
    from assay.engine.pipeline.repro import Reproduced

_FLAGS = (
    (("-s", "--single-item"), "only the given stages, nothing they need"),
    (("-p", "--pipeline"), "everything that hangs together with the given stages"),
    (("-P", "--all-pipelines"), "every stage of the project"),
    (("-R", "--recursive"), "a folder means the stages of every dvc.yaml below it"),
    (("--downstream",), "the given stages and those that need them"),
    (("--glob",), "names of stages are patterns"),
    (("--force-downstream",), "run what needs a stage that ran, whatever came of it"),
    (("-k", "--keep-going"), "after a failure, go on with what does not need the stage that failed"),
    (("--ignore-errors",), "after a failure, go on with everything"),
    (("--allow-missing",), "data that is not there is no reason to run a stage"),
    (("-i", "--interactive"), "ask before each stage"),
    (("--dry",), "tell what would run"),
)


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Declares the targets and the flags that both verbs have."""
    text = "stages, dvc.yaml files, file:stage (the dvc.yaml of this folder), with what they need"
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=text)
    for names, text in _FLAGS:
        parser.add_argument(*names, action="store_true", help=text)


def choice_of(args: argparse.Namespace, context: Context) -> Choice:
    """The stages that were asked for."""
    from assay.engine.pipeline.choice import Choice

    folder = context.report.folder = context.current()
    return Choice(
        tuple(_target(word, folder, context) for word in args.targets),
        folder,
        single=args.single_item,
        pipeline=args.pipeline,
        all_pipelines=args.all_pipelines,
        recursive=args.recursive,
        downstream=args.downstream,
        glob=args.glob,
    )


def _target(word: str, folder: str, context: Context) -> str:
    """A target as it is spelled in the folder; only an absolute path needs to be looked at here."""
    if not word.startswith("/"):
        return word
    file, colon, name = word.partition(":")
    return posixpath.relpath(context.relative(file), folder or ".") + colon + name


def manner_of(args: argparse.Namespace, context: Context) -> Manner:
    """How they are to be gone through. Raises UsageError when there is nobody to ask."""
    from assay.cli.pulling import fetcher
    from assay.engine.errors import UsageError
    from assay.engine.pipeline.choice import Manner

    if args.interactive and not context.can_ask:
        raise UsageError("-i asks before each stage, and there is no terminal to ask at.", "Leave -i out.")
    return Manner(
        force=args.force,
        force_downstream=args.force_downstream,
        dry=args.dry,
        keep_going=args.keep_going,
        ignore_errors=args.ignore_errors,
        allow_missing=args.allow_missing,
        no_commit=getattr(args, "no_commit", False),
        no_run_cache=getattr(args, "no_run_cache", False),
        ask=context.ask if args.interactive else None,
        fetch=fetcher(context) if getattr(args, "pull", False) else None,
    )


def would_run(stages: Sequence[str], folder: str) -> str:
    """What a dry run found, for a person in a folder of the project."""
    names = [spelled(stage, folder) for stage in stages]
    return f"Would run: {', '.join(names)}." if stages else "Nothing would run: all stages are up to date."


def refuse_failures(done: Reproduced, folder: str, log: str = "") -> None:
    """Raises AssayError when stages failed and others went on."""
    if not done.failed:
        return
    from assay.engine.errors import AssayError

    names, left = (", ".join(spelled(one, folder) for one in stages) for stages in (done.failed, done.not_run))
    what = f"Stage {names} failed" if len(done.failed) == 1 else f"{len(done.failed)} stages failed: {names}"
    hint = f"The whole output is in {log}." if log else ""
    raise AssayError(f"{what}; not run, since they need what failed: {left}." if left else f"{what}.", hint)
