"""Makes a folder a project: the marker folder, its configuration, and a Git repository where there is none."""

from __future__ import annotations

import os
from dataclasses import dataclass

from assay.engine import disk
from assay.engine.errors import GitError, NoRepository, Refused
from assay.engine.git.repository import Repository
from assay.engine.layout import MARKERS, native
from assay.engine.model import HashName
from assay.engine.project import World


@dataclass(frozen=True, slots=True)
class Initialised:
    """What `init` made: the project's root, and whether a Git repository had to be made too."""

    root: str
    made_repository: bool


def init(folder: str, world: World, *, hash_name: HashName = "xxh128") -> Initialised:
    """Makes a native project.

    Args:
        folder: Absolute path of an existing folder.
        world: What only the outside knows.
        hash_name: The hash of artifacts; sha256 where a forged artifact is to be feared.

    Raises:
        Refused: The folder is a project already.
        GitError: The folder lies in a repository that cannot be used (bare, SHA-256, reftable).
    """
    layout = native(hash_name)
    for marker in MARKERS:
        # The configuration is written last: a marker without it is what an init that was cut short left.
        unfinished = marker == layout.marker and not os.path.lexists(f"{folder}/{layout.config[0]}")
        if os.path.isdir(f"{folder}/{marker}") and not unfinished:
            raise Refused(f"{folder} is a project already: it has a {marker} folder.")
    repo, made = _repository(folder, world)
    try:
        if repo.worktree is None:
            raise GitError(f"{repo.git_dir} is a bare repository; a project needs a work tree.")
        marker = f"{folder}/{layout.marker}"
        disk.make_folder(marker)
        disk.write_atomic(f"{marker}/.gitignore", layout.ignore_file.encode())
        disk.write_atomic(f"{folder}/{layout.config[0]}", f"[core]\n    hash = {hash_name}\n".encode())
    finally:
        repo.close()
    return Initialised(folder, made)


def _repository(folder: str, world: World) -> tuple[Repository, bool]:
    try:
        return Repository.discover(folder, world.git_config, world.environment), False
    except NoRepository:
        return Repository.init(folder, world.git_config, world.environment), True
