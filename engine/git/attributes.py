"""What .gitattributes files say about a path.

A file's lines are patterns as in .gitignore (without ``!``), each with attributes: ``text`` is True, ``-text`` False,
``eol=lf`` the text after the sign, ``!text`` takes back what a weaker file said. The nearest file wins, and in a file
the last line; ``[attr]name`` lines make an attribute stand for several. (Git's gitattributes documentation.)

Limits: attributes of folders mean nothing here; the content of work tree files is asked for once per folder.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from assay.engine.ignore import Pattern, byte_text, parse_line, translate

Value = bool | str | None
"""True, False, a text, or None: said to be unspecified."""

_BLANKS = " \t\r\n"
_MACRO = "[attr]"
_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\", '"': '"'}
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
BUILT_IN = "[attr]binary -diff -merge -text"


class _Line(NamedTuple):
    """One line: a test for paths below its file's folder, and what it says, the last first."""

    anchored: bool
    matches: Callable[[str], object]
    said: tuple[tuple[str, Value], ...]


class AttributeFile(NamedTuple):
    """One file's lines, the last first, and the attributes it defines to stand for others."""

    lines: Sequence[_Line]
    macros: Mapping[str, tuple[tuple[str, Value], ...]]


def parse(data: bytes) -> AttributeFile:
    """Reads the content of an attributes file; lines that Git would not understand are left out, as Git does."""
    lines: list[_Line] = []
    macros: dict[str, tuple[tuple[str, Value], ...]] = {}
    for text in data.decode("latin-1").removeprefix("\xef\xbb\xbf").split("\n"):
        text = text.strip(_BLANKS)
        if not text or text.startswith("#"):
            continue
        if text.startswith(_MACRO):
            name, *words = text[len(_MACRO) :].split()
            macros[name] = _said(words)
            continue
        glob, words = _split(text)
        pattern = None if glob.startswith("!") else parse_line(glob if glob[:1] != "#" else "\\" + glob)
        if pattern is not None and not pattern.dir_only and words:
            lines.append(_Line(pattern.anchored, _test(pattern), _said(words)))
    lines.reverse()
    return AttributeFile(lines, macros)


def _split(text: str) -> tuple[str, list[str]]:
    """A line's pattern, without its quotes, and the words after it."""
    if match := _QUOTED.match(text):
        return _unquoted(match[1]), text[match.end() :].split()
    glob, *words = text.split()
    return glob, words


def _unquoted(text: str) -> str:
    def character(match: re.Match[str]) -> str:
        code = match[1]
        return chr(int(code, 8) & 255) if code.isdigit() else _ESCAPES.get(code, code)

    return re.sub(r"\\([0-7]{3}|.)", character, text, flags=re.DOTALL)


def _said(words: Iterable[str]) -> tuple[tuple[str, Value], ...]:
    found: list[tuple[str, Value]] = []
    for word in words:
        if word[0] in "-!":
            found.append((word[1:], False if word[0] == "-" else None))
        else:
            name, sign, value = word.partition("=")
            found.append((name, value if sign else True))
    return tuple(reversed(found))


def _test(pattern: Pattern) -> Callable[[str], object]:
    regex = translate(pattern.glob, anchored=pattern.anchored)
    return re.compile(regex, re.DOTALL).fullmatch if regex is not None else _nothing


def _nothing(_text: str) -> None:
    return None


class Attributes:
    """The attributes of paths in one tree.

    Args:
        read: The content of a file of the tree by its path; None when there is none.
        outer: Contents of files that are weaker than the tree's own, the weakest first.
        inner: Contents of files that are stronger than the tree's own (``info/attributes``), the weakest first.
    """

    def __init__(
        self, read: Callable[[str], bytes | None], *, outer: Iterable[bytes] = (), inner: Iterable[bytes] = ()
    ) -> None:
        self._read = read
        weakest = [parse(BUILT_IN.encode()), *map(parse, outer)]
        root = self._own("")
        strongest = [parse(data) for data in inner]
        self._macros: dict[str, tuple[tuple[str, Value], ...]] = {}
        for file in [*weakest, *root, *strongest]:
            self._macros.update(file.macros)
        self._strong = [(file, 0) for file in reversed(strongest) if file.lines]
        self._folders: dict[str, list[tuple[AttributeFile, int]]] = {
            "": [(file, 0) for file in reversed([*weakest, *root]) if file.lines]
        }

    def of(self, path: str) -> Mapping[str, Value]:
        """What is said about a file; an attribute that is not there, or is None, is unspecified."""
        folder, _, name = path.rpartition("/")
        files = self._strong + self._below(folder)
        said: dict[str, Value] = {}
        if files:
            path, name = byte_text(path), byte_text(name)
            for file, cut in files:
                for line in file.lines:
                    if line.matches(path[cut:] if line.anchored else name):
                        self._take(said, line.said)
        return said

    def _take(self, said: dict[str, Value], found: Iterable[tuple[str, Value]]) -> None:
        for name, value in found:
            if name not in said:
                said[name] = value
                if value is True and name in self._macros:
                    self._take(said, self._macros[name])

    def _below(self, folder: str) -> list[tuple[AttributeFile, int]]:
        files = self._folders.get(folder)
        if files is None:
            above = self._below(folder.rpartition("/")[0])
            cut = len(byte_text(folder)) + 1
            own = [(file, cut) for file in self._own(folder + "/") if file.lines]
            files = self._folders[folder] = own + above if own else above
        return files

    def _own(self, prefix: str) -> list[AttributeFile]:
        data = self._read(prefix + ".gitattributes")
        return [parse(data)] if data else []
