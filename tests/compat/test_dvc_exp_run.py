"""Experiments that assay runs in a DVC project, judged by real DVC: the same as DVC's own, and DVC's to use."""

from __future__ import annotations

import json

import pytest

from tests.dvcexps import FILES, REPORT, Both, files_of, standing


@pytest.fixture
def both(dvc_process, git):
    """The project of `tests.dvcexps`, twice."""
    made = Both(dvc_process, git)
    yield made
    made.drop()


EDITS = {
    "nothing": [],
    "yaml": ["-S", "train.lr=0.5"],
    "json, toml, python": [
        *("-S", "model/own.json:units=6", "-S", "model/own.toml:+width=1.5"),
        *("-S", "model/own.toml:depth=3", "-S", "more.py:WIDTH=4"),
    ],
    "one stage": ["prepare"],
    "downstream": ["-f", "--downstream", "prepare"],
}
WRITTEN_ANEW = {"params.yaml", "model/own.json", "model/own.toml", "more.py"}
"""Files of parameters: DVC writes them in its own style, assay changes the value."""


@pytest.mark.parametrize("words", EDITS.values(), ids=EDITS)
def test_the_same_run_makes_the_same_experiment(both, assay_dvc, git, words):
    before = standing(git, both.ours)
    theirs = both.did(both.theirs, "exp", "run", "-n", "one", *words)
    ours = assay_dvc("exp", "run", "-n", "one", *words, cwd=both.ours)
    assert standing(git, both.ours) == before
    assert both.data(both.ours, "one") == both.data(both.theirs, "one")
    left, right = both.tree(both.theirs, "one"), both.tree(both.ours, "one")
    changed = {path for path in left | right if left.get(path) != right.get(path)}
    assert changed <= WRITTEN_ANEW
    assert (both.ours / "dvc.lock").read_bytes() == (both.theirs / "dvc.lock").read_bytes()
    assert both.status(both.ours) == both.status(both.theirs)
    assert both.did(both.ours, "status", "--json").out == both.did(both.theirs, "status", "--json").out
    told = "\nRan experiment(s): one\nExperiment results have been applied to your workspace.\n"
    assert theirs.out.endswith(told)
    assert ours.out.endswith(told)
    assert ours.out.startswith("Reproducing experiment 'one'\n")
    git("fsck", "--strict", cwd=both.ours)


def test_what_git_does_not_know_yet_is_taken_as_dvc_takes_it(dvc_process, git, assay_dvc):
    files = {**FILES, "notes.txt": "not named", "raw/cache.pyc": "ignored", "model/other.py": "not named"}
    both = Both(dvc_process, git, files, tracked=(".dvc", ".gitignore"))
    both.did(both.theirs, "exp", "run", "-n", "one")
    assay_dvc("exp", "run", "-n", "one", cwd=both.ours)
    assert both.tree(both.ours, "one") == both.tree(both.theirs, "one")
    assert both.data(both.ours, "one") == both.data(both.theirs, "one")
    assert both.status(both.ours) == both.status(both.theirs)
    both.drop()


def test_edited_data_is_recorded_before_the_stages_run(both, assay_dvc, git):
    git("rm", "-q", "--cached", "raw/text.txt", cwd=both.theirs)
    both.did(both.theirs, "add", "-q", "raw/text.txt")
    git("add", "-A", cwd=both.theirs)
    git("commit", "-qm", "data", cwd=both.theirs)
    both.part()
    both.write({"raw/text.txt": "edited\n"})
    both.did(both.theirs, "exp", "run", "-n", "one")
    assay_dvc("exp", "run", "-n", "one", cwd=both.ours)
    assert both.tree(both.ours, "one") == both.tree(both.theirs, "one")
    assert both.data(both.ours, "one") == both.data(both.theirs, "one")


def test_stages_find_the_same_variables(dvc_process, git, assay_dvc):
    stage = (
        "stages: {look: {cmd: env | grep ^DVC_E | sort > sub/said; echo $DVC_STAGE >> sub/said, outs: [sub/said]}}\n"
    )
    both = Both(dvc_process, git, {"dvc.yaml": stage, "sub/keep": ""})
    both.did(both.theirs, "exp", "run", "-n", "one")
    assay_dvc("exp", "run", "-n", "one", cwd=both.ours)
    assert (both.ours / "sub/said").read_text() == (both.theirs / "sub/said").read_text()
    both.drop()


def test_a_failed_stage_leaves_no_experiment_and_the_workspace_as_it_is(both, assay_dvc, git):
    before = standing(git, both.ours)
    both.write({"model/train.sh": "exit 3\n"})
    theirs = both.dvc.run(both.theirs, "exp", "run", "-n", "one", "-S", "train.lr=9")
    ours = assay_dvc("exp", "run", "-n", "one", "-S", "train.lr=9", cwd=both.ours, code=theirs.code)
    assert "exited with 3" in ours.err
    assert both.refs(both.ours) == both.refs(both.theirs) == {}
    assert standing(git, both.ours) == before
    assert "lr: 9 " in (both.ours / "params.yaml").read_text()


def test_a_name_in_use_stops_both_before_anything_runs(both, assay_dvc):
    for folder in (both.theirs, both.ours):
        both.did(folder, "exp", "run", "-n", "one")
    theirs = both.dvc.run(both.theirs, "exp", "run", "-n", "one", "-S", "train.lr=9")
    ours = assay_dvc("exp", "run", "-n", "one", "-S", "train.lr=9", cwd=both.ours, code=theirs.code)
    words = "ERROR: Experiment conflicts with existing experiment 'one'."
    assert theirs.err.startswith(words)
    assert ours.err.startswith(words)
    assert "lr: 0.1 " in (both.ours / "params.yaml").read_text()
    assay_dvc("exp", "run", "-n", "one", "-S", "train.lr=9", "-f", cwd=both.ours)
    assert both.data(both.ours, "one")["params"]["params.yaml"]["data"]["train"]["lr"] == 9


def test_what_dvc_refuses_is_refused_with_its_code_and_nothing_changes(both, assay_dvc):
    before = both.status(both.ours)
    for words in (["-S", "nope=1"], ["-n", "a/b"], ["nope"], ["-S", "train.lr=1,2"], ["-i"]):
        code = both.dvc.run(both.theirs, "exp", "run", *words).code
        assert assay_dvc("exp", "run", *words, cwd=both.ours, code=code).err.startswith("ERROR: ")
    assert both.status(both.ours) == before
    assert both.refs(both.ours) == {}


def test_what_one_ran_the_other_takes_from_the_run_cache(dvc_process, assay_dvc, git):
    both = Both(dvc_process, git, {**FILES, "dvc.yaml": FILES["dvc.yaml"].replace(REPORT, "")})
    assay_dvc("exp", "run", "-n", "ours", "-S", "train.lr=0.5", cwd=both.ours)
    git("checkout", "-q", ".", cwd=both.ours)
    (both.ours / "dvc.lock").unlink()
    said = both.did(both.ours, "exp", "run", "-n", "theirs", "-S", "train.lr=0.5").out
    assert "Stage 'train' is cached - skipping run, checking out outputs" in said
    assert "Running stage" not in said
    both.did(both.ours, "exp", "run", "-n", "two", "-S", "train.lr=0.7")
    git("checkout", "-q", ".", cwd=both.ours)
    (both.ours / "dvc.lock").unlink()
    said = assay_dvc("exp", "run", "-n", "three", "-S", "train.lr=0.7", cwd=both.ours).out
    assert "Stage 'train' is cached - skipping run, checking out outputs" in said
    assert "Running stage" not in said
    assert both.data(both.ours, "two") == both.data(both.ours, "three")
    assert both.data(both.ours, "ours") == both.data(both.ours, "theirs")
    both.drop()


def test_one_after_the_other_finds_everything_up_to_date(both, assay_dvc):
    assay_dvc("exp", "run", cwd=both.ours)
    said = both.did(both.ours, "exp", "run").out
    assert said.count("didn't change, skipping") == 2
    said = assay_dvc("exp", "run", cwd=both.ours).out
    assert said.count("didn't change, skipping") == 2
    assert "Running stage" not in said
    assert both.did(both.ours, "status", "--json").out == "{}\n"


def test_dvc_uses_an_experiment_of_assays_as_its_own(both, assay_dvc, git):
    assay_dvc("exp", "run", "-n", "one", "-S", "train.lr=0.5", cwd=both.ours)
    commit = both.refs(both.ours)["one"]
    assert both.did(both.ours, "exp", "list", "--name-only").out == "one\n"
    git("checkout", "-q", ".", cwd=both.ours)
    both.did(both.ours, "exp", "apply", "one")
    assert (both.ours / "model/report/lr.txt").read_text() == "0.5\n"
    assert both.did(both.ours, "status", "--json").out == "{}\n"
    both.did(both.ours, "exp", "branch", "one", "kept")
    assert git("rev-parse", "kept", cwd=both.ours) == commit
    both.did(both.ours, "exp", "rename", "one", "two")
    assert both.refs(both.ours) == {"two": commit}
    changes = json.loads(both.did(both.ours, "exp", "diff", "HEAD", "two", "--json").out)
    assert changes["params"]["params.yaml"]["train.lr"]["new"] == 0.5
    both.did(both.ours, "exp", "remove", "two")
    assert both.refs(both.ours) == {}
    git("fsck", "--strict", cwd=both.ours)


def test_dry_runs_tell_and_change_nothing(both, assay_dvc):
    both.did(both.ours, "exp", "run", "-n", "one")
    before, refs = both.status(both.ours), both.refs(both.ours)
    said = assay_dvc("exp", "run", "--dry", "-S", "train.lr=0.5", cwd=both.ours)
    assert "Stage 'prepare' didn't change, skipping\nRunning stage 'train':\n> sh train.sh\n" in said.out
    assert "Ran experiment" not in said.out
    assert (both.status(both.ours), both.refs(both.ours)) == (before, refs)


LOGS = """\
lr=$(sed -n 's/^lr: //p' params.yaml)
echo $lr > model
mkdir -p live/plots && echo "{\\"acc\\": $lr}" > live/metrics.json && echo "x: $lr" > live/params.yaml
printf "step\\tloss\\n1\\t$lr\\n" > live/plots/loss.tsv
grep -q live dvc.yaml || cat more.yaml >> dvc.yaml
"""


def test_what_a_logger_writes_is_in_the_experiment_from_the_first_run_on(dvc_process, git, assay_dvc):
    stage = "stages:\n  a:\n    cmd: sh log.sh\n    deps: [log.sh]\n    params: [lr]\n    outs: [model]\n"
    more = "metrics:\n- live/metrics.json\nparams:\n- live/params.yaml\nplots:\n- live/plots\n"
    files = {"log.sh": LOGS, "params.yaml": "lr: 1\n", "dvc.yaml": stage, "more.yaml": more}
    both = Both(dvc_process, git, files)
    for number in (1, 2):
        words = ("exp", "run", "-n", f"e{number}", "-S", f"lr={number}", "-f")
        both.did(both.theirs, *words)
        assay_dvc(*words, cwd=both.ours)
        assert both.data(both.ours, f"e{number}") == both.data(both.theirs, f"e{number}")
        assert both.data(both.ours, f"e{number}")["metrics"]["live/metrics.json"]["data"] == {"acc": number}
        assert both.tree(both.ours, f"e{number}") == both.tree(both.theirs, f"e{number}")
    both.drop()


def test_a_project_in_a_folder_of_the_repository(dvc_process, git, assay_dvc):
    below = {f"sub/{path}": text for path, text in FILES.items()}
    both = Both(
        dvc_process,
        git,
        {"lib/a.py": "1", "sub/.dvc/config": "", "sub/.dvc/.gitignore": "/config.local\n/tmp\n/cache\n", **below},
    )
    both.write({"lib/a.py": "2", "lib/new.py": "new", "sub/notes.txt": "new"})
    words = ("-n", "one", "-S", "train.lr=0.5")
    both.did(both.theirs / "sub", "exp", "run", *words)
    assay_dvc("exp", "run", *words, cwd=both.ours / "sub")
    left, right = both.tree(both.theirs, "one"), both.tree(both.ours, "one")
    assert {path for path in left | right if left.get(path) != right.get(path)} == {"sub/params.yaml"}
    assert both.data(both.ours / "sub", "one") == both.data(both.theirs / "sub", "one")
    both.write({"lib/a.py": "3", "sub/model/model.bin": "edited", "sub/params.yaml": below["sub/params.yaml"]})
    for folder in (both.theirs, both.ours):
        git("add", "sub/dvc.lock", "sub/model", cwd=folder)
    words = ("-n", "two", "-I", "../lib/new.py")
    both.did(both.theirs / "sub", "exp", "save", *words)
    assay_dvc("exp", "save", *words, cwd=both.ours / "sub")
    left = both.tree(both.theirs, "two")
    assert left.pop("sub/.dvc/tmp/repro.dat")
    assert both.tree(both.ours, "two") == left
    both.did(both.theirs / "sub", "exp", "apply", "one")
    assay_dvc("exp", "apply", "one", cwd=both.ours / "sub")
    theirs, ours = files_of(both.theirs), files_of(both.ours)
    assert {path for path in theirs | ours if theirs.get(path) != ours.get(path)} == {"sub/params.yaml"}
    both.drop()
