"""`assay-dvc status` and `data status` say what DVC's say, in every state that a project can be in."""

from __future__ import annotations

import json

import pytest

from tests.dvcsides import Sides, commit
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
    cmd: cp m0 m.json; cat b.txt > c.json
    deps:
    - b.txt
    - d
    params:
    - x
    - other.json:
    metrics:
    - m.json:
        cache: false
    outs:
    - c.json
  callback:
    cmd: "true"
  always:
    cmd: echo > always
    always_changed: true
    outs:
    - always
  each:
    foreach: [x, y]
    do:
      cmd: cat b.txt > out-${item}
      deps:
      - b.txt
      outs:
      - out-${item}
"""
BELOW = """\
stages:
  in:
    cmd: cat ../a.txt > b.txt
    deps:
    - ../a.txt
    outs:
    - b.txt
"""
FILES = {
    "dvc.yaml": PIPELINE,
    "sub/dvc.yaml": BELOW,
    "params.yaml": "x: 1\n",
    "other.json": '{"k": 1}',
    "m0": '{"acc": 0.5}',
    "a.txt": "hello\n",
    "d/1": "1\n",
    "d/2": "2\n",
    "s.txt": "9\n",
    "sub/s2.txt": "9\n",
}


@pytest.fixture(scope="module")
def made(dvc_process):
    """A project that DVC has brought up to date, and committed."""
    root = dvc_process.new()
    write(root, FILES)
    assert dvc_process.run(root, "add", "d", "s.txt", "sub/s2.txt").code == 0
    assert dvc_process.run(root, "repro", "-P").code == 0
    commit(root)
    return root


CHANGED = {
    "a.txt": "other\n",
    "other.json": '{"k": 2, "l": 3}',
    "params.yaml": "y: 3\n",
    "d/3": "3\n",
    "s.txt": None,
    "always": None,
    "c.json": None,
}
STATES = {
    "nothing changed": {},
    "a dependency, parameters, data and outputs changed": CHANGED,
    "files of a folder changed": {"d/1": "one\n", "d/2": None},
    "a dependency is gone": {"a.txt": None},
    "an output is edited": {"b.txt": "edited\n"},
    "a params file is gone": {"other.json": None, "params.yaml": None},
    "the cache is empty": {".dvc/cache/files": None},
    "the cache is empty and so is the workspace": {".dvc/cache/files": None, "b.txt": None, "d": None},
    "a command changed": {"dvc.yaml": PIPELINE.replace("cat a.txt", "cat  a.txt").replace('"true"', "echo")},
    "a dependency is new": {"dvc.yaml": PIPELINE.replace("    - a.txt\n", "    - a.txt\n    - m0\n")},
    "a dependency is new and not there": {"dvc.yaml": PIPELINE.replace("    - a.txt\n", "    - a.txt\n    - nope\n")},
    "an output is new": {"dvc.yaml": PIPELINE.replace("    - b.txt\n  two", "    - b.txt\n    - m0\n  two")},
    "a stage never ran": {"dvc.yaml": PIPELINE + "  late:\n    cmd: echo\n    deps:\n    - a.txt\n    params: [x]\n"},
    "nothing ever ran": {"dvc.lock": None, "sub/dvc.lock": None},
    "a frozen stage": {"dvc.yaml": PIPELINE.replace("  two:\n", "  two:\n    frozen: true\n"), "c.json": "edited"},
    "data without a digest": {"s.txt.dvc": "outs:\n- path: s.txt\n"},
    "data was replaced by a folder": {"s.txt": None, "s.txt/x": "1"},
    "no pipeline at all": dict.fromkeys([*FILES, "d.dvc", "s.txt.dvc", "sub", "dvc.lock"]),
}


@pytest.mark.parametrize("state", STATES)
def test_status_says_what_dvc_says_of_it(sides, state):
    sides.write(STATES[state])
    sides.same("status", "--json")
    if "frozen" in state or "parameters" in state or "no pipeline" in state:  # the text says what the JSON says
        sides.same("status")


@pytest.mark.parametrize(
    ("words", "cd"),
    [
        (["two"], "."),
        (["-d", "two"], "."),
        (["two", "d/1", "sub/s2.txt.dvc"], "."),
        (["b.txt"], "."),
        (["dvc.yaml"], "."),
        (["each@x", "sub/dvc.yaml:in"], "."),
        ([], "sub"),
        (["-R", "."], "sub"),
        (["-R", "sub"], "."),
        (["in", "../dvc.yaml:two", "../s.txt"], "sub"),
        (["-q"], "."),
        (["nope"], "."),
        (["--json", "nope"], "."),
    ],
    ids=" ".join,
)
def test_status_of_targets_is_dvcs(sides, words, cd):
    sides.write(CHANGED)
    sides.same("status", *words, cd=cd)


def test_an_up_to_date_project_says_so(sides):
    sides.write({"dvc.yaml": PIPELINE.partition("  callback")[0]})
    assert sides.same("status") == "Data and pipelines are up to date.\n"


DATA_STATES = {
    **{name: STATES[name] for name in ("nothing changed", "the cache is empty", "nothing ever ran")},
    "files changed, came and went": {**CHANGED, "d/1": "one\n", "d/2": None, "new": "n", "sub/s2.txt": None},
    "data has another name": {"sub/s2.txt": None, "sub/s3.txt": "9\n"},
    "data is not recorded any more": {"s.txt.dvc": None, "d.dvc": None},
    "an object of a folder is gone": {f".dvc/cache/files/md5/{'26ab0db90d72e28ad0ba1e22ee510510'[:2]}": None},
    "no pipeline at all": STATES["no pipeline at all"],
}


@pytest.mark.parametrize("state", DATA_STATES)
def test_data_status_says_what_dvc_says_of_it(sides, state):
    sides.write(DATA_STATES[state])
    sides.same("data", "status", "--json", "--granular", "--unchanged")
    if state != "an object of a folder is gone":  # of which DVC says nothing unless files are asked for
        sides.same("data", "status", "--untracked-files")


@pytest.mark.parametrize(
    "words", [["--granular", "d/1"], ["d"], ["s.txt", "sub/s2.txt"], ["--unchanged"], ["--granular", "--json", "d"]]
)
def test_data_status_of_targets_is_dvcs(sides, words):
    sides.write(DATA_STATES["files changed, came and went"])
    sides.same("data", "status", *words)


def test_data_status_before_the_first_commit_is_dvcs(dvc_process, assay_dvc, tmp_path):
    sides = Sides(dvc_process, assay_dvc, dvc_process.new(), tmp_path)
    assert sides.same("data", "status") == "No changes in an empty git repo.\n"
    assert json.loads(sides.same("data", "status", "--json")) == {}
    sides.write({"x": "1"})
    sides.same("add", "x")
    sides.same("data", "status", "--granular", "--json")


def test_status_of_an_empty_project_points_to_a_beginning(dvc_process, assay_dvc, tmp_path):
    sides = Sides(dvc_process, assay_dvc, dvc_process.new(), tmp_path)
    sides.same("status", ordered=True)
    sides.same("status", "--json")
