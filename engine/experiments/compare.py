"""Two sides compared: for every parameter or metric its old and its new value, the change, and the change in percent.

Pure: documents come in, as records hold them (strict JSON types, see ``values``), and changes go out. Documents are
flattened to dotted keys; a list is one value, spelled as Python spells it, as DVC does. The order is that of the new
side, what only the old one has after it.

Values are the same when they are equal and of one kind: 1 and 1.0 are, 1 and true are not, and NaN is the same as NaN.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from assay.engine.experiments.values import MISSING, SPECIAL, leaves, plain

Documents = Mapping[str, Any]
"""Parameters or metrics by file, each the file's plain document."""


class Change(NamedTuple):
    """One parameter or metric on both sides.

    Attributes:
        old: Its value on the first side; `values.MISSING` where that has none.
        new: Its value on the second side, likewise.
        change: ``new - old`` in binary floating point where both are numbers (true counts as 1), else None; NaN and
            the infinities are spelled as `values.plain` does.
        percent: The change in percent of the old value's size; None where that is 0, or a side is no finite number.
    """

    old: Any
    new: Any
    change: Any = None
    percent: float | None = None


Changes = Mapping[str, Mapping[str, Change]]
"""Changes by file, then by dotted key; the key is "" where a file is one value alone."""


def compare(old: Documents, new: Documents, *, unchanged: bool = False) -> dict[str, dict[str, Change]]:
    """The changes from one side to the other; files without any are left out.

    Args:
        old: The first side.
        new: The second side.
        unchanged: Also what is the same on both sides.
    """
    found: dict[str, dict[str, Change]] = {}
    for file in dict.fromkeys([*new, *old]):
        before, after = flattened(old[file]) if file in old else {}, flattened(new[file]) if file in new else {}
        changes = {}
        for key in dict.fromkeys([*after, *before]):
            one, other = before.get(key, MISSING), after.get(key, MISSING)
            if unchanged or not same(one, other):
                changes[key] = changed(one, other)
        if changes:
            found[file] = changes
    return found


def flattened(document: Any) -> dict[str, Any]:
    """A document's values by dotted key, lists as text; an empty document has none."""
    if document == {}:
        return {}
    return {key: str(value) if type(value) is list else value for key, value in leaves(document)}


def same(one: Any, other: Any) -> bool:
    """Whether two values are equal and of one kind."""
    if type(one) is type(other):
        return bool(one is other or one == other)
    return _is_number(one) and _is_number(other) and bool(one == other)


def changed(old: Any, new: Any) -> Change:
    """The change from one value to another."""
    one, other = _number(old), _number(new)
    if one is None or other is None:
        return Change(old, new)
    try:
        change = other - one
    except OverflowError:  # a whole number that no float can hold, and a fraction
        return Change(old, new)
    is_truth = type(old) is bool or type(new) is bool
    return Change(old, new, plain(change), None if is_truth else _percent(one, change))


def _percent(old: float, change: float) -> float | None:
    try:
        share = change / abs(old) * 100
    except (ZeroDivisionError, OverflowError):
        return None
    return share if math.isfinite(share) and math.isfinite(old) else None


def _number(value: Any) -> float | None:
    """The number that a value is or, being one of the three words of `values.plain`, stands for."""
    if isinstance(value, (int, float)):
        return value
    return SPECIAL.get(value) if type(value) is str else None


def _is_number(value: Any) -> bool:
    return type(value) is int or type(value) is float
