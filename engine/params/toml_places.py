"""Where the values of a TOML document stand in its text.

The text has been accepted by a TOML parser before, so nothing is checked here: the scanner only finds ends. A table
may have several parts (``[a]`` here, ``a.b.c = 1`` there, ``[a.b]`` later); a `Table` knows its keys wherever they
stand, and where a new one would go.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from assay.engine.params.places import CannotEdit, Value

_SPACE = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_BLANKS = re.compile(r"[ \t]*")
_PART = re.compile(r"""[A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*"|'[^']*'""")
_STRING = re.compile(
    r'"""(?:[^"\\]|\\.|"{1,2}(?!"))*?"{3,5}'
    r"|'''(?:[^']|'{1,2}(?!'))*?'{3,5}"
    r'|"(?:[^"\\]|\\.)*"'
    r"|'[^']*'",
    re.DOTALL,
)
_ATOM = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[ ][0-9:.+\-Zz]+|[^\s,\]}#]+")


@dataclass(slots=True, eq=False)
class Table(Value):
    """A table made of headers, of dotted keys, or of both.

    Attributes:
        headers: Where its own ``[header]`` lines stand.
        after: The end of the last line that a new key would follow; -1 where there is none.
        prefix: What a new key starts with there, when the table comes from dotted keys.
    """

    headers: list[tuple[int, int]] = field(default_factory=list)
    after: int = -1
    prefix: tuple[str, ...] = ()

    def table(self, key: str) -> Table:
        """The table under a key, made when there is none; of an array of tables, the last one."""
        found = self.child(key)
        if found is not None and found.kind == "list" and found.items:
            found = found.items[-1]
        if isinstance(found, Table):
            return found
        made = Table("map", -1, -1)
        self.put(key, made, -1, -1)
        return made

    def put(self, key: str, value: Value, start: int, end: int) -> None:
        """Adds a value whose key stands at these offsets."""
        self.keys.append(key)
        self.names.append(Value("scalar", start, end))
        self.items.append(value)


def parts(value: Value, span: tuple[int, int]) -> Iterator[tuple[int, int]]:
    """Everything that goes with a value: its line, or the headers and lines of a table and of those below it."""
    if isinstance(value, Table):
        yield from value.headers
        for inner, inner_span in zip(value.items, value.spans(), strict=True):
            yield from parts(inner, inner_span)
    elif value.kind == "list" and not value.flow:
        for inner in value.items:
            yield from parts(inner, span)
    else:
        yield span


def read(text: str) -> Table:
    """The tables and values of a TOML text with their places."""
    root = Table("map", 0, len(text))
    table = root
    at = _skip(text, 0)
    while at < len(text):
        if text[at] == "[":
            table, at = _header(text, at, root)
        else:
            at = _pair(text, at, table)
        at = _skip(text, at)
    return root


def _skip(text: str, at: int) -> int:
    return _SPACE.match(text, at).end()  # type: ignore[union-attr] # it matches the empty text too


def _key(text: str, at: int) -> tuple[list[str], int]:
    """A dotted key and the offset after it and the blanks that follow."""
    parts: list[str] = []
    while True:
        found = _PART.match(text, _BLANKS.match(text, at).end())  # type: ignore[union-attr]
        if found is None:
            raise CannotEdit("the document is written in an unusual way")
        parts.append(_plain(found.group()))
        at = _BLANKS.match(text, found.end()).end()  # type: ignore[union-attr]
        if text[at] != ".":
            return parts, at
        at += 1


def _plain(part: str) -> str:
    if part[0] == "'":
        return part[1:-1]
    if part[0] != '"':
        return part
    return re.sub(r"\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(.))", _character, part[1:-1])


def _character(found: re.Match[str]) -> str:
    code = found[1] or found[2]
    if code:
        return chr(int(code, 16))
    return {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", "e": "\x1b"}.get(found[3], found[3])


def _header(text: str, at: int, root: Table) -> tuple[Table, int]:
    """The table that a ``[header]`` or ``[[header]]`` opens."""
    start = at
    double = text.startswith("[[", at)
    parts, at = _key(text, at + (2 if double else 1))
    at += 2 if double else 1
    table = root
    for part in parts[:-1]:
        table = table.table(part)
    if double:
        array = table.child(parts[-1])
        if array is None:
            array = Value("list", -1, -1)
            table.put(parts[-1], array, -1, -1)
        table = Table("map", -1, -1)
        array.items.append(table)
    else:
        table = table.table(parts[-1])
    table.headers.append((start, at))
    table.after, table.prefix = at, ()
    return table, at


def _pair(text: str, at: int, table: Table) -> int:
    """Reads ``key = value`` into a table; returns the offset after it."""
    start = at
    parts, at = _key(text, at)
    value = _value(text, _skip(text, at + 1))
    section = table
    for depth, part in enumerate(parts[:-1]):
        table = table.table(part)
        if table.headers:
            continue
        table.after, table.prefix = value.end, (*section.prefix, *parts[: depth + 1])
    table.put(parts[-1], value, start, value.end)
    section.after = value.end
    return value.end


def _value(text: str, at: int) -> Value:
    first = text[at]
    if first not in "[{":
        found = (_STRING if first in "\"'" else _ATOM).match(text, at)
        if found is None:
            raise CannotEdit("the document is written in an unusual way")
        return Value("scalar", at, found.end(), style=first if first in "\"'" else "")
    value = Value("map" if first == "{" else "list", at, at, flow=True)
    at = _skip(text, at + 1)
    while text[at] not in "]}":
        if value.kind == "map":
            start = at
            parts, at = _key(text, at)
            value.keys.append(parts[0] if len(parts) == 1 else object())
            value.names.append(Value("scalar", start, at))
            at = _skip(text, at + 1)
        value.items.append(_value(text, at))
        at = _skip(text, value.items[-1].end)
        if text[at] == ",":
            at = _skip(text, at + 1)
    value.end = at + 1
    return value
