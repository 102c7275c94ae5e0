"""A command given on the line, kept as the stage ``run`` of the project's dvc.yaml.

The text of dvc.yaml is changed only where that stage stands, or where it is added: at the end of ``stages``, in the
indentation found there. What was written is read again and compared before anybody uses it. A stage ``run`` that
somebody else wrote is not touched; ours says so in its ``meta``, which DVC leaves alone.

A stage that names no dependency beside its parameters runs every time, since nothing could tell that its code
changed. Not edited: a dvc.yaml whose ``stages`` are written in braces, or that holds several documents.
"""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from assay.engine.errors import BadInput, Refused, UsageError
from assay.engine.model import AdHoc
from assay.engine.params import documents
from assay.engine.params.keys import same
from assay.engine.pipeline import lockyaml
from assay.engine.pipeline.spec import Pipeline, load

if TYPE_CHECKING:
    import yaml

    from assay.engine.project import Project

STAGE = "run"
FILE = "dvc.yaml"
_MARK = {"made-by": "assay run"}


def with_command(project: Project, text: str, command: AdHoc) -> tuple[str, Pipeline]:
    """The dvc.yaml that holds a command as its stage ``run``, and the pipeline with it.

    Args:
        project: Whose dvc.yaml it is.
        text: What it says now; empty when there is none.
        command: The words of the command, and what it reads and writes, as project paths.

    Raises:
        UsageError: There is no command, or a path is not one of the project.
        Refused: There is a stage ``run`` that somebody else wrote, or the file cannot be edited line by line.
        BadInput: The file is not a pipeline.
    """
    edited = edit(text, stage_data(command))
    try:
        pipeline = load(project, {FILE: edited.encode()})
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
        BadInput: It is not YAML.
    """
    before = documents.parse(FILE, text)
    if not isinstance(before, dict) or not isinstance(before.get("stages") or {}, dict):
        raise BadInput(FILE, "is not a pipeline: its stages should be a map")
    stages = before.get("stages") or {}
    earlier = stages.get(STAGE)
    if earlier is not None and (not isinstance(earlier, dict) or earlier.get("meta") != _MARK):
        raise Refused(
            f"{FILE} has a stage {STAGE!r} of its own.", f"Run it with `assay run {STAGE}`, or give it another name."
        )
    edited = _edited(text, before, dict(data))
    wanted = {**before, "stages": {**stages, STAGE: dict(data)}}
    if not same(documents.parse(FILE, edited), wanted):
        raise _refused()
    return edited


def _edited(text: str, before: Mapping[str, Any], data: dict[str, Any]) -> str:
    if not before.get("stages"):
        if "stages" in before:
            raise _refused()
        return _joined(text, lockyaml.emit({"stages": {STAGE: data}}))
    lines = _lines(text)
    block = _Block.of(text)
    if block is None:
        raise _refused()
    new = _indented(lockyaml.emit({STAGE: data}), block.indent)
    if block.own is not None:
        start, end = block.own
        return "".join([*lines[:start], new, *lines[end:]])
    return _joined("".join(lines[: block.end]), new) + "".join(lines[block.end :])


def _refused() -> Refused:
    return Refused(f"{FILE} is not written in a way that a stage can be added to.", "Add it by hand, then run it.")


def _joined(text: str, more: str) -> str:
    return (text if not text or text.endswith("\n") else text + "\n") + more


def _indented(text: str, indent: int) -> str:
    return re.sub(r"(?m)^(?=.)", " " * indent, text)


class _Block:
    """Where the stages stand in the text, in lines counted from 0.

    Attributes:
        indent: How far their names are indented.
        end: The line after the last stage.
        own: The first line of the stage ``run`` and the line after it; None when there is none.
    """

    def __init__(self, indent: int, end: int, own: tuple[int, int] | None) -> None:
        self.indent = indent
        self.end = end
        self.own = own

    @staticmethod
    def of(text: str) -> _Block | None:
        """The block of ``stages``; None when it is not a block of lines."""
        from assay.engine.params import yaml12

        stages = _child(yaml12.compose(text, FILE), "stages")
        if stages is None or stages.flow_style or not stages.value:
            return None
        own = next(((key.start_mark.line, _after(value)) for key, value in stages.value if key.value == STAGE), None)
        return _Block(stages.value[0][0].start_mark.column, _after(stages.value[-1][1]), own)


def _lines(text: str) -> list[str]:
    """The lines with their ends; only what YAML counts as a line break ends one."""
    return re.findall(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+", text)


def _child(node: yaml.Node | None, key: str) -> Any:
    pairs = getattr(node, "value", None)
    return next((value for name, value in pairs if name.value == key), None) if isinstance(pairs, list) else None


def _after(node: Any) -> int:
    """The line after a value's last one; comments and blank lines below it are not its own."""
    while isinstance(node.value, list) and node.value and not node.flow_style:
        last = node.value[-1]
        node = last[1] if isinstance(last, tuple) else last
    mark = node.end_mark
    is_block_text = getattr(node, "style", None) in ("|", ">")
    return int(mark.line) + (0 if is_block_text and mark.column == 0 else 1)
