"""Where tags and notes are kept: ``refs/assay/notes``, a history of its own whose tree maps commits to remarks.

The tree is that of Git notes, ``<first two digits>/<other 38>``, so `git -c core.notesRef=refs/assay/notes log` shows
them. It is changed by compare-and-swap: who comes second reads again and edits what is there then. A note belongs to a
commit, whatever names that commit has.

Readers look up one ref, and where there is none that is all. What the whole tree says is kept in a cache beside the
repository; of a tree that changed since, only what differs is read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress

from assay.engine import disk
from assay.engine.errors import AssayError, MissingObject, RefConflict, Refused
from assay.engine.events import Warned
from assay.engine.git import objects
from assay.engine.git.trees import Item, diff_trees, edit_tree, lookup, walk_tree
from assay.engine.model import Oid
from assay.engine.notes.remarks import NOTHING, Edit, Remarks, Shown, edited, merge, parse, reverse, shown, to_bytes
from assay.engine.project import Project

REF = "refs/assay/notes"
_CACHE = "notes.json"
_TRIES = 50
_MANY = 20
"""So many commits are looked up by walking the whole tree."""
_WORTH_KEEPING = 50
"""So many remarks that the cache lacks are worth writing it anew."""

_PATH = re.compile(r"[0-9a-f]{2}/[0-9a-f]{38}")

AllShown = Mapping[Oid, Shown]
"""What counts now, by commit; commits of which nothing is said are not there."""


def all_shown(project: Project) -> AllShown:
    """Every commit's tags and note. What cannot be read is told and left out."""
    tip = project.repo.refs.read(REF)
    if tip is None:
        return {}
    tree = project.repo.objects.read_commit(tip).tree
    known, found = _cached(project)
    if known == tree:
        return found
    try:
        changed = list(diff_trees(project.repo.objects, known, tree))
    except MissingObject:
        known, found = None, {}
        changed = list(diff_trees(project.repo.objects, None, tree))
    is_whole = True
    for path, _, item in changed:
        if _PATH.fullmatch(path):
            is_whole = _put(project, found, path, item) and is_whole
    if len(changed) >= _WORTH_KEEPING and is_whole:
        _keep(project, tree, found)
    return found


def remarks_on(project: Project, commits: Iterable[Oid]) -> dict[Oid, Remarks]:
    """All that was said about each of these commits. Raises Refused when it cannot be understood."""
    tip = project.repo.refs.read(REF)
    tree = None if tip is None else project.repo.objects.read_commit(tip).tree
    return _read(project, tree, commits)


def change(project: Project, edits: Mapping[Oid, Edit], what: str) -> None:
    """Changes what is said about commits; what is so already stays as it is.

    Args:
        project: The project.
        edits: By commit.
        what: The command, for the history.

    Raises:
        Refused: What is said about one of them cannot be understood; nothing was changed.
    """
    who = project.signature("AUTHOR")
    by = f"{who.name} <{who.email}>"

    def after(tree: Oid | None) -> Mapping[Oid, Remarks]:
        before = _read(project, tree, edits)
        now = {commit: edited(before[commit], edit, who.time, by) for commit, edit in edits.items()}
        return {commit: remarks for commit, remarks in now.items() if remarks != before[commit]}

    _advance(project, after, what)


def merge_in(project: Project, said: Mapping[Oid, Remarks], what: str) -> list[Oid]:
    """Adds what others say to what is said here.

    Args:
        project: The project.
        said: By commit.
        what: The command, for the history.

    Returns:
        The commits of which more is said now. Of one whose remarks here cannot be understood, that is told, and
        nothing changes.
    """

    def after(tree: Oid | None) -> Mapping[Oid, Remarks]:
        blobs = _blobs(project, tree, said)
        other = [
            commit for commit in said if blobs.get(commit) != objects.object_id(objects.BLOB, to_bytes(said[commit]))
        ]
        before = _readable(project, blobs, other)
        now = {commit: merge(before[commit], said[commit]) for commit in before}
        return {commit: remarks for commit, remarks in now.items() if remarks != before[commit]}

    return list(_advance(project, after, what))


def readable(project: Project, commits: Iterable[Oid]) -> dict[Oid, Remarks]:
    """All that was said about each of these commits, where there is something. What cannot be understood is told."""
    tip = project.repo.refs.read(REF)
    if tip is None:
        return {}
    blobs = _blobs(project, project.repo.objects.read_commit(tip).tree, commits)
    return _readable(project, blobs, blobs)


def reversals(project: Project, edits: Mapping[Oid, Edit]) -> dict[Oid, Edit]:
    """The edits that give back what is said now about what these edits change."""
    said = remarks_on(project, edits)
    return {commit: reverse(said[commit], edit) for commit, edit in edits.items()}


def _advance(
    project: Project, after: Callable[[Oid | None], Mapping[Oid, Remarks]], what: str
) -> Mapping[Oid, Remarks]:
    """Publishes what ``after`` makes of the present tree, and returns it; anew when somebody else was first."""
    for _ in range(_TRIES):
        tip = project.repo.refs.read(REF)
        tree = None if tip is None else project.repo.objects.read_commit(tip).tree
        changed = after(tree)
        if not changed or _published(project, tip, tree, changed, what):
            return changed
    raise RefConflict("The tags and notes are being changed by others all the time.", "Try again.")


def _published(project: Project, tip: Oid | None, tree: Oid | None, changed: Mapping[Oid, Remarks], what: str) -> bool:
    """Makes the next commit of the history; False when somebody else was first."""
    with project.repo.objects.batch() as batch:
        items: dict[str, Item | None] = {
            _path(commit): (objects.MODE_FILE, batch.add(objects.BLOB, to_bytes(remarks)))
            for commit, remarks in changed.items()
        }
        new_tree = edit_tree(batch, tree, items)
        author, committer = project.signature("AUTHOR"), project.signature("COMMITTER")
        parents = () if tip is None else (tip,)
        new = batch.add(objects.COMMIT, objects.build_commit(new_tree, parents, author, committer, f"{what}\n"))
    disk.sync_tree(project.repo.common_dir)
    try:
        with project.repo.refs.transaction() as refs:
            refs.update(REF, new, tip)
    except RefConflict:
        return False
    return True


def _path(commit: Oid) -> str:
    text = commit.hex()
    return f"{text[:2]}/{text[2:]}"


def _read(project: Project, tree: Oid | None, commits: Iterable[Oid]) -> dict[Oid, Remarks]:
    """What a tree says about each of these commits. Raises Refused when it cannot be understood."""
    wanted = list(commits)
    blobs = _blobs(project, tree, wanted)
    return {commit: _parsed(project, commit, blobs.get(commit)) for commit in wanted}


def _readable(project: Project, blobs: Mapping[Oid, Oid], commits: Iterable[Oid]) -> dict[Oid, Remarks]:
    """What these blobs say about these commits; what cannot be understood is told and left out."""
    found = {}
    for commit in commits:
        try:
            found[commit] = _parsed(project, commit, blobs.get(commit))
        except AssayError as error:
            project.report(Warned(error.message))
    return found


def _blobs(project: Project, tree: Oid | None, commits: Iterable[Oid]) -> dict[Oid, Oid]:
    """The blobs that a tree has about these commits, by commit."""
    if tree is None:
        return {}
    source, wanted = project.repo.objects, list(commits)
    items: dict[str, Oid] = {}
    if len(wanted) > _MANY:  # each tree once, and not for each commit
        items = {path: oid for path, _, oid in walk_tree(source, tree)}
    else:
        found = {_path(commit): lookup(source, tree, _path(commit)) for commit in wanted}
        items = {path: item.oid for path, item in found.items() if item is not None}
    return {commit: items[_path(commit)] for commit in wanted if _path(commit) in items}


def _parsed(project: Project, commit: Oid, blob: Oid | None) -> Remarks:
    if blob is None:
        return NOTHING
    try:
        return parse(project.repo.objects.read_blob(blob))
    except ValueError as error:
        raise Refused(
            f"What {REF} says about {commit.hex()[:7]} cannot be understood: {error}.",
            "A newer version of assay may have written it.",
        ) from error


def _put(project: Project, found: dict[Oid, Shown], path: str, item: Item | None) -> bool:
    """Notes what counts now about one commit; False when that cannot be read."""
    commit = Oid(bytes.fromhex(path.replace("/", "")))
    found.pop(commit, None)
    if item is None:
        return True
    try:
        now = shown(parse(project.repo.objects.read_blob(item[1])))
    except (AssayError, ValueError) as error:
        project.report(Warned(f"The tags and the note of {commit.hex()[:7]} are not shown: {error}."))
        return False
    if now != Shown():
        found[commit] = now
    return True


def _cached(project: Project) -> tuple[Oid | None, dict[Oid, Shown]]:
    """A tree, and what it says, as far as that was kept."""
    try:
        with open(f"{project.state}/{_CACHE}", "rb") as file:
            told = json.loads(file.read())
        found = {Oid(bytes.fromhex(key)): Shown(tuple(tags), note) for key, (tags, note) in told["shown"].items()}
        return Oid(bytes.fromhex(told["tree"])), found
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None, {}


def _keep(project: Project, tree: Oid, found: AllShown) -> None:
    told = {"tree": tree.hex(), "shown": {commit.hex(): [now.tags, now.note] for commit, now in found.items()}}
    with suppress(OSError):
        disk.make_folders(project.state)
        disk.write_atomic(f"{project.state}/{_CACHE}", json.dumps(told, separators=(",", ":")).encode())
