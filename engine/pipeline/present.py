"""What paths of the workspace are at this moment, by the project's hash and without what is no part of any data."""

from __future__ import annotations

from assay.engine.model import Artifact, Entry, HashName
from assay.engine.pipeline.spec import no_part
from assay.engine.project import Project
from assay.engine.store import checkout
from assay.engine.store.scan import Ignored
from assay.engine.store.snapshot import snapshot
from assay.engine.store.writer import CacheWriter


def artifact_now(
    project: Project,
    path: str,
    writer: CacheWriter | None = None,
    *,
    algo: HashName | None = None,
    ignored: Ignored | None = None,
) -> Artifact:
    """What a file or folder is now.

    Args:
        project: The project.
        path: Its project path.
        writer: Puts its content into the cache; None names it only.
        algo: The hash to name it by, where that is not the project's.
        ignored: What is no part of a folder, where that is not `no_part`.

    Raises:
        BadInput: There is nothing, or a symlink that cannot be recorded.
        StoreError: A file cannot be read, or does not hold still.
        UnsafePath: A name in a folder could not be written again.
    """
    return snapshot(
        project.root,
        path,
        algo=algo or project.layout.hash_name,
        stat_cache=project.stat_cache,
        writer=writer,
        ignored=ignored or no_part(project),
        links_into=(project.cache_folder,),
        report=project.report,
    )


def files_now(project: Project, path: str, algo: HashName) -> dict[str, Entry]:
    """The files at and below a project path, by their project path, named by that hash. Raises StoreError."""
    return checkout.files_at(
        project.root,
        path,
        algo,
        project.stat_cache,
        ignored=no_part(project),
        links_into=(project.cache_folder,),
    )
