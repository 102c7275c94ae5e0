"""Only layout.py knows how native and DVC projects differ; everything else asks the layout."""

from __future__ import annotations

import ast

import pytest

from tests.architecture.sources import ROOT, python_files

MAY = {"engine/layout.py", "engine/project.py", "engine/experiments/init.py"}


def kinds_named(source: str) -> list[int]:
    """Lines whose code (not its docstrings) spells a marker folder."""
    tree = ast.parse(source)
    docs = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef))
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    return [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and node.value in (".assay", ".assay/", ".dvc/") and id(node) not in docs
    ]


@pytest.mark.parametrize("path", python_files("engine", "remotes"), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_other_module_asks_which_kind_a_project_is(path):
    if str(path.relative_to(ROOT)) in MAY:
        return
    assert kinds_named(path.read_text()) == []


def test_a_planted_question_is_found():
    assert kinds_named("if marker == '.assay':\n    pass\n") == [1]
