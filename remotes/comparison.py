"""What of a project is on a remote, what only here, what only there: HEAD's experiments, its branch, the data.

Nothing is believed to be there because something else is: each experiment's commit, folders and files are looked for,
and each of its artifacts by its own name. Experiments that only the remote has are fetched, without their data, into a
folder that is removed in the end, since only their commits say what they need. Content is read only where the store
says that it was written again (`stamps`): `fsck --remote` reads all of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from assay.engine.experiments.chosen import Which
from assay.engine.model import Digest, Oid
from assay.engine.ports import GitTransport
from assay.engine.project import Project
from assay.remotes.artifacts.contents import Contents
from assay.remotes.artifacts.freight import Data, Places, Wanted, by_remote
from assay.remotes.choose import chosen_here
from assay.remotes.data import compare_with
from assay.remotes.exchange import needs_of
from assay.remotes.gitremotes import git_remote
from assay.remotes.reachable import Reachable
from assay.remotes.refs import fetch_refs
from assay.remotes.registry import find
from assay.remotes.rehearsal import played, scratch
from assay.remotes.selection import EVERYTHING, selected_data
from assay.remotes.there import chosen_there

BOTH, HERE, THERE, OTHER, BROKEN = "both", "here", "there", "other", "broken"
"""Where an experiment is: on both sides, only here, only there, another of its name there, there but not whole."""


class State(NamedTuple):
    """Where an experiment is; of one that is broken, why."""

    word: str
    why: str = ""


class Comparison(NamedTuple):
    """A project beside a remote.

    Attributes:
        remote: The remote's name; ``url`` where it is.
        git: Where the Git repository is that experiments go to instead; empty where there is none.
        branch: The current branch, its short name, and where it is here and there; None where it is not compared.
        experiments: Those of HEAD's commit on either side, by full ref name.
        data: Files of the workspace's data that are not on both sides: "new", "deleted" or "missing", by path.
        damaged: What was found damaged on the remote, by a name for it, with a sentence.
    """

    remote: str
    url: str
    branch: tuple[str, Oid, Oid | None] | None
    experiments: Mapping[str, State]
    data: Mapping[str, str]
    damaged: Mapping[str, str]
    git: str = ""

    @property
    def is_sound(self) -> bool:
        """Whether nothing is damaged there, and nothing lost."""
        is_lost = "missing" in self.data.values()
        return not self.damaged and not is_lost and all(state.word != BROKEN for state in self.experiments.values())


def compared(project: Project, name: str | None = None, *, jobs: int | None = None) -> Comparison:
    """Compares a project with a remote.

    Args:
        project: The project.
        name: The remote; the default one when None.
        jobs: How many requests at once; None for what the configuration says.

    Raises:
        ConfigError: There is no such remote.
        RemoteError: The remote cannot be used, or holds nothing of ours.
    """
    source = find(project, name)
    mine = chosen_here(project, Which())
    selected = selected_data(project, EVERYTHING, source.name, push=True)
    with scratch(project) as here, played(here, source, jobs) as way:
        git = way.exchange.git
        theirs = chosen_there(here, git, None, Which(), source.name).refs
        same = {ref: oid for ref, oid in mine.items() if theirs.get(ref) == oid}
        more = {ref: oid for ref, oid in theirs.items() if ref not in mine}
        arrived, lost = fetch_refs(git, more, here.repo.objects, Reachable(project.repo))
        broken = {**_without_commits(here, git, same), **lost}
        whole = {ref: oid for ref, oid in {**same, **arrived}.items() if ref not in broken}
        broken.update(_without_data(here, way.exchange.places, whole))
        beside = git.url if git_remote(project, source) else ""
        branch = None if beside else _branch(project, git)
        data = compare_with(project, way.exchange.places, selected)
        damaged = {**git.damaged, **way.exchange.places.damaged}
    states = {ref: _state(ref, mine, theirs, broken) for ref in sorted({**mine, **theirs})}
    return Comparison(source.name, source.url, branch, states, data, damaged, beside)


def _state(ref: str, mine: Mapping[str, Oid], theirs: Mapping[str, Oid], broken: Mapping[str, str]) -> State:
    if ref in broken:
        return State(BROKEN, broken[ref])
    if ref not in theirs:
        return State(HERE)
    if ref not in mine:
        return State(THERE)
    return State(BOTH if mine[ref] == theirs[ref] else OTHER)


def _without_commits(project: Project, git: GitTransport, refs: Mapping[str, Oid]) -> dict[str, str]:
    """The refs of the remote whose Git objects it has not all, with a sentence."""
    objects = project.repo.objects
    if not git.unsent(list(refs.values()), objects):
        return {}
    counts = {ref: len(git.unsent([oid], objects)) for ref, oid in refs.items()}
    return {ref: f"the remote lacks {count} of its Git objects." for ref, count in counts.items() if count}


def _without_data(project: Project, places: Places, refs: Mapping[str, Oid]) -> dict[str, str]:
    """The refs whose data is not all on the remotes that it belongs to, with a sentence."""
    needs, unclear = needs_of(project, refs)
    broken = dict(unclear)
    lacking = _lacking(project, places, [one for data in needs.values() for one in data.values()])
    contents = Contents(project.cache)
    for ref, data in needs.items():
        if why := _why(data, lacking, contents):
            broken[ref] = why
    return broken


def _lacking(project: Project, places: Places, wanted: Iterable[Wanted]) -> dict[str, set[Digest]]:
    """What each remote has not of the artifacts that belong to it, with all below them."""
    found = {}
    for name, group in by_remote(dict.fromkeys(wanted)).items():
        held, contents = places.of(name).holdings, Contents(project.cache)
        roots = {one.artifact.digest for one in group}
        contents.peek(held, roots)
        everything, _ = contents.walk(roots)
        found[name] = everything - held.known(everything)
    return found


def _why(data: Data, lacking: Mapping[str, set[Digest]], contents: Contents) -> str:
    for path, one in data.items():
        everything, _ = contents.walk([one.artifact.digest])
        if missing := everything & lacking[one.remote]:
            return f"of what {path} needs, {len(missing)} of {len(everything)} artifacts are not on the remote."
    return ""


def _branch(project: Project, git: GitTransport) -> tuple[str, Oid, Oid | None] | None:
    head, name = project.repo.head(), project.repo.head_ref()
    if head is None or name is None or not name.startswith("refs/heads/"):
        return None
    return name.removeprefix("refs/heads/"), head, git.refs([name]).get(name)
