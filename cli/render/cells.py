"""Values as people read them: one line, no control characters, a known width."""

from __future__ import annotations

import re
import time
import unicodedata
from typing import Any

from assay.engine.experiments.columns import UNREADABLE
from assay.engine.experiments.values import MISSING, text_of

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def printable(text: str) -> str:
    """Text that cannot move the cursor, change colours or turn the reading direction."""
    return _CONTROL.sub(lambda match: _ESCAPES.get(match[0], f"\\x{ord(match[0]):02x}"), text)


def cell(value: Any, precision: int | None = 5) -> str:
    """One parameter or metric: ``-`` for none, ``!`` for one that cannot be read.

    Args:
        value: What it is.
        precision: Significant digits of a fraction; None for all.
    """
    if value is MISSING:
        return "-"
    if value is UNREADABLE:
        return "!"
    if type(value) is float and precision is not None:
        return f"{value:.{precision}g}"
    return printable(text_of(value))


def is_number(value: Any) -> bool:
    """Whether a value is aligned to the right."""
    return type(value) is int or type(value) is float


def moment(seconds: int | None, now: int) -> str:
    """A time in the reader's zone: the hour when it is today, else the day.

    Args:
        seconds: Since 1970; None or 0 where there is no time.
        now: The present, likewise.
    """
    if not seconds:
        return "-"
    try:
        when, today = time.localtime(seconds), time.localtime(now)
    except (OverflowError, OSError, ValueError):
        return "-"
    return time.strftime("%H:%M" if when[:3] == today[:3] else "%Y-%m-%d", when)


def width(text: str) -> int:
    """How many columns of a screen a text takes."""
    if text.isascii():
        return len(text)
    return sum(_columns(character) for character in text)


def _columns(character: str) -> int:
    if unicodedata.combining(character) or character in "\u200b\u200d\ufe0e\ufe0f":
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def padded(text: str, columns: int, *, right: bool = False) -> str:
    """The text filled with blanks to so many columns."""
    blanks = " " * (columns - width(text))
    return blanks + text if right else text + blanks


def shortened(text: str, columns: int) -> str:
    """The text, cut to so many columns with an ellipsis where it is wider."""
    if width(text) <= columns:
        return text
    used, kept = 1, []
    for character in text:
        used += _columns(character)
        if used > columns:
            break
        kept.append(character)
    return "".join(kept) + "…"
