"""Real DVC and assay, given the same flags in the same folder, run the same stages and write the same lock files."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from assay.engine import layout
from assay.engine.errors import AssayError
from assay.engine.git.repository import Repository
from assay.engine.pipeline.choice import EVERYTHING, Choice, Manner
from assay.engine.pipeline.repro import Reproduced, reproduce
from assay.engine.pipeline.spec import load
from assay.engine.project import Project, World, load_config
from tests.dvcprocess import DvcProcess, DvcRefused
from tests.workspace import CountingIds, FixedClock

FILES = ("dvc.yaml", "sub/dvc.yaml", "sub/deep/dvc.yaml")
LETTERS = "abcde"
CASES = int(os.environ.get("PYTEST_DVC_FLAG_CASES", "10"))


class Node(NamedTuple):
    """A stage that is going to be: its file, what it reads, its flags."""

    file: str
    reads: tuple[str, ...]
    frozen: bool = False


class Twins:
    """The same project twice: DVC's and assay's, whose hash is md5."""

    def __init__(self, dvc: DvcProcess) -> None:
        self.dvc = dvc
        self.theirs, self.ours = dvc.new_pair()

    def write(self, files: Mapping[str, str | None]) -> None:
        """Writes files on both sides; None removes one."""
        for root in (self.theirs, self.ours):
            for path, text in files.items():
                target = root / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.unlink(missing_ok=True) if text is None else target.write_text(text)

    def their_repro(self, folder: str, **options: Any) -> str:
        """What DVC refuses; empty when it does not."""
        try:
            self.dvc.repro(self.theirs / folder, {"RAN": f"{self.theirs}.ran"}, **options)
        except DvcRefused as error:
            return str(error)
        return ""

    def our_repro(self, choice: Choice, manner: Manner) -> tuple[Reproduced, str]:
        """What came of assay's, and what it refuses."""
        environment = {"PATH": os.environ["PATH"], "SHELL": "/bin/sh", "RAN": f"{self.ours}.ran"}
        world, kind, root = World(FixedClock(), CountingIds(), environment=environment), layout.native("md5"), self.ours
        repo = Repository.discover(str(root), (), {})
        project = Project(str(root), kind, load_config(str(root), kind, world), repo, world)
        try:
            return reproduce(project, load(project), choice, manner), ""
        except AssayError as error:
            return Reproduced(), error.message
        finally:
            project.close()

    def ran(self) -> tuple[list[str], list[str]]:
        """The stages whose commands ran since the last time it was asked: ours, theirs."""
        found = []
        for root in (self.ours, self.theirs):
            ledger = Path(f"{root}.ran")
            found.append(ledger.read_text().split() if ledger.exists() else [])
            ledger.unlink(missing_ok=True)
        return found[0], found[1]

    def same_files(self) -> None:
        """Lock files, outputs and .gitignore files have the same bytes."""
        for theirs in sorted(self.theirs.rglob("*")):
            path = theirs.relative_to(self.theirs)
            if theirs.is_file() and not {".git", ".dvc"} & set(path.parts):
                assert (self.ours / path).read_text() == theirs.read_text(), path
        ours = {p.relative_to(self.ours) for p in self.ours.rglob("*") if not {".git", ".assay"} & set(p.parts)}
        assert ours - {Path(".git"), Path(".assay")} <= {p.relative_to(self.theirs) for p in self.theirs.rglob("*")}

    def runs(self) -> tuple[dict[str, str], dict[str, str]]:
        """The entries of both run caches: ours, theirs."""
        folders = (self.ours / ".assay/cache/runs", self.theirs / ".dvc/cache/runs")
        found = [
            {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}
            for folder in folders
        ]
        return found[0], found[1]

    def drop(self) -> None:
        """Removes both."""
        self.dvc.drop(self.theirs)
        self.dvc.drop(self.ours)


@st.composite
def graphs(draw: st.DrawFn) -> dict[str, Node]:
    """Up to five stages in up to three files, each reading sources or what earlier ones write."""
    names = LETTERS[: draw(st.integers(2, 5))]
    drawn = {}
    for at, name in enumerate(names):
        readable = [
            "raw.txt",
            "in.txt",
            *(f"{drawn[other].file.removesuffix('dvc.yaml')}{other}.out" for other in names[:at]),
        ]
        reads = draw(st.lists(st.sampled_from(readable), min_size=1, max_size=3, unique=True))
        drawn[name] = Node(draw(st.sampled_from(FILES)), tuple(reads), draw(st.integers(0, 9)) == 0)
    return drawn


def files_of(graph: Mapping[str, Node]) -> dict[str, str]:
    """The pipeline files of a graph; the last stage of each file is two, made by foreach."""
    found: dict[str, dict[str, Any]] = {}
    for name, node in graph.items():
        folder = os.path.dirname(node.file)
        deps = [os.path.relpath(path, folder or ".") for path in node.reads]
        fail = os.path.relpath(f"fail-{name}", folder or ".")
        command = f"echo {name} >> $RAN; test ! -e {fail} && cat {' '.join(deps)} > {name}.out"
        stage = {"cmd": command, "deps": deps, "outs": [f"{name}.out"], "frozen": node.frozen}
        found.setdefault(node.file, {})[name] = stage
    for name, stages in found.items():
        letter = name.count("/")
        stages["g"] = {
            "foreach": ["x", "y"],
            "do": {"cmd": f"echo g{letter}${{item}} >> $RAN; echo > g-${{item}}", "outs": ["g-${item}"]},
        }
    return {path: json.dumps({"stages": stages}) for path, stages in found.items()}


@st.composite
def choices(draw: st.DrawFn, graph: Mapping[str, Node]) -> Choice:
    """Targets that exist, as they are spelled in a folder that has a pipeline file."""
    files = sorted({node.file for node in graph.values()})
    folder = os.path.dirname(draw(st.sampled_from(files)))
    flags = draw(st.sampled_from(["", "single", "pipeline", "all_pipelines", "recursive", "downstream", "glob"]))
    words = []
    least = 1 if flags == "glob" else 0  # a pattern without a match, as dvc.yaml then is one, is everything to DVC
    for file in draw(st.lists(st.sampled_from(files), min_size=least, max_size=2)):
        here = os.path.relpath(file, folder or ".")
        inside = [name for name, node in graph.items() if node.file == file]
        names = ["g", "g@x", *inside]
        if flags == "glob":
            names = ["*", "[a-c]*", "g@*"] if set("abc") & set(inside) else ["*", "g@*"]
        name = draw(st.sampled_from(names))
        forms = [f"{here}:{name}", *([name] if here == "dvc.yaml" else []), *([here] if flags != "glob" else [])]
        words.append(draw(st.sampled_from(forms)))
    if flags == "recursive":
        words.append(draw(st.sampled_from([".", os.path.relpath(os.path.dirname(files[-1]) or ".", folder or ".")])))
    return Choice(tuple(words), folder, **({flags: True} if flags else {}))


drawn_flags = ("force", "force_downstream", "keep_going", "no_run_cache", "allow_missing")
manners = st.sets(st.sampled_from(drawn_flags), max_size=3).map(lambda flags: Manner(**dict.fromkeys(flags, True)))


@st.composite
def cases(draw: st.DrawFn) -> tuple[dict[str, Node], Choice, Manner, dict[str, str | None]]:
    """A graph, what is asked for, how, and what was edited since everything ran."""
    graph = draw(graphs())
    manner = draw(manners)
    edits: dict[str, str | None] = {}
    for path in draw(st.lists(st.sampled_from(["raw.txt", "in.txt"]), max_size=2, unique=True)):
        edits[path] = draw(st.sampled_from(["1\n", "2\n"]))
    if manner.keep_going:
        for name in draw(st.lists(st.sampled_from(sorted(graph)), max_size=2, unique=True)):
            edits[f"fail-{name}"] = ""
    elif not manner.force_downstream:
        thawed = sorted(name for name, node in graph.items() if not node.frozen)  # DVC does not bring frozen ones back
        for name in draw(st.lists(st.sampled_from(thawed), max_size=1)) if thawed else ():
            edits[f"{graph[name].file.removesuffix('dvc.yaml')}{name}.out"] = None
    return graph, draw(choices(graph)), manner, edits


@settings(max_examples=CASES, phases=(Phase.generate,), deadline=None, suppress_health_check=list(HealthCheck))
@given(cases())
@pytest.mark.slow
def test_the_same_flags_run_the_same_stages(
    dvc_process: DvcProcess, case: tuple[dict[str, Node], Choice, Manner, dict[str, str | None]]
) -> None:
    graph, choice, manner, edits = case
    twins = Twins(dvc_process)
    try:
        unfrozen = {name: node._replace(frozen=False) for name, node in graph.items()}
        twins.write({"raw.txt": "raw\n", "in.txt": "in\n", **files_of(unfrozen)})
        assert twins.their_repro("", all_pipelines=True) == ""
        assert twins.our_repro(EVERYTHING, Manner())[1] == ""
        ours, theirs = twins.ran()
        assert sorted(ours) == sorted(theirs)
        twins.same_files()
        ours_kept, theirs_kept = twins.runs()
        assert ours_kept == theirs_kept
        twins.write({**files_of(graph), **edits})
        options = {
            "targets": list(choice.targets) or None,
            "single_item": choice.single,
            **{
                name: getattr(choice, name) for name in ("pipeline", "all_pipelines", "recursive", "downstream", "glob")
            },
            **{name: getattr(manner, name) for name in ("force", "force_downstream", "allow_missing")},
            "on_error": "keep-going" if manner.keep_going else "fail",
            "run_cache": not manner.no_run_cache,
        }
        their_problem = twins.their_repro(choice.folder, **options)
        done, our_problem = twins.our_repro(choice, manner)
        assert bool(their_problem) == bool(our_problem or done.failed), (their_problem, our_problem)
        ours, theirs = twins.ran()
        assert sorted(ours) == sorted(theirs)
        if not their_problem and not any(node.frozen for node in graph.values()):
            twins.same_files()  # DVC notes new inputs of a frozen stage, which it did not run on
    finally:
        twins.drop()


KEPT = """\
stages:
  kept:
    cmd:
    - mkdir -p d/e; cp in d/e/f; cp in d/é; cp in o; chmod +x o
    - cp in m.json; cp in p.csv
    wdir: sub
    deps: [../in, ../raw]
    params: [size, a, lr, big, odd, ../other.toml: [x.nfiles, x.y]]
    outs: [d, o]
    metrics: [m.json: {cache: false}]
    plots: [p.csv: {cache: false}]
  generated:
    matrix: {n: [1, 2]}
    cmd: echo ${item.n} > ${item.n}.txt
    params: [sub/params.yaml: null]
    outs: ["${item.n}.txt"]
  uncached: {cmd: cp in u, deps: [in], outs: [u: {cache: false}]}
  persists: {cmd: cp in v, deps: [in], outs: [v: {persist: true}]}
  always: {cmd: cp in w, deps: [in], outs: [w], always_changed: true}
  no-inputs: {cmd: echo > x, outs: [x]}
  no-outputs: {cmd: 'true', deps: [in]}
"""
PARAMS = """\
size: 3
a: {size: 1, nfiles: [{size: 2, b: é}], c: null, d: "yes", e: yes}
lr: 1e-05
big: 12345678901234567890
odd: [1.0, -0.0, 1e20, true, "1", "two\\nlines", {z: 1, y: {x: .5}}]
"""


def test_both_keep_the_same_runs_under_the_same_names(dvc_process: DvcProcess) -> None:
    twins = Twins(dvc_process)
    yaml = KEPT.replace("cp in ", "cp ../in ", 5).replace("cp in m.json; cp in p", "cp ../in m.json; cp ../in p")
    files = {"dvc.yaml": yaml, "sub/params.yaml": PARAMS, "in": "1\n", "raw/a": "a", "raw/b/c": "c"}
    twins.write({**files, "other.toml": "[x]\nnfiles = 1\ny = 2.50\n"})
    assert twins.their_repro("") == ""
    assert twins.our_repro(EVERYTHING, Manner())[1] == ""
    twins.same_files()
    ours, theirs = twins.runs()
    assert len(theirs) == 3
    assert ours == theirs
    # What was kept by the other one is used: DVC's files in our cache, ours in DVC's.
    twins.write({"in": "2\n"})
    assert twins.their_repro("") == twins.our_repro(EVERYTHING, Manner())[1] == ""
    ours, theirs = twins.runs()
    assert len(theirs) == 4
    assert ours == theirs
    for folder, runs in ((twins.ours / ".assay/cache/runs", theirs), (twins.theirs / ".dvc/cache/runs", ours)):
        shutil.rmtree(folder)
        for name, text in runs.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
    twins.write({"in": "1\n"})
    assert "Stage 'kept' is cached - skipping run" in dvc_process.run(twins.theirs, "repro", "kept").out
    assert twins.our_repro(Choice(("kept",)), Manner())[0].restored == ("kept",)
    twins.same_files()
    twins.drop()
