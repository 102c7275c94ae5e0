"""Experiments of a workspace as it is: what assay saves in a DVC project, judged by real DVC, and DVC's for assay."""

from __future__ import annotations

import json

import pytest

from tests.dvcexps import Both, standing


@pytest.fixture
def both(dvc_process, git):
    """The project of `tests.dvcexps`, twice, with its outputs made and committed."""
    made = Both(dvc_process, git)

    def make():
        made.did(made.theirs, "repro", "-q")
        git("add", "-A", cwd=made.theirs)
        git("commit", "-qm", "made", cwd=made.theirs)

    made.begin_with("save", make)
    yield made
    made.drop()


EDITED = {
    "params.yaml": "train:\n  lr: 0.9\nseed: 8\n",
    "model/model.bin": "by hand",
    "model/report/lr.txt": "by hand",
    "data/upper.txt": "OTHER",
    "raw/text.txt": "other\n",
    "raw/new.txt": "new",
    "model/metrics.json": '{"acc": 0.75}\n',
}
OWN = ".dvc/tmp/repro.dat"
"""What DVC leaves in the experiments that it saves."""


@pytest.mark.parametrize("targets", [[], ["prepare"], ["-R", "."]], ids=["all", "one stage", "a folder"])
def test_the_same_workspace_makes_the_same_experiment(both, assay_dvc, git, targets):
    both.write(EDITED)
    before = standing(git, both.ours)
    theirs = both.did(both.theirs, "exp", "save", "-n", "one", "-I", "raw/new.txt", *targets)
    ours = assay_dvc("exp", "save", "-n", "one", "-I", "raw/new.txt", *targets, cwd=both.ours)
    assert ours.out == theirs.out.splitlines(keepends=True)[-1] == "Experiment has been saved as: one\n"
    assert standing(git, both.ours) == before
    left = both.tree(both.theirs, "one")
    assert left.pop(OWN)
    assert both.tree(both.ours, "one") == left
    assert both.data(both.ours, "one") == both.data(both.theirs, "one")
    assert both.status(both.ours) == both.status(both.theirs)
    assert both.did(both.ours, "status", "--json").out == both.did(both.theirs, "status", "--json").out
    git("fsck", "--strict", cwd=both.ours)


def test_json_names_the_commit_and_a_name_in_use_has_dvcs_code(both, assay_dvc):
    theirs = both.did(both.theirs, "exp", "save", "-n", "one", "--json").out
    ours = assay_dvc("exp", "save", "-n", "one", "--json", cwd=both.ours).out
    assert ours == f'{{"ref": "{both.refs(both.ours)["one"]}"}}\n'
    assert json.loads(theirs).keys() == json.loads(ours).keys()
    theirs = both.dvc.run(both.theirs, "exp", "save", "-n", "one")
    ours = assay_dvc("exp", "save", "-n", "one", cwd=both.ours, code=theirs.code)
    words = "ERROR: failed to save experiment - Experiment conflicts with existing experiment 'one'."
    assert theirs.err.startswith(words)
    assert ours.err.startswith(words)
    both.write(EDITED)
    assay_dvc("exp", "save", "-n", "one", "-f", "-m", "again", cwd=both.ours)
    assert both.data(both.ours, "one")["params"]["params.yaml"]["data"]["seed"] == 8


def test_what_dvc_saves_comes_back_without_its_pickle_and_dvc_goes_on(both, assay_dvc, git):
    both.write(EDITED)
    both.did(both.ours, "exp", "save", "-n", "theirs", "-I", "raw/new.txt")
    git("checkout", "-q", ".", cwd=both.ours)
    (both.ours / OWN).unlink(missing_ok=True)
    assay_dvc("exp", "apply", "theirs", cwd=both.ours)
    assert not (both.ours / OWN).exists()
    assert {path: (both.ours / path).read_text() for path in EDITED} == EDITED
    assert both.did(both.ours, "status", "--json").out == "{}\n"
    said = both.did(both.ours, "exp", "run", "-n", "more", "-S", "train.lr=0.1")
    assert "repro.dat" not in said.err
    assay_dvc("exp", "save", "-n", "ours", cwd=both.ours)
    assert OWN not in both.tree(both.ours, "ours")
    assert both.tree(both.ours, "ours")["model/metrics.json"] == both.tree(both.ours, "more")["model/metrics.json"]


def test_a_baseline_with_dvcs_pickle_does_not_hand_it_down(both, assay_dvc, git):
    both.did(both.ours, "exp", "save", "-n", "theirs")
    git("checkout", "-q", "-f", "-b", "kept", both.refs(both.ours)["theirs"], cwd=both.ours)
    before = (both.ours / OWN).read_bytes()
    assay_dvc("exp", "run", "-n", "ours", "-S", "train.lr=0.2", cwd=both.ours)
    assert OWN not in both.tree(both.ours, "ours")
    assert (both.ours / OWN).read_bytes() == before


def test_what_cannot_be_saved_is_said_with_dvcs_code(both, assay_dvc):
    before = both.status(both.ours)
    for words in (["nope"], ["-n", "a/b"], ["-I", "nope"]):
        said = assay_dvc("exp", "save", *words, cwd=both.ours, code=1).err
        assert said.startswith("ERROR: failed to save experiment - ")
    assert both.status(both.ours) == before
    assert both.refs(both.ours) == {}


def test_files_that_stay_behind_are_named_as_dvc_names_them(both, assay_dvc):
    both.write({"model/notes.txt": "", "raw/seen.txt": ""})
    theirs = both.did(both.theirs, "exp", "save", "-n", "one").err
    ours = assay_dvc("exp", "save", "-n", "one", cwd=both.ours).err
    assert "model/notes.txt" in theirs
    assert "model/notes.txt" in ours
    assert "raw/seen.txt" not in ours  # a stage reads the folder, so it is part of the experiment
    assert "raw/seen.txt" in both.tree(both.ours, "one")


def test_what_is_to_be_pushed_at_once_is_pushed_and_a_failure_is_no_end(both, assay_dvc, git, monkeypatch):
    for folder, say in ((both.theirs, both.did), (both.ours, lambda folder, *words: assay_dvc(*words, cwd=folder))):
        far = folder.with_name(f"{folder.name}-far")
        git("init", "-q", "--bare", str(far), cwd=folder)
        git("remote", "add", "origin", str(far), cwd=folder)
        (folder / ".dvc/config.local").write_text(
            f"[core]\n    remote = r\n[exp]\n    auto_push = true\n['remote \"r\"']\n    url = {far}-data\n"
        )
        assert "Pushing experiment to 'origin'" in say(folder, "exp", "run", "-n", "one", "-S", "train.lr=0.5").out
        assert "Pushing experiment to 'origin'" in say(folder, "exp", "save", "-n", "two").out
        assert both.refs(far) == both.refs(folder)
        both.dvc.drop(far)
    theirs, ours = map(_kept, (both.theirs, both.ours))
    assert ours["files"] == theirs["files"]
    assert ours["runs"] < theirs["runs"]  # DVC notes a run that never was for what it saves
    said = assay_dvc("exp", "save", "-n", "three", cwd=both.ours)
    assert "three was not pushed to 'origin'" in said.err
    monkeypatch.setenv("DVC_EXP_AUTO_PUSH", "false")
    assert assay_dvc("exp", "save", "-n", "four", cwd=both.ours).out == "Experiment has been saved as: four\n"


def _kept(folder):
    """What a data remote has, by its folders."""
    far = folder.with_name(f"{folder.name}-far-data")
    return {
        name: {str(path.relative_to(far)) for path in (far / name).rglob("*") if path.is_file()}
        for name in ("files", "runs")
    }
