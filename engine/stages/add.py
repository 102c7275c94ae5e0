"""Adds a stage to the dvc.yaml of a folder, or replaces one.

Everything is checked before anything is written: the name, the paths, what stages there are already, what Git keeps.
The text is DVC's own for a stage added by ``dvc stage add``. Of a stage that is replaced the description, ``meta``
and what is said about its outputs (``desc``, ``push`` ...) stay, unless said anew.
"""

from __future__ import annotations

import os
import posixpath
import string
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from assay.engine import disk
from assay.engine.errors import BadInput, Refused, UsageError
from assay.engine.git.index import read_index
from assay.engine.params import documents
from assay.engine.pipeline import gitignore
from assay.engine.pipeline.choice import Choice, Manner
from assay.engine.pipeline.discover import NAME
from assay.engine.pipeline.graph import Graph
from assay.engine.pipeline.observe import refuse_unfit
from assay.engine.pipeline.repro import Reproduced, reproduce
from assay.engine.pipeline.spec import Pipeline, ignored, load
from assay.engine.pipeline.stage import PARAMS_FILE, OutKind, Stage
from assay.engine.pipeline.stagefile import stages_of, with_stage
from assay.engine.project import Project
from assay.engine.stages.command import shell_line
from assay.engine.workspace import undo
from assay.engine.workspace.autostage import autostage
from assay.engine.workspace.hold import hold
from assay.engine.workspace.replaced import Replaced

_REFUSED_IN_NAMES = frozenset(string.punctuation) - {"_", "-"}
_KINDS: tuple[OutKind, ...] = ("outs", "metrics", "plots")
_SAID_OF_OUTS = ("desc", "type", "labels", "meta")
_SHARED_HOW = ("remote", "push")
_GENERATED = ("foreach", "matrix")


class NewOut(NamedTuple):
    """An output: its path as typed, its role, whether the cache keeps it, whether it stays when the stage runs."""

    path: str
    kind: OutKind = "outs"
    cache: bool = True
    persist: bool = False


class NewStage(NamedTuple):
    """A stage as it was asked for.

    Attributes:
        name: Its name.
        command: The words of its command.
        deps: What it reads, relative to ``wdir``, as typed.
        params: The keys that it reads by file, as typed; none for the whole file.
        outs: What it writes; lines for .gitignore are written in this order.
        wdir: The folder it runs in, relative to that of its dvc.yaml; empty for that one.
        always_changed: Whether it runs every time.
        desc: A sentence about it.
    """

    name: str
    command: Sequence[str]
    deps: Sequence[str] = ()
    params: Mapping[str, Sequence[str]] = {}
    outs: Sequence[NewOut] = ()
    wdir: str = ""
    always_changed: bool = False
    desc: str = ""


class Added(NamedTuple):
    """What `add` did.

    Attributes:
        stage: The stage, as the pipeline now has it.
        written: The project paths of the files that were changed; they belong into a commit.
        staged: Whether they were put into Git's index.
        reproduced: What came of running it; None when it was not to be run.
    """

    stage: Stage
    written: tuple[str, ...]
    staged: bool
    reproduced: Reproduced | None = None


def add(project: Project, new: NewStage, *, folder: str = "", replace: bool = False, run: bool = False) -> Added:
    """Adds a stage.

    Args:
        project: The project.
        new: The stage.
        folder: The project path of the folder whose dvc.yaml gets it; "" is the project itself.
        replace: Whether it may take the place of a stage of that name; `undo` gives that one back.
        run: Run it, whether it needs to or not.

    Raises:
        UsageError: Something about it is not as it should be, or it does not fit the other stages.
        Refused: There is such a stage already, or Git keeps what the cache is to keep.
        BadInput: The pipeline as it stands is wrong.
        UnsafePath: An output lies below a symlink.
        StageFailed: It was run, and its command failed; it is added all the same.
    """
    _check_words(new)
    path = posixpath.join(folder, NAME)
    with hold(project):
        text = documents.decoded(path, project.read(path) or b"")
        before = stages_of(path, text).get(new.name)
        if before is not None:
            _check_replaceable(path, new.name, before, replace)
        _check_folders(project, new, folder)
        data = stage_data(project.root, new, folder, before if isinstance(before, dict) else {})
        edited = with_stage(path, text, new.name, data).encode()
        pipeline, stage = _fitting(project, path, edited, new.name)
        cached = [out.path for out in stage.outs if out.cache]
        _check_not_in_git(project, cached)
        with disk.Folder(project.root) as root:
            for out in stage.outs:
                root.stat(out.path)  # raises where a symlink leads there
        contents = {
            path: edited,
            **gitignore.with_lines(project.root, project.kept_from_git(_with_folders(project, new, stage))),
        }
        if before is not None:
            undo.remember(project, f"stage add -f {new.name}", paths=[project.prefix + name for name in contents])
        # The dvc.yaml comes last: cut short before it, there is no such stage and the same command works again.
        disk.rewrite(project.root, dict(reversed(contents.items())))
        added = Added(stage, tuple(contents), autostage(project, contents))
        if not run:
            return added
        manner = Manner(force=True, replacing=Replaced(project, f"stage add --run {new.name}").outs)
        choice = Choice((f"{posixpath.basename(path)}:{stage.name}",), folder, single=True)
        return added._replace(reproduced=reproduce(project, pipeline, choice, manner))


def _check_words(new: NewStage) -> None:
    odd = sorted(_REFUSED_IN_NAMES & set(new.name))
    if odd:
        raise UsageError(f"The name {new.name!r} has {odd[0]} in it.", "Letters, digits, _ and - make a name.")
    if not new.name.strip() or not new.name.isprintable() or new.name != new.name.strip():
        raise UsageError(f"{new.name!r} is no name for a stage.", "Letters, digits, _ and - make a name.")
    if not any(word.strip() for word in new.command):
        raise UsageError("There is no command.", "Put it last, as in `assay stage add -n train python train.py`.")
    paths = [*new.deps, *new.params, *(out.path for out in new.outs), new.wdir]
    broken = next((path for path in paths if "\n" in path or "\r" in path), None)
    if broken is not None:
        raise UsageError(f"{broken!r} has a line break in it, which cannot be told to Git in .gitignore.")
    try:
        "".join([*new.command, *paths, new.desc]).encode()
    except UnicodeEncodeError:
        raise UsageError("A word of the stage is not UTF-8 text, which a dvc.yaml has to be.") from None


def _check_replaceable(path: str, name: str, before: Any, replace: bool) -> None:
    if not replace:
        raise Refused(f"{path} has a stage {name!r} already.", "-f replaces it.")
    if isinstance(before, dict) and any(key in before for key in _GENERATED):
        raise Refused(f"{name!r} stands for many stages, so one cannot take its place.", f"Edit {path} by hand.")


def _check_folders(project: Project, new: NewStage, folder: str) -> None:
    if folder and ignored(project)(folder, True):
        raise Refused(f"{folder} is ignored by Git or .dvcignore, and a stage in it would be too.")
    wdir = _inside(project.root, new.wdir, folder) if new.wdir else ""
    if wdir and "${" not in wdir and not os.path.isdir(project.path(posixpath.join(folder, wdir))):
        raise UsageError(f"-w {new.wdir}: there is no such folder.")


def _inside(root: str, path: str, folder: str) -> str:
    """A path as the stage is to have it: an absolute one that lies in the project becomes relative to a folder."""
    if path == root or path.startswith(root + "/"):
        return posixpath.relpath(path, posixpath.join(root, folder))
    return path


def stage_data(root: str, new: NewStage, folder: str, before: Mapping[str, Any]) -> dict[str, Any]:
    """The stage as its dvc.yaml is to hold it, in DVC's order.

    Args:
        root: Absolute path of the project.
        new: The stage.
        folder: The project path of the folder of its dvc.yaml.
        before: The stage that it replaces; empty for none.
    """
    wdir = posixpath.normpath(_inside(root, new.wdir, folder)) if new.wdir else "."
    base = posixpath.normpath(posixpath.join(folder, wdir))
    base = "" if base == "." else base
    found: dict[str, Any] = {
        "desc": new.desc or before.get("desc"),
        "cmd": shell_line(new.command),
        "wdir": "" if wdir == "." else wdir,
        "deps": sorted(_inside(root, path, base) for path in new.deps),
        "params": _params({_inside(root, file, base): keys for file, keys in new.params.items()}),
    }
    outs = [out._replace(path=_inside(root, out.path, base)) for out in new.outs]
    known = _flags_of(before)
    for kind in _KINDS:
        chosen = sorted((out for out in outs if out.kind == kind), key=lambda out: out.path)
        found[kind] = [_out(out, known.get(out.path, {})) for out in chosen]
    found |= {"always_changed": new.always_changed, "meta": before.get("meta")}
    return {key: value for key, value in found.items() if value}


def _params(params: Mapping[str, Sequence[str]]) -> list[Any]:
    """The keys of params.yaml first, then the other files; all sorted."""
    others = (file for file in sorted(params) if file != PARAMS_FILE or not params[file])
    return [
        *sorted(set(params.get(PARAMS_FILE, ()))),
        *({file: sorted(set(params[file])) or None} for file in others),
    ]


def _flags_of(before: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    items = (item for kind in _KINDS for item in before.get(kind) or () if isinstance(item, Mapping))
    return {path: flags for item in items for path, flags in item.items() if isinstance(flags, Mapping)}


def _out(out: NewOut, known: Mapping[str, Any]) -> Any:
    """An output as it is written: its path alone, or with what is not as usual about it."""
    flags = {key: known[key] for key in _SAID_OF_OUTS if key in known}
    flags |= {key: value for key, value, usual in (("cache", out.cache, True), ("persist", out.persist, False))
              if value != usual}  # fmt: skip
    if out.kind == "plots":
        more = (*_SAID_OF_OUTS, *_SHARED_HOW, "cache", "persist", "checkpoint")
        flags |= {key: value for key, value in known.items() if key not in more}
    flags |= {key: known[key] for key in _SHARED_HOW if key in known}
    return {out.path: flags} if flags else out.path


def _fitting(project: Project, path: str, edited: bytes, name: str) -> tuple[Pipeline, Stage]:
    """The pipeline with the stage. Raises UsageError when that does not fit, BadInput when the rest does not."""
    try:
        pipeline = load(project, {path: edited})
        Graph(pipeline.stages, pipeline.data)
        stage = next(stage for stage in pipeline.files[path].stages if stage.name == name)
        refuse_unfit(stage._replace(frozen=False))
    except BadInput as error:
        now = load(project)
        Graph(now.stages, now.data)
        raise UsageError(f"The stage does not fit: {error.message}", error.hint) from error
    return pipeline, stage


def _check_not_in_git(project: Project, paths: Iterable[str]) -> None:
    index = read_index(project.repo.index_path)
    names = {*index.offsets, *index.conflicts}
    for path in paths:
        inside = f"{project.prefix}{path}/"
        if project.prefix + path in names or any(name.startswith(inside) for name in names):
            raise Refused(
                f"{path} is tracked by Git, so the cache cannot keep it.",
                f"Stop that with `git rm -r --cached {path}` and a commit, or leave it to Git with -O, -M or "
                "--plots-no-cache.",
            )


def _with_folders(project: Project, new: NewStage, stage: Stage) -> list[str]:
    """The cached outputs whose folder is there for a .gitignore, in the order in which they were given."""
    order = [out.path for out in new.outs]
    outs = sorted(stage.outs, key=lambda out: order.index(out.spelled) if out.spelled in order else len(order))
    return [out.path for out in outs if out.cache and os.path.isdir(project.path(posixpath.dirname(out.path)))]
