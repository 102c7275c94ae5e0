"""Which artifacts commits, workspaces and state need: the roots of a collection.

What a commit needs is what its pipeline files name. Where one cannot be understood, every output in the lock file
beside it counts; where that cannot be read either, nothing is known, and that is a problem.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from assay.engine import disk
from assay.engine.errors import AssayError, GitError, Refused
from assay.engine.experiments.keeping import STATE, chain, linked_worktrees
from assay.engine.git.revisions import peeled
from assay.engine.git.trees import lookup
from assay.engine.model import Digest, Oid
from assay.engine.params import documents
from assay.engine.pipeline import lock, spec
from assay.engine.pipeline.discover import NAME, pipeline_files
from assay.engine.pipeline.outputs import link_kinds
from assay.engine.pipeline.stage import lock_path
from assay.engine.pipeline.tracked import TreeFiles, tracked
from assay.engine.project import Project
from assay.engine.store.digest import parse_key
from assay.engine.workspace import undo

_LOCK = "dvc.lock"


@dataclass
class Needs:
    """Tells which artifacts commits and workspaces need.

    Args:
        project: Whose prefix says where in a tree the project lies.

    Attributes:
        problems: What could not be understood, by commit or workspace, with a sentence.
    """

    project: Project
    problems: dict[str, str] = field(default_factory=dict)
    _finder: TreeFiles | None = None
    _known: dict[Oid, frozenset[Digest]] = field(default_factory=dict)

    def of_commit(self, commit: Oid, *, every_lock: bool = False) -> frozenset[Digest]:
        """What a commit's pipeline files name.

        Args:
            commit: The commit.
            every_lock: Take lock files without a pipeline file too: an undo record's tree has but some files.
        """
        source = self.project.repo.objects
        try:
            tree = source.read_commit(commit).tree
            prefix = self.project.prefix.rstrip("/")
            top = lookup(source, tree, prefix) if prefix else None
            if prefix and (top is None or top.mode != 0o040000):
                return frozenset()
            tree = top.oid if top is not None else tree
            if tree in self._known and not every_lock:
                return self._known[tree]

            def read(path: str) -> bytes | None:
                item = lookup(source, tree, path)
                return source.read_blob(item.oid) if item is not None and item.mode & 0o170000 == 0o100000 else None

            self._finder = self._finder or TreeFiles(source)
            found = self._of_files(commit.hex()[:10], read, self._finder.below(tree), self.project.root)
            if every_lock:
                locks = (path for path in _paths(self.project, tree) if path.rpartition("/")[2] == _LOCK)
                found |= {digest for path in locks for digest in _locked(read(path) or b"", path)}
            self._known[tree] = frozenset(found)
        except GitError as error:
            self.problems[commit.hex()[:10]] = error.message
            return frozenset()
        return frozenset(found)

    def of_workspace(self, root: str) -> frozenset[Digest]:
        """What the pipeline files below a folder name now, and what symlinks of their outputs lead to."""
        read, files = self._work(root)
        found = self._of_files("the workspace" if root == self.project.root else root, read, files, root)
        return frozenset(found | self.linked(root))

    def linked(self, root: str) -> frozenset[Digest]:
        """What symlinks of the outputs below a folder lead to."""
        if "symlink" not in link_kinds(self.project):
            return frozenset()
        read, files = self._work(root)
        outs = tracked(read, files, root).outs
        links = (_link_targets(f"{root}/{path}", self.project.cache_folder) for path in outs)
        return frozenset(digest for found in links for digest in found)

    def _work(self, root: str) -> tuple[Callable[[str], bytes | None], list[str]]:
        """How files below a folder are read, and the pipeline files among them."""

        def read(path: str) -> bytes | None:
            try:
                with open(f"{root}/{path}", "rb") as file:
                    return file.read()
            except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
                return None

        def outs_of(path: str) -> Iterable[str]:
            try:
                stages = spec.resolved(read(path) or b"", path, read, root=root).stages
            except AssayError:
                return ()
            return [out.path for stage in stages for out in stage.outs]

        return read, list(pipeline_files(root, spec.ignored(self.project), outs_of))

    def _of_files(
        self, where: str, read: Callable[[str], bytes | None], files: Iterable[str], root: str
    ) -> set[Digest]:
        found = tracked(read, files, root)
        found.lend_to(self.project)
        digests = {artifact.digest for artifact in found.outs.values()} | found.outside
        for path, problem in found.errors.items():
            try:
                if path.rpartition("/")[2] != NAME:
                    raise Refused(problem)
                digests |= _locked(read(lock_path(path)) or b"", lock_path(path))
            except AssayError:
                self.problems[f"{path} of {where}"] = problem
        return digests


def _locked(data: bytes, path: str) -> set[Digest]:
    """Every output that a lock file names. Raises BadInput."""
    if not data:
        return set()
    entries = lock.parse(documents.decoded(path, data), path).stages.values()
    return {artifact.digest for entry in entries for artifact in entry.outs.values() if artifact is not None}


def _paths(project: Project, tree: Oid, prefix: str = "") -> Iterator[str]:
    """The files of a tree."""
    for item in project.repo.objects.read_tree(tree):
        if item.mode == 0o040000:
            yield from _paths(project, item.oid, f"{prefix}{item.name}/")
        else:
            yield prefix + item.name


def _link_targets(path: str, cache_folder: str) -> Iterator[Digest]:
    """The objects that symlinks at or below a path lead to."""
    links = [path] if os.path.islink(path) else []
    if not links and os.path.isdir(path):
        links = [found.entry.path for found in disk.walk(path) if found.entry.is_symlink()]
    for link in links:
        target = os.path.normpath(os.path.join(os.path.dirname(link), os.readlink(link)))
        digest = parse_key(target[len(cache_folder) + 1 :]) if target.startswith(cache_folder + "/") else None
        if digest is not None:
            yield digest


def workspaces(project: Project) -> Iterator[str]:
    """The project's root, here and in other worktrees of the repository that have it."""
    yield project.root
    for folder in linked_worktrees(project.repo.common_dir):
        try:
            with open(f"{folder}/gitdir", encoding="utf-8", errors="surrogateescape") as file:
                dot_git = os.path.normpath(os.path.join(folder, file.read().rstrip("\n")))
        except OSError:
            continue
        root = f"{os.path.dirname(dot_git)}/{project.prefix}".rstrip("/")
        if root != project.root and os.path.isdir(root):
            yield root
    if project.repo.git_dir != project.repo.common_dir and os.path.basename(project.repo.common_dir) == ".git":
        root = f"{os.path.dirname(project.repo.common_dir)}/{project.prefix}".rstrip("/")
        if os.path.isdir(root):
            yield root


def of_state(project: Project, needs: Needs) -> set[Digest]:
    """What the state under ``refs/assay/`` needs: undo records with all they would give back, queued jobs, the rest."""
    found: set[Digest] = set()
    for record in undo.records(project):
        found.update(artifact.digest for artifact in record.outs.values() if artifact is not None)
        found |= needs.of_commit(record.commit, every_lock=True)
        for name, oid in record.refs.items():
            commit = None if oid is None else peeled(project.repo, oid)
            for each in chain(project, name, commit) if commit is not None else ():
                found |= needs.of_commit(each)
    for name, oid in project.repo.refs.iterate(STATE):
        commit = None if name.startswith(undo.PREFIX) else peeled(project.repo, oid)
        if commit is not None:
            found |= needs.of_commit(commit, every_lock=True)
    return found
