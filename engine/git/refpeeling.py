"""Writing packed-refs so that what its header promises about annotated tags stays true.

The header says that every annotated tag is followed by what it leads to ("peeled"). A ref that may be a tag is
therefore packed only where its object can be read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.engine.errors import MissingObject
from assay.engine.git.objects import TAG, parse_tag
from assay.engine.git.packedrefs import Packed, PackedRefs, Peel
from assay.engine.model import Oid

if TYPE_CHECKING:
    from assay.engine.git.refs import RefStore

_COMMITS_ONLY = ("refs/heads/", "refs/exps/")


def is_commit_ref(name: str) -> bool:
    """Whether refs of that name are commits, never annotated tags, so that there is nothing to peel."""
    return name.startswith(_COMMITS_ONLY)


def content(packed: PackedRefs, changes: dict[str, Packed | None], peel: Peel | None) -> bytes:
    """The new content of packed-refs, by editing lines where the file allows it."""
    if packed.is_exact:
        return packed.edited(changes)
    try:
        return packed.rewritten(changes, peel)
    except MissingObject:
        return packed.rewritten(changes, None)


def peeler(store: RefStore) -> Peel | None:
    """What finds the object behind an annotated tag; None when the store was given no objects."""
    source = store.objects
    if source is None:
        return None

    def peel(name: str, oid: Oid) -> Oid | None:
        if is_commit_ref(name):
            return None
        found = None
        kind, data = source().read(oid)
        while kind == TAG:
            found, _ = parse_tag(data)
            kind, data = source().read(found)
        return found

    return peel
