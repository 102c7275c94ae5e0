"""Git objects as values: ids, trees, commits, tags.

Reading is lenient where history is odd (author lines without a date, encodings nobody knows) and strict where a
wrong guess would show wrong content (a tree that is cut short). Writing is strict: what `git fsck --strict`
would complain about is refused. The forms are those of Git's own documentation (gitformat-pack, git-mktree,
git-commit-tree).

Names in trees are text; bytes that are not UTF-8 travel as surrogate escapes in both directions. Messages and
author names are for people, so there such bytes become U+FFFD.

Limits: SHA-1 only, and without detection of deliberate collisions.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from hashlib import sha1
from typing import NamedTuple

from assay.engine.disk import is_dot_git
from assay.engine.errors import CorruptObject, GitError
from assay.engine.model import Oid, Signature

COMMIT, TREE, BLOB, TAG = 1, 2, 3, 4
KIND_NAMES = {COMMIT: b"commit", TREE: b"tree", BLOB: b"blob", TAG: b"tag"}
KINDS = {name: kind for kind, name in KIND_NAMES.items()}
HEADERS = (b"", b"commit %d\0", b"tree %d\0", b"blob %d\0", b"tag %d\0")
"""By kind: what precedes the content when an object is hashed or stored loose."""

MODE_FILE, MODE_EXECUTABLE, MODE_LINK, MODE_FOLDER, MODE_GITLINK = 0o100644, 0o100755, 0o120000, 0o040000, 0o160000
_MODE_GROUP_WRITABLE = 0o100664  # in trees of Git's first months; kept as it is when such a tree is edited
_WRITABLE_MODES = (MODE_FILE, MODE_EXECUTABLE, MODE_LINK, MODE_FOLDER, MODE_GITLINK, _MODE_GROUP_WRITABLE)
_MODE_TEXTS = {b"%o" % mode: mode for mode in _WRITABLE_MODES}
_LONG_MODES = frozenset(text for text in _MODE_TEXTS if len(text) == 6)
_LINKS = re.compile(rb"tree [0-9a-f]{40}(?:\nparent [0-9a-f]{40})*\nauthor")
_NULL = Oid(bytes(20))
_LAST_TIME = 253402214400  # a day before the year 10000, the last date Python can show in every time zone


def object_id(kind: int, data: bytes) -> Oid:
    """The id of an object with this kind number and content."""
    digest = sha1(HEADERS[kind] % len(data))
    digest.update(data)
    return Oid(digest.digest())


class TreeItem(NamedTuple):
    """One name in one tree; ``mode`` is one of the ``MODE_`` numbers or what old history holds."""

    name: str
    mode: int
    oid: Oid


def parse_tree(data: bytes) -> list[TreeItem]:
    """The items of a tree in their order. Raises CorruptObject."""
    items = []
    at, end = 0, len(data)
    try:
        while at < end:
            space = data.index(b" ", at)
            nul = data.index(b"\0", space)
            name = data[space + 1 : nul]
            if not name or b"/" in name:
                raise CorruptObject(f"A Git tree holds the name {name!r}, which no file can have.")
            items.append(TreeItem(_text(name), _mode(data[at:space]), Oid(data[nul + 1 : nul + 21])))
            at = nul + 21
    except ValueError as error:
        raise CorruptObject("A Git tree is cut short.") from error
    if at != end:
        raise CorruptObject("A Git tree is cut short.")
    return items


def find_in_tree(data: bytes, name: str) -> TreeItem | None:
    """The item of that name in a tree's content, or None.

    The name is searched for as bytes, which costs the same for a tree of ten or ten thousand. A hit may be the end
    of a longer name with a space in it ("100644 x100644 a" ends in "100644 a"): it is one only where 20 bytes of an
    id come before it, and an id that has a space itself is decided by walking.
    """
    pattern = _pattern(name)
    space = data.find(pattern) if pattern else -1
    while space >= 0:
        mode = data[space - 6 : space]
        if mode not in _LONG_MODES:
            mode = data[space - 5 : space]
        if mode not in _MODE_TEXTS:
            return next((item for item in parse_tree(data) if item.name == name), None)
        start = space - len(mode)
        if not start or _is_item(data, start):
            nul = space + len(pattern)
            oid = data[nul : nul + 20]
            if len(oid) != 20:
                raise CorruptObject("A Git tree is cut short.")
            return TreeItem(name, _MODE_TEXTS[mode], Oid(oid))
        space = data.find(pattern, space + 1)
    return None


@lru_cache(maxsize=256)
def _pattern(name: str) -> bytes:
    """What surrounds the name in a tree; empty when no tree holds such a name."""
    return b" " + _bytes(name) + b"\0" if name and "\0" not in name else b""


def _is_item(data: bytes, start: int) -> bool:
    if start < 24 or data[start - 21]:  # an item has at least 24 bytes
        return False
    if b" " not in data[start - 20 : start]:
        return True
    at = 0
    while at < start:
        at = data.find(b"\0", at) + 21
    return at == start


def build_tree(items: Iterable[TreeItem]) -> bytes:
    """The content of a tree with these items, put into Git's order.

    Raises:
        GitError: Two items of one name, a name that no checkout may write, or a mode Git does not know.
    """
    seen: set[str] = set()
    lines = []
    for name, mode, oid in items:
        if name in seen:
            raise GitError(f"A Git tree cannot hold the name {name!r} twice.")
        if not name or "/" in name or "\0" in name or name in (".", "..") or is_dot_git(name):
            raise GitError(f"A Git tree cannot hold the name {name!r}.")
        if mode not in _WRITABLE_MODES or len(oid) != 20 or oid == _NULL:
            raise GitError(f"A Git tree cannot hold {name!r} with mode {mode:o} and id {oid.hex()}.")
        seen.add(name)
        raw = _bytes(name)
        # a folder sorts as if its name ended in a slash
        lines.append((raw + b"/" if mode == MODE_FOLDER else raw, b"%o %b\0%b" % (mode, raw, oid)))
    lines.sort()
    return b"".join(line for _, line in lines)


class CommitInfo(NamedTuple):
    """What a commit says."""

    tree: Oid
    parents: tuple[Oid, ...]
    author: Signature
    committer: Signature
    message: str


_NOBODY = Signature("", "", 0, 0)


def parse_commit(data: bytes) -> CommitInfo:
    """A commit's content as a value. Raises CorruptObject when it names no tree."""
    head, _, message = data.partition(b"\n\n")
    tree: Oid | None = None
    parents: list[Oid] = []
    author = committer = b""
    encoding = "utf-8"
    for line in head.split(b"\n"):
        word, _, rest = line.partition(b" ")
        if word == b"tree" and tree is None:
            tree = _parse_oid(rest)
        elif word == b"parent":
            parents.append(_parse_oid(rest))
        elif word == b"author" and not author:
            author = rest
        elif word == b"committer" and not committer:
            committer = rest
        elif word == b"encoding":
            encoding = rest.decode("ascii", "replace")
    if tree is None:
        raise CorruptObject("A Git commit does not name a tree.")
    return CommitInfo(
        tree, tuple(parents), parse_signature(author, encoding), parse_signature(committer, encoding),
        _decode(message, encoding),
    )  # fmt: skip


def parse_links(data: bytes) -> tuple[Oid, tuple[Oid, ...]]:
    """The tree and the parents that a commit names, as `parse_commit` has them, in a tenth of the time."""
    found = _LINKS.match(data)
    if found is None or data.find(b"\nparent ", found.end()) >= 0:  # odd, or it says so in its message
        info = parse_commit(data)
        return info.tree, info.parents
    ids = bytes.fromhex(data[5 : found.end() - 7].replace(b"\nparent ", b"").decode())
    return Oid(ids[:20]), tuple([Oid(ids[at : at + 20]) for at in range(20, len(ids), 20)])


def build_commit(tree: Oid, parents: Iterable[Oid], author: Signature, committer: Signature, message: str) -> bytes:
    """The content of a commit; the message is kept as it is.

    Raises:
        GitError: A name or address that a commit cannot hold, or a message with a NUL.
    """
    if "\0" in message:
        raise GitError("A commit message cannot hold a NUL character.")
    lines = [b"tree " + tree.hex().encode()]
    lines += [b"parent " + parent.hex().encode() for parent in parents]
    lines += [b"author " + format_signature(author), b"committer " + format_signature(committer)]
    return b"\n".join(lines) + b"\n\n" + _bytes(message)


def parse_tag(data: bytes) -> tuple[Oid, int]:
    """What an annotated tag points at: an id and its kind number. Raises CorruptObject."""
    lines = data.split(b"\n", 2)
    if len(lines) < 2 or not lines[0].startswith(b"object ") or not lines[1].startswith(b"type "):
        raise CorruptObject("A Git tag does not name an object.")
    kind = KINDS.get(lines[1][5:])
    if kind is None:
        raise CorruptObject(f"A Git tag names an object of the unknown kind {lines[1][5:]!r}.")
    return _parse_oid(lines[0][7:]), kind


def parse_signature(line: bytes, encoding: str = "utf-8") -> Signature:
    """Who and when from ``Name <address> seconds zone``; whatever cannot be read is empty or zero."""
    if not line:
        return _NOBODY
    opening, closing = line.find(b"<"), line.rfind(b">")
    if opening < 0 or closing < opening:
        return Signature(_decode(line, encoding).strip(), "", 0, 0)
    name = _decode(line[:opening], encoding).strip()
    email = _decode(line[opening + 1 : closing], encoding).strip()
    words = line[closing + 1 :].split()
    time = _seconds(words[0]) if words else 0
    return Signature(name, email, time, _zone(words[1]) if len(words) > 1 else 0)


def format_signature(who: Signature) -> bytes:
    """The line of a commit for ``who``. Raises GitError when name or address cannot be written."""
    for what in (who.name, who.email):
        if any(char in what for char in "\n\0<>"):
            raise GitError(
                f"A commit cannot name {what!r} as its author: a name or address holds no line break, NUL, '<' or '>'.",
                "Change user.name and user.email.",
            )
    if not who.name.strip():
        raise GitError("A commit needs a name for its author.", "Set user.name.")
    if who.time < 0 or abs(who.offset) >= 24 * 60:
        raise GitError(f"A commit cannot be dated {who.time} with an offset of {who.offset} minutes.")
    sign = "-" if who.offset < 0 else "+"
    hours, minutes = divmod(abs(who.offset), 60)
    return _bytes(f"{who.name.strip()} <{who.email.strip()}> {who.time} {sign}{hours:02}{minutes:02}")


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _mode(text: bytes) -> int:
    known = _MODE_TEXTS.get(text)
    if known is not None:
        return known
    if not text or len(text) > 7 or text.strip(b"01234567"):
        raise CorruptObject(f"A Git tree holds the mode {text!r}.")
    return int(text, 8)


def _parse_oid(text: bytes) -> Oid:
    try:
        oid = bytes.fromhex(text.decode("ascii"))
    except ValueError:
        oid = b""
    if len(oid) != 20:
        raise CorruptObject(f"{text[:80]!r} is not a Git object id.")
    return Oid(oid)


def _decode(raw: bytes, encoding: str) -> str:
    try:
        return raw.decode(encoding, "replace")
    except (LookupError, ValueError):  # an encoding that Python does not know, or one that is not of text
        return raw.decode("utf-8", "replace")


def _seconds(word: bytes) -> int:
    if not word.isdigit() or len(word) > 15:
        return 0
    time = int(word)
    return time if time <= _LAST_TIME else 0


def _zone(word: bytes) -> int:
    digits = word[1:]
    if word[:1] not in (b"+", b"-") or not digits.isdigit() or len(digits) > 4:
        return 0
    value = int(digits)
    minutes = value // 100 * 60 + value % 100
    if minutes >= 24 * 60:
        return 0
    return -minutes if word[:1] == b"-" else minutes
