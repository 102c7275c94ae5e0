"""What the maps of ``.dvc`` and lock files may hold, key by key: DVC 3.67's rules, and ``digest`` for other hashes.

A `Shape` says of one kind of map which keys it may have and of what kind each value is; `check` raises on the first
value that does not fit, with its line and key.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from assay.engine.pipeline.source import Keys, Source, nearest

Kind = Callable[[Source, Keys, Any], None]
"""Raises BadInput unless a value is of a kind."""

_SHORTEST_CHECKSUM = 3


class Shape(NamedTuple):
    """One kind of map.

    Attributes:
        what: What it is, as a subject ("an artifact").
        keys: Every key that it may have, with the kind of its value.
        needed: Keys that it must have.
    """

    what: str
    keys: Mapping[str, Kind]
    needed: tuple[str, ...] = ()


def check(source: Source, keys: Keys, value: Any, shape: Shape) -> None:
    """Raises BadInput unless a value is a map of that shape."""
    if not isinstance(value, Mapping):
        with_these = f" with {' and '.join(shape.needed)}" if shape.needed else ""
        raise source.bad(keys, f"should be a map{with_these}")
    for key, item in value.items():
        kind = shape.keys.get(key)
        if kind is None:
            raise source.bad((*keys, str(key)), f"{shape.what} has no such key", nearest(str(key), shape.keys))
        kind(source, (*keys, key), item)
    for key in shape.needed:
        if key not in value:
            raise source.bad(keys, f"has no {key}")


def _kind(sentence: str, test: Callable[[Any], bool]) -> Kind:
    def kind(source: Source, keys: Keys, value: Any) -> None:
        if not test(value):
            raise source.bad(keys, f"should be {sentence}")

    return kind


def _each(shape: Shape) -> Kind:
    def kind(source: Source, keys: Keys, value: Any) -> None:
        _LIST(source, keys, value)
        for at, item in enumerate(value):
            check(source, (*keys, at), item, shape)

    return kind


def _one_by_name(shape: Shape) -> Kind:
    def kind(source: Source, keys: Keys, value: Any) -> None:
        if not isinstance(value, Mapping) or len(value) > 1:
            raise source.bad(keys, "should be a map with one name")
        for name, item in value.items():
            check(source, (*keys, str(name)), item, shape)

    return kind


def _map_of(shape: Shape) -> Kind:
    return lambda source, keys, value: check(source, keys, value, shape)


def _is_checksum(value: Any) -> bool:
    if value is None or value == "":
        return True
    return isinstance(value, (str, int)) and len(str(value)) >= _SHORTEST_CHECKSUM


def _is_words(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(word, str) for word in value)


_ANY: Kind = _kind("", lambda _: True)
_TEXT = _kind("text", lambda value: isinstance(value, str))
_TEXT_OR_NOTHING = _kind("text", lambda value: value is None or isinstance(value, str))
_FLAG = _kind("true or false", lambda value: isinstance(value, bool))
_NUMBER = _kind("a whole number", lambda value: isinstance(value, int))
_CHECKSUM = _kind("a checksum", _is_checksum)
_LIST = _kind("a list", lambda value: isinstance(value, list))
_LIST_OR_NOTHING = _kind("a list", lambda value: value is None or isinstance(value, list))
_WORDS = _kind("a list of words", _is_words)
_MAP = _kind("a map", lambda value: isinstance(value, Mapping))
_TEXT_OR_MAP = _kind("text or a map", lambda value: isinstance(value, (str, Mapping)))

_CONTENT: Mapping[str, Kind] = {
    **dict.fromkeys(("md5", "checksum", "etag"), _CHECKSUM),
    **dict.fromkeys(("size", "nfiles"), _NUMBER),
    "isexec": _FLAG,
    "version_id": _TEXT,
}
_CLOUD = _one_by_name(Shape("a file of a cloud", _CONTENT))
_FILES = _each(Shape("a file", {**_CONTENT, "relpath": _TEXT, "cloud": _CLOUD}, ("relpath",)))
_ARTIFACT: Mapping[str, Kind] = {
    **_CONTENT,
    **dict.fromkeys(("path", "hash", "digest"), _TEXT),
    "cloud": _CLOUD,
    "files": _FILES,
}
_WORDS_ABOUT: Mapping[str, Kind] = {"desc": _TEXT, "type": _TEXT, "labels": _WORDS, "meta": _ANY}

LOCKED = Shape("an artifact", {**_ARTIFACT, "dataset": _MAP}, ("path",))
"""What a lock file says of one path."""

OUT = Shape(
    "an artifact",
    {
        **_ARTIFACT,
        **_WORDS_ABOUT,
        **dict.fromkeys(("cache", "push", "persist"), _FLAG),
        "remote": _TEXT,
        "fs_config": _MAP,
    },
    ("path",),
)
"""What a ``.dvc`` file tracks."""

_REPOSITORY = Shape(
    "a repository",
    {**dict.fromkeys(("url", "rev", "rev_lock"), _TEXT), "config": _TEXT_OR_MAP, "remote": _TEXT_OR_MAP},
    ("url",),
)
_DATABASE = Shape("a database", dict.fromkeys(("query", "table", "connection", "file_format"), _TEXT))

DEP = Shape(
    "a source",
    {**_ARTIFACT, "persist": _FLAG, "fs_config": _MAP, "repo": _map_of(_REPOSITORY), "db": _map_of(_DATABASE)},
)
"""Where an import came from."""

DATA_FILE = Shape(
    "a .dvc file",
    {
        "outs": _LIST_OR_NOTHING,
        "deps": _LIST_OR_NOTHING,
        "md5": _CHECKSUM,
        "wdir": _TEXT_OR_NOTHING,
        **dict.fromkeys(("frozen", "locked", "always_changed"), _FLAG),
        "desc": _TEXT,
        "meta": _ANY,
    },
)
"""A whole ``.dvc`` file."""
