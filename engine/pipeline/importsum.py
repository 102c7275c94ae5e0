"""The ``md5`` of an import: a checksum of what its ``.dvc`` file says, as DVC 3.67 computes it.

DVC sums up not the file but what it would write for it: defaults and empty values left out, paths made plain, a hash
named where it is implied. `as_written` gives that; `stage_md5` leaves out what does not change what an import is.
"""

from __future__ import annotations

import hashlib
import json
import posixpath
from collections.abc import Mapping
from typing import Any

from assay.engine.pipeline.paths import is_outside, is_url

_NOT_SUMMED = frozenset(
    ["desc", "type", "labels", "meta", "locked", "frozen", "metric", "persist", "isexec", "size", "nfiles"]
)
_SUMS = ("md5", "etag", "checksum")
_WHEN_TRUE = ("isexec", "version_id", "cloud", "remote", "persist", "fs_config", "desc", "type", "labels", "meta")


def stage_md5(data: Mapping[str, Any], folder: str = "") -> str:
    """The ``md5`` of an import.

    Args:
        data: What its file says.
        folder: The folder that paths in it are relative to (its ``wdir``), as a project path.
    """
    relevant = {key: value for key, value in as_written(data, folder).items() if key not in ("md5", "meta", "desc")}
    text = json.dumps(_summed(relevant), sort_keys=True)
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _summed(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _summed(inner) for key, inner in value.items() if key not in _NOT_SUMMED}
    return [_summed(inner) for inner in value] if isinstance(value, list) else value


def as_written(data: Mapping[str, Any], folder: str = "") -> dict[str, Any]:
    """What DVC writes for a file that says this; the order of keys is not DVC's."""
    wdir = posixpath.normpath(data.get("wdir") or ".")
    said = {
        "desc": data.get("desc"),
        "md5": data.get("md5"),
        "wdir": "" if wdir == "." else wdir,
        "frozen": data.get("frozen") or data.get("locked"),
        "deps": [_dep(dep, folder) for dep in data.get("deps") or ()],
        "outs": [_artifact(out, folder) for out in data.get("outs") or ()],
        "always_changed": data.get("always_changed"),
        "meta": data.get("meta"),
    }
    return {key: value for key, value in said.items() if value}


def _dep(dep: Mapping[str, Any], folder: str) -> dict[str, Any]:
    if "db" in dep:
        return {"db": {key: value for key, value in dep["db"].items() if value}}
    if dep.get("repo"):
        repo = {key: value for key, value in dep["repo"].items() if value or key == "url"}
        return {"path": dep["path"], "repo": repo}
    told = _artifact(dep, folder)
    return {key: value for key, value in told.items() if key not in ("cache", "push", "remote")}


def with_hash(dep: Mapping[str, Any], folder: str) -> dict[str, Any]:
    """A source as DVC 3 writes it: one that lies elsewhere names its hash, also where DVC 2 did not."""
    if "hash" in dep or dep.get("repo") or "db" in dep or _place(dep["path"], folder)[1]:
        return dict(dep)
    return {**dep, "hash": "md5"}


def _artifact(item: Mapping[str, Any], folder: str) -> dict[str, Any]:
    place, is_ours = _place(item["path"], folder)
    told: dict[str, Any] = {"path": place}
    if item.get("files"):
        told["files"] = item["files"]
    else:
        told |= {key: item[key] for key in (*_SUMS, "size", "nfiles") if item.get(key) is not None}
    if "hash" in item or not is_ours:
        told["hash"] = "md5"
    elif "files" not in told:
        told.setdefault("md5", None)
    told |= {key: item[key] for key in _WHEN_TRUE if item.get(key)}
    told |= {key: False for key in ("cache", "push") if item.get(key) is False}
    return told


def _place(spelled: str, folder: str) -> tuple[str, bool]:
    """A path as DVC writes it, and whether it lies in the project."""
    path = posixpath.normpath(posixpath.join(folder, spelled))
    if is_url(spelled) or is_outside(path):
        return spelled, False
    return posixpath.relpath(path, folder or "."), True
