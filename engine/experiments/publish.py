"""From a finished workspace to an experiment: tree, commit, ref, in the publishing order of law 1.

The tree is the start snapshot plus what the stages wrote: uncached outputs, metrics, `dvc.lock`, `.gitignore`. Cached
outputs are never in it. The commit's one parent is the baseline; the ref comes last and only if it is absent.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable
from typing import NamedTuple

from assay.engine import disk
from assay.engine.errors import AssayError, NameTaken, RefConflict, UsageError
from assay.engine.events import Warned
from assay.engine.experiments import naming
from assay.engine.experiments.start import Start, named
from assay.engine.git import objects
from assay.engine.git.trees import edit_tree, lookup
from assay.engine.model import ExpRef, Oid
from assay.engine.params import documents, keys
from assay.engine.pipeline.spec import Pipeline
from assay.engine.project import Project
from assay.engine.workspace.files import Changes, files_below, moved_to_cache, outputs_of, stored, transient, within
from assay.version import __version__

RUN = "Run: "
"""The trailer that names the isolated run which made an experiment."""


class Made(NamedTuple):
    """A new experiment.

    Attributes:
        ref: Its baseline and name.
        commit: Its commit.
        message: The commit's message without trailers.
        changed_during: Project paths of dependencies that changed while their stage ran.
    """

    ref: ExpRef
    commit: Oid
    message: str
    changed_during: tuple[str, ...] = ()


def claim_name(project: Project, baseline: Oid, name: str | None, *, force: bool) -> str:
    """The name an experiment will have: the given one when it is valid and free, else a new one.

    Raises:
        UsageError: The name cannot be a ref's last part.
        NameTaken: The baseline has an experiment of that name and ``force`` is off.
    """
    if name is None:
        return naming.fresh(project.repo.refs, baseline, project.world.ids)
    problem = naming.problem_with(name)
    if problem:
        raise UsageError(f"{name!r} cannot be the name of an experiment: {problem}.", "Choose another with -n.")
    if not force and project.repo.refs.read(ExpRef(baseline, name).refname) is not None:
        raise NameTaken(
            f"{baseline.hex()[:7]} has an experiment {name!r} already.",
            "Choose another name with -n, or replace it with -f.",
        )
    return name


def publish(
    project: Project,
    pipeline: Pipeline,
    start: Start,
    name: str,
    *,
    message: str | None = None,
    force: bool = False,
    seconds: float | None = None,
    changed_during: Iterable[str] = (),
    written: Iterable[str] = (),
    extra: Iterable[str] = (),
    keep: Callable[[Oid, str], object] | None = None,
    run: str = "",
) -> Made:
    """Makes the commit and the ref of an experiment.

    Args:
        project: The project.
        pipeline: The pipeline as it was run.
        start: What was taken when the command began.
        name: A name that `claim_name` gave.
        message: The commit's message; None makes one of the parameters that differ from the baseline.
        force: Replace an experiment of that name.
        seconds: How long the stages took; None when nothing ran.
        changed_during: Project paths of dependencies that changed while their stage ran.
        written: Project paths that the command wrote beside what stages write; they are taken as they are now.
        extra: Work tree paths that are taken as they are now, ignored or not.
        keep: Told the commit and the list of installed packages before the ref is made, to keep what belongs to them.
        run: The id of the isolated run that this is, by which it is known again; empty for none.

    Raises:
        NameTaken: Somebody made an experiment of that name meanwhile; the commit is made.
    """
    changed = tuple(changed_during)
    commit, text, packages = commit_of(project, pipeline, start, message, seconds, changed, written, extra, run)
    for path in _left_out(project, pipeline, project.repo.objects.read_commit(commit).tree):
        reason = "a stage reads it, but Git ignores it and nothing tracks it"
        project.report(Warned(f"{path} is not in the experiment: {reason}."))
    if keep is not None:
        keep(commit, packages)
    disk.sync_tree(project.repo.common_dir)
    ref = ExpRef(start.head, name)
    _set_ref(project, ref, commit, force=force)
    return Made(ref, commit, text, changed)


def commit_of(
    project: Project,
    pipeline: Pipeline,
    start: Start,
    message: str | None,
    seconds: float | None,
    changed: tuple[str, ...] = (),
    written: Iterable[str] = (),
    extra: Iterable[str] = (),
    run: str = "",
) -> tuple[Oid, str, str]:
    """A commit of what a run left, which no ref names yet, its message without trailers, and the installed packages.

    Arguments are those of `publish`.
    """
    packages = installed_packages(project)
    with project.repo.objects.batch() as batch:
        edits = _edits(project, pipeline, start)
        paths = [*_written_paths(project, pipeline), *(project.prefix + path for path in written)]
        now = stored(project, batch, [*filter(_belongs(project, pipeline, start), paths), *extra])
        tree = edit_tree(batch, start.base_tree, {**edits, **now})
        text = (message or "").rstrip() or _changed_params(project, pipeline, start.base_tree, tree)
        trailers = _trailers(project, packages, seconds, changed, run)
        author, committer = project.signature("AUTHOR"), project.signature("COMMITTER")
        data = objects.build_commit(tree, (start.head,), author, committer, f"{text}\n\n{trailers}")
        return batch.add(objects.COMMIT, data), text, packages


def _set_ref(project: Project, ref: ExpRef, commit: Oid, *, force: bool) -> None:
    """Makes the experiment's ref; what it replaces stays reachable by `undo`."""
    refs = project.repo.refs
    old = refs.read(ref.refname) if force else None
    record = None
    if old is not None and old != commit:
        from assay.engine.workspace import undo  # a quarter of what `save` loads, for the few times it is needed

        record = undo.remember(project, f"replace {ref.name}", refs={ref.refname: old}, after={ref.refname: commit})
    try:
        with project.shared_locks.changing([ref.refname]), refs.transaction() as transaction:
            transaction.update(ref.refname, commit, old)
    except BaseException as error:
        if record is not None:
            undo.forget(project, record)
        if not isinstance(error, RefConflict):
            raise
        raise NameTaken(
            f"Somebody else made an experiment {ref.name!r} meanwhile; this one is the commit {commit.hex()}.",
            f"Keep it with `assay branch {commit.hex()[:12]} NEW-NAME`.",
            commit,
        ) from error


def _edits(project: Project, pipeline: Pipeline, start: Start) -> Changes:
    """The snapshot's changes without what stages write; what moved from Git to the cache, or is transient, leaves."""
    is_output, database = within(outputs_of(project, pipeline)), project.repo.objects
    changes = {path: value for path, value in start.changes.items() if not is_output(path)}
    leaving = moved_to_cache(project, pipeline, start.base_tree)
    leaving += [folder for folder in transient(project) if lookup(database, start.base_tree, folder)]
    return {**changes, **dict.fromkeys(leaving)}


def _written_paths(project: Project, pipeline: Pipeline) -> list[str]:
    """The work tree paths that stages write and that belong into a tree.

    An output that is a folder is named itself, beside its files: what the baseline has there and is gone now goes.
    """
    found = dict.fromkeys(project.prefix + path for path in pipeline.lock_paths)
    for path in outputs_of(project, pipeline, cached=True):
        found[os.path.join(os.path.dirname(path), ".gitignore")] = None
    for path in outputs_of(project, pipeline, cached=False):
        found[path] = None
        found.update(dict.fromkeys(files_below(project, path)))
    return list(found)


def _belongs(project: Project, pipeline: Pipeline, start: Start) -> Callable[[str], bool]:
    """Whether a work tree path that was written is an experiment's; a .gitignore may have to be Git's already."""
    takes_all = project.layout.takes_untracked or project.config.flag("core", "autostage")
    is_named = within(named(project, pipeline))

    def belongs(path: str) -> bool:
        if takes_all or path.rpartition("/")[2] != ".gitignore" or is_named(path):
            return True
        return bool(start.changes.get(path) or lookup(project.repo.objects, start.base_tree, path))

    return belongs


def _left_out(project: Project, pipeline: Pipeline, tree: Oid) -> list[str]:
    """What stages read and the experiment does not hold: neither in its tree nor in the cache."""
    written = outputs_of(project, pipeline)
    is_written = within(written)
    read = [dep.path for stage in pipeline.stages.values() for dep in stage.deps if dep.place == "project" and dep.path]
    found = []
    for path in dict.fromkeys([*pipeline.params_files, *read]):
        inside = project.prefix + path
        if (
            is_written(inside)
            or path.startswith(("/", "../"))
            or lookup(project.repo.objects, tree, inside) is not None
        ):
            continue
        holds_outputs = any(out.startswith(inside + "/") for out in written)
        if not holds_outputs and next(files_below(project, inside), None) is not None:
            found.append(path)
    return found


def _trailers(project: Project, packages: str, seconds: float | None, changed: tuple[str, ...], run: str) -> str:
    version, platform = project.world.python
    lines = [f"Assay: {__version__}", f"Python: {version}", f"Platform: {platform}"]
    if packages:
        lines.append(f"Packages: sha256:{hashlib.sha256(packages.encode()).hexdigest()[:16]}")
    if seconds is not None:
        lines.append(f"Duration: {seconds:.3f} s")
    lines += [f"Dirty-During-Run: {path}" for path in changed]
    if run:
        lines.append(RUN + run)
    return "".join(f"{line}\n" for line in lines)


def without_trailers(message: str) -> str:
    """A commit's message as its author wrote it, without the lines that `publish` adds."""
    text, blank, last = message.rstrip().rpartition("\n\n")
    return text if blank and last.startswith("Assay: ") else message.rstrip()


def installed_packages(project: Project) -> str:
    """The installed packages, one ``name-version`` a line, sorted; read from folder names alone."""
    found: set[str] = set()
    for folder in project.world.site_packages:
        try:
            names = os.listdir(folder)
        except OSError:
            continue
        found.update(name[: -len(".dist-info")] for name in names if name.endswith(".dist-info"))
    return "".join(f"{name}\n" for name in sorted(found))


def _changed_params(project: Project, pipeline: Pipeline, old_tree: Oid, new_tree: Oid) -> str:
    """The parameters that differ between two trees, as ``train.lr=0.01 train.depth=7``, on one line."""
    words = []
    for file in pipeline.params_files:
        try:
            old, new = (_params_at(project, tree, file) for tree in (old_tree, new_tree))
        except AssayError:
            continue  # a file that cannot be understood has nothing to say; the work that was done must not be lost
        changed = [key for key, value in new.items() if key not in old or not keys.same(old[key], value)]
        if changed:
            from assay.engine.params.overrides import literal  # the whole grammar of -S comes with it

            words += [" ".join(f"{key}={literal(new[key])}".split()) for key in changed]
        words += [f"~{key}" for key in old if key not in new]
    return " ".join(words) or "no parameter differs from the baseline"


def _params_at(project: Project, tree: Oid, file: str) -> dict[str, object]:
    item = lookup(project.repo.objects, tree, project.prefix + file)
    if item is None:
        return {}
    return keys.flatten(documents.read(file, project.repo.objects.read_blob(item.oid)))
