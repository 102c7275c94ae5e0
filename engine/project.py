"""Project: the handle that every verb takes first.

It joins what a verb needs (root, layout, repository, cache, configuration, reporter, clock) and decides nothing.
Whatever costs time to open is opened on first use.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from assay.engine import config as config_module
from assay.engine import disk
from assay.engine import layout as layout_module
from assay.engine.config import Config
from assay.engine.errors import ConfigError, GitError, NoRepository, Refused, UnsafePath
from assay.engine.events import Reporter, Warned, silent
from assay.engine.git.gitfolders import lay_out
from assay.engine.git.repository import Repository
from assay.engine.layout import ProjectLayout
from assay.engine.model import Signature
from assay.engine.ports import Clock, Composer, Ids, Outside, Person

if TYPE_CHECKING:
    from assay.engine.sharedlocks import SharedLocks
    from assay.engine.store.cache import Cache
    from assay.engine.store.statcache import StatCache


class World(NamedTuple):
    """What only the outside knows, read once by whoever opens the project (cli/wiring.py).

    Attributes:
        clock: Where times come from.
        ids: Where random names come from.
        environment: The variables that stage commands inherit and that name Git's identity.
        user_config: Path of the user's own configuration file; empty when there is no home.
        dvc_config: Paths of DVC's system and global configuration files; either may be empty.
        home: What ``~`` means in settings; empty when there is no home.
        git_config: Paths of Git's system and user configuration files, lowest first.
        user_cache: Folder for rebuildable files where the project's own cannot be used; may be empty.
        interpreter_bin: The folder of this interpreter when it is a virtual environment's, else empty; first on
            the PATH of stage commands.
        login: "user@host" of this process, the author of commits when nobody has said who that is.
        site_packages: Folders whose ``*.dist-info`` name the installed packages.
        python: This interpreter's version and platform ("3.12.1", "linux-x86_64").
        command: What the user typed, for owner records of locks.
        patient: Whether to wait for who holds the workspace, for as long as it takes.
        outside: Says what is on servers; asked only where a stage names a URL. None where nobody can be asked.
        person: Who is asked for passwords; None where nobody sits at a terminal.
        composer: Composes parameters where a project says so; None where nothing does.
    """

    clock: Clock
    ids: Ids
    environment: Mapping[str, str] = MappingProxyType({})
    user_config: str = ""
    dvc_config: tuple[str, str] = ("", "")
    home: str = ""
    git_config: tuple[str, ...] = ()
    user_cache: str = ""
    interpreter_bin: str = ""
    login: str = "unknown@localhost"
    site_packages: tuple[str, ...] = ()
    python: tuple[str, str] = ("", "")
    command: str = "assay"
    patient: bool = False
    outside: Outside | None = None
    person: Person | None = None
    composer: Composer | None = None


def _at_once(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


class Project:
    """An opened project.

    Attributes:
        root: Absolute path of the folder that holds the marker.
        layout: Where and in which form this kind of project keeps things.
        config: The merged configuration.
        repo: The Git repository around it.
        world: Clock, ids, environment.
        report: Where events go.
        has_git: Whether the repository is the user's; else it is assay's own, in a project that works without Git.
    """

    def __init__(
        self,
        root: str,
        layout: ProjectLayout,
        config: Config,
        repo: Repository,
        world: World,
        report: Reporter = silent,
        *,
        has_git: bool = True,
    ) -> None:
        self.root = root
        self.layout = layout
        self.config = config
        self.repo = repo
        self.world = world
        self.report = report
        self.has_git = has_git
        self._fallback_said = False

    @cached_property
    def prefix(self) -> str:
        """The root's path inside the repository's work tree: "" or "sub/folder/"."""
        if self.repo.worktree is None:
            raise GitError(f"{self.repo.git_dir} is a bare repository; experiments need a work tree.")
        relative = os.path.relpath(self.root, self.repo.worktree).replace(os.sep, "/")
        if relative.split("/")[0] == "..":
            raise GitError(f"The project at {self.root} lies outside its repository's work tree {self.repo.worktree}.")
        return "" if relative == "." else relative + "/"

    def require_git(self) -> None:
        """Refuses a verb about experiments or commits where the project works without Git. Raises Refused."""
        if not self.has_git:
            raise Refused(
                f"{self.root} works without Git (core.no_scm), and experiments are commits in a Git repository.",
                "`assay config --unset core.no_scm` in a Git repository makes them possible.",
            )

    def kept_from_git(self, paths: Iterable[str]) -> list[str]:
        """Those of these paths that a .gitignore has to name: all, and none where the project works without Git."""
        return list(paths) if self.has_git else []

    @property
    def state(self) -> str:
        """The folder of state that is not a cache (law 7): ``<git common dir>/assay``."""
        return f"{self.repo.common_dir}/assay"

    @cached_property
    def tmp(self) -> str:
        """An existing folder for files that can be deleted at any moment."""
        self._refuse_planted(self.layout.tmp)
        folder = f"{self.root}/{self.layout.tmp}"
        disk.make_folders(folder)
        return folder

    @cached_property
    def cache_folder(self) -> str:
        """Where the cache lies: ``cache.dir``, else the layout's place.

        A new one in the work tree gets a .gitignore that hides all of it, so that no commit takes it up.

        Raises:
            UnsafePath: A commit put a symlink in its place.
        """
        chosen = self.config.get("cache", "dir")
        if not chosen:
            self._refuse_planted(f"{self.layout.cache}/files/{self.layout.hash_name}")
            return f"{self.root}/{self.layout.cache}"
        folder = os.path.normpath(os.path.join(self.root, self.layout.marker, chosen))  # absolute, unless handed in
        if folder.startswith(f"{self.repo.worktree}/") and not (os.path.isdir(folder) and os.listdir(folder)):
            with suppress(OSError):  # whoever writes into the cache says why that cannot be
                disk.make_folders(folder)
                disk.write_atomic(f"{folder}/.gitignore", b"*\n")
        return folder

    def _refuse_planted(self, path: str) -> None:
        """Raises UnsafePath where a path of assay's own is a symlink that a commit brought; the user's own may be."""
        parts = path.split("/")
        above = ("/".join(parts[:end]) for end in range(1, len(parts) + 1))
        links = [name for name in above if os.path.islink(f"{self.root}/{name}")]
        if not links or not self.has_git:
            return
        from assay.engine.git.index import read_index

        known = read_index(self.repo.index_path).offsets
        for name in links:
            if self.prefix + name in known:
                raise UnsafePath(
                    f"{name} is a symlink that a commit brought, and nothing is written through it.",
                    f"Remove it: `git rm --cached {name}`, a commit, and `rm {name}`.",
                )

    @cached_property
    def cache(self) -> Cache:
        """The cache of artifacts."""
        from assay.engine.store.cache import Cache

        layout = self.layout
        shared = shared_setting(self.config)
        return Cache(self.cache_folder, layout.hash_name, self.stat_cache, layout.pack_limit, shared=shared)

    @cached_property
    def stat_cache(self) -> StatCache:
        """What is known about files from their stat data alone."""
        from assay.engine.store.statcache import StatCache

        return StatCache(f"{self.tmp}/stat.db")

    @cached_property
    def shared_locks(self) -> SharedLocks:
        """The locks that other tools take, too; they do nothing where the layout has none."""
        from assay.engine.flock import PATIENCE
        from assay.engine.sharedlocks import SharedLocks

        by_links = self.config.flag("core", "hardlink_lock")
        patience = None if self.world.patient else PATIENCE
        folder = self.layout.shared_locks
        return SharedLocks(self.root, folder, self.world.command, self.report, by_links=by_links, patience=patience)

    def path(self, relative: str) -> str:
        """The absolute path of a path below the root."""
        return f"{self.root}/{relative}"

    def read(self, relative: str) -> bytes | None:
        """A file's content, or None when there is no such file; pipes and devices are none, and not waited for."""
        try:
            with open(f"{self.root}/{relative}", "rb", opener=_at_once) as file:
                return file.read() if stat.S_ISREG(os.fstat(file.fileno()).st_mode) else None
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None

    @cached_property
    def _identity(self) -> tuple[str, str]:
        name = self.repo.config.get("user.name") or self.config.get("user", "name")
        email = self.repo.config.get("user.email") or self.config.get("user", "email")
        return name, email or self.world.environment.get("EMAIL", "")

    def signature(self, kind: str = "AUTHOR") -> Signature:
        """Who commits and when: Git's variables, its configuration, assay's user.name, else a fallback that is said.

        Args:
            kind: "AUTHOR" or "COMMITTER", as in ``GIT_AUTHOR_NAME``.
        """
        time, offset = self.world.clock.now()
        environment = self.world.environment
        name = environment.get(f"GIT_{kind}_NAME") or self._identity[0]
        email = environment.get(f"GIT_{kind}_EMAIL") or self._identity[1]
        if not (name and email) and self.has_git and not self._fallback_said:
            self._fallback_said = True
            self.report(
                Warned(
                    f"Nobody has said who you are, so the author is {name or self.world.login}; "
                    'say it with `assay config --global user.name "Your Name"` and `... user.email you@example.com`.'
                )
            )
        return Signature(name or self.world.login.partition("@")[0], email or self.world.login, time, offset)

    def close(self) -> None:
        """Closes what was opened."""
        for name in ("cache", "stat_cache"):
            opened = self.__dict__.pop(name, None)
            if opened is not None:
                opened.close()
        self.repo.close()


def load_config(root: str, layout: ProjectLayout, world: World) -> Config:
    """The configuration of a project: the user's, the machine's, the project's, the local one, the last one winning.

    Raises:
        ConfigError: A file cannot be read or understood.
    """
    outer = outer_files(world)
    paths = [(name, outer[name]) for name in layout.outer]
    paths += [(name, f"{root}/{path}") for name, path in zip(("project", "local"), layout.config, strict=True)]
    layers = []
    for name, path in paths:
        layer = config_module.load(name, path, world.home) if path else None
        if layer is not None and name == "user" and layout.own_words:
            own = {section: keys for section, keys in layer.sections.items() if section in layout.own_words}
            layer = layer._replace(sections=own)
        if layer is not None:
            layers.append(layer)
    return Config(layers)


def shared_setting(config: Config) -> bool:
    """Whether a group of users shares the cache (``cache.shared``). Raises ConfigError on anything but "group"."""
    value = config.get("cache", "shared")
    if value.lower() not in ("", "group"):
        raise ConfigError(f"cache.shared is {value!r}; it must be group.")
    return bool(value)


def outer_files(world: World) -> dict[str, str]:
    """The paths of configuration files that belong to no project, by layer; empty where there is no such place."""
    return {"user": world.user_config, "system": world.dvc_config[0], "global": world.dvc_config[1]}


def open_project(start: str, world: World, report: Reporter = silent) -> Project:
    """Opens the nearest project at or above a folder.

    Args:
        start: Absolute path, symlinks resolved.
        world: What only the outside knows.
        report: Where events go.

    Raises:
        NotAProject: No marker at or above ``start``.
        ConfigError: Its configuration cannot be read or understood.
        GitError: The project is not inside a usable Git repository.
    """
    root, marker = layout_module.find_root(start)
    layout = layout_module.dvc() if marker == ".dvc" else layout_module.native()
    settings = load_config(root, layout, world)
    if marker != ".dvc":
        layout = layout_module.native(layout_module.hash_setting(settings.get("core", "hash")))
    has_git = not (layout.without_git and settings.flag("core", "no_scm"))
    repo = _repository(root, world) if has_git else _own_repository(root, layout, world)
    project = Project(root, layout, settings, repo, world, report, has_git=has_git)
    if beside := layout_module.marker_beside(root, marker):
        _say_once(project, f"{root} has {marker} and {beside}; it is opened by its {marker}.")
    return project


def _repository(root: str, world: World) -> Repository:
    try:
        return Repository.discover(root, world.git_config, world.environment)
    except NoRepository as error:
        hint = "Make one with `git init`; a DVC project that is to do without says so by `no_scm = true` below [core]."
        raise NoRepository(error.message, hint) from None


def _own_repository(root: str, layout: ProjectLayout, world: World) -> Repository:
    """The repository that holds the locks and undo records of a project without Git, and no experiments."""
    folder = f"{root}/{layout.without_git}"
    try:
        if not os.path.lexists(f"{folder}/HEAD"):
            disk.make_folders(f"{folder}/info")
            disk.write_atomic(f"{folder}/.gitignore", b"*\n")
            disk.write_atomic(f"{folder}/info/exclude", f"/{layout.marker}/\n".encode())
            lay_out(folder, "main", bare=False)
    except OSError as error:
        raise disk.no_space(error, folder) from error
    return Repository.open(folder, (), world.environment, worktree=root)


def _say_once(project: Project, sentence: str) -> None:
    """Warns of something that stays as it is, the first time only."""
    with suppress(OSError):  # where nothing can be written it is said each time
        said = f"{project.tmp}/both-markers"
        if os.path.lexists(said):
            return
        disk.write_atomic(said, b"")
    project.report(Warned(sentence))
