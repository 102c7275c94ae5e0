"""Tags and notes travel with the experiments they are about.

What was said about a commit goes where a ref of that commit goes, and comes where one is: experiments, the commits they
start from, and branches. What a remote says about other commits stays there. Nothing is ever lost by that, since both
sides merge, and what fails here is told and spoils no transfer of data.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from assay.engine.errors import AssayError
from assay.engine.events import Warned
from assay.engine.experiments.chosen import is_experiment
from assay.engine.model import Oid, start_of
from assay.engine.notes import ledger
from assay.engine.ports import Report
from assay.engine.project import Project
from assay.remotes.bucket.notes import BucketNotes

_WHAT = "tags and notes"
_OURS = "refs/assay/"


def send(project: Project, notes: BucketNotes | None, refs: Mapping[str, Oid], report: Report) -> Report:
    """Publishes the tags and notes of refs.

    Args:
        project: The project.
        notes: Those of the remote; None where they do not travel.
        refs: What was to be published.
        report: What became of that; only what is on the remote now is taken account of.

    Returns:
        The report, with whose tags and notes travelled, and why not.
    """
    if notes is None:
        return report
    there = {*report.refs, *report.up_to_date}
    names = _names((name, oid) for name, oid in refs.items() if name in there)
    try:
        said = ledger.readable(project, names)
        sent = notes.write(said) if said else []
    except AssayError as error:
        return report._replace(failed={**report.failed, _WHAT: error.message})
    finally:
        _warn(project, notes)
    return report._replace(remarks=tuple(names[commit] for commit in sent))


def take(project: Project, notes: BucketNotes | None, what: str, report: Report) -> Report:
    """Merges what a remote says about the refs that are here into what is said here.

    Args:
        project: The project.
        notes: Those of the remote; None where they do not travel.
        what: The command, for the history.
        report: What was fetched, its refs being written.

    Returns:
        The report, with whose tags and notes travelled, and why not.
    """
    if notes is None:
        return report
    try:
        said = notes.read()
        names = _names(project.repo.refs.iterate()) if said else {}
        taken = ledger.merge_in(project, {commit: said[commit] for commit in said if commit in names}, what)
    except AssayError as error:
        return report._replace(failed={**report.failed, _WHAT: error.message})
    finally:
        _warn(project, notes)
    return report._replace(remarks=tuple(names[commit] for commit in taken))


def _names(refs: Iterable[tuple[str, Oid]]) -> dict[Oid, str]:
    """What to call each commit that refs are about: a ref, or for a commit that experiments start from its digits."""
    names: dict[Oid, str] = {}
    starts: dict[Oid, str] = {}
    for name, oid in refs:
        if name.startswith(_OURS):
            continue
        names.setdefault(oid, name)
        if is_experiment(name) and (start := start_of(name)) is not None:
            starts[start] = start.hex()[:7]
    return {**starts, **names}


def _warn(project: Project, notes: BucketNotes) -> None:
    for sentence in notes.damaged.values():
        project.report(Warned(sentence))
