"""Packets: the frames in which Git's protocol sends everything (gitprotocol-common), and the bands inside them.

Whatever a server sends, what comes out is packets, or one sentence about it. Text that a server wants people to read
loses its control characters, and there is an end to it.
"""

from __future__ import annotations

import re
from binascii import Error as NotHex
from binascii import unhexlify
from collections.abc import Callable, Iterable, Iterator

from assay.engine.errors import CorruptRemote, RemoteError, Unavailable
from assay.remotes.git.wire import Reader

FLUSH, DELIMITER, END = b"0000", b"0001", b"0002"
"""The packets without content, and what `Packets.mark` is after them."""

LARGEST = 65516
"""How many bytes fit into one packet."""

_PIECE = 1 << 17
_MOST = 5_000_000  # packets in one list; of refs, more than any server has
_LONGEST_MESSAGE = 8 << 10
_SIZE = re.compile(rb"[0-9a-fA-F]{4}")
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def packet(content: bytes) -> bytes:
    """One packet. The content must have at most `LARGEST` bytes."""
    return b"%04x%b" % (len(content) + 4, content)


def packets(contents: Iterable[str]) -> bytes:
    """A packet for each line, each with its line break."""
    return b"".join(packet(content.encode("utf-8", "surrogateescape") + b"\n") for content in contents)


class Packets:
    """What a server sends, packet by packet.

    Args:
        reader: Where bytes come from.
        url: What the user calls the server.
        said: What the server said beside its answer, looked at when the answer breaks off.

    Attributes:
        mark: The packet without content that came last; empty when none came yet.
    """

    def __init__(self, reader: Reader, url: str, said: Callable[[], str] = str) -> None:
        self.mark = b""
        self._reader = reader
        self._url = url
        self._said = said
        self._data = b""
        self._at = 0

    def next(self) -> bytes | None:
        """The content of the next packet; None at one without content, which `mark` then is.

        Raises:
            RemoteError: The server says that something is wrong, in its own words.
            Unavailable: It broke off.
            CorruptRemote: That is not Git's protocol.
        """
        start = self._at + 4
        if start > len(self._data):
            self._fill(4)
            start = self._at + 4
        head = self._data[start - 4 : start]
        try:
            size = int.from_bytes(unhexlify(head), "big")
        except NotHex:
            raise self._not_git(head) from None
        if size < 4:
            if size == 3:
                raise self._not_git(head)
            self.mark = head
            self._at = start
            return None
        end = start + size - 4
        if end > len(self._data):
            self._fill(size)
            start, end = self._at + 4, self._at + size
        self._at = end
        content = self._data[start:end]
        if content[:4] == b"ERR ":
            raise RemoteError(f"{self._url}: the server says: {as_text(content[4:])}")
        return content

    def rest(self) -> Iterator[bytes]:
        """The contents up to the next packet without one. Raises as `next`, and CorruptRemote when there is no end."""
        left = _MOST
        while (content := self.next()) is not None:
            yield content
            for content in self._whole():  # without a call for each: servers list tens of thousands
                left -= 1
                yield content
            left -= 1
            if left < 0:
                raise CorruptRemote(f"{self._url} lists more than can be believed.")

    def is_next(self, start: bytes) -> bool:
        """Whether the next packet is there and its content starts so; nothing is consumed. Raises as `next`."""
        size = 4 + len(start)
        if self._at + size > len(self._data):
            self._fill(size)
        return self._data[self._at + 4 : self._at + size] == start

    def beyond(self) -> Iterator[bytes]:
        """The bytes that follow and are no packets, up to the end."""
        piece, self._data, self._at = self._data[self._at :], b"", 0
        while piece:
            yield piece
            piece = self._reader.read(_PIECE)

    def _whole(self) -> Iterator[bytes]:
        """The contents of those packets that have some and came whole already; nobody else may read meanwhile."""
        data, at = self._data, self._at
        last = len(data)
        sizes: dict[bytes, int] = {}  # of one list, most lines have one of a few lengths
        while True:
            head = data[at : at + 4]
            size = sizes.get(head, 0)
            if not size:
                if _SIZE.fullmatch(head) is None:
                    return
                size = sizes[head] = int(head, 16)
            content = data[at + 4 : at + size]
            at += size
            if size < 5 or at > last or content[:4] == b"ERR ":
                return
            self._at = at
            yield content

    def _fill(self, size: int) -> None:
        """Reads until ``size`` bytes are there."""
        pieces = [self._data[self._at :]]
        missing = size - len(pieces[0])
        while missing > 0:
            piece = self._reader.read(_PIECE)
            if not piece:
                raise self._broken(b"".join(pieces))
            missing -= len(piece)
            pieces.append(piece)
        self._data, self._at = b"".join(pieces), 0

    def _broken(self, left: bytes) -> RemoteError:
        said = as_text(self._said().encode())
        if left and not left[:4].isalnum():
            return self._not_git(left[:4])
        return Unavailable(
            f"{self._url}: the server broke off{f': {said}' if said else ' in the middle of its answer.'}"
        )

    def _not_git(self, head: bytes) -> RemoteError:
        said = as_text(self._said().encode())
        return CorruptRemote(
            f"{self._url} answers, but not in Git's protocol: {said or repr(head)[1:]}",
            "Check the URL. Over ssh, a start-up file of the shell there that prints something does this, too.",
        )


class Messages:
    """What a server wants people to read, a line at a time; of a line that overwrites itself, what it is in the end.

    Args:
        tell: Takes each line.
    """

    def __init__(self, tell: Callable[[str], object]) -> None:
        self._tell = tell
        self._started = b""
        self._left = _LONGEST_MESSAGE * 8

    def add(self, piece: bytes) -> None:
        """Takes the next bytes."""
        lines = (self._started + piece).split(b"\n")
        self._started = lines.pop()[-_LONGEST_MESSAGE:]
        for line in lines:
            self._say(line)

    def end(self) -> None:
        """Tells a last line that has no line break."""
        self._say(self._started)
        self._started = b""

    def _say(self, line: bytes) -> None:
        text = as_text(line.rstrip(b"\r").rpartition(b"\r")[2])
        if text and self._left > 0:
            self._left -= len(text)
            self._tell(text)


def unband(packets: Packets, url: str, messages: Messages) -> Iterator[bytes]:
    """The bytes of band 1, up to the next packet without content; band 2 goes to ``messages``.

    Raises:
        RemoteError: Band 3, by which a server says that it cannot go on, and as `Packets.next`.
    """
    while (content := packets.next()) is not None:
        band = content[:1]
        if band == b"\1":
            yield content[1:]
        elif band == b"\2":
            messages.add(content[1:])
        elif band == b"\3":
            messages.end()
            raise RemoteError(f"{url}: the server says: {as_text(content[1:])}")
        else:
            raise CorruptRemote(f"{url} sends a band that Git's protocol does not have.")
    messages.end()


def as_text(raw: bytes) -> str:
    """What a server said as one line for people, without control characters, and not longer than anybody reads."""
    text = _CONTROL.sub("", raw[:_LONGEST_MESSAGE].decode("utf-8", "replace"))
    return " ".join(text.split())[:1000]
