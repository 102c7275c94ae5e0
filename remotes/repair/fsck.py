"""Checks a remote: everything that is there is what its name says, and everything that its refs need is there.

Every byte is read and hashed, as `fsck` does at home; with ``fast`` only names, sizes and what says which things there
are. Nothing is believed of local copies. Manifests and commits of others are brought to this side when they say what
else must be there, as `pull` would bring them; no ref is written.

Limits: a ref that was deleted, or a statement that is gone, leaves no trace. What a Git server keeps is checked there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import NamedTuple

from assay.engine import disk
from assay.engine.errors import AssayError
from assay.engine.events import Done
from assay.engine.experiments.fsck import Bad, Checked, Need, label, lost_by
from assay.engine.git.connected import Connected
from assay.engine.model import Artifact, Digest, Oid
from assay.engine.pipeline.tracked import TreeFiles, tracked_at
from assay.engine.ports import RemoteStore
from assay.engine.project import Project
from assay.engine.store.collect import Touched
from assay.engine.store.pack import key_of
from assay.remotes.artifacts import native
from assay.remotes.artifacts.contents import Contents
from assay.remotes.bucket.notes import BucketNotes
from assay.remotes.bucket.refs import BucketRefs
from assay.remotes.bucket.shallow import BucketShallow
from assay.remotes.gitremotes import git_remote
from assay.remotes.layouts import artifacts_on, copies_of, git_transport, holdings
from assay.remotes.moves import is_shareable
from assay.remotes.reachable import Reachable
from assay.remotes.refs import fetch_refs
from assay.remotes.registry import Remote, find, open_store
from assay.remotes.repair import check_git
from assay.remotes.repair.check_data import Artifacts, Way
from assay.remotes.repair.check_git import Held, Packs
from assay.remotes.repair.damage import Damage, NoCopies, keys_on

_SHARED = ("refs/heads/", "refs/tags/", "refs/exps/")
_NAMED = 20


class Found(NamedTuple):
    """All that a check found out.

    Attributes:
        refs: The refs of the remote.
        damages: What is wrong with single keys.
        artifacts: The artifacts that are there.
        packs: The Git packs that are there; None where experiments travel through Git.
        outs: What each ref needs, by its full name and path.
        needed: Everything that refs need, with all below it.
        lost_objects: Git objects that refs need and that are not there, with who needs them.
    """

    refs: Mapping[str, Oid]
    damages: list[Damage]
    artifacts: Artifacts
    packs: Packs | None
    outs: Mapping[str, Mapping[str, Artifact]]
    needed: set[Digest]
    lost_objects: Mapping[Oid, tuple[Need, ...]]

    @property
    def lost(self) -> set[Digest]:
        """The artifacts that refs need and that are not there."""
        return self.needed - self.artifacts.held


def fsck_remote(project: Project, name: str | None = None, *, fast: bool = False, repair: bool = False) -> Checked:
    """Checks a remote.

    Args:
        project: The project on this side.
        name: The remote; the default one when None.
        fast: Read names, sizes and what says which things there are, instead of every byte.
        repair: Move what is damaged aside on the remote, and send again what this side has.

    Raises:
        ConfigError: There is no such remote.
        RemoteError: It cannot be read, or holds nothing of ours.
    """
    remote = find(project, name)
    store = open_store(remote)
    try:
        folder = f"{project.state}/incoming"
        disk.make_folders(folder)
        way = Way(store, remote.jobs, folder, fast, project.cache.size, project.report)
        found = look(project, remote, way)
        bad = list(told(project, found))
        if repair and bad:
            from assay.remotes.repair.mend import mend

            return mend(project, remote, way, found, bad)
        return Checked(tuple(bad), len(found.lost))
    finally:
        store.close()


def look(project: Project, remote: Remote, way: Way) -> Found:
    """Reads a remote and says what is there and what is not. Raises RemoteError."""
    keys = keys_on(way.store)
    damages: list[Damage] = []
    artifacts = artifacts_on(project, way, keys)
    if git_remote(project, remote):
        refs, lost, packs = _through_git(project, remote, way.store, damages), {}, None
    else:
        packs = check_git.packs_on(way, keys, project.repo.objects)
        refs = _refs(project, way, keys, damages)
        lost = _lost_objects(project, way, refs, packs, damages)
        damages += packs.damages
    way.report(Done(f"checking {way.store.url}"))
    outs = _outs(project, refs, remote)
    needed = _needed(project, remote, way.store, outs, artifacts)
    return Found(refs, [*damages, *artifacts.damages], artifacts, packs, outs, needed, lost)


def _through_git(project: Project, remote: Remote, store: RemoteStore, damages: list[Damage]) -> dict[str, Oid]:
    """The experiments of the Git repository beside a remote; their commits are brought."""
    git = git_transport(project, store, remote)
    try:
        there = {name: oid for name, oid in git.refs(_SHARED).items() if is_shareable(name)}
        arrived, failed = fetch_refs(git, there, project.repo.objects, Reachable(project.repo))
        damages += [Damage("ref", name, f"{name} of {git.url}: {why}") for name, why in failed.items()]
        return dict(arrived)
    finally:
        git.close()


def _refs(project: Project, way: Way, keys: Mapping[str, int], damages: list[Damage]) -> dict[str, Oid]:
    """The refs of a bucket, and what is wrong with the files that say so."""
    layout, world = project.layout, project.world
    bucket = BucketRefs(way.store, NoCopies(), layout.hash_name, world.clock, world.ids, way.jobs)
    refs = dict(bucket.read(_SHARED).values)
    head = bucket.head()
    branches = [name for name in refs if name.startswith("refs/heads/")]
    if head is None and native.GIT_HEAD not in keys and branches:
        text = f"{native.GIT_HEAD} is gone, so a clone finds no branch."
        damages.append(Damage("ref", native.GIT_HEAD, text, is_gone=True))
    for name, sentence in bucket.damaged.items():
        damages.append(Damage("statement" if name.startswith(native.GIT_REFS) else "ref", name, sentence))
    key = "" if head is None else head.replace("refs/", "git/", 1)
    if head is not None and head not in refs and key not in bucket.damaged:
        damages.append(Damage("ref", key, f"{native.GIT_HEAD} names {head}, which is gone.", is_gone=True))
    notes = BucketNotes(way.store, NoCopies(), layout.hash_name, way.jobs)
    notes.read()
    damages += [Damage("tags and notes", name, sentence) for name, sentence in notes.damaged.items()]
    return refs


def _lost_objects(
    project: Project, way: Way, refs: Mapping[str, Oid], packs: Packs, damages: list[Damage]
) -> dict[Oid, tuple[Need, ...]]:
    """The Git objects that refs need and that no sound pack has."""
    here = project.repo.objects

    def bring(name: str) -> None:
        check_git.read_pack(way, name, here)

    shallow = BucketShallow(way.store, NoCopies(), project.layout.hash_name, way.jobs)
    connected = Connected(Held(packs.held, here, bring, shallow.read()))
    damages += [Damage("list of shallow commits", key, text) for key, text in shallow.damaged.items()]
    for oid in refs.values():
        connected.lacks(oid)
    needs = lost_by(connected, refs)
    return {oid: needs.get(oid, ()) for oid in connected.problems}


def _outs(project: Project, refs: Mapping[str, Oid], remote: Remote) -> dict[str, Mapping[str, Artifact]]:
    """What each ref needs of this remote; nothing where its commit cannot be read here."""
    finder = TreeFiles(project.repo.objects)
    known: dict[Oid, Mapping[str, Artifact]] = {}
    for oid in refs.values():
        if oid not in known:
            known[oid] = {}
            with suppress(AssayError):
                tracked = tracked_at(project, oid, finder)
                known[oid] = {
                    path: artifact
                    for path, artifact in tracked.outs.items()
                    if path not in tracked.kept_here
                    and path not in tracked.imported
                    and tracked.remotes.get(path, remote.name) == remote.name
                }
    return {name: known[oid] for name, oid in refs.items()}


def _needed(
    project: Project,
    remote: Remote,
    store: RemoteStore,
    outs: Mapping[str, Mapping[str, Artifact]],
    artifacts: Artifacts,
) -> set[Digest]:
    """Everything that refs need, and on a remote of DVC's layout what the listings there name."""
    roots = {artifact.digest for named in outs.values() for artifact in named.values()} | artifacts.roots
    project.cache.keep_lent(roots)
    contents = Contents(project.cache)
    held = holdings(project, store, remote, copies_of(project, remote))
    _, closed = contents.walk(roots)
    if closed & artifacts.held:
        held.bring(closed & artifacts.held, contents, only_manifests=True)
    return contents.walk(roots)[0]


def told(project: Project, found: Found) -> Iterable[Bad]:
    """What was found, with who needs it: keys that are damaged first, then what is missing without any."""
    for damage in found.damages:
        lost = damage.artifacts & found.lost
        needs = (*needs_of(project, found, lost), *_of_objects(found, damage.objects))
        yield Bad(damage.kind, damage.key, damage.text, tuple(dict.fromkeys(needs))[:_NAMED])
    explained = {digest for damage in found.damages for digest in damage.artifacts}
    for digest in sorted(found.lost - explained):
        needs = needs_of(project, found, {digest})
        yield Bad("artifact", str(digest), f"{digest} is not on the remote.", needs)
    told_objects = {oid for damage in found.damages for oid in damage.objects}
    tips = {oid: name for name, oid in found.refs.items()}
    for oid in sorted(found.lost_objects.keys() - told_objects):
        if oid in tips:
            text = f"{tips[oid]} leads to {oid.hex()}, which is not on the remote."
            yield Bad("ref", tips[oid], text, found.lost_objects[oid])
        else:
            text = f"The Git object {oid.hex()} is not on the remote."
            yield Bad("git object", oid.hex(), text, found.lost_objects[oid])


def _of_objects(found: Found, oids: Iterable[Oid]) -> list[Need]:
    return [need for oid in oids for need in found.lost_objects.get(oid, ())]


def needs_of(project: Project, found: Found, digests: Iterable[Digest]) -> tuple[Need, ...]:
    """Who needs one of these artifacts, the first twenty."""
    touched = Touched(project.cache, {key_of(digest): 0 for digest in digests})
    needs: list[Need] = []
    for name, named in found.outs.items():
        for path, artifact in named.items():
            if len(needs) < _NAMED and touched(artifact.digest):
                needs.append(Need(label(name), path))
    return tuple(needs)


def makers(project: Project, found: Found, needs: Iterable[Need]) -> list[str]:
    """Who made the experiments that need something, and so may have it."""
    names = {need.name.removeprefix("the history of ") for need in needs}
    people: dict[str, None] = {}
    for name, oid in found.refs.items():
        if label(name) in names:
            with suppress(AssayError):
                author = project.repo.objects.read_commit(oid).author
                people[f"{author.name} <{author.email}>"] = None
    return list(people)
