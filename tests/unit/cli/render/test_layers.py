"""Graphs drawn with characters."""

from __future__ import annotations

import pytest

from assay.cli.render.layers import Edge, draw

CHAIN = """\
    +------+
    | prep |
    +------+
       |
    +-------+
    | train |
    +-------+
        |
+----------------+
| evaluate-model |
+----------------+
"""
DIAMOND = """\
  +------+
  | prep |
  +------+
     |
  +--+---+
  |      |
+---+  +---+
| a |  | b |
+---+  +---+
  |      |
  +--+   |
     | +-+
     | |
   +-----+
   | end |
   +-----+
"""
FAN = """\
              +---+
              | a |
              +---+
                |
  +------+------+------+------+
  |      |      |      |      |
+---+  +---+  +---+  +---+  +---+
| b |  | c |  | d |  | e |  | f |
+---+  +---+  +---+  +---+  +---+
"""
PASSING = """\
  +---+
  | a |
  +---+
    |
  +-+--+
  |    |
+---+  |
| b |  |
+---+  |
  |    |
  +-+  |
    |  |
  +-----+
  |  c  |
  +-----+
"""


def drawn(*edges: Edge, columns: int = 100) -> str:
    nodes = list(dict.fromkeys(node for edge in edges for node in edge))
    lines = draw(nodes, edges, columns)
    assert lines is not None
    return "".join(f"{line}\n" for line in lines)


def test_a_chain() -> None:
    assert drawn(("prep", "train"), ("train", "evaluate-model")) == CHAIN


def test_a_diamond() -> None:
    assert drawn(("prep", "a"), ("prep", "b"), ("a", "end"), ("b", "end")) == DIAMOND


def test_a_fan() -> None:
    assert drawn(*(("a", node) for node in "bcdef")) == FAN


def test_a_line_passes_the_boxes_between() -> None:
    assert drawn(("a", "b"), ("b", "c"), ("a", "c")) == PASSING


def test_many_lines_into_one_box_do_not_cross() -> None:
    assert "-|" not in drawn(*((f"train@{number}", "summary") for number in range(6)))


def test_a_single_box() -> None:
    assert draw(["a"], [], 5) == ["+---+", "| a |", "+---+"]


def test_lines_that_cross_are_told_from_lines_that_branch() -> None:
    text = drawn(("a", "x"), ("a", "y"), ("b", "x"), ("b", "y"))
    assert any("-|-" in line for line in text.splitlines())


def test_a_box_has_the_width_of_its_name_on_the_screen() -> None:
    assert draw(["數據"], [], 20) == ["+------+", "| 數據 |", "+------+"]


@pytest.mark.parametrize("columns", [4, 11])
def test_what_is_wider_than_the_screen_is_not_drawn(columns: int) -> None:
    assert draw(["a", "b", "c"], [("a", "b"), ("a", "c")], columns) is None
