"""Pushes a new experiment at once, where ``exp.auto_push`` or DVC's variable for it asks for that."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from assay.cli.wiring import Context

if TYPE_CHECKING:
    from assay.engine.model import ExpRef


def push_if_asked(context: Context, ref: ExpRef) -> None:
    """Pushes an experiment, its data and the run cache; a failure is a warning, as the experiment is made."""
    project, environment = context.project(), context.environment
    said = environment.get("DVC_EXP_AUTO_PUSH")
    is_asked = bool(re.search("1|y|true", said, re.IGNORECASE)) if said else project.config.flag("exp", "auto_push")
    if not is_asked:
        return
    from assay.engine.errors import AssayError
    from assay.engine.events import Warned
    from assay.remotes.git.experiments import push
    from assay.remotes.how import How

    remote = environment.get("DVC_EXP_GIT_REMOTE") or project.config.get("exp", "git_remote") or "origin"
    context.report.clear()
    context.say(f"Pushing experiment to '{remote}'. Cancel with CTRL+C.")
    context.out.flush()
    try:
        failed = push(project, remote, [ref.refname], how=How(run_cache=True), typed_in=context.here).failed
    except AssayError as error:
        failed = {ref.refname: error.message}
    context.report.clear()
    for why in failed.values():
        context.report(Warned(f"{ref.name} was not pushed to '{remote}': {why}"))
