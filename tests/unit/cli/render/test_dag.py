"""Graphs as Mermaid, DOT and lists."""

from __future__ import annotations

from assay.cli.render.dag import dot, drawn, listed, markdown, mermaid

PARTS = [(["b", "a"], [("a", "b")]), (['q"x\\'], [])]


def test_mermaid_numbers_the_nodes_through_all_parts() -> None:
    text = 'flowchart TD\n\tnode1["a"]\n\tnode2["b"]\n\tnode1-->node2\n\tnode3["q#quot;x\\"]\n'
    assert mermaid(PARTS) == text
    assert markdown(PARTS) == f"```mermaid\n{text}```\n"


def test_dot_quotes_every_name() -> None:
    assert dot(PARTS) == 'strict digraph {\n"b";\n"a";\n"q\\"x\\\\";\n"a" -> "b";\n}\n\n'


def test_a_list_says_what_each_node_needs() -> None:
    assert listed(PARTS) == 'b\n  <- a\na\nq"x\\\n'


def test_parts_are_drawn_one_below_the_other() -> None:
    text = drawn([(["a"], []), (["bb"], [])], 80)
    assert text == "+---+\n| a |\n+---+\n+----+\n| bb |\n+----+\n"


def test_a_part_with_too_many_nodes_is_listed() -> None:
    nodes = [f"n{number}" for number in range(41)]
    assert drawn([(nodes, []), (["a"], [])], 80) == listed([(nodes, [])]) + "+---+\n| a |\n+---+\n"
