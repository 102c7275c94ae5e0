"""Records what lies in the workspace now, without running anything: lock entries of stages, ``.dvc`` files of data.

A lock entry says that a command made these outputs of these inputs. Where the command, what it reads, or a parameter is
not what was recorded, committing claims a run that never was, so that asks for ``force``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from assay.engine.data.items import selected
from assay.engine.errors import BadInput, Refused
from assay.engine.pipeline.changes import input_reasons
from assay.engine.pipeline.choice import Choice
from assay.engine.pipeline.datafiles import commit_data
from assay.engine.pipeline.locks import Locks
from assay.engine.pipeline.observe import Observer
from assay.engine.pipeline.repro import commit_outs
from assay.engine.pipeline.spec import Pipeline, load
from assay.engine.project import Project
from assay.engine.workspace.autostage import autostage
from assay.engine.workspace.hold import hold


class How(NamedTuple):
    """What is committed, and how.

    Attributes:
        folder: The project path that targets are relative to.
        force: Record also stages whose command or inputs changed.
        ask: Asked about such a stage instead, with a question; None asks nobody.
        recursive: A target that is a folder means everything tracked below it.
        with_deps: What the targets' stages need is meant too.
    """

    folder: str = ""
    force: bool = False
    ask: Callable[[str], bool] | None = None
    recursive: bool = False
    with_deps: bool = False


class Recorded(NamedTuple):
    """What `commit` did.

    Attributes:
        written: Project paths of the lock, ``.dvc`` and .gitignore files that were changed.
        left: What is not all there, so that its record stayed: addresses of stages, paths of data.
        staged: Whether the files were put into Git's index.
    """

    written: tuple[str, ...]
    left: tuple[str, ...]
    staged: bool


AS_USUAL = How()
"""Everything, and nothing that claims a run that never was."""


def commit(project: Project, targets: Sequence[str] = (), how: How = AS_USUAL) -> Recorded:
    """Records the present state of data and of stages, their content in the cache.

    Args:
        project: The project.
        targets: Data, ``.dvc`` files, stages; a path in tracked data means all of that; none means everything.
        how: See `How`.

    Raises:
        UsageError: A target means nothing.
        Refused: A stage's command or inputs changed since it ran; nothing was recorded.
        BadInput: A target's data is not there.
    """
    with hold(project) as held:
        pipeline = load(project)
        chosen = selected(
            project, pipeline, targets, folder=how.folder, recursive=how.recursive, with_deps=how.with_deps
        )
        held.using(write=[found.item.path for found in chosen])
        owners = list(dict.fromkeys(found.item.owner for found in chosen))
        stages = tuple(owner for owner in owners if owner in pipeline.stages)
        if not targets:
            owners += [path for path, file in pipeline.data.items() if file.outside and path not in owners]
        files = [pipeline.data[owner] for owner in owners if owner in pipeline.data]
        observer = Observer(project)
        gone = [out.path for file in files for out in file.recordable if not observer.exists(out.path)]
        if gone and targets and not how.recursive:
            raise BadInput(gone[0], "is not there, so it cannot be recorded", hint="`assay checkout` brings it back.")
        claimed = _check_claims(project, pipeline, stages, observer, how)
        written: tuple[str, ...] = commit_data(project, files, observer)
        left = tuple(gone)
        if stages:
            done = commit_outs(project, pipeline, Choice(targets=stages), lambda stage, *_: stage.address in claimed)
            written += (*done.locks_written, *done.ignores_written)
            left += done.left
        return Recorded(written, left, autostage(project, written))


def _check_claims(
    project: Project, pipeline: Pipeline, stages: Sequence[str], observer: Observer, how: How
) -> frozenset[str]:
    """Refuses, or asks, where a lock entry would tie outputs to inputs that they were not made of.

    Returns:
        The stages of which it is said that their outputs were made of their inputs.
    """
    if how.force:
        return frozenset(stages)
    locks, claimed = Locks(project), set()
    for address in stages:
        stage = pipeline.stages[address]
        entry = locks.entry(stage)
        if entry is None or stage.frozen:
            continue
        reasons = [reason.text for reason in input_reasons(stage, entry, observer.inputs(stage, entry))]
        if not reasons:
            continue
        why = f"Stage {address} is not what it was when it ran ({', '.join(reasons)})"
        if how.ask is None or not how.ask(f"{why}. Record its outputs all the same?"):
            raise Refused(
                f"{why}, so recording its outputs would claim a run that never was.",
                "`assay repro` runs it; -f records it as it is.",
            )
        claimed.add(address)
    return frozenset(claimed)
