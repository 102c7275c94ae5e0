"""What the engine needs from the world beyond it, as protocols.

`RemoteStore` is bytes by key; `GitTransport` is objects and refs; `Exchange` is one experiment's whole closure.
`remotes/` fills them, and tests/contracts holds one suite per port that every implementation passes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import BinaryIO, NamedTuple, Protocol

from assay.engine.model import Oid


class KeyInfo(NamedTuple):
    """A key and the size of its value in bytes."""

    key: str
    size: int


class RemoteStore(Protocol):
    """Bytes by key, far away. Keys are POSIX paths without a leading slash.

    A value is visible whole or not at all. Every method raises `RemoteError` or one of its kinds.
    """

    @property
    def url(self) -> str:
        """What the user calls it, without credentials."""

    def get(self, key: str) -> bytes:
        """The whole value. Raises KeyMissing."""

    def get_to(self, key: str, sink: BinaryIO) -> int:
        """Streams the value into ``sink`` in bounded memory and returns its length. Raises KeyMissing."""

    def put(self, key: str, data: bytes) -> None:
        """Writes the value, replacing what was there."""

    def put_file(self, key: str, path: str) -> None:
        """Writes the content of a local file in bounded memory, replacing what was there."""

    def size(self, key: str) -> int | None:
        """The value's length in bytes, or None when there is none."""

    def list(self, prefix: str) -> Iterator[KeyInfo]:
        """Every key that starts with ``prefix``, in no particular order."""

    def delete(self, keys: Iterable[str]) -> None:
        """Removes the keys; one that is not there is no error."""

    def create(self, key: str, data: bytes) -> bool:
        """Writes the value only where there is none; False when there was one."""

    def swap(self, key: str, old: bytes | None, new: bytes) -> bool:
        """Replaces the value only if it is ``old`` (None: absent); False when it was something else."""

    def close(self) -> None:
        """Lets go of connections."""


class RefUpdate(NamedTuple):
    """A wish to move a remote ref: ``old`` None means it must not exist, ``new`` None deletes it."""

    refname: str
    old: Oid | None
    new: Oid | None


class RefResult(NamedTuple):
    """What became of a `RefUpdate`; ``problem`` is empty when it was done."""

    refname: str
    problem: str = ""


class ObjectSource(Protocol):
    """The part of an object database that a transport reads from."""

    def read(self, oid: Oid) -> tuple[int, bytes]:
        """An object's kind number and content. Raises MissingObject."""

    def __contains__(self, oid: object) -> bool:
        """Whether the object is there."""


class PackSink(Protocol):
    """The part of an object database that a transport writes to."""

    def add_pack(self, path: str) -> str:
        """Verifies and indexes a pack file, moves it in, and returns its name. Raises CorruptObject."""


class GitTransport(Protocol):
    """Git objects and refs, far away."""

    @property
    def url(self) -> str:
        """What the user calls it, without credentials."""

    def head(self) -> str | None:
        """The branch that HEAD names there, as a full ref name; None when there is none."""

    def refs(self, prefixes: Sequence[str]) -> Mapping[str, Oid]:
        """The refs whose names start with one of the prefixes."""

    def fetch(self, wants: Iterable[Oid], have: ObjectSource, into: PackSink) -> int:
        """Brings everything that ``wants`` need and ``have`` lacks; returns the bytes that travelled."""

    def push(self, updates: Sequence[RefUpdate], source: ObjectSource) -> list[RefResult]:
        """Sends the objects that the new values need, then moves each ref; one result per update."""


class Report(NamedTuple):
    """What a transfer did. ``failed`` maps what is left (a ref name, a digest) to a sentence."""

    refs: tuple[str, ...]
    up_to_date: tuple[str, ...]
    objects: int
    artifacts: int
    size: int
    failed: Mapping[str, str]


class Exchange(Protocol):
    """Publishes and fetches experiments with everything they need: commits, manifests, artifacts.

    The publishing order of law 1 holds inside each call: artifacts, manifests, Git objects, refs.
    """

    def publish(self, refs: Mapping[str, Oid], *, force: bool = False) -> Report:
        """Makes these local refs, and all they need, visible to others."""

    def fetch(self, refs: Mapping[str, Oid], *, artifacts: bool = True) -> Report:
        """Brings these remote refs' commits and, when asked, their artifacts."""


class Clock(Protocol):
    """Where times come from."""

    def now(self) -> tuple[int, int]:
        """Seconds since 1970 and the local offset in minutes east of UTC."""


class Ids(Protocol):
    """Where random names come from."""

    def nonce(self) -> str:
        """16 lower-case hexadecimal digits that nobody else has."""

    def choose(self, options: Sequence[str]) -> str:
        """One of the options, each as likely as the next."""
