"""Layered configuration: the settings of several files laid over each other.

Their syntax is `assay.engine.configtext`'s. A path that a file gives is relative to that file's own folder, and is made
absolute when the file is read, so that nobody further up has to know where a setting came from.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from assay.engine.configtext import Value, as_text, parse
from assay.engine.errors import ConfigError

_PATHS = {
    "cache": ("dir",),
    "remote": (
        "url",
        "credentialpath",
        "configpath",
        "keyfile",
        "cert_path",
        "key_path",
        "gdrive_user_credentials_file",
        "gdrive_service_account_json_file_path",
    ),
    "machine": ("startup_script", "setup_script"),
}
"""Keys whose values are paths, or URLs."""


class Layer(NamedTuple):
    """The settings of one file.

    Attributes:
        name: "user", "system", "global", "project" or "local".
        path: The file, absolute.
        sections: What it says, its paths absolute.
    """

    name: str
    path: str
    sections: Mapping[str, Mapping[str, Value]]


def read(path: str) -> str:
    """The text of a configuration file; empty where there is none.

    Raises:
        ConfigError: It cannot be read, or is not UTF-8.
    """
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}.", "Mend or remove it.") from error


def load(name: str, path: str, home: str) -> Layer | None:
    """One file as a layer; None when it is not there or empty.

    Args:
        name: The layer's name.
        path: The file, absolute.
        home: What ``~`` means; empty where there is no home.

    Raises:
        ConfigError: It cannot be read or understood.
    """
    text = read(path)
    return layer(name, path, text, home) if text else None


def layer(name: str, path: str, text: str, home: str) -> Layer:
    """The text of a file as a layer. Arguments and errors are those of `load`."""
    sections = parse(text, path)
    folder = os.path.dirname(path)
    for section, keys in sections.items():
        for key in path_keys(section):
            value = keys.get(key)
            if isinstance(value, str):
                keys[key] = absolute(value, folder, home)
    return Layer(name, path, sections)


def path_keys(section: str) -> tuple[str, ...]:
    """Keys of a section whose values are paths: ``dir`` of ``cache``, ``url`` and others of ``remote "x"``."""
    return _PATHS.get(section.partition(' "')[0], ())


def is_url(value: str) -> bool:
    """Whether a value is a URL and no path: a word, then ``://``."""
    scheme, mark, _ = value.partition("://")
    return bool(mark) and scheme.replace("_", "a").isalnum()


def absolute(value: str, folder: str, home: str) -> str:
    """A path of a configuration file, made absolute; a URL stays as it is.

    Args:
        value: The path as it stands in the file.
        folder: Absolute path of the file's folder.
        home: What ``~`` means.

    Raises:
        ConfigError: It begins with another user's ``~name``, or there is no home.
    """
    if not value or is_url(value) or os.path.isabs(value):
        return value
    if value[0] == "~":
        user, _, below = value[1:].partition("/")
        if user or not home:
            raise ConfigError(f"{value} in {folder} cannot be found: only ~/ is known.", "Write the path out.")
        return os.path.normpath(f"{home}/{below}")
    return os.path.normpath(os.path.join(folder, value))


def to_store(value: str, typed_in: str, folder: str) -> str:
    """A path as it was typed, as it goes into a configuration file: relative to that file, as DVC writes it.

    Args:
        value: The path or URL; absolute ones, URLs and ``~/`` stay as they are.
        typed_in: Absolute path of the folder where it was typed.
        folder: Absolute path of the configuration file's folder.
    """
    if not value or is_url(value) or os.path.isabs(value) or value[0] == "~":
        return value
    return os.path.relpath(os.path.join(typed_in, value), folder).replace(os.sep, "/")


class Config:
    """Several files laid over each other, the last one winning key by key.

    Attributes:
        layers: From the lowest to the highest: user, project, local.
    """

    def __init__(self, layers: Iterable[tuple[str, str, Mapping[str, Mapping[str, Value]]]] = ()) -> None:
        self.layers = tuple(Layer(*layer) for layer in layers)
        self._merged: dict[str, dict[str, str]] = {}
        for _, _, sections in self.layers:
            for name, keys in sections.items():
                known = self._merged.setdefault(name, {})
                for key, value in keys.items():
                    known[key] = as_text(value)

    def get(self, section: str, key: str, default: str = "") -> str:
        """One value as text."""
        return self._merged.get(section, {}).get(key, default)

    def flag(self, section: str, key: str, *, default: bool = False) -> bool:
        """One value as yes or no. Raises ConfigError on anything else."""
        text = self.get(section, key).lower()
        if not text:
            return default
        if text in ("true", "yes", "on", "1"):
            return True
        if text in ("false", "no", "off", "0"):
            return False
        raise ConfigError(f"{section}.{key} is {text!r}; it must be true or false.")

    def number(self, section: str, key: str, default: int) -> int:
        """One value as a whole number. Raises ConfigError on anything else."""
        text = self.get(section, key)
        if not text:
            return default
        try:
            return int(text)
        except ValueError:
            raise ConfigError(f"{section}.{key} is {text!r}; it must be a whole number.") from None

    def words(self, section: str, key: str, default: Iterable[str] = ()) -> list[str]:
        """One value as a list separated by commas."""
        text = self.get(section, key)
        return [word.strip() for word in text.split(",") if word.strip()] if text else list(default)

    def section(self, name: str) -> Mapping[str, str]:
        """All keys of a section; empty when there is none."""
        return self._merged.get(name, {})

    def named(self, kind: str) -> dict[str, Mapping[str, str]]:
        """Sections such as ``remote "origin"``, by their name, in the order they first appear."""
        found: dict[str, Mapping[str, str]] = {}
        for section, keys in self._merged.items():
            if section.startswith(f'{kind} "') and section.endswith('"'):
                found[section[len(kind) + 2 : -1]] = keys
        return found
