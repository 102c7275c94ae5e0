"""Tracks files and folders that no stage writes: content into the cache, its digest into a ``.dvc`` file.

Everything is checked before anything is written; then law 1's order: content, one sync, .gitignore, ``.dvc`` files.
A path inside tracked data joins it, and only that path: other changes in that folder stay unrecorded.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from glob import glob as expand
from typing import NamedTuple

from assay.engine import disk
from assay.engine.data.places import Place, Places
from assay.engine.errors import BadInput, Refused, UsageError
from assay.engine.model import Artifact, Digest, Entry, HashName
from assay.engine.pipeline import datafile, outputs, spec
from assay.engine.pipeline.datafile import DataFile, DataOut
from assay.engine.pipeline.datafiles import write
from assay.engine.pipeline.discover import DATA_ENDING
from assay.engine.pipeline.gitignore import ignore
from assay.engine.pipeline.present import artifact_now, can_run, elsewhere_now, files_now, without_ignore_files
from assay.engine.project import Project
from assay.engine.store.digest import digest_bytes
from assay.engine.store.manifest import files_in, write_manifest
from assay.engine.workspace import undo
from assay.engine.workspace.autostage import autostage
from assay.engine.workspace.files import within
from assay.engine.workspace.hold import hold
from assay.engine.workspace.restore import Goal, carry_out, plan


class Added(NamedTuple):
    """What `add` did.

    Attributes:
        artifacts: What the paths are now, by project path; of a path inside tracked data the whole folder's.
        data_files: The ``.dvc`` file of each, in the same order.
        written: Project paths of the ``.dvc`` and .gitignore files that were changed; they belong into a commit.
        staged: Whether they were put into Git's index.
    """

    artifacts: Mapping[str, Artifact]
    data_files: tuple[str, ...]
    written: tuple[str, ...]
    staged: bool


class How(NamedTuple):
    """How data is added.

    Attributes:
        data_file: The project path of the ``.dvc`` file, for a single path; empty for the one beside it.
        keep: Whether content goes into the cache (else it is only named).
        relink: Whether files become links into the cache where ``cache.type`` asks for that.
    """

    data_file: str = ""
    keep: bool = True
    relink: bool = True


AS_USUAL = How()
"""Into the cache, and linked as ``cache.type`` says."""


def add(project: Project, targets: Sequence[str], how: How = AS_USUAL, *, glob: bool = False) -> Added:
    """Tracks files and folders of the project.

    Args:
        project: The project.
        targets: Project paths, or with ``glob`` patterns of them.
        how: See `How`.
        glob: Expand ``*``, ``?``, ``[...]`` and ``**``.

    Raises:
        BadInput: A path is not there, or cannot be recorded.
        UsageError: A path cannot be data, or a pattern matches nothing.
        Refused: Git or a stage looks after a path already.
    """
    with hold(project) as held:
        paths = [path for target in targets for path in (_expanded(project, target) if glob else [target])]
        paths = list(dict.fromkeys(paths))
        if how.data_file and len(paths) != 1:
            raise UsageError("--file names the .dvc file of one path.", "Add the paths one by one.")
        places = Places(project, spec.load(project))
        found = [places.find(path, how.data_file) for path in paths]
        held.using(write=[place.path for place in found])
        for place in found:
            _check_there(project, place.path)
        _check_apart(found)
        return _track(project, found, how)


def add_copy(project: Project, source: str, out: str, how: How = AS_USUAL, *, force: bool = False) -> Added:
    """Copies a file or folder from anywhere into the project and tracks it there; `undo` takes it away again.

    Args:
        project: The project.
        source: Absolute path.
        out: The project path to put it at; into it, when it is a folder that is not tracked itself.
        how: See `How`; the content goes into the cache in any case.
        force: Replace what is at ``out``; `undo` gives it back.

    Raises:
        BadInput: There is nothing at the source, or it cannot be recorded.
        Refused: Something is at ``out``, and ``force`` is off.
    """
    if not how.keep:
        raise UsageError("--out takes data through the cache, so --no-commit cannot go with it.")
    with hold(project) as held:
        pipeline = spec.load(project)
        tracked = {known.path for file in pipeline.data.values() for known in file.outs}
        if os.path.isdir(project.path(out)) and out not in tracked:
            out = posixpath.normpath(posixpath.join(out, posixpath.basename(source)))
        place = Places(project, pipeline).find(out, how.data_file)
        held.using(write=[place.path])
        outputs.link_kinds(project)
        if os.path.lexists(project.path(out)) and not force:
            raise Refused(f"{out} exists already.", "-f replaces it; `assay undo` then gives it back.")
        artifact = _taken_in(project, source)
        change = plan(project, Goal({}, {out: artifact}))
        small = (place.data_file, _ignore_file(out))
        undo.remember(project, f"add --out {out}", paths=[project.prefix + path for path in small], outs=change.before)
        # The names come first: cut short after them, what is there is a part of tracked data, and no folder to copy to.
        named = _named(project, place, artifact)
        carry_out(project, change)
        added = _track(project, [place], how)
        return added._replace(written=tuple(dict.fromkeys((*named, *added.written))))


def record(project: Project, place: Place, artifact: Artifact) -> Added:
    """Tracks at a place what is on a remote; the workspace is not looked at.

    Args:
        project: The project, held.
        place: Where; not inside data that is tracked as a whole.
        artifact: What it is.
    """
    written = _named(project, place, artifact)
    files = (place.data_file,)
    beside = [name for name in [_ignore_file(place.path)] if os.path.lexists(project.path(name))]
    staged = autostage(project, dict.fromkeys((*written, *files, *beside)))
    return Added({place.path: artifact}, files, written, staged)


def _named(project: Project, place: Place, artifact: Artifact) -> tuple[str, ...]:
    """Records what the cache has as what is at a path, unless that lies in other data; returns the files written."""
    if place.is_part:
        return ()
    texts = _texts(project, [place], {place.path: artifact})
    ignores = ignore(project.root, project.kept_from_git([place.path] if place.out is None or place.out.cache else []))
    write(project, texts)
    return (*texts, *ignores)


def _ignore_file(path: str) -> str:
    return posixpath.join(posixpath.dirname(path), ".gitignore")


def _expanded(project: Project, pattern: str) -> list[str]:
    found = sorted(expand(pattern, root_dir=project.root, recursive=True))
    names = [name.rstrip("/") for name in found if name.rstrip("/") and not name.endswith(DATA_ENDING)]
    if not names:
        raise UsageError(f"Nothing matches {pattern!r}.", "Check the pattern; quote it, so that the shell leaves it.")
    return names


def _check_there(project: Project, path: str) -> None:
    with disk.Folder(project.root) as folder:
        if folder.stat(path) is None:  # asked of the folder, since the way there must hold no symlink
            raise BadInput(path, "does not exist", hint="Check its spelling.")


def _check_apart(places: Sequence[Place]) -> None:
    """Two new paths, one inside the other, cannot both be tracked."""
    new = {place.path for place in places if place.out is None}
    for path in new:
        above = next((path[:cut] for cut in range(len(path)) if path[cut] == "/" and path[:cut] in new), None)
        if above is not None:
            raise UsageError(f"{path} lies in {above}, and both are to be added.", f"Add {above} alone.")


def _taken_in(project: Project, source: str) -> Artifact:
    """Puts a file or folder from anywhere into the cache."""
    with project.cache.writer() as writer:
        artifact = elsewhere_now(project, source, writer)
    disk.sync_tree(project.cache_folder)
    return artifact


def _track(project: Project, places: Sequence[Place], how: How) -> Added:
    outputs.link_kinds(project)
    whole = {place.path: place for place in places if not place.is_part}
    joining: dict[str, list[Place]] = {}
    for place in places:
        if place.out is not None and place.is_part and place.out.path not in whole:
            joining.setdefault(place.out.path, []).append(place)
    for group in joining.values():
        _check_joinable(project, group[0])
    parts = [place.path for group in joining.values() for place in group]
    with project.cache.writer() if how.keep else nullcontext(None) as writer:
        ignored = without_ignore_files(spec.no_part(project))
        known = {path: place.out.artifact for path, place in whole.items() if place.out is not None}
        found = {
            path: artifact_now(project, path, writer, ignored=ignored, known=known.get(path))
            for path in (*whole, *parts)
        }
    artifacts = {path: found[path] for path in whole}
    for folder, group in joining.items():
        artifacts[folder] = _joined(project, group, found, keep=how.keep)
    texts = _texts(project, places, artifacts)
    if how.keep and texts:
        disk.sync_tree(project.cache_folder)
    uncached = {place.out.path for place in places if place.out is not None and not place.out.cache}
    ignores = ignore(project.root, project.kept_from_git(path for path in artifacts if path not in uncached))
    write(project, texts)
    if how.keep and how.relink:
        outputs.link(project, {path: artifact for path, artifact in artifacts.items() if path not in joining})
    written = (*texts, *ignores)
    files = tuple(dict.fromkeys(place.data_file for place in places))
    # An attempt that was cut short may have written them without telling Git.
    beside = [name for name in map(_ignore_file, artifacts) if os.path.lexists(project.path(name))]
    return Added(artifacts, files, written, autostage(project, dict.fromkeys((*written, *files, *beside))))


def _check_joinable(project: Project, place: Place) -> None:
    """A path can join a folder only where the folder's own listing can be read and written."""
    out = place.out
    if out is None or out.artifact is None or not out.artifact.digest.is_dir:
        name = out.path if out is not None else place.path
        raise Refused(f"{place.data_file} does not record a folder.", f"`assay add {name}` records it as it is.")
    if out.artifact.digest.algo != project.layout.hash_name:
        raise Refused(f"{out.path} is recorded under another hash.", f"`assay add {out.path}` records it anew.")


def _joined(project: Project, group: Sequence[Place], found: Mapping[str, Artifact], *, keep: bool) -> Artifact:
    """A tracked folder as it is recorded, but with some paths in it as they are now."""
    out = group[0].out
    if out is None or out.artifact is None:
        raise Refused(f"{group[0].data_file} does not record a folder.")
    start = len(out.path) + 1
    is_new = within({place.path[start:] for place in group})
    recorded = files_in(project.cache, out.artifact.digest)
    files = {name: entry for name, entry in recorded if not is_new(name)}
    for place in group:
        artifact = found[place.path]
        if artifact.digest.is_dir:
            now = files_now(project, place.path, project.layout.hash_name)
            files.update((name[start:], entry) for name, entry in now.items())
        else:
            name = place.path[start:]
            files[name] = Entry(name, artifact.digest, artifact.size or 0, None, artifact.is_exec)
    with project.cache.writer() if keep else nullcontext(_Names(project.layout.hash_name)) as writer:
        return write_manifest(writer, files)


def _texts(project: Project, places: Sequence[Place], artifacts: Mapping[str, Artifact]) -> dict[str, str]:
    """The ``.dvc`` files that change, with their new text."""
    found: dict[str, str] = {}
    known: dict[str, DataFile] = {place.data_file: place.file for place in places if place.file is not None}
    for file in known.values():
        text = datafile.updated(file, artifacts, project.cache, can_run(project))
        if text != file.source.text:
            found[file.path] = text
    for place in places:
        if place.file is None:
            spelled = posixpath.relpath(place.path, posixpath.dirname(place.data_file) or ".")
            found[place.data_file] = datafile.new_text([DataOut(place.path, spelled, artifacts[place.path])])
    return found


class _Names:
    """Names manifests without storing them."""

    def __init__(self, algo: HashName) -> None:
        self.algo = algo

    def add_bytes(self, data: bytes, *, is_dir: bool = False) -> Digest:
        """The digest of an object."""
        return digest_bytes(self.algo, data, is_dir=is_dir)
