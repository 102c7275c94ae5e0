"""Submodules in the folder of an isolated run: the files of the commits that the captured state names.

They come from the repositories that the workspace has of them; what is edited there and not committed stays there.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from assay.engine.errors import AssayError, Refused
from assay.engine.events import Warned
from assay.engine.git.objects import MODE_GITLINK
from assay.engine.git.repository import Repository
from assay.engine.git.trees import diff_trees, lookup
from assay.engine.git.worktree import write_files
from assay.engine.model import Oid
from assay.engine.project import Project


def fill(project: Project, repo: Repository, commit: Oid) -> None:
    """Puts the files of submodules where they belong, as far as this repository has them.

    Args:
        project: The project around the run.
        repo: The run's linked worktree.
        commit: The captured state.
    """
    tree = project.repo.objects.read_commit(commit).tree
    for path, _, item in diff_trees(project.repo.objects, None, tree):
        if item is None or item[0] != MODE_GITLINK:
            continue
        try:
            with _opened(project, path) as inner:
                files = diff_trees(inner.objects, None, inner.objects.read_commit(item[1]).tree)
                target = Repository(
                    inner.git_dir, inner.common_dir, f"{repo.worktree}/{path}", inner.config, inner.home
                )
                write_files(target, {name: new for name, _, new in files}, report=project.report)
        except AssayError as error:
            project.report(Warned(f"The submodule {path} is empty in the run: {error.message}"))


def has(project: Project, tree: Oid, path: str) -> bool:
    """Whether a path, relative to the repository's root, is in the commit of a submodule that a tree names."""
    for at in (at for at, letter in enumerate(path) if letter == "/"):
        item = lookup(project.repo.objects, tree, path[:at])
        if item is None:
            return False
        if item.mode == MODE_GITLINK:
            try:
                with _opened(project, path[:at]) as inner:
                    top = inner.objects.read_commit(item.oid).tree
                    return lookup(inner.objects, top, path[at + 1 :]) is not None
            except AssayError:
                return False
    return False


@contextmanager
def _opened(project: Project, path: str) -> Iterator[Repository]:
    """The repository of a submodule. Raises AssayError where the workspace has none."""
    folder = f"{project.repo.worktree}/{path}"
    inner = Repository.discover(folder, environment=project.world.environment)
    try:
        if inner.worktree != folder:
            raise Refused(f"{path} is not checked out here.")
        yield inner
    finally:
        inner.close()
