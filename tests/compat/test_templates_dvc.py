"""Real DVC and assay resolve the same dvc.yaml to the same stages: odd cases, picked by hand.

Each case is a dvc.yaml and the files after it, each after a line ``--- path``. What one refuses the other refuses.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from assay.engine import layout
from assay.engine.errors import AssayError
from assay.engine.experiments.record import read_workspace
from assay.engine.pipeline import spec
from assay.engine.pipeline.choice import EVERYTHING
from assay.engine.pipeline.repro import reproduce
from tests.dvcprocess import DvcProcess, DvcRefused
from tests.workspace import Workspace

PARAMS = """
--- params.yaml
lr: 1e-5
big: 1e10
word: w
on: true
none: null
layers: [3, 4.0, true, null]
names: [a b, c]
maps: [{k: 1, v: [x]}, {k: 2, v: [y]}]
table: {first: {p: 1}, second: {p: 2.0}}
opts: {lr: 0.1, on: true, off: false, name: it's a, l: [1, x y, null], deep: {er: 1, e: {}}, none: null, z: []}
"""

CASES = r"""
stages: {s: {cmd: 'x ${lr} ${big} ${on} ${none} ${word} $HOME {a}'}}
=====
stages: {s: {cmd: 'x ${layers[0]} ${layers.-1} ${ layers . 1 } ${maps[1].v[0]} ${maps[1][v]  [0]} ${layers.0_1}'}}
=====
stages: {s: {cmd: 'x \${a} \\${b} ${ $${word} ${word}}', desc: '\${x}', deps: ['\${d}']}}
=====
stages: {s: {cmd: 'x ${opts}', meta: {'${word}': '${on}'}}, t: {cmd: ['y ${opts.deep}', '${word}']}}
=====
stages: {s: {cmd: "one ${word}\ntwo ${lr\n} three", wdir: '${word}', outs: ['${word}.out']}}
=====
stages: {s: {cmd: x, params: ['${word}', '${word}.x', {'${word}.yaml': ['${word}']}, {g.yaml: }, {h.yaml: []}]}}
=====
stages: {s: {cmd: x, outs: [{'${word}': {cache: false, desc: 'of ${lr}', labels: ['${word}']}}, 'o ${lr}']}}
=====
stages: {s: {cmd: x, metrics: ['${word}.json'], plots: [{'${word}.csv': {x: '${word}', title: 'a ${lr}'}}]}}
=====
stages: {s: {cmd: x, deps: ['${word}', '${word}', './${word}']}}
=====
stages: {s: {cmd: x, deps: ['../outside', '/absolute/path']}}
=====
stages:
  s: {foreach: '${layers}', do: {cmd: 'x ${item}'}}
  t: {foreach: [3, 4.0, true, null, '${on}'], do: {cmd: 'x ${item}'}}
=====
stages: {s: {foreach: '${maps}', do: {cmd: 'x ${item.k} ${item}', deps: ['${item.v[0]}']}}}
=====
stages: {s: {foreach: '${table}', do: {cmd: 'x ${key} ${item.p}', outs: ['${key}']}}}
=====
stages: {s: {foreach: {a: 1, 'b${word}': '${on}', c: {d: '${layers}'}}, do: {cmd: 'x ${key}'}}}
=====
stages: {s: {foreach: ['${word}', '${maps}', {x: '${word}', y: '${layers}'}], do: {cmd: x}}}
=====
stages: {s: {foreach: [{o: '${opts}', p: '\${q}'}], do: {cmd: 'x ${item.o} ${item.p}'}}}
=====
stages: {s: {foreach: [a, a, '1', 1, 1.0], do: {cmd: 'x ${item}'}}}
=====
stages: {s: {foreach: [], do: {cmd: x}}, t: {foreach: {}, do: {cmd: x}}, u: {matrix: {a: [], b: [1]}, cmd: x}}
=====
stages: {s: {foreach: [a b, x/y, é, 'a:b', a-b], do: {cmd: 'x ${item}'}}}
=====
stages: {'s@t': {foreach: [a], do: {cmd: 'x ${item}'}}}
=====
stages:
  s:
    matrix: {a: '${layers}', b: [true, {q: 1}, [2]], c: ab, d: '${table}'}
    cmd: 'x ${item.a} ${item.c} ${item.d} ${key}'
=====
stages:
  s:
    matrix: {a: [x, y], b: [1, '1', 1.0]}
    cmd: '${item.a} ${item[b]}'
    wdir: ${item.a}
    frozen: true
    outs: ['${key}']
=====
stages: {s: {matrix: {a: [null, ''], b: [k]}, cmd: 'x ${key}'}}
=====
stages: {s: {foreach: [a], do: {cmd: 'x ${item}', matrix: {m: ['${item}']}}}}
=====
vars: [v.yaml, 'w.json:x,y', {inline: {q: 1}}, {inline: {r: 2}}, v.yaml, ./v.yaml]
stages: {s: {cmd: 'x ${table.third.p} ${x} ${y.z} ${inline.q} ${inline.r}'}}
--- v.yaml
table: {third: {p: 3}}
--- w.json
{"x": 1.50, "y": {"z": "\u00e9"}, "lr": 3}
=====
vars: [t.toml, p.py]
stages: {s: {cmd: 'x ${t.k} ${t.l[1]} ${K} ${C.D}'}}
--- t.toml
t = {k = 1e3, l = [1, 2]}
--- p.py
K = 3
class C:
    D = "q"
=====
stages: {s: {cmd: 'x ${w}', wdir: '${word}', vars: [v.yaml, {x: 1}], outs: [o]}, t: {cmd: 'x ${w}', vars: [{w: 2}]}}
--- w/v.yaml
w: deep
=====
stages: {s: {foreach: [a, b], do: {cmd: 'x ${item} ${extra}', vars: [{key: 2, extra: 3}], desc: '${key} ${extra}'}}}
=====
vars: [{item: outer, key: k}]
stages:
  s: {foreach: [a], do: {cmd: '${item} ${key}'}}
  t: {matrix: {m: [1]}, cmd: '${item.m} ${key}'}
  u: {cmd: '${item}'}
=====
vars: [{x: '\${y}', 'a b': {'': e}}]
stages: {s: {cmd: 'x ${x} ${a b. } ${ a b [ ] }'}, t: {cmd: '${x}'}}
=====
params: ['${word}.yaml']
metrics: ['${word}.json', 'm/${lr}']
plots: ['${word}.csv', {'${word}': {x: '${word}', y: {'${word}.tsv': ['${word}', b]}, title: '${word}'}}]
artifacts: {'m${word}': {path: '${word}', labels: ['${word}'], meta: '${opts}'}}
datasets: [{name: '${word}', type: url, url: 'u/${lr}', more: '${layers}'}]
=====
stages: {s: {cmd: &c 'x ${word}'}, t: {cmd: *c}, u: &u {cmd: *c, desc: d}, v: {<<: *u, desc: 'a ${lr}'}}
=====
stages: {s: {cmd: "x \x24{word}", deps: ['a\x24{word}']}}
=====
stages: {s: {cmd: x}, 's${word}': {cmd: y}}
=====
stages: {s: {cmd: 'x ${lr'}}
=====
stages: {s: {cmd: 'x ${nope}'}}
=====
stages: {s: {cmd: 'x ${}'}}
=====
stages: {s: {cmd: 'x ${layers[0}'}}
=====
stages: {s: {cmd: 'x ${layers[9]}'}}
=====
stages: {s: {cmd: 'x ${layers}'}}
=====
stages: {s: {cmd: 'x ${word.k}'}}
=====
stages: {s: {cmd: x, deps: ['${opts}']}}
=====
stages: {s: {cmd: x, deps: ['${lr}']}}
=====
stages: {s: {cmd: x, outs: ['${on}']}}
=====
stages: {s: {cmd: x, params: ['${lr}']}}
=====
stages: {s: {cmd: x, wdir: '${lr}'}}
=====
stages: {s: {cmd: x, meta: '${opts}'}}
=====
stages: {s: {cmd: x, frozen: '${on}'}}
=====
stages: {s: {cmd: x, outs: [{a: {cache: '${on}'}}]}}
=====
stages: {s: {cmd: x, deps: '${layers}'}}
=====
stages: {s: {cmd: 'x ${maps[0]}', desc: 'd ${maps[0]}'}}
=====
stages: {s: {cmd: 'x ${m}', vars: [{m: {a: [1, [2]]}}]}}
=====
stages: {s: {cmd: 'x ${m}', vars: [{m: {a.b: 1, a: {b: 2}}}]}}
=====
stages: {s: {foreach: '${lr}', do: {cmd: x}}}
=====
stages: {s: {foreach: abc, do: {cmd: x}}}
=====
stages: {s: {foreach: ['a@b'], do: {cmd: x}}}
=====
stages: {s: {foreach: [''], do: {cmd: x}}}
=====
stages: {s: {foreach: [a], cmd: x}}
=====
stages: {s: {foreach: [a], do: {cmd: x}, desc: y}}
=====
stages: {s: {matrix: {a: [1]}, foreach: [1], do: {cmd: x}}}
=====
stages: {s: {matrix: {}, cmd: x}}
=====
stages: {s: {matrix: {a: 5}, cmd: x}}
=====
stages: {s: {matrix: {a: '${lr}'}, cmd: x}}
=====
stages: {s: {matrix: [1], cmd: x}}
=====
stages: {'s@t': {cmd: x}}
=====
stages: {s: {foreach: [a], do: {cmd: '${item.b}'}}}
=====
stages: {s: {foreach: [a], do: {cmd: x, vars: [{item: 1}]}}}
=====
stages: {s: {cmd: x, vars: [{lr: 1}]}}
=====
stages: {s: {cmd: x, vars: [{q: '${lr}'}]}}
=====
vars: ['${word}.yaml']
=====
vars: [{a: {b: ['${word}']}}]
=====
vars: [{'${word}': 1}]
=====
vars: [{lr: 1}]
=====
vars: [{lr: {a: 1}}]
=====
vars: [{opts: {lr: 1}}]
=====
vars: [{a: [1]}, {a: [1]}]
=====
vars: ['params.yaml:lr']
=====
vars: ['v.yaml:a', v.yaml]
--- v.yaml
a: 1
=====
vars: ['v.yaml:a', 'v.yaml:b,a']
--- v.yaml
a: 1
b: 2
=====
vars: ['v.yaml:c']
--- v.yaml
a: 1
=====
vars: [nope.yaml]
=====
vars: [v.yaml]
--- v.yaml
[1]
=====
vars: [1]
=====
vars: {a: 1}
=====
metrics: '${layers}'
=====
artifacts: {a: {path: '${nope}'}}
"""


def files_of(case: str) -> dict[str, str]:
    """The files of a case by path."""
    files: dict[str, str] = {}
    for part in ("--- dvc.yaml\n" + case.strip("\n") + PARAMS).split("--- ")[1:]:
        path, _, text = part.partition("\n")
        files[path] = text
    return files


def theirs(dvc: DvcProcess, root: Path) -> dict[str, Any] | str:
    """What DVC makes of a project; its sentence when it refuses."""
    try:
        said = dvc.resolve(root)
    except DvcRefused as error:
        return str(error)
    for stage in said["stages"].values():
        stage["outs"] = [out["path"] for out in stage["outs"]]
    return {
        "stages": said["stages"],
        "artifacts": said["artifacts"].get("dvc.yaml", {}),
        "datasets": said["datasets"].get("dvc.yaml", []),
        "metrics": said["metrics"].get("dvc.yaml", []),
        "params": said["params"].get("dvc.yaml", []),
    }


def ours(files: Mapping[str, str]) -> dict[str, Any] | str:
    """The same of assay."""
    try:
        file = spec.resolved(
            files["dvc.yaml"].encode(), "dvc.yaml", lambda path: files[path].encode() if path in files else None
        )
    except AssayError as error:
        return error.message
    stages = {
        stage.name: {
            "name": stage.name,
            "group": stage.group,
            "parametrized": stage.parametrized,
            "cmd": list(stage.cmd) if isinstance(stage.cmd, tuple) else stage.cmd,
            "wdir": stage.wdir or ".",
            "deps": [dep.spelled for dep in stage.deps],
            "params": {params.spelled: list(params.names) for params in stage.params},
            "outs": [out.spelled for out in stage.outs],
            "frozen": stage.frozen,
            "always_changed": stage.always_changed,
            "desc": stage.desc or None,
            "meta": stage.meta,
        }
        for stage in file.stages
    }
    return {
        "stages": stages,
        "artifacts": dict(file.artifacts),
        "datasets": list(file.datasets),
        "metrics": list(file.metrics),
        "params": list(file.params),
    }


@pytest.fixture(scope="module")
def folder(dvc_process: DvcProcess) -> Iterator[Path]:
    """A project of DVC's, used by one case after the other."""
    root = dvc_process.new(git=False)
    (root / ".dvc").mkdir(exist_ok=True)
    (root / ".dvc/config").write_text("[core]\n    no_scm = True\n")
    yield root
    dvc_process.drop(root)


@pytest.mark.parametrize("case", CASES.split("\n=====\n"))
def test_both_say_the_same(case: str, folder: Path, dvc_process: DvcProcess) -> None:
    files = files_of(case)
    for path, text in files.items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(text)
    try:
        judged, found = theirs(dvc_process, folder), ours(files)
    finally:
        for path in files:
            (folder / path).unlink()
    if isinstance(judged, str) or isinstance(found, str):
        assert isinstance(judged, str), f"only assay refuses: {found}"
        assert isinstance(found, str), f"only DVC refuses: {judged}"
        return
    assert found == judged
    assert list(found["stages"]) == list(judged["stages"])


SHOWN = {
    "dvc.yaml": """
        vars: [v.yaml, 'w.yaml:k', {own: 1}]
        stages:
          s: {cmd: 'x ${x.y} ${own} ${l[-1]} ${o} ${lr} ${k}'}
          t: {foreach: '${l}', do: {cmd: 'x ${item} ${x.w}'}}
        """,
    "params.yaml": "{lr: 0.1, unused: 2}\n",
    "v.yaml": "{x: {y: 1, w: 5, unused: 3}, o: {a: 1}, l: [7, 8]}\n",
    "w.yaml": "{k: 9, other: 10}\n",
    "sub/dvc.yaml": """
        stages:
          u: {cmd: 'x ${q}', params: [q]}
          v: {cmd: 'x ${r} ${f}', vars: [f.toml]}
        """,
    "sub/params.yaml": "{q: 5, r: 6}\n",
    "sub/f.toml": "f = 1.5\n",
}


DATASETS = """\
    datasets:
    - {name: ds1, type: url, url: u}
    - {name: 'ds${n}', type: dvc, url: ../x, path: d, rev: main}
    stages:
      s: {cmd: echo 1 > o, deps: ['ds://ds1', a, 'ds://ds${n}', ../outside.txt], outs: [o]}
    """
DATASETS_LOCK = """\
    schema: '2.0'
    datasets:
    - {name: ds1, url: u, type: url, meta: {isdir: false, size: 5, etag: abc}, files: [{relpath: '', meta: {size: 5}}]}
    - {rev_lock: be83202d43e75fb5a3514dc2b4b6a3305a77ac44, name: ds2, type: dvc, url: ../x, path: d, rev: main}
    """


def test_data_sets_and_files_outside_are_recorded_alike(dvc_process: DvcProcess, tmp_path: Path) -> None:
    root, work = dvc_process.new(git=False), Workspace(tmp_path / "project")
    work.project.layout = layout.native("md5")
    files = {
        "dvc.yaml": DATASETS,
        "dvc.lock": DATASETS_LOCK,
        "a": "1\n",
        "params.yaml": "n: 2\n",
        "../outside.txt": "2\n",
    }
    for path, text in files.items():
        (root / path).write_text(work.write(path, text).read_text())
    assert dvc_process.repro(root) == ["s"]
    assert list(reproduce(work.project, spec.load(work.project), EVERYTHING).ran) == ["s"]
    recorded = (root / "dvc.lock").read_text().partition("stages:")[2]
    assert work.read("dvc.lock").partition("stages:")[2] == recorded
    (root / "dvc.lock").write_text(work.read("dvc.lock"))
    assert dvc_process.repro(root) == []
    work.project.close()


def test_values_that_templates_take_from_other_files_are_shown_as_params(
    dvc_process: DvcProcess, tmp_path: Path
) -> None:
    root, work = dvc_process.new(), Workspace(tmp_path / "project")
    for path, text in SHOWN.items():
        copy = root / path
        copy.parent.mkdir(exist_ok=True)
        copy.write_text(work.write(path, text).read_text())
    who = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    subprocess.run(["git", *who, "commit", "-q", "--allow-empty", "-m", "first"], cwd=root, check=True)
    shown = json.loads(dvc_process.run(root, "exp", "show", "--json").out)
    wanted = {path: found["data"] for path, found in shown[0]["data"]["params"].items()}
    assert wanted["v.yaml"] == {"x.y": 1, "x.w": 5, "l.0": 7, "l.1": 8}
    assert read_workspace(work.project).params == wanted
    work.project.close()
