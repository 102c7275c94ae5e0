"""Freezes stages and ``.dvc`` files, and unfreezes them: a line ``frozen: true`` in the file that holds them.

A stage with templates can be frozen, since the line is none of them. One of many that ``foreach`` or ``matrix`` make
cannot, since there is no place to say it of this one alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from assay.engine import disk
from assay.engine.errors import Refused
from assay.engine.params import documents
from assay.engine.pipeline import stagefile
from assay.engine.pipeline.spec import Pipeline, load
from assay.engine.pipeline.stage import Stage
from assay.engine.pipeline.targets import Names
from assay.engine.project import Project
from assay.engine.workspace.autostage import autostage
from assay.engine.workspace.hold import hold


class Frozen(NamedTuple):
    """What `freeze` did.

    Attributes:
        changed: The stages, as addresses, and the ``.dvc`` files that were not so before.
        written: The project paths of the files that were changed; they belong into a commit.
        staged: Whether they were put into Git's index.
    """

    changed: tuple[str, ...]
    written: tuple[str, ...]
    staged: bool


def freeze(project: Project, targets: Sequence[str], *, folder: str = "", frozen: bool = True) -> Frozen:
    """Freezes stages and data, or unfreezes them: all that are named, or none.

    Args:
        project: The project.
        targets: Stages and ``.dvc`` files, as they are spelled in ``folder``.
        folder: A project path; "" is the project itself.
        frozen: What they are to be.

    Raises:
        UsageError: A target means nothing.
        Refused: A stage is one of many that are made from one definition, or its file cannot be edited in place.
        BadInput: A pipeline file is wrong.
    """
    with hold(project):
        pipeline = load(project)
        names = Names(pipeline.stages, pipeline.data)
        nodes = dict.fromkeys(node for target in targets for node in names.matching(target, folder))
        changed = [node for node in nodes if (pipeline.stages.get(node) or pipeline.data[node]).frozen != frozen]
        texts: dict[str, str] = {}
        done: set[str] = set()
        for node in changed:
            members = _made_with(pipeline, node)
            if members and not members <= nodes.keys():
                raise _alone(pipeline.stages[node])
            if node in done:
                continue
            done |= members
            path = names.file(node)
            text = texts.get(path) or documents.decoded(path, project.read(path) or b"")
            texts[path] = _edited(pipeline, node, text, frozen=frozen)
        contents = {path: text.encode() for path, text in texts.items()}
        disk.rewrite(project.root, contents)
        return Frozen(tuple(changed), tuple(contents), autostage(project, contents))


def _edited(pipeline: Pipeline, node: str, text: str, *, frozen: bool) -> str:
    stage = pipeline.stages.get(node)
    if stage is None:
        return stagefile.data_file_with_frozen(node, text, frozen=frozen)
    return stagefile.with_frozen(stage.file, text, stage.group or stage.name, frozen=frozen)


def _made_with(pipeline: Pipeline, node: str) -> set[str]:
    """The stages that are made from the same definition as a generated one, itself included; none for any other."""
    stage = pipeline.stages.get(node)
    if stage is None or not stage.group:
        return set()
    return {one.address for one in pipeline.stages.values() if (one.file, one.group) == (stage.file, stage.group)}


def _alone(stage: Stage) -> Refused:
    return Refused(
        f"{stage.address!r} is made from {stage.group!r}, as others are, and cannot be frozen or unfrozen alone.",
        f"Name {stage.group!r}: that is all of them.",
    )
