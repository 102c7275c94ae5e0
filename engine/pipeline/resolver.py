"""Replaces the ``${...}`` in the data of a dvc.yaml by what they refer to.

A text that is one expression becomes the value itself, with its type; in a longer text the value is written out. In
a stage only simple values may stand there, and in its ``cmd`` maps too, which become command line options.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, Literal

from assay.engine.params.keys import nearest
from assay.engine.pipeline.checked import in_words
from assay.engine.pipeline.context import Context, Found, plain
from assay.engine.pipeline.expressions import (
    NotWritable,
    Parsing,
    Reference,
    is_path,
    references,
    steps,
    unescaped,
    written,
)
from assay.engine.pipeline.source import Keys, Source

MAX_SIZE = 50_000_000
"""Characters: what the templates of one dvc.yaml may grow to."""

_COMPARED = 2_000
"""Names that a misspelled one is compared with."""

Allowed = Literal["anything", "command", "simple"]
"""Which values may stand where an expression is: any, simple ones and maps, simple ones only."""

Used = dict[str, dict[str, Any]]
"""The values that templates took from files, by file and dotted path."""


class Budget:
    """How much may still be written, so that a small file cannot fill the memory."""

    def __init__(self) -> None:
        self._left = MAX_SIZE

    def takes(self, size: int) -> bool:
        """Whether this much more is still within bounds."""
        self._left -= size + 1
        return self._left >= 0


class Resolver:
    """Resolves data in one context.

    Args:
        source: The file, for errors.
        context: What expressions may refer to.
        options: How maps are written into commands.
        budget: How much may be written.
        of: The generated stage, for errors; empty when it is none.
    """

    def __init__(self, source: Source, context: Context, options: Parsing, budget: Budget, of: str = "") -> None:
        self.source = source
        self.context = context
        self.options = options
        self.budget = budget
        self.of = of
        self.used: Used = {}

    def data(self, value: Any, keys: Keys, allowed: Allowed = "anything", *, keep_found: bool = False) -> Any:
        """The data with every expression resolved, in the keys of maps too.

        Args:
            value: The data as the file has it.
            keys: Where it stands in the file.
            allowed: What expressions may refer to.
            keep_found: Whether a value that stands alone keeps the note where it comes from, as a `Found`.

        Raises:
            BadInput: An expression is not one, or leads nowhere, or to something that may not stand there.
        """
        if isinstance(value, str):
            found = self.text(value, keys, allowed)
            return found if keep_found or not isinstance(found, Found) else plain(found)
        if isinstance(value, Mapping):
            result = {}
            for key, item in value.items():
                here = (*keys, key if isinstance(key, int) and not isinstance(key, bool) else str(key))
                name = self._key(key, here, allowed) if isinstance(key, str) else key
                result[name] = self.data(item, here, allowed, keep_found=keep_found)
            return result
        if isinstance(value, list):
            return [self.data(item, (*keys, at), allowed, keep_found=keep_found) for at, item in enumerate(value)]
        self._spend(1, keys)
        return value

    def fixed(self, value: Any, size: int, keys: Keys) -> Any:
        """A value that has no expressions, and is so large. Raises BadInput when that is too much."""
        self._spend(size, keys)
        return value

    def text(self, text: str, keys: Keys, allowed: Allowed = "anything") -> str | Found:
        """A text with its expressions written out; a `Found` when it is one expression and nothing else."""
        self._spend(len(text), keys)
        if "${" not in text:
            return text
        found = references(text)
        if len(found) == 1 and found[0].start == 0 and found[0].end == len(text):
            return self._value(found[0], text, keys, allowed)
        parts = []
        end = 0
        for reference in found:
            value = self._value(reference, text, keys, allowed)
            parts += [text[end : reference.start], self._written(plain(value), reference, keys)]
            self._spend(len(parts[-1]), keys)
            end = reference.end
        return unescaped("".join(parts) + text[end:])

    def _key(self, key: str, keys: Keys, allowed: Allowed) -> Any:
        name = self.text(key, keys, allowed)
        value = plain(name) if isinstance(name, Found) else name
        if isinstance(value, (list, Mapping)):
            raise self.fail(keys, f"{key} is {in_words(value)}, which cannot be a key")
        return value

    def _value(self, reference: Reference, text: str, keys: Keys, allowed: Allowed) -> Found:
        spelled = text[reference.start : reference.end]
        if not is_path(reference.inner):
            hint = "Write a path such as ${train.lr} or ${layers[0]}, or \\${ for the shell's own."
            raise self.fail(keys, f"{_short(spelled)} is not a path into the parameters", hint)
        found = self.context.find(steps(reference.inner))
        if found is None:
            asked = ".".join(steps(reference.inner))
            near = [name for name in nearest(asked, self.context.names()[:_COMPARED]) if name != asked]
            hint = f"Did you mean {' or '.join(near)}?" if near else "Define it in params.yaml or under `vars`."
            raise self.fail(keys, f"{_short(spelled)} is neither in params.yaml nor in the vars", hint)
        value = found.value
        is_map = isinstance(value, Mapping)
        if allowed != "anything" and (isinstance(value, list) or (is_map and allowed != "command")):
            raise self.fail(keys, f"{_short(spelled)} is {in_words(value)}, which cannot stand here")
        if isinstance(value, (datetime.date, datetime.time)):
            raise self.fail(keys, f"{_short(spelled)} is a date or a time, which templates cannot use", "Quote it.")
        if found.file and not is_map:
            self.used.setdefault(found.file, {})[found.dotted] = value
        return found

    def _written(self, value: Any, reference: Reference, keys: Keys) -> str:
        try:
            return written(value, self.options)
        except NotWritable as error:
            raise self.fail(keys, f"${{{reference.inner}}} {error}") from None

    def _spend(self, size: int, keys: Keys) -> None:
        if not self.budget.takes(size):
            raise self.fail(keys, f"its templates grow to more than {MAX_SIZE // 1_000_000} million characters")

    def fail(self, keys: Keys, problem: str, hint: str = "") -> Exception:
        """The error to raise."""
        return self.source.bad(keys, f"{problem} (of {self.of})" if self.of else problem, hint)


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."
