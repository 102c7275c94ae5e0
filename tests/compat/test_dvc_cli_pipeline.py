"""`assay-dvc repro`, `stage`, `dag`, `freeze` do and print what DVC's do and print."""

from __future__ import annotations

import re

import pytest

from tests.dvcsides import Sides
from tests.filetree import write

PIPELINE = """\
stages:
  one:
    cmd: cat a.txt > b.txt
    deps:
    - a.txt
    outs:
    - b.txt
  two:
    cmd:
    - cp m0 m.json
    - cat b.txt > c.json
    deps:
    - b.txt
    - d
    params:
    - x
    metrics:
    - m.json:
        cache: false
    outs:
    - c.json
"""
BELOW = "stages:\n  in:\n    cmd: cat ../b.txt > b.txt\n    deps:\n    - ../b.txt\n    outs:\n    - b.txt\n"
FILES = {
    "dvc.yaml": PIPELINE,
    "sub/dvc.yaml": BELOW,
    "params.yaml": "x: 1\n",
    "m0": '{"acc": 0.5}',
    "a.txt": "hello\n",
    "d/1": "1\n",
    "d/2": "2\n",
}


@pytest.fixture(scope="module")
def made(dvc_process):
    """A project with data and stages that never ran."""
    root = dvc_process.new()
    write(root, FILES)
    assert dvc_process.run(root, "add", "d").code == 0
    return root


def test_a_pipeline_runs_is_skipped_and_restored_in_dvcs_words(sides):
    sides.same("repro")
    sides.same("repro")
    sides.same("repro", cd="sub", ordered=True)
    sides.write({"d/3": "3\n"})
    sides.same("repro")
    sides.write({"a.txt": "other\n"})
    sides.same("repro", "-s", "two")
    sides.same("repro", "two")
    sides.write({"b.txt": None, "c.json": None})
    sides.same("repro")
    sides.write({"a.txt": "hello\n"})
    sides.same("repro")
    sides.same_files()


def test_flags_of_repro_are_told_in_dvcs_words(sides):
    sides.same("repro", "-P")
    sides.same("repro", "-f", "one", ordered=True)
    sides.same("repro", "--downstream", "one", ordered=True)
    sides.same("repro", "--dry")
    sides.same("repro", "-R", "sub")
    sides.same("repro", "--glob", "t*")
    sides.same_files()


def test_what_goes_into_the_index_is_not_told(sides):
    sides.write({".dvc/config": "[core]\n    autostage = true\n"})
    sides.same("repro", "one", ordered=True)


def test_a_failing_stage_ends_with_dvcs_code(sides):
    sides.write({"dvc.yaml": PIPELINE.replace("cat a.txt > b.txt", "exit 3")})
    sides.same("repro", "one", ordered=True)
    sides.same("repro", "nope")
    sides.same_files()


def test_without_a_pipeline_repro_fails_as_in_dvc(dvc_process, assay_dvc, tmp_path):
    Sides(dvc_process, assay_dvc, dvc_process.new(), tmp_path).same("repro")


def test_freezing_is_told_and_written_as_in_dvc(sides):
    sides.same("repro")
    sides.same("freeze", "one", "d.dvc", ordered=True)
    sides.same("freeze", "in", cd="sub", ordered=True)
    sides.same_files()
    sides.write({"a.txt": "other\n"})
    sides.same("repro")
    sides.same("unfreeze", "one", "d.dvc", ordered=True)
    sides.same("unfreeze", "sub/dvc.yaml:in", ordered=True)
    sides.same("freeze", "nope")
    sides.same_files()


@pytest.mark.parametrize(
    ("words", "cd"),
    [
        ([], "."),
        (["--all"], "."),
        (["--name-only"], "."),
        (["-R", "."], "."),
        (["two", "sub/dvc.yaml", "d.dvc"], "."),
        ([], "sub"),
        (["--all"], "sub"),
        (["nope"], "."),
    ],
    ids=" ".join,
)
def test_stages_are_listed_as_dvc_lists_them(sides, words, cd):
    long = "a description that is longer than eighty characters, so that it has to be cut somewhere near its end"
    sides.write({"dvc.yaml": PIPELINE + f"  long:\n    cmd: echo\n    desc: {long}\n  none:\n    cmd: echo\n"})
    sides.same("stage", "list", *words, cd=cd)


def test_a_folder_without_stages_is_no_pipeline(dvc_process, assay_dvc, tmp_path):
    Sides(dvc_process, assay_dvc, dvc_process.new(), tmp_path).same("stage", "list")


def test_new_stages_are_written_and_told_as_in_dvc(sides):
    sides.same("stage", "add", "-n", "new", "-d", "a.txt", "-o", "n.txt", "-p", "x", "-M", "n.json", "cp", "a.txt", "n")
    sides.same("stage", "add", "-n", "new", "echo")
    sides.same("stage", "add", "-f", "-n", "new", "-O", "n.txt", "echo a b > n.txt")
    sides.same("stage", "add", "-n", "q", "-d", "b.txt", "-o", "q.txt", "cat", "b.txt", cd="sub")
    sides.same("stage", "add", "-n", "z")
    sides.same_files()


EACH = "  each:\n    foreach: [x, y]\n    do:\n      cmd: cat b.txt > out-${item}\n      deps: [b.txt]\n"


def arrows(text):
    """A Mermaid drawing as its labels and its arrows between labels: DVC's numbers depend on the order of files."""
    labels = dict(re.findall(r'(node\d+)\["(.*)"\]', text))
    return sorted(labels.values()), sorted(
        (labels[a], labels[b]) for a, b in re.findall(r"(node\d+)-->(node\d+)", text)
    )


@pytest.mark.parametrize(
    ("words", "cd"),
    [
        ([], "."),
        (["two"], "."),
        (["--full", "one"], "."),
        (["-o"], "."),
        (["--outs", "two"], "."),
        (["--collapse-foreach-matrix"], "."),
        ([], "sub"),
        (["in"], "sub"),
    ],
    ids=" ".join,
)
def test_the_graph_is_dvcs(sides, dvc_process, assay_dvc, words, cd):
    sides.write({"dvc.yaml": PIPELINE + EACH})
    for form in ("--mermaid", "--md"):
        theirs, ours = (
            dvc_process.run(sides.theirs / cd, "dag", form, *words),
            assay_dvc("dag", form, *words, cwd=sides.ours / cd),
        )
        assert (ours.code, arrows(ours.out)) == (theirs.code, arrows(theirs.out)), theirs.err
        assert ours.out.splitlines()[:2] == theirs.out.splitlines()[:2]
    sides.same("dag", "--dot", *words, cd=cd)
    ends = {
        said.out.rpartition("}")[2]
        for said in (
            dvc_process.run(sides.theirs / cd, "dag", "--dot", *words),
            assay_dvc("dag", "--dot", *words, cwd=sides.ours / cd, code=None),
        )
        if not said.code
    }
    assert len(ends) < 2


def test_the_graph_of_what_is_not_there_fails_as_in_dvc(sides):
    sides.same("dag", "--md", "nope")


def test_data_that_is_recorded_anew_is_told_as_in_dvc(sides):
    sides.write({"data": "data", "dvc.yaml": "stages: {s: {cmd: cat data > o, deps: [data], outs: [o]}}\n"})
    sides.same("add", "data")
    sides.same("repro", ordered=True)
    sides.same("repro", "-f", "--dry", ordered=True)
    sides.same("repro", "-f", ordered=True)
    sides.same("repro", ordered=True)
    sides.same_files()
