"""Keeping packs few: when many small ones have gathered, they become one.

Safe beside readers and other writers without a lock: the merged pack is synced and in place before the first old
one goes; a reader that finds an old one gone looks through the folder again; two processes that merge at once
leave at worst the same objects twice. A pack that holds something damaged is left for whoever reads it.
"""

from __future__ import annotations

from assay.engine import disk
from assay.engine.errors import CorruptArtifact
from assay.engine.store.pack import PackInfo, PackWriter, check_object, objects, read_entries
from assay.engine.store.packindex import TINY
from assay.engine.store.reader import CacheReader

MANY = 30
"""So many packs under `TINY` are left alone."""


def merge_small_packs(cache: CacheReader) -> int:
    """Merges the small packs of a cache when there are many; returns how many went.

    Raises:
        OSError: The merged pack cannot be written; every old one is still there.
    """
    tiny = [pack for pack in cache.packs() if pack.size < TINY]
    if len(tiny) <= MANY:
        return 0
    written: list[PackWriter] = [PackWriter(cache.tmp(), cache.algo)]
    try:
        copied = [pack for pack in tiny if _copy(pack, written, cache)]
        _publish(written, cache)
    finally:
        for target in written:
            target.drop()
    kept = {target.id for target in written}
    old = [pack for pack in copied if pack.id not in kept]
    for pack in old:
        disk.unlink(pack.path, missing_ok=True)
    cache.index.rescan()
    return len(old)


def _copy(pack: PackInfo, written: list[PackWriter], cache: CacheReader) -> bool:
    """Appends a pack's objects to the ones being written; False when the pack must stay."""
    try:
        entries = read_entries(pack.path)
        for key, data in objects(pack.path, entries):
            if not check_object(key, data):
                return False
            if not any(key in target.entries for target in written):
                if written[-1].is_full:
                    written[-1].finish()
                    written.append(PackWriter(cache.tmp(), cache.algo))
                written[-1].add(key, data)
    except (FileNotFoundError, CorruptArtifact):  # merged by another process meanwhile, or damaged
        return False
    return True


def _publish(written: list[PackWriter], cache: CacheReader) -> None:
    written[-1].finish()
    for pack in written:
        pack.sync()
        pack.publish(cache.index.folder)
    disk.sync_folder(cache.index.folder)
