"""The words after ``-S``: ``[FILE:]KEY=VALUE``, ``+KEY=VALUE``, ``++KEY=VALUE``, ``~KEY[=VALUE]``.

The grammar is that of Hydra 1.3's basic overrides, as DVC uses it: the text before the first ``:`` that precedes the
first ``=`` is the file, operators stand after it, keys are dotted names and list positions (``lst.0``). A value with
``${a.b}`` in it keeps that text; whoever edits the file resolves it there. A package after ``@`` is read, for what
composes configurations; files of parameters have none.
"""

from __future__ import annotations

import re
from typing import Any

from assay.engine.errors import UsageError
from assay.engine.model import Override, OverrideKind
from assay.engine.params.sweeps import Shuffle, Sweep, choices
from assay.engine.params.values import SyntaxProblem, parse_value

_NAME = r"[A-Za-z_$][A-Za-z0-9_$-]*"
_PART = rf"(?:{_NAME}|[1-9](?:_?[0-9])*|0)"
_GROUP = r"[A-Za-z_][A-Za-z0-9_-]*"
_key = re.compile(rf"{_PART}(?:\.{_PART})+|{_GROUP}(?:/{_GROUP})+|{_NAME}").match
_package = re.compile(rf"@({_PART}(?:\.{_PART})+|{_NAME}|)").match
_OPERATORS: tuple[tuple[str, OverrideKind], ...] = (("++", "force"), ("+", "add"), ("~", "delete"))
_PLAIN_TEXT = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*").fullmatch


def in_any_order(values: list[Any]) -> None:
    """Brings a list into a random order in place."""
    import random

    random.shuffle(values)


def parse(text: str, shuffle: Shuffle = in_any_order) -> Override:
    """One word, for a run: its value is plain data.

    Args:
        text: The word.
        shuffle: The source of chance for ``shuffle([..])``.

    Raises:
        UsageError: It is not an override, or one that asks for several values.
    """
    override = parse_sweep(text, shuffle)
    if not isinstance(override.value, Sweep):
        return override
    raise UsageError(
        f"{text!r} asks for several values, and a run takes one.",
        f"Take one of them: {_alternatives(override, shuffle)}.",
    )


def parse_sweep(text: str, shuffle: Shuffle = in_any_order) -> Override:
    """One word, for the queue: its value may be a `Sweep` that has a list of values. Raises UsageError."""
    file, start = _split_file(text)
    kind, start = _operator(text, start)
    found = _key(text, start)
    if found is None:
        raise _problem(text, "a key is missing", start)
    end = found.end()
    key = (found.group(),) if "/" in found.group() else tuple(found.group().split("."))
    at = _package(text, end)
    end, package = (at.end(), at.group(1)) if at else (end, None)
    if end == len(text) and kind == "delete":
        return Override(text, file, kind, key, has_value=False, package=package)
    if text[end : end + 1] != "=":
        raise _problem(text, _after_key(text, end), end)
    value = _value(text, end + 1, shuffle)
    if kind == "delete" and isinstance(value, Sweep):
        raise _problem(text, "what is deleted has one value", end + 1)
    return Override(text, file, kind, key, value, package=package)


def _split_file(text: str) -> tuple[str | None, int]:
    """The file before the key, if there is one, and where the rest starts."""
    colon = text.partition("=")[0].find(":")
    if colon == 0:
        raise _problem(text, "the name of a file is missing before ':'", 0)
    return (None, 0) if colon < 0 else (text[:colon], colon + 1)


def _operator(text: str, at: int) -> tuple[OverrideKind, int]:
    for sign, kind in _OPERATORS:
        if text.startswith(sign, at):
            return kind, at + len(sign)
    return "set", at


def _after_key(text: str, at: int) -> str:
    following = text[at : at + 1]
    if following == "[":
        return "an element of a list is addressed as KEY.0"
    return f"'=' is missing after the key, where {following!r} stands" if following else "'=' and a value are missing"


def _value(text: str, at: int, shuffle: Shuffle) -> Any:
    try:
        value = parse_value(text, at, shuffle)
        if isinstance(value, Sweep):
            choices(value, shuffle)
    except SyntaxProblem as problem:
        raise _problem(text, problem.problem, problem.at) from problem
    except ValueError as error:
        raise _problem(text, str(error), at) from error
    except RecursionError as error:
        raise _problem(text, "it is nested too deeply", at) from error
    return value


def _problem(text: str, problem: str, at: int) -> UsageError:
    shown = text.translate({ord("\n"): " ", ord("\t"): " "})
    return UsageError(f"-S {shown!r} cannot be understood: {problem}.", f"  {shown}\n  {' ' * at}^")


def _alternatives(override: Override, shuffle: Shuffle, limit: int = 3) -> str:
    """The single-value forms of a sweep, as words for the command line."""
    head = override.text.partition("=")[0]
    values = choices(override.value, shuffle)
    shown = ", ".join(f"-S {head}={literal(value)}" for value in values[:limit])
    return shown + (f" or one of {len(values) - limit} more" if len(values) > limit else "")


def literal(value: Any) -> str:
    """A value in the grammar's own words, so that it is read back as it is."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "null"
    if isinstance(value, list):
        return "[" + ",".join(map(literal, value)) + "]"
    if isinstance(value, dict):
        return "{" + ",".join(f"{_literal_key(key)}:{literal(item)}" for key, item in value.items()) + "}"
    if not isinstance(value, str):
        return str(value)
    reserved = value.lower() in ("true", "false", "null", "inf", "nan")
    return value if _PLAIN_TEXT(value) and not reserved else _quoted(value)


def _quoted(text: str) -> str:
    doubled = re.sub(r"(\\+)('|\Z)", lambda found: found[1] * 2 + found[2], text)
    return "'" + doubled.replace("'", r"\'") + "'"


def _literal_key(key: Any) -> str:
    return re.sub(r"[\\()\[\]{}:=, \t]", r"\\\g<0>", key) if isinstance(key, str) else literal(key)
