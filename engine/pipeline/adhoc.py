"""A command given on the line, kept as the stage ``run`` of the project's dvc.yaml.

The text of dvc.yaml is changed only where that stage stands, or where it is added. A stage ``run`` that somebody else
wrote is not touched; ours says so in its ``meta``, which DVC leaves alone. A stage that names no dependency beside its
parameters runs every time, since nothing could tell that its code changed.
"""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from assay.engine.errors import BadInput, Refused, UsageError
from assay.engine.model import AdHoc
from assay.engine.pipeline.observe import refuse_unfit
from assay.engine.pipeline.spec import Pipeline, load
from assay.engine.pipeline.stagefile import stages_of, with_stage

if TYPE_CHECKING:
    from assay.engine.project import Project

STAGE = "run"
FILE = "dvc.yaml"
_MARK = {"made-by": "assay run"}


def with_command(
    project: Project, text: str, command: AdHoc, changed: Mapping[str, bytes] = MappingProxyType({})
) -> tuple[str, Pipeline]:
    """The dvc.yaml that holds a command as its stage ``run``, and the pipeline with it.

    Args:
        project: Whose dvc.yaml it is.
        text: What it says now; empty when there is none.
        command: The words of the command, and what it reads and writes, as project paths.
        changed: Other files that will have this content when it runs.

    Raises:
        UsageError: There is no command, or a path is not one of the project.
        Refused: There is a stage ``run`` that somebody else wrote, or the file cannot be edited line by line.
        BadInput: The file is not a pipeline.
    """
    edited = edit(text, stage_data(command))
    try:
        pipeline = load(project, {**changed, FILE: edited.encode()})
        refuse_unfit(pipeline.stages[STAGE])
    except BadInput as error:
        if error.key.startswith(f"stages.{STAGE}."):
            raise UsageError(f"The command cannot be kept as a stage: {error.message}", error.hint) from error
        raise
    return edited, pipeline


def stage_data(command: AdHoc) -> dict[str, Any]:
    """The stage as dvc.yaml holds it. Raises UsageError when there is no command."""
    if not command.command:
        raise UsageError("There is no command to run.", "Put it after --, as in `assay run -- python train.py`.")
    data: dict[str, Any] = {"cmd": shell_text(command.command)}
    if command.wdir:
        data["wdir"] = _clean(command.wdir)
    if command.deps:
        data["deps"] = [_clean(path, command.wdir) for path in command.deps]
    if command.params:
        data["params"] = [{_clean(path, command.wdir): None} for path in command.params]
    if command.outs:
        data["outs"] = [_clean(path, command.wdir) for path in command.outs]
    if command.metrics:
        data["metrics"] = [{_clean(path, command.wdir): {"cache": False}} for path in command.metrics]
    if not command.deps:
        data["always_changed"] = True
    data["meta"] = dict(_MARK)
    return data


def shell_text(words: Sequence[str]) -> str:
    """Words as a shell reads them back; one word with blanks in it is a whole line for the shell."""
    text = words[0] if len(words) == 1 and len(words[0].split()) > 1 else shlex.join(words)
    return text.replace("${", r"\${")


def _clean(path: str, folder: str = "") -> str:
    """A project path as the stage names it: from the folder that its command runs in."""
    spelled = posixpath.relpath(path, folder) if folder else posixpath.normpath(path)
    return spelled.replace("${", r"\${")


def edit(text: str, data: Mapping[str, Any]) -> str:
    """The text of a dvc.yaml with this stage as its ``run``; every other byte as it was.

    Raises:
        Refused: Its ``run`` is somebody else's, or it cannot be edited line by line.
        BadInput: It is not a pipeline.
    """
    earlier = stages_of(FILE, text).get(STAGE)
    if earlier is not None and (not isinstance(earlier, dict) or earlier.get("meta") != _MARK):
        raise Refused(
            f"{FILE} has a stage {STAGE!r} of its own.", f"Run it with `assay run {STAGE}`, or give it another name."
        )
    return with_stage(FILE, text, STAGE, data)
