"""What Git does to a file's bytes on their way between work tree and blob: line ends, ``$Id$``, encodings.

The rules are those of Git's gitattributes documentation for ``text``, ``eol``, ``ident``, ``working-tree-encoding``,
``core.autocrlf`` and ``core.eol``. A filter driver (``filter=lfs``) is a program of somebody's choosing, so it is never
run: its name is known to callers, which keep the blob of an unchanged file and say what they did with a changed one.

Limits: ``core.safecrlf`` is not asked, because nothing here is lost: the work tree keeps its bytes.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from enum import Enum
from typing import NamedTuple

from assay.engine.git.attributes import Attributes, Value
from assay.engine.model import Oid

_CONTROLS = bytes(set(range(32)) - set(b"\b\t\n\r\033\014")) + b"\x7f"
_ID = re.compile(rb"\$Id(?::([^$\n]*))?\$")
_COLLAPSIBLE = re.compile(rb"\$Id:[^$\n]*\$")
_LFS = re.compile(
    rb"version https://git-lfs\.github\.com/spec/v1\n(?:ext-[^\n]*\n)*oid sha256:([0-9a-f]{64})\nsize (\d+)\n"
)


class LineEnds(Enum):
    """What happens to line ends: nothing; text whatever it looks like; text if it looks like it. CRLF: so on disk."""

    AS_THEY_ARE = "binary"
    TEXT = "text"
    TEXT_CRLF = "text, crlf"
    GUESS = "auto"
    GUESS_CRLF = "auto, crlf"


_GUESSING = (LineEnds.GUESS, LineEnds.GUESS_CRLF)
_TO_CRLF = (LineEnds.TEXT_CRLF, LineEnds.GUESS_CRLF)


class Conversion(NamedTuple):
    """What is done to one path's content.

    Attributes:
        line_ends: The line end conversion.
        ident: Whether ``$Id$`` is filled in.
        encoding: The work tree's encoding when it is not UTF-8; else "".
        driver: The name of an external filter, which is not run; else "".
    """

    line_ends: LineEnds = LineEnds.AS_THEY_ARE
    ident: bool = False
    encoding: str = ""
    driver: str = ""

    @property
    def changes_bytes(self) -> bool:
        """Whether blob and file can differ, filters not counted."""
        return self.line_ends is not LineEnds.AS_THEY_ARE or self.ident or bool(self.encoding)

    def to_blob(self, data: bytes, known: Callable[[], bytes | None] = lambda: None) -> bytes:
        """What Git would store for a file with these bytes.

        Args:
            data: The file's content.
            known: Gives the blob that the index has for the path, None when it has none; asked only when it matters.
        """
        data = _decoded(data, self.encoding)
        if self.line_ends is not LineEnds.AS_THEY_ARE and b"\r\n" in data and self._unifies(data, known):
            data = data.replace(b"\r\n", b"\n")
        return _COLLAPSIBLE.sub(b"$Id$", data) if self.ident else data

    def _unifies(self, data: bytes, known: Callable[[], bytes | None]) -> bool:
        if self.line_ends not in _GUESSING:
            return True
        if looks_binary(data):
            return False
        before = known()
        return before is None or b"\r\n" not in before or looks_binary(before)

    def to_file(self, data: bytes, oid: Oid) -> bytes:
        """What Git would write to the work tree for a blob with these bytes."""
        if self.ident:
            data = _ID.sub(lambda match: _filled(match, oid), data)
        if self.line_ends in _TO_CRLF and b"\n" in data:
            guessing = self.line_ends in _GUESSING
            if not guessing or not (b"\r" in data or looks_binary(data)):
                data = re.sub(rb"(?<!\r)\n", b"\r\n", data)
        return _encoded(data, self.encoding)


NO_CONVERSION = Conversion()


def _filled(match: re.Match[bytes], oid: Oid) -> bytes:
    text = match[1]
    if text is not None and b" " in text[1:-1]:
        return match[0]  # another system's id
    return b"$Id: " + oid.hex().encode() + b" $"


def looks_binary(data: bytes) -> bool:
    """Git's guess: a NUL, a CR without LF, or more than one control character in 128."""
    if b"\0" in data or data.count(b"\r") != data.count(b"\r\n"):
        return True
    controls = len(data) - len(data.translate(None, _CONTROLS))
    printable = len(data) - controls - data.count(b"\n") - data.count(b"\r")
    if data.endswith(b"\x1a"):
        controls -= 1
    return printable >> 7 < controls


def _codec(encoding: str) -> tuple[str, bytes]:
    if encoding.upper() in ("UTF-16LE-BOM", "UTF-16BE-BOM"):
        little = encoding.upper() == "UTF-16LE-BOM"
        return encoding[:8], b"\xff\xfe" if little else b"\xfe\xff"
    return encoding, b""


def _decoded(data: bytes, encoding: str) -> bytes:
    """UTF-8 of text in another encoding; bytes that are no such text stay as they are."""
    if not encoding:
        return data
    codec, mark = _codec(encoding)
    try:
        return data.removeprefix(mark).decode(codec).encode()
    except (UnicodeError, LookupError):
        return data


def _encoded(data: bytes, encoding: str) -> bytes:
    if not encoding:
        return data
    codec, mark = _codec(encoding)
    try:
        return mark + data.decode().encode(codec)
    except (UnicodeError, LookupError):
        return data


class Filters:
    """The conversions of the paths of one tree.

    Args:
        attributes: What is said about each path.
        autocrlf: ``core.autocrlf``: "true", "input", or anything else for off.
        eol: ``core.eol``: "crlf", "lf", or anything else for the platform's.
    """

    def __init__(self, attributes: Attributes, *, autocrlf: str = "", eol: str = "") -> None:
        self._attributes = attributes
        self._autocrlf = autocrlf
        native = eol if eol in ("crlf", "lf") else "crlf" if os.linesep == "\r\n" else "lf"
        self._crlf_on_disk = autocrlf == "true" or (autocrlf != "input" and native == "crlf")

    def of(self, path: str) -> Conversion:
        """What is done to the content of a regular file at a path."""
        said = self._attributes.of(path)
        if not said and not self._autocrlf:
            return NO_CONVERSION
        driver, encoding = said.get("filter"), said.get("working-tree-encoding")
        return Conversion(
            line_ends=self._line_ends(said.get("text"), said.get("crlf"), said.get("eol")),
            ident=said.get("ident") is True,
            encoding=encoding if isinstance(encoding, str) and encoding.upper() not in ("UTF-8", "UTF8") else "",
            driver=driver if isinstance(driver, str) else "",
        )

    def _line_ends(self, text: Value, crlf: Value, eol: Value) -> LineEnds:
        if text not in (True, False, "input", "auto"):
            text = crlf
        if text is False:
            return LineEnds.AS_THEY_ARE
        guesses = text == "auto"
        if eol in ("lf", "crlf"):
            on_disk = eol == "crlf"
        elif text == "input":
            on_disk = False
        elif text is True or guesses:
            on_disk = self._crlf_on_disk
        elif self._autocrlf in ("true", "input"):
            guesses, on_disk = True, self._autocrlf == "true"
        else:
            return LineEnds.AS_THEY_ARE
        if guesses:
            return LineEnds.GUESS_CRLF if on_disk else LineEnds.GUESS
        return LineEnds.TEXT_CRLF if on_disk else LineEnds.TEXT


def lfs_pointer(blob: bytes) -> tuple[str, int] | None:
    """The SHA-256 and the size in bytes of the file that a Git LFS pointer stands for; None when it is none."""
    match = _LFS.fullmatch(blob) if len(blob) < 1024 else None
    return (match[1].decode(), int(match[2])) if match else None
