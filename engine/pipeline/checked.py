"""Data of a file together with the way to it: checked as it is taken, every mistake named by line and key."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from assay.engine.pipeline.source import Keys, Source, nearest


class Value:
    """A value of a file; its methods return what they have checked and raise BadInput.

    Args:
        source: The file.
        keys: The way to the value.
        data: The value.
        of: The generated stage that it belongs to, for messages; several of them stand at one place of the file.
        is_said: Whether the file says it, if only by a key with nothing behind it, which DVC refuses too.
    """

    __slots__ = ("data", "is_said", "keys", "of", "source")

    def __init__(self, source: Source, keys: Keys, data: Any, of: str = "", *, is_said: bool = False) -> None:
        self.source = source
        self.keys = keys
        self.data = data
        self.of = of
        self.is_said = is_said

    def child(self, key: str | int) -> Value:
        """What stands below a key; None where there is nothing."""
        inner: Any = None
        is_said = isinstance(self.data, dict) and key in self.data
        if is_said or (isinstance(self.data, list) and isinstance(key, int)):
            inner = self.data[key]
        return Value(self.source, (*self.keys, key), inner, self.of, is_said=is_said)

    def fail(self, problem: str, hint: str = "") -> Exception:
        """The error to raise."""
        return self.source.bad(self.keys, f"{problem} (of {self.of})" if self.of else problem, hint)

    def kind(self, wanted: type | tuple[type, ...], words: str, *, required: bool = False) -> Value:
        """Itself when the data is of that type, or absent and not required."""
        if self.data is None and not required:
            if self.is_said:
                raise self.fail(f"is empty; it should be {words}", "Fill it in, or leave the key out.")
            return self
        if isinstance(self.data, wanted) and not (wanted is int and isinstance(self.data, bool)):
            return self
        if self.data is None:
            raise self.fail(f"is missing; it should be {words}")
        hint = "Put it in quotes." if wanted is str and not isinstance(self.data, (list, dict)) else ""
        raise self.fail(f"should be {words}, not {in_words(self.data)}", hint)

    def only(self, known: tuple[str, ...], what: str) -> Value:
        """Itself when it is a map with no other keys than these."""
        self.kind(dict, "a map")
        for key in self.data or ():
            if key not in known:
                hint = nearest(str(key), known) or f"It may have: {', '.join(known)}."
                raise self.child(str(key)).fail(f"{what} has no such key", hint)
        return self

    def pairs(self) -> Iterator[tuple[str, Value]]:
        """The entries of a map whose keys are text; nothing when it is absent."""
        self.kind(dict, "a map")
        for key in self.data or ():
            if not isinstance(key, str) or not key:
                raise self.child(str(key)).fail(f"the name {key!r} is not text", "Put it in quotes.")
            yield key, self.child(key)

    def items(self, wanted: type | tuple[type, ...] = object, words: str = "") -> Iterator[Value]:
        """The items of a list; nothing when it is absent."""
        self.kind(list, "a list")
        for at in range(len(self.data or ())):
            item = self.child(at)
            if not isinstance(item.data, wanted):
                raise item.fail(f"should be {words}, not {in_words(item.data)}")
            yield item

    def text(self) -> str:
        """A text, "" when absent."""
        return self.kind(str, "text").data or ""

    def flag(self, *, default: bool) -> bool:
        """True or false, the default when absent."""
        self.kind(bool, "true or false")
        return default if self.data is None else bool(self.data)


def in_words(data: Any) -> str:
    """A value as a message names it."""
    if isinstance(data, dict):
        return "a map"
    if isinstance(data, list):
        return "a list"
    if data is None:
        return "nothing"
    return str(data).lower() if isinstance(data, bool) else repr(data)
