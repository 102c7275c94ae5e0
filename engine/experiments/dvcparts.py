"""A stage or a ``.dvc`` file as DVC's ``exp show`` tells it: what it reads and writes, and what is known of that."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from assay.engine.experiments.locked import Described
from assay.engine.model import Digest
from assay.engine.params import documents
from assay.engine.pipeline import lock
from assay.engine.pipeline.datafile import DataFile
from assay.engine.pipeline.stage import Out, Stage

Told = dict[str, Any]
"""What one file, dependency or output is."""

_UNKNOWN: Mapping[str, Any] = {"hash": None, "size": None, "nfiles": None}


class Part(NamedTuple):
    """A stage or a ``.dvc`` file, and what is known of the digests of what it reads and writes, as it spells them."""

    item: Stage | DataFile
    deps: Mapping[str, Told]
    outs: Mapping[str, Told]


def foreign(path: str, data: bytes) -> Mapping[str, Mapping[str, Told]]:
    """By stage and by path as spelled: dependencies of which a lock file knows no digest that assay has."""
    stages = lock.parse(documents.decoded(path, data), path).data.get("stages") or {}
    return {
        name: {item["path"]: _item(item) for item in entry.get("deps") or () if "md5" not in item}
        for name, entry in stages.items()
    }


def _item(item: Mapping[str, Any]) -> Told:
    value = next((item[key] for key in ("md5", "etag", "checksum") if item.get(key)), None)
    return {"hash": value, "size": item.get("size"), "nfiles": item.get("nfiles")}


def described(artifacts: Mapping[str, Described]) -> dict[str, Told]:
    """Artifacts of a lock file, with the digest itself under ``digest``."""
    found = {}
    for path, about in artifacts.items():
        if about:
            text = about["digest"]
            digest = Digest(about["hash"], text.removesuffix(".dir"), text.endswith(".dir"))
            found[path] = {"hash": text, "size": about["size"], "nfiles": about.get("nfiles"), "digest": digest}
    return found


def of_data_file(file: DataFile) -> Part:
    """A ``.dvc`` file, which holds its digests itself."""
    outs = {}
    for out in file.outs:
        if out.artifact is not None:
            digest, size, nfiles, _ = out.artifact
            outs[out.spelled] = {"hash": digest.text, "size": size, "nfiles": nfiles, "digest": digest}
    deps = {str(dep.get("path")): _item(dep) for dep in file.deps}
    return Part(file, deps, outs)


def kept(parts: Iterable[Part]) -> Iterator[tuple[str, Digest | None]]:
    """What the cache keeps by path, None where no digest is known."""
    for item, _, outs in parts:
        for out in item.outs:
            if out.cache:
                yield out.path, outs.get(out.spelled, {}).get("digest")


def deps_of(part: Part) -> Iterator[tuple[str, Told]]:
    """What is read, without what only DVC can fetch: files of other repositories, data sets."""
    item = part.item
    if isinstance(item, Stage):
        for dep in item.deps:
            if dep.place != "dataset":
                yield dep.path, _three(part.deps.get(dep.spelled, _UNKNOWN))
        return
    for about in item.deps:
        path = str(about.get("path"))
        if "repo" not in about and "db" not in about and not path.startswith("ds://"):
            is_url = "://" in path
            yield path if is_url else posixpath.normpath(posixpath.join(item.wdir, path)), _three(part.deps[path])


def outs_of(part: Part) -> Iterator[tuple[str, Told]]:
    """What is written, without metrics and plots."""
    is_data = isinstance(part.item, DataFile)
    for out in part.item.outs:
        if not isinstance(out, Out) or out.kind == "outs":
            told = _three(part.outs.get(out.spelled, _UNKNOWN))
            yield out.path, {**told, "use_cache": out.cache, "is_data_source": is_data}


def _three(told: Mapping[str, Any]) -> Told:
    return {"hash": told["hash"], "size": told["size"], "nfiles": told["nfiles"]}


def place_of(root: str, path: str) -> str:
    """A dependency's path as DVC tells it: relative to the project; of a URL what follows its scheme.

    In a commit the repository is the root of everything, so that what lies elsewhere seems to lie in it.
    """
    scheme, marker, rest = path.partition("://")
    if marker:
        return posixpath.normpath(f"{scheme}:/{rest}" if scheme in ("http", "https") else rest)
    if path.startswith(("/", "../")):
        return posixpath.relpath(posixpath.normpath(posixpath.join(root, path)), root)
    return path
