"""Makes a project out of what was shared: history, experiments, tags and notes, files and data.

The folder is either complete in the end or gone: whatever was made is removed when something fails. Only where data
alone was missing when somebody interrupted it, it stays, and `pull` goes on. Single things that the remote has damaged
are left out and listed.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from assay.engine import disk
from assay.engine.errors import CorruptRemote
from assay.engine.events import Note, Reporter, silent
from assay.engine.experiments.chosen import EXPERIMENTS, is_experiment
from assay.engine.experiments.init import init
from assay.engine.git.repository import Repository
from assay.engine.git.trees import walk_tree
from assay.engine.git.worktree import checkout_tree
from assay.engine.layout import ProjectLayout
from assay.engine.model import Oid, start_of
from assay.engine.ports import RemoteStore, Report
from assay.engine.project import Project, World, open_project
from assay.engine.words import counted
from assay.remotes.artifacts.freight import Places
from assay.remotes.artifacts.native import GIT_HEAD
from assay.remotes.branches import HEADS
from assay.remotes.bucket.transport import BucketTransport
from assay.remotes.copies import Copies
from assay.remotes.depth import UNLIMITED, within
from assay.remotes.exchange import StoreExchange, notes_on, shared
from assay.remotes.layouts import bucket, found_on
from assay.remotes.newfolder import Made, check_new, new_folder
from assay.remotes.reachable import Reachable
from assay.remotes.refs import fetch_refs, write_experiments
from assay.remotes.registry import Remote, default_name, find, is_proxied, keep_local, located, open_store
from assay.remotes.remarks import take
from assay.remotes.stores.watched import watched
from assay.remotes.workspace import check_out, tracked_here

NAME = "origin"
"""What the remote is called in a clone."""

_TAGS = "refs/tags/"


@dataclass(frozen=True, slots=True)
class Cloned:
    """What was made.

    Attributes:
        root: Absolute path of the project.
        url: Where it came from, without credentials.
        branch: The branch that is checked out, its short name; None when the remote has none.
        report: What came, and what is left and why.
    """

    root: str
    url: str
    branch: str | None
    report: Report


@dataclass
class _Making:
    """A clone under way."""

    folder: str
    world: World
    report: Reporter
    remote: Remote
    store: RemoteStore
    layout: ProjectLayout
    depth: int | None
    artifacts: bool
    objects: int = 0
    size: int = 0
    failed: dict[str, str] = field(default_factory=dict)


def clone(
    url: str,
    folder: str,
    world: World,
    report: Reporter = silent,
    *,
    typed_in: str = "/",
    settings: Mapping[str, str] | None = None,
    depth: int | None = None,
    artifacts: bool = True,
) -> Cloned:
    """Makes a project from a remote.

    Args:
        url: A folder or ``s3://bucket/prefix``.
        folder: Absolute path of the new project; it must be empty or not exist.
        world: What only the outside knows.
        report: Where events go.
        typed_in: Absolute path of the folder that a relative ``url`` is relative to.
        settings: The remote's other settings ("endpointurl"), kept in the clone's local configuration.
        depth: How many commits of the history of HEAD's branch come, with their experiments; None for everything.
        artifacts: Whether data comes along; `pull` brings it later.

    Raises:
        Refused: The folder is not empty.
        UsageError: No remote can have that URL.
        RemoteError: The remote cannot be used, or holds nothing of ours; nothing was left behind.
    """
    remote = Remote(NAME, located(url, typed_in), settings or {}, not is_proxied(world.environment))
    check_new(folder)
    store = watched(open_store(remote), report)
    try:
        making = _Making(folder, world, report, remote, store, found_on(store), depth, artifacts)
        with new_folder(folder) as made:
            return _make(making, made)
    finally:
        store.close()


def _make(making: _Making, made: Made) -> Cloned:
    repo = Repository.init(making.folder, making.world.git_config, making.world.environment)
    try:
        branch = _bring_history(making, repo)
        head = repo.head()
        root = making.folder if head is None else _root(making, repo, head)
        if head is not None:
            tree = repo.objects.read_commit(head).tree
            checkout_tree(repo, None, tree, write_index=True, report=making.report)
    finally:
        repo.close()
    if not os.path.isdir(f"{root}/{making.layout.marker}"):
        init(root, making.world, making.layout, subdir=True)
    _remember(making, root)
    project = open_project(root, making.world, making.report)
    try:
        with made.lacks_data(root, making.report):
            return _fill(making, project, branch)
    finally:
        project.close()


def _bring_history(making: _Making, repo: Repository) -> str | None:
    """Brings the commits of branches and tags, writes their refs, and returns the short name of HEAD's branch."""
    state = f"{repo.common_dir}/assay"
    git = BucketTransport(
        making.store, making.layout.hash_name, Copies(f"{state}/clone"), f"{state}/incoming", repo.objects.pack_to,
        making.world.clock, making.world.ids, here=repo, jobs=making.remote.jobs, report=making.report,
    )  # fmt: skip
    head = git.head()
    refs, damaged = _bring_refs(making, git, repo, head)
    making.failed.update({**git.damaged_refs, **damaged})
    if head is not None and head not in refs:
        why = damaged.get(head) or git.damaged_refs.get(head.replace("refs/", "git/", 1), "there is no such branch.")
        raise CorruptRemote(f"{making.store.url} says that its branch is {head}, but {why[0].lower()}{why[1:]}")
    if head is None and GIT_HEAD not in git.damaged_refs and any(name.startswith(HEADS) for name in refs):
        text = f"{GIT_HEAD} is gone, so no branch is checked out. `assay fsck --remote --repair` writes it again."
        making.failed[GIT_HEAD] = text
    with repo.refs.transaction() as change:
        for name, oid in refs.items():
            change.create(name.replace(HEADS, f"refs/remotes/{NAME}/", 1), oid)
        if head is not None:
            change.create(head, refs[head])
    if head is not None:
        repo.refs.set_head(head)
    disk.remove_tree(f"{state}/clone")
    making.objects, making.size = git.objects, git.size
    if head is None:
        making.report(Note(f"{making.store.url} has no branch; only experiments were cloned."))
        return None
    return head.removeprefix(HEADS)


def _bring_refs(
    making: _Making, git: BucketTransport, repo: Repository, head: str | None
) -> tuple[Mapping[str, Oid], Mapping[str, str]]:
    """Brings branches and tags; with a depth the branch of HEAD, and the tags of what came with it."""
    there = git.refs([HEADS, _TAGS])
    if making.depth is None or head is None or head not in there:
        return fetch_refs(git, there, repo.objects, lambda _: False)
    git.depth = making.depth
    refs, damaged = fetch_refs(git, {head: there[head]}, repo.objects, lambda _: False)
    reach = within(repo.objects, refs.values(), UNLIMITED, repo.shallow)
    tags = {name: oid for name, oid in there.items() if name.startswith(_TAGS) and oid in reach.inside | reach.edge}
    return {**tags, **refs}, damaged


def _root(making: _Making, repo: Repository, head: Oid) -> str:
    """Where the project lies in the commit's tree: the folder of its uppermost configuration file."""
    tree, name = repo.objects.read_commit(head).tree, making.layout.config[0]
    marked = [path for path, _, _ in walk_tree(repo.objects, tree) if f"/{path}".endswith(f"/{name}")]
    if not marked:
        return making.folder
    above = min(marked, key=lambda path: (path.count("/"), path)).removesuffix(name).rstrip("/")
    return f"{making.folder}/{above}" if above else making.folder


def _remember(making: _Making, root: str) -> None:
    """Makes the place that was cloned the default remote, unless the project's own configuration says so already."""
    project = open_project(root, making.world)
    try:
        name = default_name(project)
        known = find(project, name) if name in project.config.named("remote") else None
        if known is None or known.url != making.remote.url:
            keep_local(project, making.remote, default=True)
        elif making.remote.settings:
            keep_local(project, making.remote._replace(name=known.name), default=False)
    finally:
        project.close()


def _fill(making: _Making, project: Project, branch: str | None) -> Cloned:
    """Brings experiments and data into a project whose files are there."""
    git, notes = bucket(project, making.store, making.remote), notes_on(project, making.store, making.remote)
    exchange = StoreExchange(project, git, Places(project, opened=(making.remote, making.store)), notes)
    there = exchange.git.refs([EXPERIMENTS])
    experiments = {name: oid for name, oid in there.items() if is_experiment(name)}
    if making.depth is not None:
        experiments = _near(making, project, experiments)
    data = shared(tracked_here(project)) if making.artifacts else {}
    fetched = exchange.fetch(experiments, artifacts=making.artifacts, data=data)
    failed = {**making.failed, **exchange.git.damaged_refs, **fetched.failed}
    write_experiments(project, {name: experiments[name] for name in fetched.refs})
    failed.update(check_out(project, {path: data[path] for path in data if path not in failed}))
    objects, size = fetched.objects + making.objects, fetched.size + making.size
    report = fetched._replace(objects=objects, size=size, failed=failed)
    report = take(project, notes, "clone", report)
    return Cloned(project.root, making.store.url, branch, report)


def _near(making: _Making, project: Project, experiments: Mapping[str, Oid]) -> dict[str, Oid]:
    """The experiments whose baselines came."""
    is_here = Reachable(project.repo)
    near = {name: oid for name, oid in experiments.items() if (start := start_of(name)) is not None and is_here(start)}
    if left := len(experiments) - len(near):
        what = counted(left, "experiment")
        making.report(Note(f"{what} of older commits stayed behind; `assay pull -A` brings them."))
    return near
