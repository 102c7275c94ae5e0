"""A graph drawn with characters: boxes in layers, what is needed above what needs it, lines between them.

The layer of a box is the longest way to it. Boxes of a layer are ordered and moved towards those they are joined to.
Between two layers each box above has one line that branches: down, along a row of its own, down to each box below,
where it arrives in a column of its own. So no two lines ever share a place; ``+`` is a bend or branch of one line, and
where ``|`` cuts a row of ``-`` two lines cross. A line to a layer further down passes the boxes between as ``|``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from assay.cli.render.cells import width

Edge = tuple[str, str]

_GAP = 2
_SWEEPS = 8
_FAR = 10_000
_BESIDE = 3
"""Columns between two lines that bend in the same row, so that nobody takes them for one."""


class _Item(NamedTuple):
    """What stands in a layer: a box, or the line of one that passes."""

    node: str
    layer: int
    passes: bool


class _Line(NamedTuple):
    """A box's line between two layers: where it starts, and where it arrives at what."""

    start: int
    ends: Mapping[_Item, int]

    @property
    def span(self) -> tuple[int, int]:
        """The columns that it reaches from and to."""
        return min(self.start, *self.ends.values()), max(self.start, *self.ends.values())

    @property
    def is_straight(self) -> bool:
        """Whether it goes down and nowhere else."""
        return set(self.ends.values()) == {self.start}

    @property
    def goes_left(self) -> bool:
        """Whether it arrives left of its start, on the whole."""
        return sum(self.ends.values()) < self.start * len(self.ends)


def draw(nodes: Sequence[str], edges: Iterable[Edge], columns: int) -> list[str] | None:
    """The lines of a drawing; None when it is wider than so many columns, or two lines would share a place.

    Args:
        nodes: The nodes of a connected graph without circles.
        edges: Its arrows, from what is drawn above.
        columns: How wide it may be.
    """
    rows, joins = _layered(nodes, list(edges))
    _order(rows, joins)
    lefts = _placed(rows, joins)
    if max(lefts[row[-1]] + _width(row[-1], joins) for row in rows) > columns:
        return None
    canvas = _Canvas()
    top = 0
    for number, row in enumerate(rows):
        for item in row:
            _draw_item(canvas, item, lefts[item], _width(item, joins), top)
        if number + 1 == len(rows):
            break
        lines = _lines(row, joins, lefts)
        tracks = _tracks(lines)
        if tracks is None:
            return None
        depth = max(tracks.values(), default=-1) + 1
        height = depth + 2 if depth else 1
        for item, line in lines.items():
            _draw_line(canvas, line, top + 3, tracks.get(item, 0) + 1, height)
        top += 3 + height
    return canvas.lines()


# --- layers ------------------------------------------------------------------------------------------------------


class _Joins:
    """What is joined to what in the next layer, both ways."""

    def __init__(self) -> None:
        self.below: dict[_Item, list[_Item]] = {}
        self.above: dict[_Item, list[_Item]] = {}

    def add(self, start: _Item, end: _Item) -> None:
        if end not in self.below.setdefault(start, []):
            self.below[start].append(end)
            self.above.setdefault(end, []).append(start)


def _layered(nodes: Sequence[str], edges: Sequence[Edge]) -> tuple[list[list[_Item]], _Joins]:
    """The layers, and what is joined; the line of a node that goes further down is an item of each layer it passes."""
    layer = _layers(nodes, edges)
    rows: list[list[_Item]] = [[] for _ in range(max(layer.values()) + 1)]
    boxes = {node: _Item(node, layer[node], False) for node in nodes}
    for node in nodes:
        rows[layer[node]].append(boxes[node])
    joins = _Joins()
    for start, end in edges:
        last = boxes[start]
        for number in range(layer[start] + 1, layer[end]):
            passing = _Item(start, number, True)
            if passing not in rows[number]:
                rows[number].append(passing)
            joins.add(last, passing)
            last = passing
        joins.add(last, boxes[end])
    return rows, joins


def _layers(nodes: Sequence[str], edges: Sequence[Edge]) -> dict[str, int]:
    """The length of the longest way to each node."""
    needs: dict[str, int] = dict.fromkeys(nodes, 0)
    below: dict[str, list[str]] = {node: [] for node in nodes}
    for start, end in edges:
        needs[end] += 1
        below[start].append(end)
    layer = dict.fromkeys(nodes, 0)
    ready = [node for node in nodes if not needs[node]]
    for node in ready:
        for end in below[node]:
            layer[end] = max(layer[end], layer[node] + 1)
            needs[end] -= 1
            if not needs[end]:
                ready.append(end)
    return layer


def _order(rows: list[list[_Item]], joins: _Joins) -> None:
    """Orders each layer by the middle of what its items are joined to, the fewest crossings found being kept."""
    best, fewest = [list(row) for row in rows], _crossings(rows, joins)
    for sweep in range(_SWEEPS):
        down = sweep % 2 == 0
        for number in range(1, len(rows)) if down else range(len(rows) - 2, -1, -1):
            other = {item: at for at, item in enumerate(rows[number - 1 if down else number + 1])}
            near = joins.above if down else joins.below
            own = {item: at for at, item in enumerate(rows[number])}
            middle = {item: _mean([other[one] for one in near.get(item, ())], own[item]) for item in rows[number]}
            rows[number].sort(key=middle.__getitem__)
        crossings = _crossings(rows, joins)
        if crossings < fewest:
            best, fewest = [list(row) for row in rows], crossings
    rows[:] = best


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _crossings(rows: Sequence[Sequence[_Item]], joins: _Joins) -> int:
    count = 0
    for upper, lower in pairwise(rows):
        place = {item: at for at, item in enumerate(lower)}
        ends = [sorted(place[end] for end in joins.below.get(item, ())) for item in upper]
        flat = [end for group in ends for end in group]
        count += sum(one > other for at, one in enumerate(flat) for other in flat[at + 1 :])
    return count


# --- columns -----------------------------------------------------------------------------------------------------


def _width(item: _Item, joins: _Joins) -> int:
    """The columns of an item; a box has room for each line that arrives."""
    return 1 if item.passes else max(width(item.node) + 4, 2 * len(joins.above.get(item, ())) + 3)


def _placed(rows: Sequence[Sequence[_Item]], joins: _Joins) -> dict[_Item, int]:
    """The first column of each item: near the middle of what it is joined to."""
    lefts: dict[_Item, int] = {}
    for row in rows:
        at = 0
        for item in row:
            lefts[item] = at
            at += _width(item, joins) + _GAP

    def middle(item: _Item) -> float:
        return lefts[item] + (_width(item, joins) - 1) / 2

    for sweep in range(_SWEEPS):
        down = sweep % 2 == 0
        near = joins.above if down else joins.below
        for row in rows if down else rows[::-1]:
            wanted = []
            for item in row:
                centre = _mean([middle(one) for one in near.get(item, ())], middle(item))
                wanted.append(round(centre - (_width(item, joins) - 1) / 2))
            lefts.update(zip(row, _apart(wanted, [_width(item, joins) for item in row]), strict=True))
    first = min(lefts.values())
    return {item: at - first for item, at in lefts.items()}


def _apart(wanted: Sequence[int], widths: Sequence[int]) -> list[int]:
    """Places near those that are wanted, without overlaps: half-way between moving all right and moving all left."""
    right = list(wanted)
    for at in range(1, len(right)):
        right[at] = max(right[at], right[at - 1] + widths[at - 1] + _GAP)
    left = list(wanted)
    for at in range(len(left) - 2, -1, -1):
        left[at] = min(left[at], left[at + 1] - widths[at] - _GAP)
    return [(one + other) // 2 for one, other in zip(right, left, strict=True)]


# --- lines -------------------------------------------------------------------------------------------------------


def _lines(row: Sequence[_Item], joins: _Joins, lefts: Mapping[_Item, int]) -> dict[_Item, _Line]:
    """The line of each item of a layer to those in the next one."""
    starts = {item: lefts[item] + (_width(item, joins) - 1) // 2 for item in row if joins.below.get(item)}
    ends: dict[_Item, dict[_Item, int]] = {item: {} for item in starts}
    for target in dict.fromkeys(end for item in starts for end in joins.below[item]):
        sources = sorted(joins.above[target], key=starts.__getitem__)
        chosen = _arrivals(target, [starts[source] for source in sources], set(starts.values()), joins, lefts)
        for source, column in zip(sources, chosen, strict=True):
            ends[source][target] = column
    return {item: _Line(start, ends[item]) for item, start in starts.items()}


def _arrivals(
    target: _Item, starts: Sequence[int], taken: set[int], joins: _Joins, lefts: Mapping[_Item, int]
) -> list[int]:
    """The columns in which lines arrive at an item: in their order, apart, straight if they can, under no other start.

    The cheapest choice column by column: for every number of lines that have arrived the best that ends there.
    """
    left, columns = lefts[target], _width(target, joins)
    room = [left] if target.passes else list(range(left + 1, left + columns - 1))
    centre = left + (columns - 1) // 2

    def cost(number: int, column: int) -> int:
        start = starts[number]
        wanted = start if start in room else centre + 2 * number - (len(starts) - 1)
        near = sum(1 for other in (column - 1, column + 1) if other in taken and other != start)
        return abs(column - wanted) + 50 * near + (_FAR if column in taken and column != start else 0)

    best: list[dict[int, tuple[int, list[int]]]] = [{column: (cost(0, column), [column]) for column in room}]
    for number in range(1, len(starts)):
        layer: dict[int, tuple[int, list[int]]] = {}
        for column in room:
            before = [found for last, found in best[-1].items() if last <= column - 2]
            if before:
                price, chosen = min(before)
                layer[column] = (price + cost(number, column), [*chosen, column])
        best.append(layer)
    return min(best[-1].values())[1]


def _tracks(lines: Mapping[_Item, _Line]) -> dict[_Item, int] | None:
    """The row of each line that bends, counted from 0; None when two would share a place whatever their rows.

    Where one starts in a column in which another arrives, it has to bend above the other, with a row between the two.
    """
    # Of lines that go to the right the rightmost bends first, of those that go left the leftmost: so they do not cross.
    bent = dict(sorted(((item, line) for item, line in lines.items() if not line.is_straight), key=_bends_after))
    above: dict[_Item, set[_Item]] = {item: set() for item in bent}
    for item, line in lines.items():
        for other, arriving in lines.items():
            if other is not item and line.start in arriving.ends.values():
                if item not in bent or other not in bent:
                    return None
                above[other].add(item)
    tracks: dict[_Item, int] = {}
    while len(tracks) < len(bent):
        ready = [item for item in bent if item not in tracks and above[item] <= tracks.keys()]
        if not ready:
            return None
        for item in ready:
            first, last = bent[item].span
            beside = [
                other
                for other in tracks
                if bent[other].span[0] <= last + _BESIDE and bent[other].span[1] >= first - _BESIDE
            ]
            used = {tracks[other] for other in beside}
            same_way = {other for other in beside if bent[other].goes_left == bent[item].goes_left}
            free = [tracks[other] + 2 for other in above[item]] + [tracks[other] + 1 for other in same_way]
            lowest = max(free, default=0)
            tracks[item] = next(row for row in range(lowest, len(bent) + lowest + 1) if row not in used)
    return tracks


def _bends_after(pair: tuple[_Item, _Line]) -> tuple[bool, int]:
    line = pair[1]
    return line.goes_left, line.start if line.goes_left else -line.start


# --- characters --------------------------------------------------------------------------------------------------


class _Canvas:
    """Characters by row and column."""

    def __init__(self) -> None:
        self._cells: dict[int, dict[int, str]] = {}

    def put(self, row: int, column: int, text: str) -> None:
        """Writes text into a row."""
        cells = self._cells.setdefault(row, {})
        for character in text:
            columns = width(character)
            if not columns:
                cells[column - 1] = cells.get(column - 1, "") + character
                continue
            cells[column] = character
            for covered in range(column + 1, column + columns):
                cells[covered] = ""
            column += columns

    def down(self, first: int, last: int, column: int) -> None:
        """Draws a column, the last row left out."""
        for row in range(first, last):
            self.put(row, column, "|")

    def along(self, row: int, first: int, last: int) -> None:
        """Draws a row, the last column included, below the lines that cross it."""
        for column in range(first, last + 1):
            if self._cells.get(row, {}).get(column) != "|":
                self.put(row, column, "-")

    def lines(self) -> list[str]:
        """The rows as text."""
        found = []
        for row in range(max(self._cells) + 1):
            cells = self._cells.get(row, {})
            found.append("".join(cells.get(column, " ") for column in range(max(cells, default=-1) + 1)).rstrip())
        return found


def _draw_item(canvas: _Canvas, item: _Item, left: int, columns: int, top: int) -> None:
    if item.passes:
        canvas.down(top, top + 3, left)
        return
    border = f"+{'-' * (columns - 2)}+"
    spare = columns - 2 - width(item.node)
    canvas.put(top, left, border)
    canvas.put(top + 1, left, f"|{' ' * (spare // 2)}{item.node}{' ' * (spare - spare // 2)}|")
    canvas.put(top + 2, left, border)


def _draw_line(canvas: _Canvas, line: _Line, top: int, track: int, height: int) -> None:
    if line.is_straight:
        canvas.down(top, top + height, line.start)
        return
    canvas.down(top, top + track, line.start)
    for column in line.ends.values():
        canvas.down(top + track + 1, top + height, column)
    canvas.along(top + track, *line.span)
    for column in (line.start, *line.ends.values()):
        canvas.put(top + track, column, "+")
