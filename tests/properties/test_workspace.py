"""Any sequence of save, apply, undo, remove, baseline and switch does what a dictionary would do."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from assay.engine.errors import Refused
from assay.engine.experiments.apply import apply
from assay.engine.experiments.baseline import baseline
from assay.engine.experiments.branch import branch
from assay.engine.experiments.chosen import named
from assay.engine.experiments.remove import remove
from assay.engine.experiments.save import save
from assay.engine.experiments.switch import switch
from assay.engine.workspace import undo as undo_records
from assay.engine.workspace.undo import undo
from tests.workspace import Workspace

PATHS = ["a", "dir/deep/c"]  # few, so that what happens to one of them meets what happened to it before
Files = dict[str, str]
NUMBERS = st.integers(0, 7)
UNDONE = st.integers(0, 3)


def chosen(names: Iterable[str], number: int) -> str:
    """One of the names, the newest for 0."""
    ordered = list(names)[::-1]
    return ordered[number % len(ordered)]


class Life(RuleBasedStateMachine):
    """A workspace, and what should be in it: files by path."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.workspace = Workspace(self.folder / "work")
        self.project = self.workspace.project
        self.files: Files = {}
        self.saved: dict[str, tuple[Files, Files]] = {}  # experiments: their files, and their baseline's
        self.gone: dict[str, tuple[Files, Files]] = {}
        self.branches: dict[str, Files] = {}
        self.current = "main"
        self.undoable: list[tuple[str, dict[str, str | None]]] = []
        self.count = 0

    @property
    def head(self) -> Files:
        """The files of the commit that HEAD names."""
        return self.branches[self.current]

    @initialize()
    def start(self) -> None:
        self.write("a", "first")
        self.commit()

    @rule(path=st.sampled_from(PATHS), text=st.sampled_from(["one", "two"]))
    def write(self, path: str, text: str) -> None:
        self.workspace.write(path, text)
        self.files[path] = text

    @rule(path=st.sampled_from(PATHS))
    def delete(self, path: str) -> None:
        if self.files.pop(path, None) is not None:
            (self.workspace.root / path).unlink()

    @rule(path=st.sampled_from(PATHS), text=st.sampled_from(["one", "two", None]))
    def save(self, path: str, text: str | None) -> None:
        """Saves, and then changes one of the files, so that there is something to come back to."""
        name = self.fresh("exp")
        save(self.project, name=name)
        self.saved[name] = dict(self.files), dict(self.head)
        if text is None:
            self.delete(path)
        else:
            self.write(path, text)

    @precondition(lambda self: self.saved)
    @rule(number=NUMBERS, undone=UNDONE)
    def apply(self, number: int, undone: int) -> None:
        name = chosen(self.saved, number)
        target, base = self.saved[name]
        wanted: dict[str, str | None] = {**dict.fromkeys(base), **target}
        before = {path: self.files.get(path) for path, text in wanted.items() if self.files.get(path) != text}
        apply(self.project, name)
        self.become(wanted)
        if before:
            self.undoable.append(("files", before))
            self.undo(undone)

    @precondition(lambda self: self.undoable)
    @rule(times=UNDONE)
    def undo(self, times: int) -> None:
        for _ in range(times):
            self.undo_once()

    def undo_once(self) -> None:
        kind, state = self.undoable.pop()
        if kind == "files":
            now = {path: self.files.get(path) for path in state}
            undo(self.project)
            self.become(state)
            self.undoable.append(("files", now))
        else:
            undo(self.project)
            for name in state:
                if kind == "removed":
                    self.saved[name] = self.gone.pop(name)
                else:
                    self.gone[name] = self.saved.pop(name)
            self.undoable.append(("made" if kind == "removed" else "removed", state))

    @precondition(lambda self: self.saved)
    @rule(number=NUMBERS, undone=UNDONE)
    def remove(self, number: int, undone: int) -> None:
        name = chosen(self.saved, number)
        remove(self.project, dict([named(self.project, name)]))
        self.gone[name] = self.saved.pop(name)
        self.undoable.append(("removed", {name: None}))
        self.undo(undone)

    @rule()
    def commit(self) -> None:
        try:
            baseline(self.project, "commit")
        except Refused:
            assert self.files == self.head
        self.branches[self.current] = dict(self.files)

    @rule()
    def branch(self) -> None:
        name = self.fresh("branch")
        branch(self.project, "HEAD", name)
        self.branches[name] = dict(self.head)

    @rule(number=NUMBERS)
    def switch(self, number: int) -> None:
        name = chosen(self.branches, number)
        target = self.branches[name]
        differing = [path for path in PATHS if self.head.get(path) != target.get(path)]
        here = [path for path in differing if path in self.files]  # a file that was deleted is no loss, as in Git
        lost = [path for path in here if self.files[path] not in (self.head.get(path), target.get(path))]
        try:
            switch(self.project, name)
        except Refused:
            assert lost
            return
        assert not lost
        self.become({path: target.get(path) for path in differing})
        self.current = name

    def become(self, wanted: dict[str, str | None]) -> None:
        self.files.update({path: text for path, text in wanted.items() if text is not None})
        for path, text in wanted.items():
            if text is None:
                self.files.pop(path, None)

    def fresh(self, kind: str) -> str:
        self.count += 1
        return f"{kind}-{self.count}"

    @invariant()
    def files_are_what_they_should_be(self) -> None:
        root = self.workspace.root
        found = {path: (root / path).read_text() for path in PATHS if (root / path).exists()}
        assert found == self.files

    @invariant()
    def head_is_where_it_should_be(self) -> None:
        if self.branches:
            assert self.project.repo.head_ref() == f"refs/heads/{self.current}"
        assert len(undo_records.records(self.project)) == min(len(self.undoable), undo_records.KEPT)

    def teardown(self) -> None:
        self.project.close()
        shutil.rmtree(self.folder)


Life.TestCase.settings = settings(max_examples=40, stateful_step_count=20)
TestWorkspace = Life.TestCase
