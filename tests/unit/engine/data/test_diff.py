"""``data diff``: two revisions, or one and the workspace, file by file."""

from __future__ import annotations

import shutil

import pytest

from assay.engine.data.add import add
from assay.engine.data.diff import diff
from assay.engine.errors import UnknownRevision, UsageError
from assay.engine.experiments.baseline import baseline


@pytest.fixture
def data(built):
    """Two commits: the second has one file changed, one added, one removed, one moved."""
    built.write({"data/a": "1", "data/b": "2", "data/c": "3", "f": "f"})
    add(built.project, ["data", "f"])
    baseline(built.project, "first")
    built.write({"data/a": "one", "data/new": "4", "data/sub/x": ""})
    (built.folder / "data/b").unlink()
    (built.folder / "data/c").rename(built.folder / "data/sub/d")
    add(built.project, ["data"])
    baseline(built.project, "second")
    return built


def test_two_revisions(data):
    found = diff(data.project, "HEAD~1", "HEAD")
    assert found.paths.added == ("data/new", "data/sub/x")
    assert found.paths.deleted == ("data/b",)
    assert found.paths.modified == ("data/", "data/a")
    assert found.paths.renamed == (("data/c", "data/sub/d"),)
    assert found.new["data/a"].size == 3
    back = diff(data.project, "HEAD", "HEAD~1").paths
    assert (back.added, back.deleted, back.renamed) == (
        ("data/b",),
        ("data/new", "data/sub/x"),
        (("data/sub/d", "data/c"),),
    )


def test_the_workspace_as_it_lies_there(data):
    assert diff(data.project).paths._replace(unchanged=()) == ((), (), (), (), (), ())
    data.write({"f": "changed"})
    assert diff(data.project).paths.modified == ("f",)
    assert diff(data.project, "HEAD~1", targets=["f"]).paths.modified == ("f",)
    assert diff(data.project, "HEAD~1", targets=["a"], folder="data").paths.modified == ("data/a",)
    with pytest.raises(UsageError, match="neither side"):
        diff(data.project, targets=["nothing"])


def test_what_the_cache_lacks_of_the_first_side(data):
    assert diff(data.project, "HEAD~1").not_in_cache == ()
    shutil.rmtree(data.project.cache_folder)
    data.reopened()
    found = diff(data.project, "HEAD~1")
    assert found.not_in_cache == ("data/", "f")
    assert found.paths.modified == ("data/",)
    assert found.paths.added == ()


def test_an_unknown_revision(data):
    with pytest.raises(UnknownRevision):
        diff(data.project, "nothing")
