"""Real DVC and assay on hundreds of generated projects: the same stages, the same runs, the same dvc.lock.

Each case is judged three times over. (a) Both resolve the same stages, or both refuse. (b) Both reproduce everything,
in twin folders, assay with md5 as its hash: the same stages run, dvc.lock and .gitignore hold the same bytes. (c) After
edits of params, sources, outputs or commands both reproduce once more, with the same result.
"""

from __future__ import annotations

import difflib
import os
import posixpath
import shutil
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from assay.cli.wiring import Servers
from assay.engine import layout
from assay.engine.config import Config
from assay.engine.errors import AssayError
from assay.engine.git.repository import Repository
from assay.engine.pipeline import spec
from assay.engine.pipeline.choice import EVERYTHING
from assay.engine.pipeline.graph import Graph
from assay.engine.pipeline.repro import reproduce
from assay.engine.pipeline.stage import Out, Stage
from assay.engine.project import Project, World, load_config
from tests.dvcprocess import DvcProcess, DvcRefused
from tests.pipelines import FEATURES, Case, cases
from tests.workspace import CountingIds, FixedClock

CASES = int(os.environ.get("PYTEST_DVC_CASES", "150"))
TIMES = 10 if CASES >= 300 else 3
"""How often each feature has to be drawn."""

OWN = (".git", ".dvc", ".assay")


class Twins:
    """One case in two folders: DVC's and assay's."""

    def __init__(self, dvc: DvcProcess, case: Case) -> None:
        self.dvc = dvc
        self.theirs, self.ours = dvc.new_pair()
        lines = [f"    {key.removeprefix('parsing.')} = {value}\n" for key, value in case.config.items()]
        config = "[parsing]\n" + "".join(lines) if lines else ""
        (self.theirs / ".dvc/config").write_text(config)
        (self.ours / ".assay/config").write_text(config)
        self.write(case.files)

    def write(self, files: Mapping[str, str | None]) -> None:
        """Writes (None: removes) files on both sides."""
        for root in (self.theirs, self.ours):
            for path, text in files.items():
                target = root / path
                if text is None:
                    if target.is_dir():
                        shutil.rmtree(target)
                    else:
                        target.unlink(missing_ok=True)
                elif not target.is_dir():
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.write_text(text)

    def project(self) -> Project:
        """Assay's side, opened as the next command would; its hash is md5."""
        kind = layout.native("md5")
        environment = {"PATH": os.environ["PATH"], "SHELL": "/bin/sh", "RAN": self._ran(self.ours)}
        world = World(FixedClock(), CountingIds(), environment=environment, outside=Servers())
        config: Config = load_config(str(self.ours), kind, world)
        return Project(str(self.ours), kind, config, Repository.discover(str(self.ours), (), {}), world)

    @staticmethod
    def _ran(root: Path) -> str:
        return f"{root}.ran"

    def reproduce(self) -> tuple[str, str]:
        """Lets both reproduce everything; why each refused or failed, empty where it did not."""
        for root in (self.theirs, self.ours):
            Path(self._ran(root)).write_text("")
        ours = theirs = ""
        try:
            self.dvc.repro(self.theirs, {"RAN": self._ran(self.theirs)}, all_pipelines=True)
        except DvcRefused as error:
            theirs = str(error)
        project = self.project()
        try:
            reproduce(project, spec.load(project), EVERYTHING)
        except AssayError as error:
            ours = f"{type(error).__name__}: {error}"
        finally:
            project.close()
        return theirs, ours

    def ran(self) -> tuple[list[str], list[str]]:
        """The stages whose commands were started, in order, on both sides."""
        return tuple(Path(self._ran(root)).read_text().split("\n") for root in (self.ours, self.theirs))  # type: ignore[return-value]

    def files(self, *names: str) -> tuple[dict[str, str], dict[str, str]]:
        """The files of these names with their content, on both sides."""
        return tuple(_files(root, names) for root in (self.ours, self.theirs))  # type: ignore[return-value]

    def drop(self) -> None:
        """Removes both."""
        for root in (self.theirs, self.ours):
            shutil.rmtree(root)
            Path(self._ran(root)).unlink(missing_ok=True)


def _files(root: Path, names: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if name not in OWN]
        for name in files:
            path = Path(folder) / name
            if not names or name in names:
                found[path.relative_to(root).as_posix()] = path.read_bytes().decode()
    return found


def stage_data(stage: Stage) -> dict[str, Any]:
    """One of our stages in the words of tests/dvcserver.py."""
    return {
        "name": stage.name,
        "group": stage.group,
        "parametrized": stage.parametrized,
        "cmd": list(stage.cmd) if isinstance(stage.cmd, tuple) else stage.cmd,
        "wdir": stage.wdir or ".",
        "deps": [dep.spelled for dep in stage.deps],
        "params": {params.spelled: list(params.names) for params in stage.params},
        "outs": [out_data(out) for out in stage.written],
        "frozen": stage.frozen,
        "always_changed": stage.always_changed,
        "desc": stage.desc or None,
        "meta": stage.meta,
    }


def out_data(out: Out) -> dict[str, Any]:
    """One of our outputs in the words of tests/dvcserver.py."""
    said = {"desc": out.desc, "type": out.type, "labels": list(out.labels), "meta": out.meta}
    return {
        "path": out.spelled,
        "kind": out.kind,
        "cache": out.cache,
        "persist": out.persist,
        "push": out.push,
        "remote": out.remote or None,
        "plot": dict(out.plot),
        **{key: value for key, value in said.items() if value},
    }


def resolved(project: Project) -> dict[str, Any]:
    """What assay makes of a project, in the words of tests/dvcserver.py."""
    pipeline = spec.load(project)
    Graph(pipeline.stages, pipeline.data).order(EVERYTHING)
    artifacts = {path: dict(file.artifacts) for path, file in pipeline.files.items() if file.artifacts}
    datasets = {path: list(file.datasets) for path, file in pipeline.files.items() if file.datasets}
    return {
        "stages": {address: stage_data(stage) for address, stage in pipeline.stages.items()},
        "artifacts": artifacts,
        "datasets": datasets,
    }


def judge_stages(twins: Twins) -> bool:
    """(a) The same stages, or two refusals. Returns whether they were accepted."""
    theirs: dict[str, Any] | str
    ours: dict[str, Any] | str
    try:
        theirs = twins.dvc.resolve(twins.theirs)
    except DvcRefused as error:
        theirs = str(error)
    project = twins.project()
    try:
        ours = resolved(project)
    except AssayError as error:
        ours = f"{type(error).__name__}: {error}"
    finally:
        project.close()
    if isinstance(theirs, str) or isinstance(ours, str):
        assert isinstance(theirs, str), f"only assay refuses: {ours}"
        assert isinstance(ours, str), f"only DVC refuses: {theirs}"
        return False
    for stage in theirs["stages"].values():  # DVC keeps ./ in what it shows, not in the lock file
        stage["params"] = {posixpath.normpath(path): list(map(str, keys)) for path, keys in stage["params"].items()}
        stage["cmd"] = stage["cmd"] if _is_command(stage["cmd"]) else ""
        stage["desc"] = stage["desc"] and str(stage["desc"])
        for out in stage["outs"]:
            out.update({key: str(out[key]) for key in ("desc", "type") if key in out})
            out["labels"] = list(map(str, out.get("labels", ())))
    for stage in [*theirs["stages"].values(), *ours["stages"].values()]:
        stage["outs"] = sorted(({"labels": [], **out} for out in stage["outs"]), key=lambda out: str(out["path"]))
    for name in ("stages", "artifacts", "datasets"):
        same(ours[name], theirs[name], name)
    return True


def _is_command(value: Any) -> bool:
    return all(isinstance(one, str) for one in value) if isinstance(value, list) and value else isinstance(value, str)


def judge_run(twins: Twins) -> str:
    """(b) and (c) The same stages run with the same result.

    Returns:
        How that went: "ran", "nothing ran", "failed" or "refused".
    """
    theirs, ours = twins.reproduce()
    assert bool(theirs) == bool(ours), f"DVC: {theirs or 'well'}\nassay: {ours or 'well'}"
    if ours and not ours.startswith("StageFailed"):
        return "refused"  # assay looks for everything that is read before it runs anything; DVC runs what comes before
    same(*twins.ran(), "the stages that ran")
    same(*twins.files("dvc.lock"), "the lock files")
    if theirs:
        return "failed"
    same(*twins.files(".gitignore"), "what Git ignores")
    same(*twins.files(), "all files")
    return "ran" if any(twins.ran()[0]) else "nothing ran"


def same(ours: Any, theirs: Any, what: str) -> None:
    """Raises AssertionError with what differs."""
    if ours == theirs:
        return
    if isinstance(ours, dict) and ours.keys() == theirs.keys():
        for key in ours:
            same(ours[key], theirs[key], f"{what}, {key}")
    if isinstance(ours, str) and isinstance(theirs, str):
        lines = difflib.unified_diff(theirs.split("\n"), ours.split("\n"), "DVC", "assay", lineterm="")
        raise AssertionError(f"{what} differ\n" + "\n".join(lines))
    raise AssertionError(f"{what} differ\nassay: {ours!r}\nDVC:   {theirs!r}")


def judge(dvc: DvcProcess, case: Case) -> list[str]:
    """The whole case. Returns how it went, "refused" or one word for each time that both reproduced."""
    twins = Twins(dvc, case)
    try:
        if not judge_stages(twins):
            return ["refused"]
        went = [f"first {judge_run(twins)}"]
        for edit in case.edits:
            if "refused" in went[-1]:
                break
            twins.write(edit)
            went.append(f"then {judge_run(twins)}")
        return went
    finally:
        twins.drop()


@pytest.mark.timeout(1200)
def test_both_resolve_and_reproduce_alike(dvc_process: DvcProcess) -> None:
    drawn: Counter[str] = Counter()

    @settings(max_examples=CASES, suppress_health_check=list(HealthCheck))
    @given(cases())
    def one(case: Case) -> None:
        drawn.update(case.features)
        drawn["cases"] += 1
        drawn.update(judge(dvc_process, case))

    one()
    outcomes = ["refused", "first ran", "first failed", "then ran", "then nothing ran"]
    rare = {feature: drawn[feature] for feature in [*FEATURES, *outcomes] if drawn[feature] < TIMES}
    assert drawn["cases"] >= CASES
    assert not rare, f"drawn too rarely in {drawn['cases']} cases: {rare}"


EDGES = [
    "stages: {a: {cmd: ['', 'true']}}",
    "stages: {a: {cmd: 'touch o', outs: [o, o]}}",
    "stages: {a: {cmd: 'touch o', outs: [o, {o: {cache: false}}]}}",
    "stages: {a: {cmd: 'touch o', outs: [{o: {cache: false}}, {o: {persist: true}}]}}",
    "stages: {a: {cmd: 'touch o', outs: [o, ./o]}}",
    "stages: {a: {cmd: 'touch o', outs: [o], metrics: [o]}}",
    "stages: {a: {cmd: 'touch o', deps: [src/a.txt, ./src/a.txt]}}",
    "stages: {a: {cmd: 'touch o', deps: [src/a.txt, src]}}",
    "stages: {a: {cmd: 'touch o', deps: [params.yaml], params: [n]}}",
    "stages: {a: {cmd: 'touch o', params: [n, {params.yaml: [w]}]}}",
    "stages: {a: {cmd: 'touch o', params: [n, {params.yaml: null}]}}",
    "stages: {a: {cmd: 'touch o', params: [{p.json: [a]}, {p.json: null}]}}",
    "stages: {a: {cmd: 'touch o', deps: null}}",
    "stages: {a: {cmd: 'touch o', outs: null}}",
    "stages: {a: {cmd: 'touch o', params: null}}",
    "stages: {a: {cmd: 'touch o', outs: []}}",
    "stages: {a: null}",
    "stages: {}",
    "stages: null",
    "vars: null",
    "vars: []",
    "metrics: null",
    "params: null",
    "plots: null",
    "artifacts: null",
    "artifacts: {}",
    "artifacts: {m: {path: a}, m2: {path: ../x}}",
    "datasets: null",
    "plots: {a: null}",
    "plots: [a, a]",
    "plots: [[a]]",
    "stages: {a: {cmd: 'true', wdir: ''}}",
    "stages: {a: {cmd: 'true', wdir: null}}",
    "stages: {a: {cmd: 'true', desc: null}}",
    "stages: {a: {cmd: 'true', desc: 3}}",
    "stages: {a: {cmd: 'true', frozen: null}}",
    "stages: {a: {cmd: 'true', meta: null}}",
    "stages: {1: {cmd: 'true'}}",
    "stages: {true: {cmd: 'true'}}",
    "stages: {a: {cmd: 'true', wdir: nosuch}}",
    "stages: {a: {cmd: 'touch dvc.yaml', outs: [dvc.yaml]}}",
    "stages: {a: {cmd: 'touch o', outs: [o/]}}",
    "stages: {a: {cmd: 'touch x.dvc', outs: [x.dvc]}}",
    "stages: {a: {cmd: 'touch o', outs: [{o: {}}]}}",
    "stages: {a: {cmd: 'touch o', outs: [{o: null}]}}",
    "stages: {a: {cmd: 'touch o p', outs: [{o: {}, p: {cache: false}}]}}",
    "stages: {a: {cmd: 'touch o', outs: [{}]}}",
    "stages: {a: {cmd: 'touch o', outs: ['']}}",
    "stages: {a: {cmd: 'touch o', outs: ['.']}}",
    "stages: {a: {cmd: 'touch o', deps: ['']}}",
    "stages: {a: {cmd: 'touch o', outs: [{o: {labels: x}}]}}",
    "stages: {a: {cmd: 'touch o', outs: [{o: {type: null}}]}}",
    "stages: {a: {cmd: 'touch o', outs: [{o: {remote: null}}]}}",
    "stages: {a: {cmd: 'touch o', outs: [{o: {desc: 3}}]}}",
    "stages: {a: {cmd: 'touch o', plots: [{o: {x: 3}}]}}",
    "stages: {a: {cmd: 'touch o', plots: [{o: {header: 3}}]}}",
    "stages: {a: {cmd: 'touch o', plots: [{o: [{x: a}]}]}}",
    "stages: {a: {cmd: 'touch o', plots: [{o: {y: {a: b}}}]}}",
    "stages: {a: {cmd: 'touch o', metrics: [{o: {x: a}}]}}",
    "stages: {a: {cmd: 'touch o', metrics: [{o: {xpath: a}}]}}",
    "stages: {a: {cmd: 'touch o', params: [3]}}",
    "stages: {a: {cmd: 'touch o', params: [{3: [n]}]}}",
    "stages: {a: {cmd: 'touch o', params: [n.x]}}",
    "stages: {a: {cmd: 'touch o', params: [src/a.txt]}}",
    "stages: {a: {cmd: 'touch o', params: [{src/a.txt: null}]}}",
    "stages: {a: {cmd: 'touch o', params: [{src: null}]}}",
    "stages: {a: {cmd: 'touch src/o', deps: [src], outs: [src/o]}}",
    "stages: {a: {cmd: 'mkdir -p d; touch d/o', deps: [d/o], outs: [d]}}",
    "stages: {b: {cmd: touch q, deps: [q2], outs: [q]}, c: {cmd: touch q2, deps: [q], outs: [q2]}}",
    "stages: {a: {cmd: touch o, outs: [o]}, b: {cmd: mkdir o; touch o/q, outs: [o/q]}}",
    "stages: {a: {cmd: touch o, outs: [o], frozen: true}}",
    "stages: {a: {cmd: touch o, frozen: true}}",
    "stages: {a: {cmd: touch o, frozen: true, deps: [nosuch]}}",
    "stages: {a: {cmd: touch o, outs: [src/a.txt], frozen: true}}",
    "stages: {a: {cmd: touch o, metrics: [{src/a.txt: {cache: false}}], frozen: true, deps: [p.json]}}",
    "foo: 1",
    "3",
    "stages: {a: {cmd: true}}",
    "stages: {a: {cmd: touch o, outs: [o: {cache: true}]}, a: {cmd: x}}",
    'stages: {a: {cmd: "mkdir d", outs: [d]}}',
    'stages: {a: {cmd: "mkdir d; touch d/.gitignore", outs: [d]}}',
    'stages: {a: {cmd: "ln -s src/a.txt o", outs: [o]}}',
    'stages: {a: {cmd: "mkdir o; ln -s nowhere o/l; touch o/x", outs: [o]}}',
    "stages: {a: {cmd: 'mkdir -p e/f; touch e/x', outs: [e]}, b: {cmd: x, deps: [e/x]}, c: {cmd: x, deps: [e/f]}}",
    "stages: {a: {cmd: 'touch o', deps: [src/a.txt, src/a.txt], outs: [o]}}",
    "stages: {a: {cmd: 'touch o', params: [{./params.yaml: [w]}], outs: [o]}}",
    "stages: {a: {cmd: 'touch o', params: [{src/../params.yaml: [n]}, {p.json: null}], outs: [o]}}",
    "stages: {a: {cmd: 'echo x >> .gitignore', outs: [.gitignore]}}",
    "stages: {a: {cmd: 'echo x >> .gitignore; touch o', outs: [{.gitignore: {cache: false}}, o]}}",
    "stages: {a: {cmd: 'touch o', params: [d, d.a, list], outs: [o]}}",
    "stages: {a: {cmd: 'touch o', params: [x, x.y, x.z], outs: [o]}}",
    "stages: {a: {cmd: 'touch o', params: [x.y, x, x.z, x.z.q], outs: [o]}}",
    "stages: {a: {cmd: 'touch o', params: [x, x.e, x.em, x.l], outs: [o]}}",
    "stages: {a: {cmd: 'touch o', params: [x, x.y], outs: [o]}, b: {cmd: touch p, params: [x, x.y], outs: [p]}}",
    "stages: {a: {cmd: 'touch o', params: [{p.json: [l, l.m]}, {p.toml: [l, l.m]}, {p.py: [l]}], outs: [o]}}",
    "stages: {a: {cmd: 'touch o', params: [{anchors.yaml: null}], outs: [o]}}",
    "stages: {a: {cmd: 'touch o', params: [{anchors.yaml: [a, b, b.x]}], outs: [o]}}",
    "stages: {a: {cmd: 'touch o p; chmod 654 o; chmod 645 p', outs: [o, p]}}",
    "stages: {a: {cmd: 'touch o', params: [''], outs: [o]}}",
    "stages: {a: {cmd: 'touch o', params: [{params.yaml: [3]}]}}",
    "stages: {a: {cmd: 'touch o', params: [{params.yaml: ['${n}']}]}}",
    "stages: {a: {cmd: 'true', deps: ['.']}}",
    "stages: {a: {cmd: 'true', deps: ['..'], wdir: src}}",
    "stages: {a: {cmd: 'touch o', deps: ['.'], outs: [o]}}",
    "stages: {a: {cmd: 'touch o', outs: [o]}, b: {cmd: 'true', deps: ['.']}}",
    "stages: {a: {cmd: 'true', deps: [.git/HEAD]}}",
    "stages: {a: {cmd: 'true', deps: [.dvc]}}",
    "stages: {a: {cmd: 'true', deps: [dvc.yaml]}}",
    "stages: {a: {cmd: 'true', deps: [x.dvc]}}",
    "stages: {a: {cmd: ''}}",
    "stages: {a: {cmd: []}}",
    "stages: {a: {cmd: ['']}}",
    "stages: {a: {cmd: '', deps: [src/a.txt]}}",
    "stages: {a: {cmd: '', deps: [p.json, params.yaml], outs: [src/a.txt]}}",
    "stages: {a: {cmd: [[]]}}",
    "stages: {a: {cmd: 3}}",
    "stages: {a: {cmd: '${n}'}}",
    "stages: {a: {cmd: '${nul}'}}",
    "stages: {a: {cmd: '${d}'}}",
    "stages: {a: {cmd: '${list}'}}",
    "stages: {a: {cmd: ['${n}', '${nul}']}}",
    "stages: {a: {cmd: '${nul}', deps: [p.json, params.yaml], outs: [src/a.txt]}}",
    "stages: {a: {desc: '${n}'}}",
    "[]",
    "''",
    "false",
    "[a]",
    "stages: {a: {cmd: 'touch o', desc: '${n}'}}",
    "stages: {a: {cmd: 'touch o', desc: 3, outs: ['o${n}']}}",
    "stages: {a: {cmd: 'touch o', wdir: '${nul}'}}",
    "stages: {a: {cmd: 'touch o', outs: [{o: {desc: '${n}', type: '${n}'}}]}}",
    "stages: {a: {cmd: 'touch o', outs: [{o: {labels: ['${n}', x], remote: '${nul}'}}]}}",
    "stages: {a: {cmd: 'touch o', outs: [{o: {labels: '${list}'}}]}}",
    "stages: {a: {cmd: 'touch o', outs: [{o: {labels: [3], desc: '${w}'}}]}}",
    "stages: {a: {foreach: [1, 2], do: {cmd: 'touch o${item}', outs: [{'o${item}': {desc: '${item}'}}]}}}",
    "stages: {a: {matrix: {x: [1, 2]}, cmd: 'touch o${item.x}', outs: [{'o${item.x}': {type: '${item.x}'}}]}}",
    "stages: {a: {cmd: 'touch ../o', outs: [{../o: {cache: false}}]}}",
    "stages: {a: {cmd: 'touch ../o', outs: [{../o: {cache: false, persist: true}}]}}",
    "stages: {a: {cmd: 'touch ../o', metrics: [{../o: {cache: false}}]}}",
    "stages: {a: {cmd: 'touch ../o', outs: [../o]}}",
    "stages: {a: {cmd: 'touch ../o', outs: [{../o: {cache: false}}]}, b: {cmd: touch q, deps: [../o], outs: [q]}}",
    "stages: {a: {cmd: 'mkdir -p ../p; touch ../p/x', outs: [{../p: {cache: false}}]}}",
    "stages: {a: {cmd: 'touch ../o q', outs: [q, {../o: {cache: false}}]}, b: {cmd: touch r, deps: [q], outs: [r]}}",
    "stages: {a: {cmd: 'mkdir -p r; touch r/x; ln -sfn r o', outs: [o]}}",
    "stages: {a: {cmd: 'mkdir -p r o; touch r/x; ln -sfn ../r o/l; touch o/y', outs: [o]}}",
    "stages: {a: {cmd: 'mkdir -p r o; touch r/x; ln -sfn ../r o/l; touch o/y', outs: [{o: {cache: false}}]}}",
    "stages: {a: {cmd: 'ln -sfn /etc/passwd o', outs: [{o: {cache: false}}]}}",
    "stages: {a: {cmd: 'mkdir o; touch o/.dvcignore', outs: [o]}}",
    "stages: {a: {cmd: 'mkdir o; touch o/.dvcignore', outs: [{o: {cache: false}}]}}",
    "stages: {a: {cmd: 'mkdir -p o/d; touch o/d/.dvcignore o/d/x', outs: [o]}}",
    "stages: {a: {cmd: 'touch .dvcignore', outs: [.dvcignore]}}",
    "stages: {a: {cmd: 'touch o', params: ['', n, list, d], outs: [o]}}",
]  # fmt: skip
"""Pipelines at the edge of what is accepted."""
EDGE_FILES = {
    "params.yaml": "n: 1\nw: a\nlist: [1, 2]\nd: {a: 1}\nt: true\nnul:\n"
    'x:\n  y: [1, [2, 3]]\n  z: {q: {r: 1}}\n  e: []\n  em: {}\n  l: ["x y", {a: b}]\n',
    "src/a.txt": "1\n",
    "p.json": '{"a": 1, "l": {"m": [1, {"a": 2}]}}',
    "p.toml": "[l]\nm = [1, 2]\n",
    "p.py": "l = [1, 2]\n",
    "anchors.yaml": "a: &x {x: [1, 2]}\nb: *x\nc: {<<: *x, d: 1}\n",
}


def test_both_see_the_same_edge(dvc_process: DvcProcess) -> None:
    outcomes = Counter(
        judge(dvc_process, Case({**EDGE_FILES, "dvc.yaml": text}, {}, (), frozenset()))[0] for text in EDGES
    )
    assert min(outcomes["refused"], outcomes["first ran"] + outcomes["first nothing ran"]) >= 10, outcomes


PREPARED = [
    "stages: {a: {cmd: 'touch o', deps: [link], outs: [o]}}",
    "stages: {a: {cmd: 'touch o', deps: [link/a.txt], outs: [o]}}",
    "stages: {a: {cmd: 'touch o', deps: [far], outs: [o]}}",
    "stages: {a: {cmd: 'touch o', deps: [far/in.txt], outs: [o]}}",
    "stages: {a: {cmd: 'touch o', deps: [file], outs: [o]}}",
    "stages: {a: {cmd: 'touch o', deps: [a.sh, b.sh, c.sh], outs: [o]}}",
    "stages: {a: {cmd: 'touch o', deps: ['remote://here/in.txt'], outs: [o]}}",
    "stages: {a: {cmd: 'touch o', deps: ['remote://here/sub'], outs: [o]}}",
    "stages: {a: {cmd: 'touch o', deps: ['remote://here'], outs: [o]}}",
    "stages: {a: {cmd: 'touch o', deps: ['remote://here/nothing'], outs: [o]}}",
    "stages: {a: {cmd: 'true', outs: [{'remote://here/made': {cache: false, persist: true}}]}}",
    "stages: {a: {cmd: 'true', outs: ['remote://here/made']}}",
]
"""Pipelines that need more than files: symlinks, modes, a remote on this machine."""


def test_both_see_what_lies_elsewhere(dvc_process: DvcProcess, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    for name in ("in.txt", "sub/x", "made"):
        (tmp_path / name).write_text(f"{name}\n")
    outcomes = Counter(_judge_prepared(dvc_process, text, tmp_path) for text in PREPARED)
    assert outcomes["ran"] == len(PREPARED) - 2, outcomes


def _judge_prepared(dvc: DvcProcess, text: str, elsewhere: Path) -> str:
    twins = Twins(dvc, Case({**EDGE_FILES, "dvc.yaml": text}, {}, (), frozenset()))
    try:
        for root, marker in ((twins.theirs, ".dvc"), (twins.ours, ".assay")):
            for name, target in (("link", "src"), ("far", elsewhere), ("file", elsewhere / "in.txt")):
                (root / name).symlink_to(target)
            for name, mode in (("a.sh", 0o654), ("b.sh", 0o645), ("c.sh", 0o744)):
                (root / name).write_text(name)
                (root / name).chmod(mode)
            (root / marker / "config").write_text(f"['remote \"here\"']\n    url = {elsewhere}\n")
        judge_stages(twins)
        outcomes = [judge_run(twins), judge_run(twins)]
        return "refused" if "refused" in outcomes else "ran"
    finally:
        twins.drop()
