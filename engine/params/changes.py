"""What ``-S`` words do to data, and the difference between two documents as single edits.

The meaning is that of Hydra's overrides: a plain word changes a key that exists, ``+`` adds one, ``++`` does either,
``~`` takes one away; a map given for a map is merged into it; a list is replaced. Two differences protect the file:
nothing is put below a value that is not a map, and a key that is null can be deleted.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Sequence
from typing import Any, Literal, NamedTuple

from assay.engine.errors import UsageError
from assay.engine.model import Override
from assay.engine.params import keys
from assay.engine.params.keys import MISSING

Place = tuple[Any, ...]


class Edit(NamedTuple):
    """One step from a document to another.

    ``replace`` gives the value at ``place`` another, ``insert`` puts a new key at the end of its map, ``append`` a new
    value at the end of the list whose next position ``place`` names, ``remove`` takes one away.
    """

    kind: Literal["replace", "insert", "append", "remove"]
    place: Place
    value: Any = None


def applied(data: Any, overrides: Sequence[Override], path: str) -> Any:
    """A copy of a document's data with the overrides carried out, and ``${..}`` in their values resolved in it.

    Args:
        data: What the document holds; it is not changed.
        overrides: In order; their ``file`` is not looked at.
        path: The document, for errors.

    Raises:
        UsageError: An override does not fit the data.
    """
    result = copy.deepcopy(data)
    for override in overrides:
        if override.kind == "delete":
            _delete(result, override, path)
        else:
            _put(result, override, path)
    return _Resolver(result, path).resolved(result, ())


def _delete(data: Any, override: Override, path: str) -> None:
    place = keys.find(data, override.key)
    if place is None:
        raise unknown_key(override, {path: data})
    parent, value = keys.at(data, place[:-1]), keys.at(data, place)
    if isinstance(parent, list):
        raise _no(override, path, f"{_name(override)} is an element of a list", "Give the whole list instead.")
    if override.has_value and override.value != value:
        raise _no(override, path, f"{_name(override)} is {value!r} and not {override.value!r}")
    del parent[place[-1]]


def _put(data: Any, override: Override, path: str) -> None:
    place = keys.find(data, override.key)
    if place is None:
        if override.kind == "set":
            raise unknown_key(override, {path: data})
        _create(data, override, path)
        return
    old, new = keys.at(data, place), _marked(override.value)
    if override.kind == "add" and old is not None and not isinstance(override.value, (dict, list)):
        hint = f"{_said(override)} changes it, {_said(override, '++')} does either."
        raise _no(override, path, f"{_name(override)} is there already", hint)
    keys.at(data, place[:-1])[place[-1]] = _merged(old, new, override, path, place)


def _create(data: Any, override: Override, path: str) -> None:
    for depth, part in enumerate(override.key):
        last = depth == len(override.key) - 1
        key: Any = keys.own_key(data, part) if isinstance(data, dict) else MISSING
        if isinstance(data, list):
            key = keys.position(part, data)
            if key is None:
                raise _no(override, path, f"the list {'.'.join(override.key[:depth])} has no element {part}",
                          "Give the whole list instead.")
        elif not isinstance(data, dict):
            raise _no(override, path, f"{'.'.join(override.key[:depth])} is {data!r}, not a map")
        elif key is MISSING or (data[key] is None and not last):
            key = part if key is MISSING else key
            data[key] = _marked(override.value) if last else {}
        data = data[key]


def _merged(old: Any, new: Any, override: Override, path: str, place: Place) -> Any:
    """What a key that holds ``old`` holds after ``new`` was given for it."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key, value in new.items():
            inner = (*place, key)
            if key in old:
                old[key] = _merged(old[key], value, override, path, inner)
            elif override.kind == "set":
                raise _no(override, path, f"there is no key {keys.dotted(inner)}", f"{_said(override, '+')} adds it.")
            else:
                old[key] = value
        return old
    if isinstance(old, (dict, list)) and isinstance(new, (dict, list)) and type(old) is not type(new):
        kinds = ("a map", "a list") if isinstance(old, dict) else ("a list", "a map")
        raise _no(override, path, f"{keys.dotted(place)} is {kinds[0]}, and {kinds[1]} cannot be merged into it")
    return new


def unknown_key(override: Override, documents: dict[str, Any]) -> UsageError:
    """The error for a key that none of these documents has: it names the nearest ones and ``+key=``."""
    places = " or ".join(documents) or "no tracked file"
    known = {name: path for path, data in documents.items() for name in keys.flatten(data)}
    near = keys.nearest(".".join(override.key), list(known))
    names = [name if override.file or len(documents) < 2 else f"{known[name]}:{name}" for name in near]
    meant = f"; did you mean {' or '.join(names)}" if names else ""
    adds = "" if override.kind == "delete" else f"{_said(override, '+')} adds it."
    return UsageError(f"There is no key {'.'.join(override.key)} in {places}{meant}{'?' if meant else '.'}", adds)


def _said(override: Override, operator: str = "") -> str:
    """The override as it would be typed with another operator."""
    head = f"{override.file}:" if override.file else ""
    return f"-S {head}{operator}{override.text.removeprefix(head).lstrip('+~')}"


def _name(override: Override) -> str:
    return ".".join(override.key)


def _no(override: Override, path: str, problem: str, hint: str = "") -> UsageError:
    return UsageError(f"-S {override.text!r} does not fit {path}: {problem}.", hint)


class _Interpolated(NamedTuple):
    """A text of an override in which ``${..}`` stands."""

    text: str


def _marked(value: Any) -> Any:
    if isinstance(value, str) and "${" in value:
        return _Interpolated(value)
    if isinstance(value, list):
        return [_marked(item) for item in value]
    if isinstance(value, dict):
        return {key: _marked(item) for key, item in value.items()}
    return value


_REFERENCE = re.compile(r"(\\*)\$\{(?:([^{}]*)\})?")
_STEPS = re.compile(r"[^.\[\]]+|\[[^\[\]]*\]")


class _Resolver:
    """Resolves references into the data; it leaves texts that were in the file before as they are."""

    def __init__(self, data: Any, path: str) -> None:
        self.data = data
        self.path = path
        self.open: list[Place] = []

    def resolved(self, value: Any, place: Place) -> Any:
        if isinstance(value, _Interpolated):
            return self.text(value.text, place)
        if isinstance(value, list):
            return [self.resolved(item, (*place, index)) for index, item in enumerate(value)]
        if isinstance(value, dict):
            return {key: self.resolved(item, (*place, key)) for key, item in value.items()}
        return value

    def text(self, text: str, place: Place) -> Any:
        """The value of a text; one that is a single reference keeps the type of what it refers to."""
        whole = _REFERENCE.fullmatch(text)
        if whole and not whole[1]:
            return self.reference(text, whole[2], place)
        parts: list[str] = []
        end = 0
        for found in _REFERENCE.finditer(text):
            slashes = len(found[1])
            parts += [text[end : found.start()], "\\" * (slashes // 2)]
            parts.append(found.group()[slashes:] if slashes % 2 else str(self.reference(text, found[2], place)))
            end = found.end()
        return "".join(parts) + text[end:]

    def reference(self, text: str, name: str | None, place: Place) -> Any:
        if name is None:
            raise UsageError(f"{text!r} cannot be resolved: a '${{' has no '}}', or another one inside.")
        name = name.strip()
        dots = len(name) - len(name.lstrip("."))
        if ":" in name or not name.strip("."):
            problem = "a resolver such as oc.env" if ":" in name else "an empty name"
            raise UsageError(f"{text!r} cannot be resolved in {self.path}: {problem} is not supported.")
        base = place[:-dots] if dots else ()
        parts = [step.strip("[]") for step in _STEPS.findall(name[dots:])]
        target = keys.find(keys.at(self.data, base), parts)
        if target is None or dots > len(place):
            raise UsageError(f"{text!r} cannot be resolved: {self.path} has no key {name}.")
        target = (*base, *target)
        if target in self.open or target == place[: len(target)]:
            raise UsageError(f"{text!r} cannot be resolved in {self.path}: it refers to itself.")
        self.open.append(target)
        value = keys.at(self.data, target)
        value = self.resolved(_marked(value) if isinstance(value, str) else copy.deepcopy(value), target)
        self.open.pop()
        return value


def difference(old: Any, new: Any, place: Place = (), *, whole_lists: bool = False) -> Iterator[Edit]:
    """The edits that lead from one document to another, to be carried out in this order.

    Args:
        old: What is there.
        new: What shall be there.
        place: Where both stand.
        whole_lists: Replace a list whose length changed, instead of its elements.
    """
    if keys.same(old, new):
        return
    if isinstance(old, dict) and isinstance(new, dict):
        for key in old:
            if key not in new:
                yield Edit("remove", (*place, key))
        for key, value in new.items():
            if key in old:
                yield from difference(old[key], value, (*place, key), whole_lists=whole_lists)
            else:
                yield Edit("insert", (*place, key), value)
    elif _elementwise(old, new, whole_lists):
        for index, (before, after) in enumerate(zip(old, new, strict=False)):
            yield from difference(before, after, (*place, index), whole_lists=whole_lists)
        for index in range(len(old) - 1, len(new) - 1, -1):
            yield Edit("remove", (*place, index))
        for index in range(len(old), len(new)):
            yield Edit("append", (*place, index), new[index])
    else:
        yield Edit("replace", place, new)


def _elementwise(old: Any, new: Any, whole_lists: bool) -> bool:
    if not isinstance(old, list) or not isinstance(new, list):
        return False
    return bool(old) and (len(old) == len(new) if whole_lists else bool(new))


def carried_out(data: Any, edit: Edit) -> Any:
    """A copy of the data with one edit carried out."""
    result = copy.deepcopy(data)
    parent, last = keys.at(result, edit.place[:-1]), edit.place[-1]
    if edit.kind == "remove":
        del parent[last]
    elif edit.kind == "append":
        parent.append(edit.value)
    else:
        parent[last] = edit.value
    return result
