"""Git's settings that are about URLs: ``http.<url>.*`` and ``credential.<url>.*``, matched as Git matches them.

A pattern fits a URL of the same scheme, host and port whose path lies at or below its own; ``*`` stands for one label
of the host, and a user in the pattern must be the URL's. The more of the URL a pattern names the more specific it is,
and a setting without any pattern is the least. Limits: percent-escapes are compared after they are undone.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from assay.engine.git.gitconfig import GitConfig

_PORTS = {"http": 80, "https": 443, "ssh": 22, "ftp": 21, "ftps": 990}
Rank = tuple[int, int, bool]
"""How specific a pattern is: how much of the host, how much of the path, whether the user."""
_ANY: Rank = (0, 0, False)


class _Url(NamedTuple):
    scheme: str
    user: str | None
    host: str
    port: int
    path: str


def values(config: GitConfig, section: str, name: str, url: str) -> list[str]:
    """Every value that a setting has for a URL, in the order of the files.

    Args:
        config: Git's configuration.
        section: "credential" or "http".
        name: The key in its section ("helper").
        url: The URL.
    """
    return [value for _, value in _fitting(config, section, name, url)]


def refined(config: GitConfig, section: str, name: str, url: str) -> list[str]:
    """The values of a list that more specific patterns go on with: whatever is less specific than one before is out.

    An empty value forgets what came before it. For the rest as `values`.
    """
    found: list[str] = []
    best = _ANY
    for rank, value in _fitting(config, section, name, url):
        if rank >= best:
            best = rank
            found = [*found, value] if value else []
    return found


def most_specific(config: GitConfig, section: str, name: str, url: str, default: str = "") -> str:
    """The value with the most specific pattern, of equals the last; the arguments are those of `values`."""
    best = _ANY
    found = default
    for rank, value in _fitting(config, section, name, url):
        if rank >= best:
            best, found = rank, value
    return found


def _fitting(config: GitConfig, section: str, name: str, url: str) -> Iterator[tuple[Rank, str]]:
    start, end, wanted = f"{section.lower()}.", f".{name.lower()}", _parsed(url)
    for key, value in config.items():
        if key == start + end[1:]:
            rank: Rank | None = _ANY
        elif key.startswith(start) and key.endswith(end):
            rank = _rank(key[len(start) : -len(end)], wanted)
        else:
            continue
        if rank is not None:
            yield rank, "true" if value is None else value


def _rank(pattern: str, url: _Url | None) -> Rank | None:
    """How well a pattern fits; None where it does not."""
    wanted = _parsed(pattern)
    if wanted is None or url is None:
        return None
    if (wanted.scheme, wanted.port) != (url.scheme, url.port) or wanted.user not in (None, url.user):
        return None
    labels, names = wanted.host.split("."), url.host.split(".")
    if len(labels) != len(names) or any(a not in ("*", b) for a, b in zip(labels, names, strict=True)):
        return None
    path = wanted.path.rstrip("/")
    if url.path.rstrip("/") != path and not url.path.startswith(path + "/"):
        return None
    return len(wanted.host), len(path) + 1, wanted.user is not None


def _parsed(url: str) -> _Url | None:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    scheme = parts.scheme.lower()
    if not scheme or parts.hostname is None:
        return None
    user = None if parts.username is None else unquote(parts.username)
    path = posixpath.normpath("/" + unquote(parts.path).lstrip("/"))
    return _Url(scheme, user, parts.hostname.lower(), port or _PORTS.get(scheme, 0), path)
