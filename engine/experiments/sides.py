"""Commits and the workspace as things to be compared: what each is called, its files, its parameters and metrics.

A revision is whatever `revisions.resolve` takes, experiments' names included; the word ``workspace`` means the files
as they are now (a branch of that name is ``refs/heads/workspace``).

Nothing fails because of one bad file: what is wrong is a sentence by the file's name, and the rest is read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from assay.engine.errors import AssayError, BadInput
from assay.engine.experiments.files import CommitFiles, Files, TreeReader, WorkFiles
from assay.engine.experiments.record import (
    COMMIT_ITSELF,
    Declared,
    declared_in,
    document_of,
    metrics_of,
    read_one,
    read_workspace,
    selected,
)
from assay.engine.git.history import newest_first
from assay.engine.git.revisions import peeled_if_readable, resolve, tips
from assay.engine.model import Experiment, Oid
from assay.engine.project import Project

WORKSPACE = "workspace"


class Documents(NamedTuple):
    """Parameters or metrics by file, and sentences about files that should be there and cannot be read."""

    found: Mapping[str, Any]
    errors: Mapping[str, str]


@dataclass(frozen=True)
class Side:
    """A commit or the workspace.

    Attributes:
        name: As it was asked for.
        commit: None for the workspace.
        files: Its files.
        record: What they say.
    """

    name: str
    commit: Oid | None
    files: Files
    record: Experiment

    @cached_property
    def declared(self) -> Declared:
        """What its pipeline files say."""
        return declared_in(self.files)

    def metrics(self, targets: Sequence[str] = ()) -> Documents:
        """Its metrics: all that a pipeline names, or those of some files and folders, named by a pipeline or not."""
        record = self.record
        if not targets:
            return Documents(record.metrics, self._errors(self.declared.metrics))
        found: dict[str, Any] = {}
        errors: dict[str, str] = {}
        for target in targets:
            known = {path: value for path, value in record.metrics.items() if _is_in(path, target)}
            failed = {path: text for path, text in record.errors.items() if _is_in(path, target)}
            if not known and not failed:
                known, failed = self._read(target, metrics_of)
            found.update(known)
            errors.update(failed)
        return Documents(found, errors)

    def params(self, targets: Sequence[str] = (), *, stages_only: bool = False) -> Documents:
        """Its parameters: all that count as such, or whole files, or only what stages read."""
        if targets:
            found: dict[str, Any] = {}
            errors: dict[str, str] = {}
            for target in targets:
                known, failed = self._read(target, document_of)
                found.update(known)
                errors.update(failed)
            return Documents(found, errors)
        record, keys = self.record, self.declared.stage_params
        if not stages_only:
            return Documents(record.params, self._errors(self.declared.params))
        chosen = {}
        for path, document in record.params.items():
            if path in keys:
                names = keys[path]
                chosen[path] = document if names is None else selected(document, names)
        return Documents({path: document for path, document in chosen.items() if document}, self._errors(keys))

    def _errors(self, files: Mapping[str, object]) -> dict[str, str]:
        """What is wrong with these files, with files in these folders, and with what names them."""
        pipelines = self.declared.folders
        return {
            path: text
            for path, text in self.record.errors.items()
            if path == COMMIT_ITSELF or path in pipelines or any(_is_in(path, file) for file in files)
        }

    def _read(self, target: str, parse: Any) -> tuple[dict[str, Any], dict[str, str]]:
        """A file, or the files of a folder, read as documents; nothing where nothing is."""
        found: dict[str, Any] = {}
        errors: dict[str, str] = {}
        try:
            paths = self.files.below(target) or [target]
        except AssayError as error:
            return {}, {target: error.message}
        for path in paths:
            try:
                document = self.files.parsed(path, parse)
            except AssayError as error:
                errors[path] = error.message
            except (ValueError, RecursionError, OverflowError) as error:
                errors[path] = f"{path}: cannot be read: {error}."
            else:
                if document is not None:
                    found[path] = document
        return found, errors


def sides(project: Project, revisions: Sequence[str], names: Sequence[str] = ()) -> list[Side]:
    """The commits that these revisions name, and the workspace.

    Args:
        project: The project.
        revisions: Revisions, or "workspace".
        names: What to call them; as they are spelled when there are none.

    Raises:
        UnknownRevision: One names no commit.
    """
    commits = [None if name == WORKSPACE else resolve(project.repo, name) for name in revisions]
    reader = TreeReader(project.repo.objects, project.prefix, project.root)
    return [_side(project, reader, name, commit) for name, commit in zip(names or revisions, commits, strict=True)]


def check_targets(targets: Sequence[str], found: Sequence[Side], documents: Sequence[Documents]) -> None:
    """Refuses a target that no side has.

    Raises:
        BadInput: There is none.
    """
    paths = {path for side in documents for part in side for path in part}
    for target in targets:
        if not any(_is_in(path, target) for path in paths):
            where = " or ".join(dict.fromkeys(side.name for side in found))
            raise BadInput(target, f"there is no such file in {where}")


@dataclass(frozen=True, slots=True)
class Extent:
    """Which revisions `show` verbs are about; the workspace where nothing is said.

    Attributes:
        revisions: Names of commits.
        branches: The tips of all branches.
        tags: The commits of all tags.
        commits: Everything in the history of HEAD, branches, remote branches and tags.
    """

    revisions: tuple[str, ...] = ()
    branches: bool = False
    tags: bool = False
    commits: bool = False


def extent(project: Project, wanted: Extent) -> list[Side]:
    """The sides that are meant: the workspace unless revisions are named, then commits, each once, as `called` has it.

    Raises:
        UnknownRevision: A revision names no commit.
    """
    reader = TreeReader(project.repo.objects, project.prefix, project.root)
    found = [_side(project, reader, name, commit) for commit, name in called(project, wanted).items()]
    with_workspace = WORKSPACE in wanted.revisions or not wanted.revisions
    return [_side(project, reader, WORKSPACE, None), *found] if with_workspace else found


def called(project: Project, wanted: Extent) -> dict[Oid, str]:
    """The commits that are meant, and what to call them.

    A commit goes by its branches and tags, where it was asked for by these, or else by its short id. Those that were
    asked for by name come first; of a whole history the newest.

    Raises:
        UnknownRevision: A revision names no commit.
    """
    names: dict[Oid, list[str]] = {}
    others: dict[Oid, list[str]] = {}
    for name in wanted.revisions:
        if name != WORKSPACE:
            names.setdefault(resolve(project.repo, name), []).append(name)
    for prefix, is_asked_for in (("refs/heads/", wanted.branches), ("refs/tags/", wanted.tags)):
        for ref, oid in project.repo.refs.iterate(prefix) if is_asked_for or wanted.commits else ():
            commit = peeled_if_readable(project.repo, oid)
            if commit is not None:
                (names if is_asked_for else others).setdefault(commit, []).append(ref[len(prefix) :])
    if wanted.commits:
        starts = dict.fromkeys([*names, *tips(project.repo)])
        for commit in newest_first(project.repo.objects, starts, shallow=project.repo.shallow):
            names.setdefault(commit, []).extend(others.get(commit, ()))
    return {commit: ",".join(dict.fromkeys(several)) or commit.hex()[:7] for commit, several in names.items()}


def _side(project: Project, reader: TreeReader, name: str, commit: Oid | None) -> Side:
    if commit is None:
        return Side(name, None, WorkFiles(project), read_workspace(project))
    record = read_one(project, reader, commit).experiment
    tree = project.repo.objects.read_commit(commit).tree
    return Side(name, commit, CommitFiles(reader, tree), record)


def _is_in(path: str, place: str) -> bool:
    """Whether a path is this file, or lies in this folder."""
    return path == place or place == "." or path.startswith(place + "/")
