"""The folder that an isolated run has to itself: a linked worktree with the data and settings that its stages need.

It is a project of its own, which shares objects, refs and cache with the one around it. The lock that keeps it from
being taken for a leftover lies outside, so that the folder can be deleted at any moment. A run that was killed leaves
its folder, so that it can go on where it was.
"""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress

from assay.engine import disk
from assay.engine.config import Config, Layer
from assay.engine.configtext import Value, as_text, edited
from assay.engine.errors import Locked, MissingArtifact, Refused
from assay.engine.experiments import submodules
from assay.engine.git import linked
from assay.engine.git.linked import Linked
from assay.engine.git.repository import Repository
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

_WHY = "assay run "
_OLD = 3600  # seconds after which nobody can still be writing a lock
_SHARED: tuple[Kind, ...] = ("hardlink", "symlink")


class RunFolder:
    """The folder of one run.

    Args:
        project: The project that the run is one of.
        run: The run's id, the folder's name.
    """

    def __init__(self, project: Project, run: str) -> None:
        self._project = project
        self._run = run
        self.path = f"{runs_of(project)}/{run}"

    @property
    def is_there(self) -> bool:
        """Whether it was made and nobody has taken it away."""
        return os.path.lexists(f"{self.path}/.git") and os.path.lexists(f"{self._admin}/HEAD")

    @contextmanager
    def held(self, wait: float = 0.0) -> Iterator[None]:
        """Keeps everybody else from using the folder. Raises Locked when somebody does after so many seconds."""
        folder = _locks_of(self._project)
        disk.make_folders(folder)
        path, command = f"{folder}/{self._run}.lock", self._project.world.command
        with FileLock(path, what="The run", command=command, wait=wait):
            yield

    def make(self, commit: Oid, name: str) -> Project:
        """Makes it anew with the files of a captured state, and opens the project in it.

        Args:
            commit: The captured state.
            name: The experiment's name, for who lists worktrees.

        Raises:
            GitError: It cannot be made.
        """
        project = self._project
        self.remove()
        disk.make_folders(runs_of(project))
        repo = linked.add(project.repo, self.path, commit, name=self._run, why=_WHY + name, report=project.report)
        submodules.fill(project, repo, commit)
        inside = _inside(project, repo)
        _write_settings(project, inside)
        return inside

    def again(self) -> Project:
        """Opens the project in it as it was left."""
        project = self._project
        repo = Repository(self._admin, project.repo.common_dir, self.path, project.repo.config, project.repo.home)
        repo.command = project.repo.command
        return _inside(project, repo)

    def remove(self) -> None:
        """Takes it away; nothing there is fine."""
        linked.remove(self._project.repo, Linked(self._run, self.path, ""))

    @property
    def _admin(self) -> str:
        return f"{self._project.repo.common_dir}/worktrees/{self._run}"


def runs_of(project: Project) -> str:
    """The absolute path of the folder that run folders lie in."""
    return f"{project.root}/{project.layout.runs}"


def _locks_of(project: Project) -> str:
    return f"{project.state}/runs"


def look_into(project: Project, run: str) -> Project | None:
    """The project in the folder of a run, to read it; None when there is none."""
    folder = RunFolder(project, run)
    return folder.again() if folder.is_there else None


def clear_leftovers(project: Project, known: Collection[str]) -> None:
    """Removes the folders of runs that nobody carries out and nobody knows, and the locks of dead processes.

    Args:
        project: The project.
        known: The ids of runs whose folders are still of use.
    """
    above, locks = f"{runs_of(project)}/", _locks_of(project)
    for one in linked.all_linked(project.repo):
        is_ours = one.folder.startswith(above) or (one.why.startswith(_WHY) and not os.path.lexists(one.folder))
        if is_ours and one.name not in known:
            folder = RunFolder(project, one.name)
            with suppress(Locked), folder.held():
                folder.remove()
    for name in os.listdir(locks) if os.path.isdir(locks) else ():
        if not disk.is_temp(name):  # locks, and claims on stale ones
            with suppress(Locked), FileLock(f"{locks}/{name}"):
                pass  # taking a stale lock and giving it back removes it
    disk.sweep_temps(locks, time.time() - _OLD)


def _inside(project: Project, repo: Repository) -> Project:
    """The project in a run folder: the settings are those around it, with the one cache."""
    root = f"{repo.worktree}/{project.prefix}".rstrip("/")
    outer = [layer for layer in project.config.layers if layer.name != "local"]
    config = Config([*outer, Layer("local", f"{root}/{project.layout.config[1]}", _local_settings(project))])
    return Project(root, project.layout, config, repo, project.world, project.report)


def _local_settings(project: Project) -> dict[str, dict[str, Value]]:
    """The settings that the project keeps to itself, paths absolute, and where its cache is."""
    layers = [layer.sections for layer in project.config.layers if layer.name == "local"]
    sections = {name: dict(keys) for layer in layers for name, keys in layer.items()}
    sections.setdefault("cache", {})["dir"] = project.cache_folder
    return sections


def _write_settings(project: Project, inside: Project) -> None:
    """Writes these settings down for commands that the stages start."""
    text = ""
    for section, keys in _local_settings(project).items():
        for key, value in keys.items():
            text = edited(text, section, key, as_text(value))
    path = f"{inside.root}/{project.layout.config[1]}"
    disk.make_folders(os.path.dirname(path))
    disk.write_atomic(path, text.encode("utf-8"), mode=0o600)


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


def refuse_absent(project: Project, copies: Collection[str]) -> None:
    """Raises Refused when something that is to be copied into a run folder is not there."""
    for path in copies:
        if next(files_below(project, project.prefix + path), None) is None:
            raise Refused(f"{path} is to be copied into the run, and there is nothing.", "Check -C.")


def copy_along(project: Project, inside: Project, copies: Collection[str]) -> None:
    """Copies files and folders of the workspace into a run folder, symlinks as what they say.

    Raises:
        Refused: One is not there.
    """
    refuse_absent(project, copies)
    with disk.Folder(inside.root) as folder:
        for path in copies:
            for name in files_below(project, project.prefix + path):
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
