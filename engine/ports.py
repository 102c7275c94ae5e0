"""What the engine needs from the world beyond it, as protocols.

`RemoteStore` is bytes by key; `GitTransport` is objects and refs.
`remotes/` fills them, and tests/contracts holds one suite per port that every implementation passes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

from assay.engine.model import Oid


class KeyInfo(NamedTuple):
    """A key, the size of its value in bytes, and the value's stamp.

    A stamp is another one once the key was written again, and the same one until then; empty where a store has none.
    One that changes for no reason only costs time.
    """

    key: str
    size: int
    stamp: str = ""


class Source(Protocol):
    """Bytes on their way out, read once from the start to the end.

    The read that meets the end may raise instead (the bytes are not what their name says): then nothing becomes
    visible.
    """

    @property
    def size(self) -> int:
        """How many bytes there are."""

    def read(self, size: int) -> bytes:
        """The next bytes, at most ``size``; empty at the end."""

    def restart(self) -> None:
        """Begins again at the first byte."""


class Sink(Protocol):
    """Bytes on their way in."""

    def write(self, data: bytes) -> object:
        """Takes the next bytes."""

    def restart(self) -> None:
        """Forgets what came so far; the first byte comes next."""


class RemoteStore(Protocol):
    """Bytes by key, far away. Keys are POSIX paths without a leading slash.

    A value is visible whole or not at all. Every method raises `RemoteError` or one of its kinds, and may be called
    from several threads at once.
    """

    @property
    def url(self) -> str:
        """What the user calls it, without credentials."""

    def get(self, key: str) -> bytes:
        """The whole value. Raises KeyMissing."""

    def get_to(self, key: str, sink: Sink) -> int:
        """Streams the value into ``sink`` in bounded memory and returns its length. Raises KeyMissing."""

    def get_range(self, key: str, start: int, length: int) -> bytes:
        """The bytes of the value from ``start`` on: ``length`` of them, fewer only where it ends. Raises KeyMissing."""

    def has_ranges(self) -> bool:
        """Whether `get_range` costs no more than the bytes asked for; True until a store has sent a whole value."""

    def put(self, key: str, data: bytes) -> str:
        """Writes the value, replacing what was there; returns its stamp, empty where that is not known."""

    def put_from(self, key: str, source: Source) -> str:
        """As `put`, of what ``source`` gives, in bounded memory; writes nothing when the source raises."""

    def size(self, key: str) -> int | None:
        """The value's length in bytes, or None when there is none."""

    def info(self, key: str) -> KeyInfo | None:
        """What `list` says of the key, or None when there is none."""

    def list(self, prefix: str) -> Iterator[KeyInfo]:
        """Every key that starts with ``prefix``, in no particular order."""

    def settle(self) -> None:
        """Makes what was written so far survive a power cut, where a store does not do so at once."""

    def delete(self, keys: Iterable[str]) -> None:
        """Removes the keys; one that is not there is no error."""

    def is_atomic(self) -> bool:
        """Whether `create` and `swap` really exclude other writers; found out once, by trying on a scratch key."""

    def create(self, key: str, data: bytes) -> bool:
        """Writes the value only where there is none; False when there is another one.

        What was written before is durable first. True also when the same bytes are there already, since a request
        whose answer was lost cannot be told from somebody else's: callers for whom that matters put a nonce inside.

        Raises:
            RemoteError: The store is not atomic.
        """

    def swap(self, key: str, old: bytes | None, new: bytes) -> bool:
        """Replaces the value only if it is ``old`` (None: absent), else False. For the rest as `create`."""

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
    """Git objects and refs, far away.

    Attributes:
        depth: How many commits of history are to travel; None for all there are, and on their way here for what is
            wanted of them.
    """

    depth: int | None

    @property
    def url(self) -> str:
        """What the user calls it, without credentials."""

    @property
    def objects(self) -> int:
        """How many objects have travelled so far."""

    @property
    def size(self) -> int:
        """How many bytes have travelled so far."""

    @property
    def damaged(self) -> Mapping[str, str]:
        """What was found damaged there so far, by a name for it, with a sentence."""

    @property
    def damaged_refs(self) -> Mapping[str, str]:
        """Those of ``damaged`` that hide refs, so that something may be missing from `refs`."""

    def head(self) -> str | None:
        """The branch that HEAD names there, as a full ref name; None when there is none."""

    def refs(self, prefixes: Sequence[str]) -> Mapping[str, Oid]:
        """The refs whose names start with one of the prefixes."""

    def fetch(
        self, wants: Iterable[Oid], have: ObjectSource, into: PackSink, *, complete: Callable[[Oid], bool]
    ) -> int:
        """Brings everything that ``wants`` need and ``have`` lacks; returns the bytes that travelled.

        ``complete`` tells which objects are here with all they need. That an object is here does not say so: it may be
        what a fetch that was killed left behind.
        """

    def unsent(self, wants: Sequence[Oid], source: ObjectSource) -> Sequence[Oid]:
        """The objects that `push` would send for refs with these values."""

    def push(self, updates: Sequence[RefUpdate], source: ObjectSource) -> list[RefResult]:
        """Sends the objects that the new values need, then moves each ref; one result per update."""

    def close(self) -> None:
        """Lets go of what was opened."""


class Report(NamedTuple):
    """What a transfer did.

    ``failed`` maps what is left (a ref name, a digest) to a sentence; ``remarks`` are the refs, and the short ids of
    commits, whose tags and notes travelled.
    """

    refs: tuple[str, ...]
    up_to_date: tuple[str, ...]
    objects: int
    artifacts: int
    size: int
    failed: Mapping[str, str]
    remarks: tuple[str, ...] = ()


class UrlState(NamedTuple):
    """What a server says of a file or folder, in the words of lock files: DVC's for that kind of server.

    Attributes:
        key: What the value is called: "checksum" over HTTP, "etag" in S3, "md5" for a folder in S3.
        value: The value; the content changed when it is another one.
        size: Bytes; None where the server does not say.
        nfiles: How many files a folder has; None for a file.
        version_id: The version, where the server keeps versions.
    """

    key: str
    value: str
    size: int | None = None
    nfiles: int | None = None
    version_id: str = ""


class Outside(Protocol):
    """What lies on servers, beyond this machine."""

    def state(self, url: str, remotes: Mapping[str, Mapping[str, str]]) -> UrlState | None:
        """What is at a URL now; None when nothing is.

        Args:
            url: As a pipeline file has it; ``remote://name/path`` is a path in a remote.
            remotes: The settings of the remotes, by name.

        Raises:
            RemoteError: The server does not say.
            ConfigError: The URL, or a setting of the remote, cannot be used.
        """


class Configuration(NamedTuple):
    """Where a configuration lies that Hydra composes.

    Attributes:
        folder: Absolute path of its folder; empty where it lies in a module.
        module: The module; empty where it lies in a folder.
        name: Which file there, without its suffix.
        plugins: Absolute path of a folder from which Hydra's plugins can be imported.
    """

    folder: str
    module: str
    name: str
    plugins: str


class Composer(Protocol):
    """What composes configurations; that may run code of the project's."""

    def compose(self, configuration: Configuration, overrides: Sequence[Sequence[str]], folder: str) -> list[str]:
        """The texts of a configuration composed with each of these lists of overrides.

        Args:
            configuration: Where it lies.
            overrides: For each text the words, in Hydra's grammar.
            folder: Absolute path of the folder to begin in.

        Raises:
            Refused: There is nothing that composes, or it says no.
        """


class Person(Protocol):
    """Somebody at a terminal."""

    def ask(self, question: str, *, secret: bool = False) -> str | None:
        """The line that was typed in answer, None where there was none; what is secret is not shown meanwhile."""


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
