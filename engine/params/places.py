"""Where the values of a document stand in its text.

Each format's reader of positions makes a tree of `Value`; offsets count characters of the text. The functions here
edit what all formats share: items separated by commas between brackets.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal


class CannotEdit(Exception):
    """The text cannot be edited there; the message is a clause that says why."""


@dataclass(slots=True, eq=False)
class Value:
    """A value in a text.

    Attributes:
        kind: "alias" is YAML's.
        start: Offset of its first character, properties such as ``&anchor`` included.
        end: Offset after its last character; comments and blank lines after it do not belong to it.
        flow: A list or map written between brackets.
        style: How a scalar is written: a quote, ``|`` or ``>``, or nothing.
        anchor: YAML's ``&anchor`` or, of an alias, the anchor it names.
        tag: It has an explicit YAML tag.
        keys: The keys of a map as data, beside ``items``.
        names: The keys of a map as they stand in the text.
        items: The values of a list or map.
    """

    kind: Literal["scalar", "list", "map", "alias"]
    start: int
    end: int
    flow: bool = False
    style: str = ""
    anchor: str | None = None
    tag: bool = False
    keys: list[Any] = field(default_factory=list)
    names: list[Value] = field(default_factory=list)
    items: list[Value] = field(default_factory=list)

    def child(self, step: Any) -> Value | None:
        """The value under a key or at a list position."""
        if self.kind == "list":
            return self.items[step] if step < len(self.items) else None
        for key, item in zip(self.keys, self.items, strict=True):
            if type(key) is type(step) and key == step:
                return item
        return None

    def index(self, step: Any) -> int:
        """The position of a key or list position that is there."""
        return next(index for index, item in enumerate(self.items) if item is self.child(step))

    def spans(self) -> list[tuple[int, int]]:
        """Where each item stands, its key included."""
        if self.kind == "list":
            return [(item.start, item.end) for item in self.items]
        return [(name.start, max(name.end, item.end)) for name, item in zip(self.names, self.items, strict=True)]


def newline(text: str) -> str:
    """The line break that a text uses."""
    at = text.find("\n")
    return "\r\n" if at > 0 and text[at - 1] == "\r" else "\n"


def line_start(text: str, at: int) -> int:
    """The offset of the first character of the line that holds an offset."""
    return text.rfind("\n", 0, at) + 1


def line_end(text: str, at: int) -> int:
    """The offset of the line break, CR included, that ends the line; the end of the text where there is none."""
    end = text.find("\n", at)
    if end < 0:
        return len(text)
    return end - 1 if end > at and text[end - 1] == "\r" else end


def next_line(text: str, at: int) -> int:
    """The offset at which the following line starts."""
    end = text.find("\n", at)
    return len(text) if end < 0 else end + 1


_COMMA = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*,")
_BLANK_OR_COMMENT = re.compile(r"[ \t]*(?:#[^\n]*)?\r?$", re.MULTILINE)


def add_item(text: str, spans: Sequence[tuple[int, int]], opened: int, closed: int, new: str) -> str:
    """The text with an item added at the end of those between brackets.

    Args:
        text: The whole text.
        spans: Where the items stand.
        opened: The offset after the opening bracket.
        closed: The offset of the closing bracket.
        new: The item.
    """
    if not spans:
        return text[:opened] + new + text[closed:]
    start, end = spans[-1]
    comma = _COMMA.match(text, end, closed)
    if "\n" not in text[opened:start]:
        head = text[: comma.end()] + " " if comma else text[:end] + ", "
        return head + new + text[comma.end() if comma else end :]
    indent = text[line_start(text, start) : start]
    if indent.strip():
        indent = " " * len(indent)
    after = comma.end() if comma else end
    comma_at, comma_text = (after, "") if comma else (end, ",")
    if _BLANK_OR_COMMENT.match(text, after) and line_end(text, after) < closed:
        after = line_end(text, after)
    last = "," if comma else ""
    return text[:comma_at] + comma_text + text[comma_at:after] + newline(text) + indent + new + last + text[after:]


def remove_item(text: str, spans: Sequence[tuple[int, int]], index: int, opened: int, closed: int) -> str:
    """The text without one of the items between brackets, and without the line it had to itself.

    Args:
        text: The whole text.
        spans: Where the items stand.
        index: Which one goes.
        opened: The offset after the opening bracket.
        closed: The offset of the closing bracket.
    """
    if len(spans) == 1:
        return text[:opened] + text[closed:]
    start, end = spans[index]
    comma = _COMMA.match(text, end, closed)
    if comma is not None:
        end = comma.end()
        if owns_lines(text, start, end):
            return text[: line_start(text, start)] + text[next_line(text, end) :]
        return text[:start] + text[end:].lstrip(" \t")
    before = _COMMA.match(text, spans[index - 1][1], closed)
    if before is None:
        raise CannotEdit("its neighbour is not separated by a comma")
    at = before.end() - 1
    if line_start(text, start) <= at:
        return text[:at] + text[end:]
    if owns_lines(text, start, end):
        return text[:at] + text[at + 1 : line_start(text, start)] + text[next_line(text, end) :]
    return text[:at] + text[at + 1 : start] + text[end:]


def owns_lines(text: str, start: int, end: int) -> bool:
    """Whether nothing but a comment after it shares the lines of a span."""
    return not text[line_start(text, start) : start].strip() and bool(_BLANK_OR_COMMENT.match(text, end))
