"""Tables as DVC prints them."""

from __future__ import annotations

from assay.cli.render.dvctable import lines


def test_a_column_is_wider_than_its_head():
    assert lines(["Path", "acc"], [["m.json", "0.5"]]) == ["Path    acc", "m.json  0.5"]


def test_a_wide_cell_makes_its_column_wide():
    assert lines(["a", "b"], [["longer", "x"], ["y", ""]]) == ["a       b", "longer  x", "y"]


def test_without_a_head_columns_are_as_wide_as_their_cells():
    assert lines([], [["one", "x"], ["three", "y"]]) == ["one    x", "three  y"]
    assert lines([], []) == []


def test_wide_characters_take_two_columns():
    assert lines([], [["\u8868", "x"], ["abc", "y"]]) == ["\u8868   x", "abc  y"]


def test_markdown_ends_with_an_empty_line():
    assert lines(["Path"], [["m"]], markdown=True) == ["| Path   |", "|--------|", "| m      |", ""]
