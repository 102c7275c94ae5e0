"""Fills a context: the params.yaml beside a dvc.yaml, then its ``vars``, maps and files in their order."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from assay.engine.params import documents
from assay.engine.pipeline.checked import Value, in_words
from assay.engine.pipeline.context import CannotMerge, Context, Origin
from assay.engine.pipeline.expressions import references
from assay.engine.pipeline.paths import relative
from assay.engine.pipeline.source import Source
from assay.engine.pipeline.stage import PARAMS_FILE

Read = Callable[[str], bytes | None]
"""A file's content by its project path; None when there is none."""


def beside(folder: str, read: Read) -> Context:
    """The context that the params.yaml of a folder gives; empty when there is none.

    Raises:
        BadInput: It cannot be understood, or is not a map.
    """
    path = posixpath.join(folder, PARAMS_FILE)
    data = read(path)
    if data is None:
        return Context()
    content = _document(path, data)
    if not isinstance(content, Mapping):
        raise Source(path, "").bad((), f"should be a map, not {in_words(content)}")
    return Context(loaded={path: None}).merged(content, Origin(path, path))


def with_vars(context: Context, value: Value, folder: str, read: Read, stage: str = "") -> Context:
    """The context with the ``vars`` of a file or a stage.

    Args:
        context: What is defined already.
        value: The list of ``vars``.
        folder: What their files are relative to, a project path.
        read: Gives a file.
        stage: The stage whose they are; empty for the file's own.

    Raises:
        BadInput: A file is not there or no map, a value is defined twice, or there is a template in them.
    """
    for at, item in enumerate(value.items((str, dict), "a file or a map")):
        check_no_templates(item)
        words = f"{stage}.vars[{at}]" if stage else f"vars[{at}]"
        try:
            if isinstance(item.data, str):
                context = _with_file(context, item, folder, read)
            else:
                context = context.merged(item.data, Origin(words))
        except CannotMerge as error:
            raise item.fail(str(error)) from None
    return context


def check_no_templates(value: Value) -> None:
    """Raises BadInput when there is an expression in the value."""
    if isinstance(value.data, str):
        if references(value.data):
            raise value.fail("vars cannot use templates themselves")
    elif isinstance(value.data, dict):
        for key in value.data:
            if isinstance(key, str) and references(key):
                raise value.child(key).fail("vars cannot use templates themselves")
            check_no_templates(value.child(key))
    elif isinstance(value.data, list):
        for at in range(len(value.data)):
            check_no_templates(value.child(at))


def files_of(value: Value, folder: str) -> list[str]:
    """The paths of the files that a list of ``vars`` names."""
    listed = value.data if isinstance(value.data, list) else []
    return [_path(value.source, item, folder) for item in listed if isinstance(item, str)]


def _path(source: Source, item: str, folder: str) -> str:
    return posixpath.normpath(posixpath.join(folder, relative(source, item.partition(":")[0], folder)))


def _with_file(context: Context, item: Value, folder: str, read: Read) -> Context:
    path = _path(item.source, item.data, folder)
    wanted = tuple(key for key in item.data.partition(":")[2].split(",") if key)
    if path in context.loaded:
        known = context.loaded[path]
        if known is None and not wanted:
            return context
        _check_not_loaded(item, path, known, wanted)
    data = read(path)
    if data is None:
        raise item.fail(f"there is no file {path}")
    content = _document(path, data)
    if not isinstance(content, Mapping):
        raise item.fail(f"{path} holds {in_words(content)}, not a map")
    if wanted:
        content = _chosen(item, path, content, wanted)
    loaded = {**context.loaded, path: (*(context.loaded.get(path) or ()), *wanted) or None}
    return context.merged(content, Origin(path, path))._replace(loaded=loaded)


def _check_not_loaded(item: Value, path: str, known: tuple[str, ...] | None, wanted: Sequence[str]) -> None:
    if known is None:
        raise item.fail(f"all of {path} is loaded already", "Leave the keys out, or the whole line.")
    if not wanted:
        raise item.fail(f"a part of {path} is loaded already", "Name the keys that are still needed.")
    twice = [key for key in wanted if key in known]
    if twice:
        raise item.fail(f"{', '.join(twice)} of {path} is loaded already")


def _chosen(item: Value, path: str, content: Mapping[Any, Any], wanted: Sequence[str]) -> dict[str, Any]:
    for key in wanted:
        if key not in content:
            raise item.fail(f"{path} has no key {key}")
    return {key: content[key] for key in wanted}


@lru_cache(maxsize=64)
def _document(path: str, data: bytes) -> Any:
    return documents.read(path, data)
