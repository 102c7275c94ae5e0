"""Names artifacts by another hash: what the cache has is read, verified, and added under its new name.

The old objects stay where they are, so that whatever names them can still be read. A directory gets the manifest of
the new hash; which of its files can be executed, which DVC's listings do not say, is asked of the workspace.

Limits: what is neither in the cache nor unchanged in the workspace or in HEAD has no other name.
"""

from __future__ import annotations

import os
import stat

from assay.engine.errors import AssayError, BadInput, MissingArtifact
from assay.engine.git.trees import lookup
from assay.engine.layout import SMALL
from assay.engine.model import HEX_LENGTH, Artifact, Digest, Entry, HashName
from assay.engine.pipeline.present import artifact_now
from assay.engine.project import Project
from assay.engine.store.digest import digest_bytes
from assay.engine.store.manifest import digests_of, files_in, keeps_modes, write_manifest
from assay.engine.store.writer import CacheWriter


class Rehash:
    """What artifacts of a project are called by another hash; asked once, remembered.

    Args:
        project: The project, whose cache has them by their old names.
        algo: The other hash.
        writer: Where they go; None to find out only whether they can.

    Attributes:
        objects: How many files were added.
        size: Their bytes.
    """

    def __init__(self, project: Project, algo: HashName, writer: CacheWriter | None) -> None:
        self._project = project
        self._algo = algo
        self._writer = writer
        self._files: dict[Digest, Digest] = {}
        self._known: dict[tuple[Digest, str], Artifact] = {}
        self.objects = 0
        self.size = 0

    def of(self, path: str, artifact: Artifact, *, cached: bool) -> Artifact | None:
        """An artifact by the other hash; None when its content is nowhere.

        Args:
            path: The project path where it lies or lay.
            artifact: What it is.
            cached: Whether its content is to be in the cache.

        Raises:
            CorruptArtifact: Its content in the cache is something else.
        """
        if artifact.digest.algo == self._algo:
            return artifact
        known = self._known.get((artifact.digest, path))
        if known is None:
            known = self._in_cache(path, artifact) or self._in_workspace(path, artifact, cached=cached)
            if known is None and not cached:
                known = self._in_head(path, artifact)
            if known is None:
                return None
            self._known[(artifact.digest, path)] = known
        return known._replace(is_exec=artifact.is_exec)

    def _in_cache(self, path: str, artifact: Artifact) -> Artifact | None:
        cache = self._project.cache
        try:
            if cache.missing(digests_of(cache, artifact)):
                return None
            if self._writer is None:
                return self._some(artifact)
            if not artifact.digest.is_dir:
                return Artifact(self._file(artifact.digest), artifact.size)
            files = {
                name: Entry(entry.name, self._file(entry.digest), entry.size, None, self._can_run(path, name, entry))
                for name, entry in files_in(cache, artifact.digest)
            }
            return write_manifest(self._writer, files)
        except MissingArtifact:
            return None

    def _file(self, digest: Digest) -> Digest:
        if digest.algo == self._algo or self._writer is None:
            return digest
        known = self._files.get(digest)
        if known is None:
            cache = self._project.cache
            size = cache.size(digest) or 0
            if size < SMALL:
                known = self._writer.add_bytes(cache.read(digest))
            else:
                known, size = self._writer.add_file(cache.materialise(digest))
            self._files[digest] = known
            self.objects += 1
            self.size += size
        return known

    def _some(self, artifact: Artifact) -> Artifact:
        """What stands for an artifact where nothing is read, and so its new name not known."""
        return artifact._replace(digest=Digest(self._algo, "0" * HEX_LENGTH[self._algo], artifact.digest.is_dir))

    def _can_run(self, path: str, name: str, entry: Entry) -> bool:
        if keeps_modes(Digest(self._algo, "", True)) and not keeps_modes(Digest(entry.digest.algo, "", True)):
            try:
                mode = os.lstat(self._project.path(f"{path}/{name}")).st_mode
            except OSError:
                return False
            return stat.S_ISREG(mode) and bool(mode & 0o100)
        return entry.is_exec

    def _in_workspace(self, path: str, artifact: Artifact, *, cached: bool) -> Artifact | None:
        try:
            if artifact_now(self._project, path, algo=artifact.digest.algo).digest != artifact.digest:
                return None
            if self._writer is None:
                return self._some(artifact)
            return artifact_now(self._project, path, self._writer if cached else None, algo=self._algo)
        except (BadInput, OSError):
            return None

    def _in_head(self, path: str, artifact: Artifact) -> Artifact | None:
        """A small file that was edited since: HEAD may have it as it was recorded."""
        repo, head = self._project.repo, self._project.repo.head()
        if head is None or artifact.digest.is_dir:
            return None
        try:
            item = lookup(repo.objects, repo.objects.read_commit(head).tree, self._project.prefix + path)
            data = repo.objects.read_blob(item.oid) if item is not None and item.mode & 0o170000 == 0o100000 else None
        except AssayError:  # whatever is wrong with HEAD, it does not have the content
            return None
        if data is None or digest_bytes(artifact.digest.algo, data) != artifact.digest:
            return None
        return Artifact(digest_bytes(self._algo, data), len(data))
