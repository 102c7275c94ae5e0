"""The native layout of a remote: its keys, and the marker that says what it is (docs/formats.md, "Remote layout")."""

from __future__ import annotations

import json
from typing import Any

from assay.engine.errors import CorruptRemote, KeyMissing, RemoteError
from assay.engine.layout import hash_setting
from assay.engine.model import Digest, HashName
from assay.engine.ports import RemoteStore
from assay.engine.store.digest import object_key

MARKER = "format"
VERSION = 1
PACKS = "packs/"
INDEXES = "index/"
GIT_PACKS = "git/packs/"
GIT_HEAD = "git/HEAD"
GIT_REFS = "git/refs/"
GIT_NOTES = "git/notes/"
GIT_SHALLOW = "git/shallow/"

_DVC = "files/md5/"


def loose_key(digest: Digest) -> str:
    """Where an artifact lies that is an object of its own."""
    return f"objects/{object_key(digest)}"


def pack_key(pack_id: str) -> str:
    """Where a pack lies."""
    return f"{PACKS}{pack_id}.pack"


def marker(hash_name: HashName) -> bytes:
    """The content of the marker."""
    return json.dumps({"assay": VERSION, "hash": hash_name}).encode() + b"\n"


def read_marker(store: RemoteStore) -> HashName | None:
    """The hash of the artifacts on a remote; None when it holds nothing of ours.

    Raises:
        RemoteError: Its marker says something that this program does not understand.
    """
    try:
        data = store.get(MARKER)
    except KeyMissing:
        return None
    try:
        fields: Any = json.loads(data)
        version, name = fields["assay"], fields["hash"]
    except (ValueError, KeyError, TypeError):
        raise RemoteError(f"{store.url}/{MARKER} is damaged, or not assay's.", "Use another URL.") from None
    if version != VERSION or name not in ("xxh128", "sha256"):
        raise RemoteError(f"{store.url} was written by a newer assay.", "Upgrade assay.")
    return hash_setting(name)


def hash_of(store: RemoteStore) -> HashName:
    """The hash of the artifacts on a remote. Raises RemoteError when it is not one of ours."""
    found = read_marker(store)
    if found is None:
        raise _nothing_of_ours(store)
    return found


def require(store: RemoteStore, hash_name: HashName) -> None:
    """Checks that a remote is one of ours and has the project's hash, before anything is read from it.

    Raises:
        RemoteError: It is not, in one sentence.
    """
    _check(store, hash_of(store), hash_name)


def prepare(store: RemoteStore, hash_name: HashName) -> None:
    """As `require`, and an empty remote becomes one of ours."""
    found = read_marker(store)
    if found is None:
        if _is_dvc(store):
            raise _nothing_of_ours(store)
        if store.is_atomic():
            store.create(MARKER, marker(hash_name))
        else:
            store.put(MARKER, marker(hash_name))
        found = hash_of(store)
    _check(store, found, hash_name)


def suits(store: RemoteStore, hash_name: HashName) -> None:
    """As `prepare`, but an empty remote stays empty."""
    found = read_marker(store)
    if found is not None:
        _check(store, found, hash_name)
    elif _is_dvc(store):
        raise _nothing_of_ours(store)


def _check(store: RemoteStore, found: HashName, hash_name: HashName) -> None:
    if found != hash_name:
        raise RemoteError(
            f"{store.url} names artifacts by {found}, this project by {hash_name}.", "Use a remote of its own for it."
        )


def _is_dvc(store: RemoteStore) -> bool:
    return next(iter(store.list(_DVC)), None) is not None


def _nothing_of_ours(store: RemoteStore) -> RemoteError:
    if _is_dvc(store):
        return RemoteError(
            f"{store.url} is the remote of a DVC project, and no history was shared there.",
            "For a native project use a folder below it; else get the project from its Git server, then `assay pull`.",
        )
    if next(iter(store.list(INDEXES)), None) is not None:
        return CorruptRemote(f"{store.url}/{MARKER} is gone.", "`assay fsck --remote --repair` writes it again.")
    return RemoteError(f"{store.url} holds nothing that assay wrote.", "Check the URL, or push to it first.")
