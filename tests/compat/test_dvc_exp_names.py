"""`exp branch`, `rename`, `remove` and `clean` in a DVC project: the same words, codes and refs as DVC's."""

from __future__ import annotations

import pytest

from tests.dvcexps import Both, standing

FILES = {"params.yaml": "lr: 1\n", "dvc.yaml": "stages: {a: {cmd: cp params.yaml out, params: [lr], outs: [out]}}\n"}


@pytest.fixture
def both(dvc_process, git, assay_dvc):
    """A project with experiments of both tools, at two commits, twice."""
    made = Both(dvc_process, git, FILES)

    def make():
        for number in range(4):
            words = ("exp", "run", "-n", f"e{number}", "-S", f"lr={number}")
            if number % 2:
                assay_dvc(*words, cwd=made.theirs)
            else:
                made.did(made.theirs, *words)
            if number == 1:
                git("add", "-A", cwd=made.theirs)
                git("commit", "-qm", "second", cwd=made.theirs)

    made.begin_with("names", make)
    yield made
    made.drop()


def same(both, assay_dvc, *words):
    """Both run one command line: the same code, the same result on stdout, the same experiments and branches."""
    theirs = both.dvc.run(both.theirs, *words)
    ours = assay_dvc(*words, cwd=both.ours, code=theirs.code)
    assert ours.out == theirs.out
    assert both.refs(both.ours) == both.refs(both.theirs)
    heads = [both.git("for-each-ref", "refs/heads", cwd=folder) for folder in (both.theirs, both.ours)]
    assert heads[0] == heads[1]
    return theirs, ours


def test_branches(both, assay_dvc, git):
    for words in (
        ["e3"],
        ["e3"],
        ["e3", "named"],
        ["nope"],
        ["e2", "named"],
        [both.refs(both.ours)["e2"][:8], "short"],
    ):
        same(both, assay_dvc, "exp", "branch", *words)
    assert assay_dvc("exp", "branch", "HEAD", "x", cwd=both.ours, code=255).err.startswith("ERROR: 'HEAD' is a commit")
    git("fsck", "--strict", cwd=both.ours)


def test_new_names(both, assay_dvc):
    for words in (["e3", "new"], ["new", "new"], ["nope", "x"], ["new", "e2"], ["new", "a b"], ["new", "a/b"], ["new"]):
        same(both, assay_dvc, "exp", "rename", *words)
    _, ours = same(both, assay_dvc, "exp", "rename", "-f", "new", "e2")
    assert ours.out == "Renamed experiments: 'new'\n"


def test_removing(both, assay_dvc, git):
    before = standing(git, both.ours)
    for words in ([], ["nope", "e3"], ["-n", "3"], ["e3", "-A"], ["e3", "e2"], ["--rev", "HEAD~1"], ["-A"]):
        same(both, assay_dvc, "exp", "remove", *words)
    assert both.refs(both.ours) == {}
    assert standing(git, both.ours) == before


def test_removing_by_what_is_kept_or_by_several_commits(both, assay_dvc, assay):
    same(both, assay_dvc, "exp", "rm", "--keep", "e3", "e1", "e0")
    assert set(both.refs(both.ours)) == {"e0", "e1", "e3"}
    assay("undo", cwd=both.ours)
    assert len(both.refs(both.ours)) == 4
    assay_dvc("exp", "remove", "--rev", "HEAD", "-n", "2", cwd=both.ours)
    assert both.refs(both.ours) == {}
