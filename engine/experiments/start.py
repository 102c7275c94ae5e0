"""The start snapshot: what the code, the params and every file that no stage writes were when a run began.

HEAD is read and the changed files are hashed, and their blobs written, before the first stage starts. What is edited or
committed while the stages run belongs to the next experiment.

Of the files that Git does not track yet, some kinds of projects take all, others those that the pipeline names: its own
files, what stages read, and what stands under ``metrics``, ``params`` and ``plots`` in a dvc.yaml.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple

from assay.engine.errors import Refused
from assay.engine.git.status import snapshot_changes
from assay.engine.layout import SNAPSHOT_LIMIT
from assay.engine.model import Oid
from assay.engine.pipeline.paths import is_outside
from assay.engine.pipeline.spec import Pipeline
from assay.engine.project import Project
from assay.engine.workspace.files import Changes, outputs_of, stored, transient, within


class Start(NamedTuple):
    """The state of the workspace at one moment.

    Attributes:
        head: The commit that HEAD named: the experiment's baseline.
        base_tree: That commit's tree.
        changes: How the work tree differs from it; the blobs are in the object database.
        unnamed: Work tree paths of files and folders that Git does not know and the pipeline does not name, where that
            leaves them out.
    """

    head: Oid
    base_tree: Oid
    changes: Changes
    unnamed: tuple[str, ...] = ()


def baseline_of(project: Project) -> Oid:
    """The commit that HEAD names.

    Raises:
        Refused: The branch has no commit yet.
        GitError: The repository has no work tree.
    """
    project.require_git()
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
    takes_all = project.layout.takes_untracked
    is_unnamed = Unnamed(named(project, pipeline))
    is_left_out = within({*outputs_of(project, pipeline, cached=True), *transient(project)})
    with project.repo.objects.batch() as batch:
        changes = snapshot_changes(
            project.repo,
            base_tree,
            batch.add,
            include_untracked=True,
            report=project.report,
            limit_bytes=SNAPSHOT_LIMIT if takes_all else 0,
            skip=lambda path: path in apart or is_left_out(path),
            skip_untracked=None if takes_all else is_unnamed,
        )
    return Start(head, base_tree, changes, tuple(is_unnamed.met))


def named(project: Project, pipeline: Pipeline) -> set[str]:
    """The work tree paths that a pipeline names and that no stage writes into the cache, be they files or folders."""
    stages, files = pipeline.stages.values(), pipeline.files.values()
    read = {dep.path for stage in stages for dep in stage.deps if dep.place == "project"}
    found = {*pipeline.files, *pipeline.params_files, *_data_files(pipeline, read), *read}
    found.update(path for file in files for path in (*file.metrics, *file.plots))
    return {project.prefix + path for path in found if not is_outside(path)}


def _data_files(pipeline: Pipeline, read: Collection[str]) -> Iterable[str]:
    """The ``.dvc`` files of data that stages read, or read from."""
    is_read = within(read)
    for path, file in pipeline.data.items():
        if any(is_read(out.path) or any(map(within({out.path}), read)) for out in file.outs):
            yield path


class Unnamed:
    """Tells which paths are none of these names, lie below none of them, and lead to none of them.

    Attributes:
        met: Those it was asked about.
    """

    def __init__(self, names: Collection[str]) -> None:
        self.met: list[str] = []
        self._is_named = within(names)
        self._above = {name[:cut] for name in names for cut in range(len(name)) if name[cut] == "/"}

    def __call__(self, path: str) -> bool:
        """Whether it is."""
        if path in self._above or self._is_named(path):
            return False
        self.met.append(path)
        return True


def with_files(project: Project, start: Start, paths: Collection[str]) -> Start:
    """The same snapshot, but with some files as they are now: those that the command itself just wrote."""
    if not paths:
        return start
    with project.repo.objects.batch() as batch:
        return start._replace(changes={**start.changes, **stored(project, batch, paths)})
