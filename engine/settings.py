"""Changing a configuration file: one key at a time, every other byte kept, known keys checked."""

from __future__ import annotations

import os
from collections.abc import Sequence

from assay.engine import disk, vocabulary
from assay.engine.config import Config, Layer, absolute, load, path_keys, read, to_store
from assay.engine.configtext import Sections, edited, parse
from assay.engine.errors import ConfigError


def layer(name: str, path: str, home: str = "") -> Config:
    """The settings of one file alone; none when it is not there.

    Raises:
        ConfigError: It cannot be read or understood.
    """
    found = load(name, path, home)
    return Config((found,) if found else ())


def change(
    path: str,
    key: str,
    value: str | None,
    *,
    words: str = "assay",
    typed_in: str = "",
    below: Sequence[Layer] = (),
) -> None:
    """Sets one key of a configuration file, or takes it away when ``value`` is None.

    Args:
        path: Absolute path of the file; made when it is not there.
        key: The dotted key.
        value: The new value; a path is relative to ``typed_in``.
        words: The vocabulary of the file (`assay.engine.vocabulary`).
        typed_in: Absolute path of the folder where it was typed; empty when paths are written as they are.
        below: The layers that this file lies upon: a remote's URL may stand there.

    Raises:
        ConfigError: There is no such setting or value, or none to take away; or the file cannot be understood. It is
            left as it is.
    """
    section, name = vocabulary.split(key)
    text = read(path)
    present = parse(text, path)
    if value is None:
        if name not in present.get(section, {}):
            raise ConfigError(f"{key} is not set in {path}.")
        _check_left(words, section, name, present, below)
    else:
        url = Config((*below, Layer("", path, present))).get(section, "url")
        vocabulary.check(words, section, name, value, url=value if name == "url" else url)
        if name in path_keys(section):
            absolute(value, os.path.dirname(path), "/")  # refuses what nobody could find
        if typed_in and name in path_keys(section):
            value = to_store(value, typed_in, os.path.dirname(path))
    new = edited(text, section, name, value)
    if not _can_be_read(new, path, section, name, value):
        raise ConfigError(f"{key} cannot be {value!r}: it could not be read again.")
    write(path, new, is_new=not text)


def _can_be_read(text: str, path: str, section: str, name: str, value: str | None) -> bool:
    try:
        return parse(text, path).get(section, {}).get(name) == value
    except ConfigError:
        return False


def _check_left(words: str, section: str, name: str, present: Sections, below: Sequence[Layer]) -> None:
    """Refuses to take away the URL of a remote that has other settings here."""
    others = [one for one in present[section] if one != name]
    if name == "url" and others:
        vocabulary.check(words, section, others[0], None, url=Config(below).get(section, "url"))


def write(path: str, text: str, *, is_new: bool) -> None:
    """Writes a configuration file whole. Raises AssayError when the disk refuses."""
    try:
        disk.make_folders(os.path.dirname(path))
        if is_new:
            disk.write_atomic(path, text.encode("utf-8"))
        else:
            disk.write_keeping_mode(path, text.encode("utf-8"))
    except OSError as error:
        raise disk.no_space(error, path) from error
