"""`assay-dvc metrics` and `params` print what DVC's print: tables, Markdown, JSON."""

from __future__ import annotations

import json

import pytest

from tests.dvcsides import Sides, commit
from tests.filetree import write

FILES = {
    "dvc.yaml": """\
metrics: [top.yaml, mm]
params: [p.toml]
stages:
  two:
    cmd: echo
    params: [x, other.json: ]
    metrics: [{m.json: {cache: false}}]
""",
    "sub/dvc.yaml": "stages:\n  in:\n    cmd: echo\n    params: [a.b]\n    metrics: [{m.json: {cache: false}}]\n",
    "m.json": '{"acc": 0.123456789, "n": {"a": 1, "b": [1, 2], "c": true, "d": null}, "s": "txt"}',
    "sub/m.json": "0.5",
    "top.yaml": "f: 1e-8\nwörter: ä\n",
    "mm/z.json": '{"z": 1}',
    "mm/y.json": '{"y": 2.5}',
    "params.yaml": "x: 1\ny: [1, 2]\nz: {a: null, b: text}\n",
    "p.toml": "k = 1\n",
    "other.json": '{"o": 1, "p": {"q": 1.5}}',
    "sub/params.yaml": "a:\n  b: 3\n  c: 4\n",
}
CHANGED = {
    "m.json": '{"acc": 0.2, "n": {"a": 3, "b": [1, 2], "c": false}, "t": "txt"}',
    "top.yaml": "f: .NaN\n",
    "mm/y.json": None,
    "params.yaml": "x: 2\ny: [1, 3]\nz: {b: txt, n: 1.000001}\n",
    "other.json": '{"o": 1, "p": {"q": 2}}',
    "p.toml": "k = 2\n",
}


@pytest.fixture(scope="module")
def made(dvc_process):
    root = dvc_process.new()
    write(root, FILES)
    commit(root, "v1")
    return root


@pytest.fixture
def changed(sides):
    sides.write(CHANGED)
    return sides


@pytest.mark.parametrize(
    ("words", "cd"),
    [
        ([], "."),
        (["--json"], "."),
        (["--md"], "."),
        (["-a"], "."),
        (["-T", "--json"], "."),
        (["-A", "--json"], "."),
        (["--precision", "2"], "."),
        (["m.json", "top.yaml"], "."),
        (["-R", "mm"], "."),
        ([], "sub"),
    ],
    ids=" ".join,
)
def test_metrics_are_shown_as_dvc_shows_them(changed, words, cd):
    changed.same("metrics", "show", *words, cd=cd)


def test_a_workspace_that_is_as_its_branch_is_not_shown_twice(sides):
    assert "workspace" not in sides.same("metrics", "show", "-a")
    sides.same("metrics", "show", "-T", "--json")


@pytest.mark.parametrize(
    ("words", "cd"),
    [
        ([], "."),
        (["--json"], "."),
        (["--md"], "."),
        (["--no-path"], "."),
        (["--all"], "."),
        (["v1", "workspace", "--precision", "1"], "."),
        (["HEAD", "v1"], "."),
        (["--targets", "m.json"], "."),
        (["--json"], "sub"),
        (["nope"], "."),
    ],
    ids=" ".join,
)
def test_metrics_are_compared_as_dvc_compares_them(changed, words, cd):
    changed.same("metrics", "diff", *words, cd=cd)


@pytest.mark.parametrize(
    ("words", "cd"),
    [
        ([], "."),
        (["--json"], "."),
        (["--md", "--no-path"], "."),
        (["--all"], "."),
        (["--deps", "--all", "--json"], "."),
        (["--deps"], "."),
        (["v1", "HEAD"], "."),
        (["--targets", "p.toml", "--all"], "."),
        ([], "sub"),
        (["nope"], "."),
    ],
    ids=" ".join,
)
def test_parameters_are_compared_as_dvc_compares_them(changed, words, cd):
    changed.same("params", "diff", *words, cd=cd)


@pytest.mark.parametrize("words", [["metrics", "diff"], ["params", "diff"]], ids=" ".join)
def test_without_a_commit_there_is_nothing_to_compare(dvc_process, assay_dvc, tmp_path, words):
    sides = Sides(dvc_process, assay_dvc, dvc_process.new(), tmp_path)
    sides.write({"params.yaml": "x: 1\n"})
    sides.same(*words)
    sides.same(*words, "--json")


ODD = {
    "dvc.yaml": "metrics: [far/m.json, gone.json, m.json]\nparams: [far/p.json]\n",
    "far.dvc": f"outs:\n- md5: {'ab' * 16}.dir\n  size: 3\n  nfiles: 1\n  hash: md5\n  path: far\n",
}


@pytest.fixture(scope="module")
def old(dvc_process):
    """A history: metrics in a tracked folder that is not here, a broken pipeline between."""
    root = dvc_process.new()
    for files in ({**ODD, "m.json": "0.5"}, {"dvc.yaml": "stages: {a: 1}\n"}, ODD, {"m.json": "1"}):
        write(root, files)
        commit(root)
    return root


@pytest.mark.parametrize(
    "words",
    [
        ["metrics", "show", "--json"],
        ["metrics", "show", "-A", "--json"],
        ["metrics", "show", "-A", "--md"],
        ["metrics", "show", "-a"],
        ["metrics", "diff", "HEAD~3", "HEAD", "--json"],
        ["params", "diff", "HEAD~1", "--md"],
        ["params", "diff", "HEAD~2"],
    ],
    ids=" ".join,
)
def test_what_cannot_be_read_in_a_history_is_told_as_dvc_tells_it(dvc_process, assay_dvc, old, words):
    theirs = dvc_process.run(old, *words)
    ours = assay_dvc(*words, cwd=old, code=None)
    told = json.loads if "--json" in words else lambda text: sorted(text.splitlines())  # commits of one second
    assert ours.code == 0
    assert told(ours.out) == told(theirs.out)


def test_what_is_not_here_is_named_and_is_no_failure(assay_dvc, old):
    assert "far/m.json" in assay_dvc("metrics", "diff", "HEAD~1", cwd=old).err
    assert "could not be loaded in workspace" in assay_dvc("metrics", "show", cwd=old).err


def test_a_file_that_cannot_be_read_is_named_and_ends_non_zero(changed, assay_dvc):
    changed.write({"m.json": "{"})
    said = assay_dvc("metrics", "show", "--json", cwd=changed.ours, code=1)
    assert '"m.json": {"error": {"type": "JSONFileCorruptedError"' in said.out
    assert "m.json" in said.err
