"""Experiments of a Git remote: pushed, pulled, listed, renamed and removed, with their data through the data remote.

The order is that of law 1: first the data of an experiment, then its objects, then its ref. Whoever wants the ref
without the data says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from assay.engine.errors import GitError, NameTaken, Refused, UnknownRevision, UsageError
from assay.engine.experiments.chosen import EXPERIMENTS, is_experiment
from assay.engine.experiments.dvcscope import Commits, baselines
from assay.engine.experiments.naming import problem_with
from assay.engine.git.reach import is_ancestor
from assay.engine.model import ExpRef, Oid, start_of
from assay.engine.ports import GitTransport, RefUpdate
from assay.engine.project import Project
from assay.remotes.choose import FEW, choose, folder_of, near
from assay.remotes.git import addresses
from assay.remotes.how import AS_USUAL, How
from assay.remotes.reachable import Reachable
from assay.remotes.refs import fetch_refs, publish_refs, write_experiments


class Shared(NamedTuple):
    """What became of experiments: full ref names, and how many files of data travelled.

    Attributes:
        done: Those whose refs are new on the other side.
        up_to_date: Those that were there already.
        diverged: Those that are something else there.
        files: Objects of data and entries of the run cache.
        failed: What is left, with a sentence each.
    """

    done: tuple[str, ...]
    up_to_date: tuple[str, ...]
    diverged: tuple[str, ...]
    files: int
    failed: Mapping[str, str]


def push(
    project: Project,
    git_remote: str,
    names: Sequence[str] = (),
    wanted: Commits | None = None,
    how: How = AS_USUAL,
    *,
    typed_in: str = "",
) -> Shared:
    """Publishes experiments to a Git remote.

    Args:
        project: The project.
        git_remote: A remote of Git's, a URL, or a path.
        names: Experiments, by name, full ref name, or the first digits of their commits.
        wanted: Whose experiments, where no names are given; those of HEAD when None.
        how: See `How`.
        typed_in: Absolute path of the folder that a path is relative to.

    Raises:
        UsageError: There is no such Git remote.
        UnknownRevision: There is no such experiment.
        ConfigError: The experiments have data and there is no data remote.
    """
    with _opened(project, git_remote, typed_in, push=True) as git:  # first, as the way there takes longest
        if how.artifacts:
            from assay.remotes.git import laden  # what carries data takes longer to import than refs to push
        refs = _chosen(project, _refs_here(project, names), names, wanted, "here")
        there = git.refs(list(refs)) if len(refs) <= FEW else git.refs([EXPERIMENTS])
        diverged = [
            name for name, oid in refs.items() if not how.force and _has_diverged(project, there.get(name), oid)
        ]
        ready = {name: oid for name, oid in refs.items() if name not in diverged}
        if how.artifacts:
            report = laden.push(project, git, ready, how)
            return Shared(report.refs, report.up_to_date, tuple(diverged), report.artifacts, report.failed)
        done = publish_refs(project, git, ready, force=how.force)
        return Shared(done.refs, done.up_to_date, tuple(diverged), 0, {**done.failed, **git.damaged})


def pull(
    project: Project,
    git_remote: str,
    names: Sequence[str] = (),
    wanted: Commits | None = None,
    how: How = AS_USUAL,
    *,
    typed_in: str = "",
) -> Shared:
    """Fetches experiments from a Git remote, their data into the cache. Arguments and errors are those of `push`."""
    with _opened(project, git_remote, typed_in) as git:
        refs = _chosen(project, git.refs, names, wanted, f"on {git_remote}")
        arrived, lost = fetch_refs(git, refs, project.repo.objects, Reachable(project.repo))
        here = {name: project.repo.refs.read(name) for name in arrived}
        diverged = [] if how.force else [name for name in here if _has_diverged(project, here[name], arrived[name])]
        good = {name: oid for name, oid in arrived.items() if name not in diverged}
        written = {name: oid for name, oid in good.items() if here[name] != oid}
        failed, files = {**lost, **git.damaged_refs}, 0
        if how.artifacts:
            from assay.remotes.git import laden

            report = laden.pull(project, git, good, written, how, f"exp pull from {git_remote}")
            good = {name: good[name] for name in report.refs}
            failed, files = {**failed, **report.failed}, report.artifacts
        else:
            write_experiments(project, written)
    done = tuple(name for name in good if name in written)
    return Shared(done, tuple(name for name in good if name not in written), tuple(diverged), files, failed)


def listed(
    project: Project, git_remote: str, wanted: Commits | None = None, *, typed_in: str = ""
) -> dict[Oid, list[tuple[str, Oid]]]:
    """The experiments of a Git remote by baseline, as (name, commit), sorted by name. Raises as `push`."""
    found: dict[Oid, list[tuple[str, Oid]]] = {}
    with _opened(project, git_remote, typed_in) as git:
        for name, oid in sorted(_chosen(project, git.refs, (), wanted, f"on {git_remote}").items()):
            baseline = start_of(name)
            if baseline is not None:
                found.setdefault(baseline, []).append((name.rpartition("/")[2], oid))
    return found


def remove(
    project: Project,
    git_remote: str,
    names: Sequence[str] = (),
    wanted: Commits | None = None,
    *,
    keep: bool = False,
    typed_in: str = "",
) -> tuple[list[str], Mapping[str, str]]:
    """Removes experiments from a Git remote; those here stay.

    Args:
        project: The project.
        git_remote: A remote of Git's, a URL, or a path.
        names: Experiments there.
        wanted: Whose experiments, where no names are given; those of HEAD when None.
        keep: Remove every experiment there except these.
        typed_in: Absolute path of the folder that a path is relative to.

    Returns:
        The full ref names that are gone, and what is left, with a sentence each.
    """
    with _opened(project, git_remote, typed_in, push=True) as git:
        refs = _chosen(project, git.refs, names, wanted, f"on {git_remote}")
        if keep:
            everything = _experiments(git.refs([EXPERIMENTS]))
            refs = {name: oid for name, oid in everything.items() if name not in refs}
        results = git.push([RefUpdate(name, oid, None) for name, oid in refs.items()], project.repo.objects)
    return (
        [result.refname for result in results if not result.problem],
        {result.refname: result.problem for result in results if result.problem},
    )


def rename(project: Project, git_remote: str, old: str, new: str, *, force: bool = False, typed_in: str = "") -> ExpRef:
    """Renames an experiment on a Git remote; those here stay as they are.

    Args:
        project: The project.
        git_remote: A remote of Git's, a URL, or a path.
        old: An experiment there.
        new: The name that it will have, below the same baseline.
        force: Replace an experiment there that has that name.
        typed_in: Absolute path of the folder that a path is relative to.

    Returns:
        Where it is now.

    Raises:
        UsageError: There is no such Git remote, or the experiment cannot have that name.
        UnknownRevision: There is no such experiment there.
        NameTaken: Its baseline has an experiment of the new name there, and ``force`` is off.
        GitError: The remote takes one of the two refs for itself; the old name is there as long as the new one is not.
    """
    problem = problem_with(new)
    if problem:
        raise UsageError(f"{new!r} cannot be the name of an experiment: {problem}.", "Choose another.")
    from assay.remotes.rehearsal import scratch

    with scratch(project) as other, _opened(other, git_remote, typed_in, push=True) as git:
        ((refname, commit),) = _chosen(project, git.refs, [old], None, f"on {git_remote}").items()
        baseline = start_of(refname)
        if baseline is None:
            raise Refused(f"{refname} is not an experiment.")
        ref = ExpRef(baseline, new)
        replaced = git.refs([ref.refname]).get(ref.refname)
        if ref.refname == refname:
            raise Refused(f"The experiment is called {new!r} already.")
        if replaced is not None and not force:
            raise NameTaken(f"{git_remote} has an experiment {new!r} of that commit already.", "Replace it with -f.")
        objects = other.repo.objects
        git.fetch([commit], objects, objects, complete=Reachable(other.repo))
        for update in (RefUpdate(ref.refname, replaced, commit), RefUpdate(refname, commit, None)):
            for result in git.push([update], objects):
                if result.problem:
                    raise GitError(f"{git_remote} does not take {update.refname}: {result.problem}")
    return ref


@contextmanager
def _opened(project: Project, name: str, typed_in: str, *, push: bool = False) -> Iterator[GitTransport]:
    address = addresses.find(project, name, typed_in=typed_in, push=push)
    git = addresses.connect(project, address, push=push, soon=True)
    try:
        yield git
    finally:
        git.close()


def _refs_here(project: Project, names: Sequence[str]) -> Callable[[Sequence[str]], Mapping[str, Oid]]:
    """This side's refs, asked for by their prefixes as a transport is asked for the other side's.

    Of a few names only those refs are looked at that have them, unless one is a commit's or nobody's.
    """
    refs = project.repo.refs
    few = near(refs, names)
    return lambda prefixes: few or dict(sorted(found for prefix in prefixes for found in refs.iterate(prefix)))


def _chosen(
    project: Project,
    refs: Callable[[Sequence[str]], Mapping[str, Oid]],
    names: Sequence[str],
    wanted: Commits | None,
    where: str,
) -> dict[str, Oid]:
    """The experiments of one side that are meant; ``refs`` gives that side's refs with some prefixes."""
    meant = wanted or Commits()
    if meant.commits:
        return _experiments(refs([EXPERIMENTS]))
    if not names:
        return _experiments(refs([folder_of(baseline) for baseline in baselines(project, meant)]))
    try:
        return choose(names, _experiments(refs([EXPERIMENTS])), project.repo.head(), where)
    except UnknownRevision as error:
        bad = next((name for name in names if f"{name!r}" in error.message), names[0])
        raise UnknownRevision(f"'{bad}' is not a valid experiment name. {error.message}", error.hint) from error


def _experiments(refs: Mapping[str, Oid]) -> dict[str, Oid]:
    return {name: oid for name, oid in refs.items() if is_experiment(name)}


def _has_diverged(project: Project, before: Oid | None, after: Oid) -> bool:
    """Whether an experiment is another one than before, and does not go on from it."""
    objects = project.repo.objects
    if before in (None, after):
        return False
    return before not in objects or not is_ancestor(objects, before, after, shallow=project.repo.shallow)
