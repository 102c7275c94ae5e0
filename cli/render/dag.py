"""A graph as Mermaid, as DOT (both as DVC writes them), drawn with characters, or as a list."""

from __future__ import annotations

from collections.abc import Sequence

from assay.cli.render import layers

_MOST = 40
"""Nodes of a part that is drawn; a drawing of more is harder to read than a list."""

Edge = tuple[str, str]
Part = tuple[Sequence[str], Sequence[Edge]]
"""The nodes of a connected part, and its arrows from what is needed to what needs it."""


def mermaid(parts: Sequence[Part]) -> str:
    """A Mermaid flowchart."""
    lines, count = ["flowchart TD"], 0
    for nodes, edges in parts:
        names = {node: f"node{number}" for number, node in enumerate(sorted(nodes), count + 1)}
        count += len(names)
        lines += [f'\t{names[node]}["{_mermaid_text(node)}"]' for node in names]
        lines += [f"\t{names[start]}-->{names[end]}" for start, end in sorted(edges)]
    return "\n".join(lines) + "\n"


def _mermaid_text(node: str) -> str:
    return node.replace('"', "#quot;")


def markdown(parts: Sequence[Part]) -> str:
    """A Mermaid flowchart for a Markdown file."""
    return f"```mermaid\n{mermaid(parts)}```\n"


def dot(parts: Sequence[Part]) -> str:
    """A graph in the language of Graphviz."""
    lines = [f"{_quoted(node)};" for nodes, _ in parts for node in nodes]
    lines += [f"{_quoted(start)} -> {_quoted(end)};" for _, edges in parts for start, end in edges]
    return "\n".join(["strict digraph {", *lines, "}", "", ""])  # DVC's ends with an empty line, too


def _quoted(node: str) -> str:
    escaped = node.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def listed(parts: Sequence[Part]) -> str:
    """Every node on a line, followed by what it needs, indented: for graphs too large to be drawn."""
    lines = []
    for nodes, edges in parts:
        needs: dict[str, list[str]] = {node: [] for node in nodes}
        for start, end in edges:
            needs[end].append(start)
        for node in nodes:
            lines += [node, *(f"  <- {start}" for start in needs[node])]
    return "\n".join(lines) + "\n" if lines else ""


def drawn(parts: Sequence[Part], columns: int) -> str:
    """The graph as text: parts that are small and narrow enough as boxes and lines, the others as lists.

    Args:
        parts: The parts.
        columns: How wide a drawing may be.
    """
    found = []
    for nodes, edges in parts:
        lines = layers.draw(nodes, edges, columns) if len(nodes) <= _MOST else None
        found.append(listed([(nodes, edges)]) if lines is None else "".join(f"{line}\n" for line in lines))
    return "".join(found)
