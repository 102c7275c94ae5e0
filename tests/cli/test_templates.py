"""A templated dvc.yaml through whole command lines: run, show, repro, and what is said about mistakes."""

from __future__ import annotations

import json

import pytest

from tests.filetree import picture

PIPELINE = r"""
vars: [conf/model.yaml]
stages:
  prepare:
    foreach: ${splits}
    do:
      cmd: mkdir -p ${folder} && echo ${key} ${item.size} > ${folder}/${key}.txt
      outs: ["${folder}/${key}.txt"]
  train:
    matrix: {lr: "${rates}", kind: [a, b]}
    cmd: >-
      cat ${folder}/*.txt > ${folder}-${key}.bin && echo ${options} --lr ${item.lr} >> ${folder}-${key}.bin &&
      echo "{\"lr\": ${item.lr}}" > ${key}.json
    deps: ["${folder}/first.txt", "${folder}/second.txt"]
    outs: ["${folder}-${key}.bin"]
    metrics: ["${key}.json": {cache: false}]
"""
FILES = {
    "dvc.yaml": PIPELINE,
    "params.yaml": "splits: {first: {size: 1}, second: {size: 2}}\nrates: [0.1, 1e-3]\nfolder: data\n",
    "conf/model.yaml": "options: {depth: 3, fast: true}\nunused: 1\n",
}


@pytest.fixture
def templated(tmp_path, assay):
    """A project whose stages are all generated, with its first baseline."""
    folder = tmp_path / "templated"
    for path, text in FILES.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    assay("init", cwd=folder)
    assay("baseline", "-m", "first", cwd=folder)
    return folder


def rows(assay, folder):
    """The experiments and the workspace as `show --json` has them, by name."""
    said = json.loads(assay("show", "--json", cwd=folder).out)
    experiments = [row for baseline in said["baselines"] for row in baseline["experiments"]]
    return {row["name"]: row for row in [said["workspace"], *experiments]}


def test_generated_stages_run_and_are_shown_with_what_overrides_make_of_them(assay, templated):
    assay("run", "-n", "one", cwd=templated)
    assert (templated / "data-0.1-a.bin").read_text() == "first 1\nsecond 2\n--depth 3 --fast --lr 0.1\n"
    assert sorted(path.name for path in templated.glob("*.json")) == [
        "0.001-a.json", "0.001-b.json", "0.1-a.json", "0.1-b.json"
    ]  # fmt: skip
    assay("run", "-n", "two", "-S", "rates=[5]", "-S", "options.depth=4", cwd=templated)
    assert (templated / "data-5-a.bin").read_text() == "first 1\nsecond 2\n--depth 4 --fast --lr 5\n"
    by_name = rows(assay, templated)
    assert by_name["one"]["metrics"].keys() == {"0.1-a.json", "0.1-b.json", "0.001-a.json", "0.001-b.json"}
    assert by_name["two"]["metrics"] == {"5-a.json": {"lr": 5}, "5-b.json": {"lr": 5}}
    assert by_name["one"]["errors"] == by_name["two"]["errors"] == {}
    again = assay("repro", cwd=templated).err
    assert [line for line in again.splitlines() if "is unchanged" in line] == again.splitlines()[:4]


def test_the_same_again_runs_nothing_and_a_group_can_be_named(assay, templated):
    assay("repro", cwd=templated)
    before = picture(templated)
    assay("repro", cwd=templated)
    assert picture(templated) == before
    (templated / "data/first.txt").unlink()
    (templated / "data/first.txt").write_text("changed\n")
    assay("repro", "prepare", cwd=templated)
    assert (templated / "data/first.txt").read_text() == "first 1\n"


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"dvc.yaml": "stages:\n  a:\n    cmd: x ${folde}\n"},
         ["dvc.yaml, line 3, stages.a.cmd", "${folde}", "Did you mean folder?"]),
        ({"dvc.yaml": "vars: [none.yaml]\nstages: {}\n"}, ["dvc.yaml, line 1, vars[0]", "none.yaml"]),
        ({"dvc.yaml": "vars:\n- folder: x\nstages: {}\n"}, ["dvc.yaml, line 2, vars[0]", "folder", "params.yaml"]),
        ({"dvc.yaml": "stages:\n  a:\n    foreach: ${folder}\n    do: {cmd: x}\n"},
         ["line 3, stages.a.foreach", "'data'"]),
        ({"dvc.yaml": "stages:\n  a:\n    foreach: [b]\n    do:\n      cmd: ${item.c}\n"},
         ["line 5, stages.a.do.cmd", "a@b"]),
        ({"conf/model.yaml": "options: [\n"}, ["conf/model.yaml, line"]),
        ({"dvc.yaml": "stages: {a: {cmd: x, deps: ['gs://b/k'], outs: [o]}}\n"}, ["Stage a reads gs://b/k", "freeze"]),
        ({"dvc.yaml": "stages: {a: {cmd: x, outs: ['s3://b/k']}}\n"}, ["dvc.yaml, line 1", "'s3://b/k' lies outside"]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("verb", ["run", "repro"])
def test_a_mistake_is_one_sentence_and_changes_nothing(assay, templated, verb, files, says):
    for path, text in files.items():
        (templated / path).write_text(text)
    before = picture(templated)
    said = assay(verb, cwd=templated, code=251 if "freeze" in says else 255)
    assert len([line for line in said.err.splitlines() if line.startswith("error: ")]) == 1
    for word in says:
        assert word in said.err
    assert picture(templated) == before


def test_an_experiment_is_shown_with_the_files_of_its_own_commit(assay, templated):
    assay("run", "-n", "one", "-S", "conf/model.yaml:options.depth=9", cwd=templated)
    (templated / "conf/model.yaml").unlink()
    (templated / "params.yaml").write_text("folder: elsewhere\n")
    by_name = rows(assay, templated)
    assert by_name["one"]["errors"] == {}
    assert "0.1-a.json" in by_name["one"]["metrics"]
    assert "conf/model.yaml" in by_name[None]["errors"]["dvc.yaml"]
