"""Single edits of YAML text that touch nothing but the value they are about.

Positions come from PyYAML's events. Each function proposes texts; `documents.edit` takes the first that holds what
was asked for, so a proposal may be wrong and the file is still never damaged. Values reached through an alias are
not edited: the text they come from belongs to another key.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml

from assay.engine.params import scalars, yaml12
from assay.engine.params.changes import Edit
from assay.engine.params.keys import Place, dotted
from assay.engine.params.places import (
    CannotEdit,
    Value,
    add_item,
    line_start,
    newline,
    next_line,
    owns_lines,
    remove_item,
)
from assay.engine.params.render_yaml import block, render

_PROPERTIES = re.compile(r"(?:[&!][^\s,\[\]{}]*[ \t]*)*")
_COLON = re.compile(r"\s*:")
_DASH = re.compile(r"(?:\s|#[^\n]*)*-")
_ALIAS = object()


def propose(text: str, edit: Edit) -> Iterator[str]:
    """Texts in which the edit is carried out, the best first.

    Raises:
        CannotEdit: It is not possible here.
    """
    root = read(text, "")
    if edit.kind == "replace":
        yield from _replace(text, root, edit)
    elif edit.kind == "remove":
        yield from _remove(text, root, edit)
    else:
        yield from _add(text, root, edit)
    anchor = _shared(root, edit.place)
    if anchor:
        raise CannotEdit(f"other values share it through the anchor &{anchor}")


# --- positions ---------------------------------------------------------------------------------------------------


def read(text: str, path: str) -> Value | None:
    """The values of a document with their places; None when it is empty. Raises BadInput."""
    events = iter(yaml12.events(text, path))
    for event in events:
        if isinstance(event, yaml.NodeEvent):
            return _value(text, event, events)
    return None


def _value(text: str, event: Any, events: Iterator[Any]) -> Value:
    start, end = _offset(event.start_mark), _offset(event.end_mark)
    if isinstance(event, yaml.AliasEvent):
        return Value("alias", start, end, anchor=event.anchor)
    value = Value("scalar", start, end, anchor=event.anchor, tag=event.tag is not None)
    if isinstance(event, yaml.ScalarEvent):
        value.style = event.style or ""
        if value.style in ("|", ">"):
            value.end = start + len(text[start:end].rstrip())
        return value
    value.flow = bool(event.flow_style)
    value.kind = "map" if isinstance(event, yaml.MappingStartEvent) else "list"
    closing = yaml.MappingEndEvent if value.kind == "map" else yaml.SequenceEndEvent
    inner: Any
    while not isinstance(inner := next(events), closing):
        if value.kind == "map":
            value.keys.append(_key(inner))
            value.names.append(_value(text, inner, events))
            inner = next(events)
        value.items.append(_value(text, inner, events))
    # A block ends where its last item does; the parser says so only at the next token.
    value.end = _offset(inner.end_mark) if value.flow else max(start, *(span[1] for span in value.spans()))
    return value


def _offset(mark: Any) -> int:
    return int(mark.index)


def _key(event: Any) -> Any:
    """A key as data; keys that cannot be addressed are equal to nothing."""
    if not isinstance(event, yaml.ScalarEvent) or event.tag is not None:
        return _ALIAS
    if event.implicit[0]:
        return _ALIAS if event.value == "<<" else scalars.plain(event.value)
    return event.value


def _walk(root: Value | None, place: Place) -> Value:
    value = root
    for depth, step in enumerate(place):
        if value is not None and value.kind == "alias":
            raise CannotEdit(f"{dotted(place[:depth])} is the alias *{value.anchor}")
        value = value.child(step) if value is not None else None
        if value is None:
            raise CannotEdit(f"{dotted(place[: depth + 1])} comes from a merge key or from a key with a tag")
    if value is None:
        raise CannotEdit("the document is empty")
    return value


def _shared(root: Value | None, place: Place) -> str | None:
    """An anchor on the way to a place, or below it, that an alias elsewhere refers to."""
    anchors: set[str | None] = set()
    value = root
    for step in place:
        value = value.child(step) if value is not None else None
        if value is not None:
            anchors.add(value.anchor)
    anchors.update(one.anchor for one in _all(value))
    return next((one.anchor for one in _all(root) if one.kind == "alias" and one.anchor in anchors), None)


def _all(value: Value | None) -> Iterator[Value]:
    if value is not None:
        yield value
        for item in value.items:
            yield from _all(item)


# --- edits -------------------------------------------------------------------------------------------------------


def _replace(text: str, root: Value | None, edit: Edit) -> Iterator[str]:
    parent = _walk(root, edit.place[:-1])
    value = parent.child(edit.place[-1])
    if value is None:  # inherited through a merge key: a key of its own outweighs it
        yield from _add(text, root, edit)
        return
    new = render(edit.value, flow=parent.flow, style=value.style if value.style in ("'", '"') else "")
    name = parent.names[parent.index(edit.place[-1])] if parent.kind == "map" else None
    start = value.start
    if value.kind != "alias" and (value.anchor is not None or value.tag):
        found = _PROPERTIES.match(text, start, value.end)
        start = found.end() if found else start
    if value.kind in ("list", "map") and not value.flow and name is not None:
        yield _on_the_line_of(text, name, value, new)
    elif start == value.end:
        if text[start - 1 : start] not in (" ", "\t"):
            new = " " + new
        yield text[:start] + new + text[start:]
        yield text[:start] + ":" + new + text[start:]
    else:
        yield text[:start] + new + text[value.end :]
        yield text[: value.start] + new + text[value.end :]


def _on_the_line_of(text: str, name: Value, value: Value, new: str) -> str:
    """A block below a key becomes a value beside it; a comment between the two stays."""
    colon = _COLON.match(text, name.end)
    if colon is None:
        raise CannotEdit("its key is written in an unusual way")
    at = colon.end()
    gap = text[at : line_start(text, value.start)]
    if line_start(text, value.start) <= at:
        gap = ""
    return f"{text[:at]} {new}{gap.rstrip()}{text[value.end :]}"


def _add(text: str, root: Value | None, edit: Edit) -> Iterator[str]:
    step = edit.place[-1]
    if root is None:
        yield from _at_the_end(text, block(step, edit.value, ""))
        return
    parent = _walk(root, edit.place[:-1])
    if parent.kind == "alias":
        raise CannotEdit(f"{dotted(edit.place[:-1])} is the alias *{parent.anchor}")
    if parent.flow:
        item = render(edit.value, flow=True)
        if parent.kind == "map":
            item = f"{render(step, flow=True)}: {item}"
        opened = text.index("{" if parent.kind == "map" else "[", parent.start) + 1
        yield add_item(text, parent.spans(), opened, parent.end - 1, item)
        return
    first = parent.spans()[0][0] if parent.kind == "map" else _dash(text, parent, 0)
    indent = " " * (first - line_start(text, first))
    lines = block(step, edit.value, indent) if parent.kind == "map" else f"{indent}- {render(edit.value, flow=False)}"
    lines = lines.replace("\n", newline(text))
    after = next_line(text, parent.end)
    if text[after - 1 : after] == "\n":
        yield text[:after] + lines + newline(text) + text[after:]
    yield from _at_the_end(text, lines)


def _at_the_end(text: str, lines: str) -> Iterator[str]:
    break_ = newline(text)
    head = text if not text or text.endswith("\n") else text + break_
    yield head + lines.replace("\n", break_).replace("\r\r", "\r") + (break_ if head == text else "")


def _remove(text: str, root: Value | None, edit: Edit) -> Iterator[str]:
    parent = _walk(root, edit.place[:-1])
    _walk(root, edit.place)
    index = parent.index(edit.place[-1])
    if parent.flow:
        opened = text.index("{" if parent.kind == "map" else "[", parent.start) + 1
        yield remove_item(text, parent.spans(), index, opened, parent.end - 1)
        return
    starts = [span[0] for span in parent.spans()]
    if parent.kind == "list":
        starts = [_dash(text, parent, position) for position in range(len(starts))]
    start, end = starts[index], parent.spans()[index][1]
    if len(starts) == 1 and len(edit.place) > 1:
        yield from _replace(text, root, Edit("replace", edit.place[:-1], {} if parent.kind == "map" else []))
    elif owns_lines(text, start, end):
        yield text[: line_start(text, start)] + text[next_line(text, end) :]
    elif index + 1 < len(starts):  # the first of a map or list that starts beside a dash: the next moves up
        line, following = line_start(text, start), starts[index + 1]
        comments = text[next_line(text, end) : line_start(text, following)]
        yield text[:line] + comments + text[line:start] + text[following:]
    else:
        raise CannotEdit("it shares its line with something else")


def _dash(text: str, parent: Value, index: int) -> int:
    """The offset of the dash before an item of a block list."""
    begin = parent.items[index - 1].end if index else parent.start
    if not index and (parent.anchor is not None or parent.tag):
        begin = _PROPERTIES.match(text, begin).end()  # type: ignore[union-attr] # it matches the empty text too
    found = _DASH.match(text, begin)
    if found is None:
        raise CannotEdit("the list is written in an unusual way")
    return found.end() - 1
