"""The names of refs: which are valid, where they lie, which belong to one worktree only.

The rules are those of `git check-ref-format` and of gitrepository-layout. Names are text; bytes that are not UTF-8
travel as surrogate escapes.
"""

from __future__ import annotations

import re

from assay.engine.errors import GitError

_FORBIDDEN = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/\.|\.lock(?:/|\Z)|\A[/.]|[/.]\Z")
_TOP = re.compile(r"[A-Z][A-Z0-9_-]*\Z")
_PER_WORKTREE = ("refs/bisect/", "refs/worktree/", "refs/rewritten/")


def is_valid_name(name: str) -> bool:
    """Whether `git check-ref-format` accepts the full name of a ref ("refs/heads/main")."""
    return "/" in name and _FORBIDDEN.search(name) is None


def is_valid_experiment_name(name: str) -> bool:
    """Whether an experiment can have this name: the last part of a ref name, without a slash of its own."""
    return "/" not in name and bool(name) and name != "@" and is_valid_name(f"refs/exps/{name}")


def is_readable(name: str) -> bool:
    """Whether a name can be a ref in this repository: a valid one below refs/, or one like HEAD or ORIG_HEAD."""
    if name.startswith("refs/"):
        return _FORBIDDEN.search(name) is None
    return _TOP.match(name) is not None


def check(name: str) -> str:
    """The name itself when a ref can have it. Raises GitError."""
    if not is_readable(name) or name == "FETCH_HEAD":
        raise GitError(f"{name!r} is not a name that a ref can have.", "See `git help check-ref-format` for the rules.")
    return name


def is_per_worktree(name: str) -> bool:
    """Whether each linked worktree has a ref of that name of its own, as it has its own HEAD."""
    return not name.startswith("refs/") or name.startswith(_PER_WORKTREE)


def ancestors(name: str) -> list[str]:
    """Every shorter name that could not exist beside this one: "refs/a/b/c" gives "refs/a/b" and "refs/a"."""
    parts = name.split("/")
    return ["/".join(parts[:count]) for count in range(len(parts) - 1, 1, -1)]
