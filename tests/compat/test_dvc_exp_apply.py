"""`exp apply` in a DVC project: the same workspace as after DVC's, whoever made the experiment; nothing is lost."""

from __future__ import annotations

import pytest

from tests.dvcexps import Both, files_of, standing


@pytest.fixture
def both(dvc_process, git, assay_dvc):
    """The project of `tests.dvcexps`, twice, after an experiment of each tool."""
    made = Both(dvc_process, git)

    def make():
        made.did(made.theirs, "repro", "-q")
        git("add", "-A", cwd=made.theirs)
        git("commit", "-qm", "made", cwd=made.theirs)
        made.did(made.theirs, "exp", "run", "-n", "theirs", "-S", "train.lr=0.5")
        git("checkout", "-q", ".", cwd=made.theirs)
        assay_dvc("exp", "run", "-n", "ours", "-S", "train.lr=0.7", cwd=made.theirs)
        git("checkout", "-q", ".", cwd=made.theirs)
        made.did(made.theirs, "checkout", "-q")

    made.begin_with("apply", make)
    yield made
    made.drop()


def test_the_same_workspace_whoever_made_it_and_nothing_left_to_do(both, assay_dvc, git):
    for name in ("theirs", "ours"):
        before = standing(git, both.ours)
        theirs = both.did(both.theirs, "exp", "apply", name)
        ours = assay_dvc("exp", "apply", name, cwd=both.ours)
        assert ours.out == theirs.out
        assert files_of(both.ours) == files_of(both.theirs)
        assert standing(git, both.ours) == before
        assert both.status(both.ours) == both.status(both.theirs)
        assert both.did(both.ours, "status", "--json").out == "{}\n"
        assert "Running stage" not in both.did(both.ours, "exp", "run").out
    git("fsck", "--strict", cwd=both.ours)


def test_the_whole_tree_counts_where_the_experiment_is_of_an_older_commit(both, assay_dvc, git):
    for folder in (both.theirs, both.ours):
        (folder / "model/report/lr.txt").unlink()
        (folder / "newer.txt").write_text("newer")
        (folder / "edited.txt").write_text("newer")
        git("add", "-A", cwd=folder)
        git("commit", "-qm", "second", cwd=folder)
    both.did(both.theirs, "exp", "apply", "theirs")
    assay_dvc("exp", "apply", "theirs", cwd=both.ours)
    assert files_of(both.ours) == files_of(both.theirs)
    assert not (both.ours / "newer.txt").exists()


def test_what_is_nobody_elses_stays_even_then(both, assay_dvc, git):
    both.write({"edited.txt": "newer", "newer.txt": "newer"})
    git("add", "-A", cwd=both.ours)
    git("commit", "-qm", "second", cwd=both.ours)
    both.write({"edited.txt": "edited", "mine.txt": "mine"})
    assay_dvc("exp", "apply", "theirs", cwd=both.ours)
    assert not (both.ours / "newer.txt").exists()  # DVC takes it away only where nothing else is edited
    assert (both.ours / "edited.txt").read_text() == "edited"
    assert (both.ours / "mine.txt").read_text() == "mine"


def test_what_was_edited_is_replaced_and_undo_gives_it_back(both, assay_dvc, assay):
    both.write({"params.yaml": "train: {lr: 3}\n", "model/model.bin": "mine", "model/train.sh": "exit 1\n"})
    before = files_of(both.ours)
    both.did(both.theirs, "exp", "apply", "theirs")
    assay_dvc("exp", "apply", "theirs", cwd=both.ours)
    assert files_of(both.ours) == files_of(both.theirs)
    assay("undo", cwd=both.ours)
    assert files_of(both.ours) == before


def test_no_such_experiment_and_no_such_data(both, assay_dvc):
    theirs = both.dvc.run(both.theirs, "exp", "apply", "nope")
    said = assay_dvc("exp", "apply", "nope", cwd=both.ours, code=theirs.code).err
    assert said.startswith("ERROR: 'nope' does not appear to be an experiment commit.: ")
    for path in (both.ours / ".dvc/cache/files/md5").rglob("*"):
        if path.is_file():
            path.unlink()
    before = files_of(both.ours)
    (both.ours / "model/model.bin").write_text("edited, and nowhere else")
    assert "so nothing was changed" in assay_dvc("exp", "apply", "theirs", cwd=both.ours, code=255).err
    (both.ours / "model/model.bin").write_bytes(before["model/model.bin"][0])
    assert files_of(both.ours) == before


def test_what_waits_in_dvcs_queue_can_be_applied_as_with_dvc(both, assay_dvc, git):
    both.did(both.theirs, "exp", "run", "--queue", "-n", "waits", "-S", "train.lr=0.3")
    both.part()
    both.did(both.theirs, "exp", "apply", "waits")
    assay_dvc("exp", "apply", "waits", cwd=both.ours)
    assert files_of(both.ours) == files_of(both.theirs)
    assert not (both.ours / ".dvc/tmp/repro.dat").exists()
    assert "lr: 0.3" in (both.ours / "params.yaml").read_text()
    git("checkout", "-q", ".", cwd=both.ours)
    stash = git("rev-parse", "--short", "refs/exps/celery/stash", cwd=both.ours)
    assay_dvc("exp", "apply", stash, cwd=both.ours)
    assert files_of(both.ours) == files_of(both.theirs)
