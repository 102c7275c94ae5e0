"""What a name or URL of a Git remote means: Git's own configuration decides, as it does for ``git push``.

A name is looked up as ``remote.<name>.url`` (``pushurl`` for pushing), with ``url.<base>.insteadOf`` applied; anything
else is a URL or a path. Limits: repositories on this machine; ssh and http(s) are understood and refused.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from assay.engine.errors import AssayError, GitError, UsageError
from assay.engine.git.gitfolders import is_git_dir, linked
from assay.engine.git.repository import Repository
from assay.engine.ports import GitTransport
from assay.engine.project import Project

_SCP = re.compile(r"[^/]*[^/:\\]:")


class Address(NamedTuple):
    """Where a Git remote is.

    Attributes:
        name: What the user called it.
        url: Its URL or absolute path, without credentials.
    """

    name: str
    url: str


def find(project: Project, name: str, *, typed_in: str = "", push: bool = False) -> Address:
    """What a name or URL means.

    Args:
        project: Whose repository's configuration counts.
        name: A remote of Git's, a URL, or a path.
        typed_in: Absolute path of the folder that a path is relative to; the work tree when empty.
        push: Whether ``pushurl`` counts.

    Raises:
        UsageError: It is neither a remote nor a repository.
    """
    config = project.repo.config
    url = (config.get(f"remote.{name}.pushurl") if push else "") or config.get(f"remote.{name}.url")
    folder = project.repo.worktree or project.repo.git_dir
    if not url:
        url, folder = name, typed_in or folder
        if not _is_elsewhere(url) and _git_dir(_path(url, folder)) is None:
            known = ", ".join(config.sections("remote")) or "none"
            raise UsageError(f"{name!r} is not a valid Git remote or URL.", f"Git's remotes here: {known}.")
    url = _rewritten(config.get, config.sections("url"), url)
    return Address(name, _shown(url) if _is_elsewhere(url) else _path(url, folder))


def connect(project: Project, address: Address) -> GitTransport:
    """The way to a Git remote; nothing is asked of it yet.

    Raises:
        GitError: It is no repository, or lies where assay cannot go.
    """
    if _is_elsewhere(address.url):
        raise GitError(
            f"{address.url}: Git servers over ssh and http are not there yet.",
            "A repository in a folder can be used, or the data remote alone (`assay push -r NAME`).",
        )
    from assay.remotes.git.local import LocalTransport

    git_dir = _git_dir(address.url)
    if git_dir is None:
        raise GitError(f"There is no Git repository at {address.url}.", f"Check the URL of {address.name!r}.")
    try:
        there = Repository.open(git_dir, project.world.git_config, project.world.environment)
    except AssayError as error:
        raise GitError(f"The Git repository at {address.url} cannot be used: {error.message}", error.hint) from error
    there.command = project.world.command
    return LocalTransport(there, address.url, project.repo, f"{project.state}/incoming")


def is_repository(url: str) -> bool:
    """Whether a URL or absolute path is that of a Git repository on this machine."""
    return not _is_elsewhere(url) and _git_dir(_path(url, "/")) is not None


def _is_elsewhere(url: str) -> bool:
    """Whether a URL leads to another machine: a scheme other than file, or ``host:path``."""
    head, colon, _ = url.partition("://")
    if colon:
        return head.lower() != "file"
    return _SCP.match(url) is not None


def _path(url: str, folder: str) -> str:
    if url.lower().startswith("file://"):
        url = unquote(urlsplit(url).path)
    return os.path.normpath(os.path.join(folder, url))


def _git_dir(path: str) -> str | None:
    """The Git folder that a path means, tried in Git's own order; None where there is none."""
    for candidate in (f"{path}/.git", path, f"{path}.git/.git", f"{path}.git"):
        try:
            found = linked(candidate) if os.path.isfile(candidate) else candidate
        except AssayError:
            continue
        if is_git_dir(found):
            return found
    return None


def _rewritten(get: Callable[[str], str], bases: list[str], url: str) -> str:
    """A URL with the longest matching ``url.<base>.insteadOf`` replaced."""
    matching = [(old, base) for base in bases if (old := get(f"url.{base}.insteadOf")) and url.startswith(old)]
    if not matching:
        return url
    old, base = max(matching, key=lambda pair: len(pair[0]))
    return base + url[len(old) :]


def _shown(url: str) -> str:
    """A URL without user name and password."""
    if "://" not in url:
        return url
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()
