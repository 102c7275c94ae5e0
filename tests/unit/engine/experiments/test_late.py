"""What loggers write while a stage runs is part of the experiment as it is at the end; what stages read is not."""

from __future__ import annotations

import pytest

from tests.filetree import write

DVC_YAML = """\
stages:
  train:
    cmd: sh train.sh
    deps: [train.sh, code.py]
    params: [{own.yaml: [lr]}]
    outs: [model]
params: [live/params.yaml, own.yaml]
metrics: [live/metrics.json]
plots: [live/plots]
"""
LOGGER = """\
n=$(sed -n 's/lr: //p' own.yaml)
mkdir -p live/plots; echo $n > model
echo "n: $n" > live/params.yaml; echo "{\\"acc\\": $n}" > live/metrics.json
echo $n > live/plots/new.tsv; echo $n > live/plots/seen.tsv; rm -f live/plots/old.tsv; echo $n > live/plots/x.tmp
"""


@pytest.fixture(params=[".assay", ".dvc"])
def logged(request, tmp_path, git):
    """A project, native and DVC's, whose stage logs what it does not declare."""
    folder = tmp_path / "project"
    write(
        folder,
        {
            f"{request.param}/config": "",
            f"{request.param}/.gitignore": "/tmp\n/cache\n",
            ".gitignore": "*.tmp\n/model\n",
            "dvc.yaml": DVC_YAML,
            "train.sh": LOGGER,
            "own.yaml": "lr: 1\n",
            "code.py": "1",
            "live/metrics.json": '{"acc": 0}',
            "live/plots/old.tsv": "0",
            "live/plots/seen.tsv": "0",
        },
    )
    git("init", "-q", cwd=folder)
    git("add", "-A", cwd=folder)
    git("commit", "-qm", "first", cwd=folder)
    return folder


def held(git, folder, path):
    """What a path of the experiment holds; None when it is not there."""
    ref = git("for-each-ref", "--format=%(refname)", "refs/exps", cwd=folder)
    listed = git("ls-tree", "-r", "--name-only", ref, cwd=folder).splitlines()
    return git("show", f"{ref}:{path}", cwd=folder) if path in listed else None


def test_what_stands_at_the_top_of_a_pipeline_is_taken_at_the_end(logged, assay, git):
    assay("run", "-S", "own.yaml:lr=5", cwd=logged)
    expected = {
        "live/metrics.json": '{"acc": 5}',
        "live/params.yaml": "n: 5",
        "live/plots/new.tsv": "5",
        "live/plots/seen.tsv": "5",
        "live/plots/old.tsv": None,
        "live/plots/x.tmp": None,
        "model": None,
    }
    assert {path: held(git, logged, path) for path in expected} == expected


def test_what_a_stage_reads_is_taken_as_it_was_given(logged, assay, git):
    (logged / "train.sh").write_text(LOGGER + "echo 'lr: 9' > own.yaml; echo 9 > code.py\n")
    assay("run", cwd=logged)
    assert held(git, logged, "own.yaml") == "lr: 1"
    assert held(git, logged, "code.py") == "1"


def test_a_pipeline_file_that_lists_more_is_taken_at_the_end(logged, assay, git):
    (logged / "dvc.yaml").write_text(DVC_YAML.replace("plots: [live/plots]", "plots:\n- live/plots"))
    (logged / "train.sh").write_text(LOGGER + "echo '- more.tsv' >> dvc.yaml; echo 2 > more.tsv\n")
    assay("run", cwd=logged)
    assert held(git, logged, "dvc.yaml").endswith("- live/plots\n- more.tsv")
    assert held(git, logged, "more.tsv") == "2"


def test_stages_that_somebody_edits_meanwhile_belong_to_the_next_experiment(logged, assay, git):
    (logged / "train.sh").write_text(LOGGER + "sed 's/sh train.sh/sh other.sh/' dvc.yaml > x; mv x dvc.yaml\n")
    assay("run", cwd=logged)
    assert held(git, logged, "dvc.yaml") + "\n" == DVC_YAML
    assert "other.sh" in (logged / "dvc.yaml").read_text()
