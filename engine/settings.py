"""Changing a configuration file: one key at a time, every other byte kept, known keys checked."""

from __future__ import annotations

import os
from difflib import get_close_matches

from assay.engine import disk
from assay.engine.config import Config, edited, parse, read
from assay.engine.errors import ConfigError
from assay.engine.layout import LINK_KINDS

HASHES = ("xxh128", "sha256")
KNOWN: dict[str, str] = {
    "core.remote": "the remote that push and pull use",
    "core.autostage": "true: add, commit and the like put the small files they write into Git's index",
    "core.hash": "the hash of new artifacts, xxh128 or sha256; chosen by init",
    "cache.dir": "where the cache lies, relative to the marker folder",
    "cache.type": "how files are placed: reflink, hardlink, symlink, copy, in order of preference",
    "gc.grace": "how long the trash keeps what gc took: 14d, 12h, 0",
    "gc.fresh": "gc leaves alone what is newer than this: 1h, 30m, 0",
    "user.name": "who makes commits, where Git's own configuration does not say",
    "user.email": "the e-mail address of that person",
}


_UNITS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0}


def split(key: str) -> tuple[str, str]:
    """A dotted key as (section, key): ``remote.origin.url`` is ``url`` in ``remote "origin"``.

    Raises:
        ConfigError: There is no such setting.
    """
    parts = key.split(".")
    if parts[0] == "remote" and len(parts) >= 3:
        return f'remote "{".".join(parts[1:-1])}"', parts[-1].lower()
    if key.lower() not in KNOWN:
        near = get_close_matches(key.lower(), KNOWN, 1)
        raise ConfigError(
            f"There is no setting {key!r}.", f"Did you mean {near[0]}?" if near else "Known: " + ", ".join(KNOWN) + "."
        )
    return parts[0].lower(), parts[1].lower()


def _check(key: str, value: str) -> None:
    """Refuses a value with which no later command could begin, the one that would set it right included."""
    if key == "core.hash" and value not in HASHES:
        raise ConfigError(f"core.hash cannot be {value!r}; it is {' or '.join(HASHES)}.")
    if key == "cache.type":
        wrong = [word for word in map(str.strip, value.split(",")) if word not in LINK_KINDS]
        if wrong:
            raise ConfigError(f"cache.type cannot be {wrong[0]!r}; it is some of {', '.join(LINK_KINDS)}.")
    if key in ("gc.grace", "gc.fresh"):
        seconds(key, value)
    if key == "core.autostage":
        Config((("", "", {"core": {"autostage": value}}),)).flag("core", "autostage")


def seconds(key: str, value: str) -> float:
    """A length of time as a setting gives it: ``14d``, ``12h``, ``30m``, ``45s``; a number alone counts days.

    Raises:
        ConfigError: It is something else.
    """
    unit = _UNITS.get(value[-1:].lower())
    number = value[:-1] if unit else value
    if not (number.isascii() and number.isdecimal()) or len(number) > 6:
        raise ConfigError(f"{key} cannot be {value!r}; it is a length of time such as 14d, 12h or 30m.")
    return int(number) * (unit or _UNITS["d"])


def layer(name: str, path: str) -> Config:
    """The settings of one file alone; none when it is not there.

    Raises:
        ConfigError: It cannot be read.
        BadInput: It cannot be understood.
    """
    text = read(path)
    return Config(((name, path, parse(text, path)),) if text else ())


def change(path: str, key: str, value: str | None) -> None:
    """Sets one key of a configuration file, or takes it away when ``value`` is None.

    Args:
        path: Absolute path of the file; made when it is not there.
        key: The dotted key.
        value: The new value.

    Raises:
        ConfigError: There is no such setting or value, or none to take away.
        BadInput: The file cannot be understood; it is left as it is.
    """
    section, name = split(key)
    if value is not None:
        _check(key.lower(), value)
    text = read(path)
    if value is None and name not in parse(text, path).get(section, {}):
        raise ConfigError(f"{key} is not set in {path}.")
    new = edited(text, section, name, value)
    parse(new, path)
    disk.make_folders(os.path.dirname(path))
    if text:
        disk.write_keeping_mode(path, new.encode("utf-8"))
    else:
        disk.write_atomic(path, new.encode("utf-8"))
