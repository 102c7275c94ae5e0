"""Paths of the work tree as project paths, lists of packages, messages without trailers."""

from __future__ import annotations

import pytest

from assay.engine.experiments.changed_code import project_path
from assay.engine.experiments.changed_packages import versions
from assay.engine.experiments.publish import without_trailers


@pytest.mark.parametrize(
    ("prefix", "place", "path"),
    [
        ("", "a/b.py", "a/b.py"),
        ("sub/", "sub/a.py", "a.py"),
        ("sub/", "a.py", "../a.py"),
        ("one/two/", "one/x.py", "../x.py"),
        ("one/two/", "one/three/x.py", "../three/x.py"),
        ("one/two/", "other/x.py", "../../other/x.py"),
    ],
)
def test_a_place_in_the_work_tree_is_told_from_the_project(prefix, place, path):
    assert project_path(prefix, place) == path


def test_a_list_of_packages_has_names_and_versions():
    assert versions("numpy-2.0.0\nscikit_learn-1.5.0\n") == {"numpy": "2.0.0", "scikit_learn": "1.5.0"}


def test_a_package_that_is_installed_twice_has_both_versions():
    assert versions("numpy-1.0\nnumpy-2.0\n") == {"numpy": "1.0 2.0"}


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ("lr=1\n\nAssay: 0.1\nPython: 3.11\n", "lr=1"),
        ("one\n\ntwo\n\nAssay: 0.1\n", "one\n\ntwo"),
        ("first\n", "first"),
        ("Assay: what it is\n", "Assay: what it is"),
        ("", ""),
    ],
)
def test_a_message_without_the_lines_that_assay_adds(message, text):
    assert without_trailers(message) == text
