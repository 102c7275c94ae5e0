"""A dvc.yaml that uses templates: what it says once everything is resolved.

What a file says then depends on its text and on the files that its context is made of, and on nothing else; files
whose inputs are the same are resolved once.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from typing import Any

from assay.engine.errors import BadInput
from assay.engine.pipeline import generated, variables
from assay.engine.pipeline.checked import Value
from assay.engine.pipeline.context import Context, Found, plain
from assay.engine.pipeline.expressions import Parsing, written
from assay.engine.pipeline.paths import relative
from assay.engine.pipeline.resolver import Allowed, Budget, Resolver, Used
from assay.engine.pipeline.schema import Definition, pipeline_file
from assay.engine.pipeline.source import Keys, Source
from assay.engine.pipeline.stage import JOIN, PARAMS_FILE, PipelineFile, Stage
from assay.engine.pipeline.variables import Read

_TOP = ("params", "metrics", "plots", "artifacts", "datasets")
_FLAGS = ("frozen", "always_changed")
_OUT_FLAGS = ("cache", "persist", "push", "checkpoint", "header")
_TEXTS = ("desc", "wdir")
_OUT_TEXTS = ("desc", "type", "remote", "template", "x", "y", "x_label", "y_label", "title")
_KINDS = ("outs", "metrics", "plots")
_REMEMBERED = 64
"""How many sets of inputs are remembered for one file."""


class Template:
    """The data of a dvc.yaml before anything is resolved.

    Args:
        source: Its path and text.
        data: What its YAML says.
    """

    def __init__(self, source: Source, data: Mapping[Any, Any]) -> None:
        self.source = source
        self.data = data
        self.folder = posixpath.dirname(source.path)
        self.stages: dict[str, Stage] = {}
        self._known: dict[Any, tuple[PipelineFile, Mapping[str, bytes | None]]] = {}
        self._fixed: dict[Keys, Mapping[str, int]] = {}

    def resolved(self, read: Read, options: Parsing) -> PipelineFile:
        """What the file says.

        Args:
            read: Gives the files of the context by their project paths.
            options: How maps are written into commands.

        Raises:
            BadInput: Something in it, or in a file of the context, is not as it should be.
        """
        files = [posixpath.join(self.folder, PARAMS_FILE)]
        files += variables.files_of(Value(self.source, ("vars",), self.data.get("vars")), self.folder)
        first = {path: read(path) for path in files}
        key = (options, *first.values())
        known = self._known.get(key)
        if known is not None and all(read(path) == data for path, data in known[1].items()):
            return known[0]
        later: dict[str, bytes | None] = {}

        def remembered(path: str) -> bytes | None:
            if path in first:
                return first[path]
            if path not in later:
                later[path] = read(path)
            return later[path]

        try:
            file = _Expansion(self, remembered, options).file()
        except RecursionError:
            raise BadInput(self.source.path, "it is nested too deeply") from None
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        inputs = tuple(path for path, content in {**first, **later}.items() if content is not None)
        known = self._known[key] = file._replace(inputs=inputs), later
        return known[0]

    def fixed(self, body: Value) -> Mapping[str, int]:
        """The keys of a stage under which there is nothing to resolve, with the size of what is there.

        Raises:
            BadInput: A flag is a template.
        """
        known = self._fixed.get(body.keys)
        if known is None:
            _check_kinds(body)
            texts = {key: _text(value) for key, value in body.data.items() if isinstance(key, str)}
            known = {key: len(text) for key, text in texts.items() if text is not None and "${" not in text}
            self._fixed[body.keys] = known
        return known


class _Expansion:
    """One resolving of a template; the methods give its parts."""

    def __init__(self, template: Template, read: Read, options: Parsing) -> None:
        self.template = template
        self.source = template.source
        self.top = Value(template.source, (), template.data)
        self.folder = template.folder
        self.read = read
        self.options = options
        self.budget = Budget()
        self.used: Used = {}
        self.context = Context()

    def file(self) -> PipelineFile:
        self.context = variables.with_vars(
            variables.beside(self.folder, self.read), self.top.child("vars"), self.folder, self.read
        )
        stages = list(self.stages())
        top = {key: value for key, value in self.top.data.items() if key != "stages"}
        resolver = self.resolver(self.context)
        for key in _TOP:
            if key in top:
                top[key] = _keeping_kind(self.top.child(key), resolver.data(top[key], (key,)))
        if isinstance(top.get("artifacts"), dict):
            self.check_artifacts()
            for artifact in top["artifacts"].values():
                _as_texts(artifact, ("type", "desc"))
        return pipeline_file(self.source, top, stages, self.used, self.template.stages)

    def check_artifacts(self) -> None:
        """Raises BadInput where the file says something else than text where an artifact needs it."""
        for _, artifact in self.top.child("artifacts").pairs():
            if isinstance(artifact.data, dict):
                _check_texts(artifact, ("type", "desc"))

    def resolver(self, context: Context, of: str = "") -> Resolver:
        return Resolver(self.source, context, self.options, self.budget, of)

    def stages(self) -> Iterator[Definition]:
        for name, body in self.top.child("stages").pairs():
            if not isinstance(body.data, dict):
                yield Definition(name, body.data, body.keys)
            elif "foreach" in body.data or "do" in body.data:
                yield from self.foreach(name, body)
            elif "matrix" in body.data:
                yield from self.matrix(name, body)
            else:
                yield self.stage(name, body, self.context)

    def foreach(self, name: str, body: Value) -> Iterator[Definition]:
        body.only(("foreach", "do"), f"stage {name!r}, made by `foreach`,")
        do = body.child("do").kind(dict, "a map", required=True)
        each = body.child("foreach")
        if each.data is None:
            raise each.fail("is missing; it should be a list or a map")
        items = generated.of_foreach(each.data, self.resolver(self.context), each.keys)
        return self.made(name, _without_matrix(do), items)

    def matrix(self, name: str, body: Value) -> Iterator[Definition]:
        axes = body.child("matrix")
        items = generated.of_matrix(axes.data, self.resolver(self.context), axes.keys)
        return self.made(name, _without_matrix(body), items)

    def made(self, group: str, body: Value, items: generated.Items) -> Iterator[Definition]:
        for key, given in items.items():
            name = group + JOIN + key
            yield self.stage(name, body, self.context._replace(given=given), group)

    def stage(self, name: str, body: Value, context: Context, group: str = "") -> Definition:
        of = name if group else ""
        fixed = self.template.fixed(body)
        own = body.child("vars")
        if own.data:
            folder = self.working_folder(body.child("wdir"), self.resolver(context, of))
            context = variables.with_vars(context, own, folder, self.read, name)
        resolver = self.resolver(context, of)
        resolved = {}
        for key, value in body.data.items():
            if key in fixed and key != "vars":
                resolved[key] = resolver.fixed(value, fixed[key], (*body.keys, key))
            elif key != "vars":
                allowed: Allowed = "command" if key == "cmd" else "simple"
                resolved[key] = resolver.data(value, (*body.keys, str(key)), allowed)
        _write_texts(resolved)
        for file, values in resolver.used.items():
            self.used.setdefault(file, {}).update(values)
        return Definition(name, resolved, body.keys, group, bool(group) or resolved != body.data)

    def working_folder(self, wdir: Value, resolver: Resolver) -> str:
        if not wdir.text():
            return self.folder
        found = resolver.text(wdir.data, wdir.keys)
        spelled = written(plain(found)) if isinstance(found, Found) else found
        return posixpath.normpath(posixpath.join(self.folder, relative(self.source, spelled, self.folder)))


def _text(value: Any) -> str | None:
    """A value as Python writes it; None when it holds a number that is too long for that."""
    try:
        return repr(value)
    except ValueError:
        return None


def _without_matrix(body: Value) -> Value:
    """A stage without its ``matrix``; one inside a ``foreach`` means nothing, as in DVC."""
    return Value(body.source, body.keys, {key: value for key, value in body.data.items() if key != "matrix"})


def _check_kinds(body: Value) -> None:
    """Raises BadInput where a flag is a template, or something else than text stands where text is needed.

    DVC looks at these before it resolves anything; what templates make of them is not looked at any more.
    """
    places: list[tuple[Value, tuple[str, ...], tuple[str, ...]]] = [(body, _FLAGS, _TEXTS)]
    for kind in _KINDS:
        outs = body.child(kind)
        for at in range(len(outs.data) if isinstance(outs.data, list) else 0):
            flags = outs.child(at)
            inner = flags.data if isinstance(flags.data, dict) else {}
            places += [(flags.child(path), _OUT_FLAGS, _OUT_TEXTS) for path in inner if isinstance(inner[path], dict)]
    for value, flag_names, text_names in places:
        for name in flag_names:
            if name in value.data:
                value.child(name).flag(default=True)
        _check_texts(value, text_names)
    body.child("cmd").kind((str, list), "a command or a list of commands", required=True)


def _check_texts(value: Value, names: tuple[str, ...]) -> None:
    for name in names:
        value.child(name).text()
    for _ in value.child("labels").items(str, "text"):
        pass


def _write_texts(stage: dict[str, Any]) -> None:
    """Makes text of numbers that templates put where text is needed; where they put nothing, nothing is said."""
    _as_texts(stage, ("desc",))
    if stage.get("wdir", "") is None:
        del stage["wdir"]
    for kind in _KINDS:
        outs = stage.get(kind)
        for item in outs if isinstance(outs, list) else ():
            for flags in item.values() if isinstance(item, dict) else ():
                _as_texts(flags, _OUT_TEXTS)


def _as_texts(flags: Any, names: tuple[str, ...]) -> None:
    if not isinstance(flags, dict):
        return
    for name in names:
        if name in flags and flags[name] is None:
            del flags[name]
        elif isinstance(flags.get(name), (int, float)):
            flags[name] = written(flags[name])
    if isinstance(flags.get("labels"), list):
        flags["labels"] = [written(label) if isinstance(label, (int, float)) else label for label in flags["labels"]]


def _keeping_kind(value: Value, resolved: Any) -> Any:
    """The resolved data, where a list or a map stands for a list or a map. Raises BadInput."""
    if isinstance(value.data, str) and not isinstance(resolved, str):
        raise value.fail("cannot be a template as a whole")
    return resolved
