"""Records which versions of data a remote keeps, in the ``.dvc`` and lock files of the workspace.

What changed since it was sent is left as it is: the version would be that of something else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

from assay.engine.errors import StoreError
from assay.engine.model import Digest
from assay.engine.params import documents
from assay.engine.pipeline import datafile, spec
from assay.engine.pipeline.clouds import Record, digest_of, listed, recorded
from assay.engine.pipeline.datafile import DataFile
from assay.engine.pipeline.datafiles import write
from assay.engine.pipeline.locks import Locks
from assay.engine.pipeline.stage import Stage
from assay.engine.project import Project
from assay.engine.store.manifest import files_in
from assay.engine.workspace.hold import hold


def record_versions(project: Project, records: Mapping[str, Record]) -> tuple[str, ...]:
    """Writes versions beside the digests of outputs.

    Args:
        project: The project.
        records: What is known, by the project path of the output.

    Returns:
        The project paths of the files that were written.

    Raises:
        Locked: Somebody else changes the workspace.
        Refused: A file cannot be changed in place.
    """
    with hold(project):
        pipeline, locks, scribe = spec.load(project), Locks(project), _Scribe(project, records)
        texts = dict(scribe.texts(pipeline.data.values()))
        entries: dict[str, dict[str, Any]] = {}
        for stage in pipeline.stages.values():
            data = locks.data(stage)
            if data is not None and (changed := scribe.entry(stage, data)) is not None:
                entries.setdefault(stage.lock_path, {})[stage.name] = changed
        write(project, texts)
        for path, stages in entries.items():
            locks.restate(path, stages)
        return (*texts, *locks.written)


class _Scribe:
    """Says anew what pipeline files say."""

    def __init__(self, project: Project, records: Mapping[str, Record]) -> None:
        self._cache = project.cache
        self._records = records

    def texts(self, files: Any) -> Iterator[tuple[str, str]]:
        """The new texts of those ``.dvc`` files that change, by project path."""
        for file in files:
            if any(self._is_about(out.path, out.artifact and out.artifact.digest) for out in file.outs):
                text = self._text(file)
                if text != file.source.text:
                    yield file.path, text

    def entry(self, stage: Stage, data: Mapping[str, Any]) -> dict[str, Any] | None:
        """The new data of a stage's entry; None where nothing of it is meant."""
        items = {item["path"]: item for item in data.get("outs") or ()}
        meant = [out for out in stage.outs if self._is_about(out.path, self._digest(items.get(out.spelled, {})))]
        if not meant:
            return None
        outs = {spelled: listed(item, self._listing) for spelled, item in items.items()}
        for out in meant:
            outs[out.spelled] = recorded(outs[out.spelled], self._records[out.path])
        deps = [listed(item, self._listing) for item in data.get("deps") or ()]
        return {key: {"outs": list(outs.values()), "deps": deps}.get(key, value) for key, value in data.items()}

    def _text(self, file: DataFile) -> str:
        said = documents.parse(file.path, file.source.text)
        items = [listed(item, self._listing) for item in said["outs"]]
        for out in file.outs:
            if self._is_about(out.path, out.artifact and out.artifact.digest):
                at = cast(int, out.keys[1])
                items[at] = recorded(items[at], self._records[out.path])
        said["outs"] = items
        if "deps" in said:
            said["deps"] = [dep if "repo" in dep else listed(dep, self._listing) for dep in said["deps"]]
        return datafile.restated(file, said)

    def _is_about(self, path: str, digest: Digest | None) -> bool:
        record = self._records.get(path)
        return record is not None and record.digest == digest

    def _digest(self, item: Mapping[str, Any]) -> Digest | None:
        from assay.engine.pipeline.lock import listing_in

        found = listing_in(item) if "files" in item else None
        return digest_of(item) if found is None else found.artifact.digest

    def _listing(self, digest: Digest) -> dict[str, str] | None:
        try:
            return {path: entry.digest.hex for path, entry in files_in(self._cache, digest)}
        except StoreError:
            return None
