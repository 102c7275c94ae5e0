"""Gives back what the last command took away: files, outputs, experiments, tags and notes.

A record is a commit under ``refs/assay/undo/<n>``: its tree holds the files as they were, its message a JSON object
that says which paths and refs the record is about, its parents pin the experiments that were removed or replaced. It
is written before anything is taken away, so it survives a crash; the last twenty are kept. Undoing writes a record of
its own in place of the one it used up, so that undoing twice is where one was.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import Any, NamedTuple

from assay.engine import disk
from assay.engine.errors import NameTaken, RefConflict, Refused
from assay.engine.git import objects
from assay.engine.git.trees import edit_tree, lookup
from assay.engine.model import Artifact, Digest, Oid
from assay.engine.notes import ledger
from assay.engine.notes.remarks import Edit
from assay.engine.project import Project
from assay.engine.workspace.files import untouched
from assay.engine.workspace.hold import hold
from assay.engine.workspace.restore import Goal, carry_out, plan

PREFIX = "refs/assay/undo/"
KEPT = 20
_TRIES = 100
_MANY = 100
"""So many refs are read by listing all there are."""
_UNDO = "undo of "


class Record(NamedTuple):
    """One thing that can be undone.

    Attributes:
        number: The record's number; larger is newer.
        commit: The record's commit.
        what: The command that was run, for a person.
        paths: Work tree paths to restore to what the record's tree has, or to nothing.
        outs: Project paths of cached outputs to restore; None means there was nothing.
        refs: Refs to restore; None for one that was not there.
        after: What the command made of those refs; one that is not here went away.
        notes: The edits, by commit, that give back tags and notes.
        trash: The collection in the cache's trash that gives back what `gc` took; empty for none.
    """

    number: int
    commit: Oid
    what: str
    paths: tuple[str, ...] = ()
    outs: Mapping[str, Artifact | None] = MappingProxyType({})
    refs: Mapping[str, Oid | None] = MappingProxyType({})
    after: Mapping[str, Oid] = MappingProxyType({})
    notes: Mapping[Oid, Edit] = MappingProxyType({})
    trash: str = ""


def remember(
    project: Project,
    what: str,
    *,
    paths: Iterable[str] = (),
    outs: Mapping[str, Artifact | None] | None = None,
    refs: Mapping[str, Oid | None] | None = None,
    after: Mapping[str, Oid] | None = None,
    notes: Mapping[Oid, Edit] | None = None,
    trash: str = "",
    kept: int = KEPT,
) -> Record:
    """Writes an undo record of the present state, durable before this returns.

    Args:
        project: The project.
        what: The command, for a person.
        paths: Work tree paths whose files are about to change.
        outs: Cached outputs that are about to change, each as it is now in the cache; None where there is none.
        refs: Refs that are about to change, each as it is now; None for one that is about to be made.
        after: What they will be then; nothing for those that go away.
        notes: The edits that would give back the tags and notes that are about to change, by commit.
        trash: The collection in the trash that is about to be filled.
        kept: How many records there may be then; older ones go.
    """
    affected, data, refs, after, notes = tuple(paths), outs or {}, refs or {}, after or {}, notes or {}
    head = project.repo.head()
    with project.repo.objects.batch() as batch:
        tree = edit_tree(batch, None, untouched(project, batch, affected))
        pinned = [oid for oid in refs.values() if oid is not None]
        parents = tuple(dict.fromkeys([*([head] if head else []), *pinned]))
        told = {
            "what": what,
            "paths": list(affected),
            "outs": {path: _to_json(artifact) for path, artifact in data.items()},
            "refs": {name: oid and oid.hex() for name, oid in refs.items()},
            "after": {name: oid.hex() for name, oid in after.items()},
            "notes": {commit.hex(): list(edit) for commit, edit in notes.items()},
            "trash": trash,
        }
        body = json.dumps(told, ensure_ascii=True, separators=(",", ":"))
        author, committer = project.signature("AUTHOR"), project.signature("COMMITTER")
        commit = batch.add(objects.COMMIT, objects.build_commit(tree, parents, author, committer, body))
    disk.sync_tree(project.repo.common_dir)
    number = _numbered(project, commit)
    with suppress(RefConflict):  # another process forgets the same ones
        _forget(project, kept)
    return Record(number, commit, what, affected, data, refs, after, notes, trash)


def extend(project: Project, record: Record, outs: Mapping[str, Artifact | None]) -> Record:
    """Adds outputs to a record of this command, each as it is now in the cache; durable before this returns."""
    data = {**outs, **record.outs}
    info = project.repo.objects.read_commit(record.commit)
    told = {**json.loads(info.message), "outs": {path: _to_json(artifact) for path, artifact in data.items()}}
    body = json.dumps(told, ensure_ascii=True, separators=(",", ":"))
    author, committer = project.signature("AUTHOR"), project.signature("COMMITTER")
    with project.repo.objects.batch() as batch:
        commit = batch.add(objects.COMMIT, objects.build_commit(info.tree, info.parents, author, committer, body))
    disk.sync_tree(project.repo.common_dir)
    with project.repo.refs.transaction() as transaction:
        transaction.update(f"{PREFIX}{record.number}", commit, record.commit)
    return record._replace(commit=commit, outs=data)


def forget(project: Project, record: Record) -> None:
    """Takes a record away, for a command that then did nothing."""
    with project.repo.refs.transaction() as transaction:
        transaction.delete(f"{PREFIX}{record.number}", record.commit)


def _numbered(project: Project, commit: Oid) -> int:
    """Makes a record's ref under the next free number; `remove` does not hold the workspace's lock, so it may wait."""
    number = max((known for known, _ in _numbers(project)), default=0) + 1
    for _ in range(_TRIES):
        try:
            with project.repo.refs.transaction() as transaction:
                transaction.create(f"{PREFIX}{number}", commit)
            return number
        except RefConflict:
            number += 1
    raise Refused("No undo record could be written, so nothing was changed.", "Try again.")


def records(project: Project) -> list[Record]:
    """What can be undone, newest first."""
    return [_read(project, number, commit) for number, commit in sorted(_numbers(project), reverse=True)]


def undo(project: Project, number: int | None = None) -> Record:
    """Restores what a record holds, the newest when no number is given; undoing again goes back.

    Raises:
        Refused: There is nothing to undo, or no record of that number.
    """
    with hold(project) as held:
        held.using(write=[""])
        known = dict(_numbers(project))
        if not known:
            raise Refused("There is nothing to undo.")
        number = max(known) if number is None else number
        if number not in known:
            raise Refused(f"There is no undo record {number}.", "`assay undo --list` shows those there are.")
        record = _read(project, number, known[number])
        if record.trash:  # only another gc takes it again
            project.cache.trash.restore(record.trash)
            forget(project, record)
            return record
        tree = project.repo.objects.read_commit(record.commit).tree
        files = {path: _in_tree(project, tree, path) for path in record.paths}
        change = plan(project, Goal(files, record.outs, raw=True))
        refs = _values(project, record.refs)
        _check_refs(record, refs)
        remember(
            project,
            _opposite(record.what),
            paths=change.wanted.files,
            outs=change.before,
            refs=refs,
            after={name: oid for name, oid in record.refs.items() if oid is not None},
            notes=ledger.reversals(project, record.notes) if record.notes else {},
            kept=KEPT + 1,  # the one that is being used up, which may be the oldest, goes when it has been
        )
        carry_out(project, change)
        if record.notes:
            ledger.change(project, record.notes, _opposite(record.what))
        with project.repo.refs.transaction() as transaction:
            for name, oid in record.refs.items():
                if oid is None and refs[name] is not None:
                    transaction.delete(name, refs[name])
                elif oid is not None and oid != refs[name]:
                    transaction.update(name, oid, refs[name])
            transaction.delete(f"{PREFIX}{number}", record.commit)
    return record


def _opposite(what: str) -> str:
    """What undoing is called: undoing an undo is doing it again."""
    return what.removeprefix(_UNDO) if what.startswith(_UNDO) else _UNDO + what


def _check_refs(record: Record, now: Mapping[str, Oid | None]) -> None:
    """Refuses to put an experiment where another of its name is now, and to take away another than the command made."""
    for name, oid in record.refs.items():
        if now[name] not in (None, oid, record.after.get(name)):
            short = name.rpartition("/")[2]
            raise NameTaken(
                f"There is another experiment {short!r} now, which undoing {record.what!r} would take away.",
                f"Rename or remove that one first, then `assay undo {record.number}`.",
            )


def _values(project: Project, names: Collection[str]) -> dict[str, Oid | None]:
    """The values of refs; of many at once, for a hundred thousand may have been removed."""
    if len(names) < _MANY:
        return {name: project.repo.refs.read(name) for name in names}
    known = dict(project.repo.refs.iterate())
    return {name: known.get(name) for name in names}


def _in_tree(project: Project, tree: Oid, path: str) -> tuple[int, Oid] | None:
    item = lookup(project.repo.objects, tree, path)
    return None if item is None else (item.mode, item.oid)


def _numbers(project: Project) -> list[tuple[int, Oid]]:
    found = []
    for name, oid in project.repo.refs.iterate(PREFIX):
        last = name[len(PREFIX) :]
        if last.isdigit():
            found.append((int(last), oid))
    return found


def _forget(project: Project, kept: int) -> None:
    old = sorted(_numbers(project))[:-kept]
    if old:
        with project.repo.refs.transaction() as transaction:
            for number, commit in old:
                transaction.delete(f"{PREFIX}{number}", commit)


def _read(project: Project, number: int, commit: Oid) -> Record:
    try:
        told = json.loads(project.repo.objects.read_commit(commit).message)
        return Record(
            number,
            commit,
            str(told["what"]),
            tuple(disk.check_relative(path) for path in told["paths"]),
            {disk.check_relative(path): _from_json(value) for path, value in told["outs"].items()},
            {str(name): value and Oid(bytes.fromhex(value)) for name, value in told["refs"].items()},
            {str(name): Oid(bytes.fromhex(value)) for name, value in told.get("after", {}).items()},
            {Oid(bytes.fromhex(name)): Edit(*value) for name, value in told.get("notes", {}).items()},
            str(told.get("trash", "")),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Refused(
            f"The undo record {number} is damaged.", f"`git update-ref -d {PREFIX}{number}` takes it away."
        ) from error


def _to_json(artifact: Artifact | None) -> Any:
    if artifact is None:
        return None
    digest = artifact.digest
    return [digest.algo, digest.hex, digest.is_dir, artifact.size, artifact.nfiles, artifact.is_exec]


def _from_json(value: Any) -> Artifact | None:
    if value is None:
        return None
    algo, text, is_dir, size, nfiles, is_exec = value
    return Artifact(Digest(algo, text, is_dir), size, nfiles, is_exec)
