"""Clones whatever a URL leads to: a data remote that holds history too, or a Git repository.

``ssh://`` and ``http(s)://`` are looked at as Git first, as that is what nearly all of them are, and as a data remote
when no Git repository is there; where nothing is, both answers are told. ``sftp://`` and ``webdav://`` always mean a
data remote, ``host:path`` and ``git://`` a repository. Where settings of a data remote are given, one is meant.
"""

from __future__ import annotations

from collections.abc import Mapping

from assay.engine.errors import AccessDenied, AssayError, GitError, RemoteError, Unavailable, UsageError
from assay.engine.events import Reporter, silent
from assay.engine.project import World
from assay.remotes import clone as data
from assay.remotes.clone import Cloned
from assay.remotes.git import addresses
from assay.remotes.registry import checked_url, located

_EITHER = ("ssh", "http", "https")


def clone(
    url: str,
    folder: str,
    world: World,
    report: Reporter = silent,
    *,
    typed_in: str = "/",
    settings: Mapping[str, str] | None = None,
    depth: int | None = None,
    artifacts: bool = True,
) -> Cloned:
    """Makes a project.

    Args:
        url: A folder, the URL of a data remote, or that of a Git repository.
        folder: Absolute path of the new project; it must be empty or not exist.
        world: What only the outside knows.
        report: Where events go.
        typed_in: Absolute path of the folder that a relative ``url`` is relative to.
        settings: Further settings of a data remote ("endpointurl"), kept in the clone's local configuration.
        depth: How many commits of the history of HEAD's branch come, with their experiments; None for everything.
        artifacts: Whether data comes along.

    Raises:
        Refused: The folder is not empty.
        UsageError: No remote can have that URL, or what was said besides does not go with it.
        RemoteError: It cannot be used, or holds nothing of ours; nothing was left behind.
        GitError: Likewise, of a Git repository.
    """

    def from_data() -> Cloned:
        return data.clone(
            url, folder, world, report, typed_in=typed_in, settings=settings, depth=depth, artifacts=artifacts
        )

    def from_git() -> Cloned:
        from assay.remotes.git.clone import clone as clone_git

        if settings:
            raise UsageError(
                f"{addresses.shown(url)} is a Git repository; --option is about data remotes.", "Leave it out."
            )
        return clone_git(url, folder, world, report, typed_in=typed_in, depth=depth, artifacts=artifacts)

    if not addresses.is_elsewhere(url):
        if not addresses.is_repository(located(url, typed_in)):
            return from_data()
        try:
            return from_data()
        except RemoteError:
            return from_git()
    scheme = url.partition("://")[0].lower()
    if settings or ("://" in url and not _is_gits(scheme)):
        return from_data()
    if scheme not in _EITHER or not _is_data(url):
        return from_git()
    try:
        return from_git()
    except (GitError, RemoteError) as error:
        if isinstance(error, AccessDenied | Unavailable):
            raise
        try:
            return from_data()
        except AssayError as other:
            raise type(error)(error.message, f"{error.hint} As a data remote: {other.message}".strip()) from None


def _is_gits(scheme: str) -> bool:
    """Whether Git has such URLs; a data remote may have them, too."""
    return scheme in (*_EITHER, "git", "git+ssh", "ssh+git", "ftp", "ftps")


def _is_data(url: str) -> bool:
    """Whether a data remote can have that URL."""
    try:
        checked_url(url)
    except AssayError:
        return False
    return True
