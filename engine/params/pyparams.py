"""Parameters kept in Python files: literals given to names, read without running anything.

What counts: ``X = 1`` and ``X: int = 1`` in a module, the same in a class (``Cls.X``), and ``self.x = 1`` in its
``__init__`` (``Cls.x``); dictionaries give keys (``D.k``), tuples become lists. Anything but a literal is not a
parameter. Values can be changed, not added or taken away, because that may need more than a line of code.
"""

from __future__ import annotations

import ast
import math
import re
import warnings
from collections.abc import Iterator
from typing import Any, NamedTuple

from assay.engine.errors import BadInput
from assay.engine.params.changes import Edit
from assay.engine.params.keys import dotted
from assay.engine.params.places import CannotEdit

_NONE = object()


class _Source(NamedTuple):
    """Where a name gets its value: the expression, or the names of a class."""

    value: ast.expr | None
    inner: dict[str, _Source]


def load(text: str, path: str) -> dict[str, Any]:
    """The parameters of a Python file.

    Raises:
        BadInput: It is not Python.
    """
    return _data(_names(_parse(text, path).body))


def propose(text: str, edit: Edit) -> Iterator[str]:
    """Texts in which the edit is carried out. Raises CannotEdit."""
    if edit.kind != "replace":
        raise CannotEdit("keys of Python files can be changed, not added or taken away")
    node = _find(_names(_parse(text, "").body), edit)
    start, end = _offset(text, node.lineno, node.col_offset), _offset(text, *_end(node))
    yield text[:start] + _render(edit.value, as_tuple=isinstance(node, ast.Tuple)) + text[end:]


def _parse(text: str, path: str) -> ast.Module:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about escapes in somebody else's strings
            return ast.parse(text)
    except SyntaxError as error:
        raise BadInput(path, f"it is not Python: {error.msg}", line=error.lineno or 0) from error
    except (ValueError, MemoryError) as error:
        raise BadInput(path, "it is not Python") from error


def _names(body: list[ast.stmt], owner: str = "") -> dict[str, _Source]:
    """The names that statements give values to; ``owner`` is "self" where only its attributes count."""
    names: dict[str, _Source] = {}
    for statement in body:
        if isinstance(statement, ast.ClassDef) and not owner:
            names[statement.name] = _Source(None, _names(statement.body))
        elif isinstance(statement, ast.FunctionDef) and statement.name == "__init__" and not owner:
            names.update(_names(statement.body, "self"))
        elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
            _note(names, statement.target, statement.value, owner)
        elif isinstance(statement, ast.Assign) and len(statement.targets) == 1:
            _note(names, statement.targets[0], statement.value, owner)
    return names


def _note(names: dict[str, _Source], target: ast.expr, value: ast.expr, owner: str) -> None:
    if isinstance(target, ast.Name) and not owner:
        names[target.id] = _Source(value, {})
    elif isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name) and target.value.id == owner:
        names[target.attr] = _Source(value, {})


def _data(names: dict[str, _Source]) -> dict[str, Any]:
    data: dict[str, Any] = {}
    for name, source in names.items():
        value = _data(source.inner) if source.value is None else _literal(source.value)
        if value is not _NONE and not (source.value is None and not value):
            data[name] = value
    return data


def _literal(node: ast.expr) -> Any:
    """The value of a literal that a parameter can have, else `_NONE`."""
    try:
        return _plain(ast.literal_eval(node))
    except (ValueError, TypeError, MemoryError):
        return _NONE


def _plain(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise ValueError("no parameter is of this type")


def _find(names: dict[str, _Source], edit: Edit) -> ast.expr:
    """The expression that gives a place its value."""
    node: ast.expr | None = None
    for depth, step in enumerate(edit.place):
        if node is None:
            source = names[step]
            names, node = source.inner, source.value
            continue
        found = _item(node, step)
        if found is None:
            raise CannotEdit(f"{dotted(edit.place[: depth + 1])} is written in an unusual way")
        node = found
    if node is None:
        raise CannotEdit("a class cannot become a value")
    return node


def _item(node: ast.expr, step: Any) -> ast.expr | None:
    if isinstance(node, ast.Dict):
        for key, value in zip(reversed(node.keys), reversed(node.values), strict=True):
            if key is not None and _literal(key) == step:
                return value
    if isinstance(node, (ast.List, ast.Tuple)):
        return node.elts[int(step)]
    return None


def _end(node: ast.expr) -> tuple[int, int]:
    return node.end_lineno or node.lineno, node.end_col_offset or node.col_offset


def _offset(text: str, line: int, column: int) -> int:
    """The offset of a place that Python's parser names; its columns count bytes of UTF-8."""
    starts = [0, *(found.end() for found in re.finditer(r"\r\n?|\n", text))]
    start = starts[line - 1]
    return start + len(text[start:].encode()[:column].decode())


def _render(value: Any, *, as_tuple: bool) -> str:
    """A literal; a list that replaces a tuple is one."""
    text = repr(tuple(value)) if as_tuple and isinstance(value, list) else repr(value)
    if any(isinstance(one, float) and not math.isfinite(one) for one in _leaves(value)):
        raise CannotEdit(f"{text} has no literal in Python")
    return text


def _leaves(value: Any) -> Iterator[Any]:
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _leaves(item)
    yield value
