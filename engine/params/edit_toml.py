"""Single edits of TOML text that touch nothing but the value they are about.

`toml_places` finds where values stand; it reads text that the TOML parser has accepted. Values, keys of tables and
items of inline tables are edited in place. A table is taken away with all its lines; an array of tables keeps its
length.
"""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Iterator
from typing import Any

from assay.engine.params.changes import Edit
from assay.engine.params.keys import dotted
from assay.engine.params.places import CannotEdit, Value, add_item, line_start, newline, next_line, remove_item
from assay.engine.params.toml_places import Table, parts, read

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+").fullmatch
_CONTROL = re.compile("[\x00-\x1f\x7f]")


def propose(text: str, edit: Edit) -> Iterator[str]:
    """Texts in which the edit is carried out. Raises CannotEdit."""
    root = read(text)
    parent: Value = root
    for depth, step in enumerate(edit.place[:-1]):
        child = parent.child(step)
        if child is None:
            raise CannotEdit(f"{dotted(edit.place[: depth + 1])} is written in an unusual way")
        parent = child
    if edit.kind == "replace":
        value = parent.child(edit.place[-1])
        if value is None or value.start < 0:
            raise CannotEdit("a table can be taken away and added, but not made something else")
        yield text[: value.start] + render(edit.value, text[value.start : value.end][:1]) + text[value.end :]
    elif edit.kind == "remove":
        yield _removed(text, parent, edit)
    elif isinstance(parent, Table):
        yield _inserted(text, root, parent, edit)
    else:
        item = f"{_key(edit.place[-1])} = {render(edit.value)}"
        yield add_item(text, parent.spans(), parent.start + 1, parent.end - 1, item)


def _removed(text: str, parent: Value, edit: Edit) -> str:
    value = parent.child(edit.place[-1])
    if value is None:
        raise CannotEdit("it is written in an unusual way")
    index = parent.index(edit.place[-1])
    if not isinstance(parent, Table):
        return remove_item(text, parent.spans(), index, parent.start + 1, parent.end - 1)
    for start, end in sorted(parts(value, parent.spans()[index]), reverse=True):
        text = text[: line_start(text, start)] + text[next_line(text, end) :]
    return text


def _inserted(text: str, root: Table, table: Table, edit: Edit) -> str:
    """A new line after the last key of the table; at the top for a document that starts with a table."""
    line = f"{'.'.join(map(_key, (*table.prefix, edit.place[-1])))} = {render(edit.value)}"
    break_ = newline(text)
    if table.after < 0 and table is not root:
        head = text if text.endswith("\n") else text + break_
        return f"{head}{break_}[{'.'.join(map(_key, edit.place[:-1]))}]{break_}{line}{break_}"
    if table.after < 0:
        return f"{line}{break_}{break_}{text}" if text.strip() else f"{text}{line}{break_}"
    at = next_line(text, table.after)
    if text[at - 1 : at] != "\n":
        return f"{text}{break_}{line}"
    return f"{text[:at]}{line}{break_}{text[at:]}"


def _key(key: str) -> str:
    return key if _BARE_KEY(key) else render(key)


def render(value: Any, quote: str = '"') -> str:
    """A value as TOML text on one line.

    Args:
        value: The data.
        quote: The first character of the value it replaces; a text keeps its single quotes where it can.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, str):
        if quote == "'" and "'" not in value and not _CONTROL.search(value):
            return f"'{value}'"
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, list):
        return "[" + ", ".join(map(render, value)) + "]"
    if isinstance(value, dict):
        pairs = ", ".join(f"{_key(key)} = {render(item)}" for key, item in value.items() if _is_text(key))
        return "{" + pairs + "}"
    raise CannotEdit("TOML has no null" if value is None else f"a {type(value).__name__} has no form in TOML")


def _is_text(key: Any) -> bool:
    if not isinstance(key, str):
        raise CannotEdit("keys of TOML are texts")
    return True
