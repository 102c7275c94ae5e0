"""The lock files of a pipeline while a command works on them: read once, written after every stage.

While a stage runs somebody else may write them, too; `look_again` takes that up, so that nothing of theirs is lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from assay.engine import disk
from assay.engine.events import LockWritten
from assay.engine.params import documents
from assay.engine.pipeline import lock
from assay.engine.pipeline.lock import LockEntry, LockFile
from assay.engine.pipeline.stage import Stage

if TYPE_CHECKING:
    from assay.engine.project import Project


class Locks:
    """Lock entries by stage.

    Attributes:
        written: The lock files that were changed, as project paths.
    """

    def __init__(self, project: Project) -> None:
        self._project = project
        self._files: dict[str, LockFile] = {}
        self._texts: dict[str, str] = {}
        self._bytes: dict[str, bytes | None] = {}
        self.written: dict[str, None] = {}

    def entry(self, stage: Stage) -> LockEntry | None:
        """What was recorded when the stage last ran. Raises BadInput when its lock file is not one."""
        return self._file(stage.lock_path).stages.get(stage.name)

    def data(self, stage: Stage) -> Mapping[str, Any] | None:
        """`entry` as its file has it, with what a cloud calls its outputs."""
        found: Mapping[str, Any] | None = self._file(stage.lock_path).data.get("stages", {}).get(stage.name)
        return found

    def put(self, entries: Mapping[str, Mapping[str, LockEntry]]) -> None:
        """Writes entries, by lock file and stage name; each file once, and only if that changes it."""
        for path, changed in entries.items():
            before = self._file(path)
            if path not in self._texts:
                self._texts[path] = lock.dump(before)
            after = before.replaced(changed)
            text = lock.dump(after)
            if text == self._texts[path]:
                continue
            is_new = not before.data
            self._write(path, text)
            self._project.report(LockWritten(path, is_new))
            self._files[path], self._texts[path] = after, text
            self.written[path] = None

    def restate(self, path: str, stages: Mapping[str, Mapping[str, Any]]) -> None:
        """Writes the data of entries, by stage name: what says more than an entry, and nothing else of it."""
        before = self._file(path).data
        text = lock.dump(LockFile(data={**before, "stages": {**before["stages"], **stages}}))
        if text.encode("utf-8") != self._bytes[path]:
            self._write(path, text)
            self._project.report(LockWritten(path, False))
            self.written[path] = None
            self._files.pop(path, None)
            self._texts.pop(path, None)

    def look_again(self) -> None:
        """Forgets what is not as it was when it was read or written here."""
        for path, data in list(self._bytes.items()):
            if self._project.read(path) != data:
                self._files.pop(path, None)
                self._texts.pop(path, None)

    def _write(self, path: str, text: str) -> None:
        self._bytes[path] = text.encode("utf-8")
        try:
            disk.write_keeping_mode(self._project.path(path), text.encode("utf-8"))
        except OSError as error:
            raise disk.no_space(error, path) from error

    def _file(self, path: str) -> LockFile:
        found = self._files.get(path)
        if found is None:
            data = self._project.read(path)
            self._bytes[path] = data
            found = LockFile() if data is None else lock.parse(documents.decoded(path, data), path)
            if data is not None and b"files:" in data:
                for listed in lock.listings(found):
                    self._project.cache.lend(listed.artifact.digest, listed.listing)
            self._files[path] = found
        return found
