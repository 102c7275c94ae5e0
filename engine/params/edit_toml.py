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
from contextlib import suppress
from typing import Any

from assay.engine.params.changes import Edit
from assay.engine.params.keys import Place, dotted
from assay.engine.params.places import CannotEdit, Value, add_item, line_start, newline, next_line, remove_item
from assay.engine.params.toml_places import Table, parts, read

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+").fullmatch
_CONTROL = re.compile("[\x00-\x1f\x7f]")


def propose(text: str, edit: Edit) -> Iterator[str]:
    """Texts in which the edit is carried out, the best first. Raises CannotEdit."""
    root = read(text)
    parent: Value = root
    for depth, step in enumerate(edit.place[:-1]):
        parent = _child(parent, step, edit.place[: depth + 1])
    if edit.kind == "replace":
        value = _child(parent, edit.place[-1], edit.place)
        new = render(edit.value, text[value.start])
        if value.start < 0:  # a table, whose lines stand somewhere else than the line of a value would
            for without in _removed(text, parent, edit):
                with suppress(CannotEdit):
                    yield from propose(without or newline(text), Edit("insert", edit.place, edit.value))
        else:
            yield text[: value.start] + new + text[value.end :]
    elif edit.kind == "remove":
        yield from _removed(text, parent, edit)
    elif isinstance(parent, Table):
        yield _inserted(text, root, parent, edit)
    else:
        item = f"{_key(edit.place[-1])} = {render(edit.value)}"
        yield add_item(text, parent.spans(), parent.start + 1, parent.end - 1, item)


def _child(parent: Value, step: Any, place: Place) -> Value:
    value = parent.child(step)
    if value is None:
        raise CannotEdit(f"{dotted(place)} is written in an unusual way")
    return value


def _removed(text: str, parent: Value, edit: Edit) -> Iterator[str]:
    value = _child(parent, edit.place[-1], edit.place)
    index = parent.index(edit.place[-1])
    if parent.flow:
        yield remove_item(text, parent.spans(), index, parent.start + 1, parent.end - 1)
        return
    if not isinstance(parent, Table):
        raise CannotEdit("the elements of an array of tables can be changed, not exchanged")
    result = text
    first = len(text)
    for start, end in sorted(parts(value, parent.spans()[index]), reverse=True):
        first = line_start(text, start)
        result = result[:first] + result[next_line(result, end) :]
    yield result
    # The table around it may have been there only through this one: it has to be said now that it is there.
    empty = f"{'.'.join(map(_key, parent.prefix))} = {{}}" if parent.prefix else _header(edit.place[:-1])
    yield f"{result[:first]}{empty}{newline(text)}{result[first:]}"


def _header(place: Place) -> str:
    if not all(isinstance(part, str) for part in place):
        raise CannotEdit("it stands inside an array of tables")
    return "[" + ".".join(map(_key, place)) + "]"


def _inserted(text: str, root: Table, table: Table, edit: Edit) -> str:
    """A new line after the last key of the table; at the top for a document that starts with a table."""
    line = f"{'.'.join(map(_key, (*table.prefix, edit.place[-1])))} = {render(edit.value)}"
    break_ = newline(text)
    if table.after < 0 and table is not root:
        head = text if text.endswith("\n") else text + break_
        return f"{head}{break_}{_header(edit.place[:-1])}{break_}{line}{break_}"
    if table.after < 0:
        return f"{line}{break_}{break_}{text}" if text.strip() else f"{text.strip()}{line}{break_}"
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
