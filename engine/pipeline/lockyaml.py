"""YAML text exactly as ruamel.yaml's round-trip dumper writes plain data, which is how DVC writes dvc.lock.

Block style throughout, sequences not indented under their key, lines folded at 80 columns, YAML 1.2 scalars, null as
nothing. The result is byte-equal to ruamel.yaml 0.19's (tests/properties holds both side by side), oddities included:
a folded plain scalar leaves a space at the end of the line, and a long word in a key is folded too, although no YAML
reader understands that. A container met twice is written once, with an anchor, and an alias stands for it after that;
anchors are numbered in the order in which their containers are met for the second time.

Not written: sets, byte strings, tagged values and keys that are containers; they raise TypeError.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from typing import Any

WIDTH = 80
STEP = 2
LONGEST_KEY = 123  # 128 less the five characters of the tag "!!str"
_BREAKS = "\n\x85\u2028\u2029"

# What YAML 1.2 takes for something else than text, as ruamel.yaml reads the specification.
_WORDS = frozenset(
    [f"{sign}.{word}" for sign in ("", "-", "+") for word in ("inf", "Inf", "INF")]
    + [spelling for word in ("true", "false", "null") for spelling in (word, word.title(), word.upper())]
    + [".nan", ".NaN", ".NAN", "~", "<<", "="]
)
# Texts, not expressions: most commands need none of them, and `re` keeps what it once compiled.
_INTEGER = r"[-+]?(?:0b[01_]+|0o?[0-7_]+|[0-9_]+|0x[0-9a-fA-F_]+)"
_REAL = r"[-+]?(?:[0-9][0-9_]*(?:\.[0-9_]*(?:[eE][-+]?[0-9]+)?|[eE][-+]?[0-9]+)|\.[0-9_]+(?:[eE][-+][0-9]+)?)"
_TIME = (
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt]|[ \t]+)[0-9]{1,2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]*)?"
    r"(?:[ \t]*(?:Z|[-+][0-9]{1,2}(?::[0-9]{2})?))?"
)

# Text that is plain at first sight: an ordinary word or path that no rule below could object to.
_ORDINARY = re.compile(r"[A-Za-z_/][A-Za-z0-9_./+-]*")
_INDICATOR = r"""(?x)[#,\[\]{}&*!|>'"%@`]|---|\.\.\.|[?:-](?:[\0 \t\r\n\x85\u2028\u2029]|\Z)"""
_INNER_INDICATOR = "(?s)(?<!^):(?=[\0 \t\r\n\x85\u2028\u2029]|\\Z)|(?<=[\0 \t\r\n\x85\u2028\u2029])#"
_NAMED_ESCAPES = {
    "\0": "0", "\a": "a", "\b": "b", "\t": "t", "\n": "n", "\v": "v", "\f": "f", "\r": "r", "\x1b": "e",
    '"': '"', "\\": "\\", "\x85": "N", "\xa0": "_", "\u2028": "L", "\u2029": "P",
}  # fmt: skip


def emit(data: Mapping[Any, Any]) -> str:
    """The YAML text of a mapping of plain values.

    Args:
        data: Mappings, lists, tuples, text, numbers, booleans, None, dates.

    Raises:
        TypeError: A value of any other type, or a container as a key.
    """
    if not data:
        return "{}\n"
    writer = _Writer(_anchors(data))
    writer.mapping(data, 0)
    return "".join(writer.out)


def _anchors(data: Any) -> dict[int, str]:
    """The names of the containers that are met more than once, by their identity."""
    seen: set[int] = set()
    names: dict[int, str] = {}
    left = [data]
    while left:
        value = left.pop()
        if not isinstance(value, (Mapping, list, tuple)):
            continue
        if id(value) in seen:
            names.setdefault(id(value), f"id{len(names) + 1:03d}")
            continue
        seen.add(id(value))
        left += reversed(list(value.values() if isinstance(value, Mapping) else value))
    return names


class _Writer:
    """Walks the data once; every line it writes ends where the next one starts.

    Args:
        anchors: The containers that are written once and referred to after that.
    """

    def __init__(self, anchors: Mapping[int, str]) -> None:
        self.out: list[str] = []
        self._anchors = anchors
        self._written: set[int] = set()

    def _anchor(self, value: Any) -> tuple[str, bool]:
        """The anchor or alias that stands before a container, and whether that is all there is to write."""
        name = self._anchors.get(id(value)) if self._anchors else None
        if name is None:
            return "", False
        if id(value) in self._written:
            return f" *{name}", True
        self._written.add(id(value))
        return f" &{name}", False

    def mapping(self, data: Mapping[Any, Any], indent: int, *, inline: bool = False) -> None:
        """Each key on a line of its own; the first goes on with the current line when ``inline``."""
        margin = " " * indent
        for key, value in data.items():
            if not inline:
                self.out.append(margin)
            inline = False
            text = scalar(key, indent, indent + STEP, is_key=True)
            if text is None:
                self._explicit(key, value, indent)
                continue
            self.out.append(text + ":")
            self._value(value, indent, _column_after(text, indent) + 1, compact=False)

    def _explicit(self, key: str, value: Any, indent: int) -> None:
        """A key too long or with line breaks: ``? key``, then ``: value`` on the next line."""
        text = scalar(key, indent + 2, indent + STEP)
        self.out.append(f"? {text}\n{' ' * indent}:")
        self._value(value, indent, indent + 1, compact=True)

    def _value(self, value: Any, indent: int, column: int, *, compact: bool) -> None:
        """What follows a colon; ``compact`` when a container may start on the same line."""
        if not isinstance(value, (Mapping, list, tuple)):
            text = scalar(value, column + 1, indent + STEP)
            self.out.append(f" {text}\n" if text else "\n")
            return
        anchor, is_alias = self._anchor(value)
        self.out.append(anchor)
        if is_alias:
            self.out.append("\n")
            return
        if not value:
            self.out.append(" {}\n" if isinstance(value, Mapping) else " []\n")
            return
        compact = compact and not anchor
        self.out.append(" " if compact else "\n")
        if isinstance(value, Mapping):
            self.mapping(value, indent + STEP, inline=compact)
        else:
            self._sequence(value, indent + STEP if compact else indent, inline=compact)

    def _sequence(self, items: Any, indent: int, *, inline: bool) -> None:
        margin = " " * indent
        for item in items:
            if not inline:
                self.out.append(margin)
            inline = False
            self.out.append("-")
            if not isinstance(item, (Mapping, list, tuple)):
                text = scalar(item, indent + STEP, indent + STEP)
                self.out.append(f" {text}\n")
                continue
            anchor, is_alias = self._anchor(item)
            self.out.append(anchor)
            if is_alias:
                self.out.append("\n")
            elif not item:
                self.out.append(" {}\n" if isinstance(item, Mapping) else " []\n")
            else:
                self.out.append("\n" if anchor else " ")
                if isinstance(item, Mapping):
                    self.mapping(item, indent + STEP, inline=not anchor)
                else:
                    self._sequence(item, indent + STEP, inline=not anchor)


def _column_after(text: str, column: int) -> int:
    """Where the line stands after a text that started at ``column``."""
    broken = text.rfind("\n")
    return column + len(text) if broken < 0 else len(text) - broken - 1


def scalar(value: Any, column: int, indent: int, *, is_key: bool = False) -> str | None:
    """The text of one value.

    Args:
        value: Anything but a container.
        column: Where its first character will stand, from 0.
        indent: Where the following lines start when it is folded.
        is_key: Whether it stands before a colon; quoted text is not folded there.

    Returns:
        The text, or None for a key that needs the explicit form.

    Raises:
        TypeError: The value has no plain YAML form.
    """
    if isinstance(value, str):
        return _text(value, column, indent, is_key=is_key)
    plain = _other(value)
    return "null" if is_key and not plain else _plain(plain, column, indent, split=not is_key)


def _other(value: Any) -> str:
    """A value that is not text, as text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return int.__repr__(value)
    if isinstance(value, float):
        return _real(value)
    if isinstance(value, datetime.datetime):
        return value.isoformat(" ")
    if isinstance(value, datetime.date):
        return value.isoformat()
    raise TypeError(f"a {type(value).__name__} has no plain YAML form")


def _real(value: float) -> str:
    if value != value:
        return ".nan"
    if value in (float("inf"), float("-inf")):
        return ".inf" if value > 0 else "-.inf"
    return float.__repr__(value)


def _text(text: str, column: int, indent: int, *, is_key: bool) -> str | None:
    if _ORDINARY.fullmatch(text) and text not in _WORDS and len(text) + column <= WIDTH:
        return text
    multiline = any(mark in text for mark in _BREAKS)
    if is_key and (multiline or len(text) >= LONGEST_KEY):
        return None
    if not multiline and _plain_allowed(text):
        return _plain(text, column, indent, split=not is_key)
    if "'" in text or "\n" in text or not _single_allowed(text):
        return _double(text, column, indent, split=not is_key)
    return _single(text, column, indent, split=not is_key)


def _shows(char: str) -> bool:
    """Whether a character may stand in YAML as it is, and is no line break of any YAML."""
    if char <= "\ud7ff":
        return " " <= char <= "~" or (char >= "\xa0" and char not in "\u2028\u2029")
    return char >= "\U00010000" or ("\ue000" <= char <= "\ufffd" and char != "\ufeff")


def _has_special(text: str) -> bool:
    """Whether a character can only be written as an escape."""
    if text.isascii() and text.isprintable():
        return False
    return any(not _shows(char) and char not in _BREAKS for char in text)


def _plain_allowed(text: str) -> bool:
    """Whether text without line breaks reads back as itself with no quotes."""
    if not text or text[0] == " " or text[-1] == " " or text in _WORDS:
        return False
    if _has_special(text) or re.match(_INDICATOR, text) or re.search(_INNER_INDICATOR, text):
        return False
    if text[0] not in "-+.0123456789":
        return True
    if re.fullmatch(_REAL, text) or re.fullmatch(_TIME, text):
        return False
    return text[0] == "." or not re.fullmatch(_INTEGER, text)


def _single_allowed(text: str) -> bool:
    """Whether single quotes can hold the text: nothing to escape, and no space beside a line break."""
    return not _has_special(text) and not re.search(f" [{_BREAKS}]|[{_BREAKS}] ", text)


def _plain(text: str, column: int, indent: int, *, split: bool) -> str:
    """Unquoted text, folded at single spaces; a word that would cross the margin starts a line of its own."""
    if column + len(text) <= WIDTH:
        return text
    out: list[str] = []
    newline = "\n" + " " * indent
    for piece in re.findall(" +|[^ ]+", text):
        if piece[0] == " ":
            if len(piece) == 1 and column >= WIDTH and split:
                out.append(newline)
                column = indent
                continue
        elif column + len(piece) > WIDTH and column > indent:
            out.append(newline)
            column = indent
        out.append(piece)
        column += len(piece)
    return "".join(out)


def _single(text: str, column: int, indent: int, *, split: bool) -> str:
    """Text in single quotes, folded at single spaces once a line is over-full."""
    out = ["'"]
    column += 1
    newline = "\n" + " " * indent
    at = 0
    for piece in re.findall(f" +|[{_BREAKS}]+|'|[^ {_BREAKS}']+", text):
        start, at = at, at + len(piece)
        if piece[0] == " ":
            if len(piece) == 1 and column > WIDTH and split and start and at < len(text):
                out.append(newline)
                column = indent
                continue
        elif piece[0] in _BREAKS:
            out.append(piece + " " * indent)
            column = indent
            continue
        elif piece == "'":
            piece = "''"
        out.append(piece)
        column += len(piece)
    return "".join(out) + "'"


def _double(text: str, column: int, indent: int, *, split: bool) -> str:
    """Text in double quotes: escapes where needed; an over-full line breaks at a space or after an escape."""
    out = ['"']
    column += 1
    newline = "\n" + " " * indent
    start = 0  # text before this is written
    for at in range(len(text) + 1):
        escape = at < len(text) and (text[at] in '"\\' or not _shows(text[at]))
        if escape or at == len(text):
            out.append(text[start:at])
            column += at - start
            start = at
            if escape:
                code = _escape(text[at])
                out.append(code)
                column += len(code)
                start = at + 1
        may_break = split and 0 < at < len(text) - 1 and (start >= at or text[at] == " ")
        if may_break and column + at - start > WIDTH:
            mark = "\\" if _needs_mark(text, start, at) else ""
            out += (text[start:at], mark, newline)
            start = max(start, at)
            column = indent
            if text[start] == " ":
                start += not mark  # the line break reads back as this space
                out.append(mark)
                column += len(mark)
    return "".join(out) + '"'


def _escape(char: str) -> str:
    named = _NAMED_ESCAPES.get(char)
    if named:
        return "\\" + named
    code = ord(char)
    if code <= 0xFF:
        return f"\\x{code:02X}"
    return f"\\u{code:04X}" if code <= 0xFFFF else f"\\U{code:08X}"


def _needs_mark(text: str, start: int, at: int) -> bool:
    """Whether the line end inside double quotes needs a backslash, so that it is not read back as a space."""
    space = text.find(" ", at)
    if space < 0:
        return True
    end = text.find("\n", at, space)
    end = space if end < 0 else end
    after = text[end + 1 : end + 2]
    if not after or (text[end] == "\n" and after != " "):
        return True
    quotes = '"' in text[at:end] or "'" in text[at:end]
    return quotes or after in " \n" or text[at - 1 : at + 1] == "  " or start == at
