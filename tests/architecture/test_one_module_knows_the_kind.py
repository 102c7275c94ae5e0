"""Only layout.py knows how native and DVC projects differ; everything else asks the layout."""

from __future__ import annotations

import ast

import pytest

from tests.architecture.sources import ROOT, nodes, python_files

MAY = {"engine/layout.py", "engine/project.py", "remotes/layouts.py"}
"""The layouts themselves, who chooses one of them, and who gives remotes the form that a layout names."""

NAMES = ("marker", "words", "remote_layout", "config", "foreign", "outer", "own_words", "without_git", "kind")
"""Fields of a layout that tell which one it is; comparing one with a constant asks that question in disguise."""


def kinds_named(source: str) -> list[int]:
    """Lines whose code (not its docstrings) spells a marker folder, or asks a layout which one it is."""
    docs = {
        id(node.body[0].value)
        for node in nodes(source)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef))
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    return [
        node.lineno
        for node in nodes(source)
        if (isinstance(node, ast.Constant) and is_marker(node.value) and id(node) not in docs)
        or (isinstance(node, ast.Compare) and asks(node))
    ]


def is_marker(value: object) -> bool:
    return isinstance(value, str) and (value in (".assay", ".dvc/") or value.startswith((".assay/", ".dvc/c")))


def asks(node: ast.Compare) -> bool:
    """Whether one side is a telling field of a layout, and another a constant."""
    sides = [node.left, *node.comparators]
    fields = [
        side
        for side in sides
        if isinstance(side, ast.Attribute)
        and side.attr in NAMES
        and ast.unparse(side.value).rpartition(".")[2] in ("layout", "target", "source")
    ]
    others = [
        side for side in sides if isinstance(side, ast.Constant) or (isinstance(side, ast.Name) and side.id.isupper())
    ]
    return bool(fields and others)


@pytest.mark.parametrize("path", python_files("engine", "remotes"), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_other_module_asks_which_kind_a_project_is(path):
    if str(path.relative_to(ROOT)) in MAY:
        return
    assert kinds_named(path.read_text()) == []


def test_a_planted_question_is_found():
    assert kinds_named("if marker == '.assay':\n    pass\n") == [1]
    assert kinds_named("x = 1\nif project.layout.words == 'dvc':\n    pass\n") == [2]
    assert kinds_named("if layout.remote_layout in (NATIVE,) or NATIVE == layout.remote_layout:\n    pass\n") == [1]
    assert kinds_named("open(f'{root}/.assay')\nopen('.dvc/config')\n") == [2]
    assert kinds_named("if layout.takes_untracked and layout.pack_limit == 0:\n    pass\n") == []


FORMS = ("assay.engine.store.merkle", "assay.engine.store.listing")
"""The forms that a directory can have."""


@pytest.mark.parametrize("path", python_files("engine", "remotes", "cli"), ids=lambda path: str(path.relative_to(ROOT)))
def test_only_the_manifest_module_knows_the_forms_of_a_directory(path):
    if str(path.relative_to(ROOT)) != "engine/store/manifest.py":
        assert not set(forms_imported(path.read_text()))


def forms_imported(source: str) -> list[str]:
    """The forms that a module imports, wherever in it."""
    found = []
    for node in nodes(source):
        if isinstance(node, ast.Import):
            found += [name.name for name in node.names]
        elif isinstance(node, ast.ImportFrom):
            found += [node.module or "", *(f"{node.module}.{name.name}" for name in node.names)]
    return [name for name in found if name in FORMS]


def test_a_planted_form_is_found():
    assert forms_imported("def f():\n    from assay.engine.store import listing\n") == [FORMS[1]]
    assert forms_imported("from assay.engine.store.merkle import decode\n") == [FORMS[0]]
