"""Remotes that are reached through fsspec: Google Cloud Storage, Azure, ssh, WebDAV, HTTP, and whatever else it knows.

Three kinds of places differ in how a value appears whole or not at all. A store of objects does so by itself. Where
there are files, a value is written under another name and renamed. Pages over HTTP are only read.

Limits: no two clients of fsspec agree on conditional writes, so none are asked for, and branches and tags are kept as
statements, as on any store that has none. What a server over HTTP holds cannot be listed. Over WebDAV a value that is
replaced is missing for a moment.
"""

from __future__ import annotations

import os
import posixpath
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any

from assay.engine.errors import AccessDenied, ConfigError, KeyMissing, RemoteError, Unavailable
from assay.engine.ports import KeyInfo, Sink, Source
from assay.remotes.budget import Budget
from assay.remotes.stores.fsspec_errors import translated
from assay.remotes.stores.keys import checked, is_key

if TYPE_CHECKING:
    from assay.remotes.registry import Remote

_CHUNK = 4 << 20
_WHOLE = 32 << 20
"""Bytes: what is no longer than this is sent at once."""
_IN_MEMORY = 128 << 20
_UNFINISHED = "tmp/unfinished-"
"""Where values lie that have not got their name yet; such keys are never listed."""

_STAMPS = ("ETag", "etag", "md5Hash", "md5", "mtime", "modified", "last_modified", "LastModified")
"""What clients call that which is another one once a value was written again, the best first."""

Connect = Callable[[], Any]


class FsspecStore:
    """Values in a store of objects.

    Args:
        url: What the user calls it.
        root: The same place, as the client wants it.
        connect: Makes the client, an fsspec file system without caches.
    """

    def __init__(self, url: str, root: str, connect: Connect) -> None:
        self.url = url
        self._root = root
        self._connect = connect
        self._lock = threading.Lock()
        self._opened: Any = None
        self._budget = Budget(_IN_MEMORY)
        self._ranges = True

    def get(self, key: str) -> bytes:
        """The whole value."""
        path = self._path(key)
        with self._missing(key), self._said(key, "reading"):
            return bytes(self._fs().cat_file(path))

    def get_to(self, key: str, sink: Sink) -> int:
        """Streams the value into ``sink``."""
        path, total = self._path(key), 0
        with self._missing(key), self._said(key, "reading"):
            opened = self._fs().open(path, "rb", cache_type="readahead", block_size=_CHUNK)
        with opened:
            while True:
                with self._missing(key), self._said(key, "reading"):
                    chunk = opened.read(_CHUNK)
                if not chunk:
                    return total
                sink.write(chunk)
                total += len(chunk)

    def get_range(self, key: str, start: int, length: int) -> bytes:
        """A part of the value; the size is asked for first, since not every server says that it sent the whole."""
        size = self.size(key)
        if size is None:
            raise KeyMissing(f"{self.url} has no {key}.")
        end = min(start + length, size)
        if start >= end:
            return b""
        with self._said(key, "reading"):
            data = self._part(self._path(key), start, end)
        if len(data) == end - start:
            return data
        self._ranges = False
        return data[start:end]

    def has_ranges(self) -> bool:
        """True until a server has sent a whole value to whoever asked for a part."""
        return self._ranges

    def put(self, key: str, data: bytes) -> str:
        """Writes the value; what stamp it has, only a further question would tell."""
        path = self._path(key)
        with self._said(key, "writing"):
            self._write(path, data)
        return ""

    def put_from(self, key: str, source: Source) -> str:
        """Writes what ``source`` gives."""
        path = self._path(key)
        if source.size > _WHOLE:
            with self._said(key, "writing"):
                self._stream(path, iter(lambda: source.read(_CHUNK), b""))
            return ""
        with self._budget.holding(source.size):
            data = b"".join(iter(lambda: source.read(_CHUNK), b""))
            with self._said(key, "writing"):
                self._write(path, data)
        return ""

    def size(self, key: str) -> int | None:
        """The value's length."""
        found = self.info(key)
        return None if found is None else found.size

    def info(self, key: str) -> KeyInfo | None:
        """The value's length, and what the client says that changes with it."""
        path = self._path(key)
        try:
            with self._said(key, "reading"):
                info = self._fs().info(path)
        except KeyMissing:
            return None
        return KeyInfo(key, int(info["size"]), _stamp(info)) if info.get("type") == "file" else None

    def list(self, prefix: str) -> Iterator[KeyInfo]:
        """The keys that start with ``prefix``."""
        above = prefix.rpartition("/")[0]
        start = f"{self._root}/{above}" if above else self._root
        with self._said(prefix, "listing"):
            try:
                found: Mapping[str, Any] = self._fs().find(start or "/", detail=True)
            except (FileNotFoundError, NotADirectoryError):
                return iter(())
        keys = ((self._key(path), info) for path, info in found.items() if info.get("type") == "file")
        return iter([KeyInfo(key, int(info["size"]), _stamp(info)) for key, info in keys if _is_value(key, prefix)])

    def settle(self) -> None:
        """Nothing to do: what the server has answered for is as durable as it gets."""

    def delete(self, keys: Iterable[str]) -> None:
        """Removes the keys."""
        for key in keys:
            path = self._path(key)
            with suppress(KeyMissing), self._said(key, "removing"):
                self._fs().rm_file(path)

    def is_atomic(self) -> bool:
        """Never."""
        return False

    def create(self, key: str, data: bytes) -> bool:  # noqa: ARG002
        """Refused: nothing here excludes other writers."""
        raise RemoteError(f"{self.url} does not honour conditional writes.")

    def swap(self, key: str, old: bytes | None, new: bytes) -> bool:  # noqa: ARG002
        """Refused, as `create`."""
        return self.create(key, new)

    def close(self) -> None:
        """Lets go of the client; what it holds goes with it."""
        with self._lock:
            opened, self._opened = self._opened, None
        if opened is not None:
            self._end(opened)

    def _end(self, client: Any) -> None:
        """Closes the connections of a client."""

    def _path(self, key: str) -> str:
        return f"{self._root}/{checked(key)}"

    def _key(self, path: str) -> str:
        root = self._root.strip("/")
        return path.strip("/").removeprefix(root).lstrip("/") if root else path.strip("/")

    def _part(self, path: str, start: int, end: int) -> bytes:
        return bytes(self._fs().cat_file(path, start=start, end=end))

    def _write(self, path: str, data: bytes) -> None:
        self._fs().pipe_file(path, data)

    def _stream(self, path: str, pieces: Iterator[bytes]) -> None:
        """Sends a large value; it becomes visible when its end was sent, so an end that never came throws it away."""
        opened = self._fs().open(path, "wb", block_size=_WHOLE)
        try:
            for piece in pieces:
                opened.write(piece)
        except BaseException:
            with suppress(Exception):
                opened.discard()
            opened.closed = True  # to close it is to make it visible, which its destructor would do
            raise
        opened.close()

    @contextmanager
    def _missing(self, key: str) -> Iterator[None]:
        """What cannot be read because it is a folder is missing; servers say so in many ways, or with no reason."""
        try:
            yield
        except Unavailable:
            raise
        except RemoteError as error:
            if not isinstance(error, KeyMissing | AccessDenied) and self.size(key) is None:
                raise KeyMissing(f"{self.url} has no {key}.") from error
            raise

    def _said(self, key: str, doing: str) -> AbstractContextManager[None]:
        return translated(self.url, key, doing)

    def _fs(self) -> Any:
        with self._lock:
            if self._opened is None:
                self._opened = self._connect()
            return self._opened


class FileStore(FsspecStore):
    """Values in files: written under another name, then renamed."""

    def __init__(self, url: str, root: str, connect: Connect) -> None:
        super().__init__(url, root, connect)
        self._folders: set[str] = set()

    def _part(self, path: str, start: int, end: int) -> bytes:
        with self._fs().open(path, "rb") as file:
            file.seek(start)
            return bytes(file.read(end - start))

    def _write(self, path: str, data: bytes) -> None:
        self._stream(path, iter([data] if data else []))

    def _stream(self, path: str, pieces: Iterator[bytes]) -> None:
        fs = self._fs()
        unfinished = f"{self._root}/{_UNFINISHED}{os.urandom(8).hex()}"
        for folder in (posixpath.dirname(unfinished), posixpath.dirname(path)):
            if folder not in self._folders:
                fs.makedirs(folder, exist_ok=True)
                self._folders.add(folder)
        try:
            self._fill(fs, unfinished, pieces)
            self._rename(fs, unfinished, path)
        except BaseException:
            self._folders.clear()  # somebody may have removed one
            with suppress(Exception):
                fs.rm_file(unfinished)
            raise

    def _fill(self, fs: Any, path: str, pieces: Iterator[bytes]) -> None:
        with fs.open(path, "wb") as file:
            for piece in pieces:
                file.write(piece)

    def _end(self, client: Any) -> None:  # noqa: ARG002
        self._folders.clear()

    def _rename(self, fs: Any, old: str, new: str) -> None:
        """Over what is there."""
        fs.mv(old, new)


class DavStore(FileStore):
    """Values in files over WebDAV.

    A server replaces a value by removing it first, and what is read meanwhile ends too soon without a word: so the
    length is compared after each read.
    """

    def get(self, key: str) -> bytes:
        """The whole value."""
        data = super().get(key)
        self._must_be_whole(key, len(data))
        return data

    def get_to(self, key: str, sink: Sink) -> int:
        """Streams the value into ``sink``."""
        length = super().get_to(key, sink)
        self._must_be_whole(key, length)
        return length

    def _must_be_whole(self, key: str, length: int) -> None:
        if self.size(key) != length:
            raise Unavailable(f"{self.url}/{key} changed while it was read.", "Run the command again.")

    def _path(self, key: str) -> str:
        if "%" in key:  # the client sends it as it is, and servers decode it
            raise RemoteError(f"{key!r} cannot be a key of a remote over WebDAV.")
        return super()._path(key)

    def _end(self, client: Any) -> None:
        super()._end(client)
        client.client.http.close()

    def _rename(self, fs: Any, old: str, new: str) -> None:
        fs.client.move(old, new, overwrite=True)


class PageStore(FsspecStore):
    """Values that a web server shows; nothing is written there."""

    def list(self, prefix: str) -> Iterator[KeyInfo]:  # noqa: ARG002
        """Refused: HTTP has no way to ask what there is."""
        raise AccessDenied(f"{self.url} cannot be listed: a server over HTTP does not say what it holds.")

    def delete(self, keys: Iterable[str]) -> None:
        """Refused."""
        for key in keys:
            raise self._read_only(key)

    def _write(self, path: str, data: bytes) -> None:  # noqa: ARG002
        raise self._read_only(path.removeprefix(f"{self._root}/"))

    def _stream(self, path: str, pieces: Iterator[bytes]) -> None:  # noqa: ARG002
        self._write(path, b"")

    def _read_only(self, key: str) -> AccessDenied:
        return AccessDenied(
            f"{key} cannot be written or removed: remotes over HTTP are only read.",
            "Push to the place behind that server, with another kind of URL.",
        )


_STORES = {"objects": FsspecStore, "files": FileStore, "dav": DavStore, "pages": PageStore}


def open_fsspec(remote: Remote) -> FsspecStore:
    """The store behind a remote of a kind in `kinds.KINDS`, not patient; nothing is asked yet. Raises ConfigError."""
    from assay.remotes.registry import shown
    from assay.remotes.stores.kinds import KINDS

    kind = KINDS[remote.scheme]
    arguments = kind.arguments(remote)

    def connect() -> Any:
        module, _, name = kind.client.partition(":")
        try:
            client = getattr(import_module(module), name)
        except ImportError as error:
            raise ConfigError(
                f"Remotes at {remote.scheme}:// need a package that is not installed ({_name(error)}).",
                f"Install it: pip install 'assay[{kind.extra}]'",
            ) from error
        return client(**{**arguments, "skip_instance_cache": True})

    return _STORES[kind.store](shown(remote.url), kind.root(remote.url), connect)


def _name(error: ImportError) -> str:
    return error.name or str(error.__cause__ or error)


def _stamp(info: Mapping[str, Any]) -> str:
    return next((str(value).strip('"') for name in _STAMPS if (value := info.get(name))), "")


def _is_value(key: str, prefix: str) -> bool:
    return key.startswith(prefix) and not key.startswith(_UNFINISHED) and is_key(key)
