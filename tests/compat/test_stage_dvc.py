"""Real DVC and assay write the same stages, list them in the same words and draw the same graph."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.dvcprocess import DvcProcess

Assay = Callable[..., Any]

ADDED = [
    ["-n", "a", "true"],
    ["-n", "a-b_1", "-d", "x", "-d", "./b/", "-o", "d", "-o", "c/../e", "python x.py --a 'b c' | tee log"],
    [
        "-n",
        "é x",
        "-p",
        "b,a",
        "-p",
        "params.yaml:c",
        "-p",
        "z.json:",
        "-p",
        "f.yaml:x.y,x",
        "python",
        "a.py",
        "b c",
        "",
    ],
    [
        "-n",
        "a",
        "-p",
        "params.yaml:",
        "-m",
        "m2",
        "-M",
        "m1",
        "--plots",
        "p2",
        "--plots-no-cache",
        "p1",
        "-O",
        "o",
        "x",
    ],
    ["-n", "a", "--outs-persist", "op", "--outs-persist-no-cache", "oq", "-m", "mm", "-o", "oo", "--plots", "pp", "x"],
    [
        "-n",
        "a",
        "-w",
        "sub",
        "-d",
        "../x",
        "-o",
        "o",
        "-o",
        "../p",
        "--always-changed",
        "--desc",
        'it\'s: "odd" #1',
        "x",
    ],
    ["-n", "a", "-d", "x y", "-o", "#o", "-o", "o*?", "echo one\necho two"],
    ["-n", "a", "-d", "x", "echo " + "word " * 30 + "${HOME} > 'x'"],
    ["-n", "yes", "-d", "x", "echo", "-n", "-o", "x"],
    ["-n", "1", "-o", "no", "-o", "1", "-o", "1e5", "--desc", "on\ntwo lines", "null"],
]
PIPELINE = """\
stages:
  prep: {cmd: x, deps: [prep.py, raw.csv], outs: [data], desc: "prepares   \\n it"}
  train:
    foreach: [1, 2]
    do: {cmd: x, deps: [data/in], params: [lr], outs: ['m${item}'], metrics: ['s${item}.json': {cache: false}]}
  pick: {cmd: x, deps: [m1, m2, data], outs: [best], plots: [p.csv], frozen: true}
  lonely: {cmd: x}
  reader: {cmd: x, deps: [lone.txt], params: [other.yaml: ]}
"""
SUB = "stages:\n  use: {cmd: x, deps: [../best], outs: [o]}\n"
DATA = "outs:\n- md5: b026324c6904b2a9cb4b88d6d61c81d1\n  size: 2\n  hash: md5\n  path: raw.csv\n"


@pytest.fixture
def both(dvc_process: DvcProcess, assay: Assay, tmp_path: Path) -> tuple[Path, Path]:
    """A folder of DVC's and one of assay's with the same pipeline."""
    ours = tmp_path / "ours"
    ours.mkdir()
    assay("init", cwd=ours)
    theirs = dvc_process.new()
    for folder in (ours, theirs):
        (folder / "sub").mkdir()
        (folder / "params.yaml").write_text("lr: 1\n")
        (folder / "dvc.yaml").write_text(PIPELINE)
        (folder / "sub/dvc.yaml").write_text(SUB)
        (folder / "raw.csv.dvc").write_text(DATA)
    return ours, theirs


def test_a_new_stage_has_the_bytes_that_dvc_writes(dvc_process: DvcProcess, assay: Assay, tmp_path: Path) -> None:
    for number, words in enumerate(ADDED):
        ours, theirs = tmp_path / str(number), dvc_process.new()
        for folder in (ours, theirs):
            (folder / "sub").mkdir(parents=True)
        (ours / "params.yaml").write_text("HOME: 1\n")
        assay("init", cwd=ours)
        answer = dvc_process.run(theirs, "stage", "add", *words)
        assert answer.code == 0, answer.err
        assay("stage", "add", *words, cwd=ours)
        for name in ("dvc.yaml", ".gitignore", "sub/.gitignore"):
            written = [(folder / name).read_text() if (folder / name).exists() else None for folder in (ours, theirs)]
            assert written[0] == written[1], (words, name)


def test_a_second_stage_too(dvc_process: DvcProcess, assay: Assay, tmp_path: Path) -> None:
    assay("init", cwd=tmp_path)
    theirs = dvc_process.new()
    for words in (["-n", "a", "-o", "o", "x"], ["-n", "b", "-d", "o", "-O", "p", "echo " + "long " * 20]):
        assay("stage", "add", *words, cwd=tmp_path)
        dvc_process.run(theirs, "stage", "add", *words)
    assert (tmp_path / "dvc.yaml").read_text() == (theirs / "dvc.yaml").read_text()


def test_what_dvc_refuses_is_refused(dvc_process: DvcProcess, assay: Assay, both: tuple[Path, Path]) -> None:
    ours, theirs = both
    for words in (
        ["-n", "a.b", "x"],
        ["-n", "prep", "x"],
        ["-n", "a", "-o", "data", "x"],
        ["-n", "a", "-o", "data/in", "x"],
        ["-n", "a", "-o", "../o", "x"],
        ["-n", "a", "-d", "best", "-o", "raw.csv", "x"],
        ["-n", "a", "-d", "best", "-o", "prep.py", "x"],
        ["-n", "a", "-d", "q", "-o", "q", "x"],
        ["-n", "a", "-o", "q", "-m", "q", "x"],
        ["-n", "a", "-w", "nowhere", "x"],
        ["-n", "a"],
    ):
        assert dvc_process.run(theirs, "stage", "add", *words).code != 0, words
        assay("stage", "add", *words, cwd=ours, code=None)
        assert (ours / "dvc.yaml").read_text() == PIPELINE, words


def test_dvc_reads_what_we_edited_as_it_was_meant(
    dvc_process: DvcProcess, assay: Assay, both: tuple[Path, Path]
) -> None:
    ours, theirs = both
    before = dvc_process.resolve(theirs)["stages"]
    assay("stage", "add", "-f", "-n", "prep", "-d", "prep.py", "-d", "raw.csv", "-o", "data", "y", cwd=ours)
    assay("stage", "remove", "lonely", cwd=ours)
    assay("unfreeze", "pick", cwd=ours)
    assay("freeze", "reader", "sub/dvc.yaml:use", "raw.csv.dvc", cwd=ours)
    for name in ("dvc.yaml", "sub/dvc.yaml", "raw.csv.dvc"):
        (theirs / name).write_text((ours / name).read_text())
    after = dvc_process.resolve(theirs)["stages"]
    assert before.keys() - after.keys() == {"lonely"}
    assert after["prep"] == {**before["prep"], "cmd": "y"}
    frozen = {name for name, stage in after.items() if stage["frozen"]}
    assert frozen == {"reader", "sub/dvc.yaml:use", "raw.csv.dvc"}
    same = before.keys() & after.keys() - frozen - {"prep", "pick"}
    assert {name: after[name] for name in same} == {name: before[name] for name in same}


def test_dvc_freezes_to_the_same_data(dvc_process: DvcProcess, assay: Assay, both: tuple[Path, Path]) -> None:
    ours, theirs = both
    assert dvc_process.run(theirs, "freeze", "prep", "raw.csv.dvc").code == 0
    assay("freeze", "prep", "raw.csv.dvc", cwd=ours)
    for name in ("dvc.yaml", "raw.csv.dvc"):
        assert yaml.safe_load((ours / name).read_text()) == yaml.safe_load((theirs / name).read_text())


@pytest.mark.parametrize("folder", ["", "sub"])
def test_the_list_is_dvcs(dvc_process: DvcProcess, assay: Assay, both: tuple[Path, Path], folder: str) -> None:
    ours, theirs = both
    for words in ([], ["--all"], ["-R", "."], ["--name-only"]):
        answer = dvc_process.run(theirs / folder, "stage", "list", *words)
        assert answer.code == 0, answer.err
        said = assay("stage", "list", *words, cwd=ours / folder)
        assert sorted(said.out.splitlines()) == sorted(answer.out.splitlines()), words


def graph(text: str) -> tuple[set[str], set[tuple[str, str]]]:
    """The nodes and arrows of a Mermaid flowchart."""
    names = dict(re.findall(r'(node\d+)\["(.*)"\]', text))
    return set(names.values()), {
        (names[start], names[end]) for start, end in re.findall(r"(node\d+)-->(node\d+)", text)
    }


@pytest.mark.parametrize("folder", ["", "sub"])
def test_the_graph_is_dvcs(dvc_process: DvcProcess, assay: Assay, both: tuple[Path, Path], folder: str) -> None:
    ours, theirs = both
    questions = [[], ["--outs"], ["--collapse-foreach-matrix"], ["--full", "use" if folder else "prep"]]
    questions += [["use"], ["--outs", "use"]] if folder else [["pick"], ["raw.csv"], ["train"], ["--outs", "pick"]]
    for words in questions:
        theirs_said = dvc_process.run(theirs / folder, "dag", "--mermaid", *words)
        assert theirs_said.code == 0, theirs_said.err
        said = assay("dag", "--mermaid", *words, cwd=ours / folder).out
        assert graph(said) == graph(theirs_said.out), words
        assert said.count("\n") == theirs_said.out.count("\n")
        markdown = assay("dag", "--md", *words, cwd=ours / folder).out
        assert graph(markdown) == graph(said)
        dot = dvc_process.run(theirs / folder, "dag", "--dot", *words).out
        assert set(assay("dag", "--dot", *words, cwd=ours / folder).out.split("\n")) == set(dot.split("\n"))
