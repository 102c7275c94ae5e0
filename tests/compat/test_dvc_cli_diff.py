"""`assay-dvc diff` prints what DVC's prints: text, Markdown, JSON."""

from __future__ import annotations

import hashlib

import pytest

from tests.dvcsides import Sides, commit
from tests.filetree import write


@pytest.fixture(scope="module")
def made(dvc_process):
    """Two commits of data that was edited, moved and removed, and edits since."""
    root = dvc_process.new()
    stage = "stages:\n  one:\n    cmd: cat a.txt > b.txt\n    deps:\n    - a.txt\n    outs:\n    - b.txt\n"
    write(root, {"d/1": "1\n", "d/2": "2\n", "s.txt": "9\n", "sub/s2.txt": "8\n", "a.txt": "x\n", "dvc.yaml": stage})
    for words in (["add", "d", "s.txt", "sub/s2.txt"], ["repro"]):
        assert dvc_process.run(root, *words).code == 0
    commit(root, "v1")
    write(root, {"d/3": "3\n", "d/1": None, "s.txt": "n\n"})
    assert dvc_process.run(root, "move", "sub/s2.txt", "sub/s3.txt").code == 0
    assert dvc_process.run(root, "commit", "-f").code == 0
    commit(root)
    write(root, {"d/2": "edited\n", "b.txt": None})
    return root


@pytest.mark.parametrize(
    ("words", "cd"),
    [
        ([], "."),
        (["--json"], "."),
        (["--md"], "."),
        (["v1"], "."),
        (["v1", "--show-hash"], "."),
        (["v1", "--show-hash", "--md"], "."),
        (["v1", "--show-hash", "--json"], "."),
        (["v1", "HEAD", "--json"], "."),
        (["HEAD", "v1"], "."),
        (["HEAD", "HEAD"], "."),
        (["HEAD", "HEAD", "--json"], "."),
        (["v1", "--targets", "d", "sub/s2.txt"], "."),
        (["v1", "--targets", "d/3", "--json"], "."),
        (["v1"], "sub"),
        (["nope"], "."),
    ],
    ids=" ".join,
)
def test_differences_are_told_as_dvc_tells_them(sides, words, cd):
    sides.same("diff", *words, cd=cd, ordered=True)


def test_what_the_cache_lacks_is_a_section_of_its_own(sides):
    digest = hashlib.md5(b"9\n").hexdigest()
    sides.write({f".dvc/cache/files/md5/{digest[:2]}": None})
    assert "Not in cache" in sides.same("diff", "v1")
    assert "Not in cache" not in sides.same("diff", "v1", "--hide-missing")


def test_before_the_first_commit_nothing_differs(dvc_process, assay_dvc, tmp_path):
    sides = Sides(dvc_process, assay_dvc, dvc_process.new(), tmp_path)
    sides.write({"x": "1"})
    sides.same("add", "x")
    sides.same("diff")
    sides.same("diff", "--json")
