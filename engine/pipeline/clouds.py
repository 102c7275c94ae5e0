"""What pipeline files say of data on remotes that keep versions: which version each file is, in DVC 3.67's form.

``cloud: {<remote>: {etag, version_id}}`` stands beside the digest of a file. A folder names its files one by one
instead of by the digest of a list; as soon as one thing of a stage or ``.dvc`` file is recorded so, all its folders
are.
These functions take and give the maps of outputs and dependencies as the files have them.

Unlike DVC, what is recorded of other files of a folder, and that a file may be executed, stays.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from assay.engine.model import Digest, HashName

Item = Mapping[str, Any]
_OF_THE_LIST = ("md5", "size", "nfiles", "isexec")


class Kept(NamedTuple):
    """A version of a file on a remote: its entity tag, the version's name, and the file's size in bytes."""

    etag: str
    version: str
    size: int


class Record(NamedTuple):
    """What is known of the versions of one output.

    Attributes:
        digest: What the output is.
        remote: The remote's name.
        files: The version of each file, by its path below the output; "" is the output itself.
    """

    digest: Digest
    remote: str
    files: Mapping[str, Kept]


Listing = Callable[[Digest], Mapping[str, str] | None]
"""The md5 of each file of a folder by its path in it; None where nobody knows."""


def digest_of(item: Item) -> Digest | None:
    """The md5 of an item that names one."""
    text = item.get("md5")
    if not isinstance(text, str) or item.get("hash") not in (None, "md5"):
        return None
    algo: HashName = "md5" if "hash" in item else "md5-dos2unix"
    return Digest(algo, text.removesuffix(".dir"), text.endswith(".dir"))


def listed(item: Item, listing: Listing) -> dict[str, Any]:
    """An item that names its files if it is a folder whose list somebody has, and else says what it said."""
    digest = digest_of(item)
    rows = listing(digest) if digest is not None and digest.is_dir and "files" not in item else None
    if not rows:  # an empty folder would say nothing any more
        return dict(item)
    kept = {key: value for key, value in item.items() if key not in _OF_THE_LIST}
    return {**kept, "files": [{"relpath": name, "md5": rows[name]} for name in sorted(rows)]}


def recorded(item: Item, record: Record) -> dict[str, Any]:
    """An item, as `listed` gives it, with the versions of its files."""
    if "files" not in item:
        return _row(item, record.remote, record.files.get(""))
    rows = [_row(row, record.remote, record.files.get(row["relpath"])) for row in item["files"]]
    return {**item, "files": rows}


def _row(row: Item, remote: str, kept: Kept | None) -> dict[str, Any]:
    if kept is None:
        return dict(row)
    cloud = {remote: {"etag": kept.etag, "version_id": kept.version}}
    return {**row, **({} if "size" in row else {"size": kept.size}), "cloud": cloud}
