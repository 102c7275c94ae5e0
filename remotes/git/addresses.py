"""What a name or URL of a Git remote means: Git's own configuration decides, as it does for ``git push``.

A name is looked up as ``remote.<name>.url`` (``pushurl`` for pushing), with ``url.<base>.insteadOf`` and
``pushInsteadOf`` applied; anything else is a URL or a path. Limits: repositories on this machine and behind ssh,
http(s) and git://; programs that Git runs for other kinds of URLs (``ext::``) are never run.
"""

from __future__ import annotations

import os
import re
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from assay.engine.errors import AssayError, GitError, UsageError
from assay.engine.events import Reporter, silent
from assay.engine.git.gitconfig import GitConfig
from assay.engine.git.gitfolders import is_git_dir, linked
from assay.engine.git.repository import Repository
from assay.engine.ports import GitTransport
from assay.engine.project import Project, World
from assay.remotes.git import sshaddress
from assay.remotes.git.wire import RECEIVE_PACK, UPLOAD_PACK, Credentials, Wire

_NO = ("false", "no", "off", "0")


class Address(NamedTuple):
    """Where a Git remote is.

    Attributes:
        name: What the user called it.
        url: Its URL or absolute path, without credentials.
        whole: The same with the credentials that it may have; never shown.
    """

    name: str
    url: str
    whole: str


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
    pushed = config.get(f"remote.{name}.pushurl") if push else ""
    url = pushed or config.get(f"remote.{name}.url")
    folder = project.repo.worktree or project.repo.git_dir
    if not url:
        url, folder = name, typed_in or folder
        if not is_elsewhere(_rewritten(config, url, push=push)) and _git_dir(_path(url, folder)) is None:
            known = ", ".join(config.sections("remote")) or "none"
            raise UsageError(f"{name!r} is not a valid Git remote or URL.", f"Git's remotes here: {known}.")
    return located(config, name, url, folder, push=push and not pushed)


def located(config: GitConfig, name: str, url: str, folder: str, *, push: bool = False) -> Address:
    """The address of a URL or a path, once Git's configuration has had its say.

    Args:
        config: Git's configuration.
        name: What the user called it.
        url: The URL, or a path relative to ``folder``.
        folder: An absolute path.
        push: Whether ``pushInsteadOf`` counts.
    """
    url = _rewritten(config, url, push=push)
    if not is_elsewhere(url):
        path = _path(url, folder)
        return Address(name, path, path)
    return Address(name, shown(url), url)


def connect(project: Project, address: Address, *, push: bool = False, soon: bool = False) -> GitTransport:
    """The way to a Git remote; nothing is asked of it yet.

    Args:
        project: The project on this side.
        address: Where it is.
        push: Whether something is about to be pushed.
        soon: Whether it is asked for refs at once, so that to set out for a server now saves time.

    Raises:
        GitError: It is no repository, or lies where assay cannot go.
        RemoteError: There is no program for the way there.
    """
    folder = f"{project.state}/incoming"
    return connected(project.repo, address, project.world, folder, project.report, push=push, soon=soon)


def connected(
    repo: Repository,
    address: Address,
    world: World,
    folder: str,
    report: Reporter = silent,
    *,
    push: bool = False,
    soon: bool = False,
) -> GitTransport:
    """The way to a Git remote, for a repository that may have no project yet.

    Args:
        repo: The repository on this side, whose configuration counts.
        address: Where the remote is.
        world: Variables, the home folder, whom to ask.
        folder: Where packs lie while they travel; on the file system of the repository.
        report: Takes what a server wants people to read.
        push: Whether something is about to be pushed.
        soon: Whether it is asked for refs at once.
    """
    if not is_elsewhere(address.whole):
        return _local(repo, address, world, folder)
    from assay.remotes.git.server import ServerTransport

    wire = _wire(repo.config, address, world)
    server = ServerTransport(wire, repo, folder, asks=RECEIVE_PACK if push else UPLOAD_PACK, report=report)
    if soon:
        server.begin()
    return server


def is_elsewhere(url: str) -> bool:
    """Whether a URL leads to another machine: a scheme other than file, or ``host:path``."""
    head, colon, _ = url.partition("://")
    if colon and "/" not in head:
        return head.lower() != "file"
    return sshaddress.is_ssh(url) or re.match(r"[A-Za-z0-9+.-]+::", url) is not None


def is_repository(path: str) -> bool:
    """Whether there is a Git repository at an absolute path or a file:// URL."""
    return not is_elsewhere(path) and _git_dir(_path(path, "/")) is not None


def shown(url: str) -> str:
    """A URL without what is secret: the password, and over http the user name and the query, too."""
    if sshaddress.is_ssh(url) or "://" not in url:
        return sshaddress.shown(url)
    try:
        parts = urlsplit(url)
    except ValueError:  # no URL at all
        return f"{url.partition('://')[0]}://..."
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()


def opened(address: Address, world: World) -> Repository:
    """The repository at an address on this machine. Raises GitError."""
    git_dir = _git_dir(address.url)
    if git_dir is None:
        raise GitError(f"There is no Git repository at {address.url}.", f"Check the URL of {address.name!r}.")
    try:
        there = Repository.open(git_dir, world.git_config, world.environment)
    except AssayError as error:
        raise GitError(f"The Git repository at {address.url} cannot be used: {error.message}", error.hint) from error
    there.command = world.command
    return there


def _local(repo: Repository, address: Address, world: World, folder: str) -> GitTransport:
    from assay.remotes.git.local import LocalTransport

    return LocalTransport(opened(address, world), address.url, repo, folder)


def _wire(config: GitConfig, address: Address, world: World) -> Wire:
    """What carries Git's protocol to a server."""
    if sshaddress.is_ssh(address.whole):
        return _ssh(config, address, world)
    scheme = address.whole.partition("://")[0].lower()
    if scheme == "git":
        from assay.remotes.git.daemon import DaemonDialer
        from assay.remotes.git.wire import Dialled

        return Dialled(DaemonDialer(address.whole))
    if scheme not in ("http", "https"):
        kind = f"{scheme}://" if "://" in address.whole else f"{address.whole.partition(':')[0]}::"
        raise GitError(
            f"{address.url}: Git servers behind {kind} cannot be used; those behind ssh, https, http and git:// can, "
            "and folders.",
            "Use its ssh or https URL.",
        )
    from assay.remotes.git.http import HttpWire
    from assay.remotes.git.httpsettings import http_settings

    environment, home = world.environment, world.home

    def keyring() -> Credentials:
        from assay.remotes.git.credentials import Keyring  # most servers that are asked for experiments ask nobody back

        return Keyring(address.whole, config, environment, home, world.person)

    return HttpWire(
        address.url, lambda url: http_settings(config, environment, url, remote=address.name, home=home), keyring
    )


def _ssh(config: GitConfig, address: Address, world: World) -> Wire:
    from assay.remotes.git import ssh
    from assay.remotes.git.wire import Dialled

    where = sshaddress.parsed(address.whole)
    keys = {UPLOAD_PACK: "uploadpack", RECEIVE_PACK: "receivepack"}
    services = {name: config.get(f"remote.{address.name}.{key}", name) for name, key in keys.items()}
    is_alone = world.person is None or world.environment.get("GIT_TERMINAL_PROMPT", "").lower() in _NO
    program = ssh.program(config, world.environment, batch=is_alone)
    if program is not None:
        return Dialled(ssh.ProgramDialer(address.url, where, program, services))
    from assay.remotes.git.puressh import PureDialer

    return Dialled(PureDialer(address.url, where, world.home, world.environment, services))


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


def _rewritten(config: GitConfig, url: str, *, push: bool) -> str:
    """A URL with the longest matching ``pushInsteadOf``, else ``insteadOf``, replaced."""
    for key in ("pushInsteadOf", "insteadOf") if push else ("insteadOf",):
        matching = [
            (old, base)
            for base in config.sections("url")
            for old in config.get_all(f"url.{base}.{key}")
            if old and url.startswith(old)
        ]
        if matching:
            old, base = max(matching, key=lambda pair: len(pair[0]))
            return base + url[len(old) :]
    return url
