"""Where a repository behind ssh is: ``ssh://user@host:port/path`` and ``user@host:path``, read as Git reads them.

What an ssh program could take for one of its options is refused, whoever wrote it.
"""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import unquote

from assay.engine.errors import UsageError

_SCHEMES = ("ssh", "git+ssh", "ssh+git")
_SCHEME, _FOREIGN = re.compile(r"[A-Za-z0-9+.-]+"), re.compile(r"[A-Za-z0-9+.-]+::")
_SCP = re.compile(
    r"(?:(?P<user>[^@/\[\]]*(?:@[^@/\[\]]*)*)@)?(?:\[(?P<inside>[^\]]*)\]|(?P<host>[^:/\[\]]+)):(?P<path>.*)",
    re.DOTALL,
)


class SshAddress(NamedTuple):
    """Where to go.

    Attributes:
        user: Who to be there; empty for what ssh makes of it.
        host: A name, an address, or what the user's ssh configuration calls it.
        port: 0 for the usual one.
        path: The repository there, as its shell is told.
    """

    user: str
    host: str
    port: int
    path: str

    @property
    def login(self) -> str:
        """``user@host``, as ssh takes it."""
        return f"{self.user}@{self.host}" if self.user else self.host

    @property
    def by_hand(self) -> str:
        """The command with which a person tries the way there."""
        return f"ssh -p {self.port} {self.login}" if self.port else f"ssh {self.login}"


def is_ssh(url: str) -> bool:
    """Whether a URL leads through ssh: by its scheme, or as ``host:path`` with no slash before the colon."""
    head, colon, _ = url.partition("://")
    if colon and _SCHEME.fullmatch(head):
        return head.lower() in _SCHEMES
    return _FOREIGN.match(url) is None and _SCP.fullmatch(url) is not None


def parsed(url: str) -> SshAddress:
    """Takes a URL apart.

    Raises:
        UsageError: It names no host or no path, or something that could be taken for an option.
    """
    found = _of_url(url) if "://" in url else _of_scp(url)
    if found is None or not found.host or not found.path or re.search(r"[\s\0@]", found.host):
        raise UsageError(f"{shown(url)} is no address of a repository behind ssh.", "Write ssh://USER@HOST/PATH.")
    if found.login.startswith("-") or found.host.startswith("-") or found.path.startswith("-"):
        raise UsageError(f"{shown(url)}: no host and no path begins with '-'.")
    if "\0" in found.path or "\n" in found.path:
        raise UsageError(f"{shown(url)!r} has a character that no path has.")
    return found


def shown(url: str) -> str:
    """The URL without a password."""
    head, colon, rest = url.partition("://")
    if not colon:
        return url
    place, slash, path = rest.partition("/")
    user, at, host = place.rpartition("@")
    return f"{head}://{user.partition(':')[0]}{at}{host}{slash}{path}"


def _of_url(url: str) -> SshAddress | None:
    place, slash, path = url.partition("://")[2].partition("/")
    user, _, where = place.rpartition("@")
    host, port = _host_and_port(where)
    if host is None:
        return None
    path = unquote(slash + path)
    path = path[1:] if path.startswith("/~") else path
    return SshAddress(unquote(user.partition(":")[0]), unquote(host), port, path)


def _of_scp(url: str) -> SshAddress | None:
    found = _SCP.fullmatch(url)
    if found is None:
        return None
    user, host, port = found["user"] or "", found["host"], 0
    if found["inside"] is not None:
        inside = found["inside"]
        user, inside = inside.rpartition("@")[0] or user, inside.rpartition("@")[2]
        host, port = _host_and_port(inside if inside.count(":") < 2 else f"[{inside}]")
    path = found["path"]
    return None if host is None else SshAddress(user, host, port, path[1:] if path.startswith("/~") else path)


def _host_and_port(text: str) -> tuple[str | None, int]:
    found = re.fullmatch(r"(?:\[([^\]]*)\]|([^:\[\]]*))(?::([0-9]{0,5}))?", text)
    if found is None:
        return None, 0
    return found[1] if found[1] is not None else found[2], int(found[3] or 0)
