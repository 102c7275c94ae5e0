"""What ``${...}`` can refer to: params.yaml, the vars of a dvc.yaml, and the key and item of a generated stage.

Maps are merged deeply, and nothing may be defined twice. A context never changes: what adds to it gives a new one,
so that a stage's own vars are not seen by its neighbours. Keys that are no text cannot be referred to and are left
out, as DVC does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from assay.engine.params.keys import flatten
from assay.engine.pipeline.expressions import Place


class Found(NamedTuple):
    """A value, with the file it comes from ("" for what a dvc.yaml defines itself) and its place in the context.

    What a ``foreach`` or ``matrix`` writes itself has no place.
    """

    value: Any
    file: str = ""
    place: Place = ()

    @property
    def dotted(self) -> str:
        """Its place as text."""
        return ".".join(self.place)


class Origin(NamedTuple):
    """Where a part of the context was defined: words for messages, and the file if it is one."""

    words: str
    file: str = ""


class CannotMerge(ValueError):
    """Values cannot join what is defined already; the message is a clause about the reason."""


MAX_DEPTH = 200
"""How deep maps that are merged may be nested."""


_NOTHING: Mapping[Any, Any] = {}


class Context(NamedTuple):
    """The values that templates may use.

    Attributes:
        values: Everything merged.
        origins: Where each part was defined, by its place.
        loaded: The files that were read, each with the keys that were taken, None for all.
        given: ``item``, and ``key`` where there is one; they hide values of the same name.
    """

    values: Mapping[str, Any] = _NOTHING
    origins: Mapping[Place, Origin] = _NOTHING
    loaded: Mapping[str, tuple[str, ...] | None] = _NOTHING
    given: Mapping[str, Any] = _NOTHING

    def merged(self, data: Mapping[Any, Any], origin: Origin) -> Context:
        """The context with more values. Raises CannotMerge."""
        for key in self.given:
            if key in data:
                raise CannotMerge(f"{key!r} is what generated stages call their own {key}, and cannot be defined here")
        origins = dict(self.origins)
        values = _merged(self.values, data, (), origin, origins, self)
        return self._replace(values=values, origins=origins)

    def origin(self, place: Place) -> Origin:
        """Where the value at a place was defined."""
        for length in range(len(place), 0, -1):
            known = self.origins.get(place[:length])
            if known is not None:
                return known
        return Origin("the vars")

    def find(self, steps: Sequence[str]) -> Found | None:
        """The value that a path leads to; None when there is none."""
        name = steps[0]
        if name in self.given:
            given = self.given[name]
            found: Found | None = given if isinstance(given, Found) else Found(given)
        elif name in self.values:
            found = Found(self.values[name], "", (name,))
        else:
            return None
        for step in steps[1:]:
            found = None if found is None else _inner(found, step)
        return None if found is None else self._with_file(found)

    def items(self, found: Found) -> list[Found]:
        """The items of a list, or the values of a map, that `find` gave."""
        value = found.value
        pairs = enumerate(value) if isinstance(value, list) else plain_keys(value)
        return [self._with_file(_below(found, item, str(key))) for key, item in pairs]

    def _with_file(self, found: Found) -> Found:
        return found._replace(file=self.origin(found.place).file) if found.place else found

    def names(self) -> list[str]:
        """Every path that leads to a value, for saying what was probably meant."""
        return list(flatten({**self.values, **{key: plain(value) for key, value in self.given.items()}}))


def _inner(found: Found, step: str) -> Found | None:
    value = found.value
    if isinstance(value, Mapping):
        return _below(found, value[step], step) if step in value else None
    if isinstance(value, list):
        position = _position(step, len(value))
        return None if position is None else _below(found, value[position], str(position))
    return None


def _below(found: Found, item: Any, step: str) -> Found:
    if isinstance(item, Found):
        return item
    return Found(item, "", (*found.place, step) if found.place else ())


def shown(place: Place) -> str:
    """A place in a message."""
    text = ".".join(place)
    return text if len(text) <= 60 else text[:57] + "..."


def plain_keys(value: Mapping[Any, Any]) -> list[tuple[str, Any]]:
    """The entries of a map whose keys are text."""
    return [(key, item) for key, item in value.items() if isinstance(key, str)]


def plain(value: Any) -> Any:
    """A value without the notes about where its parts come from, and without keys that are no text."""
    if isinstance(value, Found):
        return plain(value.value)
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in plain_keys(value)}
    return [plain(item) for item in value] if isinstance(value, list) else value


def _position(step: str, length: int) -> int | None:
    try:
        position = int(step)
    except ValueError:
        return None
    return position % length if -length <= position < length else None


def _merged(
    into: Mapping[str, Any],
    data: Mapping[Any, Any],
    place: Place,
    origin: Origin,
    origins: dict[Place, Origin],
    context: Context,
) -> dict[str, Any]:
    if len(place) > MAX_DEPTH:
        raise CannotMerge(f"{shown(place)} of {origin.words} is nested too deeply")
    result = dict(into)
    for key, value in plain_keys(data):
        here = (*place, key)
        if key not in result:
            result[key] = value
            origins[here] = origin
        elif isinstance(result[key], Mapping) and isinstance(value, Mapping):
            result[key] = _merged(result[key], value, here, origin, origins, context)
        else:
            raise CannotMerge(f"{shown(here)} of {origin.words} is defined already, by {context.origin(here).words}")
    return result
