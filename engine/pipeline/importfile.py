"""The text of a ``.dvc`` file that says where its data came from, as DVC 3.67 writes and changes one.

A new file has its keys in DVC's order. In one that is there already, what was known keeps its place, what is new comes
last, and what people wrote (``desc``, ``meta``, comments) stays.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from assay.engine.model import Artifact, HashName
from assay.engine.params import documents
from assay.engine.pipeline import lockyaml
from assay.engine.pipeline.datafile import CONTENT, DataFile, content_of, restated
from assay.engine.pipeline.importsum import stage_md5

_LAST = ("path", "fs_config", "files")
_PEOPLES = ("desc", "type", "labels", "meta", "remote")


def source_item(said: Mapping[str, Any], path: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The map of a source that is no repository.

    Args:
        said: What is known of its content.
        path: Its URL or path, as the file is to have it.
        settings: What else is needed to reach it (``fs_config``).
    """
    found = {**{key: value for key, value in said.items() if key not in _LAST}, "path": path}
    if settings:
        found["fs_config"] = dict(settings)
    return {**found, **({"files": said["files"]} if said.get("files") else {})}


def out_item(artifact: Artifact | None, path: str, algo: HashName, *, push: bool) -> dict[str, Any]:
    """The map of imported data; without an artifact, of data that is not here yet."""
    return {**_said(artifact, algo), "path": path, **({} if push else {"push": False})}


def new_text(dep: Mapping[str, Any], out: Mapping[str, Any], folder: str, *, summed: bool) -> str:
    """The text of a new file.

    Args:
        dep: Where the data comes from.
        out: The data.
        folder: The folder that the file lies in, as a project path.
        summed: Whether it gets its checksum: where something is known of the source.
    """
    return lockyaml.emit(_whole({}, dep, out, folder, summed=summed))


def replaced_text(file: DataFile, dep: Mapping[str, Any], out: Mapping[str, Any], *, summed: bool) -> str:
    """The text of a file that tracks one thing, for an import at the same path. Raises Refused as `updated_text` does.

    Args:
        file: What it says; of that only what people wrote stays.
        dep: As for `new_text`.
        out: The same.
        summed: The same.
    """
    data = documents.parse(file.path, file.source.text)
    wanted = _whole({key: data[key] for key in data if key == "wdir"}, dep, out, file.wdir, summed=summed)
    wanted["outs"] = [_over(data["outs"][0], out, _PEOPLES)]
    wanted["deps"] = [_over(old, dep) for old in (data.get("deps") or [])[:1]] or [dep]
    return restated(file, _over(data, wanted, _PEOPLES))


def updated_text(file: DataFile, dep: Mapping[str, Any], artifact: Artifact | None, algo: HashName) -> str:
    """The text of a file whose source has something else now.

    Args:
        file: What it says; it tracks one thing from one source.
        dep: The source as it is now.
        artifact: What the data is; None for data that is not brought.
        algo: The hash that it will have.

    Raises:
        Refused: The text cannot be changed in place.
    """
    data = documents.parse(file.path, file.source.text)
    item = data["outs"][0]
    out = _over(item, _said(artifact, algo), tuple(key for key in item if key not in CONTENT))
    wanted = {"md5": "", "deps": [_over(data["deps"][0], dep)], "outs": [out]}
    wanted["md5"] = stage_md5({**data, **wanted}, file.wdir)
    return restated(file, _over(data, wanted, tuple(data)))


def _said(artifact: Artifact | None, algo: HashName) -> dict[str, Any]:
    return {"hash": algo} if artifact is None else content_of(artifact)


def _whole(
    more: Mapping[str, Any], dep: Mapping[str, Any], out: Mapping[str, Any], folder: str, *, summed: bool
) -> dict[str, Any]:
    said = {"frozen": True, "deps": [dep], "outs": [out]}
    return {**more, **({"md5": stage_md5({**more, **said}, folder)} if summed else {}), **said}


def _over(old: Mapping[str, Any], new: Mapping[str, Any], kept: Collection[str] = ()) -> dict[str, Any]:
    """A map that says something new: what it had keeps its place; of the rest only what is named stays."""
    known = {key: new.get(key, value) for key, value in old.items() if key in new or key in kept}
    if isinstance(old.get("repo"), Mapping) and isinstance(new.get("repo"), Mapping):
        known["repo"] = _over(old["repo"], new["repo"])
    return {**known, **{key: value for key, value in new.items() if key not in known}}
