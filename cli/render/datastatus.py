"""What became of tracked data, in the shape of `dvc data status`: as plain values, and as lines of a section."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from assay.engine.data.status import DataStatus


def plain_status(found: DataStatus, *, unchanged: bool) -> dict[str, object]:
    """The lists that are not empty, in the shape of `dvc data status --json`."""
    committed, uncommitted = (
        {
            "added": list(part.added),
            "modified": list(part.modified),
            "deleted": list(part.deleted),
            "renamed": [{"old": old, "new": new} for old, new in part.renamed],
            "unknown": list(part.unknown),
        }
        for part in (found.committed, found.uncommitted)
    )
    whole = {
        "not_in_cache": list(found.not_in_cache),
        "committed": {state: paths for state, paths in committed.items() if paths},
        "uncommitted": {state: paths for state, paths in uncommitted.items() if paths},
        "untracked": list(found.untracked or ()),
        "unchanged": list(found.unchanged) if unchanged else [],
    }
    return {name: content for name, content in whole.items() if content}


def lines(content: object) -> list[str]:
    """The lines of one of its lists."""
    if not isinstance(content, dict):
        return [str(path) for path in content] if isinstance(content, list) else []
    return [
        f"{state}: " + (f"{path['old']} -> {path['new']}" if isinstance(path, dict) else path)
        for state, paths in content.items()
        for path in paths
    ]
