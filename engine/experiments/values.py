"""Parameters and metrics as values that JSON can hold, and as flat keys.

A document is what a params or metrics file says. `plain` makes it strict JSON (dates become text, NaN and the
infinities the words "NaN", "Infinity", "-Infinity"); `leaves` flattens it to dotted keys, a list being one value.
Comparing and sorting go through `comparable`, which takes those three words for the numbers they mean.
"""

from __future__ import annotations

import json
import math
from typing import Any

MISSING: Any = object()
"""No value at all; unequal to everything, itself included."""

_HUGE = 1 << 1024
"""Whole numbers beyond any float become hexadecimal text, for Python will not spell the longest in decimal."""

SPECIAL = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
"""The words that stand for numbers which JSON does not have."""

encode = json.JSONEncoder(separators=(",", ":"), check_circular=False, allow_nan=False).encode
"""Compact strict JSON, ASCII only, so that it goes to any stream and any database as it is."""

_spaced = json.JSONEncoder(check_circular=False, allow_nan=False).encode


def plain(value: Any) -> Any:
    """The value as strict JSON types; keys become text as JSON writes them."""
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return value
    if kind is int:
        return value if -_HUGE < value < _HUGE else hex(value)
    if kind is float:
        return value if value - value == 0.0 else _special(value)
    if kind is dict:
        return {key if type(key) is str else key_text(key): plain(item) for key, item in value.items()}
    if kind is list or kind is tuple:
        return [plain(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return sorted((plain(item) for item in value), key=str)
    if isinstance(value, bytes):
        return value.hex()
    return str(value)


def _special(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


def key_text(key: Any) -> str:
    """A mapping's key as text, spelled as JSON spells the value."""
    if isinstance(key, str):
        return key
    if key is None or isinstance(key, (bool, int, float)):
        return text_of(plain(key))
    return str(key)


def leaves(document: Any) -> list[tuple[str, Any]]:
    """Every value of a plain document with its dotted key, in the document's order.

    A list or an empty mapping is one value. A document that is no mapping has the single key "".
    """
    if type(document) is not dict:
        return [("", document)]
    found: list[tuple[str, Any]] = []
    _gather(document, "", found)
    return found


def _gather(document: dict[str, Any], prefix: str, found: list[tuple[str, Any]]) -> None:
    for key, value in document.items():
        if type(value) is dict and value:
            _gather(value, f"{prefix}{key}.", found)
        else:
            found.append((prefix + key, value))


def text_of(value: Any) -> str:
    """A value as text, spelled as JSON spells it but without quotes around a string: ``[1, 2]``, ``true``, ``0.01``."""
    return value if type(value) is str else _spaced(value)


def comparable(value: Any) -> tuple[int, Any]:
    """A pair that orders values: numbers, then booleans, then text; lists and mappings count as their text.

    Values of different kinds (first members) are unequal and have no order that a query may rely on.
    """
    kind = type(value)
    if kind is float or kind is int:
        return 0, value
    if kind is str:
        return (0, SPECIAL[value]) if value in SPECIAL else (2, value)
    if kind is bool:
        return 1, value
    if value is None:
        return 3, 0
    return 2, text_of(value)
