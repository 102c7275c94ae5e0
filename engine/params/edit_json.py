"""Single edits of JSON text that touch nothing but the value they are about.

A small scanner finds where values stand; it reads text that `json` has accepted, so it checks nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from json.decoder import scanstring  # type: ignore[attr-defined] # the standard library's own; it has no stub
from typing import Any

from assay.engine.params.changes import Edit
from assay.engine.params.places import CannotEdit, Value, add_item, line_start, newline, remove_item

_SPACE = re.compile(r"[ \t\r\n]*")
_ATOM = re.compile(r"[^\s,\]}]+")


def propose(text: str, edit: Edit) -> Iterator[str]:
    """Texts in which the edit is carried out. Raises CannotEdit."""
    root = read(text)
    parent = root
    for step in edit.place[:-1]:
        parent = _child(parent, step)
    if edit.kind == "replace":
        value = _child(parent, edit.place[-1])
        yield text[: value.start] + _render(edit.value, text, value.start) + text[value.end :]
    elif edit.kind == "remove":
        _child(parent, edit.place[-1])
        index = parent.index(edit.place[-1])
        yield remove_item(text, parent.spans(), index, parent.start + 1, parent.end - 1)
    else:
        item = _render(edit.value, text, parent.items[-1].start if parent.items else parent.start)
        if parent.kind == "map":
            item = f"{_render(edit.place[-1], text, 0)}{_separator(text, parent)}{item}"
        yield add_item(text, parent.spans(), parent.start + 1, parent.end - 1, item)


def _child(parent: Value, step: Any) -> Value:
    value = parent.child(step)
    if value is None:
        raise CannotEdit("its key stands twice")
    return value


def read(text: str) -> Value:
    """The values of a JSON text with their places."""
    return _value(text, _SPACE.match(text, 0).end())  # type: ignore[union-attr] # it matches the empty text too


def _skip(text: str, at: int) -> int:
    return _SPACE.match(text, at).end()  # type: ignore[union-attr]


def _value(text: str, at: int) -> Value:
    first = text[at]
    if first == '"':
        return Value("scalar", at, scanstring(text, at + 1)[1], style='"')
    if first not in "[{":
        return Value("scalar", at, _ATOM.match(text, at).end())  # type: ignore[union-attr]
    value = Value("map" if first == "{" else "list", at, at, flow=True)
    at = _skip(text, at + 1)
    while text[at] not in "]}":
        if value.kind == "map":
            key, end = scanstring(text, at + 1)
            if key in value.keys:  # the last one counts
                value.keys[value.keys.index(key)] = object()
            value.keys.append(key)
            value.names.append(Value("scalar", at, end, style='"'))
            at = _skip(text, _skip(text, end) + 1)
        value.items.append(_value(text, at))
        at = _skip(text, value.items[-1].end)
        if text[at] == ",":
            at = _skip(text, at + 1)
    value.end = at + 1
    return value


def _separator(text: str, parent: Value) -> str:
    """What stands between a key and its value here."""
    if not parent.items:
        return ": "
    between = text[parent.names[-1].end : parent.items[-1].start]
    return ": " if "\n" in between else between


def _render(value: Any, text: str, at: int) -> str:
    """A value; a list or map over several lines where the text has one item a line."""
    ascii_only = text.isascii()
    if not isinstance(value, (dict, list)) or not value or "\n" not in text.strip():
        try:
            return json.dumps(value, ensure_ascii=ascii_only)
        except TypeError as error:
            raise CannotEdit(f"a {type(value).__name__} has no form in JSON") from error
    margin = text[line_start(text, at) :]
    margin = margin[: len(margin) - len(margin.lstrip(" \t"))]
    return json.dumps(value, ensure_ascii=ascii_only, indent=_step(text)).replace("\n", newline(text) + margin)


def _step(text: str) -> str:
    """How much further in each level of the text stands."""
    found = re.search(r"[\[{][ \t]*\r?\n([ \t]+)", text)
    return found[1] if found else "  "
