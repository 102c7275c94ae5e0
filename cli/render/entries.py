"""Files and folders elsewhere as DVC lists them: one a line, with sizes and digests, or as a tree."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from assay.cli.render.cells import printable
from assay.remotes.imports.listing import Node

_BASE = 1024
_USUAL = "di=01;34:ex=01;32"
Colours = Mapping[str, str]


class Look(NamedTuple):
    """What is shown of an entry.

    Attributes:
        sizes: Whether sizes are.
        digests: Whether digests are.
        colours: From `colours`; empty for none.
    """

    sizes: bool = False
    digests: bool = False
    colours: Colours = MappingProxyType({})


def colours(said: str) -> Colours:
    """The colours by kind ("di", "ex") and ending ("*.csv"), from what LS_COLORS says."""
    return dict(item.split("=", 1) for item in (said or _USUAL).split(":") if "=" in item)


def listed(entries: Iterable[tuple[str, Node]], look: Look) -> list[str]:
    """The lines of a list."""
    return _table([_cells(_painted(path, node, look), node, look) for path, node in entries], look)


def drawn(name: str, top: Node, look: Look, level: int | None) -> list[str]:
    """The lines of a tree.

    Args:
        name: What its top is called.
        top: What it is.
        look: See `Look`.
        level: How deep; None for all.
    """
    lines = [_cells(_painted(name, top, look), top, look)]
    lines += [
        _cells(branch + _painted(part, node, look), node, look) for branch, part, node in _branches(top, "", level)
    ]
    return _table(lines, look)


def _branches(folder: Node, above: str, level: int | None) -> Iterator[tuple[str, str, Node]]:
    if level is not None and level < 1:
        return
    inside = sorted((folder.children or {}).items())
    for number, (name, node) in enumerate(inside, 1):
        is_last = number == len(inside)
        yield above + ("└── " if is_last else "├── "), name, node
        yield from _branches(node, above + ("    " if is_last else "│   "), None if level is None else level - 1)


def _cells(name: str, node: Node, look: Look) -> list[str]:
    return [*([_size(node)] if look.sizes else []), *([node.digest or "-"] if look.digests else []), name]


def _table(rows: list[list[str]], look: Look) -> list[str]:
    """Lines of cells in columns; the names come last and need no filling."""
    widths = [max(map(len, column)) for column in list(zip(*rows, strict=True))[:-1]]
    lines = []
    for *cells, name in rows:
        places = [cell.ljust(width) for cell, width in zip(cells, widths, strict=True)]
        if look.sizes:
            places[0] = cells[0].rjust(widths[0])
        lines.append("  ".join([*places, name]))
    return lines


def _size(node: Node) -> str:
    if node.size is None or (node.size <= 0 and node.is_folder):
        return ""
    return humane(node.size)


def humane(size: int) -> str:
    """A number of bytes in three or four digits, as DVC writes it."""
    if size < _BASE:
        return str(size)
    value = float(size)
    for unit in ("", "k", "M", "G", "T", "P", "E", "Z"):
        if abs(value) < 999.5:
            if abs(value) < 99.95:
                return f"{value:1.2f}{unit}" if abs(value) < 9.995 else f"{value:2.1f}{unit}"
            return f"{value:3.0f}{unit}"
        value /= _BASE
    return f"{value:3.1f}Y"


def _painted(text: str, node: Node, look: Look) -> str:
    text = printable(text)
    kind = "out" if node.is_out and "out" in look.colours else "di" if node.is_folder else "ex" if node.is_exec else ""
    colour = look.colours.get(kind or f"*{_ending(text)}", "")
    return f"\033[{colour}m{text}\033[{look.colours.get('rs', '0')}m" if colour else text


def _ending(name: str) -> str:
    base = name.rpartition("/")[2]
    return "." + base.rpartition(".")[2] if "." in base else ""
