"""What a project tracks outside Git, from its records alone: the data itself need not be here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from assay.engine.data.items import items_of, placed
from assay.engine.errors import BadInput, UnknownTarget
from assay.engine.git.revisions import resolve
from assay.engine.model import Artifact, Digest
from assay.engine.pipeline.source import nearest
from assay.engine.pipeline.spec import load
from assay.engine.pipeline.tracked import tracked_at
from assay.engine.project import Project
from assay.engine.store.manifest import files_in


class Line(NamedTuple):
    """One path.

    Attributes:
        path: Relative to the project.
        is_dir: Whether it is a folder.
        is_exec: Whether it may be executed.
        size: In bytes; of a folder all of it, None where that is not known.
        nfiles: How many files a folder holds; None for a file, and where that is not known.
        digest: What it is; None for a folder inside tracked data, and where nothing is recorded.
    """

    path: str
    is_dir: bool
    is_exec: bool
    size: int | None
    nfiles: int | None
    digest: Digest | None


def ls(
    project: Project, path: str = ".", *, folder: str = "", recursive: bool = False, revision: str | None = None
) -> list[Line]:
    """The tracked paths in a folder, or below it, in order.

    Args:
        project: The project.
        path: A tracked path, a path in one, or any folder that holds some; as typed.
        folder: The project path that it is relative to.
        recursive: All files below, instead of what lies directly there.
        revision: As a commit or experiment records it, instead of the workspace's files.

    Raises:
        UsageError: Nothing is tracked there.
        MissingArtifact: The cache lacks the listing of a folder that has to be looked into.
    """
    at = placed(path, folder)
    outs = _outs(project, revision)
    top = "" if at == "." else at
    inside = {out: artifact for out, artifact in outs.items() if not top or f"{out}/".startswith(f"{top}/")}
    above = next((out for out in outs if top.startswith(f"{out}/")), None)
    if above is not None:
        inside = {above: outs[above]}
    if not inside and top:
        raise UnknownTarget(f"Nothing that is tracked lies at {at}.", nearest(at, outs))
    lines = [line for out, artifact in inside.items() for line in _lines(project, out, artifact, top, recursive)]
    if above is not None:
        lines = [line for line in lines if line.path == top or line.path.startswith(f"{top}/")]
        if not lines:
            raise UnknownTarget(f"{above} holds no {at}.", "`assay data ls -R` shows what is tracked.")
    return _grouped(sorted(lines), top, recursive=recursive)


def _outs(project: Project, revision: str | None) -> Mapping[str, Artifact | None]:
    if revision is None:
        return {path: item.artifact for path, item in items_of(project, load(project)).items() if item.cache}
    found = tracked_at(project, resolve(project.repo, revision))
    for path, sentence in found.errors.items():
        raise BadInput(path, sentence.rstrip("."))
    return found.outs


def _lines(project: Project, out: str, artifact: Artifact | None, top: str, recursive: bool) -> list[Line]:
    """A tracked path as one line, or as the files in it where those are asked for."""
    if artifact is None:
        return [Line(out, False, False, None, None, None)]
    digest = artifact.digest
    looked_into = recursive or top == out or top.startswith(f"{out}/")
    if not digest.is_dir or not looked_into:
        return [Line(out, digest.is_dir, artifact.is_exec, artifact.size, artifact.nfiles, digest)]
    found = files_in(project.cache, digest)
    return [Line(f"{out}/{name}", False, entry.is_exec, entry.size, None, entry.digest) for name, entry in found]


def _grouped(lines: list[Line], top: str, *, recursive: bool) -> list[Line]:
    """What lies directly in the folder: everything deeper is one line for each folder there."""
    if recursive:
        return lines
    start = len(top) + 1 if top else 0
    found: dict[str, Line] = {}
    for line in lines:
        name, slash, _ = line.path[start:].partition("/")
        if not slash:
            found[line.path] = line
            continue
        path = line.path[:start] + name
        known = found.get(path, Line(path, True, False, 0, 0, None))
        size = None if known.size is None or line.size is None else known.size + line.size
        count = None if known.nfiles is None else known.nfiles + (line.nfiles if line.nfiles is not None else 1)
        found[path] = known._replace(size=size, nfiles=count)
    return list(found.values())
