"""Moving loose refs into packed-refs, so that tens of thousands cost one file.

The packed file is renamed into place first; only then does each loose file go, under its own lock, when it still holds
the value that was packed. At every moment each ref has its value in at least one of the two places.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from assay.engine import disk
from assay.engine.errors import GitError, Locked, MissingObject
from assay.engine.git import refnames
from assay.engine.git.packedrefs import Packed, open_packed
from assay.engine.git.reffolders import tidy
from assay.engine.git.reflocks import RefLocks
from assay.engine.git.refpeeling import content, is_commit_ref, peeler
from assay.engine.git.reftransaction import failed
from assay.engine.model import Oid

if TYPE_CHECKING:
    from assay.engine.git.refs import RefStore


def pack(store: RefStore, prefix: str) -> int:
    """Moves the loose refs that start with ``prefix`` into packed-refs; returns how many.

    Left loose are symbolic and damaged refs, those of one worktree only, and refs whose object may be an annotated
    tag that cannot be read.

    Raises:
        Locked: Somebody else holds packed-refs.
        GitError: The repository cannot be written.
    """
    try:
        packed = _write(store, prefix)
        return _prune(store, packed) if packed else 0
    except OSError as error:
        raise failed(error) from error


def _write(store: RefStore, prefix: str) -> dict[str, Packed | None]:
    path = os.path.realpath(f"{store.common_dir}/packed-refs")
    locks = RefLocks(store.common_dir, store.command)
    try:
        locks.open([path])
        locks.take(path, "packed-refs")
        peel = peeler(store)
        changes: dict[str, Packed | None] = {}
        for name, value in store.iterate_loose(prefix):
            if isinstance(value, str) or refnames.is_per_worktree(name):
                continue
            if peel is None and not is_commit_ref(name):
                continue
            with suppress(MissingObject):
                changes[name] = Packed(value, peel(name, value) if peel else None)
        if changes:
            temp = locks.temp(content(open_packed(path), changes, peel), sync=True)
            disk.rename(temp, path)
            disk.sync_folder(os.path.dirname(path))
        return changes
    finally:
        locks.close()


def _prune(store: RefStore, packed: dict[str, Packed | None]) -> int:
    locks = RefLocks(store.common_dir, store.command)
    count = 0
    try:
        locks.open([store.path(name) for name in packed])
        for name, value in packed.items():
            path = store.path(name)
            with suppress(Locked):
                locks.take(path, name)
                # it may have been deleted meanwhile and made again, loose only
                if value and value.oid == _loose(store, name) == store.packed().find(name):
                    disk.unlink(path)
                    count += 1
                locks.release(path)
    finally:
        locks.close()
        tidy(store, packed)
    return count


def _loose(store: RefStore, name: str) -> Oid | str | None:
    try:
        return store.loose(name)
    except GitError:
        return None
