"""Words of sentences that depend on how many things they are about."""

from __future__ import annotations

from collections.abc import Iterable


def counted(number: int, noun: str, plural: str = "") -> str:
    """``1 file``, ``2 files``; ``plural`` is the word for several where that is not the noun and an s."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def first_of(names: Iterable[str], most: int = 10, *, separator: str = ", ") -> str:
    """Names for a sentence: the first of them, and how many more there are."""
    found = list(names)
    more = f" and {len(found) - most:,} more" if len(found) > most else ""
    return separator.join(found[:most]) + more
