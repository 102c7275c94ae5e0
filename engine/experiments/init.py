"""Makes a folder a project: the marker folder, its configuration, and a Git repository where there is none."""

from __future__ import annotations

import os
from dataclasses import dataclass

from assay.engine import disk
from assay.engine.errors import GitError, NoRepository, Refused
from assay.engine.git.repository import Repository
from assay.engine.git.workfiles import ignore_rules
from assay.engine.layout import MARKERS, ProjectLayout, first_config, native
from assay.engine.project import World, open_project
from assay.engine.workspace import undo
from assay.engine.workspace.autostage import stage
from assay.engine.workspace.hold import hold


@dataclass(frozen=True, slots=True)
class Initialised:
    """What `init` made: the project's root, and whether a Git repository had to be made too."""

    root: str
    made_repository: bool


def init(
    folder: str,
    world: World,
    layout: ProjectLayout | None = None,
    *,
    subdir: bool = False,
    without_git: bool = False,
    anew: bool = False,
) -> Initialised:
    """Makes a project.

    Args:
        folder: Absolute path of an existing folder.
        world: What only the outside knows.
        layout: Its kind; native with xxh128 when None.
        subdir: Whether the folder may lie below the root of a repository, where its kind is fussy about that.
        without_git: Whether it is to work without any Git repository, where its kind can.
        anew: Whether the settings of a project of this kind that is there go; `undo` gives them back. Its cache, its
            queue and its experiments stay.

    Raises:
        Refused: The folder is a project already, lies at the wrong place in a repository, or is ignored by Git.
        GitError: The folder lies in a repository that cannot be used (bare, SHA-256, reftable).
    """
    layout = layout or native()
    for marker in MARKERS:
        # The configuration is written last: a marker without it is what an init that was cut short left.
        unfinished = marker == layout.marker and not os.path.lexists(f"{folder}/{layout.config[0]}")
        if os.path.isdir(f"{folder}/{marker}") and not unfinished:
            if anew and marker == layout.marker and not os.path.islink(f"{folder}/{marker}"):
                _let_go(folder, world, layout)
                continue
            raise Refused(f"{folder} is a project already: it has a {marker} folder.")
    files = {path: text for path, text in layout.new_files.items() if not os.path.lexists(f"{folder}/{path}")}
    if without_git:
        files = {path: text for path, text in files.items() if not path.endswith("/.gitignore")}
        _write(folder, layout, files, without_git=True)
        return Initialised(folder, False)
    repo, made = _repository(folder, world, subdir=subdir)
    try:
        _check_place(folder, repo, layout, subdir=subdir)
        _write(folder, layout, files, without_git=False)
    finally:
        repo.close()
    if layout.fills_index:
        project = open_project(folder, world)
        try:
            stage(project, (layout.config[0], *layout.new_files))
        finally:
            project.close()
    return Initialised(folder, made)


def _let_go(folder: str, world: World, layout: ProjectLayout) -> None:
    """Removes a project's settings, of which an undo record is kept."""
    project = open_project(folder, world)
    try:
        with hold(project):
            undo.remember(project, "init -f", paths=[project.prefix + path for path in layout.config])
            for path in reversed(layout.config):
                disk.unlink(f"{folder}/{path}", missing_ok=True)
    finally:
        project.close()


def _write(folder: str, layout: ProjectLayout, files: dict[str, str], *, without_git: bool) -> None:
    disk.make_folder(f"{folder}/{layout.marker}")
    for path, text in files.items():
        disk.write_atomic(f"{folder}/{path}", text.encode())
    disk.write_atomic(f"{folder}/{layout.config[0]}", first_config(layout, without_git=without_git).encode())


def _check_place(folder: str, repo: Repository, layout: ProjectLayout, *, subdir: bool) -> None:
    if repo.worktree is None:
        raise GitError(f"{repo.git_dir} is a bare repository; a project needs a work tree.")
    if not layout.fills_index:
        return
    if folder != repo.worktree and not subdir:
        raise Refused(
            f"{folder} lies inside the repository of {repo.worktree}.",
            "Use --subdir if the project is to be only this.",
        )
    below = os.path.relpath(f"{folder}/{layout.marker}", repo.worktree).replace(os.sep, "/")
    if ignore_rules(repo).ignored(below, is_dir=True):
        raise Refused(f"Git ignores {folder}/{layout.marker}.", f"Add the line !{layout.marker} to .gitignore.")


def _repository(folder: str, world: World, *, subdir: bool) -> tuple[Repository, bool]:
    try:
        return Repository.discover(folder, world.git_config, world.environment), False
    except NoRepository:
        if subdir:
            raise Refused(f"{folder} is not inside a Git repository.", "Leave --subdir out.") from None
        return Repository.init(folder, world.git_config, world.environment), True
