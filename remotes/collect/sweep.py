"""``gc`` on a remote in assay's own layout, in two phases: what nothing needs is named, and goes when a grace is over.

Everything that any commit of any branch, tag or experiment there needs is kept, and what the workspace here needs. A
pack of which little is needed is written anew with just that, and many small ones as one; so nothing is ever the only
copy of what is needed when it is named, and before anything is deleted all refs are read again (`claims` has the
rules).

Git packs go together or not at all: an object in one is there with all that it needs, and that must stay so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

from assay.engine.errors import AssayError, Refused
from assay.engine.events import Done, Progress
from assay.engine.experiments.chosen import is_experiment
from assay.engine.experiments.keeping import Keep, select
from assay.engine.experiments.needs import Needs, workspaces
from assay.engine.git.reach import first_parents
from assay.engine.model import Digest, Oid
from assay.engine.ports import RemoteStore
from assay.engine.project import Project
from assay.engine.store.cache import Cache
from assay.engine.store.pack import key_of
from assay.remotes.artifacts import native
from assay.remotes.artifacts.contents import Contents
from assay.remotes.artifacts.download import Download
from assay.remotes.artifacts.native import GIT_PACKS, PACKS, loose_key, pack_key
from assay.remotes.artifacts.packed import PackedHoldings
from assay.remotes.artifacts.shelf import Shelf
from assay.remotes.artifacts.upload import Upload
from assay.remotes.bucket.transport import BucketTransport
from assay.remotes.collect import claims as collecting
from assay.remotes.collect.claims import Doomed
from assay.remotes.collect.guard import Guarded
from assay.remotes.depth import UNLIMITED, starts, within
from assay.remotes.exchange import needs_of
from assay.remotes.gitremotes import git_remote
from assay.remotes.layouts import bucket, copies_of, git_transport, refuse_uncollected
from assay.remotes.parallel import each
from assay.remotes.registry import Remote, find, open_store
from assay.remotes.rehearsal import scratch

GRACE = 86400
"""Seconds between the phases."""
_BATCH = 1000
_SMALL_PACK, _MANY = 1_000_000, 50
"""Bytes of packs that are joined, and more than how many there must be."""
_GIT_ANEW = 64_000_000
"""Bytes of Git packs that are written anew for the sake of a few needless objects in them."""


class Preview(NamedTuple):
    """What one phase of a collection does.

    Attributes:
        url: The remote.
        due: Keys and bytes of what was named before and goes now.
        waiting: Keys and bytes of what was named before and goes later.
        objects: How many keys are named now.
        size: Their bytes.
        anew: Bytes that are written anew, because the packs they are in go.
        all_objects: How many keys there are.
        all_size: Their bytes.
        grace: Seconds until what is named now goes.
    """

    url: str
    due: tuple[int, int]
    waiting: tuple[int, int]
    objects: int
    size: int
    anew: int
    all_objects: int
    all_size: int
    grace: int


class _Live(NamedTuple):
    """What is needed: Git objects, and artifacts."""

    oids: set[Oid]
    digests: set[Digest]


class _Plan(NamedTuple):
    """What could go: keys; packs of which a few objects are wanted, and these; the same for Git's."""

    dead: set[str]
    sparse: Mapping[str, list[Digest]]
    git_mixed: list[str]
    git_needed: list[Oid]


class _Remote(NamedTuple):
    """A remote that is open, as everybody sees it and as pushers see it, with a scratch project for what comes."""

    project: Project
    remote: Remote
    store: RemoteStore
    guarded: Guarded
    git: BucketTransport
    full: Shelf
    shelf: Shelf


def gc_remote(
    project: Project,
    name: str | None,
    keep: Keep,
    *,
    last: int | None = None,
    grace: int = GRACE,
    dry: bool = False,
    tell: Callable[[Preview], None] = lambda _: None,
    ask: Callable[[], bool] | None = None,
) -> bool:
    """Deletes what was named long enough ago, and names what nothing needs now.

    Args:
        project: The project.
        name: The remote; the default one when None.
        keep: What of this side is kept too, beside the workspace.
        last: How many commits of each branch there keep their data; None for all.
        grace: Seconds before what is named now can go; with 0 it goes at once.
        dry: Change nothing.
        tell: Hears what would happen before anything does.
        ask: Whether to go on; None for no question.

    Returns:
        Whether it was done; False when a dry run or a person said no.

    Raises:
        ConfigError: There is no such remote.
        Refused: What is needed there cannot be told.
        RemoteError: The remote refuses.
    """
    remote = find(project, name)
    refuse_uncollected(project)
    with _opened(project, remote) as there:
        now = project.world.clock.now()[0]
        due, waiting = _named(there, now)
        live = _live(there, keep, last)
        plan = _plan(there, live)
        sizes = {info.key: info.size for info in there.store.list("")}
        named = plan.dead | {pack_key(pack) for pack in plan.sparse} | {_git_key(one) for one in plan.git_mixed}
        preview = _preview(there, sizes, due, waiting, named, plan, grace)
        tell(preview)
        if dry:
            return False
        if not named and not due:
            collecting.forget(there.store, now)
            return True
        if ask is not None and not ask():
            return False
        if named:
            _write_anew(there, plan)
            with_indexes = {key for one in named for key in _both(one) if key in sizes}
            doomed = Doomed(frozenset(with_indexes), now, grace, project.world.ids.nonce())
            fresh = collecting.begin(there.store, doomed, project.layout.hash_name)
            if grace == 0:
                due[fresh] = doomed
        there.guarded.renew()
        for collection, doomed in due.items():
            _finish(there, collection, doomed, keep, last)
        collecting.forget(there.store, now)
    return True


@contextmanager
def _opened(project: Project, remote: Remote) -> Iterator[_Remote]:
    store = open_store(remote)
    try:
        native.require(store, project.layout.hash_name)
        with scratch(project) as other:
            yield _look(other, remote, store)
    finally:
        store.close()


def _look(project: Project, remote: Remote, store: RemoteStore) -> _Remote:
    """The remote as it is now."""
    hash_name, copies = project.layout.hash_name, copies_of(project, remote)
    guarded = Guarded(store, hash_name, project.world.ids)
    git = bucket(project, guarded, remote)
    full = Shelf(store, copies, hash_name, remote.jobs)
    shelf = Shelf(guarded, copies, hash_name, remote.jobs, guarded.hidden)
    full.refresh()
    shelf.refresh()
    git.packs.refresh()
    git.packs.tidy()
    return _Remote(project, remote, store, guarded, git, full, shelf)


def _named(there: _Remote, now: int) -> tuple[dict[str, Doomed], dict[str, Doomed]]:
    """The collections that were begun: those that can be finished now, and the others."""
    state = collecting.look(there.store)
    due: dict[str, Doomed] = {}
    waiting: dict[str, Doomed] = {}
    for name in sorted(state.open):
        doomed = collecting.read(there.store, name, there.project.layout.hash_name)
        if doomed is not None:
            is_due = name in state.going or doomed.time + doomed.grace <= now
            (due if is_due else waiting)[name] = doomed
    return due, waiting


def _live(there: _Remote, keep: Keep, last: int | None) -> _Live:
    """What refs there need, and the workspace here.

    Raises:
        Refused: It cannot be told.
    """
    project = there.project
    plain = bucket(project, there.store, there.remote)  # what was named and is needed all the same is found, too
    refs = dict(plain.refs(["refs/"]))
    for sentence in plain.damaged_refs.values():
        raise Refused(f"What refs there need is not known, so nothing is collected: {sentence}")
    if not refs and not git_remote(project, there.remote):
        raise Refused(
            f"{there.store.url} has no branch, tag or experiment, so everything there would go.",
            "Push a branch first; or remove what you do not need by hand.",
        )
    objects = project.repo.objects
    oids, cut = plain.everything(list(refs.values()), objects, objects)
    if git_remote(project, there.remote):
        beside = git_transport(project, there.store, there.remote)
        more = dict(beside.refs(["refs/heads/", "refs/tags/", "refs/exps/"]))
        beside.fetch(list(more.values()), objects, objects, complete=lambda oid: oid in oids)
        beside.close()
        refs = {**more, **refs}
    commits = _commits(project, refs, cut | project.repo.shallow, last)
    return _Live(oids, _needed(there, refs, commits, keep))


def _commits(project: Project, refs: Mapping[str, Oid], cut: frozenset[Oid], last: int | None) -> set[Oid]:
    """The commits whose data is kept."""
    objects = project.repo.objects
    tips, above = starts(objects, refs)
    if last is None:
        reach = within(objects, tips, UNLIMITED, cut)
        return set(above | reach.inside | reach.edge)
    found = above | tips
    for oid in (oid for name, oid in refs.items() if name.startswith("refs/heads/")):
        found.update(first_parents(objects, oid, shallow=cut, number=last))
    return found


def _needed(there: _Remote, refs: Mapping[str, Oid], commits: set[Oid], keep: Keep) -> set[Digest]:
    """The artifacts that commits there and the workspace here need, with all below them."""
    project = there.project
    needs = Needs(project)
    found: set[Digest] = set()
    for root in workspaces(project):
        found |= needs.of_workspace(root)
    for oid in sorted(commits | select(project, keep).kept):
        found |= needs.of_commit(oid)
    if not keep.skip_failed:
        for where, problem in needs.problems.items():
            raise Refused(
                f"What {where} needs is not known, so nothing is collected: {problem}", "--skip-failed goes on without."
            )
    contents = Contents(project.cache)
    _lend(there, contents, found)
    everything, closed = contents.walk(found)
    if not keep.skip_failed:
        _refuse_lost(there, refs, closed, contents)
    return everything


def _lend(there: _Remote, contents: Contents, roots: set[Digest]) -> None:
    """Lends the cache the manifests at and below some artifacts that only the remote has."""
    project, tried = there.project, set[Digest]()
    held = PackedHoldings(project.cache, there.full, project.report)
    while closed := contents.walk(roots)[1] - contents.broken.keys() - tried:
        tried |= closed
        for digest, data in each(held.peek, sorted(closed), there.remote.jobs):
            if isinstance(data, AssayError):
                raise data
            if data is not None:
                project.cache.lend(digest, data)


def _refuse_lost(there: _Remote, refs: Mapping[str, Oid], closed: set[Digest], contents: Contents) -> None:
    """Refuses where a directory that a ref itself needs is neither here nor there, since what is in it is unknown."""
    tips = {name: oid for name, oid in refs.items() if is_experiment(name) or name.startswith("refs/heads/")}
    needs, _ = needs_of(there.project, tips)
    for name, data in needs.items():
        for path, wanted in data.items():
            lost = contents.walk([wanted.artifact.digest])[1] & closed
            if wanted.remote in ("", there.remote.name) and lost:
                raise Refused(
                    f"{there.store.url} has lost {min(lost)}, which {path} of {name} needs, and what is in it is not "
                    "known, so nothing is collected.",
                    "`assay fsck --remote --repair` mends it from whoever has it; --skip-failed goes on without.",
                )


def _plan(there: _Remote, live: _Live) -> _Plan:
    """What nothing needs, of what pushers see."""
    loose = {loose_key(digest) for digest in live.digests}
    keys = [info.key for info in there.guarded.list("")]
    dead = {key for key in keys if key.startswith("objects/") and key not in loose}
    dead |= {key for key in keys if key.startswith("tmp/probe-")}
    packs, sparse = _packs(there.shelf, {key_of(digest): digest for digest in live.digests})
    if not any(key.startswith(native.INDEXES) for key in there.shelf.damaged):
        packs |= set(there.shelf.undescribed())
    git_dead, mixed, needed = _git_packs(there.git, live.oids)
    halves = _halves(keys, there.git)
    return _Plan(dead | {pack_key(one) for one in packs} | git_dead | halves, sparse, mixed, needed)


def _packs(shelf: Shelf, live: Mapping[bytes, Digest]) -> tuple[set[str], dict[str, list[Digest]]]:
    """The packs that nothing is needed of; those that little is needed of, or that are many and small, with that.

    What several packs hold is kept in the largest that is worth keeping, as readers and those who join packs expect.
    """
    shares, totals = {}, {}
    for pack, entries in shelf.packs().items():
        totals[pack] = sum(size for _, size in entries.values())
        needed = sum(size for key, (_, size) in entries.items() if key in live)
        shares[pack] = needed / max(1, totals[pack])
    dead: set[str] = set()
    sparse: dict[str, list[Digest]] = {}
    little: dict[str, list[Digest]] = {}
    covered: set[bytes] = set()
    for pack in sorted(shares, key=lambda one: (shares[one] < 0.5, -shelf.pack_size(one), one)):
        mine = {key: size for key, (_, size) in shelf.packs()[pack].items() if key in live and key not in covered}
        if not mine:
            dead.add(pack)
        elif sum(mine.values()) * 2 < totals[pack]:
            sparse[pack] = [live[key] for key in mine]
        elif shelf.pack_size(pack) < _SMALL_PACK:
            little[pack] = [live[key] for key in mine]
        covered.update(mine)
    return dead, {**sparse, **(little if len(little) > _MANY else {})}


def _git_packs(git: BucketTransport, live: set[Oid]) -> tuple[set[str], list[str], list[Oid]]:
    """Git packs that nothing is needed of; those that something is needed of, but not all; and what is needed of these.

    Where too much would be written anew, none: the needless objects that stay may need what is in a needless pack.
    """
    oids = {name: git.packs.oids(name) for name in git.packs.names()}
    needed = {name: [oid for oid in has if oid in live] for name, has in oids.items()}
    covered = {oid for name, has in oids.items() if len(needed[name]) == len(has) for oid in has}
    dead = {_git_key(name) for name, some in needed.items() if not some}
    mixed = [name for name, some in needed.items() if 0 < len(some) < len(oids[name])]
    left = list(dict.fromkeys(oid for name in mixed for oid in needed[name] if oid not in covered))
    count = sum(len(oids[name]) for name in mixed)
    if sum(map(git.packs.size, mixed)) > _GIT_ANEW and len(left) * 4 > count * 3:
        return set(), [], []
    return dead, mixed, left


def _halves(keys: list[str], git: BucketTransport) -> set[str]:
    """Git packs without an index, and indexes without a pack: what killed pushes left."""
    packs = {key.removesuffix(".pack") for key in keys if key.startswith(f"{GIT_PACKS}pack-") and key.endswith(".pack")}
    indexes = {key.removesuffix(".idx") for key in keys if key.startswith(f"{GIT_PACKS}pack-") and key.endswith(".idx")}
    if git.packs.damaged:
        return set()
    return {f"{one}.pack" for one in packs - indexes} | {f"{one}.idx" for one in indexes - packs}


def _git_key(name: str) -> str:
    return f"{GIT_PACKS}pack-{name}.pack"


def _both(key: str) -> tuple[str, ...]:
    """A Git pack's key with that of its index; any other key alone."""
    return (key, key.removesuffix(".pack") + ".idx") if key.startswith(GIT_PACKS) else (key,)


def _preview(
    there: _Remote,
    sizes: Mapping[str, int],
    due: Mapping[str, Doomed],
    waiting: Mapping[str, Doomed],
    named: set[str],
    plan: _Plan,
    grace: int,
) -> Preview:
    def amount(collections: Mapping[str, Doomed]) -> tuple[int, int]:
        keys = {key for doomed in collections.values() for key in doomed.keys if key in sizes}
        return len(keys), sum(sizes[key] for key in keys)

    anew = sum(there.shelf.place(digest)[1] for some in plan.sparse.values() for digest in some)
    anew += sum(map(there.git.packs.size, plan.git_mixed)) if plan.git_needed else 0
    size = sum(sizes.get(key, 0) for one in named for key in _both(one))
    count, total = len(sizes), sum(sizes.values())
    return Preview(there.store.url, amount(due), amount(waiting), len(named), size, anew, count, total, grace)


def _write_anew(there: _Remote, plan: _Plan) -> None:
    """Writes what is needed of packs that will go into new ones."""
    project = there.project
    if plan.git_needed:
        there.git.packs.send(plan.git_needed, project.repo.objects.pack_to)
    wanted = {digest for some in plan.sparse.values() for digest in some}
    if not wanted:
        return
    folder = f"{project.repo.objects.path}/.."
    came, cache = (Cache(f"{folder}/{name}", project.layout.hash_name) for name in ("came", "anew"))
    brought = Download(came, there.full, Contents(came), project.report).bring(wanted)
    with cache.writer() as writer:  # packs of their own, since those that came are to go
        for digest in sorted(wanted - brought.failed.keys()):
            writer.add_bytes(came.read(digest), is_dir=digest.is_dir)
    there.guarded.hidden.update(pack_key(pack) for pack in plan.sparse)
    there.guarded.hidden.update(key for key in plan.dead if key.startswith(PACKS))  # they may have the same, and go
    there.shelf.refresh()
    sent = Upload(cache, there.shelf, project.report).send(wanted)
    for sentence in {**brought.failed, **sent.failed}.values():
        raise Refused(f"What is needed of a pack cannot be written anew, so nothing is collected: {sentence}")


def _finish(there: _Remote, name: str, doomed: Doomed, keep: Keep, last: int | None) -> None:
    """Deletes what a collection named and nobody needs or claimed since."""
    collecting.mark(there.store, name)
    state = collecting.look(there.store)
    claimed = collecting.claimed(there.store, state, name)
    if claimed is not None:
        now = _look(there.project, there.remote, there.store)
        live = _live(now, keep, last)
        gone = _still_dead(now, doomed.keys - claimed, live)
        if any(key.startswith(GIT_PACKS) for key in claimed) or not _may_lose_git(now.git, live.oids):
            gone = {key for key in gone if not key.startswith(GIT_PACKS)}
        _delete(now, gone)
    collecting.end(there.store, name, there.project.world.clock.now()[0])


def _still_dead(there: _Remote, keys: frozenset[str], live: _Live) -> set[str]:
    """Those of the keys without which everything that is needed is still there."""
    visible = {info.key for info in there.guarded.list("objects/")}
    bare = {one for one in live.digests if there.shelf.pack_of(one) is None and loose_key(one) not in visible}
    kept = {loose_key(digest) for digest in bare}
    wanted = {key_of(digest) for digest in bare}
    kept |= {pack_key(pack) for pack, entries in there.full.packs().items() if wanted & entries.keys()}
    if any(key.startswith(native.INDEXES) for key in there.full.damaged):
        kept |= {pack_key(pack) for pack in there.full.undescribed()}
    return set(keys) - kept


def _may_lose_git(git: BucketTransport, live: set[Oid]) -> bool:
    """Whether the packs that pushers see hold everything that refs need, and nothing else."""
    there = {oid for name in git.packs.names() for oid in git.packs.oids(name)}
    return there == live and not git.packs.damaged


def _delete(there: _Remote, keys: set[str]) -> None:
    """Deletes: first what names things, then the things (law 1)."""
    packs = {key[len(PACKS) : -len(".pack")] for key in keys if key.startswith(PACKS)}
    there.full.forget(packs)
    order = sorted(keys, key=lambda key: (not key.endswith(".idx"), key))
    task = f"collecting {there.store.url}"
    for start in range(0, len(order), _BATCH):
        there.store.delete(order[start : start + _BATCH])
        there.project.report(Progress(task, min(start + _BATCH, len(order)), len(order), "files"))
    if order:
        there.project.report(Done(task))
