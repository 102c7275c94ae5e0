"""``gc -c`` on a remote of DVC's layout: what nothing needs is deleted there, at once, as DVC does it.

Kept is what the flags keep in the cache, whichever remote it belongs to, and beside that what the branches, tags and
experiments need that lie below ``git/`` of the same remote. A directory that is needed and nowhere to be looked into
stops everything, since nobody knows which files it is made of.

Limits: whoever pushes meanwhile is not noticed, because DVC takes what is there for safe. Run cache entries stay.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from assay.engine.errors import Refused, UsageError
from assay.engine.events import Done, Progress
from assay.engine.experiments.gc import collecting, roots
from assay.engine.experiments.keeping import Keep, select
from assay.engine.experiments.needs import Needs, of_state
from assay.engine.git.revisions import peeled
from assay.engine.model import Digest
from assay.engine.ports import RemoteStore
from assay.engine.project import Project
from assay.engine.store.digest import object_key, parse_key
from assay.remotes.artifacts.contents import Contents
from assay.remotes.depth import starts
from assay.remotes.layouts import bucket, copies_of, holdings, refuse_collected_at_once, require
from assay.remotes.registry import Remote, find, limited, open_store
from assay.remotes.rehearsal import scratch

_BATCH = 1000


class Unneeded(NamedTuple):
    """What nothing needs on a remote.

    Attributes:
        url: The remote.
        objects: The objects and their bytes.
        all_objects: How many there are.
        all_size: Their bytes.
    """

    url: str
    objects: dict[Digest, int]
    all_objects: int
    all_size: int


def find_unneeded(
    project: Project, name: str | None, keep: Keep, *, others: Sequence[Project] = (), jobs: int | None = None
) -> Unneeded:
    """What nothing that is kept needs on a remote.

    Args:
        project: The project.
        name: The remote; the default one when None.
        keep: What is kept.
        others: Other projects that share this cache and that remote.
        jobs: How many requests at once; None for what the configuration says.

    Raises:
        UsageError: No flag says what to keep.
        ConfigError: There is no such remote.
        Refused: What is needed cannot be told; or the remote is in assay's own layout.
        RemoteError: The remote cannot be read.
    """
    if keep.is_empty:
        raise UsageError("Say what to keep.", "-w keeps what the workspace needs; -a, -T, -A and others keep more.")
    refuse_collected_at_once(project)
    remote = limited(find(project, name), jobs)
    with _opened(project, remote) as there:
        live = _live(there, remote, keep, others)
        sizes = {digest: size for key, size, _ in there.store.list("") if (digest := parse_key(key)) is not None}
        dead = {digest: size for digest, size in sizes.items() if digest not in live}
        return Unneeded(there.store.url, dead, len(sizes), sum(sizes.values()))


def delete_unneeded(
    project: Project,
    name: str | None,
    keep: Keep,
    seen: Unneeded,
    *,
    others: Sequence[Project] = (),
    jobs: int | None = None,
) -> Unneeded:
    """Deletes what was found needless, where it still is: listings first, then files (law 1).

    Returns:
        What went. Arguments and errors are those of `find_unneeded`.
    """
    with collecting(project):
        now = find_unneeded(project, name, keep, others=others, jobs=jobs)
        gone = {digest: size for digest, size in now.objects.items() if digest in seen.objects}
        order = sorted(gone, key=lambda digest: (not digest.is_dir, digest))
        store, task = open_store(limited(find(project, name), jobs)), f"collecting {now.url}"
        try:
            for start in range(0, len(order), _BATCH):
                store.delete(object_key(digest) for digest in order[start : start + _BATCH])
                project.report(Progress(task, min(start + _BATCH, len(order)), len(order), "objects"))
        finally:
            store.close()
        if order:
            project.report(Done(task))
    return now._replace(objects=gone)


class _There(NamedTuple):
    """A remote that is open, and the project with a folder for the Git objects that come from it."""

    project: Project
    store: RemoteStore


@contextmanager
def _opened(project: Project, remote: Remote) -> Iterator[_There]:
    store = open_store(remote)
    try:
        require(project, store)
        with scratch(project) as other:
            yield _There(other, store)
    finally:
        store.close()


def _live(there: _There, remote: Remote, keep: Keep, others: Sequence[Project]) -> set[Digest]:
    """Everything that is needed, down to single files."""
    project = there.project
    found = roots([(one, select(one, keep)) for one in (project, *others)], keep)
    found |= _of_refs_there(there, remote, keep)
    contents = Contents(project.cache)
    held = holdings(project, there.store, remote, copies_of(project, remote))
    contents.peek(held, found)
    live, closed = contents.walk(found)
    if closed and not keep.skip_failed:
        raise Refused(
            f"{min(closed)} is needed and neither here nor on {there.store.url}, so what is in it is not known, and "
            "nothing is collected.",
            "`assay-dvc fetch` from where it is; --skip-failed goes on without.",
        )
    state: set[Digest] = set()
    for one in (project, *others):
        state |= of_state(one, Needs(one))
    contents.peek(held, state)
    return live | contents.walk(state)[0]


def _of_refs_there(there: _There, remote: Remote, keep: Keep) -> set[Digest]:
    """What the tips of branches, tags and experiments need that share the remote with the data."""
    project = there.project
    git = bucket(project, there.store, remote)
    refs = dict(git.refs(["refs/"]))
    for sentence in git.damaged_refs.values():
        raise Refused(f"What refs there need is not known, so nothing is collected: {sentence}")
    if not refs:
        return set()
    objects = project.repo.objects
    git.everything(list(refs.values()), objects, objects)
    tips, above = starts(objects, refs)
    needs, found = Needs(project), set[Digest]()
    for oid in sorted(tips | above):
        commit = peeled(project.repo, oid)  # a tag may be an object of its own, and may be one of anything
        if commit is not None:
            found |= needs.of_commit(commit)
    if not keep.skip_failed:
        for where, problem in needs.problems.items():
            raise Refused(
                f"What {where} needs is not known, so nothing is collected: {problem}", "--skip-failed goes on without."
            )
    return found
