"""The commits of a branch, newest first, and how many experiments each has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from assay.engine.git.reach import first_parents
from assay.engine.git.revisions import peeled_if_readable, resolve
from assay.engine.model import Oid, Signature, start_of
from assay.engine.project import Project


class Line(NamedTuple):
    """One commit: its id, names of branches and tags at it, author, first line, number of experiments."""

    commit: Oid
    names: tuple[str, ...]
    author: Signature
    subject: str
    experiments: int


def log(project: Project, revision: str = "HEAD") -> Iterator[Line]:
    """The first parents of a revision.

    Raises:
        UnknownRevision: There is none of that name, or no commit yet.
    """
    repo = project.repo
    names, counts = _at_commits(project)
    for commit in first_parents(repo.objects, resolve(repo, revision), shallow=repo.shallow):
        info = repo.objects.read_commit(commit)
        subject = info.message.partition("\n")[0]
        yield Line(commit, tuple(names.get(commit, ())), info.author, subject, counts.get(commit, 0))


def _at_commits(project: Project) -> tuple[dict[Oid, list[str]], dict[Oid, int]]:
    names: dict[Oid, list[str]] = {}
    counts: dict[Oid, int] = {}
    current = project.repo.head_ref()
    for name, oid in project.repo.refs.iterate("refs/"):
        if name.startswith("refs/exps/"):
            baseline = start_of(name)
            if baseline is None:
                continue
            counts[baseline] = counts.get(baseline, 0) + 1
        elif name.startswith("refs/heads/"):
            short = name[len("refs/heads/") :]
            names.setdefault(oid, []).append(f"HEAD -> {short}" if name == current else short)
        elif name.startswith("refs/tags/"):
            names.setdefault(_tagged(project, oid), []).append("tag: " + name[len("refs/tags/") :])
    return names, counts


def _tagged(project: Project, oid: Oid) -> Oid:
    """What a tag is at: an annotated one is an object of its own. One that leads nowhere is at itself."""
    return peeled_if_readable(project.repo, oid) or oid
