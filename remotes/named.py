"""Keys named by what they hold: which hash of it they are, and small files that are fetched once and kept as copies."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from hashlib import sha1
from typing import NamedTuple

from assay.engine.errors import AssayError, KeyMissing
from assay.engine.model import HashName
from assay.engine.ports import RemoteStore
from assay.engine.store.digest import digest_bytes, hasher, parse_key
from assay.engine.store.pack import pack_algo
from assay.remotes.copies import Copies
from assay.remotes.parallel import each
from assay.remotes.verify import GitIndexSum, GitPackSum, NewHash

_OBJECTS = "objects/"
_PACK = re.compile(r"packs/([0-9a-f]+)\.pack")
_SAYING = re.compile(r"(?:index|git/refs/.+\.d|git/notes|git/shallow)/([0-9a-f]{32,64})")
_GIT = re.compile(r"git/packs/(?:pack-(?P<pack>[0-9a-f]{40})\.(?P<kind>pack|idx)|over-(?P<over>[0-9a-f]{40}))")


class NamedBy(NamedTuple):
    """A hash, and its value in hexadecimal for what a key is to hold."""

    new_hash: NewHash
    expected: str


def named_by(key: str, hash_name: HashName) -> NamedBy | None:
    """By what a key of a remote is named; None for one that may hold this today and that tomorrow.

    Args:
        key: The key, in either layout.
        hash_name: The remote's hash.
    """
    if key.startswith("git/"):
        if git := _GIT.fullmatch(key):
            if git["over"]:
                return NamedBy(sha1, git["over"])
            return NamedBy(GitPackSum if git["kind"] == "pack" else GitIndexSum, git["pack"])
    elif pack := _PACK.fullmatch(key):
        algo = pack_algo(pack[1])
        return NamedBy(partial(hasher, algo), pack[1]) if algo else None
    elif digest := parse_key(key.removeprefix(_OBJECTS)):
        return NamedBy(partial(hasher, digest.algo), digest.hex)
    if saying := _SAYING.fullmatch(key):
        return NamedBy(partial(hasher, hash_name), saying[1])
    return None


def is_sound(key: str, data: bytes, hash_name: HashName) -> bool:
    """Whether the last part of a key is the digest of the content."""
    return digest_bytes(hash_name, data).hex == key.rpartition("/")[2]


def contents(
    store: RemoteStore, keys: Sequence[str], copies: Copies, kept: str, hash_name: HashName, jobs: int
) -> dict[str, bytes]:
    """What files hold: from the copies where these are sound, else fetched.

    Args:
        store: Where they are.
        keys: All that there are in some folders; one that is gone meanwhile is left out.
        copies: Where what was fetched before is kept.
        kept: The name of the copy that has them all.
        hash_name: The hash that names them.
        jobs: How many requests at once.

    Returns:
        By key; what was fetched may be damaged (`is_sound`).
    """
    if not keys:
        return {}
    known = copies.read_many(kept)
    sound = {key: known[key] for key in keys if key in known and is_sound(key, known[key], hash_name)}
    fetched: dict[str, bytes] = {}
    for key, data in each(store.get, [key for key in keys if key not in sound], jobs):
        if isinstance(data, KeyMissing):
            continue
        if isinstance(data, AssayError):
            raise data
        fetched[key] = data
    if good := {key: data for key, data in fetched.items() if is_sound(key, data, hash_name)}:
        listed = {_folder(key) for key in keys}
        elsewhere = {key: data for key, data in known.items() if _folder(key) not in listed}
        copies.write_many(kept, {**elsewhere, **sound, **good})
    return {**sound, **fetched}


def _folder(key: str) -> str:
    return key.rpartition("/")[0]
