"""Git's configuration files: parsed once, layered, with includes, read as text, flags, numbers and paths.

Only the files that are named are read: the system's and the user's come from the caller, nothing from the environment.
Nothing that a value names is ever run. The syntax is that of `git config`; a key without ``=`` is true.

Limits: `includeIf` knows gitdir, gitdir/i and onbranch; any other condition does not hold. Configuration given to the
git command (``-c``, ``GIT_CONFIG_COUNT``) is not seen.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from assay.engine.errors import ConfigError

_HEADER = re.compile(r'\[(?!\])([A-Za-z0-9.-]*)(?:[ \t]+"((?:[^"\\\n]|\\[^\n])*)")?\]')
_KEY = re.compile(r"([A-Za-z][A-Za-z0-9-]*)[ \t]*")
_PLAIN = re.compile(r"=[ \t]*([^\"\\#;\n]*)(?:\n|\Z)")
_ESCAPES = {"n": "\n", "t": "\t", "b": "\b", '"': '"', "\\": "\\"}
_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
_INCLUDES = 10  # how deep files may include each other, as in Git


class Setting(NamedTuple):
    """One line: the key in its normal form ("remote.Origin.url"), and the text; None when there was no ``=``."""

    key: str
    value: str | None


class Place(NamedTuple):
    """What conditions of `includeIf` are about.

    Attributes:
        git_dir: The worktree's own Git folder, absolute; empty outside a repository.
        branch: Gives the short name of the current branch, or None.
        home: What ``~`` stands for; empty when there is no home.
    """

    git_dir: str = ""
    branch: Callable[[], str | None] = lambda: None
    home: str = ""


class GitConfig:
    """Settings of several files, the later ones winning.

    Args:
        settings: From the lowest layer to the highest.
        home: What ``~`` in a path stands for.
    """

    def __init__(self, settings: Iterable[Setting] = (), home: str = "") -> None:
        self._home = home
        self._settings = tuple(settings)
        self._values: dict[str, list[str | None]] = {}
        for key, value in self._settings:
            self._values.setdefault(key, []).append(value)

    def get(self, key: str, default: str = "") -> str:
        """The last value of a key ("remote.origin.url"); a key without ``=`` is "true"."""
        values = self._values.get(_normal(key))
        if not values:
            return default
        return "true" if values[-1] is None else values[-1]

    def get_all(self, key: str) -> list[str]:
        """Every value of a key, lowest layer first."""
        return ["true" if value is None else value for value in self._values.get(_normal(key), [])]

    def flag(self, key: str, default: bool = False) -> bool:
        """A truth value. Raises ConfigError when it is none."""
        values = self._values.get(_normal(key))
        if not values:
            return default
        truth = _truth(values[-1])
        if truth is None:
            raise ConfigError(f"Git's setting {key} is {values[-1]!r}, which is neither true nor false.")
        return truth

    def number(self, key: str, default: int = 0) -> int:
        """A whole number, with k, m or g for powers of 1024. Raises ConfigError when it is none."""
        text = self.get(key)
        if not text:
            return default
        found = re.fullmatch(r"\s*([+-]?\d+)([kmg]?)", text.lower())
        if found is None:
            raise ConfigError(f"Git's setting {key} is {text!r}, which is not a number.")
        return int(found[1]) * _UNITS[found[2]]

    def file(self, key: str, default: str = "") -> str:
        """The path of a file, with ``~/`` replaced by the home folder."""
        return _expand(self.get(key, default), self._home)

    def sections(self, section: str) -> list[str]:
        """The subsections of a section: the names of remotes for "remote", in the order of the files."""
        prefix = section.lower() + "."
        names = (key[len(prefix) : key.rfind(".")] for key in self._values if key.startswith(prefix))
        return list(dict.fromkeys(name for name in names if name))

    def items(self) -> Iterator[Setting]:
        """Every setting, lowest layer first, in the order of the files."""
        yield from self._settings


def load(paths: Iterable[str], place: Place = Place()) -> GitConfig:  # noqa: B008 - an immutable value
    """The configuration in these files, lowest layer first; a file that is not there is skipped.

    Raises:
        ConfigError: A file cannot be read or understood.
    """
    settings: list[Setting] = []
    for path in paths:
        settings += read(path, place)
    return GitConfig(settings, place.home)


def read(path: str, place: Place, depth: int = 0) -> Iterator[Setting]:
    """The settings of one file, those of included files in their place. Raises ConfigError."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
            text = file.read()
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise ConfigError(f"Git's configuration {path} cannot be read: {error.strerror}.") from error
    except ValueError:  # a path with a NUL, in an include
        return
    for setting in parse(text, path):
        yield setting
        key, value = setting
        if key.startswith("include") and value and _includes(key, path, place):
            if depth >= _INCLUDES:
                raise ConfigError(f"Git's configuration {path} includes files that include each other.")
            target = os.path.join(os.path.dirname(path), _expand(value, place.home))
            yield from read(target, place, depth + 1)


def parse(text: str, path: str) -> list[Setting]:
    """The settings in the text of a configuration file. Raises ConfigError with the line."""
    text = text.replace("\r\n", "\n").removeprefix("\ufeff")
    settings: list[Setting] = []
    section, at, end = "", 0, len(text)
    while at < end:
        char = text[at]
        if char in " \t\n\r\v\f":
            at += 1
        elif char in "#;":
            newline = text.find("\n", at)
            at = end if newline < 0 else newline + 1
        elif char == "[":
            header = _HEADER.match(text, at)
            if header is None:
                raise _bad(text, at, path)
            section, at = _section(header), header.end()
        else:
            key = _KEY.match(text, at)
            if key is None:
                raise _bad(text, at, path)
            value, at = _value(text, key.end(), path)
            settings.append(Setting(section + key[1].lower(), value))
    return settings


def _section(header: re.Match[str]) -> str:
    """The section's part of a key, with its dot."""
    if header[2] is None:
        return header[1].lower() + "."
    subsection = re.sub(r"\\(.)", r"\1", header[2])
    return f"{header[1].lower()}.{subsection}."


def _value(text: str, at: int, path: str) -> tuple[str | None, int]:
    """The value after a key, and where the next line begins."""
    plain = _PLAIN.match(text, at)
    if plain is not None:
        return plain[1].rstrip(" \t\r\v\f"), plain.end()
    if at >= len(text) or text[at] == "\n":
        return None, at + 1
    if text[at] != "=":
        raise _bad(text, at, path)
    return _quoted(text, at + 1, path)


def _quoted(text: str, at: int, path: str) -> tuple[str, int]:
    """A value with quotes, escapes, comments or continuation lines."""
    out: list[str] = []
    kept = 0  # how much of `out` stays when white space at the end goes
    quote, end = False, len(text)
    while at < end:
        char = text[at]
        at += 1
        if char == "\n":
            if quote:
                raise _bad(text, at - 1, path)
            return "".join(out[:kept]), at
        if char in "#;" and not quote:
            newline = text.find("\n", at)
            return "".join(out[:kept]), end if newline < 0 else newline + 1
        if char == '"':
            quote = not quote
            kept = len(out)
            continue
        if char == "\\":
            escape = text[at : at + 1]
            at += 1
            if escape in ("\n", ""):
                kept = len(out)
                continue
            if escape not in _ESCAPES:
                raise _bad(text, at - 1, path)
            char = _ESCAPES[escape]
        elif char in " \t\r\v\f" and not quote:
            if out:
                out.append(char)
            continue
        out.append(char)
        kept = len(out)
    if quote:
        raise _bad(text, end - 1, path)
    return "".join(out[:kept]), end


def _includes(key: str, path: str, place: Place) -> bool:
    """Whether ``include.path``, or an ``includeIf.<condition>.path`` whose condition holds."""
    if key == "include.path":
        return True
    if not (key.startswith("includeif.") and key.endswith(".path")):
        return False
    kind, _, pattern = key[len("includeif.") : -len(".path")].partition(":")
    if kind == "onbranch":
        branch = place.branch()
        return branch is not None and _matches(_open_ended(pattern), branch)
    if kind in ("gitdir", "gitdir/i") and place.git_dir:
        wanted = _open_ended(_absolute_pattern(pattern, path, place.home))
        folders = (os.path.realpath(place.git_dir), place.git_dir)
        return any(_matches(wanted, folder, ignore_case=kind == "gitdir/i") for folder in folders)
    return False


def _absolute_pattern(pattern: str, path: str, home: str) -> str:
    if pattern.startswith("~/") and home:
        return _literal(os.path.realpath(home)) + pattern[1:]
    if pattern.startswith("./"):
        return _literal(os.path.realpath(os.path.dirname(path))) + pattern[1:]
    return pattern if pattern.startswith("/") else "**/" + pattern


def _open_ended(pattern: str) -> str:
    return pattern + "**" if pattern.endswith("/") else pattern


def _literal(text: str) -> str:
    return re.sub(r"([*?\[\\])", r"\\\1", text)


def _matches(pattern: str, text: str, *, ignore_case: bool = False) -> bool:
    """Whether a whole path matches a pattern in the syntax of .gitignore."""
    from assay.engine.ignore import translate  # conditional includes are rare

    regex = translate(_byte_text(pattern), anchored=True)
    flags = re.DOTALL | (re.IGNORECASE if ignore_case else 0)
    return regex is not None and re.fullmatch(regex, _byte_text(text).removeprefix("/"), flags) is not None


def _byte_text(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode("latin-1")


def _expand(path: str, home: str) -> str:
    return home + path[1:] if home and (path == "~" or path.startswith("~/")) else path


def _normal(key: str) -> str:
    """A key as settings are stored: section and name in lower case, the subsection as it is."""
    first, last = key.find("."), key.rfind(".")
    if first < 0:
        return key.lower()
    return key[:first].lower() + key[first:last] + key[last:].lower()


def _truth(value: str | None) -> bool | None:
    if value is None:
        return True
    word = value.lower()
    if word in ("true", "yes", "on"):
        return True
    if word in ("false", "no", "off", ""):
        return False
    found = re.fullmatch(r"\s*([+-]?\d+)[kmg]?", word)
    return int(found[1]) != 0 if found else None


def _bad(text: str, at: int, path: str) -> ConfigError:
    number = text.count("\n", 0, at) + 1
    return ConfigError(f"Git's configuration {path} cannot be understood in line {number}.", f"Edit {path}.")
