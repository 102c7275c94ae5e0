"""dvc.lock: what each stage was when it last ran, its command, params, and the digests of what it read and wrote.

The file is DVC's, schema 2.0, byte for byte as DVC 3.67 writes it; artifacts whose hash is not md5 carry
``hash: <name>`` and ``digest: <hex>[.dir]`` where DVC has ``hash: md5`` and ``md5: <hex>[.dir]`` (docs/formats.md).
Entries that a command does not touch are written back as they were read; comments are not kept.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, cast

from assay.engine.model import HEX_LENGTH, Artifact, Digest, HashName
from assay.engine.params import documents
from assay.engine.pipeline import lockyaml
from assay.engine.pipeline.datashape import LOCKED, check
from assay.engine.pipeline.source import Keys, Source, nearest
from assay.engine.ports import UrlState

_TOP = ("schema", "stages", "datasets")
_STAGE = ("cmd", "deps", "params", "outs")
_COMMON = frozenset(["path", "hash", "digest", "md5", "size", "nfiles", "isexec"])
_VERSION = ("version_id", "etag", "checksum", "cloud")
_SCHEMA = "2.0"
_PARAMS_FILE = "params.yaml"
_hexadecimal = re.compile("[0-9a-f]+").fullmatch

_NOTHING: Mapping[str, Any] = MappingProxyType({})

Cmd = str | tuple[str, ...]


class LockEntry(NamedTuple):
    """What one stage was.

    Attributes:
        cmd: Its command.
        deps: What it read, by path as its dvc.yaml spells it; None where the entry holds no digest.
        params: The values of its parameters, by file as spelled, then by dotted key.
        outs: What it wrote, like ``deps``.
        datasets: What the data sets were that it read, by path as its dvc.yaml spells it (``ds://name``).
        again: Paths of ``deps`` that are listed more than once, one for each further time.
        urls: What servers said of the URLs among ``deps`` and ``outs``, which are None there.
    """

    cmd: Cmd
    deps: Mapping[str, Artifact | None] = _NOTHING
    params: Mapping[str, Mapping[str, Any]] = _NOTHING
    outs: Mapping[str, Artifact | None] = _NOTHING
    datasets: Mapping[str, Mapping[str, Any]] = _NOTHING
    again: tuple[str, ...] = ()
    urls: Mapping[str, UrlState] = _NOTHING


class LockFile(NamedTuple):
    """A lock file: its entries by stage name, and the data it was read from."""

    stages: Mapping[str, LockEntry] = _NOTHING
    data: Mapping[str, Any] = _NOTHING

    def replaced(self, entries: Mapping[str, LockEntry]) -> LockFile:
        """The same with these entries changed or, after the others, added.

        What a cloud calls a file stays where the file is the same, as with DVC.
        """
        before = self.data.get("stages", {})
        changed = {name: versioned(entry, before.get(name)) for name, entry in entries.items()}
        stages = {**before, **changed}
        return LockFile({**self.stages, **entries}, {"schema": _SCHEMA, **self.data, "stages": stages})

    def without(self, names: Collection[str]) -> LockFile:
        """The same without these stages' entries; empty when nothing else is in it."""
        stages = {name: entry for name, entry in self.data.get("stages", {}).items() if name not in names}
        if not stages and not self.data.get("datasets"):
            return LockFile()
        kept = {name: entry for name, entry in self.stages.items() if name not in names}
        return LockFile(kept, {**self.data, "stages": stages})


def parse(text: str, path: str) -> LockFile:
    """What a lock file says.

    Args:
        text: The whole file.
        path: Its path in the project, for errors.

    Raises:
        BadInput: It is not YAML, or not a lock file of this schema; line and key are named.
    """
    source = Source(path, text)
    data = documents.parse(path, text)
    if data == {}:
        return LockFile()
    if not isinstance(data, dict):
        raise source.bad((), "is not a map", "Restore it from the last commit.")
    for key in data:
        if key not in _TOP:
            raise source.bad((key,), "lock files have no such key", nearest(str(key), _TOP))
    if data.get("schema") != _SCHEMA:
        problem = f"should be '{_SCHEMA}', not {data.get('schema')!r}"
        raise source.bad(("schema",), problem, "It was written by another version of DVC.")
    stages = _map(source, ("stages",), data.get("stages"))
    if "stages" in data:
        data["stages"] = stages  # nothing behind the key is a map of none
    return LockFile({name: _entry(source, ("stages", name), entry) for name, entry in stages.items()}, data)


def parse_entry(text: str, path: str) -> LockEntry:
    """What a file says that holds one entry alone. Raises BadInput when it is none."""
    return _entry(Source(path, text), (), documents.parse(path, text))


def dump(lock: LockFile) -> str:
    """The text of a lock file, as DVC writes it."""
    return lockyaml.emit(lock.data)


def entry_data(entry: LockEntry) -> dict[str, Any]:
    """An entry as plain data in DVC's order: deps and outs by path, params.yaml before other files, its keys sorted.

    It shares nothing with other entries, so that a value is written as an alias only of one in the same entry.
    """
    data: dict[str, Any] = {"cmd": entry.cmd if isinstance(entry.cmd, str) else list(entry.cmd)}
    if entry.deps or entry.datasets:
        data["deps"] = [
            {"path": path, "dataset": dict(entry.datasets[path])}
            if path in entry.datasets
            else _item_data(path, entry.deps[path], entry.urls.get(path))
            for path in sorted([*{*entry.deps, *entry.datasets}, *entry.again])
        ]
    if entry.params:
        files = sorted(entry.params, key=lambda file: (file != _PARAMS_FILE, file))
        params = _apart(entry.params, {})
        data["params"] = {file: {key: params[file][key] for key in sorted(params[file], key=str)} for file in files}
    if entry.outs:
        data["outs"] = [_item_data(path, entry.outs[path], entry.urls.get(path)) for path in sorted(entry.outs)]
    return data


def _apart(value: Any, done: dict[int, Any]) -> Any:
    """A copy in which that is one container what is one in the value; ``done`` is what was copied so far."""
    if not isinstance(value, (Mapping, list, tuple)):
        return value
    copy = done.get(id(value))
    if copy is None:
        copy = done[id(value)] = (
            {key: _apart(inner, done) for key, inner in value.items()}
            if isinstance(value, Mapping)
            else [_apart(inner, done) for inner in value]
        )
    return copy


def _item_data(path: str, artifact: Artifact | None, url: UrlState | None) -> dict[str, Any]:
    data: dict[str, Any] = {"path": path}
    if artifact is None:
        return data if url is None else data | _url_data(url)
    digest = artifact.digest
    if digest.algo == "md5-dos2unix":
        data["md5"] = digest.text
    elif digest.algo == "md5":
        data |= {"hash": "md5", "md5": digest.text}
    else:
        data |= {"hash": digest.algo, "digest": digest.text}
    if artifact.size is not None:
        data["size"] = artifact.size
    if artifact.nfiles is not None:
        data["nfiles"] = artifact.nfiles
    if artifact.is_exec:
        data["isexec"] = True
    return data


def _url_data(url: UrlState) -> dict[str, Any]:
    data: dict[str, Any] = {"hash": "md5", url.key: url.value}
    if url.size is not None:
        data["size"] = url.size
    if url.nfiles is not None:
        data["nfiles"] = url.nfiles
    return data | ({"version_id": url.version_id} if url.version_id else {})


def versioned(new: LockEntry, before: Mapping[str, Any] | None) -> dict[str, Any]:
    """An entry as plain data, with the versions that a cloud has of outputs that are what they were.

    Args:
        new: The entry; the files of a folder have no versions.
        before: The data of the one that it replaces.
    """
    entry = entry_data(new)
    if before is None or "outs" not in entry:
        return entry
    known = {item["path"]: item for item in before.get("outs") or ()}
    entry["outs"] = [{**item, **_versions(item, known.get(item["path"], _NOTHING))} for item in entry["outs"]]
    return entry


def _versions(item: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    cloud = before.get("cloud") or {}
    if "version_id" not in before and not any("version_id" in said for said in cloud.values()):
        return {}
    if "nfiles" in item or not item.keys().isdisjoint(_VERSION):
        return {}
    if any(item.get(key) != before.get(key) for key in ("hash", "md5", "digest")):
        return {}
    return {key: before[key] for key in _VERSION if key in before}


def _map(source: Source, keys: Keys, data: Any) -> dict[str, Any]:
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise source.bad(keys, "should be a map")
    for key in data:
        if not isinstance(key, str):
            raise source.bad((*keys, str(key)), "is not text")
    return data


def _entry(source: Source, keys: Keys, data: Any) -> LockEntry:
    entry = _map(source, keys, data)
    for key in entry:
        if key not in _STAGE:
            raise source.bad((*keys, key), "a stage's entry has no such key", nearest(key, _STAGE))
    cmd = entry.get("cmd")
    if isinstance(cmd, list) and all(isinstance(command, str) for command in cmd):
        cmd = tuple(cmd)
    elif not isinstance(cmd, str):
        raise source.bad((*keys, "cmd"), "should be a command or a list of commands")
    params = _map(source, (*keys, "params"), entry.get("params"))
    return LockEntry(
        cmd,
        _items(source, (*keys, "deps"), entry.get("deps")),
        {file: _map(source, (*keys, "params", file), values) for file, values in params.items()},
        _items(source, (*keys, "outs"), entry.get("outs")),
        _datasets(entry.get("deps")),
        _again(entry.get("deps")),
        _urls([*(entry.get("deps") or ()), *(entry.get("outs") or ())]),
    )


def _urls(items: list[Any]) -> dict[str, UrlState]:
    """What is said of URLs; of several words for the content the first one counts, as in DVC."""
    found = {}
    for item in items:
        key = next((key for key in ("etag", "checksum", "md5") if item.get(key)), "") if "://" in item["path"] else ""
        if key:
            said = (str(item[key]), item.get("size"), item.get("nfiles"), item.get("version_id") or "")
            found[item["path"]] = UrlState(key, *said)
    return found


def _again(deps: Any) -> tuple[str, ...]:
    paths = [item["path"] for item in deps or ()]
    return tuple(path for at, path in enumerate(paths) if path in paths[:at]) if len(set(paths)) < len(paths) else ()


def _datasets(deps: Any) -> dict[str, Mapping[str, Any]]:
    found = {item["path"]: item.get("dataset") for item in deps or ()}
    return {path: dataset for path, dataset in found.items() if isinstance(dataset, dict)}


def _items(source: Source, keys: Keys, data: Any) -> dict[str, Artifact | None]:
    if data is None:
        return {}
    if not isinstance(data, list):
        raise source.bad(keys, "should be a list")
    found: dict[str, Artifact | None] = {}
    for at, item in enumerate(data):
        if not isinstance(item, dict) or not isinstance(item.get("path"), str):
            raise source.bad((*keys, at), "should be a map with a path")
        if not item.keys() <= _COMMON:
            check(source, (*keys, at), item, LOCKED)
        found[item["path"]] = artifact_of(source, (*keys, at), item)
    return found


def artifact_of(source: Source, keys: Keys, item: Mapping[str, Any]) -> Artifact | None:
    """The artifact that an item names by hash and digest; None when nothing in it says which. Raises BadInput."""
    algo, key = item.get("hash"), "md5"
    if algo is None:
        algo = "md5-dos2unix"
    elif algo != "md5":
        key = "digest"
    if algo not in HEX_LENGTH:
        raise source.bad((*keys, "hash"), f"{algo!r} is not a hash that this version knows")
    text = item.get(key)
    if text is None:
        listed = listing_in(item)
        return None if listed is None else listed.artifact
    is_dir = isinstance(text, str) and text.endswith(".dir")
    value = text[:-4] if is_dir else text
    if not isinstance(text, str) or len(value) != HEX_LENGTH[algo] or not _hexadecimal(value):
        raise source.bad((*keys, key), f"{text!r} is not a digest of {algo}")
    size, nfiles = item.get("size"), item.get("nfiles")
    if not isinstance(size, (int, type(None))) or not isinstance(nfiles, (int, type(None))):
        raise source.bad((*keys, "size"), "size and nfiles should be whole numbers")
    is_exec = item.get("isexec", False)
    if not isinstance(is_exec, bool):
        raise source.bad((*keys, "isexec"), "should be true or false")
    return Artifact(Digest(cast("HashName", algo), value, is_dir), size, nfiles, is_exec)


class Listed(NamedTuple):
    """A directory whose files stand in the lock or ``.dvc`` file itself: what it is, and the bytes of its listing."""

    artifact: Artifact
    listing: bytes


def listing_in(item: Mapping[str, Any]) -> Listed | None:
    """The directory whose files an item names itself, as DVC writes it for remotes that keep versions.

    None where it names none, or one without its md5.
    """
    files = item.get("files")
    if not files or not all(isinstance(file.get("md5"), str) for file in files):
        return None
    from assay.engine.store.manifest import listing_of

    digest, listing = listing_of({file["relpath"]: file["md5"] for file in files})
    if item.get("hash") is None:
        digest = digest._replace(algo="md5-dos2unix")
    return Listed(Artifact(digest, sum(file.get("size") or 0 for file in files), len(files)), listing)


def listings(lock: LockFile) -> list[Listed]:
    """The outputs whose files stand in a lock file itself."""
    entries = lock.data.get("stages", {}).values()
    found = (listing_in(item) for entry in entries for item in entry.get("outs") or ())
    return [listed for listed in found if listed is not None]
