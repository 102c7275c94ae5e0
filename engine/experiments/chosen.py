"""Which experiments a command is about: by name, by baseline, by query, or all.

What is meant is worked out completely before anything is done; a name that means nothing, or several things, stops it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import NamedTuple

from assay.engine.errors import UnknownRevision, UsageError
from assay.engine.experiments.listing import Scope, listing
from assay.engine.git.revisions import resolve
from assay.engine.model import ExpRef, Oid
from assay.engine.project import Project

EXPERIMENTS = "refs/exps/"
_SHAPE = re.compile(r"refs/exps/[0-9a-f]{2}/[0-9a-f]{38}/[^/]+")
_NAMED = 5
_NEAR = 5_000
"""Names compared at most when one is unknown."""


class Which(NamedTuple):
    """Which experiments are meant: by ``names``, or of a range of baselines, or all; of the latter those of a query.

    ``revisions`` name baselines, ``number`` is how many first parents of each count (itself included, negative for
    all); with no revision and no ``everything`` a query is about HEAD's experiments, as in `assay show`.
    """

    names: Sequence[str] = ()
    revisions: Sequence[str] = ()
    number: int = 1
    everything: bool = False
    where: str = ""


def is_experiment(refname: str) -> bool:
    """Whether a ref is an experiment's; other tools keep more below ``refs/exps/``."""
    return _SHAPE.fullmatch(refname) is not None


def every(project: Project) -> dict[str, Oid]:
    """All experiments of the repository."""
    return {ref: commit for ref, commit in project.repo.refs.iterate(EXPERIMENTS) if is_experiment(ref)}


def chosen(project: Project, which: Which) -> dict[str, Oid]:
    """The experiments that are meant, by full ref name.

    Raises:
        UsageError: None of the ways to choose was used, or two that do not go together; or the query is none.
        UnknownRevision: A name is no experiment, or several baselines have it.
    """
    check(which)
    if which.names:
        return dict(named(project, name) for name in which.names)
    if which.where:
        return _matching(project, which)
    if which.everything:
        return every(project)
    if not which.revisions:
        raise UsageError("Say which experiments: by name, with --rev REV, with --where QUERY, or -A for all of them.")
    return _of_baselines(project, which)


def check(which: Which) -> None:
    """Raises UsageError for two ways to choose that do not go together, and for a query that is none."""
    if which.names and (which.revisions or which.everything or which.where):
        raise UsageError("Name the experiments, or choose them with --rev, -A and --where; not both.")
    if which.revisions and which.everything:
        raise UsageError("-A means the experiments of every commit, so --rev does not go with it.")
    if which.where:
        from assay.engine.experiments.query import parse

        parse(which.where)


def named(project: Project, name: str) -> tuple[str, Oid]:
    """The one experiment of a name, as its full ref name and commit; of several, that of HEAD's baseline.

    Args:
        project: The project.
        name: An experiment's name, or its full ref name.

    Raises:
        UnknownRevision: There is none, or several baselines have one.
    """
    found = all_named(project, name)
    head = project.repo.head()
    if len(found) > 1 and head is not None and (mine := ExpRef(head, name).refname) in found:
        return mine, found[mine]
    if len(found) > 1:
        more = " ..." if len(found) > _NAMED else ""
        raise UnknownRevision(
            f"{name!r} names several experiments, so nothing was changed.",
            f"Use one of {', '.join(sorted(found)[:_NAMED])}{more}.",
        )
    if not found:
        near = _near(project, name)
        hint = f"Did you mean {' or '.join(near)}?" if near else "`assay list -A` names them all."
        raise UnknownRevision(f"There is no experiment {name!r}, so nothing was changed.", hint)
    return found.popitem()


def meant(project: Project, text: str) -> tuple[str, Oid]:
    """The one experiment that a name or the id of its commit means, as its full ref name and commit.

    Raises:
        UnknownRevision: There is none, or several are meant.
    """
    if all_named(project, text):
        return named(project, text)
    commit = resolve(project.repo, text)
    found = {ref: oid for ref, oid in every(project).items() if oid == commit}
    if len(found) == 1:
        return found.popitem()
    if not found:
        raise UnknownRevision(f"{text!r} is a commit, but no experiment.", "`assay list -A` names them all.")
    raise UnknownRevision(f"{text!r} is several experiments.", f"Use one of {', '.join(sorted(found)[:_NAMED])}.")


def all_named(project: Project, name: str) -> dict[str, Oid]:
    """Every experiment that has a name, whatever its baseline."""
    refs = project.repo.refs
    if not name or any(character in name for character in "\0\n"):
        return {}
    full: Iterable[str] = [name] if name.startswith(EXPERIMENTS) else refs.named(name, EXPERIMENTS)
    return {ref: commit for ref in full if is_experiment(ref) and (commit := refs.read(ref)) is not None}


def _of_baselines(project: Project, which: Which) -> dict[str, Oid]:
    return {
        ExpRef(baseline.commit, name).refname: commit
        for baseline in listing(project, _scope(which))
        for name, commit in baseline.experiments
    }


def _matching(project: Project, which: Which) -> dict[str, Oid]:
    from assay.engine.experiments.select import Selection
    from assay.engine.experiments.show import experiments

    found = experiments(project, _scope(which), Selection(which.where))
    return dict(sorted((ref.refname, commit) for ref, commit in found))


def _scope(which: Which) -> Scope:
    return Scope(tuple(which.revisions), which.number, which.everything)


def _near(project: Project, name: str) -> list[str]:
    """Names like this one."""
    from difflib import get_close_matches

    refs = (ref for ref, _ in project.repo.refs.iterate(EXPERIMENTS) if is_experiment(ref))
    return get_close_matches(name, {ref.rpartition("/")[2] for ref in islice(refs, _NEAR)}, 3)
