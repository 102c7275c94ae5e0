"""Tables of text, aligned and fitted to a screen, and as Markdown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.cli.render import grid
from assay.cli.render.cells import width

HEAD = ["Path", "Key", "Value"]
ROWS = [["a.json", "acc", "0.5"], ["long/name.json", "x", "12"]]


def test_columns_are_aligned():
    assert grid.lines(HEAD, ROWS, right={2}) == [
        "Path            Key  Value",
        "a.json          acc    0.5",
        "long/name.json  x       12",
    ]


def test_a_table_without_titles_has_no_line_for_them():
    assert grid.lines(["", "", ""], ROWS)[0].startswith("a.json")


def test_wide_cells_are_shortened_to_fit_the_screen():
    lines = grid.lines(HEAD, ROWS, screen=22)
    assert lines[2] == "long/name…  x    12"


def test_wide_characters_count_twice():
    assert grid.lines(["N", "V"], [["日本", "1"], ["a", "2"]]) == ["N     V", "日本  1", "a     2"]


@given(st.lists(st.lists(st.text("ab日 ", max_size=30), min_size=3, max_size=3), max_size=5), st.integers(30, 80))
def test_no_line_is_wider_than_the_screen(rows, screen):
    assert all(width(line) <= screen for line in grid.lines(HEAD, rows, screen=screen))


def test_markdown_escapes_what_would_end_a_cell():
    assert grid.markdown(["A"], [["x|y\\"]])[2] == "| x\\|y\\\\ |"


@pytest.mark.parametrize("screen", [None, 1, 40])
def test_no_rows_are_no_problem(screen):
    assert len(grid.lines(HEAD, [], screen=screen)) == 1
