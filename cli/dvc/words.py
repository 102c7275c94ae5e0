"""What several verbs say: paths as they are spelled in the current folder, and what Git should be told."""

from __future__ import annotations

import os
import posixpath
import shlex
from collections.abc import Iterable, Mapping

from assay.cli.wiring import Context
from assay.engine.errors import AssayError


def spelled(path: str, context: Context) -> str:
    """A project path, or one outside the project, as DVC spells it in the current folder."""
    if path == ".." or path.startswith(("../", "/")):
        return posixpath.normpath(posixpath.join(context.project().root, path))
    folder = context.current()
    return posixpath.relpath(path, folder) if folder else path


def tell_states(states: Mapping[str, str], context: Context) -> None:
    """Says what became of tracked paths in the workspace: "M" changed, "A" made, "D" gone; folders with a slash."""
    for state in "MAD":
        for path in (path for path, found in states.items() if found == state):
            ending = "/" if os.path.isdir(context.project().path(path)) else ""
            context.say(f"{state:<8}{spelled(path, context)}{ending}")


def tell_git(written: Iterable[str], context: Context, *, staged: bool = False) -> None:
    """Says which files Git should be told of, unless it has been, or there is none."""
    project = context.project()
    if staged or context.quiet or not project.has_git:
        return
    # A .gitignore that went was never more than what DVC and assay put there, so Git may not know it.
    known = (path for path in written if os.path.exists(project.path(path)) or not path.endswith(".gitignore"))
    names = sorted(os.path.relpath(path, context.current() or ".") for path in known)
    if not names:
        return
    command = " ".join(["git", "add", *map(shlex.quote, names)])
    context.say(f"\nTo track the changes with git, run:\n\n\t{command}")
    context.say("\nTo enable auto staging, run:\n\n\tdvc config core.autostage true")


def say_conflict(error: AssayError, name: str) -> None:
    """Lets an error about the name of an experiment that is in use begin with DVC's words."""
    error.message = f"Experiment conflicts with existing experiment '{name}'. {error.message}"
