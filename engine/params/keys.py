"""Dotted keys: how a value inside a document is named, found and listed.

``train.layers.0`` is the first element of the list under ``layers`` of the map ``train``. A key that itself holds
dots is found too, where the shorter reading leads nowhere; a key that is no string goes by its text (``true``, ``1``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

Place = tuple[Any, ...]
"""The keys and list positions that lead to a value, as they are in the data."""


class _Missing:
    """There is no such key; unlike None, which is a value."""

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = _Missing()


def get(data: Any, key: str) -> Any:
    """The value under a dotted key, or `MISSING`."""
    place = find(data, key.split("."))
    return MISSING if place is None else at(data, place)


def at(data: Any, place: Sequence[Any]) -> Any:
    """The value at a place that `find` gave."""
    for step in place:
        data = data[step]
    return data


def find(data: Any, parts: Sequence[str]) -> Place | None:
    """Where the value is that the parts of a dotted key name; None where there is none."""
    if not parts:
        return ()
    if isinstance(data, list):
        index = position(parts[0], data)
        rest = None if index is None else find(data[index], parts[1:])
        return None if rest is None else (index, *rest)
    if not isinstance(data, Mapping):
        return None
    for length in range(1, len(parts) + 1):
        key = own_key(data, ".".join(parts[:length]))
        rest = None if key is MISSING else find(data[key], parts[length:])
        if rest is not None:
            return (key, *rest)
    return None


def position(part: str, values: list[Any]) -> int | None:
    """The list position that a part of a key means; None where there is none."""
    return int(part) if part.isdecimal() and len(part) < 10 and int(part) < len(values) else None


def own_key(data: Mapping[Any, Any], part: str) -> Any:
    """The key of this map that a part of a dotted key means, or `MISSING`."""
    if part in data:
        return part
    return next((key for key in data if not isinstance(key, str) and text(key) == part), MISSING)


def text(key: Any) -> str:
    """A key as a part of a dotted key."""
    if key is None:
        return "null"
    return str(key).lower() if isinstance(key, bool) else str(key)


def dotted(place: Sequence[Any]) -> str:
    """The dotted key of a place."""
    return ".".join(map(text, place))


def flatten(data: Any, prefix: str = "") -> dict[str, Any]:
    """Every value that is not a map, under its dotted key and in order; a list is one value, an empty map too."""
    if not isinstance(data, Mapping):
        return {prefix.rstrip("."): data} if prefix else {}
    result: dict[str, Any] = {}
    for key, value in data.items():
        name = prefix + text(key)
        if isinstance(value, Mapping) and value:
            result.update(flatten(value, name + "."))
        else:
            result[name] = value
    return result


def nearest(key: str, known: Sequence[str], limit: int = 3) -> list[str]:
    """The known keys that somebody who wrote ``key`` may have meant: the same last part, or much the same letters."""
    from difflib import get_close_matches

    last = key.rpartition(".")[2]
    same_end = [name for name in known if name.rpartition(".")[2] == last]
    alike = get_close_matches(key, known, limit, 0.75)
    ends = {name.rpartition(".")[2]: name for name in reversed(known)}
    alike += [ends[end] for end in get_close_matches(last, list(ends), limit, 0.7)]
    return list(dict.fromkeys([*same_end, *alike]))[:limit]


def same(left: Any, right: Any) -> bool:
    """Whether two documents hold the same data: types count (1, 1.0 and true differ), the order of keys does not."""
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        # Keys of different types may be equal to a dictionary; they are not the same document.
        return {(type(key), key) for key in left} == {(type(key), key) for key in right} and all(
            same(value, right[key]) for key, value in left.items()
        )
    if isinstance(left, (list, tuple)):
        return len(left) == len(right) and all(map(same, left, right))
    return repr(left) == repr(right) if isinstance(left, float) else bool(left == right)
