r"""References such as ``${train.lr}`` in the values of overrides, resolved in the file that the override changes.

A text that is one reference takes the value with its type; inside a longer text the value is written out. A leading
dot counts from the map around the value, each further one from the map around that. ``\${`` is a plain ``${``.
"""

from __future__ import annotations

import copy
import re
from typing import Any, NamedTuple

from assay.engine.errors import UsageError
from assay.engine.params import keys
from assay.engine.params.keys import Place


class Interpolated(NamedTuple):
    """A text of an override in which ``${..}`` stands."""

    text: str


def marked(value: Any) -> Any:
    """The value with its texts that hold references marked as such."""
    if isinstance(value, str) and "${" in value:
        return Interpolated(value)
    if isinstance(value, list):
        return [marked(item) for item in value]
    if isinstance(value, dict):
        return {key: marked(item) for key, item in value.items()}
    return value


_REFERENCE = re.compile(r"(\\*)\$\{(?:([^{}]*)\})?")
_STEPS = re.compile(r"[^.\[\]]+|\[[^\[\]]*\]")


class Resolver:
    """Resolves references into the data; it leaves texts that were in the file before as they are."""

    def __init__(self, data: Any, path: str) -> None:
        self.data = data
        self.path = path
        self.open: list[Place] = []

    def resolved(self, value: Any, place: Place) -> Any:
        """The value that stands at a place, without marks. Raises UsageError."""
        if isinstance(value, Interpolated):
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
        """What one reference in a text refers to."""
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
        value = self.resolved(marked(value) if isinstance(value, str) else copy.deepcopy(value), target)
        self.open.pop()
        return value
