"""Values of several files by dotted key, as a person names them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from assay.engine.experiments.values import SPECIAL

T = TypeVar("T")


class Keyed(Mapping[str, T]):
    """Values by dotted key: ``params["train.lr"]``; where several files have a key, by ``"file:key"``.

    A file that is one value alone goes by its path. Both spellings are always understood; iterating gives the shorter
    one where it is enough.

    Args:
        values: The values by file and then by key.
        files: The same as the files have it, nested.
    """

    __slots__ = ("_places", "_values", "files")

    def __init__(self, values: Mapping[str, Mapping[str, T]], files: Mapping[str, Any] | None = None) -> None:
        self._values = values
        self.files: Mapping[str, Any] = values if files is None else files
        """Each file's content, nested as it is there."""
        count: dict[str, int] = {}
        for keys in values.values():
            for key in keys:
                count[key] = count.get(key, 0) + 1
        self._places = {
            (key if key and count[key] == 1 else f"{file}:{key}" if key else file): (file, key)
            for file, keys in values.items()
            for key in keys
        }

    def __getitem__(self, name: str) -> T:
        place = self._places.get(name) or self._split(name)
        if place is None:
            raise KeyError(self._unknown(name))
        return self._values[place[0]][place[1]]

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def __repr__(self) -> str:
        return repr(dict(self))

    def _split(self, name: object) -> tuple[str, str] | None:
        """The file and the key that ``file:key`` names."""
        at = name.find(":") if isinstance(name, str) else -1
        while isinstance(name, str) and at >= 0:
            if name[at + 1 :] in self._values.get(name[:at], ()):
                return name[:at], name[at + 1 :]
            at = name.find(":", at + 1)
        return None

    def _unknown(self, name: object) -> str:
        from difflib import get_close_matches

        several = [f"{file}:{name}" for file, keys in self._values.items() if name in keys]
        if several:
            return f"{name} is in several files; say which: {' or '.join(several)}"
        known = list(self._places)
        near = [key for key in known if key.endswith(f".{name}")] or get_close_matches(str(name), known, 3, 0.5)
        return f"there is no {name}" + (f"; did you mean {' or '.join(near[:3])}?" if near else "")


def natural(value: Any) -> Any:
    """A value of a record as Python has it: the words NaN, Infinity and -Infinity are numbers again."""
    if type(value) is str:
        return SPECIAL.get(value, value)
    return [natural(item) for item in value] if type(value) is list else value
