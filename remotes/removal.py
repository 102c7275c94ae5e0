"""Takes experiments away from a remote; those here stay, and so does their data there until it is collected.

Nothing is kept there that would undo it: whoever has an experiment pushes it again, and `ways_back` says how.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from assay.engine.errors import UnknownRevision, UsageError
from assay.engine.experiments.chosen import Which, check
from assay.engine.model import Oid
from assay.engine.ports import RefUpdate
from assay.engine.project import Project
from assay.remotes.choose import is_own_choice
from assay.remotes.exchange import connected
from assay.remotes.gitremotes import meant
from assay.remotes.registry import default_name, remotes
from assay.remotes.there import chosen_there


class Removed(NamedTuple):
    """What is gone: the remote's name, refs with the commits they had, and what is left with a sentence each."""

    remote: str
    refs: Mapping[str, Oid]
    failed: Mapping[str, str]


def doomed(project: Project, which: Which, remote: str | None = None, *, keep: bool = False) -> Removed:
    """The experiments that `remove` would take from a remote; nothing is changed. Arguments and errors are its own."""
    if not is_own_choice(which) and not which.everything:
        raise UsageError("Say which experiments: by name, with --rev REV, with --where QUERY, or -A for all of them.")
    check(which)
    target = meant(project, remote)
    with connected(project, target, write=False) as exchange:
        if keep and which.where and not which.revisions:
            which = which._replace(everything=True)  # what is taken by leaving something out must have been looked at
        try:
            found = chosen_there(project, exchange.git, exchange.notes, which, target.name)
        except UnknownRevision as error:
            if wrong := next((name for name in which.names if name in remotes(project)), ""):
                error.hint = f"To say which remote: `-r {wrong}`."
            raise
        refs = found.refs
        if keep:
            if not refs:
                raise UsageError("--keep would keep no experiment at all.", "`-A` takes all of them away.")
            everything = chosen_there(project, exchange.git, None, Which(everything=True), target.name).refs
            refs = {name: oid for name, oid in everything.items() if name not in refs}
        return Removed(target.name, refs, {**found.failed, **exchange.git.damaged_refs})


def remove(project: Project, which: Which, remote: str | None = None, *, keep: bool = False) -> Removed:
    """Removes experiments from a remote, each only if nobody has changed it meanwhile.

    Args:
        project: The project.
        which: Which experiments of the remote.
        remote: The remote's name; the default one when None.
        keep: Every other experiment there instead.

    Raises:
        ConfigError: There is no such remote.
        UnknownRevision: There is no such experiment there.
        UsageError: Nothing was said, or what cannot be; or nothing would be kept.
        RemoteError: The remote cannot be used.
    """
    found = doomed(project, which, remote, keep=keep)
    if not found.refs:
        return found
    with connected(project, meant(project, remote), write=True) as exchange:
        updates = [RefUpdate(name, oid, None) for name, oid in found.refs.items()]
        results = exchange.git.push(updates, project.repo.objects)
    failed = {result.refname: result.problem for result in results if result.problem}
    gone = {name: oid for name, oid in found.refs.items() if name not in failed}
    return Removed(found.remote, gone, {**found.failed, **failed})


def ways_back(project: Project, removed: Removed) -> tuple[list[str], list[str]]:
    """What brings back what was removed: the words of the command, none where nothing of it is here; what is not here.

    Returns:
        The words; and the refs that only somebody else can push again, if anybody has them.
    """
    refs = project.repo.refs
    here = [name for name, oid in removed.refs.items() if refs.read(name) == oid]
    leaves = [name.rpartition("/")[2] for name in here]
    plain = [
        leaf if refs.named(leaf, "refs/exps/") == [name] else name for leaf, name in zip(leaves, here, strict=True)
    ]
    is_usual = removed.remote == default_name(project) or removed.remote not in project.config.named("remote")
    where = [] if is_usual else ["-r", removed.remote]
    words = ["assay", "push", *plain, *where] if here else []
    return words, [name for name in removed.refs if name not in here]
