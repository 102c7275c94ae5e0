"""What an experiment's commands printed, and the packages that were installed: state, kept beside the repository.

``<state>/logs/<commit>/run.log`` and ``packages.txt``. While it runs the folder is called ``running-<name>-<nonce>``;
a run that failed leaves ``failed-<name>-<nonce>``, the last twenty of which are kept.
"""

from __future__ import annotations

import os

from assay.engine import disk
from assay.engine.errors import Refused
from assay.engine.experiments.publish import installed_packages
from assay.engine.model import Oid
from assay.engine.project import Project

FAILED_KEPT = 20


class Log:
    """The log of one run, open before anything else happens."""

    def __init__(self, project: Project, name: str) -> None:
        self._root = f"{project.state}/logs"
        self._tag = f"{name}-{project.world.ids.nonce()}"
        self._folder = f"{self._root}/running-{self._tag}"
        disk.make_folders(self._folder)
        disk.write_atomic(f"{self._folder}/packages.txt", installed_packages(project).encode())
        self.path = f"{self._folder}/run.log"
        disk.append(self.path, b"")

    def finish(self, commit: Oid) -> str:
        """Files the log under its experiment's commit and returns its path."""
        target = f"{self._root}/{commit.hex()}"
        disk.remove_tree(target)
        disk.rename(self._folder, target)
        return f"{target}/run.log"

    def fail(self) -> str:
        """Keeps the log as that of a run without an experiment and returns its path."""
        failed = f"{self._root}/failed-{self._tag}"
        disk.rename(self._folder, failed)
        _forget_old(self._root)
        return f"{failed}/run.log"


def begin(project: Project, name: str) -> Log:
    """Opens the log of a run that is about to start."""
    return Log(project, name)


def keep_packages(project: Project, commit: Oid) -> None:
    """Keeps the list of installed packages for an experiment that was saved, not run."""
    folder = f"{project.state}/logs/{commit.hex()}"
    disk.make_folders(folder)
    disk.write_atomic(f"{folder}/packages.txt", installed_packages(project).encode())


def read(project: Project, commit: Oid) -> bytes:
    """What an experiment's commands printed. Raises Refused when there is no log here."""
    try:
        with open(f"{project.state}/logs/{commit.hex()}/run.log", "rb") as file:
            return file.read()
    except FileNotFoundError:
        raise Refused(
            f"There is no log of {commit.hex()[:7]} on this machine: it was saved without a run, or made elsewhere."
        ) from None


def _forget_old(root: str) -> None:
    names = [name for name in os.listdir(root) if name.startswith("failed-")]
    by_age = sorted(names, key=lambda name: os.stat(f"{root}/{name}").st_mtime_ns)
    for name in by_age[:-FAILED_KEPT]:
        disk.remove_tree(f"{root}/{name}")
