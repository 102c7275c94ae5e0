"""Pushes a new experiment at once, where ``exp.auto_push`` or DVC's variable for it asks for that.

The experiment is made by then, so whatever goes wrong is a warning.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from assay.cli.wiring import Context

if TYPE_CHECKING:
    from assay.engine.model import ExpRef
    from assay.engine.queue.jobs import Job


def push_if_asked(context: Context, ref: ExpRef) -> list[str]:
    """Pushes an experiment, its data and the run cache: to the Git remote that is named, else as `assay push` does.

    Returns:
        What was said of it, in lines.
    """
    if not _is_asked(context):
        return []

    def push() -> Mapping[str, str]:
        from assay.engine.experiments.chosen import Which
        from assay.remotes.how import How
        from assay.remotes.push import push_chosen

        name = _git_remote(context)
        if name:
            return _push_to(context, name, ref)
        return push_chosen(context.project(), Which([ref.refname]), How(run_cache=True)).report.failed

    problems = _failed(context, ref, push, "")
    if problems:
        return [f"warning: {problem}" for problem in problems]
    context.say(f"Pushed {ref.name}.")
    return [f"Pushed {ref.name}."]


def push_from_queue(context: Context, job: Job) -> None:
    """The same for an experiment that came of a job; what is said of it stands in the job's log as well."""
    from assay.engine import disk
    from assay.engine.experiments import logs
    from assay.engine.model import ExpRef

    said = push_if_asked(context, ExpRef(job.baseline, job.name))
    path = logs.path_of_job(context.project(), job.log, job.made)
    if said and path is not None:
        with suppress(OSError):
            disk.append(path, "".join(f"{line}\n" for line in said).encode("utf-8", "surrogateescape"))


def push_as_dvc(context: Context, ref: ExpRef) -> None:
    """The same to a Git remote, "origin" where none is named, in DVC's words."""
    if not _is_asked(context):
        return
    name = _git_remote(context) or "origin"
    context.report.clear()
    context.say(f"Pushing experiment to '{name}'. Cancel with CTRL+C.")
    context.out.flush()
    _failed(context, ref, lambda: _push_to(context, name, ref), f" to '{name}'")


def _is_asked(context: Context) -> bool:
    if said := context.environment.get("DVC_EXP_AUTO_PUSH"):
        return bool(re.search("1|y|true", said, re.IGNORECASE))
    return context.project().config.flag("exp", "auto_push")


def _git_remote(context: Context) -> str:
    return context.environment.get("DVC_EXP_GIT_REMOTE") or context.project().config.get("exp", "git_remote")


def _push_to(context: Context, name: str, ref: ExpRef) -> Mapping[str, str]:
    from assay.remotes.git.experiments import push
    from assay.remotes.how import How

    return push(context.project(), name, [ref.refname], how=How(run_cache=True), typed_in=context.here).failed


def _failed(context: Context, ref: ExpRef, push: Callable[[], Mapping[str, str]], where: str) -> list[str]:
    """Pushes; warns of what was left, and returns the sentences about it."""
    from assay.engine.errors import AssayError
    from assay.engine.events import Warned

    try:
        failed = push()
    except AssayError as error:
        failed = {ref.refname: error.message}
    except OSError as error:
        failed = {ref.refname: str(error)}
    context.report.clear()
    problems = [f"{ref.name} was not pushed{where}: {why}" for why in failed.values()]
    for problem in problems:
        context.report(Warned(problem))
    return problems
