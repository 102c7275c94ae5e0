"""The folder that an isolated run has to itself: a linked worktree with the data and settings that its stages need.

It is a project of its own, which shares objects, refs and cache with the one around it. The lock that keeps it from
being taken for a leftover lies outside, so that the folder can be deleted at any moment.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress

from assay.engine import disk
from assay.engine.config import Config, Layer
from assay.engine.configtext import as_text, edited
from assay.engine.errors import AssayError, Locked, MissingArtifact, Refused
from assay.engine.events import Warned
from assay.engine.git import linked
from assay.engine.git.linked import Linked
from assay.engine.git.objects import MODE_GITLINK
from assay.engine.git.repository import Repository
from assay.engine.git.trees import diff_trees
from assay.engine.git.worktree import write_files
from assay.engine.locks import FileLock
from assay.engine.model import Oid
from assay.engine.pipeline.outputs import link_kinds
from assay.engine.pipeline.stage import Stage
from assay.engine.pipeline.tracked import tracked_at
from assay.engine.project import Project
from assay.engine.store import checkout
from assay.engine.store.links import Kind
from assay.engine.workspace.files import files_below, within
from assay.engine.workspace.restore import planned

PINNED = "refs/assay/runs/"
"""The refs of the states that runs under way started from, by the id of the run."""

_WHY = "assay run "
_SHARED: tuple[Kind, ...] = ("hardlink", "symlink")


@contextmanager
def run_folder(project: Project, commit: Oid, run: str, name: str) -> Iterator[Project]:
    """A folder with the files of a captured state; it goes when the run ends.

    Args:
        project: The project that the run is one of.
        commit: The captured state.
        run: The run's id, the folder's name.
        name: The experiment's name, for who lists worktrees.

    Raises:
        Locked: Somebody carries out this run.
        GitError: The folder cannot be made.
    """
    clear_leftovers(project)
    above = runs_of(project)
    disk.make_folders(above)
    with _lock(project, run), _pinned(project, run, commit):
        repo = linked.add(project.repo, f"{above}/{run}", commit, name=run, why=_WHY + name, report=project.report)
        try:
            inside = _inside(project, repo)
            try:
                _fill_submodules(project, repo, commit)
                yield inside
            finally:
                inside.close()
        finally:
            linked.remove(project.repo, Linked(run, f"{above}/{run}", ""))


def runs_of(project: Project) -> str:
    """The absolute path of the folder that run folders lie in."""
    return f"{project.root}/{project.layout.runs}"


def clear_leftovers(project: Project) -> None:
    """Removes the folders and refs of runs that were killed."""
    above, refs = f"{runs_of(project)}/", project.repo.refs
    left = {one.name: one for one in linked.all_linked(project.repo) if one.folder.startswith(above)}
    runs = {*left, *(name.removeprefix(PINNED) for name, _ in refs.iterate(PINNED))}
    for run in sorted(runs):
        with suppress(Locked), _lock(project, run):
            if run in left:
                linked.remove(project.repo, left[run])
            with refs.transaction() as transaction:
                transaction.delete(PINNED + run)


@contextmanager
def _pinned(project: Project, run: str, commit: Oid) -> Iterator[None]:
    """Keeps a captured state from collections until the run is over (law 7)."""
    with project.repo.refs.transaction() as transaction:
        transaction.put(PINNED + run, commit)
    try:
        yield
    finally:
        with project.repo.refs.transaction() as transaction:
            transaction.delete(PINNED + run)


def _lock(project: Project, run: str) -> FileLock:
    folder = f"{project.state}/runs"
    disk.make_folders(folder)
    return FileLock(f"{folder}/{run}.lock", what=f"The run {run}", command=project.world.command)


def _inside(project: Project, repo: Repository) -> Project:
    """The project in a run folder: the settings are those around it, with the one cache."""
    root = f"{repo.worktree}/{project.prefix}".rstrip("/")
    local = f"{root}/{project.layout.config[1]}"
    sections = {
        name: dict(keys)
        for layer in project.config.layers
        if layer.name == "local"
        for name, keys in layer.sections.items()
    }
    sections.setdefault("cache", {})["dir"] = project.cache_folder
    text = ""
    for section, keys in sections.items():
        for key, value in keys.items():
            text = edited(text, section, key, as_text(value))
    disk.make_folders(os.path.dirname(local))
    disk.write_atomic(local, text.encode("utf-8"), mode=0o600)
    outer = [layer for layer in project.config.layers if layer.name != "local"]
    config = Config([*outer, Layer("local", local, sections)])
    return Project(root, project.layout, config, repo, project.world, project.report)


def _fill_submodules(project: Project, repo: Repository, commit: Oid) -> None:
    """Puts the files of submodules where they belong, as far as this repository has them."""
    tree = project.repo.objects.read_commit(commit).tree
    for path, _, item in diff_trees(project.repo.objects, None, tree):
        if item is None or item[0] != MODE_GITLINK:
            continue
        try:
            inner = Repository.discover(f"{project.repo.worktree}/{path}", environment=project.world.environment)
            try:
                if inner.worktree != f"{project.repo.worktree}/{path}":
                    raise Refused(f"{path} is not checked out here.")
                files = diff_trees(inner.objects, None, inner.objects.read_commit(item[1]).tree)
                target = Repository(
                    inner.git_dir, inner.common_dir, f"{repo.worktree}/{path}", inner.config, inner.home
                )
                write_files(target, {name: new for name, _, new in files}, report=project.report)
            finally:
                inner.close()
        except AssayError as error:
            project.report(Warned(f"The submodule {path} is empty in the run: {error.message}"))


def bring_data(inside: Project, commit: Oid, order: Iterable[Stage]) -> None:
    """Takes from the cache what stages read and what they wrote before; what it lacks is left to the check.

    Hard links and symlinks into the cache are not made for root, who could write through them.
    """
    order = list(order)
    paths = {dep.path for stage in order for dep in stage.deps} | {out.path for stage in order for out in stage.outs}
    is_about, above = within(paths), {path[:at] for path in paths for at in range(len(path)) if path[at] == "/"}
    kinds = link_kinds(inside)
    if os.geteuid() == 0:
        kinds = tuple(kind for kind in kinds if kind not in _SHARED) or ("copy",)
    for path, artifact in tracked_at(inside, commit).outs.items():
        if "" in paths or is_about(path) or path in above or any(map(within({path}), paths)):
            with suppress(MissingArtifact):
                checkout.carry_out(planned(inside, path, artifact), kinds, report=inside.report)


def copy_along(project: Project, inside: Project, copies: Collection[str]) -> None:
    """Copies files and folders of the workspace into a run folder, symlinks as what they say.

    Raises:
        Refused: One is not there, or a symlink of its kind is in the way.
    """
    with disk.Folder(inside.root) as folder:
        for path in copies:
            names = list(files_below(project, project.prefix + path))
            if not names:
                raise Refused(f"{path} is to be copied into the run, and there is nothing.", "Check -C.")
            for name in names:
                full, below = f"{project.repo.worktree}/{name}", name.removeprefix(project.prefix)
                if os.path.islink(full):
                    folder.remove(below)
                    folder.symlink(os.readlink(full), below)
                    continue
                status = os.stat(full)
                runs = bool(status.st_mode & 0o100)
                if folder.clone(full, below, executable=runs, mtime_ns=status.st_mtime_ns) is None:
                    with open(full, "rb") as file:
                        chunks = iter(lambda: file.read(1 << 20), b"")
                        folder.write(below, chunks, executable=runs, mtime_ns=status.st_mtime_ns)
