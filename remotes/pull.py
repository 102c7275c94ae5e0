"""Gets what others shared: experiments, their data, their tags and notes, and where their branches are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from assay.engine.experiments.chosen import Which, check
from assay.engine.model import Oid
from assay.engine.ports import Report
from assay.engine.project import Project
from assay.engine.workspace.hold import hold
from assay.remotes import branches
from assay.remotes.artifacts import runs
from assay.remotes.artifacts.freight import Data
from assay.remotes.artifacts.holdings import Moved
from assay.remotes.branches import HEADS
from assay.remotes.bucket.notes import BucketNotes
from assay.remotes.choose import is_own_choice
from assay.remotes.exchange import StoreExchange, connected, set_depth, shared
from assay.remotes.gitremotes import meant
from assay.remotes.how import AS_USUAL, How
from assay.remotes.refs import write_experiments
from assay.remotes.registry import Remote
from assay.remotes.remarks import take
from assay.remotes.there import There, chosen_there
from assay.remotes.workspace import check_out, tracked_here


@dataclass(frozen=True, slots=True)
class Pulled:
    """What came from where.

    Attributes:
        remote: The remote's name; ``url`` where it is.
        report: What came, and what did not and why.
        is_behind: Whether the current branch is left without commits that the one there has.
    """

    remote: str
    url: str
    report: Report
    is_behind: bool = False


def pull(
    project: Project,
    names: Sequence[str] = (),
    *,
    remote: str | None = None,
    everything: bool = False,
    force: bool = False,
    checkout: bool = True,
) -> Pulled:
    """Fetches experiments with all they need: `pull_chosen` with what is mostly wanted.

    Args:
        project: The project.
        names: Experiments on the remote, by name, full ref name, or the first digits of their commits.
        remote: The remote's name; the default one when None.
        everything: The experiments of all commits.
        force: Whether an experiment may replace another one of its name here.
        checkout: Whether the workspace's own data is put into the workspace.
    """
    which, how = Which(names, everything=everything), How(force, remote=remote)
    return pull_chosen(project, which, how, checkout=checkout)


def pull_chosen(
    project: Project,
    which: Which,
    how: How = AS_USUAL,
    *,
    branch: bool | None = None,
    ff: bool = False,
    merge: bool = False,
    checkout: bool = True,
) -> Pulled:
    """Fetches experiments with all they need, and writes their refs.

    Where nothing is said: the experiments of HEAD's commit and the workspace's own data, which is also checked out
    unless that would lose changes. Branches of the remote become ``refs/remotes/<remote>/*``; no branch of yours moves
    unless it is to. With a choice, exactly what was chosen.

    Args:
        project: The project.
        which: Which experiments of the remote.
        how: How they travel.
        branch: Whether to look at the remote's branches; None for what `branches.prefixes` says.
        ff: Whether the current branch goes on to where it is there, first of all.
        merge: Whether it does, and is joined with the one there where both went on.
        checkout: Whether the workspace's own data is put into the workspace.

    Returns:
        What was done; ``report.failed`` says what is left and why.

    Raises:
        ConfigError: There is no such remote.
        UnknownRevision: There is no such experiment there.
        UsageError: A query that is none, or a choice that cannot be.
        RemoteError: The remote cannot be used, or holds nothing of ours.
    """
    check(which)
    source, ff = meant(project, how.remote), ff or merge
    wanted = branches.prefixes(project, source, which, branch, ff=ff)
    with connected(project, source, write=False, jobs=how.jobs) as exchange:
        looked, is_behind = branches.NOTHING, False
        if how.depth is not None:  # first, so that what hangs on this history finds it
            set_depth(exchange.git, how.depth)
            deepened = branches.prefixes(project, source, which, branch, ff=True) or [HEADS]
            looked, is_behind = _look_at_branches(project, source, exchange, deepened, ff=ff, merge=merge)
            set_depth(exchange.git, None)
        elif ff:  # first, as what the workspace tracks afterwards is what is to come
            looked, is_behind = _look_at_branches(project, source, exchange, wanted, ff=True, merge=merge)
        found, data, is_importing = incoming(project, source, exchange, exchange.notes, which, how)
        report = _fetch(project, exchange, found, data, how)
        if wanted and how.depth is None and not ff:
            looked, is_behind = _look_at_branches(project, source, exchange, wanted, ff=False)
        report = branches.joined(looked, report)
        report = take(project, exchange.notes, f"pull from {source.name}", report)
        if is_importing:
            data, report = _with_imports(project, data, report)
        failed = dict(report.failed)
        if checkout and data:
            with hold(project):
                failed.update(check_out(project, {path: data[path] for path in data if path not in failed}))
        return Pulled(source.name, exchange.git.url, report._replace(failed=failed), is_behind)


def _look_at_branches(
    project: Project, source: Remote, exchange: StoreExchange, wanted: list[str], *, ff: bool, merge: bool = False
) -> tuple[Report, bool]:
    """Follows branches, and with ``ff`` moves the current one forwards; and whether it is left behind."""
    seen = branches.follow(project, source, exchange, wanted)
    if ff:
        went = branches.go_on(project, exchange, seen, merge=merge)
        return branches.joined(seen.report, went), bool(went.failed)
    return seen.report, branches.tell(project, seen)


def incoming(
    project: Project, source: Remote, exchange: StoreExchange, notes: BucketNotes | None, which: Which, how: How
) -> tuple[There, Data, bool]:
    """The experiments and the workspace's data that a pull is about, and whether there is data from elsewhere.

    Raises as `pull_chosen`.
    """
    found = chosen_there(project, exchange.git, notes, which, source.name)
    if is_own_choice(which) or not how.artifacts:
        return found, {}, False
    here = tracked_here(project)
    return found, shared(here), bool(here.imported or here.awaited or here.unnamed)


def _with_imports(project: Project, data: Data, report: Report) -> tuple[Data, Report]:
    """The workspace's data with what it imported from other repositories, brought from there."""
    from assay.remotes.imported import of_workspace

    came = of_workspace(project)
    artifacts, size = report.artifacts + came.moved.artifacts, report.size + came.moved.size
    failed = {**report.failed, **came.failed}
    return {**data, **came.data}, report._replace(artifacts=artifacts, size=size, failed=failed)


def _fetch(project: Project, exchange: StoreExchange, found: There, data: Data, how: How) -> Report:
    """Brings experiments and data, and writes the refs of the experiments that are complete here."""
    new, known, refused = compared(project, found.refs, force=how.force)
    fetched = exchange.fetch({**new, **known}, artifacts=how.artifacts, data=data)
    ran = runs.bring(project, exchange.places) if how.run_cache and how.artifacts else Moved()
    failed = {**found.failed, **refused, **fetched.failed, **exchange.git.damaged_refs}
    written = {name: oid for name, oid in new.items() if name not in failed}
    write_experiments(project, written)
    same = tuple(name for name in known if name not in failed)
    report = fetched._replace(refs=tuple(written), up_to_date=same, failed=failed)
    return report._replace(artifacts=report.artifacts + ran.artifacts, size=report.size + ran.size)


def compared(
    project: Project, wanted: Mapping[str, Oid], *, force: bool
) -> tuple[dict[str, Oid], dict[str, Oid], dict[str, str]]:
    """The refs that are new here, those that are here already, and those that are something else here."""
    new: dict[str, Oid] = {}
    known: dict[str, Oid] = {}
    failed = {}
    for name, oid in wanted.items():
        here = project.repo.refs.read(name)
        if here == oid:
            known[name] = oid
        elif here is not None and not force:
            failed[name] = (
                f"There is another experiment of that name here, {here.hex()[:7]}; "
                "give it another one with `assay rename`, or replace it with -f."
            )
        else:
            new[name] = oid
    return new, known, failed
