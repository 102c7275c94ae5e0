"""Checks all that a project keeps: the cache and Git's objects, byte by byte, and that refs have what they need.

What is damaged in the cache goes into quarantine, so that nobody is given it and a pull or an add brings it back;
nothing is deleted. ``repair`` gets back what is at hand: copies in packs, the trash, the workspace; indexes of sound
Git packs. Git's own damaged files stay where they are.

Limits: data that experiments name and that is not here is counted, and no problem: whoever pulls little has little.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple

from assay.engine import disk
from assay.engine.errors import AssayError, GitError
from assay.engine.git import objects, verify
from assay.engine.git.connected import Connected
from assay.engine.git.index import read_index
from assay.engine.git.loose import loose_path
from assay.engine.model import Artifact, Digest, Oid
from assay.engine.pipeline.present import artifact_now
from assay.engine.pipeline.tracked import TreeFiles, tracked_at
from assay.engine.project import Project
from assay.engine.store import verify as cache_verify
from assay.engine.store.collect import Touched, closure
from assay.engine.store.pack import digest_of, key_of

_NAMED = 20
_HERE = "the workspace"


class Need(NamedTuple):
    """Who needs something that is damaged: an experiment's name or a ref, and a path in it (empty: all of it)."""

    name: str
    path: str


@dataclass(frozen=True, slots=True)
class Bad:
    """One thing that is wrong.

    Attributes:
        kind: "artifact", "pack", "git object", "git pack", "git index" or "ref"; on a remote other files too.
        name: Which one: a digest, an id, a path, a ref.
        text: What is wrong, as a sentence.
        needs: Who needs it, the first twenty.
        is_repaired: Whether it is in order now.
        advice: What else can be done about it; empty when there is nothing to add.
    """

    kind: str
    name: str
    text: str
    needs: tuple[Need, ...] = ()
    is_repaired: bool = False
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check found.

    Attributes:
        bad: Everything that is or was wrong.
        absent: How many artifacts that refs name are not in the cache, damaged ones included.
    """

    bad: tuple[Bad, ...]
    absent: int

    @property
    def is_clean(self) -> bool:
        """Whether nothing is wrong, or nothing any more."""
        return all(found.is_repaired for found in self.bad)


def fsck(project: Project, *, repair: bool = False) -> Checked:
    """Checks everything.

    Args:
        project: The project.
        repair: Get back what is at hand.

    Raises:
        OSError: A folder cannot be listed.
    """
    in_git = _check_git(project, repair=repair)
    refs = _readable_refs(project)
    outs = _outs(project, refs)
    in_cache = list(_check_cache(project, outs, repair=repair))
    live: set[bytes] = set()
    with suppress(AssayError):
        closure(project.cache, {artifact.digest for named in outs.values() for artifact in named.values()}, live)
    absent = project.cache.missing(map(digest_of, live))
    if repair and absent:
        _restore(project, outs.get(_HERE, {}), absent)
        absent = project.cache.missing(absent)
    project.stat_cache.flush()
    return Checked((*in_git, *in_cache), len(absent))


def label(name: str) -> str:
    """What a person calls a ref."""
    if name.startswith("refs/exps/") and name.count("/") == 4:
        return name.rpartition("/")[2]
    return name.removeprefix("refs/heads/").removeprefix("refs/tags/").removeprefix("refs/")


def _check_git(project: Project, *, repair: bool) -> list[Bad]:
    repo = project.repo
    found: list[Bad] = []
    damage = verify.check(repo.objects.path, project.report)
    if repair:
        for each in damage:
            if each.mendable:
                with suppress(AssayError, OSError):
                    verify.mend_index(each.path)
        repo.objects.refresh()
    unreadable = frozenset(oid for each in damage for oid in each.objects if not _readable(project, oid))
    connected = Connected(repo, unreadable)
    refs, bad_refs = _check_refs(project, connected)
    lost = lost_by(connected, refs)
    restored = _restore_blobs(project, connected, refs) if repair and lost else set()
    for each in damage:
        kind = {".pack": "git pack", ".idx": "git index"}.get(each.path[each.path.rfind(".") :], "git object")
        gone = [oid for oid in each.objects if oid in unreadable and oid not in restored]
        if kind == "git object" and repair and unreadable.isdisjoint(each.objects):
            _set_aside(project, each.path)  # there is another copy
        mended = repair and not gone and (each.mendable or kind == "git object")
        needs = tuple(need for oid in each.objects for need in lost.get(oid, ()))
        name = each.objects[0].hex() if kind == "git object" and each.objects else each.path
        found.append(Bad(kind, name, each.text, needs[:_NAMED], mended))
        if kind == "git pack":
            found += [
                Bad("git object", oid.hex(), f"The Git object {oid.hex()} is damaged.", lost.get(oid, ()))
                for oid in gone
            ]
    told = {oid for each in damage for oid in each.objects}
    for oid, text in connected.problems.items():
        if oid not in told:
            found.append(Bad("git object", oid.hex(), text, lost.get(oid, ()), oid in restored))
    return [*found, *bad_refs]


def _readable(project: Project, oid: Oid) -> bool:
    try:
        project.repo.objects.read(oid)
    except AssayError:
        return False
    return True


def _set_aside(project: Project, path: str) -> None:
    """Moves a damaged loose object out of the way of a sound copy."""
    folder = f"{project.state}/quarantine"
    with suppress(OSError):
        disk.make_folders(folder)
        disk.rename(path, f"{folder}/{'-'.join(path.split('/')[-2:])}")


def _check_refs(project: Project, connected: Connected) -> tuple[dict[str, Oid], list[Bad]]:
    """Every ref that can be read, after everything it needs was looked at; and what is wrong with refs themselves."""
    repo, bad = project.repo, []
    refs: dict[str, Oid] = {}
    try:
        refs = dict(repo.refs.iterate())
    except GitError as error:
        bad.append(Bad("ref", "packed-refs", error.message))
        refs = {name: value for name, value in repo.refs.iterate_loose() if not isinstance(value, str)}
    bad += [Bad("ref", name, f"The ref {name} is damaged: its file names no object.") for name in repo.refs.damaged()]
    try:
        head = repo.head()
        if head is not None:
            refs.setdefault("HEAD", head)
    except GitError as error:
        bad.append(Bad("ref", "HEAD", error.message))
    if repo.config.get("extensions.partialClone"):
        return refs, bad
    for name, oid in refs.items():
        if connected.kind(oid) == 0:
            bad.append(Bad("ref", name, f"The ref {name} leads to {oid.hex()}, which is not here or damaged."))
        elif name.startswith("refs/heads/") and connected.kind(oid) != objects.COMMIT:
            bad.append(Bad("ref", name, f"The branch {name} leads to {oid.hex()}, which is no commit."))
        connected.lacks(oid)
    try:
        index = read_index(repo.index_path)
        for mode, oid in filter(None, map(index.item, index.offsets)):
            if mode != objects.MODE_GITLINK:
                connected.look_for(oid)
    except (AssayError, OSError) as error:
        bad.append(Bad("git index", repo.index_path, f"Git's index cannot be read: {error}."))
    return refs, bad


def lost_by(connected: Connected, refs: Mapping[str, Oid]) -> dict[Oid, tuple[Need, ...]]:
    """Who needs what is missing or damaged: experiments by their own files, else refs by their history."""
    found: dict[Oid, list[Need]] = {}
    if not connected.problems:
        return {}
    for name, oid in refs.items():
        for lost, path in connected.paths(oid) if connected.own(oid) else ():
            found.setdefault(lost, []).append(Need(label(name), path))
    for name, oid in refs.items():
        for lost in connected.lacks(oid):
            if lost not in found:
                found[lost] = [Need(f"the history of {label(name)}", "")]
    return {oid: tuple(needs[:_NAMED]) for oid, needs in found.items()}


def _restore_blobs(project: Project, connected: Connected, refs: Mapping[str, Oid]) -> set[Oid]:
    """Writes again those lost files of commits that the workspace still has, byte for byte."""
    restored = set()
    for oid in refs.values():
        for lost, path in connected.paths(oid) if connected.own(oid) else ():
            try:
                with open(f"{project.repo.worktree}/{path}", "rb") as file:
                    data = file.read()
            except OSError:
                continue
            if objects.object_id(objects.BLOB, data) == lost:
                _set_aside(project, loose_path(project.repo.objects.path, lost))
                project.repo.objects.write(objects.BLOB, data)
                restored.add(lost)
    return restored


def _readable_refs(project: Project) -> dict[str, Oid]:
    try:
        return dict(project.repo.refs.iterate())
    except GitError:
        return {}


def _outs(project: Project, refs: Mapping[str, Oid]) -> dict[str, Mapping[str, Artifact]]:
    """What the workspace and the tips of refs name, by who names it and path; what cannot be read names nothing."""
    found: dict[str, Mapping[str, Artifact]] = {}
    finder = TreeFiles(project.repo.objects)
    with suppress(AssayError):
        found[_HERE] = _workspace(project)
    for name, oid in refs.items():
        with suppress(AssayError):
            found[label(name)] = tracked_at(project, oid, finder).outs
    return found


def _workspace(project: Project) -> Mapping[str, Artifact]:
    from assay.engine.pipeline.discover import pipeline_files
    from assay.engine.pipeline.spec import ignored
    from assay.engine.pipeline.tracked import tracked

    return tracked(project.read, list(pipeline_files(project.root, ignored(project), lambda _: ())), project.root).outs


def _check_cache(project: Project, outs: Mapping[str, Mapping[str, Artifact]], *, repair: bool) -> Iterator[Bad]:
    cache = project.cache
    # who needs what is asked before anything moves: a damaged manifest tells nothing any more
    problems = cache_verify.fsck(cache, repair=False, report=project.report)
    lost = {digest for problem in problems for digest in problem.lost}
    needs = _needs(project, outs, lost)
    for problem in problems:
        if problem.path.endswith(".pack"):
            with suppress(OSError):  # already there, or in a cache that cannot be written
                cache.set_aside_pack(problem.path.rpartition("/")[2][:-5])
        else:
            cache.quarantine(problem.path)
    if repair and lost:
        _restore(project, outs.get(_HERE, {}), lost)
    cache.index.rescan()
    absent = cache.missing(lost) if repair else lost
    for problem in problems:
        if not problem.lost:
            yield Bad("pack" if problem.path.endswith(".pack") else "artifact", problem.path, problem.text)
        for digest in problem.lost:
            yield Bad("artifact", str(digest), problem.text, needs(digest), digest not in absent)


def _needs(
    project: Project, outs: Mapping[str, Mapping[str, Artifact]], lost: set[Digest]
) -> Callable[[Digest], tuple[Need, ...]]:
    """Tells who needs a lost object."""
    found: dict[Digest, list[Need]] = {}
    for digest in lost:
        touched = Touched(project.cache, {key_of(digest): 0})
        found[digest] = [
            Need(name, path) for name, named in outs.items() for path, out in named.items() if touched(out.digest)
        ]
    return lambda digest: tuple(found[digest][:_NAMED])


def _restore(project: Project, here: Mapping[str, Artifact], lost: set[Digest]) -> None:
    """Puts those outputs of the workspace into the cache that may have what was lost."""
    project.cache.missing(lost)  # the trash
    touched = Touched(project.cache, {key_of(digest): 0 for digest in lost})
    for path, artifact in here.items():
        if touched(artifact.digest) or artifact.digest in lost:
            with suppress(AssayError, OSError), project.cache.writer() as writer:
                artifact_now(project, path, writer)
