"""Files named by their content: fetched once, kept as local copies, verified each time they are read."""

from __future__ import annotations

from collections.abc import Sequence

from assay.engine.errors import AssayError, KeyMissing
from assay.engine.model import HashName
from assay.engine.ports import RemoteStore
from assay.engine.store.digest import digest_bytes
from assay.remotes.copies import Copies
from assay.remotes.parallel import each


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
