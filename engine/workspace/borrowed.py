"""Whether DVC has borrowed HEAD: it runs, and saves, an experiment by checking it out in the workspace.

From then until the end HEAD is detached: at the baseline first, and at the new experiment once that is committed. DVC
locks the project for parts of that time only. Whoever takes HEAD for a baseline, or moves it, must not believe it
then. The ref ``EXEC_BASELINE`` is there nearly as long; a record of the process outlives it where a pipeline runs.

Limits: a DVC that was killed leaves HEAD detached and the ref behind, which looks the same; the hint says how to go on.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from assay.engine.errors import Locked
from assay.engine.flock import PATIENCE
from assay.engine.locks import process_ended
from assay.engine.workspace.hold import Held, hold

if TYPE_CHECKING:
    from assay.engine.model import Oid
    from assay.engine.project import Project

_BASELINE, _HEAD = "refs/exps/exec/EXEC_BASELINE", "refs/exps/exec/EXEC_HEAD"
_PAUSE = 0.05  # seconds between two looks at HEAD: nothing tells when DVC gives it back
_ENDING = 1.5


@contextmanager
def hold_with_head(project: Project) -> Iterator[Held]:
    """`hold`, for what takes HEAD for a baseline or moves it: not while DVC has borrowed it.

    It is waited for without any lock, since DVC needs its own to go on.

    Raises:
        Locked: DVC's experiment takes longer than DVC itself would wait, or another command holds the workspace.
    """
    watch = _Watch(project)
    while True:
        while not watch.may_begin():
            time.sleep(_PAUSE)
        with hold(project) as held:
            if watch.may_begin():
                yield held
                return


class _Watch:
    """How long HEAD has not been the user's own."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._began = time.monotonic()
        self._ending: float | None = None

    def may_begin(self) -> bool:
        """Whether HEAD is the user's own. Raises Locked when that has been waited for too long."""
        now, state = time.monotonic(), _state(self._project) if self._project.layout.shared_locks else None
        if state and now - self._began >= PATIENCE:
            raise Locked(
                "DVC has an experiment checked out here: HEAD is detached, and it is no baseline of yours.",
                "Wait for DVC to end and try again; if none is running, `git checkout` your branch, "
                f"and remove what a killed one left with `git update-ref -d {_BASELINE}`.",
            )
        if state is not False:
            self._ending = None
            return state is None
        if self._ending is None:
            self._ending = now
        return now - self._ending >= _ENDING  # then it is an experiment that somebody has checked out by hand


def _state(project: Project) -> bool | None:
    """True while DVC's experiment is checked out, False when that may just be ending, None when HEAD is nobody's."""
    refs, head = project.repo.refs, project.repo.head()
    if head is None or project.repo.head_ref() is not None:
        return None
    if _comes_from(project, head, refs.read(_BASELINE)):
        return True
    if _runs(project):
        return True
    return False if _comes_from(project, head, refs.read(_HEAD)) and _is_experiment(project, head) else None


def _comes_from(project: Project, head: Oid, baseline: Oid | None) -> bool:
    return baseline is not None and (head == baseline or baseline in project.repo.objects.read_commit(head).parents)


def _is_experiment(project: Project, head: Oid) -> bool:
    baseline = (project.repo.refs.read(_HEAD) or head).hex()
    return any(oid == head for _, oid in project.repo.refs.iterate(f"refs/exps/{baseline[:2]}/{baseline[2:]}/"))


def _runs(project: Project) -> bool:
    """Whether the process is alive whose pipeline DVC runs in the workspace."""
    data = project.read(f"{project.layout.shared_locks}/exps/run/workspace/workspace.json")
    try:
        pid = json.loads(data or b"{}").get("pid")
    except (ValueError, AttributeError, RecursionError):
        return False
    return type(pid) is int and pid > 0 and not process_ended(pid, 0)
