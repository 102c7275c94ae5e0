"""What an unquoted YAML 1.2 scalar means.

The rules are those that ruamel.yaml applies to YAML 1.2, so that a file means here what it means to DVC: ``1e-5``
is a float, ``yes`` and ``12:30:45`` are strings, ``007`` is 7, ``0o17`` is 15, ``1_000`` is 1000, and
``2024-01-02`` is a date. `yaml12` and `blockyaml` share them, so the two can only differ about structure.
"""

from __future__ import annotations

import datetime
import math
import re
from typing import Any

NUMBER_START = frozenset("+-.0123456789")
"""The characters that a number, an infinity, a not-a-number or a date starts with."""

WORDS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
"""The scalars that are not strings though they start like one."""

_INT = r"[-+]?(?:0b[01_]+|0o?[0-7_]+|0x[0-9a-fA-F_]+|[0-9_]+)"
_FLOAT = (
    r"[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+]?[0-9]+)?"
    r"|[-+]?[0-9][0-9_]*[eE][-+]?[0-9]+"
    r"|[-+]?\.[0-9_]+(?:[eE][-+][0-9]+)?"
    r"|[-+]?\.(?:inf|Inf|INF)"
    r"|\.(?:nan|NaN|NAN)"
)
_DATE = (
    r"(?P<year>[0-9]{4})-(?P<month>[0-9]{1,2})-(?P<day>[0-9]{1,2})"
    r"(?:(?:[Tt]|[ \t]+)(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})"
    r"(?:\.(?P<fraction>[0-9]*))?"
    r"(?P<zone>[ \t]*(?:Z|(?P<sign>[-+])(?P<zone_hour>[0-9]{1,2})(?::(?P<zone_minute>[0-9]{2}))?))?)?"
)
_match = re.compile(rf"(?:(?P<int>{_INT})|(?P<float>{_FLOAT})|(?P<date>{_DATE}))\Z").match


def plain(text: str) -> Any:
    """The value of an unquoted scalar: None, bool, int, float, date, datetime or str.

    Raises:
        ValueError: It has the form of a number or a date and is none, as ``2024-13-02``.
    """
    if text[:1] not in NUMBER_START:
        return WORDS.get(text, text)
    found = _match(text)
    if found is None:
        return text
    if found["int"] is not None:
        return integer(text)
    if found["float"] is not None:
        return floating(text)
    if found["hour"] is None and len(text) != len("2024-01-02"):
        return text
    return timestamp(found)


def integer(text: str) -> int:
    """The value of a scalar in one of YAML's forms of an integer. Raises ValueError when it is none."""
    digits = text.replace("_", "")
    sign = -1 if digits[:1] == "-" else 1
    if digits[:1] in ("+", "-"):
        digits = digits[1:]
    base = {"0b": 2, "0o": 8, "0x": 16}.get(digits[:2])
    return sign * (int(digits, 10) if base is None else int(digits[2:], base))


def floating(text: str) -> float:
    """The value of a scalar in one of YAML's forms of a float. Raises ValueError when it is none."""
    digits = text.replace("_", "").lower()
    if digits in (".inf", "+.inf"):
        return math.inf
    if digits == "-.inf":
        return -math.inf
    if digits == ".nan":
        return math.nan
    return float(digits)


def date(text: str) -> datetime.date:
    """The value of a scalar in one of YAML's forms of a date or a time. Raises ValueError when it is none."""
    found = re.fullmatch(_DATE, text)
    if found is None:
        raise ValueError(f"{text!r} is not a date")
    return timestamp(found)


def timestamp(found: re.Match[str]) -> datetime.date:
    """The date or datetime that a match of the date form holds; more than microseconds are rounded."""
    year, month, day = int(found["year"]), int(found["month"]), int(found["day"])
    if found["hour"] is None:
        return datetime.date(year, month, day)
    fraction = found["fraction"] or ""
    micros = int(fraction[:6].ljust(6, "0")) + (fraction[6:7] > "4")
    zone: datetime.timezone | None = None
    if found["zone"]:
        offset = datetime.timedelta(hours=int(found["zone_hour"] or 0), minutes=int(found["zone_minute"] or 0))
        zone = datetime.timezone(-offset if found["sign"] == "-" else offset)
    moment = datetime.datetime(
        year, month, day, int(found["hour"]), int(found["minute"]), int(found["second"]), tzinfo=zone
    )
    try:
        return moment + datetime.timedelta(microseconds=micros)
    except OverflowError as error:
        raise ValueError("the date is out of range") from error
