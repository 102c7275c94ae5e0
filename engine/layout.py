"""Where a project keeps things, and in which form: the one place that knows native from DVC.

A `ProjectLayout` is chosen once, when the project is opened. No other module asks which kind a project is.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import NamedTuple

from assay.engine.errors import ConfigError, NotAProject
from assay.engine.model import HashName

SNAPSHOT_LIMIT = 10_000_000
"""Bytes: an untracked file larger than this is not taken into a snapshot silently."""

MARKERS = (".dvc", ".assay")
"""Folders that make the one they lie in a project; where both are, the first one decides."""

LINK_KINDS = ("reflink", "hardlink", "symlink", "copy")
"""What ``cache.type`` may name."""

_HIDDEN = "/config.local\n/tmp\n/cache\n"
"""The marker folder's .gitignore: what Git never sees."""

_DVCIGNORE = """\
# Add patterns of files dvc should ignore, which could improve
# the performance. Learn more at
# https://dvc.org/doc/user-guide/dvcignore
"""

SMALL = 256 * 1024
"""Bytes: artifacts smaller than this lie in packs, others are objects of their own."""


class ProjectLayout(NamedTuple):
    """Names and forms of one kind of project.

    Attributes:
        marker: The folder at the project's root that makes it one (".assay").
        config: Paths below the root, from the lowest layer to the highest.
        outer: Layers of configuration below those: "user" is assay's own, "system" and "global" are DVC's.
        words: The settings that these files can hold: a name of `assay.engine.vocabulary`.
        own_words: Sections that only the user's own file can hold, and all that counts of it; empty where all counts.
        cache: The cache's default path below the root.
        tmp: Files that can be deleted at any moment, below the root.
        hash_name: The hash of new artifacts.
        pack_limit: Bytes: artifacts smaller than this, and manifests, lie in packs; 0 where each is a file of its own.
        runs: Where isolated runs have their folders, below the root.
        shared_locks: Where the locks lie that DVC takes, too, below the root; empty where there are none.
        shared_runs: Where DVC keeps its queue and its runs, below the root; empty where there are none.
        takes_untracked: Whether a snapshot takes every file that is neither tracked nor ignored; else only those that
            the pipeline names, and no .gitignore that Git does not know yet.
        transient: Folders below the root whose files belong to no experiment, whoever put them into a tree.
        without_git: Where the repository lies, below the root, in which a project that works without Git (core.no_scm)
            keeps its locks and undo records; empty where there is no such project.
        fills_index: Whether a new project's files go into Git's index, and it lies at the root of its repository.
        new_files: What a new project holds besides its configuration, by path below the root.
        foreign: Marker folders of other kinds, which a conversion left: what is applied never gets there.
        remote_layout: The name of the layout that its remotes have.
        ignores: Patterns of what is never part of an artifact, in .gitignore syntax.
    """

    marker: str
    config: tuple[str, str]
    outer: tuple[str, ...]
    words: str
    own_words: tuple[str, ...]
    cache: str
    tmp: str
    runs: str
    hash_name: HashName
    pack_limit: int
    shared_locks: str
    shared_runs: str
    takes_untracked: bool
    transient: tuple[str, ...]
    without_git: str
    fills_index: bool
    new_files: Mapping[str, str]
    foreign: tuple[str, ...]
    remote_layout: str
    ignores: tuple[str, ...]

    @property
    def marks_remotes(self) -> bool:
        """Whether an empty place is a remote only once something of ours there says so."""
        return self.remote_layout == "native"


def native(hash_name: HashName = "xxh128") -> ProjectLayout:
    """The layout that ``assay init`` makes."""
    return ProjectLayout(
        marker=".assay",
        config=(".assay/config", ".assay/config.local"),
        outer=("user",),
        words="assay",
        own_words=(),
        cache=".assay/cache",
        tmp=".assay/tmp",
        runs=".assay/tmp/runs",
        hash_name=hash_name,
        pack_limit=SMALL,
        shared_locks="",
        shared_runs="",
        takes_untracked=True,
        transient=(".assay/tmp", ".assay/cache"),
        without_git="",
        fills_index=False,
        new_files={".assay/.gitignore": _HIDDEN},
        foreign=(".dvc",),
        remote_layout="native",
        ignores=(".git/", ".hg/", ".assay/", ".dvc/", "__pycache__/"),
    )


def dvc() -> ProjectLayout:
    """The layout of DVC 3: ``dvc init`` makes it, and every byte in it is as DVC would write it."""
    return ProjectLayout(
        marker=".dvc",
        config=(".dvc/config", ".dvc/config.local"),
        outer=("user", "system", "global"),
        words="dvc",
        own_words=("user", "gc"),
        cache=".dvc/cache",
        tmp=".dvc/tmp/assay",
        runs=".dvc/tmp/exps/assay",
        hash_name="md5",
        pack_limit=0,
        shared_locks=".dvc/tmp",
        shared_runs=".dvc/tmp/exps",
        takes_untracked=False,
        transient=(".dvc/tmp", ".dvc/cache"),
        without_git=".dvc/assay",
        fills_index=True,
        new_files={".dvc/.gitignore": _HIDDEN, ".dvcignore": _DVCIGNORE},
        foreign=(".assay",),
        remote_layout="dvc",
        ignores=(".git/", ".git", ".hg/", ".dvc/"),
    )


def hash_setting(name: str) -> HashName:
    """``core.hash`` of a native project. Raises ConfigError on a hash that new artifacts cannot have."""
    if name == "xxh128" or not name:
        return "xxh128"
    if name == "sha256":
        return "sha256"
    raise ConfigError(f"core.hash is {name!r}; it must be xxh128 or sha256.", "Edit core.hash in .assay/config.")


def find_root(start: str) -> tuple[str, str]:
    """The nearest folder at or above ``start`` with a marker, and that marker.

    Where both are, the first one that has a configuration counts: what a conversion leaves behind has none.

    Raises:
        NotAProject: There is none.
    """
    folder = start
    while True:
        found = [marker for marker in MARKERS if os.path.isdir(f"{folder}/{marker}")]
        for marker in found:
            if len(found) == 1 or os.path.lexists(f"{folder}/{marker}/config"):
                return folder, marker
        if found:
            return folder, found[0]
        above = os.path.dirname(folder)
        if above == folder:
            raise NotAProject(
                f"{start} is not inside an assay project.", "Run `assay init` at the root of your project first."
            )
        folder = above


def marker_beside(root: str, marker: str) -> str:
    """The other marker, where that one could make the folder a project, too; else empty."""
    others = [other for other in MARKERS if other != marker and os.path.lexists(f"{root}/{other}/config")]
    return others[0] if others else ""


def first_config(layout: ProjectLayout, *, without_git: bool = False) -> str:
    """The configuration of a new project."""
    if without_git:
        return "[core]\n    no_scm = True\n"
    return f"[core]\n    hash = {layout.hash_name}\n" if layout.words == "assay" else ""
