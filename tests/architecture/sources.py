"""The project's own source files, parsed, and the names that their calls spell out."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def python_files(*folders: str) -> list[Path]:
    """Every source file below these folders of the project, except the demo's own project."""
    paths = (path for folder in folders for path in sorted((ROOT / folder).rglob("*.py")))
    return [path for path in paths if "demo_project" not in path.parts]


def dotted(node: ast.AST) -> str:
    """What a name or attribute says: ``os.path.join``; empty for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        above = dotted(node.value)
        return f"{above}.{node.attr}" if above else f"?.{node.attr}"
    return ""


@functools.cache
def nodes(source: str) -> tuple[ast.AST, ...]:
    """All nodes of a source, the module first; each source is parsed once, however many tests look at it."""
    return tuple(ast.walk(ast.parse(source)))


@functools.cache
def spelled(source: str) -> tuple[tuple[int, str, ast.Call | None], ...]:
    """Every dotted name in a source with its line, and the call it is the function of."""
    return tuple(_spelled(source))


def _spelled(source: str) -> Iterator[tuple[int, str, ast.Call | None]]:
    called = {id(node.func): node for node in nodes(source) if isinstance(node, ast.Call)}
    for node in nodes(source):
        if isinstance(node, (ast.Name, ast.Attribute)):
            name = dotted(node)
            if name:
                yield node.lineno, name, called.get(id(node))
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                yield node.lineno, f"{node.module}.{alias.name}", None
        elif isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name, None
