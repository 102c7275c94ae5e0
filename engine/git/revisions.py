"""Names of commits, as people write them: HEAD~2, a branch, a tag, the first digits of an id, an experiment.

The order is that of gitrevisions(7): a full id, then refs (as given, refs/, tags, heads, remotes), then a shortened
id; an experiment's name comes last, so a branch of that name wins, as in DVC. Of several experiments of one name that
of HEAD's baseline is meant; where there is none, what the last run of that name left when it failed.

Limits: what selects anything but one commit by descent (reflog entries, search in messages, ranges, paths) is refused
in one sentence.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from assay.engine.errors import CorruptObject, MissingObject, UnknownRevision
from assay.engine.git.objects import COMMIT, TAG, parse_tag
from assay.engine.model import ExpRef, Oid

if TYPE_CHECKING:
    from assay.engine.git.repository import Repository

_RULES = ("{}", "refs/{}", "refs/tags/{}", "refs/heads/{}", "refs/remotes/{}", "refs/remotes/{}/HEAD")
_SUFFIX = re.compile(r"(?:~([0-9]*)|\^([0-9]*)|\^(\{[^}]*\}))\Z")
_FULL = re.compile(r"[0-9a-fA-F]{40}\Z")
_SHORT = re.compile(r"[0-9a-fA-F]{4,39}\Z")
_EXPERIMENT = re.compile(r"refs/exps/[0-9a-f]{2}/[0-9a-f]{38}/[^/]+\Z")
_FAILED = "refs/assay/kept/"  # what runs have left that failed
_NEAR = 5000  # names compared at most when a name is unknown
_NOT_HERE = (
    (":", "a path inside a commit"),
    ("..", "a range of commits"),
    ("@{", "an entry of the reflog or an upstream branch"),
    ("^{/", "a search in messages"),
    ("^@", "several commits"),
    ("^!", "several commits"),
    ("^-", "several commits"),
)


def resolve(repo: Repository, text: str) -> Oid:
    """The commit that a person means.

    Args:
        repo: Where to look.
        text: As above; annotated tags lead to their commit.

    Raises:
        UnknownRevision: No commit has that name, or several.
        MissingObject: A ref of that name points to an object that is not there.
    """
    for sign, meaning in _NOT_HERE:
        if sign in text:
            raise UnknownRevision(
                f"{text!r} is {meaning}; one commit is wanted.", "Name it by branch, tag, id or experiment."
            )
    name, steps = _split(text)
    oid = _named(repo, name, text)
    commit = peeled(repo, oid)
    if commit is None:
        raise UnknownRevision(f"{text!r} is not a commit (object {oid.hex()[:10]}).")
    for generations, parent in steps:
        for _ in range(generations):
            commit = _parent(repo, commit, parent, text)
    return commit


def _split(text: str) -> tuple[str, list[tuple[int, int]]]:
    """The name, and the steps behind it: so many times to the parent of that number."""
    steps: list[tuple[int, int]] = []
    while found := _SUFFIX.search(text):
        generations, parent, kind = found.groups()
        if generations is not None:
            steps.append((int(generations or 1), 1))
        elif kind is None:
            number = int(parent or 1)
            steps.append((min(number, 1), number))
        elif kind not in ("{}", "{commit}"):
            raise UnknownRevision(f"{text!r} does not ask for a commit.")
        text = text[: found.start()]
    return text, steps[::-1]


def _parent(repo: Repository, commit: Oid, number: int, text: str) -> Oid:
    if commit in repo.shallow:
        raise UnknownRevision(f"{text!r} goes back beyond what this shallow clone holds.")
    parents = repo.objects.read_commit(commit).parents
    if number > len(parents):
        problem = f"has no parent number {number}" if parents else "is the first of its history"
        raise UnknownRevision(f"{text!r} cannot be found: commit {commit.hex()[:10]} {problem}.")
    return parents[number - 1]


def _named(repo: Repository, name: str, text: str) -> Oid:
    """The object that a name without steps means."""
    if _FULL.match(name):
        oid = Oid(bytes.fromhex(name))
        if oid not in repo.objects:
            raise UnknownRevision(f"There is no object {name} in this repository.")
        return oid
    for rule in _RULES:
        found = repo.refs.read(rule.format("HEAD" if name == "@" else name)) if name else None
        if found is not None:
            return found
    if _SHORT.match(name):
        matches = [oid for oid in repo.objects.matching(name.lower()) if peeled_if_readable(repo, oid)]
        if len(matches) > 1:
            ids = ", ".join(sorted(oid.hex()[:12] for oid in matches)[:5])
            raise UnknownRevision(f"{name!r} is the beginning of several commits: {ids}.", "Give more of its digits.")
        if matches:
            return matches[0]
    if name == "HEAD" or name == "@":
        raise UnknownRevision("HEAD has no commit yet.", "Make the first one, for example with `assay baseline -m`.")
    return _experiment(repo, name, text)


def _experiment(repo: Repository, name: str, text: str) -> Oid:
    head = repo.head()
    if head is not None and name:
        found = repo.refs.read(ExpRef(head, name).refname)
        if found is not None:
            return found
    refs = [ref for ref in repo.refs.named(name, "refs/exps/") if _EXPERIMENT.match(ref)] if name else []
    if name and not refs:
        refs = _newest(repo, repo.refs.named(name, _FAILED))
    if len(refs) > 1:
        raise UnknownRevision(
            f"{name!r} is the name of several experiments: {', '.join(refs[:5])}{' ...' if len(refs) > 5 else ''}.",
            "Give the full name of one of them.",
        )
    found = repo.refs.read(refs[0]) if refs else None
    if found is None:
        near = _near(repo, name)
        hint = f"Did you mean {' or '.join(near)}?" if near else "`assay list` and `assay log` show what there is."
        raise UnknownRevision(f"There is no commit, branch, tag or experiment {text!r}.", hint)
    return found


def _newest(repo: Repository, refs: list[str]) -> list[str]:
    """The one of these refs whose commit is the newest."""
    times = {ref: repo.objects.read_commit(oid).committer.time for ref in refs if (oid := repo.refs.read(ref))}
    return [max(times, key=lambda ref: (times[ref], ref))] if times else []


def _near(repo: Repository, name: str) -> list[str]:
    """Names like this one: of branches, tags, remote branches, and experiments as far as they are not too many."""
    from difflib import get_close_matches

    head = repo.head()
    own = [ExpRef(head, "").refname] if head else []
    names: dict[str, None] = {}
    for prefix in ("refs/heads/", "refs/tags/", "refs/remotes/", *own, "refs/exps/"):
        for ref, _ in repo.refs.iterate(prefix):
            if not prefix.startswith("refs/exps/"):
                names[ref[len(prefix) :]] = None
            elif _EXPERIMENT.match(ref):
                names[ref.rpartition("/")[2]] = None
            if len(names) >= _NEAR:
                break
    return get_close_matches(name, names, 3)


def peeled(repo: Repository, oid: Oid) -> Oid | None:
    """The commit that an object is or, being an annotated tag, leads to; None for any other.

    Raises:
        MissingObject: An object on the way is not there.
        CorruptObject: One is damaged.
    """
    kind, data = repo.objects.read(oid)
    while kind == TAG:
        oid, _ = parse_tag(data)
        kind, data = repo.objects.read(oid)
    return oid if kind == COMMIT else None


def peeled_if_readable(repo: Repository, oid: Oid) -> Oid | None:
    """As `peeled`; None also where an object on the way cannot be read."""
    try:
        return peeled(repo, oid)
    except (MissingObject, CorruptObject):
        return None


def tips(repo: Repository) -> list[Oid]:
    """Where the history begins that people see: HEAD, branches, remote branches and tags, as commits, each once."""
    head = repo.head()
    found = [head] if head else []
    for prefix in ("refs/heads/", "refs/remotes/", "refs/tags/"):
        found += [oid for _, oid in repo.refs.iterate(prefix)]
    commits = (peeled_if_readable(repo, oid) for oid in found)
    return list(dict.fromkeys(commit for commit in commits if commit is not None))
