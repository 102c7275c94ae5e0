"""What an experiment's commands printed, and the packages that were installed: state, kept beside the repository.

``<state>/logs/<commit>/run.log`` and ``packages.txt``. While it runs the folder is called ``running-<name>-<nonce>``
and holds the owner's record; a run that failed, or was killed, leaves ``failed-<name>-<nonce>``, the last twenty of
which are kept. A run that the queue knows leaves ``job-<name>-<number>.<attempt>-<4 digits>``, which stays as long as
its job.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from contextlib import suppress

from assay.engine import disk
from assay.engine.errors import Refused
from assay.engine.locks import is_dead, read_owner, this_process, to_bytes
from assay.engine.model import Oid
from assay.engine.project import Project

FAILED_KEPT = 20
_OF_JOB = re.compile(r"(?:running|job|failed)-.*-(?P<number>[0-9a-f]{16})\.[0-9]+-[0-9a-f]{4}").fullmatch


class Log:
    """The log of one run, open before anything else happens."""

    def __init__(self, project: Project, tag: str, failed: str) -> None:
        self._root = f"{project.state}/logs"
        self._tag = tag
        self._failed = f"{failed}-{tag}"
        self._folder = f"{self._root}/running-{self._tag}"
        disk.make_folders(self._root)
        _bury_the_dead(self._root)
        disk.make_folder(self._folder)
        disk.write_atomic(f"{self._folder}/owner", to_bytes(this_process(project.world.command)))
        self.path = f"{self._folder}/run.log"
        disk.append(self.path, b"")

    def finish(self, commit: Oid, packages: str) -> None:
        """Files the log under its experiment's commit, beside the list of the packages that were installed."""
        target = f"{self._root}/{commit.hex()}"
        disk.write_atomic(f"{self._folder}/packages.txt", packages.encode("utf-8", "surrogateescape"))
        disk.unlink(f"{self._folder}/owner")
        disk.remove_tree(target)
        disk.rename(self._folder, target)
        self._folder = target
        self.path = f"{target}/run.log"

    def take_back(self) -> None:
        """Undoes `finish`, where there is no experiment in the end."""
        running = f"{self._root}/running-{self._tag}"
        with suppress(OSError):
            if self._folder != running:
                disk.rename(self._folder, running)
                self._folder = running
                self.path = f"{running}/run.log"

    def fail(self) -> None:
        """Keeps the log as that of a run without an experiment, unless it is filed already."""
        failed = f"{self._root}/{self._failed}"
        with suppress(OSError):  # the disk may be full: why the run failed is what must be told
            if self._folder.startswith(f"{self._root}/running-"):
                disk.rename(self._folder, failed)
                self.path = f"{failed}/run.log"
            _forget_old(self._root)


def begin(project: Project, name: str) -> Log:
    """Opens the log of a run that is about to start."""
    return Log(project, f"{name}-{project.world.ids.nonce()}", "failed")


def begin_job(project: Project, tag: str) -> Log:
    """Opens the log of a run that the queue knows, under a tag that no other run has."""
    return Log(project, tag, "job")


def path_of_job(project: Project, tag: str, made: Oid | None) -> str | None:
    """The log of a run that the queue knows, wherever it is by now; None when it is gone.

    Args:
        project: The project.
        tag: As `begin_job` got it.
        made: The experiment that came of the run.
    """
    folders = [made.hex()] if made else []
    folders += [f"{kind}-{tag}" for kind in ("running", "job", "failed")]
    paths = [f"{project.state}/logs/{folder}/run.log" for folder in folders]
    return next((path for path in paths if os.path.exists(path)), None)


def forget_jobs(project: Project, are_gone: Callable[[str], bool], names: Iterable[str] | None = None) -> None:
    """Removes the logs of all attempts at jobs that are gone; those of experiments stay.

    Args:
        project: The project.
        are_gone: Whether the job of a number is.
        names: What `names` gave, before anybody looked which jobs there are; None for now.
    """
    for name in all_names(project) if names is None else names:
        found = _OF_JOB(name)
        if found and are_gone(found["number"]):
            disk.remove_tree(f"{project.state}/logs/{name}")


def all_names(project: Project) -> list[str]:
    """The names of the folders that logs lie in."""
    root = f"{project.state}/logs"
    return os.listdir(root) if os.path.isdir(root) else []


def keep_packages(project: Project, commit: Oid, packages: str) -> None:
    """Keeps the list of installed packages for an experiment that was saved, not run."""
    folder = f"{project.state}/logs/{commit.hex()}"
    disk.make_folders(folder)
    disk.write_atomic(f"{folder}/packages.txt", packages.encode("utf-8", "surrogateescape"))


def packages(project: Project, commit: Oid) -> str | None:
    """The list that `keep_packages` or a run kept for an experiment; None when there is none here."""
    try:
        with open(
            f"{project.state}/logs/{commit.hex()}/packages.txt", encoding="utf-8", errors="surrogateescape"
        ) as file:
            return file.read()
    except OSError:
        return None


def read(project: Project, commit: Oid) -> bytes:
    """What an experiment's commands printed. Raises Refused when there is no log here."""
    try:
        with open(f"{project.state}/logs/{commit.hex()}/run.log", "rb") as file:
            return file.read()
    except FileNotFoundError:
        raise Refused(
            f"There is no log of {commit.hex()[:7]} on this machine: it was saved without a run, or made elsewhere."
        ) from None


def _bury_the_dead(root: str) -> None:
    """Calls those logs failed whose run was killed."""
    for name in os.listdir(root):
        if name.startswith("running-"):
            owner = read_owner(f"{root}/{name}/owner")
            if owner is not None and is_dead(owner):
                kind = "job" if _OF_JOB(name) else "failed"
                with suppress(FileNotFoundError):  # somebody else has just done it
                    disk.rename(f"{root}/{name}", f"{root}/{kind}-{name[len('running-') :]}")


def _forget_old(root: str) -> None:
    names = [name for name in os.listdir(root) if name.startswith("failed-")]
    by_age = sorted(names, key=lambda name: os.stat(f"{root}/{name}").st_mtime_ns)
    for name in by_age[:-FAILED_KEPT]:
        disk.remove_tree(f"{root}/{name}")
