"""From the data of a dvc.yaml to stages: every key checked, every path resolved, every mistake named by line and key.

The format is DVC 3.67's, templating left out: a file that uses ``${...}``, ``foreach`` or ``matrix`` is refused with
one sentence until something before this module resolves them; what comes in here is plain data.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Any

from assay.engine.disk import check_relative
from assay.engine.errors import UnsafePath
from assay.engine.layout import MARKERS
from assay.engine.pipeline.source import Keys, Source, nearest
from assay.engine.pipeline.stage import Dep, Out, OutKind, ParamsDep, PipelineFile, Stage

_TOP = ("stages", "vars", "params", "metrics", "plots", "artifacts", "datasets")
_STAGE = (
    "cmd", "wdir", "deps", "params", "outs", "metrics", "plots", "frozen", "always_changed", "desc", "meta", "vars"
)  # fmt: skip
_GENERATED = ("foreach", "do", "matrix")
_FLAGS = ("cache", "persist", "remote", "push", "desc", "type", "labels", "meta", "checkpoint")
_PLOT = ("template", "x", "y", "x_label", "y_label", "title", "header")
_ARTIFACT = ("path", "type", "desc", "labels", "meta")
_OUT_KINDS: tuple[OutKind, ...] = ("outs", "metrics", "plots")
_TEMPLATE = re.compile(r"(?<!\\)\$\{.*?\}")
_ELSEWHERE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_OWN_FOLDERS = (*MARKERS, ".git")
PARAMS_FILE = "params.yaml"


def pipeline_file(source: Source, data: Any) -> PipelineFile:
    """Reads the data of one dvc.yaml.

    Args:
        source: Its path and text.
        data: What its YAML says; None for an empty file.

    Raises:
        BadInput: Something in it is not as it should be.
    """
    top = _Value(source, (), {} if data is None else data)
    top.only(_TOP, "the file")
    for key in ("vars", "datasets"):
        top.child(key).kind(list, "a list")
    for name, artifact in top.child("artifacts").pairs():
        artifact.kind(Mapping, "a map").only(_ARTIFACT, f"artifact {name!r}")
        artifact.child("path").kind(str, "a path", required=True)
    folder = posixpath.dirname(source.path)
    return PipelineFile(
        source.path,
        stages=tuple(_stage(str(name), value) for name, value in top.child("stages").pairs()),
        params=tuple(_path(item, folder) for item in top.child("params").items(str, "a path")),
        metrics=tuple(_path(item, folder) for item in top.child("metrics").items(str, "a path")),
        plots=tuple(dict.fromkeys(_plot_files(top.child("plots"), folder))),
    )


class _Value:
    """A value of the file together with the way to it; its methods return what they have checked."""

    __slots__ = ("data", "keys", "source")

    def __init__(self, source: Source, keys: Keys, data: Any) -> None:
        self.source = source
        self.keys = keys
        self.data = data

    def child(self, key: str | int) -> _Value:
        """What stands below a key; None where there is nothing."""
        inner: Any = None
        if isinstance(self.data, Mapping):
            inner = self.data.get(key)
        elif isinstance(self.data, list) and isinstance(key, int):
            inner = self.data[key]
        return _Value(self.source, (*self.keys, key), inner)

    def fail(self, problem: str, hint: str = "") -> Exception:
        """The error to raise."""
        return self.source.bad(self.keys, problem, hint)

    def kind(self, wanted: type, words: str, *, required: bool = False) -> _Value:
        """Itself when the data is of that type, or absent and not required."""
        if self.data is None and not required:
            return self
        if isinstance(self.data, wanted) and not (wanted is int and isinstance(self.data, bool)):
            return self
        if self.data is None:
            raise self.fail(f"is missing; it should be {words}")
        hint = "Put it in quotes." if wanted is str and not isinstance(self.data, (list, Mapping)) else ""
        raise self.fail(f"should be {words}, not {_words(self.data)}", hint)

    def only(self, known: tuple[str, ...], what: str) -> _Value:
        """Itself when it is a map with no other keys than these."""
        self.kind(Mapping, "a map")
        for key in self.data or ():
            if key not in known:
                hint = nearest(str(key), known) or f"It may have: {', '.join(known)}."
                raise self.child(str(key)).fail(f"{what} has no such key", hint)
        return self

    def pairs(self) -> Iterator[tuple[str, _Value]]:
        """The entries of a map whose keys are text; nothing when it is absent."""
        self.kind(Mapping, "a map")
        for key in self.data or ():
            if not isinstance(key, str) or not key:
                raise self.child(str(key)).fail(f"the name {key!r} is not text", "Put it in quotes.")
            yield key, self.child(key)

    def items(self, wanted: type | tuple[type, ...] = object, words: str = "") -> Iterator[_Value]:
        """The items of a list; nothing when it is absent."""
        self.kind(list, "a list")
        for at in range(len(self.data or ())):
            item = self.child(at)
            if not isinstance(item.data, wanted):
                raise item.fail(f"should be {words}, not {_words(item.data)}")
            yield item

    def text(self) -> str:
        """A text, "" when absent."""
        return self.kind(str, "text").data or ""

    def flag(self, *, default: bool) -> bool:
        """True or false, the default when absent."""
        self.kind(bool, "true or false")
        return default if self.data is None else bool(self.data)


def _words(data: Any) -> str:
    if isinstance(data, Mapping):
        return "a map"
    if isinstance(data, list):
        return "a list"
    if data is None:
        return "nothing"
    return str(data).lower() if isinstance(data, bool) else repr(data)


def _stage(name: str, value: _Value) -> Stage:
    value.kind(Mapping, "a map", required=True)
    _refuse_templates(value)
    value.only(_STAGE, f"stage {name!r}")
    source = value.source
    wdir_value = value.child("wdir")
    folder = posixpath.dirname(source.path)
    wdir = _path(wdir_value, folder, may_be_root=True) if wdir_value.text() else folder
    stage = Stage(
        name,
        source.path,
        _command(value.child("cmd")),
        wdir,
        deps=tuple(Dep(_path(item, wdir), item.data, item.keys) for item in value.child("deps").items(str, "a path")),
        params=_params(value.child("params"), wdir),
        outs=tuple(out for kind in _OUT_KINDS for out in _outs(value.child(kind), kind, wdir)),
        frozen=value.child("frozen").flag(default=False),
        always_changed=value.child("always_changed").flag(default=False),
        desc=value.child("desc").text(),
        meta=value.child("meta").data,
        source=source,
    )
    _check_paths(stage)
    return stage


def _refuse_templates(value: _Value) -> None:
    """One sentence for what a later version resolves before this module sees the data."""
    for key in _GENERATED:
        if key in value.data:
            raise value.child(key).fail(
                f"stages made by `{key}` are not supported by this version yet", "Write each stage out."
            )
    for inner in _leaves(value):
        found = _TEMPLATE.search(inner.data)
        if found:
            raise inner.fail(
                f"the template {found.group()} is not resolved by this version yet",
                "Write the value itself, or put a backslash before ${ when the shell should see it.",
            )


def _leaves(value: _Value) -> Iterator[_Value]:
    """Every text in a stage but its free ``meta``, map keys included (paths of outputs are map keys)."""
    if isinstance(value.data, str):
        yield value
    elif isinstance(value.data, Mapping):
        for key in value.data:
            if key == "meta":
                continue
            if isinstance(key, str):
                yield _Value(value.source, (*value.keys, key), key)
            yield from _leaves(value.child(key))
    elif isinstance(value.data, list):
        for at in range(len(value.data)):
            yield from _leaves(value.child(at))


def _plain(text: str) -> str:
    r"""Text with its ``\${`` taken back to ``${``, as DVC's templating does for every string."""
    return text.replace(r"\${", "${")


def _command(value: _Value) -> str | tuple[str, ...]:
    if isinstance(value.data, list):
        commands = tuple(_plain(item.data) for item in value.items(str, "a command"))
        if not any(command.strip() for command in commands):
            raise value.fail("holds no command")
        return commands
    value.kind(str, "a command or a list of commands", required=True)
    if not value.data.strip():
        raise value.fail("holds no command")
    return _plain(value.data)


def _params(value: _Value, wdir: str) -> tuple[ParamsDep, ...]:
    """The parameters by file; a file that is named without keys anywhere is tracked whole."""
    names: dict[str, list[str]] = {}
    whole: set[str] = set()
    places: dict[str, _Value] = {}
    for item in value.items((str, Mapping), "a key or a map of files to keys"):
        if isinstance(item.data, str):
            names.setdefault(PARAMS_FILE, []).append(item.data)
            places.setdefault(PARAMS_FILE, item)
            continue
        for file, chosen in item.pairs():
            keys = [key.data for key in chosen.items(str, "a key")]
            names.setdefault(file, []).extend(keys)
            places.setdefault(file, chosen)
            if not keys:
                whole.add(file)
    return tuple(
        ParamsDep(
            _resolved(places[file], _plain(file), wdir),
            file,
            () if file in whole else tuple(dict.fromkeys(_plain(key) for key in keys)),
            places[file].keys,
        )
        for file, keys in names.items()
    )


def _outs(value: _Value, kind: OutKind, wdir: str) -> Iterator[Out]:
    for item in value.items((str, Mapping), "a path or a map of a path to its flags"):
        if isinstance(item.data, str):
            yield Out(_path(item, wdir), _plain(item.data), kind, keys=item.keys)
            continue
        for spelled, flags in item.pairs():
            if isinstance(flags.data, list) and kind == "plots":
                raise flags.fail("a list of settings is only allowed in the top-level plots")
            flags.kind(Mapping, "a map of flags", required=True)
            flags.only(_FLAGS + _PLOT if kind == "plots" else _FLAGS, "an output")
            yield _out_with_flags(_plain(spelled), flags, kind, wdir)


def _out_with_flags(spelled: str, flags: _Value, kind: OutKind, wdir: str) -> Out:
    return Out(
        _resolved(flags, spelled, wdir),
        spelled,
        kind,
        cache=flags.child("cache").flag(default=True),
        persist=flags.child("persist").flag(default=False),
        push=flags.child("push").flag(default=True),
        remote=flags.child("remote").text(),
        desc=flags.child("desc").text(),
        type=flags.child("type").text(),
        labels=tuple(item.data for item in flags.child("labels").items(str, "text")),
        meta=flags.child("meta").data,
        plot={key: flags.data[key] for key in _PLOT if key in flags.data},
        keys=flags.keys,
    )


def _plot_files(value: _Value, folder: str) -> Iterator[str]:
    """The data files of the top-level plots: a path, or the files that x and y name."""
    for item in value.items((str, Mapping), "a path or a map of a plot to its settings"):
        if isinstance(item.data, str):
            yield _path(item, folder)
            continue
        for name, settings in item.pairs():
            settings.kind(Mapping, "a map")
            files = [file for axis in ("y", "x") if isinstance(settings.child(axis).data, Mapping)
                     for file in settings.child(axis).data]  # fmt: skip
            for file in files or [name]:
                yield _resolved(settings, str(file), folder)


def _path(value: _Value, folder: str, *, may_be_root: bool = False) -> str:
    return _resolved(value, _plain(value.data), folder, may_be_root=may_be_root)


def _resolved(value: _Value, spelled: str, folder: str, *, may_be_root: bool = False) -> str:
    return project_path(value.source, value.keys, spelled, folder, may_be_root=may_be_root)


def project_path(source: Source, keys: Keys, spelled: str, folder: str, *, may_be_root: bool = False) -> str:
    """A path as a file spells it, as a path of the project.

    Args:
        source: The file.
        keys: Where the path stands in it.
        spelled: The path.
        folder: What it is relative to, a project path; "" is the project itself.
        may_be_root: Whether the project itself is a good answer.

    Raises:
        BadInput: It is not a path inside the project that assay may write.
    """
    if _ELSEWHERE.match(spelled):
        raise source.bad(keys, f"{spelled!r} is not a path; this version reads and writes files of the project only")
    if spelled.startswith("/"):
        raise source.bad(keys, f"{spelled!r} is an absolute path", "Name a path relative to the stage's folder.")
    path = posixpath.normpath(posixpath.join(folder, spelled)) if spelled else ""
    if path == ".":
        if may_be_root:
            return ""
        raise source.bad(keys, f"{spelled!r} is the whole project", "Name a file or a folder in it.")
    if path.startswith("../") or path == "..":
        raise source.bad(keys, f"{spelled!r} is outside the project", "Name a path inside the project.")
    try:
        check_relative(path)
    except UnsafePath:
        raise source.bad(keys, f"{spelled!r} is not a path inside the project") from None
    if path.split("/", 1)[0] in _OWN_FOLDERS:
        raise source.bad(keys, f"{spelled!r} is in a folder that belongs to Git, DVC or assay")
    return path


def _check_paths(stage: Stage) -> None:
    """No path twice, and none both read and written."""
    written: dict[str, Out] = {}
    for out in stage.outs:
        if out.path in written:
            raise stage.source.bad(out.keys, f"{out.spelled!r} is written twice by this stage")
        if posixpath.basename(out.path) in ("dvc.yaml", "dvc.lock"):
            raise stage.source.bad(out.keys, f"{out.spelled!r} is the pipeline's own file")
        written[out.path] = out
    read: set[str] = set()
    for dep in stage.deps:
        if dep.path in written:
            raise stage.source.bad(dep.keys, f"{dep.spelled!r} is both read and written by this stage")
        if dep.path in read:
            raise stage.source.bad(dep.keys, f"{dep.spelled!r} is named twice")
        read.add(dep.path)
    for params in stage.params:
        if params.path in written:
            raise stage.source.bad(params.keys, f"{params.spelled!r} is both read and written by this stage")
