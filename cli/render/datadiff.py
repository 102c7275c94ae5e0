"""What differs in the data of two revisions, in the shape of `dvc diff`: as plain values, and by sections."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from assay.engine.data.diff import DataDiff


def plain_diff(found: DataDiff, *, show_hash: bool) -> dict[str, object]:
    """What differs, in the shape of `dvc diff --json`; nothing when nothing does."""
    parts = sections(found)
    if not any(parts.values()):
        return {}
    return {name: [_row(row, show_hash) for row in rows] for name, rows in parts.items()}


def sections(found: DataDiff) -> dict[str, list[tuple[object, object]]]:
    """Rows of (path, digest) for every kind of difference."""

    def old(path: str) -> str:
        return found.old[path].digest.text

    def new(path: str) -> str:
        return found.new[path].digest.text

    paths = found.paths
    return {
        "added": [(path, new(path)) for path in paths.added],
        "deleted": [(path, old(path)) for path in paths.deleted],
        "modified": [(path, {"old": old(path), "new": new(path)}) for path in paths.modified],
        "renamed": [({"old": before, "new": after}, old(before)) for before, after in paths.renamed],
        "not in cache": [(path, old(path)) for path in found.not_in_cache],
    }


def _row(row: tuple[object, object], show_hash: bool) -> dict[str, object]:
    return {"path": row[0], "hash": row[1]} if show_hash else {"path": row[0]}


def spelled(value: object, *, short: bool = False) -> str:
    """A path, a digest or a pair of them on one line; ``short`` cuts digests to eight characters."""
    if isinstance(value, dict):
        old, new = (text[:8] if short else text for text in (value["old"], value["new"]))
        return f"{old}..{new}" if short else f"{old} -> {new}"
    return str(value)[:8] if short else str(value)
