"""A strict line parser for the YAML that tools write: block maps and lists of one-line scalars.

It reads parameter files, ``dvc.yaml`` and ``dvc.lock`` as ruamel.yaml and PyYAML dump them, in about a fifth of the
time of `yaml12`. On anything it does not know for certain (anchors, tags, block scalars, quotes with escapes or over
several lines, tabs, CRLF, duplicate keys, several documents, odd keys, every error) it raises `NotBlock`, so that
`load_fast` is always equal to `yaml12.load`. Standard library only: PyYAML is loaded when it is needed.
"""

from __future__ import annotations

import re
from typing import Any

from assay.engine.params.scalars import NUMBER_START, WORDS, plain

MAX_DEPTH = 100

_KEY = r"[A-Za-z0-9_./][A-Za-z0-9_./@+=~-]{0,200}"
_SIMPLE = r"[^\[\]{}\#&*!|>'\"%@`<?\n]*"  # inside a one-line list or map
_REST = r"[^:#\n]*(?:(?::(?=[^ \n])|(?<=[^ \n])\#)[^:#\n]*)*"
_lines = re.compile(
    rf"""
    ^([ ]*)
    (?:
        (-(?:[ ]+|$))?
        (?:({_KEY}):(?:[ ]+|$))?
        (?:
            (0|-?[1-9][0-9]{{0,17}})[ ]*(?=$|(?<=[ ])\#)
          | ((?:[^ \n\-?:,\[\]{{}}\#&*!|>'"%@`<]|-(?=[^ \n])){_REST})
          | ('(?:[^'\n]|'')*' | "[^"\\\n]*" | \[{_SIMPLE}\] | \{{{_SIMPLE}\}})[ ]*
        )?
      | ((?:[^ \n\#:]|:(?=[^ \n])){_REST})
    )
    ((?:(?<=[ ])|^)\#.*)?$
    """,
    re.VERBOSE | re.MULTILINE,
).findall
_is_key = re.compile(_KEY).fullmatch


class NotBlock(Exception):
    """The text is not of the simple shape; it may still be YAML."""


def load_fast(text: str, path: str) -> Any:
    """What `yaml12.load` gives, sooner where the text is of the simple shape. Raises BadInput."""
    try:
        return parse(text)
    except NotBlock:
        from assay.engine.params import yaml12

        return yaml12.load(text, path)


def parse(text: str) -> Any:
    """The data of a document of the simple shape; None when it is empty.

    Raises:
        NotBlock: It has another shape, or is not YAML.
    """
    # Tabs, CR, control characters, and what is a line break or forbidden for some YAML and not for another.
    if not text.replace("\n", "").isprintable():
        raise NotBlock
    lines = _lines(text)
    if len(lines) != text.count("\n") + 1:
        raise NotBlock
    try:
        return _read(lines)
    except ValueError as error:  # a number or date that is none
        raise NotBlock from error


def _read(lines: list[tuple[str, ...]]) -> Any:
    root: Any = None
    top: Any = None  # the innermost open map or list,
    col = -1  # the column it started at,
    outer: list[tuple[int, Any]] = []  # and those around it
    slot: Any = None  # where the last value went: a key of a map, -1 of a list
    hole = False  # that value was empty: a block that follows fills it
    raw = ""  # that value's text, where a deeper line continues it
    for indent, dash, key, number, word, other, tail, comment in lines:
        at = len(indent)
        if not dash and not key:
            raw = _continued(raw if at > col else "", number or word or tail, other)
            if raw:
                top[slot] = plain(raw)
            if comment:
                raw = ""
            continue
        if col > at:
            hole = False
            while col > at:
                col, top = outer.pop()
        if not dash and col == at and type(top) is list:  # a list stands at the column of the map it is in
            hole = False
            col, top = outer.pop()
        if col != at or (dash and type(top) is dict):  # a block starts: in the hole, or at the top
            new: Any = [] if dash else {}
            if hole:
                top[slot] = new
            elif root is None:
                root = new
            else:
                raise NotBlock
            if len(outer) > MAX_DEPTH:
                raise NotBlock
            outer.append((col, top))
            col, top = at, new
        if dash:
            top.append({} if key else None)
            slot = -1
        if key:
            if dash:
                outer.append((col, top))
                col, top = at + len(dash), top[-1]
            slot = _key_of(key)
            if slot in top:
                raise NotBlock
        hole = False
        if word:
            raw = word.rstrip(" ")
            top[slot] = plain(raw) if raw[0] in NUMBER_START else WORDS.get(raw, raw)
        elif number:
            raw = number
            top[slot] = int(number)
        else:
            raw = ""
            top[slot] = _delimited(other) if other else None
            hole = not other
        if comment:
            raw = ""
    return root


def _continued(raw: str, text: str, other: str) -> str:
    """The text of a scalar that goes on in a line that is neither key nor item; a blank line ends it."""
    if not text and not other:
        return ""
    if not raw or other:
        raise NotBlock
    return f"{raw} {text.rstrip(' ')}"


def _key_of(text: str) -> Any:
    """A key's value; floats and dates, of which few are equal to their text, are left to YAML."""
    if text[0] not in NUMBER_START and text not in WORDS:
        return text
    key = plain(text)
    if key is None or isinstance(key, (str, int)):
        return key
    raise NotBlock


def _delimited(text: str) -> Any:
    """The value of a quoted scalar without escapes, or of a one-line list or map of plain scalars."""
    first, inner = text[0], text[1:-1]
    if first == "'":
        return inner.replace("''", "'")
    if first == '"':
        return inner
    items = [item.strip(" ") for item in inner.split(",")]
    if items == [""]:
        return [] if first == "[" else {}
    if first == "[":
        return [_item(item) for item in items]
    result: dict[Any, Any] = {}
    for item in items:
        key_text, colon, value = item.partition(": ")
        if not colon or not _is_key(key_text):
            raise NotBlock
        key = _key_of(key_text)
        if key in result:
            raise NotBlock
        result[key] = _item(value.strip(" "))
    return result


def _item(text: str) -> Any:
    """A plain scalar inside a one-line list or map."""
    if not text or ":" in text or text == "-" or text.startswith("- "):
        raise NotBlock
    return plain(text)
