"""`diff` for people and as JSON: the two sides, then every section in which they differ."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from assay.cli.render import grid
from assay.cli.render.cells import moment, printable, shortened
from assay.cli.render.changes import Cells, change_cells, members
from assay.cli.render.progress import size
from assay.engine.experiments.changed_code import CodeChange
from assay.engine.experiments.changed_data import DataChange
from assay.engine.experiments.diff import About, Difference
from assay.engine.experiments.index import iso_time
from assay.engine.experiments.locked import Described
from assay.engine.words import counted

_GLANCE = 20
"""Rows of a section that are shown where the whole is to fit on a screen."""

_MESSAGE = 60  # columns
_LETTERS = {"added": "A", "deleted": "D", "modified": "M"}
_BOLD, _GREEN, _RED, _CYAN, _PLAIN = "\x1b[1m", "\x1b[32m", "\x1b[31m", "\x1b[36m", "\x1b[0m"
_PATCH_COLOURS = (("+++", _BOLD), ("---", _BOLD), ("diff ", _BOLD), ("+", _GREEN), ("-", _RED), ("@@", _CYAN))


class Style(NamedTuple):
    """How a difference is written.

    Attributes:
        now: Seconds since 1970; times of today are shown as hours.
        precision: Significant digits of fractions.
        path: Whether parameters and metrics have a column for their file.
        markdown: Markdown instead of text.
        whole: Every row, however many.
        screen: Columns of the screen; None for any width.
        colour: Whether escape sequences may be used.
    """

    now: int
    precision: int | None = 5
    path: bool = True
    markdown: bool = False
    whole: bool = False
    screen: int | None = None
    colour: bool = False


def lines(difference: Difference, style: Style, *, patch: bool = False) -> Iterator[str]:
    """The difference line by line.

    Args:
        difference: What `diff` found.
        style: How.
        patch: Whether the changes of code files follow, instead of their names.
    """
    yield from _sides(difference, style)
    names = (difference.old.name, difference.new.name)
    for title, changes in (("Metric", difference.metrics), ("Param", difference.params)):
        cells = change_cells(changes, title, names, precision=style.precision, path=style.path)
        yield from _section(f"{title}s", cells, style)
    yield from _section("Data", _data_cells(difference.data), style)
    packages = difference.packages
    if not patch:
        yield from _section("Code", _code_cells(difference.code), style)
    rows = [[printable(name), old or "-", new or "-"] for name, old, new in packages.changes]
    yield from _section("Packages", Cells(["Package", *map(printable, names)], rows, frozenset()), style)
    if packages.unknown:
        who = " and ".join(map(printable, packages.unknown))
        yield from ("", f"Packages are not compared: no list of {who} is on this machine.")
    if difference.is_empty:
        yield from ("", "Nothing differs." if not packages.unknown else "Nothing else differs.")
    if patch and difference.code:
        yield from ("", *(["```diff"] if style.markdown else []))
        yield from patch_lines(difference.patch(), colour=style.colour, safe=style.screen is not None)
        yield from ["```"] if style.markdown else []


def patch_lines(found: Iterable[str], *, colour: bool, safe: bool) -> Iterator[str]:
    """A patch for a screen or a file.

    Args:
        found: Its lines with their ends.
        colour: Whether escape sequences may be used.
        safe: Whether control characters of the files are spelled out, so that they cannot steer a terminal.
    """
    for text in found:
        for line in text.removesuffix("\n").split("\n"):
            shown = "\t".join(map(printable, line.split("\t"))) if safe else line
            ink = next((ink for start, ink in _PATCH_COLOURS if line.startswith(start)), "") if colour else ""
            yield f"{ink}{shown}{_PLAIN}" if ink else shown


def _sides(difference: Difference, style: Style) -> Iterator[str]:
    rows = [_about(side, style) for side in (difference.old, difference.new)]
    if style.markdown:
        yield from grid.markdown(["", "Name", "Commit", "Created", "Author", "Message"], _marked(rows))
    else:
        yield from grid.lines([""] * 6, _marked(rows), screen=style.screen)


def _marked(rows: Sequence[Sequence[str]]) -> list[list[str]]:
    return [[sign, *row] for sign, row in zip(("A", "B"), rows, strict=True)]


def _about(side: About, style: Style) -> list[str]:
    commit = side.commit.hex()[:7] if side.commit else "-"
    author = printable(side.author.partition(" <")[0]) or "-"
    message = shortened(printable(side.message.partition("\n")[0]), _MESSAGE) or "-"
    return [printable(side.name), commit, moment(side.time, style.now), author, message]


def _section(title: str, cells: Cells, style: Style) -> Iterator[str]:
    if not cells.rows:
        return
    rows = cells.rows if style.whole or style.markdown else cells.rows[:_GLANCE]
    yield ""
    if style.markdown:
        yield from (f"### {title}", "", *grid.markdown(cells.head, rows))
        return
    table = grid.lines(cells.head, rows, right=cells.right, screen=style.screen)
    yield f"{_BOLD}{title}{_PLAIN}" if style.colour else title
    yield from table
    more = len(cells.rows) - len(rows)
    if more:
        yield f"and {more:,} more: `--only {title.lower()}` shows all."


def _data_cells(changes: Sequence[DataChange]) -> Cells:
    rows = [
        [_LETTERS[change.status], printable(change.path), _amount(change.old), _amount(change.new)]
        for change in changes
    ]
    return Cells(["", "Path", "Old", "New"], rows, frozenset({2, 3}))


def _amount(about: Described | None) -> str:
    if about is None:
        return "-"
    length, files = about["size"], about.get("nfiles")
    return ("?" if length is None else size(length)) + ("" if files is None else f", {counted(files, 'file')}")


def _code_cells(changes: Sequence[CodeChange]) -> Cells:
    return Cells(["", "File"], [[change.letter, printable(change.path)] for change in changes], frozenset())


def as_json(difference: Difference) -> dict[str, Any]:
    """The difference as docs/formats.md says, "JSON of diff"."""
    packages = difference.packages
    old, new = difference.old, difference.new
    return {
        "schema": 1,
        "old": _side_member(old),
        "new": _side_member(new),
        "metrics": members(difference.metrics),
        "params": members(difference.params),
        "data": {
            change.path: {"status": change.status, "old": change.old, "new": change.new} for change in difference.data
        },
        "code": {
            change.path: {"status": change.letter, "old": _blob(change.old), "new": _blob(change.new)}
            for change in difference.code
        },
        "packages": {
            "changes": {name: {"old": one, "new": other} for name, one, other in packages.changes},
            "unknown": [side for side, about in (("old", old), ("new", new)) if about.name in packages.unknown],
        },
        "errors": {side: dict(difference.errors.get(about.name, {})) for side, about in (("old", old), ("new", new))},
    }


def _side_member(side: About) -> dict[str, Any]:
    return {
        "name": side.name,
        "commit": side.commit.hex() if side.commit else None,
        "created": iso_time(side.time) if side.time else None,
        "author": side.author or None,
        "message": side.message or None,
    }


def _blob(item: tuple[int, bytes] | None) -> dict[str, str] | None:
    return None if item is None else {"mode": f"{item[0]:06o}", "blob": item[1].hex()}
