"""What a command replaces on its way although nothing else has it, in one undo record.

A run does not know at its start which outputs its stages will replace: the record is begun when the first thing is
about to go and grows with the others. Each part is written before what it is about goes away.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from assay.engine import disk
from assay.engine.events import Note
from assay.engine.git.objects import BLOB, object_id
from assay.engine.git.trees import lookup
from assay.engine.model import Artifact, Oid
from assay.engine.project import Project

if TYPE_CHECKING:
    from assay.engine.workspace.undo import Record

_MANY = 500
"""More experiments than that are not looked through for a file."""


class Replaced:
    """One command's undo record, if it comes to one.

    Args:
        project: The project.
        what: The command, for a person.
    """

    def __init__(self, project: Project, what: str) -> None:
        self._project = project
        self._what = what
        self._record: Record | None = None

    def files(self, paths: Iterable[str]) -> None:
        """Remembers files that are about to be written; called once, first.

        Args:
            paths: Project paths.
        """
        lost = list(paths)
        if not lost:
            return
        from assay.engine.workspace import undo  # which few runs need

        project = self._project
        self._record = undo.remember(project, self._what, paths=[project.prefix + path for path in lost])
        for path in lost:
            project.report(Note(f"{path} had edits that nothing else has; `assay undo` gives back what it was."))

    def outs(self, artifacts: Mapping[str, Artifact]) -> None:
        """Remembers outputs that are about to go, by project path; the cache has what they are."""
        if not artifacts:
            return
        from assay.engine.workspace import undo

        disk.sync_tree(self._project.cache_folder)
        if self._record is None:
            self._record = undo.remember(self._project, self._what, outs=artifacts)
        else:
            self._record = undo.extend(self._project, self._record, artifacts)


def only_here(project: Project, paths: Iterable[str]) -> list[str]:
    """Those of these project paths whose content no commit has that one would look for it in: HEAD, its experiments."""
    head = project.repo.head()
    found = []
    for path in paths:
        data = project.read(path)
        if data is not None and not _is_kept(project, head, path, object_id(BLOB, data)):
            found.append(path)
    return found


def _is_kept(project: Project, head: Oid | None, path: str, blob: Oid) -> bool:
    if head is None:
        return False
    objects, prefix = project.repo.objects, f"refs/exps/{head.hex()[:2]}/{head.hex()[2:]}/"
    experiments = [oid for _, oid in project.repo.refs.iterate(prefix)]
    for commit in (head, *(experiments if len(experiments) <= _MANY else ())):
        item = lookup(objects, objects.read_commit(commit).tree, project.prefix + path)
        if item is not None and item.oid == blob:
            return True
    return False
