"""``.netrc`` files, read as curl reads them for Git: the first entry that fits host and user, else ``default``.

Words may be in double quotes; ``macdef`` and what follows it up to an empty line is passed over. Limits: a password
that begins with ``#`` has to be quoted where the file has comments.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_WORD = re.compile(r'"((?:[^"\\\n]|\\.)*)"|(\S+)')
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}


class Entry(NamedTuple):
    """One entry; ``machine`` is None for ``default``."""

    machine: str | None
    login: str
    password: str


def find(text: str, host: str, user: str = "") -> Entry | None:
    """The entry for a host.

    Args:
        text: The file.
        host: The host, without a port.
        user: The user that is wanted; any when empty.

    Raises:
        ValueError: The file cannot be understood; the message says where, and nothing of what it holds.
    """
    fallback = None
    for entry in _entries(text):
        if user and entry.login and entry.login != user:
            continue
        entry = entry._replace(login=entry.login or user)
        if entry.machine is None:
            fallback = fallback or entry
        elif entry.machine.lower() == host.lower() and entry.password:
            return entry
    return fallback if fallback is not None and fallback.password else None


def _entries(text: str) -> Iterator[Entry]:
    entry: Entry | None = None
    words = _words(text)
    for number, word in words:
        if word in ("machine", "default"):
            if entry is not None:
                yield entry
            entry = Entry(_next(words, number) if word == "machine" else None, "", "")
        elif word in ("login", "user", "password", "account"):
            value = _next(words, number)
            if entry is None:
                raise ValueError(f"line {number} belongs to no machine")
            if word == "password":
                entry = entry._replace(password=value)
            elif word != "account":
                entry = entry._replace(login=value)
        else:
            raise ValueError(f"line {number} has a word that is not known")
    if entry is not None:
        yield entry


def _words(text: str) -> Iterator[tuple[int, str]]:
    in_macro = False
    for number, line in enumerate(text.splitlines(), 1):
        if in_macro:
            in_macro = bool(line.strip())
            continue
        at = 0
        while (found := _WORD.search(line, at)) is not None:
            if found[2] is not None and found[2].startswith("#"):
                break
            if found[2] == "macdef":
                in_macro = True
                break
            yield number, found[2] if found[2] is not None else re.sub(r"\\(.)", _unescaped, found[1])
            at = found.end()


def _unescaped(found: re.Match[str]) -> str:
    return _ESCAPES.get(found[1], found[1])


def _next(words: Iterator[tuple[int, str]], number: int) -> str:
    value = next(words, None)
    if value is None:
        raise ValueError(f"line {number} ends too early")
    return value[1]
