"""Real DVC and assay say the same about the same pipeline: files written, files refused, commands run."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from assay.engine.errors import BadInput
from assay.engine.events import silent
from assay.engine.model import AdHoc
from assay.engine.pipeline import lock
from assay.engine.pipeline.adhoc import edit, stage_data
from assay.engine.pipeline.gitignore import ignore
from assay.engine.pipeline.lock import LockFile
from assay.engine.pipeline.observe import Observer
from assay.engine.pipeline.runner import StageLog, environment, run_stage
from assay.engine.pipeline.spec import parse
from tests.dvcprocess import DvcProcess
from tests.workspace import Workspace

Dvc = Callable[..., SimpleNamespace]


@pytest.fixture
def work(tmp_path: Path) -> Iterator[Workspace]:
    workspace = Workspace(tmp_path / "project")
    yield workspace
    workspace.project.close()


@pytest.fixture
def dvc(dvc_process: DvcProcess, tmp_path: Path) -> Dvc:
    """Runs the real DVC in tmp_path/dvc, a fresh project."""
    folder = tmp_path / "dvc"
    folder.mkdir()

    def run(*words: str, check: bool = True) -> SimpleNamespace:
        done = dvc_process.run(folder, *words)
        assert not check or done.code == 0, done.err
        return done

    run("init", "-q", "--no-scm")
    return run


PARAMS = r"""
train:
  lr: 1e-05
  big: 1e+20
  zero: -0.0
  inf: .inf
  nothing:
  on: yes
  octal: 007
  under: 1_000
  layers: [1, [2, [3]], {a: {b: []}}, {}]
  text: "two\nlines"
  long: "word word word word word word word word word word word word word word word word word word word word"
  quotes: "it's \"quoted\" \\ and \ttabbed"
  unicode: "日本 é \U0001F600"
  odd: ["null", "true", "1.0", "1e5", "~", "", " x", "x ", "a: b", "#c", "- d", "=", "2020-01-01", "'", "@x", "x#y"]
again: {layers: [1]}
list: [1, 2]
same: {}
"a.b": 3
"""
OTHER = "Z = 1\nclass Train:\n    lr = 0.1\n    sizes = (1, 2, (3, 4))\n    names = {'a': 'b'}\n"
JSON = '{"y": {"z": 1.50}, "x": [true, null, 1e-7]}'
PIPELINE = """\
stages:
  one:
    cmd:
    - mkdir -p data/deep
    - echo hello > data/deep/a.txt
    - >-
      echo a very long command line that has to be folded by the writer because it is longer than eighty columns && true
    params:
    - train
    - list
    - same
    - again.layers
    - z.py: [Train.lr, Train.sizes, Train.names, Z]
    - a.json:
    outs:
    - data
  two:
    cmd: |
      cat data/deep/a.txt > 'm odel'
      echo '{"acc": 0.5}' > m.json
      chmod +x 'm odel'
    wdir: .
    deps: [data, in.txt]
    outs: ['m odel']
    metrics: [m.json: {cache: false}]
"""


def test_a_lock_file_of_dvcs_is_what_we_would_have_written(dvc: Dvc, tmp_path: Path, work: Workspace) -> None:
    files = {"dvc.yaml": PIPELINE, "params.yaml": PARAMS, "z.py": OTHER, "a.json": JSON, "in.txt": "x\n"}
    for path, text in files.items():
        (tmp_path / "dvc" / path).write_text(text)
        work.write(path, text)
    dvc("repro", "-q")
    written = (tmp_path / "dvc/dvc.lock").read_text()
    found = lock.parse(written, "dvc.lock")
    assert lock.dump(found) == written

    # The same bytes from values alone: our parameters, as our readers see them, in entries made afresh.
    observer = Observer(work.project)
    stages = {stage.name: stage for stage in parse(PIPELINE, "dvc.yaml").stages}
    made = {}
    for name, entry in found.stages.items():
        params = {dep.spelled: observer.values(dep) or {} for dep in stages[name].params}
        made[name] = lock.LockEntry(stages[name].cmd, entry.deps, params, entry.outs)
    assert lock.dump(LockFile().replaced(made)) == written


COMMANDS = {
    "text": "cd sub\npwd | sed 's|.*/||' > where\n",
    "list": ["cd sub\npwd | sed 's|.*/||' > where2", "pwd | sed 's|.*/||' >> sub/where2"],
    "variables": "echo $DVC_STAGE $(basename $DVC_ROOT) \\${HOME:+home} > vars",
    "empty lines": "\n\necho x > empty\n\n",
    "input": "cat > input",
}


def test_commands_do_the_same(dvc: Dvc, tmp_path: Path) -> None:
    import json

    root = tmp_path / "dvc"
    (root / "sub").mkdir()
    text = json.dumps({"stages": {name.replace(" ", "-"): {"cmd": cmd} for name, cmd in COMMANDS.items()}})
    (root / "dvc.yaml").write_text(text)

    def results() -> dict[str, str]:
        found = [path for path in root.rglob("*") if path.is_file() and not path.is_relative_to(root / ".dvc")]
        own = ("dvc.yaml", "dvc.lock", ".dvcignore")
        return {path.name: path.read_text() for path in found if path.name not in own}

    dvc("repro", "-q")
    theirs = results()
    for name in theirs:
        next(root.rglob(name)).unlink()
    with StageLog("", silent) as log:
        for stage in parse(text, "dvc.yaml").stages:
            run_stage(stage, str(root), environment(os.environ, stage.address, str(root), "", {}), log)
    assert results() == theirs
    assert theirs["where"] == "dvc\n"
    assert theirs["where2"] == "sub\ndvc\n"


ACCEPTED = [
    "stages: {a: {cmd: x, deps: [a.py], outs: [o: {cache: false, desc: d, meta: {x: 1}, labels: [l], type: t}]}}",
    "stages: {a: {cmd: [x, y], frozen: true, always_changed: true, meta: 1, desc: d, params: [p, q.yaml: null]}}",
    "stages: {a: {cmd: x, plots: [p.csv: {x: a, y: b, header: false, cache: false}]}}",
    "metrics: [m.json]\nparams: [p.yaml]\nplots: [a.csv, {b: {x: s}}, {c: null}]\nartifacts: {m: {path: x}}",
    "",
]
REFUSED = [
    "stage: {}",
    "stages: {a: {cmd: x, dep: [a]}}",
    "stages: {a: {deps: [a]}}",
    "stages: {a: {cmd: x, deps: a}}",
    "stages: {a: {cmd: x, outs: [o: {cached: true}]}}",
    "stages: {a: {cmd: x, outs: [o: {cache: 1}]}}",
    "stages: {a: {cmd: x, outs: [o: null]}}",
    "stages: {a: {cmd: x, deps: [o], outs: [o]}}",
    "stages: {a: {cmd: x, outs: [o: {x: 1}]}}",
    "stages: {a: {cmd: 1}}",
    "stages: {a: {cmd: x, frozen: 1}}",
    "metrics: m.json",
]


@pytest.mark.parametrize("text", [*ACCEPTED, *REFUSED])
@pytest.mark.slow
def test_the_same_files_are_accepted_and_refused(dvc: Dvc, tmp_path: Path, text: str) -> None:
    (tmp_path / "dvc/dvc.yaml").write_text(text)
    theirs = dvc("dag", check=False).code == 0
    try:
        parse(text, "dvc.yaml")
        ours = True
    except BadInput:
        ours = False
    assert ours == theirs == (text in ACCEPTED)


def test_dvc_runs_a_stage_that_was_given_on_the_line(dvc: Dvc, tmp_path: Path) -> None:
    root = tmp_path / "dvc"
    words = ("sh", "-c", "echo '${PWD}' > 'o 1'; echo {} > m.json")
    command = AdHoc(words, outs=("o 1",), metrics=("m.json",), params=("p.yaml",))
    (root / "p.yaml").write_text("a: 1\n")
    (root / "dvc.yaml").write_text(edit("# mine\nstages:\n  a:\n    cmd: 'true'\n", stage_data(command)))
    dvc("repro", "-q", "run")
    assert (root / "o 1").read_text() == "${PWD}\n"
    assert (root / "m.json").read_text() == "{}\n"


def test_the_same_lines_keep_outputs_out_of_git(dvc: Dvc, tmp_path: Path, git: Callable[..., str]) -> None:
    names = ["plain", "#hash", "!bang", "a b", "st*r", "q?", "[x]", "ünï"]
    root = tmp_path / "dvc"
    git("init", "-q", cwd=root)
    (root / ".dvc/config").write_text("")
    (root / ".gitignore").write_text("first")
    for name in names:
        (root / name).write_text("x")
    dvc("add", "-q", *names)
    theirs = (root / ".gitignore").read_text()
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / ".gitignore").write_text("first")
    ignore(str(mine), names)
    assert (mine / ".gitignore").read_text() == theirs


@pytest.mark.law(8)
def test_dvc_reads_what_commands_write_into_a_dvc_yaml(dvc_process, assay, tmp_path):
    assay("init", "--dvc", cwd=tmp_path)
    (tmp_path / "in.txt").write_text("1\n")
    (tmp_path / "params.yaml").write_text("lr: 1\n")
    assay("baseline", "-m", "first", cwd=tmp_path)
    assay(
        "run",
        "--deps",
        "in.txt",
        "--params",
        "params.yaml",
        "--outs",
        "o",
        "--",
        "sh",
        "-c",
        "echo 1 > o",
        cwd=tmp_path,
    )
    assay("stage", "add", "-n", "a", "-d", "o", "-O", "p", "--desc", "x", "touch", "p", cwd=tmp_path)
    assay("freeze", "a", cwd=tmp_path)
    assert set(dvc_process.resolve(tmp_path)["stages"]) == {"run", "a"}
