"""From the data of a dvc.yaml to stages: every key checked, every path resolved, every mistake named by line and key.

The format is DVC 3.67's. What comes in is plain data: templates have been resolved before.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from assay.engine.params.keys import text as key_text
from assay.engine.pipeline.checked import Value, in_words
from assay.engine.pipeline.paths import dep_path, out_path, project_path, relative
from assay.engine.pipeline.source import Keys, Source
from assay.engine.pipeline.stage import EMPTY, JOIN, PARAMS_FILE, Dep, Out, OutKind, ParamsDep, PipelineFile, Stage

_TOP = ("stages", "vars", "params", "metrics", "plots", "artifacts", "datasets")
_STAGE = (
    "cmd", "wdir", "deps", "params", "outs", "metrics", "plots", "frozen", "always_changed", "desc", "meta", "vars"
)  # fmt: skip
_FLAGS = ("cache", "persist", "remote", "push", "desc", "type", "labels", "meta", "checkpoint")
_PLOT = ("template", "x", "y", "x_label", "y_label", "title", "header")
_ARTIFACT = ("path", "type", "desc", "labels", "meta")
_OUT_KINDS: tuple[OutKind, ...] = ("outs", "metrics", "plots")
_GENERATORS = ("foreach", "do", "matrix")
_NOTHING: Mapping[str, Mapping[str, Any]] = {}
_REMEMBERED = 2_000
"""Stages of one file that are kept to be used again."""


class Definition(NamedTuple):
    """One stage as data.

    Attributes:
        name: Its name, the generated one if it was generated.
        data: What is said about it, without templates.
        keys: Where that stands in the file.
        group: The name before the @ when it was generated.
        parametrized: Whether the file says it with templates.
    """

    name: str
    data: Any
    keys: Keys
    group: str = ""
    parametrized: bool = False


def uses_templates(text: str, data: Any) -> bool:
    """Whether a dvc.yaml uses templates, ``vars`` or generated stages; told without looking at every value."""
    if not isinstance(data, Mapping):
        return False
    if "${" in text or data.get("vars") or "\\" in text:  # a backslash may spell a dollar sign
        return True
    stages = data.get("stages")
    bodies = stages.values() if isinstance(stages, Mapping) else ()
    return any(isinstance(body, Mapping) and not body.keys().isdisjoint((*_GENERATORS, "vars")) for body in bodies)


def plain_file(source: Source, data: Any) -> PipelineFile:
    """Reads the data of a dvc.yaml that uses no templates.

    Args:
        source: Its path and text.
        data: What its YAML says; None for an empty file.

    Raises:
        BadInput: Something in it is not as it should be.
    """
    top = Value(source, (), data or {}).only(_TOP, "the file")
    stages = [Definition(name, value.data, value.keys) for name, value in top.child("stages").pairs()]
    return pipeline_file(source, top.data, stages)


def pipeline_file(
    source: Source,
    data: Mapping[Any, Any],
    stages: Iterable[Definition],
    used: Mapping[str, Mapping[str, Any]] = _NOTHING,
    known: dict[str, Stage] | None = None,
) -> PipelineFile:
    """Reads the resolved data of one dvc.yaml.

    Args:
        source: Its path and text.
        data: What it says beside its stages.
        stages: Its stages.
        used: The values that its templates took from files.
        known: Stages of the same file with other inputs, to be used again; it learns.

    Raises:
        BadInput: Something in it is not as it should be.
    """
    top = Value(source, (), data).only(_TOP, "the file")
    top.child("vars").kind(list, "a list")
    folder = posixpath.dirname(source.path)
    read: dict[str, Stage] = {}
    for definition in stages:
        if definition.name in read:
            raise source.bad(definition.keys, f"there are two stages {definition.name!r}")
        read[definition.name] = _stage(source, definition) if known is None else _like(known, source, definition)
    return PipelineFile(
        source.path,
        stages=tuple(read.values()),
        params=tuple(_path(item, folder) for item in top.child("params").items(str, "a path")),
        metrics=tuple(_path(item, folder) for item in top.child("metrics").items(str, "a path")),
        plots=tuple(dict.fromkeys(_plot_files(top.child("plots"), folder))),
        artifacts=dict(_artifacts(top.child("artifacts"))),
        datasets=tuple(item.data for item in top.child("datasets").items(dict, "a map")),
        used=used,
        names_root=source.names_root or any(source.root in str(value) for value in _values(used) if source.root),
    )


def _values(used: Mapping[str, Mapping[str, Any]]) -> Iterator[Any]:
    for values in used.values():
        yield from values.values()


def _artifacts(value: Value) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, artifact in value.pairs():
        artifact.kind(dict, "a map", required=True).only(_ARTIFACT, f"artifact {name!r}")
        artifact.child("path").kind(str, "a path", required=True)
        for key in ("type", "desc"):
            artifact.child(key).text()
        for _ in artifact.child("labels").items(str, "text"):
            pass
        yield name, artifact.data


def _like(known: dict[str, Stage], source: Source, definition: Definition) -> Stage:
    """The stage, made of a known one where only its command is another: that is what differs between experiments."""
    data = definition.data
    if not isinstance(data, dict):
        return _stage(source, definition)
    try:
        key = repr((definition.name, definition.parametrized, {**data, "cmd": None} if "cmd" in data else data))
    except ValueError:  # a number that is too long to be written
        return _stage(source, definition)
    stage = known.get(key)
    if stage is not None:
        value = Value(source, definition.keys, data, definition.name if definition.group else "")
        cmd, no_command = _command(value.child("cmd"), resolved=definition.parametrized)
        return stage._replace(cmd=cmd, no_command=no_command)
    if len(known) >= _REMEMBERED:
        known.clear()
    stage = known[key] = _stage(source, definition)
    return stage


def _stage(source: Source, definition: Definition) -> Stage:
    name = definition.name
    value = Value(source, definition.keys, definition.data, name if definition.group else "")
    if JOIN in name and not definition.group:
        raise value.fail(f"a stage's name cannot have {JOIN}, which stands in the names of generated stages")
    value.kind(dict, "a map", required=True).only(_STAGE, f"stage {name!r}")
    value.child("vars").kind(list, "a list")
    wdir_value = value.child("wdir")
    folder = posixpath.dirname(source.path)
    wdir = _path(wdir_value, folder, may_be_root=True) if wdir_value.text() else folder
    cmd, no_command = _command(value.child("cmd"), resolved=definition.parametrized)
    outs = [out for kind in _OUT_KINDS for out in _outs(value.child(kind), kind, wdir)]
    stage = Stage(
        name,
        source.path,
        cmd,
        wdir,
        deps=_deps(value.child("deps"), wdir),
        params=_params(value.child("params"), wdir),
        outs=tuple(out for out in outs if out.place == "project"),
        outside=tuple(out for out in outs if out.place != "project"),
        no_command=no_command,
        frozen=value.child("frozen").flag(default=False),
        always_changed=value.child("always_changed").flag(default=False),
        desc=value.child("desc").text(),
        meta=value.child("meta").data,
        group=definition.group,
        parametrized=definition.parametrized,
        source=source,
    )
    _check_paths(stage)
    return stage


def _deps(value: Value, wdir: str) -> tuple[Dep, ...]:
    found = []
    for item in value.items(str, "a path"):
        spelled = relative(item.source, item.data, wdir)
        path, place = dep_path(item.source, item.keys, spelled, wdir)
        found.append(Dep(path, spelled, item.keys, place))
    return tuple(found)


def _command(value: Value, *, resolved: bool) -> tuple[str | tuple[str, ...], str]:
    """The command, and why there is none that could be run.

    An empty one, and one that templates made something else of, are a mistake only when the stage is to be run.

    Args:
        value: What stands after ``cmd``.
        resolved: Whether templates were resolved in it.
    """
    data = value.data
    if data in ("", []) or (data is None and resolved):
        return "", EMPTY
    if isinstance(data, list):
        odd = [item for item in data if not isinstance(item, str)]
        return ("", f"holds {in_words(odd[0])}, which is no command") if odd else (tuple(data), "")
    if resolved and not isinstance(data, str):
        return "", f"should be a command or a list of commands, not {in_words(data)}"
    return value.kind(str, "a command or a list of commands", required=True).text(), ""


def _params(value: Value, wdir: str) -> tuple[ParamsDep, ...]:
    """The parameters by file; a file that is named without keys anywhere is tracked whole."""
    names: dict[str, list[str]] = {}
    whole: set[str] = set()
    places: dict[str, Value] = {}
    for item in value.items((str, dict), "a key or a map of files to keys"):
        if isinstance(item.data, str):
            names.setdefault(PARAMS_FILE, []).append(item.data)
            places.setdefault(PARAMS_FILE, item)
            continue
        for spelled, chosen in item.pairs():
            file = _params_file(relative(chosen.source, spelled, wdir))
            keys = [] if chosen.data is None else [_params_key(key) for key in chosen.items()]
            names.setdefault(file, []).extend(keys)
            places.setdefault(file, chosen)
            if not keys:
                whole.add(file)
    return tuple(
        ParamsDep(
            _params_path(places[file], file, wdir),
            file,
            () if file in whole else tuple(dict.fromkeys(keys)),
            places[file].keys,
        )
        for file, keys in names.items()
    )


def _params_key(value: Value) -> str:
    if isinstance(value.data, (list, dict)):
        raise value.fail(f"should be a key, not {in_words(value.data)}")
    return value.data if isinstance(value.data, str) else key_text(value.data)


def _params_file(spelled: str) -> str:
    """A params file as lock files name it: without ``./`` and the like."""
    return spelled if spelled.startswith("/") or "://" in spelled else posixpath.normpath(spelled)


def _params_path(value: Value, spelled: str, wdir: str) -> str:
    path, place = dep_path(value.source, value.keys, spelled, wdir)
    if place not in ("project", "outside"):
        raise value.fail(f"{spelled!r} is not a file", "Parameters are read from files.")
    return path


def _outs(value: Value, kind: OutKind, wdir: str) -> Iterator[Out]:
    """The outputs of one list; what it says twice is one output with the flags of both, as in DVC."""
    found: dict[str, Value] = {}
    for item in value.items((str, dict), "a path or a map of a path to its flags"):
        if isinstance(item.data, str):
            found.setdefault(item.data, Value(item.source, item.keys, {}, item.of))
            continue
        for spelled, flags in item.pairs():
            if isinstance(flags.data, list) and kind == "plots":
                raise flags.fail("a list of settings is only allowed in the top-level plots")
            flags.kind(dict, "a map of flags", required=True)
            flags.only(_FLAGS + _PLOT if kind == "plots" else _FLAGS, "an output")
            before = found[spelled].data if spelled in found else {}
            found[spelled] = Value(flags.source, flags.keys, {**before, **flags.data}, flags.of)
    for said, flags in found.items():
        spelled = relative(flags.source, said, wdir)
        path, place = out_path(flags.source, flags.keys, spelled, wdir)
        if place == "project":
            path = _resolved(flags, spelled, wdir)
        out = Out(path, spelled, kind, keys=flags.keys, place=place)
        yield _with_flags(out, flags) if flags.data else out


def _with_flags(out: Out, flags: Value) -> Out:
    return out._replace(
        cache=flags.child("cache").flag(default=True),
        persist=flags.child("persist").flag(default=False),
        push=flags.child("push").flag(default=True),
        remote=flags.child("remote").text(),
        desc=flags.child("desc").text(),
        type=flags.child("type").text(),
        labels=tuple(item.data for item in flags.child("labels").items(str, "text")),
        meta=flags.child("meta").data,
        plot={key: _plot_setting(flags.child(key)) for key in _PLOT if key in flags.data},
    )


def _plot_setting(value: Value) -> Any:
    return value.flag(default=True) if value.keys[-1] == "header" else value.text()


def _plot_files(value: Value, folder: str) -> Iterator[str]:
    """The data files of the top-level plots: a path, or the files that x and y name."""
    for item in value.items((str, dict), "a path or a map of a plot to its settings"):
        if isinstance(item.data, str):
            yield _path(item, folder)
            continue
        for name, settings in item.pairs():
            if settings.data is not None:
                settings.kind(dict, "a map")
            files = [file for axis in ("y", "x") if isinstance(settings.child(axis).data, Mapping)
                     for file in settings.child(axis).data]  # fmt: skip
            for file in files or [name]:
                yield _resolved(settings, str(file), folder)


def _path(value: Value, folder: str, *, may_be_root: bool = False) -> str:
    return _resolved(value, value.data, folder, may_be_root=may_be_root)


def _resolved(value: Value, spelled: str, folder: str, *, may_be_root: bool = False) -> str:
    return project_path(value.source, value.keys, spelled, folder, may_be_root=may_be_root)


def _is_pipeline_file(path: str) -> bool:
    return posixpath.basename(path) == "dvc.yaml" or path.endswith(".dvc")


def _check_paths(stage: Stage) -> None:
    """No path twice, and none both read and written."""
    written: dict[str, Out] = {}
    for out in stage.written:
        if out.path in written:
            raise stage.source.bad(out.keys, f"{out.spelled!r} is written twice by this stage")
        if _is_pipeline_file(out.path) or posixpath.basename(out.path) == "dvc.lock":
            raise stage.source.bad(out.keys, f"{out.spelled!r} is the pipeline's own file")
        written[out.path] = out
    for dep in stage.deps:
        if _is_pipeline_file(dep.path) and dep.place in ("project", "marker"):
            raise stage.source.bad(dep.keys, f"{dep.spelled!r} is part of the pipeline, and no data")
        if dep.path in written:
            raise stage.source.bad(dep.keys, f"{dep.spelled!r} is both read and written by this stage")
    for params in stage.params:
        if params.path in written:
            raise stage.source.bad(params.keys, f"{params.spelled!r} is both read and written by this stage")
