"""Trees of names, and which of their rows a list has."""

from __future__ import annotations

import pytest

from assay.remotes.imports.listing import Node, put, rows


@pytest.fixture
def top():
    found = Node({})
    for path in ("b/c/x", "b/y", "a", "z"):
        put(found, path, Node(size=1))
    return found


@pytest.mark.parametrize(
    ("recursive", "level", "names"),
    [
        (False, None, ["a", "z", "b"]),
        (False, 3, ["a", "z", "b"]),
        (True, None, ["a", "z", "b/y", "b/c/x"]),
        (True, 1, ["a", "z", "b"]),
        (True, 2, ["a", "z", "b/y", "b/c"]),
    ],
)
def test_files_come_before_folders_and_no_deeper_than_wanted(top, recursive, level, names):
    assert [name for name, _ in rows(top, recursive=recursive, level=level)] == names


def test_a_file_has_nothing_below_it(top):
    put(top, "a/below", Node(size=1))
    assert not top.children["a"].is_folder
