"""Makes a native project a DVC project, or the other way round, or changes the hash of a native one.

The lock files and ``.dvc`` files of the workspace are rewritten, their artifacts get their other name in the cache, and
the settings are carried over. The cache stays where it is, with all that it has, and each entry names its own hash:
experiments made before can still be shown and applied.

Stopped at any moment, what is there is a project with everything recorded, some of it by the one hash and some by the
other; the same command goes on from there. The kind changes with one file: a marker folder without a configuration
makes no project where there is another. The order of the steps is chosen so that what DVC would read is only ever
DVC's.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import NamedTuple

from assay.engine import disk, vocabulary
from assay.engine.config import read
from assay.engine.configtext import as_text, edited, parse
from assay.engine.errors import ConfigError, MissingArtifact, Refused
from assay.engine.experiments.rehash import Rehash
from assay.engine.layout import MARKERS, ProjectLayout, first_config
from assay.engine.params import documents
from assay.engine.pipeline import datafile, lock
from assay.engine.pipeline.lock import LockEntry
from assay.engine.pipeline.present import can_run
from assay.engine.pipeline.spec import Pipeline, load
from assay.engine.pipeline.stage import Stage
from assay.engine.project import Project
from assay.engine.store.cache import Cache
from assay.engine.words import first_of
from assay.engine.workspace import undo
from assay.engine.workspace.hold import hold


class Converted(NamedTuple):
    """What `convert` did, or would do.

    Attributes:
        written: Project paths of the files that were rewritten, made or removed.
        objects: How many files of the cache got another name.
        size: Their bytes.
        left_out: Addresses of stages whose entries were left out: what they read is nowhere any more as it was.
        settings: Settings that the other kind does not have, dotted.
        remotes: Names of remotes; what lies there is in the form of the old kind.
        undo: The number of the undo record; 0 when nothing was done.
    """

    written: tuple[str, ...]
    objects: int = 0
    size: int = 0
    left_out: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    remotes: tuple[str, ...] = ()
    undo: int = 0


class _Plan(NamedTuple):
    """The files to write, by project path: those about data, and the configuration of the new kind."""

    data: Mapping[str, bytes]
    config: Mapping[str, bytes]
    removed: tuple[str, ...]
    left_out: tuple[str, ...]
    settings: tuple[str, ...]


def convert(project: Project, target: ProjectLayout, *, dry: bool = False) -> Converted:
    """Makes the project one of another kind.

    Args:
        project: The project as it is; it is of no use afterwards and has to be opened anew.
        target: The layout that it should have.
        dry: Whether to find out only what would be done, and whether it can be.

    Raises:
        MissingArtifact: The content of an output or of data is not here; nothing was changed.
        CorruptArtifact: The cache has something else under a name; nothing was changed.
        BadInput: A pipeline file cannot be understood.
        Refused: The project works without Git, and the other kind cannot.
    """
    if not project.has_git and not target.without_git:
        raise Refused(f"{project.root} works without Git (core.no_scm), and a project of that kind does not.")
    with hold(project):
        pipeline = load(project)
        if dry:
            names = Rehash(project, target.hash_name, None)
            return _told(project, _plan(project, pipeline, target, names), names)
        old = project.cache
        cache = Cache(old.folder, target.hash_name, project.stat_cache, target.pack_limit, shared=old.shared)
        try:
            with cache.writer() as writer:
                names = Rehash(project, target.hash_name, writer)
                plan = _plan(project, pipeline, target, names)
        finally:
            cache.close()
        paths = [*plan.data, *plan.config, *plan.removed]
        if not paths:
            return Converted(())
        disk.sync_tree(project.cache_folder)
        record = undo.remember(
            project,
            f"convert to {target.marker.removeprefix('.')}",
            paths=[project.prefix + path for path in paths],
        )
        _carry_out(project, plan, target)
        return _told(project, plan, names)._replace(undo=record.number)


def _told(project: Project, plan: _Plan, names: Rehash) -> Converted:
    paths = tuple(dict.fromkeys([*plan.data, *plan.config, *plan.removed]))
    remotes = tuple(project.config.named("remote")) if plan.config else ()
    return Converted(paths, names.objects, names.size, plan.left_out, plan.settings, remotes)


def _carry_out(project: Project, plan: _Plan, target: ProjectLayout) -> None:
    """Writes a plan in the order in which every step leaves a project that can be read."""
    config = {path: data for path, data in plan.config.items() if path != target.config[0]}
    switch = {path: data for path, data in plan.config.items() if path == target.config[0]}
    removed: dict[str, bytes | None] = dict.fromkeys(plan.removed)
    # Either kind understands the other's entries here, but DVC only its own.
    steps: list[Mapping[str, bytes | None]] = [config, switch, removed]
    steps.insert(0 if target.shared_locks else len(steps), plan.data)
    temporary = project.path(target.transient[0])
    disk.make_folders(temporary)
    disk.write_atomic(f"{temporary}/.gitignore", b"*\n")  # what lies there stays unseen when this is undone
    for old, new in zip(project.layout.config, target.config, strict=True):
        if new in config and not os.path.lexists(project.path(new)) and os.path.lexists(project.path(old)):
            mode = os.stat(project.path(old)).st_mode & 0o777  # secrets stay as secret as they were
            disk.write_atomic(project.path(new), config.pop(new), mode=mode)
    for step in steps:
        disk.rewrite(project.root, step)


def _plan(project: Project, pipeline: Pipeline, target: ProjectLayout, names: Rehash) -> _Plan:
    data, left_out = _locks(project, pipeline, names)
    data.update(_data_files(project, pipeline, names))
    config, settings = _config(project, target)
    removed = [f"{marker}/config" for marker in MARKERS if marker != target.marker]
    there = tuple(path for path in removed if os.path.lexists(project.path(path)))
    return _Plan(data, config, there, tuple(left_out), settings)


def _locks(project: Project, pipeline: Pipeline, names: Rehash) -> tuple[dict[str, bytes], list[str]]:
    """The lock files that change, and the stages whose entries cannot be kept."""
    stages = {(stage.lock_path, stage.name): stage for stage in pipeline.stages.values()}
    found: dict[str, bytes] = {}
    left_out: list[str] = []
    absent: list[str] = []
    for path in dict.fromkeys(stage.lock_path for stage in pipeline.stages.values()):
        text = project.read(path)
        if text is None:
            continue
        before = lock.parse(documents.decoded(path, text), path)
        changed: dict[str, LockEntry] = {}
        gone: list[str] = []
        for name, entry in before.stages.items():
            stage = stages.get((path, name))
            after = _entry(stage, entry, names, absent)
            if after is None:
                gone.append(name)
            elif after != entry:
                changed[name] = after
        if changed or gone:
            found[path] = lock.dump(before.replaced(changed).without(gone)).encode("utf-8")
            left_out += [stages[path, name].address if (path, name) in stages else f"{path}:{name}" for name in gone]
    if absent:
        raise _missing(absent)
    return found, left_out


def _entry(stage: Stage | None, entry: LockEntry, names: Rehash, absent: list[str]) -> LockEntry | None:
    """A stage's entry by the other hash; None when something that it read, or wrote beside the cache, is nowhere."""
    outs = {out.spelled: out for out in stage.outs} if stage else {}
    deps = {dep.spelled: dep.path for dep in stage.deps} if stage else {}
    new_outs, new_deps = dict(entry.outs), dict(entry.deps)
    for spelled, artifact in entry.outs.items():
        if artifact is None:
            continue
        out = outs.get(spelled)
        is_cached = out is not None and out.cache
        found = names.of(out.path if out else spelled, artifact, cached=is_cached)
        if found is None and is_cached and out is not None:
            absent.append(out.path)
        elif found is None:
            return None
        else:
            new_outs[spelled] = found
    for spelled, artifact in entry.deps.items():
        if artifact is None:
            continue
        found = names.of(deps.get(spelled, spelled), artifact, cached=False)
        if found is None:
            return None
        new_deps[spelled] = found
    return entry._replace(outs=new_outs, deps=new_deps)


def _data_files(project: Project, pipeline: Pipeline, names: Rehash) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    absent: list[str] = []
    for file in pipeline.data.values():
        changed = {}
        for out in file.outs:
            if out.artifact is None:
                continue
            after = names.of(out.path, out.artifact, cached=out.cache)
            if after is None:
                absent.append(out.path)
            elif after.digest != out.artifact.digest:
                changed[out.path] = after
        if changed:
            found[file.path] = datafile.updated(file, changed, project.cache, can_run(project)).encode("utf-8")
    if absent:
        raise _missing(absent)
    return found


def _missing(paths: list[str]) -> MissingArtifact:
    return MissingArtifact(
        f"The content of {first_of(paths)} is not here, so it cannot get another name; nothing was changed.",
        "Get it with `assay pull`, then try again.",
    )


def _config(project: Project, target: ProjectLayout) -> tuple[dict[str, bytes], tuple[str, ...]]:
    """The configuration files of the new kind, and the settings that it does not have."""
    source = project.layout
    if source.marker == target.marker:
        text = read(project.path(source.config[0]))
        new = edited(text, "core", "hash", target.hash_name) if source.hash_name != target.hash_name else text
        return ({source.config[0]: new.encode()} if new != text else {}), ()
    files = {path: text for path, text in target.new_files.items() if not os.path.lexists(project.path(path))}
    left: list[str] = []
    for level, name in enumerate(source.config):
        text = first_config(target) if level == 0 else read(project.path(target.config[level]))
        files[target.config[level]] = _carried(project, name, text, target, left)
    local = target.config[1]
    if project.cache_folder == project.path(source.cache):  # it stays where it is; for this clone only
        place = os.path.relpath(project.cache_folder, project.path(target.marker)).replace(os.sep, "/")
        files[local] = edited(files[local], "cache", "dir", place)
    elif project.cache_folder == project.path(target.cache):  # where it was before an earlier conversion
        files[local] = edited(files[local], "cache", "dir", None)
    if not files[local]:
        del files[local]
    return {path: text.encode("utf-8") for path, text in files.items()}, tuple(dict.fromkeys(left))


def _carried(project: Project, path: str, text: str, target: ProjectLayout, left: list[str]) -> str:
    """A configuration with the settings of another one that its kind has, too."""
    for section, keys in parse(read(project.path(path)), path).items():
        for key, value in keys.items():
            if (section, key) == ("core", "hash"):
                continue
            value = as_text(value)
            try:
                vocabulary.check(target.words, section, key, value, url=project.config.get(section, "url"))
                text = edited(text, section, key, value)
            except ConfigError:
                left.append(vocabulary.dotted(section, key))
    return text
