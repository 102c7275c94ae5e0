"""``.dvc`` files: data that no stage writes, tracked by its digest.

Read only, and only what restoring and sharing the data needs; the keys of imports are accepted and left alone. The
format is DVC 3.67's.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from functools import lru_cache

from assay.engine.model import Artifact
from assay.engine.params import documents
from assay.engine.pipeline.lock import artifact_of
from assay.engine.pipeline.schema import project_path
from assay.engine.pipeline.source import Source

_TOP = ("outs", "deps", "md5", "wdir", "frozen", "locked", "desc", "meta", "always_changed")


@lru_cache(maxsize=1024)
def parse_bytes(data: bytes, path: str) -> Mapping[str, Artifact]:
    """What a ``.dvc`` file tracks in the cache: artifacts by project path.

    Args:
        data: The file's content.
        path: Its path in the project; paths in it are relative to that place.

    Raises:
        BadInput: It is not one; line and key are named.
    """
    source = Source(path, documents.decoded(path, data))
    content = documents.parse(path, source.text)
    if not isinstance(content, Mapping):
        raise source.bad((), "should be a map with outs")
    for key in content:
        if key not in _TOP:
            raise source.bad((str(key),), "a .dvc file has no such key")
    wdir, outs = content.get("wdir") or ".", content.get("outs") or []
    if not isinstance(wdir, str) or not isinstance(outs, list):
        raise source.bad(("outs",), "should be a list, and wdir a path")
    folder = posixpath.normpath(posixpath.join(posixpath.dirname(path), wdir))
    found = {}
    for at, item in enumerate(outs):
        keys = ("outs", at)
        if not isinstance(item, Mapping) or not isinstance(item.get("path"), str):
            raise source.bad(keys, "should be a map with a path")
        artifact = artifact_of(source, keys, item)
        if artifact is not None and item.get("cache", True):
            found[project_path(source, keys, item["path"], "" if folder == "." else folder)] = artifact
    return found
