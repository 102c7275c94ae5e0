"""What paths of the workspace are at this moment, by the project's hash and without what is no part of any data."""

from __future__ import annotations

import os
from collections.abc import Callable

from assay.engine.errors import BadInput
from assay.engine.ignore import IgnoreRules
from assay.engine.model import Artifact, Entry, HashName
from assay.engine.pipeline.spec import no_part
from assay.engine.project import Project
from assay.engine.store.scan import Ignored
from assay.engine.store.snapshot import snapshot
from assay.engine.store.writer import CacheWriter

_IGNORE_FILE = ".dvcignore"


def artifact_now(
    project: Project,
    path: str,
    writer: CacheWriter | None = None,
    *,
    algo: HashName | None = None,
    ignored: Ignored | None = None,
    known: Artifact | None = None,
    links_into: tuple[str, ...] = (),
) -> Artifact:
    """What a file or folder is now.

    Args:
        project: The project.
        path: Its project path.
        writer: Puts its content into the cache; None names it only.
        algo: The hash to name it by, where that is not the project's.
        ignored: What is no part of a folder, where that is not `no_part`.
        known: What was recorded of it, see `hash_for`.
        links_into: Folders that symlinks may lead into, where that is not the cache alone.

    Raises:
        BadInput: There is nothing, or a symlink that cannot be recorded.
        StoreError: A file cannot be read, or does not hold still.
        UnsafePath: A name in a folder could not be written again.
    """
    rule = ignored or no_part(project)

    def named(algo: HashName, writer: CacheWriter | None = None) -> Artifact:
        return snapshot(
            project.root,
            path,
            algo=algo,
            stat_cache=project.stat_cache,
            writer=writer,
            ignored=rule,
            links_into=links_into or (project.cache_folder,),
            report=project.report,
        )

    chosen = algo or hash_for(project, known, named)
    if writer is None or chosen == writer.algo:
        return named(chosen, writer)
    with project.cache.writer(chosen) as other:
        return named(chosen, other)


def elsewhere_now(project: Project, path: str, writer: CacheWriter | None = None) -> Artifact:
    """What a file or folder at any absolute path is now, by the project's hash.

    Args:
        project: The project.
        path: An absolute path.
        writer: Puts its content into the cache; None names it only.

    Raises:
        BadInput: There is nothing, or a symlink that cannot be recorded.
        StoreError: A file cannot be read, or does not hold still.
    """
    root, name = os.path.split(path)
    if not os.path.lexists(path):
        raise BadInput(path, "does not exist", hint="Check its spelling.")
    rules = IgnoreRules(root, (), always=project.layout.ignores).ignored
    return snapshot(
        root,
        name,
        algo=project.layout.hash_name,
        stat_cache=project.stat_cache,
        writer=writer,
        ignored=without_ignore_files(rules),
        report=project.report,
    )


def hash_for(project: Project, known: Artifact | None, named: Callable[[HashName], Artifact]) -> HashName:
    """The hash that names what is there now: the project's, or that of what was recorded as long as it is the same.

    So data that DVC 2 recorded keeps its name until it is changed, as with DVC 3.

    Args:
        project: The project.
        known: What was recorded.
        named: What is there, by a hash.
    """
    usual = project.layout.hash_name
    if known is None or known.digest.algo == usual or named(known.digest.algo).digest != known.digest:
        return usual
    return known.digest.algo


def without_ignore_files(rule: Ignored) -> Ignored:
    """The same rule, which refuses a .dvcignore inside data: it would change what the data is."""

    def ignored(path: str, is_dir: bool) -> bool:
        if path == _IGNORE_FILE or path.endswith("/" + _IGNORE_FILE):
            raise BadInput(
                path, "a .dvcignore inside data is not possible", hint="Put its lines into the one above the data."
            )
        return rule(path, is_dir)

    return ignored


def files_now(project: Project, path: str, algo: HashName) -> dict[str, Entry]:
    """The files at and below a project path, by their project path, named by that hash. Raises StoreError."""
    from assay.engine.store import checkout

    return checkout.files_at(
        project.root,
        path,
        algo,
        project.stat_cache,
        ignored=no_part(project),
        links_into=(project.cache_folder,),
    )


def can_run(project: Project) -> Callable[[str], bool]:
    """Tells whether the file at a project path is executable; what is not there is not."""

    def runs(path: str) -> bool:
        try:
            return os.stat(project.path(path)).st_mode & 0o111 != 0
        except OSError:
            return False

    return runs
