"""What ``-S`` words do to data, and the difference between two documents as single edits.

The meaning is that of Hydra's overrides: a plain word changes a key that exists, ``+`` adds one, ``++`` does either,
``~`` takes one away; a map given for a map is merged into it; a list is replaced. Two differences: ``+`` puts nothing
below a value that is not a map (``++`` does), and a key that is null can be deleted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal, NamedTuple

from assay.engine.errors import UsageError
from assay.engine.model import Override
from assay.engine.params import keys
from assay.engine.params.interpolation import Resolver, marked
from assay.engine.params.keys import MISSING, Place
from assay.engine.params.overrides import literal


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
    result = _copied(data)
    for override in overrides:
        if override.package is not None:
            problem = "a package after '@' is for what Hydra composes, and this is a file of parameters"
            raise _no(override, path, problem)
        if override.kind == "delete":
            _delete(result, override, path)
        else:
            _put(result, override, path)
    return Resolver(result, path).resolved(result, ())


def _copied(data: Any) -> Any:
    """A copy in which no two places share a list or a map, as places of YAML do that an alias joins."""
    if isinstance(data, dict):
        return {key: _copied(value) for key, value in data.items()}
    return [_copied(value) for value in data] if isinstance(data, list) else data


def _delete(data: Any, override: Override, path: str) -> None:
    place = keys.find(data, override.key)
    if place is None:
        raise unknown_key(override, {path: data})
    parent, value = keys.at(data, place[:-1]), keys.at(data, place)
    if isinstance(parent, list):
        raise _no(override, path, f"{_name(override)} is an element of a list", "Give the whole list instead.")
    if override.has_value and override.value != value:
        raise _no(override, path, f"{_name(override)} is {literal(value)} and not {literal(override.value)}")
    del parent[place[-1]]


def _put(data: Any, override: Override, path: str) -> None:
    place = keys.find(data, override.key)
    if place is None:
        if override.kind == "set":
            raise unknown_key(override, {path: data})
        _create(data, override, path)
        return
    old, new = keys.at(data, place), marked(override.value)
    if override.kind == "add" and old is not None and not isinstance(override.value, (dict, list)):
        hint = f"{_said(override)} changes it, {_said(override, '++')} does either."
        raise _no(override, path, f"{_name(override)} is there already", hint)
    keys.at(data, place[:-1])[place[-1]] = _merged(old, new, override, path, place)


def _create(data: Any, override: Override, path: str) -> None:
    """Puts a value where there is none, with the maps that lead to it."""
    for depth, part in enumerate(override.key[:-1]):
        inner = _inner(data, part)
        if inner is MISSING or inner is None:
            inner = {}
        elif not isinstance(inner, (dict, list)):
            if override.kind != "force":
                name = ".".join(override.key[: depth + 1])
                problem = f"{name} is {literal(inner)}, not a map"
                raise _no(override, path, problem, f"{_said(override, '++')} replaces {name}.")
            inner = {}
        data = _set(data, part, inner, override, path)
    _set(data, override.key[-1], marked(override.value), override, path)


def _inner(data: Any, part: str) -> Any:
    if isinstance(data, dict):
        key = keys.own_key(data, part)
        return MISSING if key is MISSING else data[key]
    index = keys.position(part, data)
    return MISSING if index is None else data[index]


def _set(data: Any, part: str, value: Any, override: Override, path: str) -> Any:
    """Gives a key or an element a value, and returns it."""
    if isinstance(data, dict):
        key = keys.own_key(data, part)
        data[part if key is MISSING else key] = value
        return value
    index = keys.position(part, data)
    if index is None:
        raise _no(override, path, f"a list has no element {part}", "Give the whole list instead.")
    data[index] = value
    return value


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
    places = " or ".join(documents) or "any tracked file"
    known = {name: path for path, data in documents.items() for name in keys.flatten(data)}
    near = keys.nearest(".".join(override.key), list(known))
    names = [name if override.file or len(documents) < 2 else f"{known[name]}:{name}" for name in near]
    meant = f"; did you mean {' or '.join(names)}" if names else ""
    adds = "" if override.kind == "delete" else f"{_said(override, '+')} adds it."
    if any(_is_list(data, override.key[:-1]) for data in documents.values()):
        adds = "Give the whole list instead."
    return UsageError(f"There is no key {'.'.join(override.key)} in {places}{meant}{'?' if meant else '.'}", adds)


def _is_list(data: Any, parts: Sequence[str]) -> bool:
    place = keys.find(data, parts)
    return place is not None and isinstance(keys.at(data, place), list)


def _said(override: Override, operator: str = "") -> str:
    """The override as it would be typed with another operator."""
    head = f"{override.file}:" if override.file else ""
    return f"-S {head}{operator}{override.text.removeprefix(head).lstrip('+~')}"


def _name(override: Override) -> str:
    return ".".join(override.key)


def _no(override: Override, path: str, problem: str, hint: str = "") -> UsageError:
    return UsageError(f"-S {override.text!r} does not fit {path}: {problem}.", hint)


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
    result = _copied(data)
    parent, last = keys.at(result, edit.place[:-1]), edit.place[-1]
    if edit.kind == "remove":
        del parent[last]
    elif edit.kind == "append":
        parent.append(edit.value)
    else:
        parent[last] = edit.value
    return result
