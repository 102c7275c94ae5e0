"""Looks at the workspace for a stage: the digests of files, the values of params, what the cache has.

Hashing goes through the stat cache, so looking twice costs a stat per file. One observer is for one command: params
files are read when they are asked for, since a stage may write them. Files outside the project are looked at like
others; of URLs their servers are asked; data sets cannot be looked at. A symlink to a folder is that folder, as in DVC.
"""

from __future__ import annotations

import datetime
import os
from collections.abc import Callable, Mapping
from operator import is_
from typing import TYPE_CHECKING, Any

from assay.engine.errors import BadInput, CorruptArtifact, MissingArtifact, Refused
from assay.engine.model import Artifact, HashName
from assay.engine.params import documents, keys
from assay.engine.pipeline.changes import Inputs, OutState
from assay.engine.pipeline.lock import LockEntry
from assay.engine.pipeline.paths import is_outside
from assay.engine.pipeline.present import artifact_now, hash_for, without_ignore_files
from assay.engine.pipeline.spec import no_part
from assay.engine.pipeline.stage import Out, ParamsDep, Stage
from assay.engine.pipeline.urls import Unknown, Urls, shown
from assay.engine.store.digest import digest_bytes
from assay.engine.store.manifest import digests_of
from assay.engine.store.scan import Ignored
from assay.engine.store.snapshot import snapshot
from assay.engine.store.writer import CacheWriter

if TYPE_CHECKING:
    from assay.engine.project import Project


_ANYWHERE = ("/",)


class Observer:
    """The workspace of a project, as the pipeline sees it.

    Args:
        project: The project.
        edited: Files by project path that are seen with this content instead of the one they have.

    Attributes:
        urls: What servers say.
    """

    def __init__(self, project: Project, edited: Mapping[str, bytes] | None = None) -> None:
        self._project = project
        self._edited = edited or {}
        self._understood: dict[str, tuple[bytes, Any]] = {}
        self.ignored = no_part(project)
        self.urls = Urls(project)
        self._in_data = without_ignore_files(self.ignored)

    def exists(self, path: str) -> bool:
        """Whether there is anything at a project path; a symlink that leads nowhere is nothing."""
        return path in self._edited or os.path.exists("/".join(self._place(path)))

    def artifact(
        self, path: str, writer: CacheWriter | None = None, *, known: Artifact | None = None
    ) -> Artifact | None:
        """What is at a project path, put into the cache when there is a writer; None when nothing is there.

        Args:
            path: The project path.
            writer: Puts its content into the cache; None names it only.
            known: What was recorded of it: named by another hash than the project's, it keeps that name as long as
                it is the same (so DVC 3 does with what DVC 2 recorded).
        """
        if not self.exists(path):
            return None
        project = self._project
        if path in self._edited:
            data = self._edited[path]
            return self._by_its_hash(known, lambda algo: Artifact(digest_bytes(algo, data), len(data)))
        root, inside = self._place(path)
        links = (project.cache_folder,) if writer is not None else _ANYWHERE
        if root == project.root:
            return artifact_now(project, inside, writer, ignored=self._in_data, known=known, links_into=links)
        if writer is not None and not is_outside(path):
            raise BadInput(path, f"is a symlink that leaves the project, to {root}/{inside}")
        rule = _below(inside, self._in_data) if not path else None
        return self._by_its_hash(
            known,
            lambda algo: snapshot(
                root,
                inside,
                algo=algo,
                stat_cache=project.stat_cache,
                writer=writer if writer is not None and writer.algo == algo else None,
                ignored=rule,
                links_into=links,
                report=project.report,
            ),
        )

    def _by_its_hash(self, known: Artifact | None, named: Callable[[HashName], Artifact]) -> Artifact:
        return named(hash_for(self._project, known, named))

    def _place(self, path: str) -> tuple[str, str]:
        """A folder, and the path in it that is meant: the project's, or of what lies outside the folder around it.

        The whole project is looked at from the folder around it, too.
        """
        root = self._project.root
        absolute = os.path.join(root, path)
        if path and not is_outside(path) and not (os.path.islink(absolute) and os.path.isdir(absolute)):
            return root, path
        real = os.path.realpath(absolute)
        if real.startswith(f"{root}/"):
            return root, real[len(root) + 1 :]
        folder, _, name = real.rpartition("/")
        return folder, name

    def inputs(self, stage: Stage, entry: LockEntry | None) -> Inputs:
        """What a stage reads, as it is now; ``entry`` says what that was when it last ran.

        Raises:
            BadInput: A params file cannot be understood.
        """
        values = {params.spelled: self.values(params) for params in stage.params}
        known = entry.deps if entry is not None else {}
        urls = {dep.spelled: self.urls.at(dep.path) for dep in stage.deps if dep.place == "url"}
        return Inputs(
            {
                dep.spelled: self.artifact(dep.path, known=known.get(dep.spelled))
                for dep in stage.deps
                if dep.can_be_seen
            },
            {spelled: found for spelled, found in values.items() if found is not None},
            tuple(params.path for params in stage.params if values[params.spelled] is None),
            {spelled: state for spelled, state in urls.items() if not isinstance(state, Unknown)},
            {spelled: state.message for spelled, state in urls.items() if isinstance(state, Unknown)},
        )

    def _read(self, path: str) -> bytes | None:
        if path in self._edited:
            return self._edited[path]
        if is_outside(path):
            path = os.path.relpath("/".join(self._place(path)), self._project.root)
        return self._project.read(path)

    def _content(self, path: str, data: bytes) -> Any:
        """What a params file says; the same bytes are parsed once, since many stages may read one file."""
        known = self._understood.get(path)
        if known is None or known[0] != data:
            known = self._understood[path] = data, documents.read(path, data)
        return known[1]

    def names(self, path: str) -> list[str]:
        """Every dotted key of a params file, for saying what was probably meant."""
        data = self._read(path)
        return list(keys.flatten(documents.read(path, data))) if data is not None else []

    def states(self, stage: Stage, entry: LockEntry) -> dict[str, OutState]:
        """What a stage's outputs are now, by spelling; without the URLs of a stage that never runs."""
        found = {out.spelled: self._state(out, entry.outs.get(out.spelled)) for out in stage.files}
        for out in () if stage.frozen else stage.urls:
            state = self.urls.at(out.path)
            if isinstance(state, Unknown):
                found[out.spelled] = OutState(None, unknown=state.message)
            else:
                found[out.spelled] = OutState(None, url=state)
        return found

    def has(self, artifact: Artifact) -> bool:
        """Whether the cache holds an artifact with everything in it; a manifest that is damaged is none."""
        cache = self._project.cache
        try:
            return not cache.missing(digests_of(cache, artifact))
        except (MissingArtifact, CorruptArtifact):
            return False

    def _state(self, out: Out, locked: Artifact | None) -> OutState:
        current = self.artifact(out.path, known=locked)
        return OutState(current, not out.cache or locked is None or current is None or self.has(locked))

    def values(self, params: ParamsDep) -> dict[str, Any] | None:
        """The values a stage asks for by dotted key, without those that are not there; None when there is no file."""
        data = self._read(params.path)
        if data is None:
            return None
        content = self._content(params.path, data)
        if not isinstance(content, Mapping):
            raise BadInput(params.path, "is not a map, so its values cannot be parameters")
        if params.names:
            content = {name: found for name in params.names if (found := _under(content, name)) is not keys.MISSING}
        return {str(key): _storable(value) for key, value in content.items()}


def _under(content: Mapping[str, Any], name: str) -> Any:
    """The value under a dotted key; under an empty one everything, as in DVC."""
    return keys.get(content, name) if name else content


def _below(folder: str, rule: Ignored) -> Ignored:
    """A rule for the paths in a folder, asked with paths that start with the folder."""
    start = len(folder) + 1
    return lambda path, is_dir: rule(path[start:], is_dir)


def refuse_unfit(stage: Stage) -> None:
    """Raises what speaks against bringing a stage up to date: there is no command, or it writes where it should not.

    Raises:
        BadInput: What its file says cannot be run, or not be kept.
    """
    if stage.frozen:
        return
    if stage.no_command and not stage.does_nothing:
        raise stage.source.bad((*stage.keys, "cmd"), stage.no_command)
    for out in stage.outside:
        if out.place == "url" and out.kind == "metrics":
            raise stage.source.bad(out.keys, f"{shown(out.spelled)!r} is no file, and metrics are read from files")
        if out.cache:
            problem = f"{shown(out.spelled)!r} lies outside the project, and is not kept in the cache"
            raise stage.source.bad(out.keys, problem, "Say `cache: false` about it, or write into the project.")


def refuse_unseen(stage: Stage) -> None:
    """Raises Refused when a stage that is to be brought up to date reads what cannot be looked at."""
    for dep in stage.deps:
        if dep.place == "dataset" and dep.dataset is None and not stage.frozen:
            raise Refused(
                f"Stage {stage.address} reads {dep.spelled}, and no lock file says what that is now.",
                f"Bring it up to date with `dvc ds update {dep.spelled.removeprefix('ds://')}`, or freeze the stage.",
            )


def _storable(value: Any) -> Any:
    """A value as lock files can hold it: a time of day, which only TOML has, becomes text.

    What holds none is given back itself: a list that is found under two keys is written once.
    """
    if isinstance(value, list):
        items = [_storable(inner) for inner in value]
        return value if all(map(is_, items, value)) else items
    if isinstance(value, Mapping):
        entries = {key: _storable(inner) for key, inner in value.items()}
        return value if all(map(is_, entries.values(), value.values())) else entries
    return value.isoformat() if isinstance(value, datetime.time) else value
