"""Commits that name data, made without a workspace: for tests of what is kept and what is damaged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from assay.engine.git import objects
from assay.engine.git.trees import edit_tree
from assay.engine.model import Artifact, Digest, Entry, ExpRef, Oid, Signature
from assay.engine.project import Project
from assay.engine.store.cache import Cache
from assay.engine.store.manifest import write_manifest

Content = bytes | Mapping[str, bytes]
"""A file, or a directory: its files by path."""


def put(cache: Cache, content: Content) -> Artifact:
    """Puts a file or a directory into the cache."""
    with cache.writer() as writer:
        if isinstance(content, bytes):
            return Artifact(writer.add_bytes(content), len(content))
        entries = {path: Entry(path, writer.add_bytes(data), len(data)) for path, data in content.items()}
        return write_manifest(writer, entries)


def data_file(name: str, artifact: Artifact) -> str:
    """The text of a ``.dvc`` file."""
    digest = artifact.digest
    return f"outs:\n- path: {name}\n  hash: {digest.algo}\n  digest: {digest.text}\n  size: {artifact.size}\n"


def commit(
    project: Project,
    data: Mapping[str, Content] = {},
    *,
    files: Mapping[str, str] = {},
    parents: Iterable[Oid] = (),
    time: int = 1_700_000_000,
    ref: str = "",
) -> Oid:
    """A commit whose tree has these files, and a ``.dvc`` file for each piece of data.

    Args:
        project: The project.
        data: Content by path; it goes into the cache.
        files: Texts by path.
        parents: The commit's parents.
        time: When it was made.
        ref: A ref that is set to it.
    """
    texts = {f"{name}.dvc": data_file(name, put(project.cache, content)) for name, content in data.items()}
    who = Signature("A U Thor", "author@example.com", time)
    with project.repo.objects.batch() as batch:
        items = {path: (0o100644, batch.add(objects.BLOB, text.encode())) for path, text in (texts | files).items()}
        tree = edit_tree(batch, None, items)
        made = batch.add(objects.COMMIT, objects.build_commit(tree, tuple(parents), who, who, "made"))
    if ref:
        set_ref(project, ref, made)
    return made


def set_ref(project: Project, name: str, value: Oid | None) -> None:
    """Sets a ref, or deletes it."""
    old = project.repo.refs.read(name)
    with project.repo.refs.transaction() as change:
        if value is None and old is not None:
            change.delete(name, old)
        elif value is not None and old is None:
            change.create(name, value)
        elif value is not None and old is not None:
            change.update(name, value, old)


def experiment(project: Project, name: str, baseline: Oid, data: Mapping[str, Content], **more: object) -> Oid:
    """An experiment on a baseline."""
    ref = ExpRef(baseline, name).refname
    return commit(project, data, parents=[baseline], ref=ref, **more)  # type: ignore[arg-type]


def has(cache: Cache, digest: Digest) -> bool:
    """Whether the cache itself has an object, the trash left aside."""
    cache.index.rescan()
    return cache.has(digest)
