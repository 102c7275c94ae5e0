"""Writing packs anew: many small ones become one, a damaged one becomes one without its damage.

Safe beside readers and other writers without a lock: the new pack is synced and in place before an old one
goes; a reader that finds an old one gone looks through the folder again; two processes that merge at once
leave at worst the same objects twice.
"""

from __future__ import annotations

from assay.engine import disk
from assay.engine.errors import CorruptArtifact
from assay.engine.model import Digest, HashName
from assay.engine.store.pack import PackInfo, PackWriter, check_object, digest_of, objects, read_entries
from assay.engine.store.packindex import TINY, PackIndex

MANY = 30
"""So many packs under `TINY` are left alone."""


def merge_small_packs(index: PackIndex, tmp: str, algo: HashName) -> int:
    """Merges the small packs of a cache when there are many; one that holds something damaged is left out.

    Args:
        index: Of the packs.
        tmp: A folder for files being written.
        algo: The hash that names the new pack.

    Returns:
        How many packs went.

    Raises:
        OSError: The merged pack cannot be written; every old one is still there.
    """
    tiny = [pack for pack in index.packs() if pack.size < TINY]
    if len(tiny) <= MANY:
        return 0
    written = [PackWriter(tmp, algo)]
    try:
        copied = [pack for pack in tiny if _copy(pack, written, tmp, algo)]
        written[-1].finish()
        _publish(written, index.folder)
    finally:
        for target in written:
            target.drop()
    kept = {target.id for target in written}
    old = [pack for pack in copied if pack.id not in kept]
    for pack in old:
        disk.unlink(pack.path, missing_ok=True)
    index.rescan()
    return len(old)


def _copy(pack: PackInfo, written: list[PackWriter], tmp: str, algo: HashName) -> bool:
    """Appends a pack's objects to the ones being written; False when the pack must stay."""
    try:
        for key, data in objects(pack.path, read_entries(pack.path)):
            if not check_object(key, data):
                return False
            if any(key in target.entries for target in written):
                continue
            if written[-1].is_full:
                written[-1].finish()
                written.append(PackWriter(tmp, algo))
            written[-1].add(key, data)
    except (FileNotFoundError, CorruptArtifact):  # merged by another process meanwhile, or damaged
        return False
    return True


def rescue(index: PackIndex, pack_id: str, tmp: str, algo: HashName) -> list[Digest] | None:
    """Publishes a copy of a damaged pack without its bad objects, as far as its table of contents can be read.

    Returns:
        What is lost; None when the pack is sound after all.

    Raises:
        OSError: The copy cannot be written.
    """
    path = index.path(pack_id)
    try:
        entries = read_entries(path)
    except CorruptArtifact:
        return []
    lost = []
    good = PackWriter(tmp, algo)
    try:
        for key, data in objects(path, entries):
            if check_object(key, data):
                good.add(key, data)
            else:
                lost.append(digest_of(key))
        good.finish()
        if good.id == pack_id:
            return None
        if good.entries:
            _publish([good], index.folder)
    finally:
        good.drop()
    return lost


def _publish(written: list[PackWriter], folder: str) -> None:
    for pack in written:
        pack.sync()
        pack.publish(folder)
    disk.sync_folder(folder)
