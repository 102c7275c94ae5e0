"""Takes stages out of their dvc.yaml, with their lock entries and the lines of their outputs in .gitignore.

The outputs stay, as files of the user's own, unless they are to go too. An undo record comes first, so `undo` brings
all of it back. A dvc.yaml that holds nothing else goes away; one with anything else in it, comments included, stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import NamedTuple

from assay.engine import disk
from assay.engine.errors import Refused, UnsafePath, UsageError
from assay.engine.params import documents
from assay.engine.pipeline import gitignore, lock, outputs, stagefile
from assay.engine.pipeline.discover import NAME
from assay.engine.pipeline.spec import Pipeline, load
from assay.engine.pipeline.stage import Out, Stage, lock_path
from assay.engine.pipeline.targets import Names
from assay.engine.project import Project
from assay.engine.words import first_of
from assay.engine.workspace import undo
from assay.engine.workspace.autostage import autostage
from assay.engine.workspace.files import files_below
from assay.engine.workspace.hold import hold
from assay.engine.workspace.restore import Change, Goal, carry_out, plan


class Removed(NamedTuple):
    """What `remove` did.

    Attributes:
        stages: The stages that went, as addresses; a group of generated stages by its own name.
        outs: The project paths of the outputs that went with them.
        written: The project paths of the files that were changed; they belong into a commit.
        staged: Whether they were put into Git's index.
    """

    stages: tuple[str, ...]
    outs: tuple[str, ...]
    written: tuple[str, ...]
    staged: bool


def remove(project: Project, targets: Sequence[str], *, folder: str = "", outs: bool = False) -> Removed:
    """Removes stages.

    Args:
        project: The project.
        targets: The stages, as they are spelled in ``folder``; the name of a group means all that is made from it.
        folder: A project path; "" is the project itself.
        outs: Remove what they write too.

    Raises:
        UsageError: A target is no stage.
        Refused: A stage is one of many that are made from one definition, or its file cannot be edited in place.
        BadInput: A pipeline file is wrong.
    """
    with hold(project):
        pipeline = load(project)
        stages = _chosen(pipeline, targets, folder)
        contents = _without(project, stages)
        paths = [out.path for stage in stages for out in stage.outs if out.cache]
        contents |= gitignore.without_lines(project.root, paths)
        linked = [] if outs else _reachable(project, paths)
        gone = _outputs_gone(project, [out for stage in stages for out in stage.outs] if outs else [])
        affected = [*(project.prefix + path for path in contents), *gone.wanted.files]
        undo.remember(project, _told(targets, outs), paths=affected, outs=gone.before)
        disk.rewrite(project.root, contents)
        if outs:
            carry_out(project, gone)
        else:
            _detach(project, linked)
        went = tuple(path for path, before in gone.before.items() if before is not None)
        files = tuple(path.removeprefix(project.prefix) for path in gone.wanted.files)
        return Removed(_addresses(stages), went + files, tuple(contents), autostage(project, contents))


def _chosen(pipeline: Pipeline, targets: Sequence[str], folder: str) -> list[Stage]:
    """The stages that are meant; of generated ones all or none."""
    names = Names(pipeline.stages, pipeline.data)
    nodes = dict.fromkeys(node for target in targets for node in names.matching(target, folder))
    for node in nodes:
        if node not in pipeline.stages:
            raise UsageError(f"{node} tracks data and is no stage.", f"`assay data remove {node}` lets go of it.")
        stage = pipeline.stages[node]
        others = [one for one in pipeline.stages.values() if (one.file, one.group) == (stage.file, stage.group)]
        if stage.group and not all(one.address in nodes for one in others):
            raise Refused(
                f"{node!r} is made from {stage.group!r}, as others are, and cannot be taken out alone.",
                f"Remove {stage.group!r} as a whole, or edit {stage.file} by hand.",
            )
    return [pipeline.stages[node] for node in nodes]


def _without(project: Project, stages: Iterable[Stage]) -> dict[str, bytes | None]:
    """What the pipeline files and lock files of these stages are to hold; None where nothing is left."""
    names: dict[str, dict[str, None]] = {}
    entries: dict[str, set[str]] = {}
    for stage in stages:
        names.setdefault(stage.file, {})[stage.group or stage.name] = None
        entries.setdefault(lock_path(stage.file), set()).add(stage.name)
    found: dict[str, bytes | None] = {}
    for path in names:
        text = documents.decoded(path, project.read(path) or b"")
        for name in names[path]:
            text = stagefile.without_stage(path, text, name)
        found[path] = text.encode() or None
    for path, gone in entries.items():
        data = project.read(path)
        before = lock.parse(documents.decoded(path, data), path) if data is not None else lock.LockFile()
        if gone & before.stages.keys():
            after = before.without(gone)
            found[path] = lock.dump(after).encode() if after.data else None
    return found


def _outputs_gone(project: Project, outs: Iterable[Out]) -> Change:
    """What it takes to have these outputs gone: those that the cache keeps, and the files of the others."""
    cached: dict[str, None] = {}
    files: dict[str, None] = {}
    for out in outs:
        if out.cache:
            cached[out.path] = None
        else:
            files.update(dict.fromkeys(files_below(project, project.prefix + out.path)))
    return plan(project, Goal(files, cached))


def _reachable(project: Project, paths: Iterable[str]) -> list[str]:
    """Those of these paths where there is something, and not below a symlink, where it is not ours."""
    found = []
    with disk.Folder(project.root) as folder:
        for path in paths:
            with suppress(UnsafePath):
                if folder.stat(path) is not None:
                    found.append(path)
    return found


def _detach(project: Project, paths: Iterable[str]) -> None:
    """Makes outputs that are links into the cache files of the user's own, as nothing looks after them any more."""
    with disk.Folder(project.root) as folder:
        for path in paths:
            outputs.detach(folder, path)


def _addresses(stages: Iterable[Stage]) -> tuple[str, ...]:
    named = ((stage.file, stage.group or stage.name) for stage in stages)
    return tuple(dict.fromkeys(name if file == NAME else f"{file}:{name}" for file, name in named))


def _told(targets: Sequence[str], outs: bool) -> str:
    return f"stage remove {first_of(targets, separator=' ')}" + (" --outs" if outs else "")
