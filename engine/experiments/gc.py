"""Takes what nobody needs out of the cache, into a trash that is emptied after a grace.

Everything is found out and told first; then a person may say no; then an undo record is written and things move. The
data of experiments, branches and tags that no flag names goes too, as the flags say, but never unsaid and never at
once: it is counted and named, and lies in the trash until the grace is over. Where a remote is asked, what is needed
and has another copy there goes, too; directories stay, so that what is needed below them is known the next time.

Limits: what other projects that share the cache need is known only of those that are named.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import NamedTuple

from assay.engine import disk
from assay.engine.errors import RefConflict, Refused, UsageError
from assay.engine.events import Done, Progress, Reporter, Warned
from assay.engine.experiments.keeping import Keep, Selection, select
from assay.engine.experiments.needs import Needs, of_state, workspaces
from assay.engine.locks import FileLock
from assay.engine.model import Digest, Oid
from assay.engine.project import Project
from assay.engine.store.collect import Survey, Touched, closure, survey, sweep, take
from assay.engine.store.pack import digest_of, key_of
from assay.engine.store.trash import Bin, collection_lock
from assay.engine.vocabulary import seconds
from assay.engine.workspace import undo

_LOOKING, _MOVING = "looking for what is needed", "collecting"
_TELL_EVERY = 250
_NAMED = 3

Elsewhere = Callable[[Iterable[Digest]], set[Digest]]
"""Tells which of these objects have another copy that can be fetched at this moment."""


class Loss(NamedTuple):
    """Who loses data, although something still names it.

    Attributes:
        experiments: Names of experiments.
        refs: Short names of branches, tags and other refs.
        commits: How many other commits.
        objects: How many objects they lose.
        size: The bytes of those.
    """

    experiments: tuple[str, ...]
    refs: tuple[str, ...]
    commits: int
    objects: int
    size: int


@dataclass(frozen=True, slots=True)
class Preview:
    """What a collection would do.

    Attributes:
        objects: How many objects would go.
        size: Their bytes.
        all_objects: How many the cache has.
        all_size: Their bytes.
        loss: What of that something still names.
        fresh: Number and bytes of what stays because it is new.
        held: Bytes that stay for the sake of undo records and other state alone.
        unknown: How many kept directories have no manifest here, so that what they need is not known.
        expired: Earlier collections whose grace is over.
        expired_size: What they take.
        grace: Seconds that the trash keeps things.
        for_good: Whether the trash is emptied at once.
        elsewhere: Number and bytes of what would go and has another copy.
    """

    objects: int
    size: int
    all_objects: int
    all_size: int
    loss: Loss
    fresh: tuple[int, int]
    held: int
    unknown: int
    expired: tuple[Bin, ...]
    expired_size: int
    grace: float
    for_good: bool
    elsewhere: tuple[int, int] = (0, 0)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return not self.objects and not self.expired


def gc(
    project: Project,
    keep: Keep,
    *,
    others: Sequence[Project] = (),
    dry: bool = False,
    empty_trash: bool = False,
    elsewhere: Elsewhere | None = None,
    tell: Callable[[Preview], None] = lambda _: None,
    ask: Callable[[], bool] | None = None,
) -> bool:
    """Collects what nobody needs.

    Args:
        project: The project whose cache it is.
        keep: What is kept.
        others: Other projects with the same cache, for which the same is kept.
        dry: Change nothing.
        empty_trash: Do not wait for the grace; what goes cannot come back.
        elsewhere: Asked what has another copy; that goes although it is needed. None where nobody is asked.
        tell: Hears what would happen before anything does.
        ask: Whether to go on; None for no question.

    Returns:
        Whether it was done; False when a dry run or a person said no.

    Raises:
        UsageError: No flag says what to keep, or they do not fit together.
        Refused: The needs of something that is kept cannot be told; or more became garbage while a person decided.
        Locked: Another collection is under way.
        AssayError: What ``elsewhere`` raises; nothing was collected.
    """
    if keep.is_empty:
        raise UsageError(
            "Say what to keep.", "`assay gc -w` keeps what the workspace needs; -a, -T, -A and others keep more."
        )
    if keep.number != 1 and not keep.revisions and not keep.branches:
        raise UsageError("-n counts commits of --rev or --all-branches, and neither is given.")
    everyone = (project, *others)
    if not others and not project.cache_folder.startswith(project.root + "/"):
        where = project.cache_folder
        project.report(Warned(f"{where} may be the cache of other projects too; -p names those whose data is to stay."))
    with collecting(project):
        found, preview = _plan(everyone, keep, elsewhere, empty_trash=empty_trash)
        tell(preview)
        if dry or preview.is_empty:
            return not dry
        if ask is not None:
            if not ask():
                return False
            now, _ = _plan(everyone, keep, elsewhere, empty_trash=empty_trash)
            if not now.dead.keys() <= found.dead.keys():
                raise Refused("More has become garbage meanwhile, so nothing was collected.", "Try again.")
            found = now
        _act(everyone, keep, elsewhere, found, preview)
    return True


@contextmanager
def collecting(project: Project) -> Iterator[None]:
    """Keeps other collections out of this cache meanwhile; readers and writers do not ask (law 4).

    DVC's writers do ask: they have no trash that gives back what was taken while they named it.

    Raises:
        Locked: One is under way.
        AssayError: The cache cannot be written.
    """
    path = collection_lock(project.cache_folder)
    try:
        disk.make_folders(os.path.dirname(path))
    except OSError as error:
        raise disk.no_space(error, path) from error
    with FileLock(path, what="The cache", command=project.world.command), project.shared_locks.hold():
        yield


def _plan(
    everyone: Sequence[Project], keep: Keep, elsewhere: Elsewhere | None, *, empty_trash: bool
) -> tuple[Survey, Preview]:
    project = everyone[0]
    cache, now = project.cache, time.time()
    grace, fresh = (_setting(project, name, usual) for name, usual in (("grace", "14d"), ("fresh", "1h")))
    chosen = [(each, select(each, keep)) for each in everyone]
    live, for_state, unknown = _live(chosen, keep, elsewhere)
    bins = cache.trash.bins()
    if bins:  # what is needed comes out of the trash before any of it is emptied
        cache.missing(map(digest_of, live))
    found = survey(cache, live, now - fresh, for_state)
    copied = _copied(found.dead, elsewhere)
    expired = tuple(old for old in bins if empty_trash or old.time + grace <= now)
    return found, Preview(
        objects=len(found.dead),
        size=found.dead_size,
        all_objects=found.count,
        all_size=found.size,
        loss=_loss(chosen, {key: size for key, size in found.dead.items() if key not in copied}),
        fresh=found.fresh,
        held=found.held,
        unknown=unknown,
        expired=expired,
        expired_size=sum(cache.trash.size(old.id) for old in expired),
        grace=grace,
        for_good=empty_trash,
        elsewhere=(len(copied), sum(found.dead[key] for key in copied)),
    )


def _live(
    chosen: Sequence[tuple[Project, Selection]], keep: Keep, elsewhere: Elsewhere | None
) -> tuple[set[bytes], set[bytes], int]:
    """What is to stay; what of that only state needs; how many manifests of what is needed are missing."""
    needed: set[bytes] = set()
    cache = chosen[0][0].cache
    unknown = closure(cache, roots(chosen, keep), needed)
    if elsewhere is not None:
        needed -= _copied((key for key in needed if not digest_of(key).is_dir), elsewhere)
        needed |= {
            key_of(digest) for each, _ in chosen for root in workspaces(each) for digest in Needs(each).linked(root)
        }
    for_state: set[bytes] = set()
    for project, _ in chosen:
        needs = Needs(project)
        closure(cache, of_state(project, needs), for_state)
        if not keep.skip_failed:
            _refuse(needs, "--skip-failed goes on without it.")
    return needed | for_state, for_state - needed, len(unknown)


def _copied(keys: Iterable[bytes], elsewhere: Elsewhere | None) -> set[bytes]:
    """Those of these objects that have another copy."""
    return set() if elsewhere is None else {key_of(digest) for digest in elsewhere(map(digest_of, keys))}


def _setting(project: Project, name: str, usual: str) -> float:
    return seconds(f"gc.{name}", project.config.get("gc", name) or usual)


def roots(chosen: Sequence[tuple[Project, Selection]], keep: Keep) -> set[Digest]:
    """What workspaces and kept commits of some projects need. Raises Refused where that cannot be told."""
    found: set[Digest] = set()
    for project, selection in chosen:
        needs = Needs(project)
        for root in workspaces(project):
            found |= needs.of_workspace(root)
        _refuse(needs)  # what the workspace needs is never left to chance
        for commit in _told(project.report, selection.kept):
            found |= needs.of_commit(commit)
        if keep.skip_failed:
            for where, problem in needs.problems.items():
                project.report(Warned(f"What {where} needs is not known, and is not kept: {problem}"))
        else:
            _refuse(needs, "--skip-failed goes on without it.")
    return found


def _refuse(needs: Needs, hint: str = "") -> None:
    for where, problem in needs.problems.items():
        raise Refused(f"What {where} needs is not known, so nothing was collected: {problem}", hint)


def _told(report: Reporter, commits: frozenset[Oid]) -> Iterator[Oid]:
    """The commits in a fixed order, with progress told now and then."""
    for count, commit in enumerate(sorted(commits), 1):
        if count % _TELL_EVERY == 0:
            report(Progress(_LOOKING, count, len(commits), "experiments"))
        yield commit
    if len(commits) >= _TELL_EVERY:
        report(Done(_LOOKING))


def _loss(chosen: Sequence[tuple[Project, Selection]], dead: dict[bytes, int]) -> Loss:
    """Who would lose what goes and is nowhere else."""
    if not dead:
        return Loss((), (), 0, 0, 0)
    touched = Touched(chosen[0][0].cache, dead)
    experiments, refs, commits = [], [], 0
    for project, selection in chosen:
        needs = Needs(project)

        def loses(commit: Oid, needs: Needs = needs) -> bool:
            return sum(map(touched, needs.of_commit(commit))) > 0  # each is to be asked

        for name, chain in selection.experiments.items():
            if sum(map(loses, chain)) > 0:
                experiments.append(name.rpartition("/")[2])
        refs += [_short(name) for name, commit in selection.refs.items() if loses(commit)]
        commits += sum(loses(commit) for commit in sorted(selection.history))
    size = sum(dead[key] for key in touched.lost)
    return Loss(tuple(experiments), tuple(refs), commits, len(touched.lost), size)


def _short(name: str) -> str:
    for prefix in ("refs/heads/", "refs/tags/", "refs/remotes/", "refs/"):
        if name.startswith(prefix):
            return name[len(prefix) :]
    return name


def _act(everyone: Sequence[Project], keep: Keep, elsewhere: Elsewhere | None, found: Survey, preview: Preview) -> None:
    project = everyone[0]
    trash, now = project.cache.trash, int(time.time())
    for old in preview.expired:
        _empty(project, old.id)
    sweep(project.cache, now)
    if not found.dead:
        return
    command = project.world.command.removeprefix("assay ")
    new = Bin(f"{now}-{project.world.ids.nonce()}", now, command, len(found.dead), found.dead_size)
    path = trash.begin(new)
    if not preview.for_good:
        undo.remember(project, command, trash=new.id)
    done = 0

    def told(size: int) -> None:
        nonlocal done
        done += size
        project.report(Progress(_MOVING, done, None, "B"))

    try:
        take(project.cache, found, path, told)
    except OSError as error:
        raise disk.no_space(error, project.cache_folder) from error
    project.report(Done(_MOVING))
    if preview.for_good:
        live, _, _ = _live([(each, select(each, keep)) for each in everyone], keep, elsewhere)
        project.cache.missing(map(digest_of, live))  # what a command that ran meanwhile has named comes back
        trash.empty(new.id)


def _empty(project: Project, bin_id: str) -> None:
    """Deletes a collection for good, and the undo record that would bring it back."""
    with suppress(Refused, RefConflict):
        for record in undo.records(project):
            if record.trash == bin_id:
                undo.forget(project, record)
    project.cache.trash.empty(bin_id)
