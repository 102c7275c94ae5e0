"""Which experiments a command line means: what names mean among some refs, and what is meant of those that are here.

`there` finds out the same about a remote.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from assay.engine.errors import UnknownRevision
from assay.engine.experiments.chosen import EXPERIMENTS, Which, check, chosen, every, is_experiment
from assay.engine.git.refs import RefStore
from assay.engine.model import Oid
from assay.engine.project import Project

FEW = 20
"""So many names are looked up one by one."""


def folder_of(baseline: Oid) -> str:
    """The prefix of the refs of a baseline's experiments."""
    return f"{EXPERIMENTS}{baseline.hex()[:2]}/{baseline.hex()[2:]}/"


def is_own_choice(which: Which) -> bool:
    """Whether certain experiments were chosen; without a choice, and with all, data and branch are meant too."""
    return bool(which.names or which.revisions or which.where or which.number != 1)


def chosen_here(project: Project, which: Which) -> dict[str, Oid]:
    """The experiments of this repository that are meant, by full ref name; those of HEAD where nothing is said.

    Raises:
        UsageError: Two ways to choose that do not go together, or a query that is none.
        UnknownRevision: A name means no experiment, or several; or a revision names no commit.
    """
    check(which)
    head = project.repo.head()
    if which.names:
        return choose(which.names, near(project.repo.refs, which.names) or every(project), head, "here")
    if which.everything or which.where or which.revisions:
        return chosen(project, which)
    if head is None:
        return every(project)
    return chosen(project, which._replace(revisions=["HEAD"]))


def near(refs: RefStore, names: Sequence[str]) -> dict[str, Oid]:
    """The refs of experiments that have these names, in full or as their last part, found without looking at all refs.

    Nothing where one name has none, which may be a commit's, and where there are many names.
    """
    found: dict[str, Oid] = {}
    for name in names if len(names) <= FEW else ():
        meant = [name] if is_experiment(name) else refs.named(name, EXPERIMENTS)
        values = {one: oid for one in meant if is_experiment(one) and (oid := refs.read(one)) is not None}
        if not values:
            return {}
        found.update(values)
    return found


def choose(names: Iterable[str], refs: Mapping[str, Oid], head: Oid | None, where: str) -> dict[str, Oid]:
    """The refs that are meant: by experiment name, full ref name, or the first digits of a commit.

    Args:
        names: What was typed.
        refs: Every experiment that there is.
        head: The commit whose experiments go first when several baselines have one of that name.
        where: For the sentence: "here", "on origin".

    Raises:
        UnknownRevision: A name means none of them, or several.
    """
    chosen: dict[str, Oid] = {}
    called: dict[str, list[str]] = {}
    for ref in refs:
        called.setdefault(ref.rpartition("/")[2], []).append(ref)
    for name in names:
        found = [name] if name in refs else called.get(name) or _of_commit(name, refs)
        preferred = [ref for ref in found if head is not None and ref.startswith(folder_of(head))]
        found = preferred or found
        if not found:
            from difflib import get_close_matches

            near = get_close_matches(name, list(called), 3)
            raise UnknownRevision(
                f"There is no experiment {name!r} {where}.", f"Did you mean {' or '.join(near)}?" if near else ""
            )
        if len(found) > 1:
            raise UnknownRevision(
                f"There are {len(found)} experiments {name!r} {where}, of different baselines.",
                f"Say which by its full name: {', '.join(sorted(found)[:3])}.",
            )
        chosen[found[0]] = refs[found[0]]
    return chosen


def _of_commit(digits: str, refs: Mapping[str, Oid]) -> list[str]:
    """The refs of the commits whose ids begin so."""
    if len(digits) < 7 or digits.strip("0123456789abcdef"):
        return []
    return [ref for ref, oid in refs.items() if oid.hex().startswith(digits)]
