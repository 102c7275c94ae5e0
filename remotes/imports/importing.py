"""Imports: data brought from elsewhere, with a ``.dvc`` file that says where it came from.

Everything is brought and named before anything of the workspace changes; then law 1's order: content, one sync,
.gitignore and ``.dvc`` file, the data itself. `undo` gives back what was there.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from assay.engine import disk
from assay.engine.data.places import Place as DataPlace
from assay.engine.data.places import Places
from assay.engine.errors import BadInput, Refused, UsageError
from assay.engine.model import Artifact
from assay.engine.pipeline import importfile, spec
from assay.engine.pipeline.datafile import content_of
from assay.engine.pipeline.datafiles import write
from assay.engine.pipeline.gitignore import ignore
from assay.engine.pipeline.paths import is_url
from assay.engine.pipeline.present import elsewhere_now
from assay.engine.project import Project
from assay.engine.workspace import undo
from assay.engine.workspace.autostage import autostage
from assay.engine.workspace.hold import hold
from assay.engine.workspace.restore import Goal, carry_out, plan
from assay.remotes.foreign import Origin
from assay.remotes.imports.places import Place, opened, place_at, taken, told
from assay.remotes.registry import is_proxied, limited
from assay.remotes.sources import Sources
from assay.remotes.straight import send

Part = Literal["all", "said", "none"]
"""What an import does: it brings the data; it only notes what the source says of it; or not even that."""

Dep = Mapping[str, Any]
"""What a ``.dvc`` file says of where its data came from."""


def _nobody(dep: Dep, folder: str, out: str) -> None:
    """Tells nobody."""


class How(NamedTuple):
    """How data is imported.

    Attributes:
        part: What is done.
        force: Replace what is at the path, the ``.dvc`` file too.
        settings: What else it takes to reach a URL (``fs_config``).
        jobs: How many transfers at once; None for what the configuration says.
        tell: Called before data is brought: with the source, the folder of the ``.dvc`` file and the data's path.
    """

    part: Part = "all"
    force: bool = False
    settings: Mapping[str, Any] = MappingProxyType({})
    jobs: int | None = None
    tell: Callable[[Dep, str, str], None] = _nobody


class Imported(NamedTuple):
    """What was imported.

    Attributes:
        path: The project path of the data.
        artifact: What it is; None where it was not brought.
        written: Project paths of the files that changed; they belong into a commit.
        staged: Whether those were put into Git's index.
    """

    path: str
    artifact: Artifact | None
    written: tuple[str, ...]
    staged: bool


AS_USUAL = How()
"""Brought, to where nothing is yet."""


def import_url(project: Project, source: str, out: str, how: How = AS_USUAL, *, folder: str) -> Imported:
    """Imports a file or folder from a URL, or from a path.

    Args:
        project: The project.
        source: The URL, or path.
        out: The project path that the data gets.
        how: See `How`.
        folder: Absolute path of the folder that ``source`` was typed in.

    Raises:
        BadInput: Nothing is at the source.
        Refused: Something is at ``out``, or looks after it.
        UsageError: A path cannot be data, or a source none.
        ConfigError: There is no such remote or kind of URL.
        RemoteError: The source cannot be reached, or changed meanwhile.
    """
    with hold(project) as held:
        place = _free(project, out, how)
        held.using(write=[place.path])
        there, spelled = _meant(project, source, place, how, folder)
        dep = importfile.source_item({"hash": project.layout.hash_name}, spelled, how.settings)
        if how.part == "none":
            return _record(project, place, dep, None, how)
        how.tell(dep, folder_of(place.data_file), place.path)
        artifact, said = content_at(project, there, how.part)
        dep = importfile.source_item(said, spelled, how.settings)
        return _record(project, place, dep, artifact, how, push=not there.keeps_versions)


def import_to_remote(
    project: Project,
    source: str,
    out: str,
    how: How = AS_USUAL,
    *,
    folder: str,
    remote: str | None = None,
) -> Imported:
    """Imports a file or folder straight to a remote, past the cache and the workspace.

    Args:
        project: The project.
        source: As for `import_url`, which also says what is raised.
        out: The same.
        how: The same.
        folder: The same.
        remote: The remote's name; the default one when None.
    """
    with hold(project) as held:
        place = _free(project, out, how)
        held.using(write=[place.path])
        there, spelled = _meant(project, source, place, how, folder)
        artifact, said = sent_on(project, there, remote, how.jobs)
        return _record(project, place, importfile.source_item(said, spelled, how.settings), artifact, how, stays=True)


def import_path(project: Project, origin: Origin, out: str, how: How = AS_USUAL, *, folder: str) -> Imported:
    """Imports a file or folder from another Git repository: one of its own, or data that it tracks.

    Args:
        project: The project.
        origin: Where from; the commit is found out.
        out: As for `import_url`.
        how: The same.
        folder: The same.

    Raises:
        GitError: There is no such repository.
        UnknownRevision: It has no such revision, or nothing at that path.
        Refused: Something is at ``out``, or looks after it.
        UsageError: A path cannot be data.
        RemoteError: The repository, or its data, cannot be reached.
    """
    with hold(project) as held, Sources(project, how.jobs) as sources:
        place = _free(project, out, how)
        held.using(write=[place.path])
        beside = folder_of(place.data_file)
        typed_in = os.path.relpath(folder, project.root)
        if not is_url(origin.url) and not os.path.isabs(origin.url) and typed_in not in (".", beside or "."):
            origin = origin._replace(url=posixpath.normpath(posixpath.join(typed_in, origin.url)))
        if how.part == "none":
            return _record(project, place, repository_item(origin), None, how)
        how.tell(repository_item(origin), beside, place.path)
        there = sources.foreign(origin.url, beside)
        commit = there.commit(origin.revision)
        origin = origin._replace(locked=commit.hex())
        if how.part == "said":
            there.at(commit, origin.path)
            return _record(project, place, repository_item(origin), None, how)
        artifact = sources.take(there, commit, origin)
        return _record(project, place, repository_item(origin), artifact, how)


def repository_item(origin: Origin) -> dict[str, Any]:
    """The map of a source in another repository."""
    repo = {
        "url": origin.url, "rev": origin.revision, "rev_lock": origin.locked,
        "config": origin.config, "remote": origin.remote,
    }  # fmt: skip
    return {"path": origin.path, "repo": {key: value for key, value in repo.items() if value}}


def content_at(project: Project, there: Place, part: Part) -> tuple[Artifact | None, Mapping[str, Any]]:
    """What is at a place: the artifact, in the cache, where it is brought; and what the place says of it."""
    if there.is_here:
        if part == "said":
            return None, content_of(elsewhere_now(project, there.remote.url))
        with project.cache.writer() as writer:
            artifact = elsewhere_now(project, there.remote.url, writer)
        # The copy is an ordinary file, as DVC's is.
        return artifact._replace(is_exec=False), content_of(artifact)
    if part == "said":
        with opened(there) as (store, name):
            return None, told(there, store, name).told
    return taken(there, project.cache, project.layout.hash_name, project.report)


def sent_on(project: Project, there: Place, remote: str | None, jobs: int | None) -> tuple[Artifact, Mapping[str, Any]]:
    """Sends what is at a place to a remote; returns what it is, and what the place says of it."""
    _, before = content_at(project, there, "said")
    artifact = send(project, there.remote, remote, jobs)
    _, after = content_at(project, there, "said")
    if before != after:
        raise BadInput(there.spelled, "changed while it was read", hint="Run the same command again.")
    return artifact._replace(is_exec=False), after


def folder_of(data_file: str) -> str:
    """The folder of a ``.dvc`` file, as a project path."""
    return posixpath.dirname(data_file)


def _free(project: Project, out: str, how: How) -> DataPlace:
    """Where the data is to be tracked. Raises Refused where something is there already."""
    place = Places(project, spec.load(project)).anew(out)
    is_there = os.path.lexists(project.path(place.path))
    if is_there and not how.force:
        raise Refused(f"{out} exists already.", "-f replaces it; `assay undo` then gives it back.")
    with disk.Folder(project.root) as folder:
        above = folder_of(place.data_file)
        if above and folder.stat(above) is None:
            raise BadInput(above, "does not exist", hint="Make the folder first.")
    return place


def _meant(project: Project, source: str, place: DataPlace, how: How, folder: str) -> tuple[Place, str]:
    """The place of a source, and how the ``.dvc`` file is to spell it."""
    there = place_at(source, folder, project.config, how.settings, proxied=is_proxied(project.world.environment))
    there = there._replace(remote=limited(there.remote, how.jobs))
    if is_url(source):
        return there, source
    path, out = there.remote.url, project.path(place.path)
    if f"{out}/".startswith(f"{path}/") or f"{path}/".startswith(f"{out}/"):
        raise UsageError(f"{source} cannot be imported to where it is itself.", "Name another place.")
    beside = os.path.dirname(project.path(place.data_file))
    is_ours = path.startswith(f"{project.root}/") and os.path.lexists(path)
    if is_ours or not (os.path.isabs(source) or os.path.normpath(folder) == beside):
        return there, os.path.relpath(path, beside)
    return there, source


def _record(
    project: Project,
    place: DataPlace,
    dep: Mapping[str, Any],
    artifact: Artifact | None,
    how: How,
    *,
    push: bool = True,
    stays: bool = False,
) -> Imported:
    """Writes the ``.dvc`` file, then the data; with ``stays`` the workspace keeps what it has."""
    algo, folder = project.layout.hash_name, folder_of(place.data_file)
    is_summed = how.part != "none"
    spelled = posixpath.relpath(place.path, folder or ".")
    out = importfile.out_item(artifact, spelled, algo, push=push or not is_summed)
    if place.file is None:
        text = importfile.new_text(dep, out, folder, summed=is_summed)
    else:
        text = importfile.replaced_text(place.file, dep, out, summed=is_summed)
    goal = {} if stays or how.part == "none" else {place.path: artifact}
    change = plan(project, Goal({}, goal))
    beside = posixpath.join(folder, ".gitignore")
    disk.sync_tree(project.cache_folder)
    paths = [project.prefix + path for path in (place.data_file, beside)]
    undo.remember(project, f"import of {place.path}", paths=paths, outs=change.before)
    ignores = ignore(project.root, project.kept_from_git([place.path]))
    write(project, {place.data_file: text})
    carry_out(project, change)
    written = (place.data_file, *ignores)
    told = (*written, beside) if os.path.lexists(project.path(beside)) else written
    staged = autostage(project, dict.fromkeys(told))
    return Imported(place.path, artifact, written, staged)
