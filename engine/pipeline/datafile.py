"""``.dvc`` files: data that no stage writes, tracked by its digest.

The format is DVC 3.67's, imports included; artifacts whose hash is not md5 carry ``hash: <name>`` and ``digest:``, as
in lock files. A file that is changed keeps every byte that the change is not about. What an import came from is kept
as plain data.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, cast

from assay.engine.model import Artifact, Digest, Entry, HashName
from assay.engine.params import documents
from assay.engine.pipeline import lockyaml
from assay.engine.pipeline.datashape import DATA_FILE, DEP, OUT, check
from assay.engine.pipeline.discover import DATA_ENDING, NAME
from assay.engine.pipeline.importsum import stage_md5, with_hash
from assay.engine.pipeline.lock import Listed, artifact_of, listing_in
from assay.engine.pipeline.paths import out_path, project_path, relative
from assay.engine.pipeline.source import Keys, Source
from assay.engine.pipeline.stage import Place
from assay.engine.store.manifest import files_in
from assay.engine.store.rows import Reader

CONTENT = ("md5", "etag", "checksum", "hash", "digest", "size", "nfiles", "isexec", "version_id", "cloud", "files")
_UNSEEN = Artifact(Digest("md5", "0" * 32, is_dir=True), None)
"""Stands for a folder of which it is not known what is in it."""


class DataOut(NamedTuple):
    """One file or folder that a ``.dvc`` file tracks.

    Attributes:
        path: Its project path; outside the project that of an `Out` of a stage.
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
        listed: A directory whose files stand in the ``.dvc`` file itself.
        place: What kind of place it is in.
        is_listed: Whether the ``.dvc`` file names its files, with digests or without.
        settings: Of the place that it was imported from (``fs_config``).
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
    listed: Listed | None = None
    place: Place = "project"
    is_listed: bool = False
    settings: Mapping[str, Any] = {}


class DataFile(NamedTuple):
    """What a ``.dvc`` file says.

    Attributes:
        path: Its project path.
        outs: What it tracks in the project.
        outside: What it tracks elsewhere: it is looked at, and never written.
        deps: Where an import came from, as plain data.
        frozen: Whether it is left alone by `repro`.
        wdir: The folder that its paths are relative to, as a project path; "" is the root.
        source: Its text.
    """

    path: str
    outs: tuple[DataOut, ...]
    outside: tuple[DataOut, ...] = ()
    deps: tuple[Mapping[str, Any], ...] = ()
    frozen: bool = False
    wdir: str = ""
    source: Source = Source("", "")

    @property
    def is_import(self) -> bool:
        """Whether the data came from elsewhere and can be fetched anew there."""
        return bool(self.deps)

    @property
    def is_as_summed(self) -> bool:
        """Whether an import's file says what its checksum was made of; an import that nothing was taken of has none."""
        data = documents.parse(self.path, self.source.text)
        return bool(data.get("md5") == stage_md5(data, self.wdir))

    @property
    def all_outs(self) -> tuple[DataOut, ...]:
        """What it tracks, wherever that is."""
        return (*self.outs, *self.outside)

    @property
    def recordable(self) -> tuple[DataOut, ...]:
        """What can be recorded anew: what lies in the project, and files elsewhere that the cache does not keep."""
        return (*self.outs, *(out for out in self.outside if out.place == "outside" and not out.cache))

    @property
    def awaited(self) -> dict[str, Artifact]:
        """What it is to track and nobody has hashed yet, by project path.

        That is an import that was not downloaded, which has the digest that its source has; and a folder of which
        some file has none, which gets a digest that no content has.
        """
        return {
            out.path: found
            for out in self.outs
            if out.cache and out.artifact is None and (found := _awaited(self, out)) is not None
        }

    @property
    def partly(self) -> dict[str, dict[str, Digest | None]]:
        """Of folders of which some file has no digest, what is known of each file, by the folder's project path."""
        found: dict[str, dict[str, Digest | None]] = {}
        for out in self.outs:
            if out.cache and out.artifact is None and out.is_listed:
                item = documents.parse(self.path, self.source.text)["outs"][cast(int, out.keys[1])]
                algo: HashName = "md5" if item.get("hash") else "md5-dos2unix"
                rows = {file["relpath"]: file.get("md5") for file in item["files"]}
                found[out.path] = {name: Digest(algo, str(value)) if value else None for name, value in rows.items()}
        return found

    @property
    def unnamed(self) -> set[str]:
        """What it is to track and of which nothing is known: imports from repositories that were not downloaded."""
        return {out.path for out in self.outs if out.cache and out.artifact is None} - self.awaited.keys()

    @property
    def cached(self) -> dict[str, Artifact]:
        """What it tracks in the project and the cache: artifacts by project path."""
        return {out.path: out.artifact for out in self.outs if out.cache and out.artifact is not None}


@lru_cache(maxsize=1024)
def parse_file(data: bytes, path: str, root: str = "") -> DataFile:
    """`parse` for a blob; remembered, since most commits of a project share their ``.dvc`` files."""
    return parse(documents.decoded(path, data), path, root)


def parse(text: str, path: str, root: str = "") -> DataFile:
    """What a ``.dvc`` file says.

    Args:
        text: The file's content.
        path: Its path in the project; paths in it are relative to that place.
        root: The project's absolute path, which absolute paths in the file may lie in.

    Raises:
        BadInput: It is not one; line and key are named.
    """
    source = Source(path, text, root)
    content = documents.parse(path, text)
    check(source, (), content, DATA_FILE)
    wdir, outs, deps = content.get("wdir") or ".", content.get("outs") or [], content.get("deps") or []
    for at, dep in enumerate(deps):
        check(source, ("deps", at), dep, DEP)
        if not dep.keys() & {"path", "db"}:
            raise source.bad(("deps", at), "has no path")
    folder = posixpath.dirname(path)
    folder = posixpath.normpath(posixpath.join(folder, relative(source, wdir, folder)))
    folder = "" if folder == "." else folder
    found = tuple(_out(source, ("outs", at), item, folder) for at, item in enumerate(outs))
    frozen = content.get("frozen") is True or content.get("locked") is True
    inside = tuple(out for out in found if out.place == "project")
    outside = tuple(out for out in found if out.place != "project")
    return DataFile(path, inside, outside, tuple(deps), frozen, folder, source)


def _out(source: Source, keys: Keys, item: Any, folder: str) -> DataOut:
    check(source, keys, item, OUT)
    path, place = out_path(source, keys, item["path"], folder)
    if place == "project":
        path = project_path(source, keys, path if item["path"] else "", "")
    elif not path.strip("./"):  # to look at it would be to look at everything
        raise source.bad(keys, f"{item['path']!r} holds the whole project")
    if path.endswith(DATA_ENDING) or posixpath.basename(path) == NAME:
        raise source.bad(keys, f"{item['path']!r} is a pipeline file, which cannot be data")
    return DataOut(
        path,
        relative(source, item["path"], folder),
        artifact_of(source, keys, item),
        item.get("cache", True),
        item.get("push", True),
        item.get("remote") or "",
        item.get("persist", False),
        item.get("desc") or "",
        item.get("type") or "",
        tuple(item.get("labels", ())),
        item.get("meta"),
        keys,
        listing_in(item) if "files" in item else None,
        place,
        bool(item.get("files")),
        item.get("fs_config") or {},
    )


def _awaited(file: DataFile, out: DataOut) -> Artifact | None:
    if out.is_listed:
        return _UNSEEN
    return artifact_of(file.source, ("deps", 0), file.deps[0]) if file.deps else None


def updated(file: DataFile, artifacts: Mapping[str, Artifact], cache: Reader, can_run: Callable[[str], bool]) -> str:
    """The file's text with other artifacts, and every byte as it was that this is not about.

    Args:
        file: What it says now.
        artifacts: The new artifacts by project path; paths that the file does not track are not looked at.
        cache: Where manifests are read, for a directory whose files the ``.dvc`` file names itself.
        can_run: Whether the file at a project path is executable, for the same.

    Raises:
        Refused: The text cannot be changed in place, as where two outs share a value through a YAML anchor.
    """
    text = file.source.text
    data = documents.parse(file.path, text)
    outs = list(data["outs"])
    for out in file.all_outs:
        at, artifact = cast(int, out.keys[1]), artifacts.get(out.path)
        if artifact is not None and artifact != out.artifact:
            is_listed = artifact.digest.is_dir and outs[at].get("files") is not None
            if is_listed:
                entries = files_in(cache, artifact.digest)
                rows = [_row(path, entry, can_run(f"{out.path}/{path}")) for path, entry in entries]
                outs[at] = _relisted(outs[at], artifact, rows)
            else:
                outs[at] = _replaced(outs[at], artifact)
            outs[at]["path"] = out.spelled
    if "wdir" in data:
        data["wdir"] = relative(file.source, data["wdir"], posixpath.dirname(file.path))
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
    return _rewritten(file._replace(path=path, wdir=posixpath.dirname(path)), wanted)


def _rewritten(file: DataFile, wanted: dict[str, Any]) -> str:
    if "md5" in wanted and not file.is_import:  # DVC 1 summed up other files too; nobody looks at that any more
        del wanted["md5"]
    elif "md5" in wanted:
        wanted["deps"] = [with_hash(dep, file.wdir) for dep in wanted["deps"]]
        wanted["md5"] = stage_md5(wanted, file.wdir)
    return restated(file, wanted)


def restated(file: DataFile, wanted: dict[str, Any]) -> str:
    """The file's text where it is to say this, which must be all that it is to say. Raises Refused as `updated`."""
    text = file.source.text
    if lockyaml.emit(documents.parse(file.path, text)) == text:  # as a program wrote it: so it stays
        return lockyaml.emit(wanted)
    return documents.rewritten(file.path, text, wanted)


def _replaced(item: Mapping[str, Any], artifact: Artifact) -> dict[str, Any]:
    """The map of an out with another artifact: what it has keeps its place, what it has not yet comes last."""
    content = content_of(artifact)
    kept = {key: content.get(key, value) for key, value in item.items() if key in content or key not in CONTENT}
    if kept.keys() & ("md5", "digest") or not item.keys() & ("md5", "digest"):
        return {**kept, **content}
    # The hash changed its name, so that there is no place to keep: the digest comes first, as in a new file.
    return {**{key: content[key] for key in content if key not in kept}, **kept}


def _row(path: str, entry: Entry, can_run: bool) -> dict[str, Any]:
    return {"relpath": path, "md5": entry.digest.hex, "size": entry.size, **({"isexec": True} if can_run else {})}


def _relisted(item: Mapping[str, Any], artifact: Artifact, rows: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The map of an out that names its files itself: what is said of a file that is the same stays."""
    said = {file["relpath"]: file for file in item["files"]}
    files = []
    for row in rows:
        known = said.get(row["relpath"], {})
        is_same = known.get("md5") == row["md5"]
        files.append(known if is_same else {**{key: row[key] for key in known if key in row}, **row})
    hashed = {"hash": artifact.digest.algo} if artifact.digest.algo != "md5-dos2unix" else {}
    return {**item, **hashed, "files": files}


def content_of(artifact: Artifact) -> dict[str, Any]:
    """What a file says about an artifact, in DVC's order."""
    digest = artifact.digest
    found: dict[str, Any] = {"md5" if digest.algo.startswith("md5") else "digest": digest.text}
    if artifact.size is not None:
        found["size"] = artifact.size
    if artifact.nfiles is not None:
        found["nfiles"] = artifact.nfiles
    if artifact.is_exec:
        found["isexec"] = True
    if digest.algo != "md5-dos2unix":
        found["hash"] = digest.algo
    return found


def new_text(outs: Sequence[DataOut]) -> str:
    """The text of a new file, as DVC writes one."""
    items = [{**(content_of(out.artifact) if out.artifact is not None else {}), "path": out.spelled} for out in outs]
    return lockyaml.emit({"outs": items})
