"""``data ls``: what is tracked, from records alone."""

from __future__ import annotations

import shutil

import pytest

from assay.engine.data.add import add
from assay.engine.data.ls import ls
from assay.engine.errors import MissingArtifact, UsageError
from assay.engine.experiments.baseline import baseline


@pytest.fixture
def data(built):
    """Tracked data whose files are not here."""
    built.write({"in/data/a": "1", "in/data/sub/b": "22", "in/data/sub/c": "333", "f": "f", "dvc.yaml": "stages: {}\n"})
    add(built.project, ["in/data", "f"])
    baseline(built.project, "first")
    shutil.rmtree(built.folder / "in/data")
    (built.folder / "f").unlink()
    return built


def lines(built, *args, **more):
    """Path, size and number of files of each line."""
    return [(line.path + "/" * line.is_dir, line.size, line.nfiles) for line in ls(built.project, *args, **more)]


def test_the_top(data):
    assert lines(data) == [("f", 1, None), ("in/", 6, 3)]
    assert lines(data, "in") == [("in/data/", 6, 3)]


def test_inside_a_tracked_folder(data):
    assert lines(data, "in/data") == [("in/data/a", 1, None), ("in/data/sub/", 5, 2)]
    assert lines(data, "sub", folder="in/data") == [("in/data/sub/b", 2, None), ("in/data/sub/c", 3, None)]
    assert lines(data, "in/data/sub/b") == [("in/data/sub/b", 2, None)]
    assert lines(data, "f") == [("f", 1, None)]


def test_everything_below(data):
    names = ["f", "in/data/a", "in/data/sub/b", "in/data/sub/c"]
    assert [line.path for line in ls(data.project, recursive=True)] == names
    assert [line.path for line in ls(data.project, "in", recursive=True)] == names[1:]


def test_another_revision(data):
    (data.folder / "f.dvc").unlink()
    assert lines(data) == [("in/", 6, 3)]
    assert lines(data, revision="HEAD") == [("f", 1, None), ("in/", 6, 3)]


@pytest.mark.parametrize("path", ["nothing", "in/data/nothing", "../x", "f/x"])
def test_nothing_there(data, path):
    with pytest.raises(UsageError):
        ls(data.project, path)


def test_a_folder_whose_listing_is_lost(data):
    shutil.rmtree(data.project.cache_folder)
    data.reopened()
    assert lines(data) == [("f", 1, None), ("in/", 6, 3)]
    with pytest.raises(MissingArtifact):
        ls(data.project, "in/data")


def test_an_output_that_was_never_made(data):
    data.write({"dvc.yaml": "stages:\n  s:\n    cmd: x\n    outs: [o]\n"})
    assert lines(data)[-1] == ("o", None, None)
