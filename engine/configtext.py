"""The text of a configuration file: ConfigObj's syntax, read and edited.

Sections, indented keys, quoted sections such as ``['remote "origin"']``, lists, inline comments, ``[[sections]]`` in
sections, values in triple quotes and ``%(name)s``, as DVC reads and writes them. `parse` gives plain mappings: names in
lower case, a section below another one joined to it by a dot, keys before any section under "". `edited` changes one
key of a text and leaves every other byte as it was; what it adds stands where DVC would put it.

Limits: a line of more than 8,192 characters, and a value with more than 24 quotes, are refused: reading them could
take longer than anybody waits.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

from assay.engine.errors import ConfigError

Value = str | tuple[str, ...]
"""A text, or the words of a list."""

Sections = dict[str, dict[str, Value]]

NAMED = ("remote", "machine", "db")
"""Kinds of sections that have a name, in the order in which DVC writes them after all others."""

_LONGEST = 8192
_MOST_QUOTES = 24

_QUOTED = r"""".*?"|'.*?'"""
_SECTION = r"""\s*(?P<open>(?:\[\s*)+)(?P<name>"\s*\S.*?"|'\s*\S.*?'|[^'"\s].*?)(?P<close>(?:\s*\])+)\s*(?:\#.*)?$"""
_KEY = rf"""\s*(?P<key>{_QUOTED}|[^'"=].*?)\s*=\s*(?P<value>.*)$"""
_VALUE = (
    rf"""(?:(?P<head>(?:(?:{_QUOTED}|[^'",\#][^,\#]*?)\s*,\s*)*)(?P<last>{_QUOTED}|[^'",\#\s][^,]*?|(?<!,))?|(?P<none>,))"""
    r"""\s*(?:\#.*)?$"""
)
_WORD = rf"""({_QUOTED}|[^'",\#]?.*?)\s*,\s*"""
_EDGES = " \r\n\v\t'\""

_Tree: TypeAlias = "dict[str, Value | _Tree]"


class Statement(NamedTuple):
    """A section's head, or a key and its value.

    Attributes:
        first: Index of its first line.
        end: Index of the line after its last one.
        depth: How deep the section is, from 1; 0 for a key.
        name: The section's or the key's name, unquoted.
        value: The key's value.
    """

    first: int
    end: int
    depth: int
    name: str
    value: Value = ""


def parse(text: str, path: str) -> Sections:
    """The sections of one file.

    Args:
        text: What the file holds.
        path: Its name, for what is said about it.

    Raises:
        ConfigError: A line that is neither a section, a ``key = value``, a comment nor empty; a name that comes twice;
            a ``%(name)s`` that names nothing.
    """
    root: _Tree = {}
    levels = [root]
    for statement in _statements(text, path):
        if statement.depth > len(levels):
            raise _wrong(path, statement.first, "a section is nested too deep")
        if statement.depth:
            del levels[statement.depth :]
        above = levels[-1]
        if statement.name in above:
            raise _wrong(path, statement.first, f"{statement.name} is there twice")
        if statement.depth:
            inner: _Tree = {}
            above[statement.name] = inner
            levels.append(inner)
        else:
            above[statement.name] = statement.value
    found: Sections = {}
    _flatten((root,), "", path, found)
    return found


def edited(text: str, section: str, key: str, value: str | None) -> str:
    """The text with one key set, or taken away when ``value`` is None; every other byte stays.

    A section that nothing is left in goes too.

    Raises:
        ConfigError: The text cannot be understood, or the value cannot be written.
    """
    statements = list(_statements(text, "the configuration"))
    lines = text.splitlines(keepends=True)
    at = next((i for i, one in enumerate(statements) if one.depth == 1 and _normal(one.name) == section), None)
    line = "" if value is None else f"    {quoted(key, multiline=False)} = {quoted(value)}\n"
    if at is None:
        return text if value is None else _with_section(lines, statements, section, line)
    stop = next((i for i in range(at + 1, len(statements)) if statements[i].depth), len(statements))
    for one in statements[at + 1 : stop]:
        if one.name.lower() == key.lower():
            lines[one.first : one.end] = [line] if line else []
            if not line and stop - at == 2:
                return "".join(_without_empty(lines, statements, at))
            return "".join(lines)
    if line:
        _insert(lines, statements[stop - 1].end, line)
    return "".join(lines)


def without_section(text: str, section: str) -> str:
    """The text without a section, its keys and what is nested in it. Raises ConfigError."""
    heads = [one for one in _statements(text, "the configuration") if one.depth == 1]
    lines = text.splitlines(keepends=True)
    for i, one in reversed(list(enumerate(heads))):
        if _normal(one.name) == section:
            del lines[one.first : heads[i + 1].first if i + 1 < len(heads) else len(lines)]
    return "".join(lines)


def quoted(value: str, *, multiline: bool = True) -> str:
    """A value as DVC writes it: quoted only where it would be read as something else.

    Args:
        value: The value, or a name.
        multiline: Whether triple quotes may be used.

    Raises:
        ConfigError: No way of quoting keeps it.
    """
    both = "'" in value and '"' in value
    if multiline and (both or "\n" in value):
        if '"""' in value and "'''" in value:
            raise ConfigError(f"{value!r} cannot be written into a configuration: no quotes keep it.")
        mark = '"""' if '"""' in value else "'''"  # as DVC chooses; who writes makes sure that it can be read again
        return f"{mark}{value}{mark}"
    if value and value[0] not in _EDGES and value[-1] not in _EDGES and "," not in value and "#" not in value:
        return value
    if both or "\n" in value:
        raise ConfigError(f"{value!r} cannot be written into a configuration: no quotes keep it.")
    return f"'{value}'" if '"' in value else f'"{value}"'


def _statements(text: str, path: str) -> Iterator[Statement]:
    lines = text.splitlines()
    i = 0
    while i < len(lines):
        line, first = lines[i], i
        i += 1
        if not line.strip() or line.lstrip()[0] == "#":
            continue
        if len(line) > _LONGEST:
            raise _wrong(path, first, "a line is too long")
        if plain := _plain_section(line):
            yield Statement(first, i, 1, plain)
            continue
        if line.lstrip()[0] == "[" and (match := re.match(_SECTION, line)):
            depth = match["open"].count("[")
            if match["close"].count("]") != depth:
                raise _wrong(path, first, "the brackets of a section do not match")
            yield Statement(first, i, depth, _unquoted(match["name"]))
            continue
        key, text = _key(line, path, first)
        if text[:3] in ('"""', "'''"):
            value, i = _multiline(text, lines, i, path)
            yield Statement(first, i, 0, key, value)
        else:
            yield Statement(first, i, 0, key, _value(text, path, first))


def _plain_section(line: str) -> str:
    """The name in a line such as ``[core]`` or ``['remote "x"']``; empty for any other line, that may be one too."""
    line = line.strip()
    if line[0] != "[" or line[-1] != "]" or line.count("[") + line.count("]") != 2:
        return ""
    name = line[1:-1].strip()
    if not name or name[0] not in "'\"":
        return name
    return name[1:-1] if name[0] == name[-1] and name[1:-1].strip() else ""


def _key(line: str, path: str, index: int) -> tuple[str, str]:
    """The key of a line, and what follows the equals sign."""
    name, equals, value = line.partition("=")
    name = name.strip()
    if equals and name and name[0] not in "'\"":
        return name, value.lstrip()
    match = re.match(_KEY, line)
    if match is None:
        raise _wrong(path, index, "neither a [section] nor a key = value")
    return _unquoted(match["key"]), match["value"]


def _wrong(path: str, index: int, problem: str) -> ConfigError:
    return ConfigError(f"{path}, line {index + 1}: {problem}.", "Mend or remove the line.")


def _unquoted(text: str) -> str:
    return text[1:-1] if text[0] == text[-1] and text[0] in "'\"" else text


def _value(text: str, path: str, index: int) -> Value:
    if not any(mark in text for mark in "'\",#"):
        return text.rstrip()
    if text.count('"') + text.count("'") > _MOST_QUOTES:
        raise _wrong(path, index, "a value with too many quotes")
    match = re.match(_VALUE, text)
    if match is None:
        raise _wrong(path, index, "a value whose quotes or commas do not match")
    if match["none"]:
        return ()
    if not match["head"]:
        return _unquoted(match["last"]) if match["last"] else ""
    words = re.findall(_WORD, match["head"])
    if not all(words):
        raise _wrong(path, index, "a list with nothing between two commas")
    return tuple(_unquoted(word) for word in [*words, *([match["last"]] if match["last"] else [])])


def _multiline(text: str, lines: list[str], i: int, path: str) -> tuple[str, int]:
    """The value that begins with triple quotes, and the index of the line after it."""
    mark = text[:3]
    end = re.compile(rf"(.*?){mark}\s*(?:#.*)?$")
    if match := end.match(text, 3):
        return match[1], i
    parts, first = [text[3:]], i - 1
    while mark not in parts[-1] and i < len(lines):
        parts.append(lines[i])
        i += 1
    match = end.match(parts[-1]) if len(parts) > 1 else None
    if match is None:
        raise _wrong(path, first, f"a value that begins with {mark} and does not end with it")
    return "\n".join([*parts[:-1], match[1]]), i


def _flatten(chain: tuple[_Tree, ...], section: str, path: str, found: Sections) -> None:
    """Adds what a section and those below it say. ``chain`` is that section and those around it, inmost first."""
    tree = chain[0]
    keys: dict[str, Value] = {}
    for name, value in tree.items():
        if not isinstance(value, dict):
            keys[name.lower()] = _filled(name, value, chain, path)
    if keys or section:
        found[section] = keys
    for name, value in tree.items():
        if isinstance(value, dict):
            if section in NAMED:
                below = f'{section} "{name.lower()}"'
            else:
                below = f"{section}.{name.lower()}" if section else _normal(name)
            _flatten((value, *chain), below, path, found)


def _filled(name: str, value: Value, chain: tuple[_Tree, ...], path: str) -> Value:
    if isinstance(value, tuple):
        return tuple(_with_inserted(word, chain, path, [(name, id(chain[0]))]) for word in value)
    return _with_inserted(value, chain, path, [(name, id(chain[0]))])


def _with_inserted(text: str, chain: tuple[_Tree, ...], path: str, trail: list[tuple[str, int]]) -> str:
    """The text with each ``%(name)s`` replaced by that key of its section, or of the nearest one around it."""

    def look_up(match: re.Match[str]) -> str:
        for i, tree in enumerate(chain):
            default = tree.get("DEFAULT")
            for place in (tree, default if isinstance(default, dict) else {}):
                value = place.get(match[1])
                if isinstance(value, str):
                    step = (match[1], id(tree))
                    if step in trail:
                        raise ConfigError(f"{path}: {match[0]} leads back to itself.", "Write the value out.")
                    return _with_inserted(value, chain[i:], path, [*trail, step])
        raise ConfigError(f"{path}: {match[0]} names no key of the configuration.", "Write the value out.")

    return re.sub(r"%\(([^)]*)\)s", look_up, text) if "%(" in text else text


def _normal(section: str) -> str:
    """A section's name in lower case, spelled as DVC spells those that have a name of their own."""
    section = section.lower()
    kind, quote, rest = section.partition('"')
    rest = rest.rstrip()
    return f'{kind.strip()} "{rest}' if quote and kind.strip() in NAMED and rest.endswith('"') else section


def _rank(section: str) -> int:
    kind = section.partition(" ")[0]
    return 1 + NAMED.index(kind) if section.endswith('"') and kind in NAMED else 0


def _with_section(lines: list[str], statements: list[Statement], section: str, line: str) -> str:
    head = f"[{quoted(section, multiline=False)}]\n"
    place = 0
    tops = [one for one in statements if one.depth == 1]
    for one in tops:
        if _rank(_normal(one.name)) <= _rank(section):
            place = one.first + 1
    after = [one.first for one in tops if one.first >= place]
    if not after:
        return "".join(_ended(lines)) + head + line
    at = after[0]
    while at > place and not (lines[at - 1].strip() and lines[at - 1].lstrip()[0] != "#"):
        at -= 1  # comments above a section are that section's
    lines[at:at] = [head, line]
    return "".join(lines)


def _insert(lines: list[str], at: int, line: str) -> None:
    lines[:at] = _ended(lines[:at])
    lines.insert(at, line)


def _ended(lines: list[str]) -> list[str]:
    return [*lines[:-1], lines[-1] + "\n"] if lines and not lines[-1].endswith("\n") else lines


def _without_empty(lines: list[str], statements: list[Statement], at: int) -> list[str]:
    """The lines after the only key of a section was taken out: without its head, if no comment is left in it."""
    nested = at + 2 < len(statements) and statements[at + 2].depth > 1
    first, key = statements[at].first, statements[at + 1]
    end = statements[at + 2].first - (key.end - key.first) if at + 2 < len(statements) else len(lines)
    if nested or any(line.strip() for line in lines[first + 1 : end]):
        return lines
    return lines[:first] + lines[end:]


def as_text(value: Value) -> str:
    """A value as one text: a list's words with commas between them."""
    return value if isinstance(value, str) else ",".join(value)
