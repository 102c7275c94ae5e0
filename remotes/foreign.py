"""Another Git repository, as it was at a commit: its own files, and the data that it tracks, by path.

This is where imports come from. A repository in a folder is read where it lies; one behind ssh or http(s) is brought,
history and all, into a folder that goes when the command ends. Its data comes from the remote that it names itself,
unless the import says otherwise, and where it lies in a folder from its cache, too. Nothing of it is written.

Limits: projects in DVC's form; symlinks that the repository holds are left out, and so are its .dvcignore rules.
"""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, suppress
from typing import Any, NamedTuple

from assay.engine import disk
from assay.engine.config import Config, Layer, layer, load
from assay.engine.errors import AssayError, ConfigError, GitError, UnknownRevision
from assay.engine.experiments.chosen import EXPERIMENTS
from assay.engine.git.repository import Repository
from assay.engine.git.revisions import peeled, resolve
from assay.engine.git.trees import lookup, walk_tree
from assay.engine.layout import dvc
from assay.engine.model import Artifact, Oid
from assay.engine.pipeline.discover import DATA_ENDING, NAME
from assay.engine.pipeline.tracked import Tracked, TreeFiles, tracked
from assay.engine.ports import GitTransport
from assay.engine.project import Project
from assay.remotes.git import addresses
from assay.remotes.registry import Remote, checked_url, find_in

_HEADS, _TAGS = "refs/heads/", "refs/tags/"
_FOLDER, _FILE = 0o040000, 0o100000
_UNSEEN = (NAME, ".dvcignore")
_ID = re.compile("[0-9a-f]{40}")


class Origin(NamedTuple):
    """What an import says of the repository that it came from.

    Attributes:
        url: A URL, or a path.
        path: What was imported, relative to the top of that repository.
        revision: What is followed; empty for HEAD.
        locked: The commit that it was imported at; empty when that is not known.
        config: Settings that go before the repository's own, or the path of a file with some.
        remote: The name of a remote there, or the settings of one.
    """

    url: str
    path: str
    revision: str = ""
    locked: str = ""
    config: Any = None
    remote: Any = None


class Found(NamedTuple):
    """What lies at a path of a repository.

    Attributes:
        blobs: Git's own files by their path below it; "" is the path itself.
        artifacts: Recorded artifacts likewise.
        part: What is meant of the artifact "", where the path lies in it; empty for all of it.
        doubt: Why that may not be all that belongs there; empty where it is.
    """

    blobs: Mapping[str, Oid]
    artifacts: Mapping[str, Artifact]
    part: str = ""
    doubt: str = ""


def plain(path: str) -> str:
    """A path in a repository without detours; "" is the repository itself."""
    path = posixpath.normpath(path).strip("/")
    return "" if path == "." else path


def origin_of(dep: Mapping[str, Any]) -> Origin:
    """What the dependency of an import says; it has a ``repo``."""
    repo = dep["repo"]
    revision, locked = repo.get("rev") or "", repo.get("rev_lock") or ""
    return Origin(repo["url"], dep["path"], revision, locked, repo.get("config"), repo.get("remote"))


class Foreign:
    """A repository that is open.

    Args:
        project: The project on this side.
        url: A URL, or a path.
        folder: Absolute path of the folder that a path is relative to.

    Raises:
        GitError: There is no such repository.
        RemoteError: It cannot be reached.
    """

    def __init__(self, project: Project, url: str, folder: str) -> None:
        self.url = addresses.shown(url)
        self._project, world = project, project.world
        self._tmp = f"{project.tmp}/source-{world.ids.nonce()}"
        address = addresses.located(project.repo.config, url, url, folder)
        self.folder = "" if addresses.is_elsewhere(address.whole) else address.url
        if self.folder:
            self._git: GitTransport | None = None
            self.repo = addresses.opened(address, world)
            return
        with ExitStack() as stack:
            stack.callback(self._clear)
            disk.make_folders(self._tmp)
            self.repo = Repository.init(f"{self._tmp}/git", world.git_config, world.environment, bare=True)
            self._git = addresses.connected(self.repo, address, world, f"{self._tmp}/incoming", project.report)
            stack.pop_all()

    def __enter__(self) -> Foreign:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Lets go of it."""
        if self._git is not None:
            self._git.close()
        self.repo.close()
        self._clear()

    def _clear(self) -> None:
        with suppress(FileNotFoundError):
            disk.remove_tree(self._tmp)

    def commit(self, revision: str) -> Oid:
        """The commit that a revision means there, HEAD when empty; its objects are not brought yet.

        Raises:
            UnknownRevision: It means none.
        """
        if self._git is None:
            return resolve(self.repo, revision or "HEAD")
        if _ID.fullmatch(revision):
            return Oid(bytes.fromhex(revision))
        if not revision or revision == "HEAD":
            revision = (self._git.head() or "").removeprefix(_HEADS)
        names = [f"{_HEADS}{revision}", f"{_TAGS}{revision}", revision]
        there = self._git.refs(names)
        oid = next((there[name] for name in names if name in there), None)
        if oid is None:
            self._bring(None)
            return resolve(self.repo, revision)
        if oid.hex() != revision and there.get(f"{_TAGS}{revision}") == oid:
            self._bring(oid)
            return peeled(self.repo, oid) or oid
        return oid

    def at(self, commit: Oid, path: str) -> Found:
        """What lies at a path at a commit.

        Raises:
            UnknownRevision: There is no such commit, or nothing at that path.
        """
        self._bring(commit)
        path = plain(path)
        tree, prefix = self._top(commit, path)
        inside = path[len(prefix) :].strip("/")
        objects = self.repo.objects

        def read(name: str) -> bytes | None:
            item = lookup(objects, tree, name)
            return objects.read_blob(item.oid) if item is not None and item.mode & 0o170000 == _FILE else None

        data = tracked(read, TreeFiles(objects).below(tree), f"{self.folder}/{prefix}".rstrip("/"))
        self.lend(data)
        above = next((out for out in data.outs if inside.startswith(f"{out}/")), None)
        if above is not None:
            return Found({}, {"": data.outs[above]}, inside[len(above) + 1 :])
        artifacts = dict(_artifacts(data.outs, inside))
        blobs = {} if "" in artifacts else dict(self._blobs(tree, inside, set(artifacts)))
        doubt = "" if "" in artifacts or "" in blobs else _doubt(data, inside)
        if not blobs and not artifacts:
            why = f": {doubt}" if doubt else "."
            raise UnknownRevision(f"{self.url} has no {path!r} at {commit.hex()[:10]}{why}", "Check the path.")
        return Found(blobs, artifacts, "", doubt)

    def lend(self, data: Tracked) -> None:
        """Lets the cache of this side read listings that stand in the other's files."""
        data.lend_to(self._project)

    def bring(self, commit: Oid) -> None:
        """Brings a commit, with all that it needs."""
        self._bring(commit)

    def read(self, oid: Oid) -> bytes:
        """A file of Git's."""
        return self.repo.objects.read_blob(oid)

    def remotes(self, commit: Oid, origin: Origin) -> Iterator[Remote]:
        """Where its data may be, the likeliest place first. Raises ConfigError."""
        tree, prefix = self._top(commit, origin.path)
        root = f"{self.folder}/{prefix}".rstrip("/")
        config = self._config(tree, root, origin)
        if isinstance(origin.remote, Mapping):
            url = str(origin.remote.get("url") or "")
            keys = {str(key): str(value) for key, value in origin.remote.items() if key != "url"}
            known = None if url else find_in(config, "")
            yield (
                Remote("", checked_url(url), keys)
                if known is None
                else known._replace(settings={**known.settings, **keys})
            )
        elif origin.remote or config.get("core", "remote") or config.named("remote"):
            remote = find_in(config, str(origin.remote or ""))
            if self.folder or not remote.url.startswith(_NOWHERE):
                yield remote
            else:
                raise ConfigError(
                    f"The data of {self.url} is on a remote whose path only its owner knows.", "Import with --remote."
                )
        if self.folder:
            yield Remote("cache", config.get("cache", "dir") or f"{root}/{dvc().cache}", {})

    def _config(self, tree: Oid, root: str, origin: Origin) -> Config:
        """The settings of the project there: ours for all projects, its own, and what the import says."""
        layers = [one for one in self._project.config.layers if one.name in ("system", "global")]
        path, home = dvc().config[0], self._project.world.home
        item = lookup(self.repo.objects, tree, path)
        if item is not None:
            text = self.repo.objects.read_blob(item.oid).decode("utf-8", "replace")
            layers.append(layer("project", f"{root if self.folder else _NOWHERE}/{path}", text, home))
        own = [f"{root}/{dvc().config[1]}"] if self.folder else []
        if isinstance(origin.config, str):
            own.append(os.path.join(self._project.root, origin.config))
        layers += filter(None, (load("import", path, home) for path in own))
        if isinstance(origin.config, Mapping):
            layers.append(Layer("import", "", _sections(origin.config)))
        return Config(layers)

    def _top(self, commit: Oid, path: str) -> tuple[Oid, str]:
        """The tree of the project that a path belongs to, and where that lies ("" or with a trailing slash)."""
        objects = self.repo.objects
        tree = objects.read_commit(commit).tree
        above = posixpath.dirname(path.strip("/"))
        while above:
            item = lookup(objects, tree, above)
            if item is not None and item.mode == _FOLDER and lookup(objects, item.oid, dvc().marker) is not None:
                return item.oid, f"{above}/"
            above = posixpath.dirname(above)
        return tree, ""

    def _blobs(self, tree: Oid, path: str, data: set[str]) -> Iterator[tuple[str, Oid]]:
        """The files of Git's at or below a path, without those that only say what is tracked."""
        objects = self.repo.objects
        item = lookup(objects, tree, path) if path else None
        if item is not None and item.mode & 0o170000 == _FILE:
            yield "", item.oid
        elif not path or (item is not None and item.mode == _FOLDER):
            for name, mode, oid in walk_tree(objects, item.oid if item is not None else tree):
                is_seen = not name.endswith(DATA_ENDING) and posixpath.basename(name) not in _UNSEEN
                is_seen = is_seen and dvc().marker not in name.split("/")
                if mode & 0o170000 == _FILE and is_seen and name not in data:
                    yield name, oid

    def _bring(self, commit: Oid | None) -> None:
        """Brings a commit with all that it needs; all branches, tags and experiments where it is not told."""
        if self._git is None or (commit is not None and commit in self.repo.objects):
            return
        objects = self.repo.objects
        try:
            if commit is not None:
                self._git.fetch([commit], objects, objects, complete=lambda _: False)
                return
        except AssayError:  # a server may give out only what a ref names
            pass
        refs = self._git.refs([_HEADS, _TAGS, EXPERIMENTS])
        self._git.fetch(list(refs.values()), objects, objects, complete=lambda _: False)
        with self.repo.refs.transaction() as change:
            for name, oid in refs.items():
                if self.repo.refs.read(name) is None:
                    change.create(name, oid)
        if commit is not None and commit not in objects:
            raise GitError(f"{self.url} has no commit {commit.hex()[:10]}.", "It may have been removed there.")


_NOWHERE = "/dev/null/elsewhere"
"""Where a project would lie that is on another machine: what is relative to it leads nowhere."""


def _artifacts(outs: Mapping[str, Artifact], path: str) -> Iterator[tuple[str, Artifact]]:
    """The recorded artifacts at or below a path, by their path below it."""
    below = f"{path}/" if path else ""
    for out, artifact in outs.items():
        if out == path:
            yield "", artifact
        elif out.startswith(below):
            yield out[len(below) :], artifact


def _doubt(data: Tracked, path: str) -> str:
    """Why what is known of a folder's data may not be all that there is; empty where it is."""
    below = f"{path}/" if path else ""
    for name, why in data.errors.items():
        folder = posixpath.dirname(name)
        may_name_it = not folder or f"{path}/".startswith(f"{folder}/")
        if name.startswith(below) or (may_name_it and not name.endswith(DATA_ENDING)) or name == path + DATA_ENDING:
            return f"{name} cannot be understood ({why.rstrip('.')})."
    for name in (*data.awaited, *data.unnamed):
        if name == path or name.startswith(below):
            return f"{name} was imported there and never brought."
    return ""


def _sections(said: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Settings as an import has them: remotes by name below ``remote``. Raises ConfigError for what is none."""
    found = {name: keys for name, keys in said.items() if name != "remote"}
    remotes = said.get("remote") or {}
    if isinstance(remotes, Mapping):
        found |= {f'remote "{str(name).lower()}"': keys for name, keys in remotes.items()}
    if not isinstance(remotes, Mapping) or not all(isinstance(keys, Mapping) for keys in found.values()):
        raise ConfigError("The settings that an import has for its repository are no maps of maps.", "Mend its file.")
    return {
        str(name): {str(key): str(value) for key, value in keys.items() if value is not None}
        for name, keys in found.items()
    }
