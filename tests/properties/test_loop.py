"""Any sequence of an experiment's verbs does what dictionaries would do, and what a ref needs is never missing.

The verbs are run, save, apply, checkout, undo, rename, remove, gc, baseline, branch, switch, tag and note.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import NamedTuple

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from assay.engine.data.checkout import How, checkout
from assay.engine.errors import AssayError, NameTaken, Refused, WouldLose
from assay.engine.experiments.apply import apply
from assay.engine.experiments.baseline import baseline
from assay.engine.experiments.branch import branch
from assay.engine.experiments.chosen import Which
from assay.engine.experiments.gc import gc
from assay.engine.experiments.keeping import Keep
from assay.engine.experiments.listing import Scope
from assay.engine.experiments.note import note
from assay.engine.experiments.prepare import RunSpec
from assay.engine.experiments.remove import doomed, remove
from assay.engine.experiments.rename import rename
from assay.engine.experiments.run import run
from assay.engine.experiments.save import save
from assay.engine.experiments.show import show
from assay.engine.experiments.switch import switch
from assay.engine.experiments.tag import tag
from assay.engine.model import ExpRef, Oid
from assay.engine.params.overrides import parse
from assay.engine.pipeline.choice import Manner
from assay.engine.workspace import undo as undo_records
from assay.engine.workspace.undo import undo
from tests.closure import Closure
from tests.workspace import Workspace

DVC_YAML = """\
stages:
  train:
    cmd:
    - mkdir -p data && cat code params.yaml > model.bin && cp params.yaml data/p
    - printf '{"lr":%s}' $(cut -c5- params.yaml) > metrics.json
    deps: [code]
    params: [lr]
    outs: [model.bin, data]
    metrics: [{metrics.json: {cache: false}}]
"""
OUTS = ("model.bin", "data")
NAMES = ("one", "two", "three")  # few, so that what is made meets what was there before
TAGS = ("best", "v2")
PATHS = ("params.yaml", "code", "a", "model.bin", "data/p")
NUMBERS = st.integers(0, 7)
UNDONE = st.tuples(st.integers(0, 3), st.integers(0, 2))  # which record after the command, and how often
Files = dict[str, bytes]


UNSAID: tuple[frozenset[str], str | None] = (frozenset(), None)


class Exp(NamedTuple):
    """An experiment as it should be: its baseline, its commit, the files of its tree."""

    baseline: Oid
    commit: Oid
    files: Files


class Record(NamedTuple):
    """What an undo should do: files, whole outputs, refs (and what the command made of them), tags and notes."""

    files: Mapping[str, bytes | None] = {}
    outs: Mapping[str, Files] = {}
    refs: Mapping[tuple[Oid, str], Exp | None] = {}
    after: Mapping[tuple[Oid, str], Exp | None] = {}
    said: Mapping[Oid, Mapping[str, bool | str | None]] = {}  # by tag, and "note"
    is_trash: bool = False


def out_of(path: str) -> str:
    return path.split("/")[0]


def is_out(path: str) -> bool:
    return out_of(path) in OUTS


def by_out(files: Files) -> dict[str, Files]:
    found: dict[str, Files] = {}
    for path, data in files.items():
        found.setdefault(out_of(path), {})[path] = data
    return found


class Loop(RuleBasedStateMachine):
    """A project, and what should be in its workspace, in its refs and in its cache."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.work = Workspace(self.folder / "work")
        self.root = self.work.root
        self.closure = Closure(self.root)
        self.files: Files = {}
        self.exps: dict[tuple[Oid, str], Exp] = {}
        self.branches: dict[str, Oid] = {}
        self.trees: dict[Oid, Files] = {}  # of commits that branches are or were at
        self.current = "main"
        self.undoable: list[Record] = []
        self.said: dict[Oid, tuple[frozenset[str], str | None]] = {}
        self.index = b""
        self.count = 0

    @property
    def project(self):  # type: ignore[no-untyped-def]
        return self.work.project

    @property
    def head(self) -> Oid:
        return self.branches[self.current]

    @initialize()
    def start(self) -> None:
        for path, text in {
            "dvc.yaml": DVC_YAML,
            "params.yaml": "lr: 0\n",
            "code": "c0\n",
            "a": "first\n",
            ".assay/config": "[gc]\n    fresh = 0s\n",
            ".assay/.gitignore": "/cache\n/tmp\n",
        }.items():
            (self.root / path).write_text(text)
        self.work.reopen()
        self.files = self.on_disk()
        self.commit()
        for name, lr in (("one", 1), ("two", 2)):
            self.make_by_run(name, lr, force=False)

    # What a person does by hand.

    @rule(path=st.sampled_from(PATHS), number=st.none() | st.integers(0, 2))
    def edit(self, path: str, number: int | None) -> None:
        """Writes a file, or deletes it."""
        if is_out(path) and path not in self.files:
            return  # not before a stage has written it
        if number is not None:
            self.put(path, f"lr: {number}\n".encode() if path == "params.yaml" else f"{path} {number}\n".encode())
        elif path not in ("params.yaml", "code") and path in self.files:
            self.put(path, None)

    # Making experiments.

    @rule(name=st.sampled_from(NAMES), lr=st.none() | st.integers(0, 2), saved=st.booleans(), force=st.booleans())
    def make(self, name: str, lr: int | None, saved: bool, force: bool) -> None:
        if saved:
            self.make_by_save(name, force=force)
        else:
            self.make_by_run(name, lr, force=force)

    def make_by_run(self, name: str, lr: int | None, *, force: bool) -> None:
        key = (self.head, name)
        overrides = () if lr is None else (parse(f"lr={lr}"),)
        spec = RunSpec(manner=Manner(force=force), overrides=overrides, name=name, message=name)
        if key in self.exps and not force:
            self.refused(NameTaken, run, self.project, spec)
            return
        done = run(self.project, spec)
        if lr is not None:
            self.files["params.yaml"] = f"lr: {lr}\n".encode()
        outputs = self.on_disk(lambda path: is_out(path) or path in ("metrics.json", "dvc.lock", ".gitignore"))
        if done.reproduced.ran:
            params = self.files["params.yaml"]
            assert outputs["model.bin"] == self.files["code"] + params
            assert {path for path in outputs if path.startswith("data")} == {"data/p"}
            assert outputs["data/p"] == params
            assert outputs["metrics.json"] == b'{"lr":%b}' % params[4:-1]
        self.become(
            {path: data for path, data in outputs.items() if not is_out(path)},
            {out: {path: data for path, data in outputs.items() if out_of(path) == out} for out in OUTS},
        )
        assert self.closure.outs(self.files["dvc.lock"]) == self.part("model.bin") | self.part("data")
        self.made(key, done.made.commit)

    def make_by_save(self, name: str, *, force: bool) -> None:
        key = (self.head, name)
        if key in self.exps and not force:
            self.refused(NameTaken, save, self.project, name=name)
            return
        made = save(self.project, name=name, message=name, force=force)
        self.become(self.on_disk(lambda path: path in ("dvc.lock", ".gitignore")))
        if all(map(self.part, OUTS)) and "metrics.json" in self.files:
            assert self.closure.outs(self.files["dvc.lock"]) == self.part("model.bin") | self.part("data")
        self.made(key, made.commit)

    def made(self, key: tuple[Oid, str], commit: Oid) -> None:
        new = Exp(key[0], commit, {path: data for path, data in self.files.items() if not is_out(path)})
        old = self.exps.get(key)
        self.exps[key] = new
        if old is not None and old.commit != commit:
            self.remember(Record(refs={key: old}, after={key: new}))

    # Going back and forth.

    @rule(number=NUMBERS, undone=UNDONE)
    def apply(self, number: int, undone: tuple[int, int]) -> None:
        if not self.exps:
            return
        key = self.chosen(number)
        exp = self.exps[key]
        wanted: dict[str, bytes | None] = {**dict.fromkeys(self.trees[exp.baseline]), **exp.files}
        outs = by_out(self.closure.outs(exp.files.get("dvc.lock")))
        record = Record(
            {path: self.files.get(path) for path, data in wanted.items() if self.files.get(path) != data},
            {out: self.part(out) for out, files in outs.items() if self.part(out) != files},
        )
        apply(self.project, ExpRef(*key).refname)
        self.become(wanted, outs)
        if record.files or record.outs:
            self.remember(record)
            self.undo(undone)

    @rule(force=st.booleans(), undone=UNDONE)
    def checkout(self, force: bool, undone: tuple[int, int]) -> None:
        cached, outs = set(self.closure.objects().values()), by_out(self.closure.outs(self.files.get("dvc.lock")))
        replaced = {
            out: self.part(out)
            for out, files in outs.items()
            if any(files.get(path) != data for path, data in self.part(out).items())
        }
        lost = [p for out in replaced for p, d in self.part(out).items() if outs[out].get(p) != d and d not in cached]
        if lost and not force:
            self.refused(WouldLose, checkout, self.project, how=How(force=force))
            return
        checkout(self.project, how=How(force=force))
        self.become({}, outs)
        if replaced:
            self.remember(Record(outs=replaced))
            self.undo(undone)

    @rule(which=UNDONE)
    def undo(self, which: tuple[int, int]) -> None:
        """Undoes the newest thing, or an older one, and perhaps undoes that again."""
        number, times = which
        number %= len(self.undoable) or 1
        for _ in range(times):
            if number < len(self.undoable):
                number = 0 if self.undo_once(-1 - number) else number

    def undo_once(self, at: int) -> bool:
        record = self.undoable[at]
        known = sorted(record.number for record in undo_records.records(self.project))
        now = {key: self.exps.get(key) for key in record.refs}
        allowed = {key: (None, was, record.after.get(key)) for key, was in record.refs.items()}
        if any(now[key] not in allowed[key] for key in now):
            self.refused(NameTaken, undo, self.project, known[at])
            return False
        undo(self.project, known[at])
        del self.undoable[at]
        if record.is_trash:
            return False
        self.undoable.append(
            Record(
                {path: self.files.get(path) for path in record.files},
                {out: self.part(out) for out, files in record.outs.items() if self.part(out) != files},
                now,
                record.refs,
                {commit: {what: self.said_of(commit, what) for what in said} for commit, said in record.said.items()},
            )
        )
        self.become(record.files, record.outs)
        for key, was in record.refs.items():
            self.exps.pop(key, None)
            if was is not None:
                self.exps[key] = was
        for commit, said in record.said.items():
            for what, value in said.items():
                self.says(commit, what, value)
        self.nothing_that_a_ref_needs_is_missing()
        return True

    # Taking away and naming.

    @rule(numbers=st.sets(NUMBERS, min_size=1, max_size=2), keep=st.booleans(), undone=UNDONE)
    def remove(self, numbers: Collection[int], keep: bool, undone: tuple[int, int]) -> None:
        if not self.exps:
            return
        keys = list(dict.fromkeys(map(self.chosen, numbers)))
        refs = doomed(self.project, Which([ExpRef(*key).refname for key in keys]), keep=keep)
        gone = [key for key in self.exps if (key in keys) != keep]
        assert sorted(refs) == sorted(ExpRef(*key).refname for key in gone)
        remove(self.project, refs)
        if gone:
            self.remember(Record(refs={key: self.exps.pop(key) for key in gone}))
            self.undo(undone)

    @rule(number=NUMBERS, name=st.sampled_from(NAMES), force=st.booleans(), undone=UNDONE)
    def rename(self, number: int, name: str, force: bool, undone: tuple[int, int]) -> None:
        if not self.exps:
            return
        key = self.chosen(number)
        new, refname = (key[0], name), ExpRef(*key).refname
        if key == new or (new in self.exps and not force):
            self.refused(Refused, rename, self.project, refname, name, force=force)
            return
        rename(self.project, refname, name, force=force)
        before = {key: self.exps[key], new: self.exps.get(new)}
        self.exps[new] = self.exps.pop(key)
        self.remember(Record(refs=before, after={new: self.exps[new]}))
        self.undo(undone)

    @rule(number=NUMBERS, name=st.sampled_from(TAGS), on=st.booleans(), text=st.sampled_from(["x", "y", None]))
    def remark(self, number: int, name: str, on: bool, text: str | None) -> None:
        if not self.exps:
            return
        commit = self.exps[self.chosen(number)].commit
        if number % 2:
            self.note(commit, text)
        else:
            self.tag(commit, name, on=on)

    def tag(self, commit: Oid, name: str, *, on: bool) -> None:
        was = self.said_of(commit, name)
        if not on and not was:
            self.refused(Refused, tag, self.project, [commit], [name], on=on)
            return
        tag(self.project, [commit], [name], on=on)
        if was != on:
            self.says(commit, name, on)
            self.remember(Record(said={commit: {name: was}}))

    def note(self, commit: Oid, text: str | None) -> None:
        was = self.said_of(commit, "note")
        note(self.project, commit, text)
        if was != text:
            self.says(commit, "note", text)
            self.remember(Record(said={commit: {"note": was}}))

    def said_of(self, commit: Oid, what: str) -> bool | str | None:
        """Whether a commit has a tag, or what its note says."""
        tags, text = self.said.get(commit, UNSAID)
        return text if what == "note" else what in tags

    def says(self, commit: Oid, what: str, value: bool | str | None) -> None:
        tags, text = self.said.get(commit, UNSAID)
        if what == "note":
            self.said[commit] = tags, value
        else:
            self.said[commit] = (tags | {what} if value else tags - {what}), text

    @rule(branches=st.booleans(), removed=st.none() | NUMBERS, undone=UNDONE)
    def gc(self, branches: bool, removed: int | None, undone: tuple[int, int]) -> None:
        """Collects, perhaps just after something was removed that is wanted back then."""
        if removed is not None and self.exps:
            self.remove({removed}, keep=False, undone=(0, 0))
        known = {record.number for record in undo_records.records(self.project)}
        gc(self.project, Keep(experiments=True, branches=branches, commits=not branches))
        if {record.number for record in undo_records.records(self.project)} - known:
            self.remember(Record(is_trash=True))
        self.undo(undone)

    # What moves HEAD.

    @rule()
    def commit(self) -> None:
        tree = {path: data for path, data in self.files.items() if not is_out(path)}
        if self.branches and self.trees[self.head] == tree:
            self.refused(Refused, baseline, self.project, "commit")
            return
        done = baseline(self.project, "commit")
        self.branches[self.current] = done.commit
        self.trees[done.commit] = tree
        self.index = self.index_now()

    @rule(number=NUMBERS, of_experiment=st.booleans())
    def branch(self, number: int, of_experiment: bool) -> None:
        self.count += 1
        name, key = f"branch-{self.count}", self.chosen(number) if of_experiment and self.exps else None
        if len(self.branches) > 3:
            self.work.reopen()
            return
        branch(self.project, ExpRef(*key).refname if key else "HEAD", name)
        commit = self.exps[key].commit if key else self.head
        self.branches[name] = commit
        self.trees[commit] = self.exps[key].files if key else self.trees[self.head]

    @rule(number=NUMBERS)
    def switch(self, number: int) -> None:
        name = sorted(self.branches)[number % len(self.branches)]
        old, new = self.trees[self.head], self.trees[self.branches[name]]
        differing = [path for path in {**old, **new} if old.get(path) != new.get(path)]
        here = [path for path in differing if path in self.files]  # a file that was deleted is no loss, as in Git
        lost = [path for path in here if self.files[path] not in (old.get(path), new.get(path))]
        cached, outs = set(self.closure.objects().values()), by_out(self.closure.outs(new.get("dvc.lock")))
        for out, files in outs.items():
            lost += [p for p, data in self.part(out).items() if files.get(p) != data and data not in cached]
        if lost:
            self.refused(Refused, switch, self.project, name)
            return
        switch(self.project, name)
        if self.head != self.branches[name]:
            for out, files in by_out(self.closure.outs(old.get("dvc.lock"))).items():
                if out not in outs and self.part(out) == files:
                    outs[out] = {}
        self.become({path: new.get(path) for path in differing}, outs)
        self.current = name
        self.index = self.index_now()

    # The model.

    def put(self, path: str, data: bytes | None) -> None:
        target = self.root / path
        target.unlink(missing_ok=True)
        if data is not None:
            target.parent.mkdir(exist_ok=True)
            target.write_bytes(data)
        elif path.startswith("data/") and not any(target.parent.iterdir()):
            target.parent.rmdir()  # an output that is there and empty is more than a dictionary of files can tell
        self.become({path: data})

    def become(self, wanted: Mapping[str, bytes | None], outs: Mapping[str, Files] | None = None) -> None:
        for out, files in (outs or {}).items():
            self.files = {path: data for path, data in self.files.items() if out_of(path) != out} | files
        for path, data in wanted.items():
            self.files.pop(path, None)
            if data is not None:
                self.files[path] = data

    def part(self, out: str) -> Files:
        """The files of an output that are there now."""
        return {path: data for path, data in self.files.items() if out_of(path) == out}

    def chosen(self, number: int) -> tuple[Oid, str]:
        baselines = list(self.trees)  # in the order in which they were made: a run's time makes its id another one
        ordered = sorted(self.exps, key=lambda key: (key[1], baselines.index(key[0])))
        return ordered[number % len(ordered)]

    def remember(self, record: Record) -> None:
        self.undoable.append(record)
        del self.undoable[: -undo_records.KEPT]

    def refused(self, kind: type[AssayError], verb, *args, **options) -> None:  # type: ignore[no-untyped-def]
        """A command that says no and changes nothing; the invariants see to the second."""
        try:
            verb(*args, **options)
        except kind:
            return
        raise AssertionError(f"{verb.__name__} was to refuse")

    def on_disk(self, wanted=lambda path: True) -> Files:  # type: ignore[no-untyped-def]
        found = {}
        for path in self.root.rglob("*"):
            name = str(path.relative_to(self.root))
            if path.is_file() and not name.startswith((".git/", ".assay/tmp", ".assay/cache")) and wanted(name):
                found[name] = path.read_bytes()
        return found

    def index_now(self) -> bytes:
        return (self.root / ".git/index").read_bytes()

    @invariant()
    def the_workspace_is_what_it_should_be(self) -> None:
        assert self.on_disk() == self.files

    @invariant()
    def refs_are_what_they_should_be(self) -> None:
        if not self.branches:
            return
        repo = self.project.repo
        known = dict(repo.refs.iterate())
        wanted = {ExpRef(*key).refname: exp.commit for key, exp in self.exps.items()}
        wanted |= {f"refs/heads/{name}": commit for name, commit in self.branches.items()}
        assert {name: oid for name, oid in known.items() if not name.startswith("refs/assay/")} == wanted
        assert repo.head_ref() == f"refs/heads/{self.current}"
        assert self.index_now() == self.index
        assert len(undo_records.records(self.project)) == len(self.undoable)

    @invariant()
    def nothing_that_a_ref_needs_is_missing(self) -> None:
        for exp in self.exps.values():
            assert self.closure.tree(exp.commit) == exp.files
            self.closure.outs(exp.files.get("dvc.lock"))
        for commit in self.branches.values():
            assert self.closure.tree(commit) == self.trees[commit]
            self.closure.outs(self.trees[commit].get("dvc.lock"))
        self.closure.outs(self.files.get("dvc.lock"))  # the workspace is no ref, and needs no less

    @invariant()
    def show_says_so(self) -> None:
        if not self.branches:
            return
        found = set()
        for group in show(self.project, Scope(everything=True), workspace=False).groups:
            for row in group.experiments:
                found.add((group.baseline.commit, row.name, row.commit, frozenset(row.tags), row.note))
        wanted = {(*key, exp.commit, *self.said.get(exp.commit, UNSAID)) for key, exp in self.exps.items()}
        assert found == wanted

    def teardown(self) -> None:
        self.project.close()
        if shutil.which("git"):
            done = subprocess.run(["git", "fsck", "--strict"], cwd=self.root, capture_output=True, check=False)
            assert done.returncode == 0, done.stdout + done.stderr
        shutil.rmtree(self.folder)


EXAMPLES = 20 if settings.default.derandomize else 300  # the profile "explore" looks further
Loop.TestCase.settings = settings(max_examples=EXAMPLES, stateful_step_count=20)
TestLoop = Loop.TestCase
