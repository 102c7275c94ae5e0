"""Directories as objects, in the form that their hash asks for: assay's own, or DVC's listing under md5.

This is the only module that knows which hash has which form; everybody else asks here. The form is chosen where the
hash is, once, when a project is opened (`ProjectLayout.hash_name`), and a digest that is read says its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol, cast

from assay.engine.errors import BadInput, StoreError
from assay.engine.model import Artifact, Digest, Entry, HashName
from assay.engine.store.rows import DEEPEST, EXECUTABLE, FILE, Folder, Found, Put, Reader, Row, Writer, check_names


class Form(Protocol):
    """How a directory is written; the modules `merkle` and `listing` are the two that there are."""

    KEEPS_MODES: bool

    def write(self, folders: Sequence[Folder], algo: HashName, put: Put) -> Artifact:
        """Stores a whole directory."""

    def walk(self, cache: Reader, digest: Digest) -> Found:
        """Every file of a directory, and every object of the manifest after what it names."""

    def digests(self, cache: Reader, digest: Digest) -> Iterator[Digest]:
        """Every object of a directory, the manifest's own after what they name."""

    def named(self, digest: Digest, data: bytes) -> tuple[Digest, ...]:
        """What one manifest object names directly."""


def _form(algo: HashName) -> Form:
    if algo in ("md5", "md5-dos2unix"):
        from assay.engine.store import listing

        return cast("Form", listing)
    from assay.engine.store import merkle

    return cast("Form", merkle)


def write_folders(folders: Sequence[Folder], algo: HashName, put: Put) -> Artifact:
    """Stores a directory.

    Args:
        folders: The directory and all folders below it, each after the one that it lies in; this call changes them.
        algo: The hash of all digests in it.
        put: Stores an object.

    Raises:
        UnsafePath: A name that must not be written.
    """
    return _form(algo).write(folders, algo, put)


def write_manifest(writer: Writer, files: Mapping[str, Entry]) -> Artifact:
    """Stores the manifest of a whole directory.

    Args:
        writer: Where the objects go.
        files: Path relative to the directory, and the file there; the entries' own names are not looked at.

    Raises:
        UnsafePath: A path that must not be written.
        BadInput: A path is both a file and a directory, or too deep.
        StoreError: A file is named by another hash than its directory.
    """
    folders: dict[str, list[Row]] = {"": []}
    for path, entry in files.items():
        parts = path.split("/")
        if len(parts) > DEEPEST + 1:
            raise BadInput(path, f"lies more than {DEEPEST} folders deep")
        check_names(parts)
        for depth in range(1, len(parts)):
            folder = "/".join(parts[:depth])
            if folder in files:
                raise BadInput(folder, "is both a file and a directory")
            folders.setdefault(folder, [])
        folders[path.rpartition("/")[0]].append(_file_row(parts[-1], entry, writer.algo))
    return write_folders(list(folders.items()), writer.algo, lambda data: writer.add_bytes(data, is_dir=True))


def listing_of(files: Mapping[str, str]) -> tuple[Digest, bytes]:
    """The manifest under md5 of files of which only path and md5 are known: its digest, and its bytes."""
    from assay.engine.store.digest import digest_bytes
    from assay.engine.store.listing import text_of

    text = text_of(files)
    return digest_bytes("md5", text, is_dir=True), text


def _file_row(name: str, entry: Entry, algo: HashName) -> Row:
    if entry.digest.algo != algo:
        raise StoreError(f"{name} is named by {entry.digest.algo}, and its directory by {algo}.")
    return [name, EXECUTABLE if entry.is_exec else FILE, bytes.fromhex(entry.digest.hex), entry.size, 1]


def files_in(cache: Reader, digest: Digest) -> Iterator[tuple[str, Entry]]:
    """Every file of a directory: its path relative to it, and what it is.

    Raises:
        MissingArtifact: A manifest is not in the cache.
        CorruptArtifact: One is not a manifest.
        UnsafePath: One holds a name that must not be written.
    """
    for path, entry, _ in _form(digest.algo).walk(cache, digest):
        if entry is not None:
            yield path, entry


def digests_of(cache: Reader, artifact: Artifact) -> Iterator[Digest]:
    """Everything an artifact consists of: files before the manifests that name them, itself last.

    Raises as `files_in`.
    """
    if artifact.digest.is_dir:
        yield from _form(artifact.digest.algo).digests(cache, artifact.digest)
    else:
        yield artifact.digest


def named(digest: Digest, data: bytes) -> tuple[Digest, ...]:
    """What one manifest object, whose content is given, names directly. Raises as `files_in`."""
    return _form(digest.algo).named(digest, data)


def keeps_modes(digest: Digest) -> bool:
    """Whether a directory's manifest says which of its files may be executed."""
    return _form(digest.algo).KEEPS_MODES
