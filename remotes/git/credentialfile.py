"""The files of ``git credential-store``, read and written here, since where there is no Git nothing else would.

One URL a line, with user name and password, in percent-escapes. Writing takes Git's own lock beside the file, replaces
the file whole, and keeps it to its owner.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import NamedTuple
from urllib.parse import quote, unquote

from assay.engine import disk
from assay.engine.errors import Locked

_PATIENCE = 1.0  # seconds to wait for somebody else's lock
_RESERVED = ":/?#[]@!$&'()*+,;="


class Login(NamedTuple):
    """Who somebody is somewhere; what is not known, or not asked for, is empty.

    Attributes:
        protocol: "https".
        host: With the port where the URL has one.
        path: Without a leading slash.
        user: The user name.
        password: The password or token.
    """

    protocol: str
    host: str
    path: str = ""
    user: str = ""
    password: str = ""


def find(paths: Sequence[str], wanted: Login) -> Login | None:
    """The first line that fits what is wanted. Raises OSError where a file cannot be read."""
    for path in paths:
        for _, login in _lines(path):
            if login is not None and login.password and _fits(login, wanted):
                return login
    return None


def keep(paths: Sequence[str], login: Login) -> None:
    """Writes a login into the first file that is there, or else makes the first one.

    Raises:
        Locked: Somebody else holds the file.
        OSError: It cannot be written.
    """
    path = next((path for path in paths if os.path.exists(path)), paths[0])
    _rewrite(path, login._replace(password=""), login)


def forget(paths: Sequence[str], login: Login) -> None:
    """Takes a login out of every file; one with another password stays. Raises as `keep`."""
    for path in paths:
        if os.path.exists(path):
            _rewrite(path, login, None)


def _fits(login: Login, wanted: Login) -> bool:
    return (login.protocol, login.host) == (wanted.protocol, wanted.host) and all(
        not asked or asked == there for asked, there in zip(wanted[2:], login[2:], strict=True)
    )


def _lines(path: str) -> Iterator[tuple[str, Login | None]]:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            text = file.read()
    except FileNotFoundError:
        return
    for line in text.splitlines():
        yield line, _parsed(line)


def _parsed(line: str) -> Login | None:
    protocol, colon, rest = line.partition("://")
    place, _, path = rest.partition("/")
    who, at, host = place.rpartition("@")
    user, _, password = who.partition(":")
    if not colon or not at or not protocol:
        return None
    return Login(protocol, unquote(host), unquote(path).rstrip("/"), unquote(user), unquote(password))


def _line(login: Login) -> str:
    path = f"/{_escaped(login.path, _RESERVED)}" if login.path else ""
    return f"{login.protocol}://{_escaped(login.user)}:{_escaped(login.password)}@{_escaped(login.host)}{path}"


def _escaped(text: str, safe: str = "") -> str:
    """In percent-escapes with small letters, as Git writes them."""
    return re.sub(
        r"%[0-9A-F]{2}", lambda found: found[0].lower(), quote(text, safe=safe + "~", errors="surrogateescape")
    )


def _rewrite(path: str, without: Login, new: Login | None) -> None:
    """Replaces a file by one without the logins that fit ``without``, and with ``new`` first."""
    path = os.path.realpath(path)
    if os.path.dirname(path) and not os.path.isdir(os.path.dirname(path)):
        disk.make_folders(os.path.dirname(path), 0o700)
    lock = f"{path}.lock"
    _take(lock)
    try:
        before = list(_lines(path))
        kept = [line for line, login in before if login is None or not _fits(login, without)]
        after = [*([_line(new)] if new is not None else []), *kept]
        if after != [line for line, _ in before]:
            text = "".join(f"{line}\n" for line in after)
            disk.write_atomic(path, text.encode("utf-8", "surrogateescape"), mode=0o600)
    finally:
        with suppress(OSError):
            disk.unlink(lock)


def _take(lock: str) -> None:
    end = time.monotonic() + _PATIENCE
    while True:
        try:
            disk.create_exclusive(lock, b"", mode=0o600)
        except FileExistsError:
            if time.monotonic() > end:
                raise Locked(f"{lock} is there: another program writes that file, or was killed.") from None
            time.sleep(0.05)
        else:
            return
