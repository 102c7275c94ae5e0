"""How a Git service begins: which protocol it speaks, what it can do, and in the old protocol all its refs.

Versions 0 and 1 (gitprotocol-pack) list refs at once, with what the service can do behind the first; version 2
(gitprotocol-v2) says only what it can do. Names that no ref can have are left out and remembered as damaged: nothing
of ours could be called so, and no path is ever made of them.
"""

from __future__ import annotations

from binascii import Error as NotHex
from binascii import unhexlify
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import NamedTuple

from assay.engine.errors import CorruptRemote, GitError
from assay.engine.git.refnames import is_valid_name
from assay.engine.model import Oid
from assay.remotes.git.packets import Packets, as_text

NOTHING = Oid(bytes(20))
"""The id that stands for no object: what a ref is before it is made and after it is deleted."""


class Greeting(NamedTuple):
    """What a service says first.

    Attributes:
        version: 0, 1 or 2.
        abilities: What it can do, each with what is behind the "=", else empty.
        shown: Its refs, where the protocol lists them now; HEAD and ".have" are not among them.
        head: The branch that HEAD names; None where that is not said.
        others: Values of refs that it does not show, but has.
        shallow: Commits whose parents it does not have.
    """

    version: int
    abilities: Mapping[str, str]
    shown: Mapping[str, Oid]
    head: str | None
    others: frozenset[Oid]
    shallow: frozenset[Oid]


class Listed(NamedTuple):
    """The answer to a question for refs: their values, and the branch that HEAD names, where that is said."""

    refs: Mapping[str, Oid]
    head: str | None


def read_greeting(packets: Packets, service: str, url: str) -> Greeting:
    """Reads what a service says first.

    Raises:
        RemoteError: It is not Git's protocol, or a version of it that is not known here.
        GitError: The repository names its objects by another hash.
    """
    first = packets.next()
    if first is not None and first.startswith(b"# service="):  # http has this in front
        if first[10:].strip() != service.encode():
            raise CorruptRemote(f"{url} was asked for {service} and answers for {as_text(first[10:])!r}.")
        list(packets.rest())
        first = packets.next()
    word = b"" if first is None else first.strip()
    if word == b"version 2":
        abilities = _abilities((as_text(line) for line in packets.rest()), url)
        return Greeting(2, abilities, {}, None, frozenset(), frozenset())
    if word == b"version 1":
        return _old(1, packets.next(), packets, url)
    return _old(0, first, packets, url)


def read_listed(packets: Packets, url: str) -> Listed:
    """Reads the answer to ``ls-refs`` of version 2. Raises CorruptRemote."""
    refs: dict[str, Oid] = {}
    head = None
    for line in packets.rest():
        oid, name, rest = _ref(line, url)
        if name != "HEAD":
            if oid is not None:
                refs[name] = oid
            continue
        for word in rest:
            if word.startswith("symref-target:") and oid is not None:
                head = word.removeprefix("symref-target:")
    return Listed(refs, head)


def with_prefixes(refs: Mapping[str, Oid], prefixes: Sequence[str]) -> tuple[dict[str, Oid], list[str]]:
    """The refs whose names start with one of the prefixes; and those of such names that no ref can have."""
    starts = tuple(_apart(prefixes))
    good: dict[str, Oid] = {}
    bad: list[str] = []
    if len(starts) > 20:
        names: Iterable[str] = _starting(refs, starts)
    else:
        names = [name for name in refs if name.startswith(starts)]
    for name in names:
        if name.startswith("refs/") and is_valid_name(name):
            good[name] = refs[name]
        else:
            bad.append(name)
    return good, bad


def _apart(prefixes: Iterable[str]) -> list[str]:
    """The prefixes, sorted, without those that begin with another."""
    kept: list[str] = []
    for prefix in sorted(prefixes):
        if not kept or not prefix.startswith(kept[-1]):
            kept.append(prefix)
    return kept


def _starting(names: Iterable[str], starts: Sequence[str]) -> list[str]:
    """The names with one of many prefixes, of which none begins with another."""
    found: list[str] = []
    at = 0
    for name in sorted(names):
        while at < len(starts) and starts[at] <= name and not name.startswith(starts[at]):
            at += 1
        if at < len(starts) and name.startswith(starts[at]):
            found.append(name)
    return found


def _old(version: int, first: bytes | None, packets: Packets, url: str) -> Greeting:
    """Versions 0 and 1: refs, and what the service can do after a NUL in the first line."""
    if first is None:
        return Greeting(version, {}, {}, None, frozenset(), frozenset())
    line, _, behind = first.partition(b"\0")
    words = behind.decode("utf-8", "replace").split()
    abilities = _abilities(words, url)
    shown: dict[str, Oid] = {}
    others: set[Oid] = set()
    shallow: set[Oid] = set()
    for content in chain((line,), packets.rest()):
        if content[40:41] != b" ":
            if not content.startswith(b"shallow "):
                raise _bad(content, url)
            shallow.add(_oid(content[8:].strip(), url))
            continue
        try:
            oid = Oid(unhexlify(content[:40]))
        except NotHex:
            raise _bad(content, url) from None
        name = content[41:].rstrip(b"\n").decode("utf-8", "surrogateescape")
        if name == ".have":
            others.add(oid)
        elif name != "HEAD" and name[-3:] != "^{}":
            shown[name] = oid
    head = next((word[12:] for word in words if word.startswith("symref=HEAD:")), None)
    return Greeting(version, abilities, shown, head, frozenset(others), frozenset(shallow))


def _ref(line: bytes, url: str) -> tuple[Oid | None, str, list[str]]:
    """An id (None where it says "unborn"), a name, and what is behind it."""
    words = line.rstrip(b"\n").split(b" ")
    if len(words) < 2 or not words[1]:
        raise _bad(line, url)
    oid = None if words[0] == b"unborn" else _oid(words[0], url)
    return oid, words[1].decode("utf-8", "surrogateescape"), [as_text(word) for word in words[2:]]


def _oid(text: bytes, url: str) -> Oid:
    try:
        oid = unhexlify(text)
    except NotHex:
        oid = b""
    if len(oid) != 20:
        raise _bad(text, url)
    return Oid(oid)


def _abilities(words: Iterable[str], url: str) -> dict[str, str]:
    """What a service can do. Raises GitError when it names objects by a hash that is not known here."""
    found: dict[str, str] = {}
    for word in words:
        name, _, value = word.partition("=")
        found.setdefault(name, value)
    used = found.get("object-format", "sha1")
    if used != "sha1":
        raise GitError(f"{url} names its objects by {used.upper()}; only SHA-1 repositories can be used.")
    return found


def _bad(line: bytes, url: str) -> CorruptRemote:
    return CorruptRemote(f"{url} lists a ref that cannot be understood: {as_text(line[:100])!r}.")
