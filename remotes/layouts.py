"""Which layout a remote has, and through what experiments travel: both follow from the project and its settings.

A native remote holds everything in assay's own layout. A remote of a DVC project holds artifacts exactly as DVC has
them, and below ``git/``, which DVC does not look at, what it takes to share experiments without a Git server. Where
there is one (``git-remote`` of the remote, or ``exp.git_remote``), experiments go there instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256
from typing import TYPE_CHECKING

from assay.engine import layout
from assay.engine.errors import ConfigError, Refused, RemoteError
from assay.engine.layout import ProjectLayout
from assay.engine.model import Digest
from assay.engine.ports import GitTransport, RemoteStore
from assay.engine.project import Project
from assay.remotes.artifacts import native
from assay.remotes.artifacts.holdings import Holdings
from assay.remotes.bucket.transport import BucketTransport
from assay.remotes.collect.guard import Guarded
from assay.remotes.copies import Copies
from assay.remotes.gitremotes import beside, git_remote
from assay.remotes.registry import Remote, find, open_store
from assay.remotes.stamps import Stamped

if TYPE_CHECKING:
    from assay.remotes.repair.check_data import Artifacts, Way

_NATIVE = "native"
_VERSIONED = "worktree", "version_aware"
_YES = "true", "yes", "on", "1"


def prepare(project: Project, store: RemoteStore) -> None:
    """Checks that a remote can be written for this project; an empty one becomes one of ours. Raises RemoteError."""
    if project.layout.remote_layout == _NATIVE:
        native.prepare(store, project.layout.hash_name)
    else:
        _refuse_native(store)


def require(project: Project, store: RemoteStore) -> None:
    """Checks that a remote is one for this project, before anything is read from it. Raises RemoteError."""
    if project.layout.remote_layout == _NATIVE:
        native.require(store, project.layout.hash_name)
    else:
        _refuse_native(store)


def suits(project: Project, store: RemoteStore) -> None:
    """Checks that a remote could be written for this project, and writes nothing. Raises RemoteError."""
    if project.layout.remote_layout == _NATIVE:
        native.suits(store, project.layout.hash_name)
    else:
        _refuse_native(store)


def guarded(project: Project, store: RemoteStore) -> RemoteStore:
    """A store as whoever publishes must see it: without what is about to be collected."""
    if project.layout.remote_layout != _NATIVE:
        return store
    return Guarded(store, project.layout.hash_name, project.world.ids)


def stamped(project: Project, store: RemoteStore, remote: Remote) -> RemoteStore:
    """A store as whoever relies on what is there must see it: without what was overwritten with something else."""
    return Stamped(store, copies_of(project, remote), project.layout.hash_name, remote.jobs, project.report)


def overwritten(store: RemoteStore) -> Mapping[str, str]:
    """What was found overwritten with something else through such a store, by key, with a sentence."""
    if isinstance(store, Guarded):
        store = store.store
    return dict(store.damaged) if isinstance(store, Stamped) else {}


def refuse_uncollected(project: Project) -> None:
    """Raises Refused for a project whose remotes others write too, who know nothing of collections."""
    if project.layout.remote_layout != _NATIVE:
        raise Refused(
            "A remote in DVC's layout is not collected in two phases: who pushes there with DVC would not notice.",
            "`assay-dvc gc -c` does it at once, when nobody pushes meanwhile.",
        )


def refuse_collected_at_once(project: Project) -> None:
    """Raises Refused for a project whose remotes are collected in two phases."""
    if project.layout.remote_layout == _NATIVE:
        raise Refused("-c is for remotes in DVC's layout.", "`assay gc --remote` collects one in assay's own.")


def found_on(store: RemoteStore) -> ProjectLayout:
    """The layout of the projects that share through a remote, for whoever has none yet.

    Raises:
        RemoteError: Nobody has shared a history there.
    """
    if native.read_marker(store) is None and store.size(native.GIT_HEAD) is not None:
        return layout.dvc()
    return layout.native(native.hash_of(store))


def _refuse_native(store: RemoteStore) -> None:
    if native.read_marker(store) is not None:
        raise RemoteError(
            f"{store.url} is in assay's own layout, which a DVC project cannot share.",
            "Use another URL, for example a folder below it.",
        )


def holdings(project: Project, store: RemoteStore, remote: Remote, copies: Copies) -> Holdings:
    """The artifacts on a remote, in the layout that remotes of this project have. Raises ConfigError."""
    refuse_versioned(remote)
    if project.layout.remote_layout == _NATIVE:
        from assay.remotes.artifacts.packed import PackedHoldings
        from assay.remotes.artifacts.shelf import Shelf

        hidden = store.hidden if isinstance(store, Guarded) else ()
        shelf = Shelf(store, copies, project.layout.hash_name, remote.jobs, hidden)
        return PackedHoldings(project.cache, shelf, project.report)
    from assay.remotes.artifacts.loose import LooseHoldings

    return LooseHoldings(project.cache, store, remote.jobs, project.report)


def artifacts_on(project: Project, way: Way, keys: Mapping[str, int]) -> Artifacts:
    """The artifacts on a remote, looked at one by one (`check_data`), in the layout that remotes of this project have.

    Raises:
        RemoteError: It cannot be read, or is none for this project.
    """
    from assay.remotes.repair import check_data

    if project.layout.remote_layout == _NATIVE:
        return check_data.packed(way, keys, project.layout.hash_name)
    _refuse_native(way.store)
    return check_data.dvc(way, keys)


def is_versioned(remote: Remote) -> bool:
    """Whether a remote's objects have the names of the workspace's files, and versions."""
    return bool(_versioned(remote))


def keeps_versions(project: Project, name: str | None) -> bool:
    """Whether the remote that a command is about is such a one; one that is not there is not."""
    try:
        return is_versioned(find(project, name))
    except ConfigError:  # what needs it will say so
        return False


def is_worktree(remote: Remote) -> bool:
    """Whether such a remote is to be as the workspace is."""
    return remote.settings.get(_VERSIONED[0], "").lower() in _YES


def refuse_versioned(remote: Remote) -> None:
    """Raises ConfigError for a remote whose objects have the names of the workspace's files."""
    if key := _versioned(remote):
        raise ConfigError(
            f"The remote {remote.name!r} is {key}: its files have the names of the workspace, whose data can be pushed "
            "there and pulled, and nothing else.",
            "Use another remote (-r).",
        )


def _versioned(remote: Remote) -> str:
    return next((key for key in _VERSIONED if remote.settings.get(key, "").lower() in _YES), "")


def known(project: Project, name: str | None = None) -> Callable[[Iterable[Digest]], set[Digest]]:
    """A function that tells which objects a remote has, each time as it is then.

    That a directory's manifest is there says nothing about its files: each object is looked for by its own name.

    Args:
        project: The project.
        name: The remote; the default one when None.

    Raises:
        ConfigError: There is no such remote.
    """
    remote = find(project, name)
    refuse_versioned(remote)

    def ask(digests: Iterable[Digest]) -> set[Digest]:
        store = stamped(project, open_store(remote), remote)
        try:
            require(project, store)
            return holdings(project, store, remote, copies_of(project, remote)).known(digests)
        finally:
            store.close()

    return ask


def copies_of(project: Project, remote: Remote) -> Copies:
    """Where local copies of a remote's indexes lie."""
    identity = sha256(f"{remote.url}\n{remote.settings.get('endpointurl', '')}".encode()).hexdigest()[:16]
    return Copies(f"{project.tmp}/remotes/{identity}")


def open_for(project: Project, remote: Remote) -> RemoteStore:
    """The store behind a remote; what is cut short on its way there is continued by this project's next push."""
    return open_store(remote, copies_of(project, remote).path("uploads"))


def git_transport(project: Project, store: RemoteStore, remote: Remote, *, write: bool = False) -> GitTransport:
    """What experiments travel through: the Git repository that is configured, else the remote store itself.

    Raises:
        UsageError: What is configured is no Git remote.
        GitError: It cannot be used.
    """
    return beside(project, remote, write=write) if git_remote(project, remote) else bucket(project, store, remote)


def bucket(project: Project, store: RemoteStore, remote: Remote) -> BucketTransport:
    """Git objects and refs below ``git/`` of a remote store."""
    repo, world = project.repo, project.world
    return BucketTransport(
        store, project.layout.hash_name, copies_of(project, remote), f"{project.state}/incoming", repo.objects.pack_to,
        world.clock, world.ids, here=repo, jobs=remote.jobs, report=project.report,
    )  # fmt: skip
