r"""The ``${...}`` of a dvc.yaml: where they stand in a text, what they may say, and how values are written out.

An expression is a path into the context and no more: ``train.lr``, ``layers[0]``, ``layers.0``. ``\${`` is a plain
``${``. How a value looks inside a longer text is Python's way, since commands are compared as text with what DVC
recorded: ``1e-05``, ``None``, but ``true``.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

Place = tuple[str, ...]


class Parsing(NamedTuple):
    """How a map is written into a command: the settings ``parsing.bool`` and ``parsing.list``."""

    bool: str = "store_true"
    list: str = "nargs"


KNOWN = {"bool": ("store_true", "boolean_optional"), "list": ("nargs", "append")}
"""The values that each setting may have."""


_DEFAULT = Parsing()


class Reference(NamedTuple):
    """One ``${...}``: where it starts and ends in its text, and what stands between the braces."""

    start: int
    end: int
    inner: str


class NotWritable(ValueError):
    """A value has no form in a text; the message is a clause about it."""


# One way to match every text, so that no input makes it slow: blanks after a word belong to the word.
_SYNTAX = re.compile(r"[^.\[\]]+(?:\.[^.\[\]]+|\[[^.\[\]]+\][ \t\r]*)*")


def references(text: str) -> list[Reference]:
    """The expressions of a text, those after a backslash left out; one never spans lines."""
    found = []
    start = text.find("${")
    close = line_end = -1
    while start >= 0:
        if start and text[start - 1] == "\\":
            start = text.find("${", start + 2)
            continue
        if close < start + 2:
            close = text.find("}", start + 2)
            if close < 0:
                break
        if line_end < start + 2:
            line_end = text.find("\n", start + 2)
            if line_end < 0:
                line_end = len(text)
        if close < line_end:
            found.append(Reference(start, close + 1, text[start + 2 : close]))
        start = text.find("${", close + 1 if close < line_end else start + 2)
    return found


def is_path(inner: str) -> bool:
    """Whether what stands between braces is written as a path."""
    return _SYNTAX.fullmatch(inner) is not None


def steps(inner: str) -> list[str]:
    """The steps of a path: ``a[0].b`` has a, 0 and b."""
    return [step.strip() for step in inner.replace("[", ".").replace("]", "").split(".")]


def unescaped(text: str) -> str:
    r"""A text with its ``\${`` as the plain ``${`` that they stand for."""
    return text.replace("\\${", "${") if "\\" in text else text


def written(value: Any, options: Parsing = _DEFAULT) -> str:
    """A value inside a longer text; a map becomes command line options.

    Raises:
        NotWritable: It holds a list in a list, or a number that is too long.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return " ".join(_options(value, options))
    try:
        return str(value)
    except ValueError:
        raise NotWritable("is a number that is too long") from None


def _options(value: Mapping[str, Any], options: Parsing) -> Iterator[str]:
    known: set[str] = set()
    for key, item in _flat(value, ""):
        if key in known:
            raise NotWritable(f"has the key {key} twice")
        known.add(key)
        if isinstance(item, bool):
            if item:
                yield f"--{key}"
            elif options.bool == "boolean_optional":
                yield f"--no-{key}"
        elif isinstance(item, list):
            words = [_word(one, key) for one in item]
            if options.list == "append":
                yield from (f"--{key} {word}" for word in words)
            elif words:
                yield f"--{key} {' '.join(words)}"
        else:
            yield f"--{key} {_word(item, key)}"


def _flat(value: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for key, item in value.items():
        if isinstance(item, Mapping):
            yield from _flat(item, f"{prefix}{key}.")
        else:
            yield prefix + key, item


def _word(value: Any, key: str) -> str:
    if isinstance(value, str):
        return shlex.quote(value)
    if isinstance(value, (list, Mapping)):
        raise NotWritable(f"has a list or a map inside the list {key}, which no option can hold")
    return str(value)
