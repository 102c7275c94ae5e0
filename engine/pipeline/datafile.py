"""``.dvc`` files: data that no stage writes, tracked by its digest.

The format is DVC 3.67's, imports included; artifacts whose hash is not md5 carry ``hash: <name>`` and ``digest:``, as
in lock files. A file that is changed keeps every byte that the change is not about. What an import came from is kept
as plain data: assay shows and checks out imports, and does not fetch them from their source.
"""

from __future__ import annotations

import hashlib
import json
import posixpath
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from assay.engine.model import Artifact
from assay.engine.params import documents
from assay.engine.pipeline import lockyaml
from assay.engine.pipeline.lock import artifact_of
from assay.engine.pipeline.paths import project_path
from assay.engine.pipeline.source import Keys, Source, nearest

_TOP = ("outs", "deps", "md5", "wdir", "frozen", "locked", "desc", "meta", "always_changed")
_CONTENT = ("md5", "etag", "checksum", "hash", "digest", "size", "nfiles", "isexec", "version_id", "cloud", "files")
_OUT = (*_CONTENT, "path", "cache", "remote", "push", "persist", "desc", "type", "labels", "meta", "fs_config",
        "metric", "plot")  # fmt: skip
_NOT_HASHED = frozenset(
    ["desc", "type", "labels", "meta", "locked", "frozen", "metric", "persist", "isexec", "size", "nfiles"]
)


class DataOut(NamedTuple):
    """One file or folder that a ``.dvc`` file tracks.

    Attributes:
        path: Its project path.
        spelled: Its path as the file has it.
        artifact: What it was when it was added; None where no digest is recorded.
        cache: Whether the cache keeps its content.
        push: Whether it is to be shared.
        remote: The remote it belongs to; empty for the default.
        persist: Whether it stays when its stage runs; only old files have it.
        desc: What it is, for people.
        type: Its kind, for people.
        labels: Words for finding it.
        meta: Whatever the user keeps beside it.
        keys: Where in the file it stands.
    """

    path: str
    spelled: str
    artifact: Artifact | None
    cache: bool = True
    push: bool = True
    remote: str = ""
    persist: bool = False
    desc: str = ""
    type: str = ""
    labels: tuple[str, ...] = ()
    meta: Any = None
    keys: Keys = ()


class DataFile(NamedTuple):
    """What a ``.dvc`` file says.

    Attributes:
        path: Its project path.
        outs: What it tracks.
        deps: Where an import came from, as plain data.
        frozen: Whether it is left alone by `repro`.
        wdir: The folder that its paths are relative to, as a project path; "" is the root.
        source: Its text.
    """

    path: str
    outs: tuple[DataOut, ...]
    deps: tuple[Mapping[str, Any], ...] = ()
    frozen: bool = False
    wdir: str = ""
    source: Source = Source("", "")

    @property
    def is_import(self) -> bool:
        """Whether the data came from elsewhere and can be fetched anew there."""
        return bool(self.deps)

    @property
    def cached(self) -> dict[str, Artifact]:
        """What it tracks in the cache: artifacts by project path."""
        return {out.path: out.artifact for out in self.outs if out.cache and out.artifact is not None}


@lru_cache(maxsize=1024)
def parse_file(data: bytes, path: str) -> DataFile:
    """`parse` for a blob; remembered, since most commits of a project share their ``.dvc`` files."""
    return parse(documents.decoded(path, data), path)


def parse(text: str, path: str) -> DataFile:
    """What a ``.dvc`` file says.

    Args:
        text: The file's content.
        path: Its path in the project; paths in it are relative to that place.

    Raises:
        BadInput: It is not one; line and key are named.
    """
    source = Source(path, text)
    content = documents.parse(path, text)
    if not isinstance(content, Mapping):
        raise source.bad((), "should be a map with outs")
    for key in content:
        if key not in _TOP:
            raise source.bad((str(key),), "a .dvc file has no such key", nearest(str(key), _TOP))
    wdir, outs, deps = content.get("wdir") or ".", content.get("outs") or [], content.get("deps") or []
    if not isinstance(wdir, str) or not isinstance(outs, list):
        raise source.bad(("outs",), "should be a list, and wdir a path")
    if not isinstance(deps, list) or not all(isinstance(dep, Mapping) for dep in deps):
        raise source.bad(("deps",), "should be a list of maps")
    folder = posixpath.normpath(posixpath.join(posixpath.dirname(path), wdir))
    folder = "" if folder == "." else folder
    found = tuple(_out(source, ("outs", at), item, folder) for at, item in enumerate(outs))
    frozen = content.get("frozen") is True or content.get("locked") is True
    return DataFile(path, found, tuple(deps), frozen, folder, source)


def _out(source: Source, keys: Keys, item: Any, folder: str) -> DataOut:
    if not isinstance(item, Mapping) or not isinstance(item.get("path"), str):
        raise source.bad(keys, "should be a map with a path")
    for key in item:
        if key not in _OUT:
            raise source.bad((*keys, str(key)), "an artifact has no such key", nearest(str(key), _OUT))
    for key in ("cache", "push", "persist"):
        if not isinstance(item.get(key, True), bool):
            raise source.bad((*keys, key), "should be true or false")
    for key in ("remote", "desc", "type"):
        if not isinstance(item.get(key) or "", str):
            raise source.bad((*keys, key), "should be text")
    labels = item.get("labels") or []
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        raise source.bad((*keys, "labels"), "should be a list of words")
    return DataOut(
        project_path(source, keys, item["path"], folder),
        item["path"],
        artifact_of(source, keys, item),
        item.get("cache", True),
        item.get("push", True),
        item.get("remote") or "",
        item.get("persist", False),
        item.get("desc") or "",
        item.get("type") or "",
        tuple(labels),
        item.get("meta"),
        keys,
    )


def updated(file: DataFile, artifacts: Mapping[str, Artifact]) -> str:
    """The file's text with other artifacts, and every byte as it was that this is not about.

    Args:
        file: What it says now.
        artifacts: The new artifacts by project path; paths that the file does not track are not looked at.

    Raises:
        Refused: The text cannot be changed in place, as where two outs share a value through a YAML anchor.
    """
    text = file.source.text
    data = documents.parse(file.path, text)
    outs = list(data["outs"])
    for at, out in enumerate(file.outs):
        artifact = artifacts.get(out.path)
        if artifact is not None and artifact != out.artifact:
            outs[at] = _replaced(outs[at], artifact)
    return _rewritten(file, {**data, "outs": outs})


def moved(file: DataFile, path: str, spelled: str) -> str:
    """The text of a file that tracks one thing, for another place.

    Args:
        file: What it says now.
        path: The ``.dvc`` file's new project path.
        spelled: The data's path, relative to that file.
    """
    data = documents.parse(file.path, file.source.text)
    wanted = {key: value for key, value in data.items() if key != "wdir"}
    wanted["outs"] = [{**data["outs"][0], "path": spelled}]
    return _rewritten(file._replace(path=path), wanted)


def _rewritten(file: DataFile, wanted: dict[str, Any]) -> str:
    if "md5" in wanted:
        wanted["md5"] = stage_md5(wanted)
    return documents.rewritten(file.path, file.source.text, wanted)


def _replaced(item: Mapping[str, Any], artifact: Artifact) -> dict[str, Any]:
    """The map of an out with another artifact: what it has keeps its place, what it has not yet comes last."""
    content = _content(artifact)
    kept = {key: content.get(key, value) for key, value in item.items() if key in content or key not in _CONTENT}
    if kept.keys() & ("md5", "digest"):
        return {**kept, **content}
    # The hash changed its name, so that there is no place to keep: the digest comes first, as in a new file.
    return {**{key: content[key] for key in content if key not in kept}, **kept}


def _content(artifact: Artifact) -> dict[str, Any]:
    """What a file says about an artifact, in DVC's order."""
    digest = artifact.digest
    found: dict[str, Any] = {"md5" if digest.algo.startswith("md5") else "digest": digest.text, "size": artifact.size}
    if artifact.nfiles is not None:
        found["nfiles"] = artifact.nfiles
    if artifact.is_exec:
        found["isexec"] = True
    if digest.algo != "md5-dos2unix":
        found["hash"] = digest.algo
    return found


def new_text(outs: Sequence[DataOut]) -> str:
    """The text of a new file, as DVC writes one."""
    items = [{**(_content(out.artifact) if out.artifact is not None else {}), "path": out.spelled} for out in outs]
    return lockyaml.emit({"outs": items})


def stage_md5(data: Mapping[str, Any]) -> str:
    """What DVC writes as the ``md5`` of an import: of its content, without what does not change what it is."""
    relevant = {key: value for key, value in data.items() if key != "md5" and (key, value) != ("wdir", ".")}
    text = json.dumps(_hashed(relevant), sort_keys=True)
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _hashed(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _hashed(inner) for key, inner in value.items() if key not in _NOT_HASHED}
    return [_hashed(inner) for inner in value] if isinstance(value, list) else value
