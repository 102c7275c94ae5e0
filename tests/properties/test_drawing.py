"""Whoever follows the lines of a drawing finds every node once and exactly the arrows that were to be drawn."""

from __future__ import annotations

from hypothesis import event, example, given, settings
from hypothesis import strategies as st

from assay.cli.render.dag import drawn, listed
from assay.cli.render.layers import draw

Edge = tuple[str, str]


@st.composite
def graphs(draw: st.DrawFn) -> tuple[list[str], list[Edge]]:
    """A connected graph without circles; edges lead from earlier nodes to later ones."""
    count = draw(st.integers(1, 12))
    letters = "abcdefghijklmnop"
    nodes = [letters[at] * draw(st.integers(1, 9)) for at in range(count)]
    edges = {(nodes[draw(st.integers(0, at - 1))], nodes[at]) for at in range(1, count)}
    for _ in range(draw(st.integers(0, 8))):
        first, second = draw(st.integers(0, count - 1)), draw(st.integers(0, count - 1))
        if first != second:
            edges.add((nodes[min(first, second)], nodes[max(first, second)]))
    return draw(st.permutations(nodes)), sorted(edges)


def followed(lines: list[str], nodes: list[str]) -> tuple[list[str], set[Edge]]:
    """The boxes of a drawing, and which lines lead from one down to another."""
    width = max(map(len, lines))
    cells = [line.ljust(width) for line in lines] + [" " * width]
    boxes: dict[tuple[int, int], str] = {}
    bottoms: dict[str, tuple[int, int, int]] = {}
    found = []
    for row, line in enumerate(cells):
        for node in nodes:
            at = line.find(f" {node} ")
            if at < 0:
                continue
            left, right = line.rindex("|", 0, at + 1), line.index("|", at + len(node))
            found.append(node)
            boxes.update({(row - 1, column): node for column in range(left, right + 1)})
            bottoms[node] = (row + 2, left, right)
    edges = set()
    for node, (row, left, right) in bottoms.items():
        for column in range(left, right + 1):
            if cells[row][column] == "|":
                edges |= {(node, end) for end in ends(cells, boxes, row, column)}
    return found, edges


def ends(cells: list[str], boxes: dict[tuple[int, int], str], row: int, column: int) -> set[str]:
    """The boxes that a line leads to which goes down from here."""
    if (row, column) in boxes:
        return {boxes[row, column]}
    if cells[row][column] == "|":
        return ends(cells, boxes, row + 1, column)
    assert cells[row][column] == "+", "a line ends nowhere"
    reached: set[str] = set()
    for step in (-1, 1):
        at = column
        while True:
            if cells[row][at] == "+" and cells[row + 1][at] in "|+" and (at != column or step > 0):
                reached |= ends(cells, boxes, row + 1, at)
            following = at + step
            # A row goes on through the lines that it crosses, as long as it goes on behind them.
            while cells[row][following : following + 1] == "|":
                following += step
            if cells[row][following : following + 1] not in ("-", "+"):
                break
            at = following
    return reached


BENDS_ABOVE_AN_ARRIVAL = (
    ["c", "b", "a", "d", "e", "fffff", "g"],
    [("a", "b"), ("a", "c"), ("a", "e"), ("a", "fffff"), ("b", "d"), ("c", "g"), ("d", "g"), ("fffff", "g")],
)


@settings(max_examples=200, deadline=None)
@given(graphs())
@example(BENDS_ABOVE_AN_ARRIVAL)
def test_a_drawing_shows_every_node_once_and_every_arrow(graph: tuple[list[str], list[Edge]]) -> None:
    nodes, edges = graph
    lines = draw(nodes, edges, 300)
    if lines is None:
        event("not drawn")
        assert drawn([graph], 300) == listed([graph])
        return
    event("drawn")
    found, followed_edges = followed(lines, nodes)
    assert sorted(found) == sorted(nodes)
    assert followed_edges == set(edges)


@settings(max_examples=50, deadline=None)
@given(graphs(), st.integers(1, 60))
def test_what_does_not_fit_is_listed_in_full(graph: tuple[list[str], list[Edge]], columns: int) -> None:
    text = drawn([graph], columns)
    if text == listed([graph]):
        lines = text.splitlines()
        assert [line for line in lines if not line.startswith(" ")] == graph[0]
        assert sum(line.startswith("  <- ") for line in lines) == len(graph[1])
    else:
        assert max(map(len, text.splitlines())) <= columns
