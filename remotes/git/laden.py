"""Experiments of a Git remote with their data: what `experiments` does where more than refs travels.

Data goes first and comes last, so that whoever sees a ref finds what it needs (law 1).
"""

from __future__ import annotations

from collections.abc import Mapping

from assay.engine.errors import AssayError
from assay.engine.model import Oid
from assay.engine.notes import ledger
from assay.engine.ports import GitTransport, Report
from assay.engine.project import Project
from assay.remotes import remarks
from assay.remotes.artifacts import runs
from assay.remotes.artifacts.freight import Places
from assay.remotes.artifacts.holdings import Moved
from assay.remotes.bucket.notes import BucketNotes
from assay.remotes.exchange import StoreExchange, notes_on
from assay.remotes.how import How
from assay.remotes.layouts import prepare
from assay.remotes.refs import write_experiments
from assay.remotes.registry import find


def push(project: Project, git: GitTransport, refs: Mapping[str, Oid], how: How) -> Report:
    """Publishes data to the data remote, then experiments to the Git remote, then what is said of them.

    Args:
        project: The project.
        git: The Git remote.
        refs: The experiments, by full ref name.
        how: See `How`.

    Returns:
        What went, the run cache included.

    Raises:
        ConfigError: There is data and no data remote.
    """
    with Places(project, how.remote, jobs=how.jobs, check=prepare) as places:
        ran = runs.send(project, places) if how.run_cache else Moved()
        report = StoreExchange(project, git, places, None).publish(refs, force=how.force)
        if project.repo.refs.read(ledger.REF) is not None:
            report = remarks.send(project, _notes(project, places, how), refs, report)
    return report._replace(artifacts=report.artifacts + ran.artifacts)


def pull(
    project: Project,
    git: GitTransport,
    refs: Mapping[str, Oid],
    new: Mapping[str, Oid],
    how: How,
    what: str,
) -> Report:
    """Brings the data of experiments whose commits are here, writes the refs of those that are complete.

    Args:
        project: The project.
        git: The Git remote.
        refs: The experiments, by full ref name.
        new: Those of them that are not here with this value.
        how: See `How`.
        what: The command, for the history of what is said of experiments.
    """
    with Places(project, how.remote, jobs=how.jobs) as places:
        report = StoreExchange(project, git, places, None).fetch(refs)
        ran = runs.bring(project, places) if how.run_cache else Moved()
        write_experiments(project, {name: new[name] for name in report.refs if name in new})
        if report.refs:
            report = remarks.take(project, _notes(project, places, how), what, report)
    return report._replace(artifacts=report.artifacts + ran.artifacts)


def _notes(project: Project, places: Places, how: How) -> BucketNotes | None:
    """Tags and notes on the data remote, where the data of experiments is, too; None where there is none to be had."""
    try:
        return notes_on(project, places.of().store, find(project, how.remote))
    except AssayError:  # what matters of it is said where data travels
        return None
