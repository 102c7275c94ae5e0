"""Imports brought up to date: where the source has something else by now, that is brought and recorded.

All of it is brought before anything of the workspace changes, so that either every import is new or none; `undo` gives
back what was there.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from assay.engine import disk
from assay.engine.data.items import selected
from assay.engine.errors import BadInput, Refused, RemoteError, UsageError
from assay.engine.model import Artifact
from assay.engine.pipeline import importfile
from assay.engine.pipeline.datafile import CONTENT, DataFile, DataOut
from assay.engine.pipeline.datafiles import write
from assay.engine.pipeline.gitignore import ignore
from assay.engine.pipeline.observe import Observer
from assay.engine.pipeline.spec import Pipeline, load
from assay.engine.project import Project
from assay.engine.workspace import undo
from assay.engine.workspace.autostage import autostage
from assay.engine.workspace.hold import hold
from assay.engine.workspace.restore import Goal, carry_out, plan
from assay.remotes.foreign import Origin, origin_of
from assay.remotes.imports.importing import Dep, Part, content_at, repository_item, sent_on
from assay.remotes.imports.places import place_at
from assay.remotes.registry import is_proxied, limited
from assay.remotes.sources import Sources


class Straight(NamedTuple):
    """Data goes to a remote, past cache and workspace: its name, None for the default."""

    remote: str | None


class How(NamedTuple):
    """What is brought up to date, and how.

    Attributes:
        folder: The project path that targets are relative to.
        recursive: A target that is a folder means every import below it.
        revision: What imports from repositories follow from now on; empty for what they do.
        part: "all", or "said": only what the source says is recorded, and the data that is here goes.
        straight: To a remote only; None for as usual.
        jobs: How many transfers at once; None for what the configuration says.
        tell: As for an import.
    """

    folder: str = ""
    recursive: bool = False
    revision: str = ""
    part: Part = "all"
    straight: Straight | None = None
    jobs: int | None = None
    tell: Callable[[Dep, str, str], None] = lambda *_: None


class Updated(NamedTuple):
    """What `update` did.

    Attributes:
        changed: The ``.dvc`` files that were brought up to date.
        same: Those of which the source has nothing else.
        others: Tracked paths among the targets that are no imports.
        written: Project paths of the files that changed; they belong into a commit.
        staged: Whether those were put into Git's index.
    """

    changed: tuple[str, ...]
    same: tuple[str, ...]
    others: tuple[str, ...]
    written: tuple[str, ...]
    staged: bool


class _New(NamedTuple):
    """An import as it is to be: its file, its source, its data (None where that is not brought)."""

    file: DataFile
    dep: Mapping[str, Any]
    artifact: Artifact | None

    @property
    def path(self) -> str:
        return self.file.outs[0].path


def update(project: Project, targets: Sequence[str], how: How | None = None) -> Updated:
    """Brings imports up to date.

    Args:
        project: The project.
        targets: ``.dvc`` files, the data itself, and with ``recursive`` folders.
        how: See `How`.

    Raises:
        UsageError: A target means nothing, or nothing that this can be done with.
        Refused: A target is of a kind that cannot be brought up to date.
        AssayError: A source cannot be reached, or has nothing any more; nothing was changed.
    """
    how = how or How()
    with hold(project) as held, Sources(project, how.jobs) as sources:
        pipeline = load(project)
        files, others = _imports(project, pipeline, targets, how)
        held.using(write=[out.path for file in files for out in file.outs])
        _check_others(pipeline, others, how)
        news, same = [], []
        for file in files:
            new = _news(project, sources, file, how)
            if new is None:
                same.append(file.path)
            else:
                news.append(new)
        written, staged = _record(project, news, how) if news else ((), False)
        return Updated(tuple(new.file.path for new in news), tuple(same), others, written, staged)


def _imports(
    project: Project, pipeline: Pipeline, targets: Sequence[str], how: How
) -> tuple[list[DataFile], tuple[str, ...]]:
    """The imports that are meant, and the paths of what is none."""
    chosen = selected(project, pipeline, targets, folder=how.folder, recursive=how.recursive)
    owners = dict.fromkeys(found.item.owner for found in chosen)
    files = [pipeline.data[owner] for owner in owners if owner in pipeline.data and pipeline.data[owner].is_import]
    for file in files:
        if len(file.all_outs) != 1 or len(file.deps) != 1 or file.outside:
            raise Refused(f"{file.path} tracks more than one path of one source.", "Edit it by hand.")
    ours = {file.path for file in files}
    return files, tuple(dict.fromkeys(found.item.path for found in chosen if found.item.owner not in ours))


def _check_others(pipeline: Pipeline, others: Sequence[str], how: How) -> None:
    if not others:
        return
    for flag, given in (("--rev", how.revision), ("--no-download", how.part == "said"), ("--to-remote", how.straight)):
        if given:
            raise UsageError(f"{flag} is about imports, and {others[0]} is none.", "Leave it out.")
    for file in pipeline.data.values():
        if "cloud:" in file.source.text and any(out.path in others for out in file.outs):
            raise Refused(
                f"{others[0]} is on a remote that keeps versions, and assay does not look for newer ones yet.",
                "`dvc update` does.",
            )


def _news(project: Project, sources: Sources, file: DataFile, how: How) -> _New | None:
    """What an import is to be; None where it is that already."""
    dep = file.deps[0]
    if "db" in dep:
        raise RemoteError(f"{file.path} came from a database, from which assay brings nothing.")
    if "repo" in dep:
        return _from_repository(project, sources, file, origin_of(dep), how)
    out = file.outs[0]
    settings = {**dep.get("fs_config", {}), **out.settings}
    there = place_at(
        dep["path"],
        os.path.join(project.root, file.wdir),
        project.config,
        settings,
        proxied=is_proxied(project.world.environment),
    )
    there = there._replace(remote=limited(there.remote, how.jobs))
    if how.straight is not None:
        artifact, said = sent_on(project, there, how.straight.remote, how.jobs)
        return _New(file, _item(said, dep), artifact)
    try:
        _, said = content_at(project, there, "said")
    except BadInput:
        how.tell(dep, file.wdir, out.path)
        raise
    is_known = said == {key: value for key, value in dep.items() if key in CONTENT}
    if is_known and _is_sound(project, file):
        return None
    how.tell(dep, file.wdir, out.path)
    if is_known and how.part == "all" and out.artifact is not None and sources.is_here(out.artifact):
        return _New(file, dep, out.artifact)
    found, said = content_at(project, there, how.part)
    return _New(file, _item(said, dep), found)


def _from_repository(project: Project, sources: Sources, file: DataFile, origin: Origin, how: How) -> _New | None:
    if how.straight is not None:
        raise UsageError(
            f"{file.path} is imported from a repository, so --to-remote does nothing for it.", "Leave it out."
        )
    out = file.outs[0]
    there = sources.foreign(origin.url, file.wdir)
    revision = how.revision or origin.revision
    commit = there.commit(revision)
    new = origin._replace(revision=revision, locked=commit.hex())
    if new == origin and _is_sound(project, file):
        return None
    how.tell(repository_item(new), file.wdir, out.path)
    if how.part == "said":
        there.at(commit, origin.path)
        return _New(file, repository_item(new), None)
    if new == origin and out.artifact is not None and sources.is_here(out.artifact):
        return _New(file, repository_item(new), out.artifact)
    return _New(file, repository_item(new), sources.take(there, commit, new))


def _item(said: Mapping[str, Any], dep: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in dep.items() if key not in (*CONTENT, "path", "fs_config")}
    return {**importfile.source_item(said, dep["path"], dep.get("fs_config", {})), **kept}


def _is_sound(project: Project, file: DataFile) -> bool:
    """Whether the data is here as it was recorded, and the record as it was written."""
    out: DataOut = file.outs[0]
    if out.artifact is None:
        return False
    now = Observer(project).artifact(out.path, known=out.artifact)
    return now is not None and now.digest == out.artifact.digest and file.is_as_summed


def _record(project: Project, news: Sequence[_New], how: How) -> tuple[tuple[str, ...], bool]:
    """Writes the ``.dvc`` files, then the data."""
    algo = project.layout.hash_name
    texts = {
        new.file.path: text
        for new in news
        if (text := importfile.updated_text(new.file, new.dep, new.artifact, algo)) != new.file.source.text
    }
    goal = {} if how.straight is not None else {new.path: new.artifact for new in news}
    change = plan(project, Goal({}, goal))
    disk.sync_tree(project.cache_folder)
    undo.remember(project, "update", paths=[project.prefix + path for path in texts], outs=change.before)
    ignores = ignore(project.root, project.kept_from_git([new.path for new in news]))
    write(project, texts)
    carry_out(project, change)
    written = (*texts, *ignores)
    return written, autostage(project, dict.fromkeys(written))
