"""A Git repository as one worktree sees it: where things lie, what is configured, and how to get at the rest.

Opening reads a handful of small files and runs nothing: no hook, no filter, no helper. What cannot be handled right is
refused in one sentence when the repository is opened (SHA-256, reftable, extensions nobody here knows), not half-way.

Limits: the folder above which discovery stops and the variables ``GIT_DIR`` and the like are not looked at; whoever
wants them honoured opens the repository with `Repository.open`.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING

from assay.engine import disk
from assay.engine.errors import GitError, NoRepository
from assay.engine.git import gitconfig
from assay.engine.git.gitconfig import GitConfig, Place
from assay.engine.git.gitfolders import back_link, common_dir, is_git_dir, lay_out, linked
from assay.engine.git.reflog import LogPolicy
from assay.engine.git.refnames import is_valid_name
from assay.engine.git.refs import RefStore, read_loose
from assay.engine.model import Oid

if TYPE_CHECKING:
    from assay.engine.git.database import ObjectDatabase

_EXTENSIONS = {"noop", "noop-v1", "preciousobjects", "partialclone", "worktreeconfig", "relativeworktrees"}


class Repository:
    """An opened repository.

    Attributes:
        git_dir: Absolute path of this worktree's own Git folder (HEAD, index).
        common_dir: Absolute path of the folder with objects, refs and config; the same except in linked worktrees.
        worktree: Absolute path of the work tree; None for a bare repository.
        config: Git's configuration: the files passed in, the repository's, the worktree's.
        home: The home folder that ``~`` in paths stands for; may be empty.
        command: What the caller is doing, for the owner records in locks; may be set before `refs` is used.
    """

    def __init__(self, git_dir: str, common_dir: str, worktree: str | None, config: GitConfig, home: str = "") -> None:
        self.git_dir = git_dir
        self.common_dir = common_dir
        self.worktree = worktree
        self.config = config
        self.home = home
        self.command = ""

    @classmethod
    def discover(
        cls, start: str, git_config: tuple[str, ...] = (), environment: Mapping[str, str] | None = None
    ) -> Repository:
        """Opens the nearest repository at or above a folder.

        Args:
            start: Absolute path, symlinks resolved.
            git_config: Git's system and user configuration files, lowest first.
            environment: Only ``HOME`` is read, for paths that begin with ``~``.

        Raises:
            NoRepository: There is none.
            GitError: It cannot be used.
        """
        folder = start
        while True:
            dot_git = f"{folder.rstrip('/')}/.git"
            git_dir = linked(dot_git) if os.path.isfile(dot_git) else dot_git
            if is_git_dir(git_dir):
                repo = cls.open(git_dir, git_config, environment, worktree=folder)
                _refuse_outside(start, folder, repo)
                return repo
            if is_git_dir(folder):
                return cls.open(folder, git_config, environment)
            above = os.path.dirname(folder)
            if above == folder:
                raise NoRepository(f"{start} is not inside a Git repository.", "Run `assay init` there first.")
            folder = above

    @classmethod
    def open(
        cls,
        git_dir: str,
        git_config: tuple[str, ...] = (),
        environment: Mapping[str, str] | None = None,
        *,
        worktree: str | None = None,
    ) -> Repository:
        """Opens the repository whose Git folder is known.

        Args:
            git_dir: Absolute path of ``.git``, of a bare repository, or of a linked worktree's folder inside one.
            git_config: As for `discover`.
            environment: As for `discover`.
            worktree: The folder where it was found; else it is worked out.

        Raises:
            GitError: It is no repository, or one that cannot be used.
            ConfigError: Its configuration cannot be understood.
        """
        if not is_git_dir(git_dir):
            raise GitError(f"{git_dir} is not a Git repository.")
        common = common_dir(git_dir)
        place = Place(git_dir, lambda: _branch(git_dir), (environment or {}).get("HOME", ""))
        own = list(gitconfig.read(f"{common}/config", place))
        formats = GitConfig(own)
        _refuse_unknown_formats(formats, git_dir)
        layers = [setting for path in git_config for setting in gitconfig.read(path, place)] + own
        if formats.flag("extensions.worktreeConfig"):
            layers += gitconfig.read(f"{git_dir}/config.worktree", place)
        config = GitConfig(layers, place.home)
        return cls(git_dir, common, _worktree(git_dir, common, worktree, config), config, place.home)

    @classmethod
    def init(
        cls,
        folder: str,
        git_config: tuple[str, ...] = (),
        environment: Mapping[str, str] | None = None,
        *,
        branch: str = "main",
        bare: bool = False,
    ) -> Repository:
        """Makes a repository in a folder, or adds what is missing to the one that is there, and opens it.

        Args:
            folder: Absolute path; made when it is not there.
            git_config: As for `discover`.
            environment: As for `discover`.
            branch: The short name of the branch that HEAD names, to be born with the first commit.
            bare: Whether the folder itself is the Git folder, with no work tree.

        Raises:
            GitError: The branch name is not valid, or the folder cannot be written.
        """
        if not is_valid_name(f"refs/heads/{branch}") or branch.startswith("-"):
            raise GitError(f"{branch!r} is not a name that a branch can have.")
        git_dir = folder if bare else f"{folder.rstrip('/')}/.git"
        try:
            if os.path.isfile(git_dir):
                return cls.open(linked(git_dir), git_config, environment, worktree=folder)
            lay_out(git_dir, branch, bare=bare)
        except OSError as error:
            raise GitError(f"A repository cannot be made in {folder}: {error.strerror}.") from error
        return cls.open(git_dir, git_config, environment, worktree=None if bare else folder)

    @cached_property
    def refs(self) -> RefStore:
        """Branches, tags, experiments, HEAD."""
        usual: LogPolicy = "usual" if self.worktree is not None else "never"
        chosen = self.config.get("core.logAllRefUpdates").lower()
        policy: LogPolicy = usual
        if chosen == "always":
            policy = "always"
        elif chosen:
            policy = "usual" if self.config.flag("core.logAllRefUpdates") else "never"
        return RefStore(self.git_dir, self.common_dir, lambda: self.objects, policy, self.command)

    @cached_property
    def objects(self) -> ObjectDatabase:
        """Commits, trees, blobs and tags."""
        from assay.engine.git.database import ObjectDatabase

        return ObjectDatabase(f"{self.common_dir}/objects")

    @cached_property
    def shallow(self) -> frozenset[Oid]:
        """The commits whose parents this clone was made without."""
        try:
            with open(f"{self.common_dir}/shallow", "rb") as file:
                return frozenset(Oid(bytes.fromhex(line.decode())) for line in file.read().split())
        except FileNotFoundError:
            return frozenset()
        except (OSError, ValueError) as error:
            raise GitError(f"{self.common_dir}/shallow cannot be understood.") from error

    def with_objects_in(self, folder: str) -> Repository:
        """The same repository, but new objects go into another folder, whose alternates should name this one's."""
        from assay.engine.git.database import ObjectDatabase

        other = _Beside(self.git_dir, self.common_dir, self.worktree, self.config, self.home)
        other.objects = ObjectDatabase(folder)
        return other

    def change_shallow(self, more: Collection[Oid], fewer: Collection[Oid]) -> None:
        """Writes down that of some commits the parents are not here, of others they are here now.

        Raises:
            GitError: Git itself is changing that now, or it cannot be written.
        """
        self.__dict__.pop("shallow", None)
        wanted = (self.shallow - set(fewer)) | set(more)
        if wanted == self.shallow:
            return
        if not self.shallow <= wanted:  # what is said to be here now must survive a power cut first
            disk.sync_tree(self.common_dir)
        path = f"{self.common_dir}/shallow"
        if os.path.lexists(f"{path}.lock"):
            raise GitError(f"{path}.lock says that Git is changing where history ends.", "Try again.")
        try:
            if wanted:
                text = "".join(f"{oid.hex()}\n" for oid in sorted(wanted))
                disk.write_atomic(path, text.encode(), sync=True)
            else:
                disk.unlink(path, missing_ok=True)
        except OSError as error:
            raise disk.no_space(error, path) from error
        finally:
            self.__dict__.pop("shallow", None)

    @property
    def index_path(self) -> str:
        """Where this worktree's index is, or would be."""
        return f"{self.git_dir}/index"

    def head(self) -> Oid | None:
        """The commit that is checked out; None on a branch without commits."""
        return self.refs.read("HEAD")

    def head_ref(self) -> str | None:
        """The full name of the branch that is checked out; None when HEAD is detached."""
        return self.refs.symbolic("HEAD")

    def close(self) -> None:
        """Closes what was opened."""
        for name in ("objects", "refs"):
            opened = self.__dict__.pop(name, None)
            if opened is not None:
                opened.close()


class _Beside(Repository):
    """A repository whose new objects are somewhere else: where its history ends is then nobody else's business."""

    def change_shallow(self, more: Collection[Oid], fewer: Collection[Oid]) -> None:
        """Remembers it, and writes nothing down."""
        self.__dict__["shallow"] = (self.shallow - set(fewer)) | frozenset(more)


def _branch(git_dir: str) -> str | None:
    """The short name of the current branch, for conditional includes."""
    with suppress(OSError, ValueError):
        value = read_loose(f"{git_dir}/HEAD")
        if isinstance(value, str):
            return value.removeprefix("refs/heads/")
    return None


def _refuse_unknown_formats(config: GitConfig, git_dir: str) -> None:
    version = config.number("core.repositoryFormatVersion")
    names = {key.removeprefix("extensions."): value for key, value in config.items() if key.startswith("extensions.")}
    hash_name = (names.pop("objectformat", None) or "sha1").lower()
    if hash_name != "sha1":
        raise GitError(f"{git_dir} names its objects by {hash_name.upper()}; only SHA-1 repositories can be used.")
    storage = (names.pop("refstorage", None) or "files").lower()
    if storage != "files":
        raise GitError(
            f"{git_dir} keeps its refs as {storage}; only files can be used.",
            "Convert them with `git refs migrate --ref-format=files`.",
        )
    if version not in (0, 1):
        raise GitError(f"{git_dir} has repository format {version}, which is not known here.")
    unknown = sorted(set(names) - _EXTENSIONS)
    if unknown and version == 1:
        raise GitError(f"{git_dir} uses the extension {unknown[0]}, which is not known here.")


def _worktree(git_dir: str, common: str, found: str | None, config: GitConfig) -> str | None:
    """The work tree: what the configuration says, else where ``.git`` was found."""
    if git_dir != common:  # the repository's own core.bare and core.worktree are about its main worktree
        return found or back_link(git_dir)
    if config.flag("core.bare"):
        return None
    chosen = config.get("core.worktree")
    if chosen:
        return os.path.normpath(os.path.join(git_dir, chosen))
    if found is None and os.path.basename(git_dir) == ".git":
        return os.path.dirname(git_dir)
    return found


def _refuse_outside(start: str, found: str, repo: Repository) -> None:
    """A setting must not turn somebody else's folder into the work tree of where we stand."""
    if repo.worktree not in (None, found):
        root = os.path.realpath(repo.worktree or "")
        if os.path.commonpath((root, os.path.realpath(start))) != root:
            raise GitError(f"{start} is not inside the work tree {root} that {repo.git_dir} has.")
