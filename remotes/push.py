"""Shares experiments, their data, their tags and notes, and the branch they start from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, NamedTuple

from assay.engine.errors import AssayError, UsageError
from assay.engine.experiments.chosen import Which
from assay.engine.model import Oid
from assay.engine.ports import Report
from assay.engine.project import Project
from assay.remotes.choose import chosen_here, is_own_choice, near
from assay.remotes.gitremotes import beside, git_remote, meant
from assay.remotes.how import AS_USUAL, How

if TYPE_CHECKING:
    from assay.remotes.artifacts.freight import Data
    from assay.remotes.registry import Remote


class Pushed(NamedTuple):
    """What went where: the remote's name and URL, and the report."""

    remote: str
    url: str
    report: Report


def push(
    project: Project,
    names: Sequence[str] = (),
    *,
    remote: str | None = None,
    everything: bool = False,
    branch: bool | None = None,
    force: bool = False,
) -> Pushed:
    """Publishes experiments with all they need: `push_chosen` with what is mostly wanted.

    Args:
        project: The project.
        names: Experiments, by name, full ref name, or the first digits of their commits.
        remote: The remote's name; the default one when None.
        everything: The experiments of all commits.
        branch: Whether the current branch goes along; None for what fits.
        force: Whether an experiment may replace another one of its name on the remote.
    """
    return push_chosen(project, Which(names, everything=everything), How(force, remote=remote), branch=branch)


def push_chosen(project: Project, which: Which, how: How = AS_USUAL, *, branch: bool | None = None) -> Pushed:
    """Publishes experiments with all they need.

    Where nothing is said: the experiments of HEAD's commit, the workspace's own data, and the current branch. With a
    choice, exactly what was chosen.

    Args:
        project: The project.
        which: Which experiments.
        how: How they travel.
        branch: Whether the current branch goes along. None: where nothing was chosen, and not to a Git remote.

    Returns:
        What was done; ``report.failed`` says what could not be published and why.

    Raises:
        ConfigError: There is no such remote.
        UnknownRevision: There is no such experiment.
        UsageError: A query that is none, or a choice that cannot be; or there is no branch to push.
        RemoteError: The remote cannot be used.
    """
    target = meant(project, how.remote)
    if _is_for_git_alone(project, target, which, how):
        return _push_refs(project, target, which, how, branch=branch)
    from assay.remotes.exchange import connected, set_depth  # what carries data takes longer to import than refs to go
    from assay.remotes.remarks import send

    target, refs, data = outgoing(project, which, how, branch=branch)
    with connected(project, target, write=True, jobs=how.jobs) as exchange:
        set_depth(exchange.git, how.depth, push=True)
        if project.repo.shallow and not git_remote(project, target):  # whether it can be is known before data goes
            exchange.git.unsent(list(refs.values()), project.repo.objects)
        report = exchange.publish(refs, force=how.force, data=data, artifacts=how.artifacts)
        if how.run_cache and how.artifacts:
            from assay.remotes.artifacts import runs

            ran = runs.send(project, exchange.places)
            report = report._replace(artifacts=report.artifacts + ran.artifacts, size=report.size + ran.size)
        return Pushed(target.name, exchange.git.url, send(project, exchange.notes, refs, report))


def _is_for_git_alone(project: Project, target: Remote, which: Which, how: How) -> bool:
    """Whether nothing goes to a data remote: neither data, nor what stages did, nor tags and notes."""
    if how.depth is not None or not git_remote(project, target):
        return False
    if how.artifacts and (how.run_cache or not _need_nothing(project, which.names)):
        return False
    if not target.url:
        return True
    if project.layout.marks_remotes:  # whoever pulls wants to find it so
        return False
    from assay.engine.notes import ledger

    return project.repo.refs.read(ledger.REF) is None


def _need_nothing(project: Project, names: Sequence[str]) -> bool:
    """Whether experiments are named, a few, whose commits track no data; those that are not there need something."""
    from assay.engine.pipeline.tracked import tracked_at

    commits = set(near(project.repo.refs, names).values())
    try:
        found = [tracked_at(project, commit) for commit in commits]
    except AssayError:  # whoever sends it says so
        return False
    return bool(found) and not any(one.outs or one.errors for one in found)


def _push_refs(project: Project, target: Remote, which: Which, how: How, *, branch: bool | None) -> Pushed:
    """Publishes experiments, and a branch, to a Git repository and nothing else."""
    with closing(beside(project, target, write=True, soon=True)) as git:  # first, as the way there takes longest
        from assay.remotes.refs import Published, publish_refs

        _, refs, _ = outgoing(project, which, how, branch=branch)
        done = publish_refs(project, git, refs, force=how.force) if refs else Published((), (), {}, {})
        failed = {**done.failed, **git.damaged}
        return Pushed(target.name, git.url, Report(done.refs, done.up_to_date, git.objects, 0, git.size, failed))


def outgoing(
    project: Project, which: Which, how: How, *, branch: bool | None
) -> tuple[Remote, Mapping[str, Oid], Data]:
    """Where a push goes, and the refs and the workspace's data that it is about. Raises as `push_chosen`."""
    target = meant(project, how.remote)
    has_git = bool(git_remote(project, target))
    is_chosen = is_own_choice(which)
    refs = chosen_here(project, which)
    if branch or (branch is None and not is_chosen and not has_git):
        refs.update(_branch(project, must=branch is True))
    if is_chosen or not how.artifacts:
        return target, refs, {}
    from assay.remotes.exchange import shared
    from assay.remotes.workspace import tracked_here

    return target, refs, shared(tracked_here(project))


def _branch(project: Project, *, must: bool) -> dict[str, Oid]:
    """The branch that HEAD is on; none when it is on none. Raises UsageError where there must be one."""
    head, name = project.repo.head(), project.repo.head_ref()
    if head is None or name is None or not name.startswith("refs/heads/"):
        if must:
            raise UsageError("HEAD is on no branch that could be pushed.", "Leave --branch out.")
        return {}
    return {name: head}
