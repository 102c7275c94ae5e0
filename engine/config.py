"""Layered INI configuration as data.

The syntax is ConfigObj's as DVC writes it: sections, four-space indented keys, named sections such as
``['remote "origin"']``. Parsing gives plain mappings; unknown sections and keys are kept. `edited` changes one key of
a text and leaves every other byte as it was.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from assay.engine.errors import BadInput, ConfigError

Sections = dict[str, dict[str, str]]

_SECTION = re.compile(r"""^\s*\[\s*(?P<quote>['"]?)(?P<name>.*?)(?P=quote)\s*\]\s*(?:[#;].*)?$""")
_KEY = re.compile(r"""^\s*(?P<key>[A-Za-z0-9_.-]+)\s*=\s*(?P<value>.*?)\s*$""")


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


def parse(text: str, path: str) -> Sections:
    """The sections of one file, keys in lower case, values unquoted.

    Raises:
        BadInput: A line that is neither a section, a ``key = value``, a comment nor empty.
    """
    sections: Sections = {}
    current: dict[str, str] | None = None
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip()[0] in "#;":
            continue
        if match := _SECTION.match(line):
            current = sections.setdefault(match["name"], {})
        elif (match := _KEY.match(line)) and current is not None:
            current[match["key"].lower()] = _unquoted(match["value"])
        else:
            raise BadInput(path, "neither a [section] nor a key = value", line=number, hint="Mend or remove the line.")
    return sections


def _unquoted(value: str) -> str:
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "'\"":
        return value[1:-1]
    return re.sub(r"\s+[#;].*$", "", value)


def _quoted(value: str) -> str:
    if not value or value != value.strip() or value[0] in "'\"#;" or "," in value or " #" in value or " ;" in value:
        return f"'{value}'" if '"' in value else f'"{value}"'
    return value


def edited(text: str, section: str, key: str, value: str | None) -> str:
    """The text with one key set, or taken away when ``value`` is None; every other byte stays.

    Raises:
        ConfigError: The value cannot be written on one line.
    """
    if value is not None and ("\n" in value or ("'" in value and '"' in value)):
        raise ConfigError(
            f"The value of {section}.{key} has a line break or both kinds of quotes and cannot be written."
        )
    lines = text.splitlines(keepends=True)
    start = end = None
    for i, line in enumerate(lines):
        match = _SECTION.match(line)
        if match and start is not None:
            end = i
            break
        if match and match["name"] == section:
            start = i
    if start is None:
        if value is None:
            return text
        head = f"['{section}']" if '"' in section else f"[{section}]"
        glue = "" if not text or text.endswith("\n") else "\n"
        return f"{text}{glue}{head}\n    {key} = {_quoted(value)}\n"
    end = len(lines) if end is None else end
    for i in range(start + 1, end):
        match = _KEY.match(lines[i])
        if match and match["key"].lower() == key.lower() and lines[i].lstrip()[0] not in "#;":
            if value is None:
                del lines[i]
            else:
                lines[i] = f"    {key} = {_quoted(value)}\n"
            return "".join(lines)
    if value is not None:
        while end > start + 1 and not lines[end - 1].strip():
            end -= 1
        if not lines[end - 1].endswith("\n"):
            lines[end - 1] += "\n"
        lines.insert(end, f"    {key} = {_quoted(value)}\n")
    return "".join(lines)


def without_section(text: str, section: str) -> str:
    """The text without a section and its keys."""
    kept, inside = [], False
    for line in text.splitlines(keepends=True):
        if match := _SECTION.match(line):
            inside = match["name"] == section
        if not inside:
            kept.append(line)
    return "".join(kept)


class Config:
    """Several files laid over each other, the last one winning key by key.

    Attributes:
        layers: (name, path, sections) from the lowest to the highest: user, project, local.
    """

    def __init__(self, layers: tuple[tuple[str, str, Mapping[str, Mapping[str, str]]], ...] = ()) -> None:
        self.layers = layers
        self._merged: Sections = {}
        for _, _, sections in layers:
            for name, keys in sections.items():
                self._merged.setdefault(name, {}).update(keys)

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
