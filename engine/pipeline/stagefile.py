"""Edits of a dvc.yaml that touch one stage: add or replace it, take it away, freeze it.

Every other byte stays: comments, order, indentation, quotes, line endings. A new stage is written as DVC writes one,
in the indentation found there, and in braces where those are; of a stage that is replaced only the keys that differ
are. What was written is read again and compared with what was meant before anybody uses it.

Not edited: a value that others share through an anchor, and files that hold several documents. Each is refused with a
sentence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from assay.engine.errors import BadInput, Refused
from assay.engine.params import documents
from assay.engine.params.keys import same
from assay.engine.pipeline import lockyaml

if TYPE_CHECKING:
    from assay.engine.params.places import Value

STAGES = "stages"
_BOM = "\ufeff"
_BY_HAND = "Edit the file by hand."


def stages_of(path: str, text: str) -> dict[str, Any]:
    """The stages of a dvc.yaml as they are written, before any template is resolved.

    Args:
        path: The file, for errors.
        text: What it says; empty when there is none.

    Raises:
        BadInput: It is not YAML, or its stages are no map.
    """
    stages: dict[str, Any] = _data(path, text).get(STAGES) or {}
    return stages


def with_stage(path: str, text: str, name: str, data: Mapping[str, Any]) -> str:
    """The text with this stage, in place of one of that name or after the last one.

    Args:
        path: The file, for errors.
        text: What it says; empty when there is none.
        name: The stage.
        data: What is below its name, in the order in which it is to be written.

    Raises:
        Refused: The file is not written in lines that a stage can be added to.
        BadInput: It is not a pipeline.
    """
    before = _data(path, text)
    wanted = {**before, STAGES: {**stages_of(path, text), name: dict(data)}}
    body = text.removeprefix(_BOM)
    proposals = [lambda: _put_keys(body, name, data), lambda: _put(body, (STAGES,), name, data)]
    if not before.get(STAGES):
        proposals = [lambda: _first_stage(body, name, data)]
    proposals.append(lambda: documents.rewritten(path, body, wanted))  # where stages stand in braces
    problem = f"{path} is not written in a way that a stage can be added to"
    return _chosen(path, text, wanted, proposals, Refused(f"{problem}.", _BY_HAND))


def without_stage(path: str, text: str, name: str) -> str:
    """The text without this stage, which is in it; empty when nothing is left that is worth a file.

    After the last stage the key ``stages`` goes too; whatever else the file holds, comments among it, stays.

    Raises:
        Refused: The stage shares something with others, so that it cannot be taken out alone.
        BadInput: It is not a pipeline.
    """
    before = _data(path, text)
    stages = {other: data for other, data in before[STAGES].items() if other != name}
    body = text.removeprefix(_BOM)
    if stages:
        wanted, proposals = {**before, STAGES: stages}, [lambda: _cut(body, (STAGES,), name)]
    else:
        wanted = {key: value for key, value in before.items() if key != STAGES}
        proposals = [lambda: _cut_last(body, name)]
    proposals.append(lambda: documents.rewritten(path, body, wanted))
    problem = Refused(f"{path} is not written in a way that its stage {name!r} can be taken out.", _BY_HAND)
    edited = _chosen(path, text, wanted, proposals, problem)
    return edited if edited.strip(_BOM + " \t\r\n") else ""


def with_frozen(path: str, text: str, name: str, *, frozen: bool) -> str:
    """The text with this stage, or all that are made from it, frozen or not; as it is when there is nothing to change.

    Raises:
        Refused: The stage cannot be changed in place.
        BadInput: It is not a pipeline.
    """
    before = _data(path, text)
    stages = before[STAGES]
    stage = stages[name]
    made = {**stage, "do": _frozen(stage["do"], frozen)} if "foreach" in stage else _frozen(stage, frozen)
    return documents.rewritten(path, text, {**before, STAGES: {**stages, name: made}})


def data_file_with_frozen(path: str, text: str, *, frozen: bool) -> str:
    """The text of a ``.dvc`` file that is frozen or not. Raises Refused when it cannot be changed in place."""
    return documents.rewritten(path, text, _frozen(documents.parse(path, text), frozen))


def _frozen(data: Mapping[str, Any], frozen: bool) -> dict[str, Any]:
    if frozen:
        return {**data, "frozen": True}
    return {key: value for key, value in data.items() if key not in ("frozen", "locked")}


def _data(path: str, text: str) -> dict[str, Any]:
    data = documents.parse(path, text)
    if not isinstance(data, dict) or not isinstance(data.get(STAGES) or {}, dict):
        raise BadInput(path, "is not a pipeline: its stages should be a map")
    return data


def _chosen(
    path: str, text: str, wanted: Mapping[str, Any], proposals: Iterable[Callable[[], str]], otherwise: Refused
) -> str:
    """The first proposed text that holds what is wanted; raises the refusal when none does."""
    from assay.engine.params.places import CannotEdit

    mark = _BOM if text.startswith(_BOM) else ""
    for propose in proposals:
        try:
            edited = propose()
            if same(documents.parse(path, edited), dict(wanted)):
                return mark + edited
        except (CannotEdit, BadInput, Refused):
            continue
    raise otherwise


# --- lines -------------------------------------------------------------------------------------------------------


def _first_stage(text: str, name: str, data: Mapping[str, Any]) -> str:
    """The text of a file without stages with this one: below the key when that is there, else at the end."""
    from assay.engine.params.edit_yaml import read
    from assay.engine.params.places import newline, next_line

    root = read(text, "")
    lines = lockyaml.emit({STAGES: {name: data}}).replace("\n", newline(text))
    if root is None or STAGES not in root.keys:
        return _ended(text) + lines
    at = root.index(STAGES)
    value = root.items[at]
    if value.kind == "map":
        return _put(text, (), STAGES, {name: data})
    after = next_line(text, max(value.end, root.names[at].end))
    return _ended(text[:after]) + lines.partition("\n")[2] + text[after:]


def _put_keys(text: str, name: str, data: Mapping[str, Any]) -> str:
    """The text with the keys of a stage that differ written anew in their places, new ones after those before them."""
    place = (STAGES, name)
    before = stages_of("", text).get(name)
    if not isinstance(before, dict):
        return _put(text, (STAGES,), name, data)
    for at, (key, value) in enumerate(data.items()):
        if key not in before or not same(before[key], value):
            text = _put(text, place, key, value, after=list(data)[at - 1] if at else "")
    for key in before:
        if key not in data:
            text = _cut(text, place, key)
    return text


def _put(text: str, place: tuple[str, ...], key: str, value: Any, *, after: str | None = None) -> str:
    """The text with an entry of the block map at a place written anew, or added.

    Args:
        text: The whole text.
        place: The map.
        key: The entry's key.
        value: What it is to hold.
        after: The key that a new entry is to come after, "" to be the first; None to be the last.
    """
    from assay.engine.params.places import line_start, newline, next_line

    parent = _block(text, place)
    first = parent.spans()[0][0]
    entry = _entry(len(place), key, value, " " * (first - line_start(text, first))).replace("\n", newline(text))
    if key in parent.keys:
        start, end = _lines_of(text, parent, key)
        return text[:start] + entry + text[end:]
    if after is None:
        at = next_line(text, parent.end)
    else:
        at = _lines_of(text, parent, after)[1] if after else line_start(text, first)
    return _ended(text[:at]) + entry + text[at:]


def _cut(text: str, place: tuple[str, ...], key: str) -> str:
    start, end = _lines_of(text, _block(text, place), key)
    return text[:start] + text[end:]


def _cut_last(text: str, name: str) -> str:
    """The text without its only stage and without the line ``stages:``; comments between the two stay."""
    from assay.engine.params.places import line_start, next_line

    start, end = _lines_of(text, _block(text, (STAGES,)), name)
    root = _block(text, ())
    key = root.names[root.index(STAGES)]
    top, below = line_start(text, key.start), next_line(text, key.end)
    return text[:top] + text[below:start] + text[end:]


def _block(text: str, place: tuple[str, ...]) -> Value:
    """The map at a place, which has to be written in lines of its own."""
    from assay.engine.params.edit_yaml import read
    from assay.engine.params.places import CannotEdit, line_start

    value = read(text, "")
    for key in place:
        value = value.child(key) if value is not None else None
    if value is None or value.kind != "map" or value.flow or not value.keys:
        raise CannotEdit("it is not a map in lines of its own")
    first = value.spans()[0][0]
    if text[line_start(text, first) : first].strip(" "):
        raise CannotEdit("it starts on the line of something else")
    return value


def _lines_of(text: str, parent: Value, key: str) -> tuple[int, int]:
    """Where the lines of an entry start, and where the first one after them does."""
    from assay.engine.params.places import CannotEdit, line_start, next_line, owns_lines

    if key not in parent.keys:
        raise CannotEdit("it comes from a merge key")
    start, end = parent.spans()[parent.index(key)]
    if not owns_lines(text, start, end):
        raise CannotEdit("it shares its lines with something else")
    return line_start(text, start), next_line(text, end)


def _entry(depth: int, key: str, value: Any, indent: str) -> str:
    """An entry as it is written that deep in a file, where long lines are folded; then moved to its indentation."""
    nested: Any = {key: value}
    for _ in range(depth):
        nested = {"x": nested}
    lines = lockyaml.emit(nested).split("\n")[depth:]
    own = " " * (lockyaml.STEP * depth)
    return "\n".join(indent + line.removeprefix(own) if line else line for line in lines)


def _ended(text: str) -> str:
    from assay.engine.params.places import newline

    return text if not text or text.endswith("\n") else text + newline(text)
