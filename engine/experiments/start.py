"""The start snapshot: what the code, the params and every file that no stage writes were when a run began.

HEAD is read and the changed files are hashed, and their blobs written, before the first stage starts. What is edited or
committed while the stages run belongs to the next experiment.
"""

from __future__ import annotations

from dataclasses import dataclass

from assay.engine.errors import Refused
from assay.engine.experiments.workspace import Changes, cached_paths
from assay.engine.git.status import snapshot_changes
from assay.engine.layout import SNAPSHOT_LIMIT
from assay.engine.model import Oid
from assay.engine.pipeline.spec import Pipeline
from assay.engine.project import Project


@dataclass(frozen=True, slots=True)
class Start:
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


def take(project: Project, pipeline: Pipeline) -> Start:
    """Takes the start snapshot.

    Raises:
        Refused: There is no commit yet, or an untracked file is too large to be taken silently.
    """
    head = baseline_of(project)
    base_tree = project.repo.objects.read_commit(head).tree
    with project.repo.objects.batch() as batch:
        changes = snapshot_changes(
            project.repo,
            base_tree,
            batch.add,
            include_untracked=project.layout.takes_untracked,
            report=project.report,
            limit_bytes=SNAPSHOT_LIMIT,
            skip=cached_paths(project, pipeline),
        )
    return Start(head, base_tree, changes)
