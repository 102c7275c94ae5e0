"""The start snapshot: what the code, the params and every file that no stage writes were when a run began.

HEAD is read and the changed files are hashed, and their blobs written, before the first stage starts. What is edited or
committed while the stages run belongs to the next experiment.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from assay.engine.errors import Refused
from assay.engine.git.status import snapshot_changes
from assay.engine.layout import SNAPSHOT_LIMIT
from assay.engine.model import Oid
from assay.engine.pipeline.spec import Pipeline
from assay.engine.project import Project
from assay.engine.workspace.files import Changes, outputs_of, stored, within


class Start(NamedTuple):
    """The state of the workspace at one moment.

    Attributes:
        head: The commit that HEAD named: the experiment's baseline.
        base_tree: That commit's tree.
        changes: How the work tree differs from it; the blobs are in the object database.
    """

    head: Oid
    base_tree: Oid
    changes: Changes


def baseline_of(project: Project) -> Oid:
    """The commit that HEAD names.

    Raises:
        Refused: The branch has no commit yet.
        GitError: The repository has no work tree.
    """
    _ = project.prefix  # says so when the repository is bare
    head = project.repo.head()
    if head is None:
        raise Refused(
            "There is no commit yet that an experiment could start from.", 'Make one with `assay baseline -m "first"`.'
        )
    return head


def take(project: Project, pipeline: Pipeline, head: Oid, *, apart: Collection[str] = ()) -> Start:
    """Takes the start snapshot.

    Args:
        project: The project.
        pipeline: Its stages; what they keep in the cache is left out.
        head: What `baseline_of` gave.
        apart: Work tree paths that are left out too, however large: the caller takes them otherwise.

    Raises:
        Refused: An untracked file is too large to be taken silently.
    """
    base_tree = project.repo.objects.read_commit(head).tree
    is_cached = within(outputs_of(project, pipeline, cached=True))
    with project.repo.objects.batch() as batch:
        changes = snapshot_changes(
            project.repo,
            base_tree,
            batch.add,
            include_untracked=project.layout.takes_untracked,
            report=project.report,
            limit_bytes=SNAPSHOT_LIMIT,
            skip=lambda path: path in apart or is_cached(path),
        )
    return Start(head, base_tree, changes)


def with_files(project: Project, start: Start, paths: Collection[str]) -> Start:
    """The same snapshot, but with some files as they are now: those that the command itself just wrote."""
    if not paths:
        return start
    with project.repo.objects.batch() as batch:
        return start._replace(changes={**start.changes, **stored(project, batch, paths)})
