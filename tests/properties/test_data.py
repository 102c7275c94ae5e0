"""Any sequence of edits, add, checkout, commit, move, remove and undo of data does what dictionaries would do."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from assay.engine.data.add import add
from assay.engine.data.checkout import How, checkout
from assay.engine.data.commit import commit
from assay.engine.data.ls import ls
from assay.engine.data.move import move
from assay.engine.data.remove import remove
from assay.engine.data.status import status
from assay.engine.errors import AssayError, BadInput, UsageError, WouldLose
from assay.engine.pipeline.spec import load
from assay.engine.store.manifest import digests_of
from assay.engine.workspace.undo import undo
from tests.workspace import Workspace

FOLDER = ["d/a", "d/b", "d/s/c", "d/s/t"]
SINGLE = ["f", "g"]
TOPS = ["d", "f", "g", "h"]
CONTENT = st.sampled_from(["", "1", "22", "33", "444"])
Files = dict[str, str]


def under(files: Files, top: str) -> Files:
    """The part of the files that is at or below a path."""
    return {path: text for path, text in files.items() if path == top or path.startswith(f"{top}/")}


class Life(RuleBasedStateMachine):
    """A workspace, what should be in it, and what is recorded of each tracked path."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.workspace = Workspace(self.folder / "work")
        self.project = self.workspace.project
        self.files: Files = {}
        self.recorded: dict[str, Files] = {}
        self.kept: set[str] = set()  # content that the cache has for sure

    def teardown(self) -> None:
        """Removes everything."""
        self.project.close()
        shutil.rmtree(self.folder)

    @initialize(single=st.booleans())
    def start(self, single: bool) -> None:
        """Some data that is tracked."""
        self.edit("d/a", "1")
        self.edit("d/s/c", "2")
        self.edit("f", "3")
        self.add_tops(["d", "f"] if single else ["d"])

    # what a user does

    @rule(path=st.sampled_from([*FOLDER, *SINGLE]), text=CONTENT)
    def edit(self, path: str, text: str) -> None:
        """A file is written."""
        if path.split("/")[0] != path and path.split("/")[0] in self.files:
            return
        target = Path(self.project.root) / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        self.files[path] = text

    @rule(path=st.sampled_from([*FOLDER, *SINGLE]))
    def delete(self, path: str) -> None:
        """A file is deleted."""
        (Path(self.project.root) / path).unlink(missing_ok=True)
        self.files.pop(path, None)

    @rule(top=st.sampled_from(["d", "f"]))
    def lose(self, top: str) -> None:
        """A tracked path is deleted whole."""
        path = Path(self.project.root) / top
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        for name in under(self.files, top):
            del self.files[name]

    # what assay does

    def record(self, top: str, files: Files) -> None:
        """Notes what is recorded of a tracked path."""
        self.recorded[top] = files
        self.kept.update(files.values())

    @rule(tops=st.lists(st.sampled_from(TOPS), min_size=1, max_size=2, unique=True))
    def add_tops(self, tops: list[str]) -> None:
        """Whole paths are added, tracked or not."""
        root = Path(self.project.root)
        if all((root / top).exists() for top in tops):
            add(self.project, tops)
            for top in tops:
                self.record(top, under(self.files, top))
        else:
            self.refuses(BadInput, lambda: add(self.project, tops))

    @rule(path=st.sampled_from([*FOLDER, "d/s"]))
    def add_part(self, path: str) -> None:
        """A path inside the tracked folder joins it."""
        if "d" not in self.recorded:
            return
        if not (Path(self.project.root) / path).exists():
            self.refuses(BadInput, lambda: add(self.project, [path]))
            return
        add(self.project, [path])
        part = under(self.files, path)
        others = {
            name: text for name, text in self.recorded["d"].items() if name not in under(self.recorded["d"], path)
        }
        self.record("d", {**others, **part})

    @rule()
    def commit_all(self) -> None:
        """What is there is recorded."""
        commit(self.project)
        for top in self.recorded:
            if (Path(self.project.root) / top).exists():
                self.record(top, under(self.files, top))

    @rule(force=st.booleans(), part=st.sampled_from([None, "d/a", "d/s"]))
    def check_out(self, force: bool, part: str | None) -> None:
        """What is recorded comes back, unless that would lose something."""
        if part is not None and not under({**self.recorded.get("d", {}), **self.files}, part):
            return
        if part is not None and "d" not in self.recorded:
            self.refuses(UsageError, lambda: checkout(self.project, [part]))
            return
        wanted, there = {}, {}
        for top, files in self.recorded.items():
            if part is None or top == "d":
                wanted.update(under(files, part or top))
                there.update(under(self.files, part or top))
        replaced = {path: text for path, text in there.items() if wanted.get(path) != text}
        targets, how = [part] if part else [], How(force=force)
        if not force and not set(replaced.values()) <= self.kept:
            self.refuses(WouldLose, lambda: checkout(self.project, targets, how))
            return
        done = checkout(self.project, targets, how)
        assert not done.missing
        assert bool(done.undo) == bool(replaced)
        for path in there:
            del self.files[path]
        self.files.update(wanted)
        self.kept.update(replaced.values())

    @rule(source=st.sampled_from(["f", "g", "h"]), place=st.sampled_from(["h", "g", "n/h"]))
    def move_one(self, source: str, place: str) -> None:
        """Data gets another path."""
        if source not in self.recorded or place in self.recorded or (Path(self.project.root) / place).exists():
            return
        move(self.project, source, place)
        self.recorded[place] = dict.fromkeys([place], self.recorded.pop(source)[source])
        if source in self.files:
            self.kept.add(self.files[source])
            self.files[place] = self.files.pop(source)

    @rule(top=st.sampled_from(TOPS), outs=st.booleans())
    def remove_one(self, top: str, outs: bool) -> None:
        """Data is no longer tracked."""
        if top not in self.recorded:
            self.refuses(UsageError, lambda: remove(self.project, [top], outs=outs))
            return
        remove(self.project, [top], outs=outs)
        del self.recorded[top]
        if outs:
            for path, text in under(self.files, top).items():
                self.kept.add(text)
                del self.files[path]

    @rule()
    def there_and_back(self) -> None:
        """Something is removed with its data, and undone at once."""
        if not self.recorded:
            return
        top = next(iter(self.recorded))
        remove(self.project, [top], outs=True)
        undo(self.project)
        self.kept.update(under(self.files, top).values())

    def refuses(self, error: type[AssayError], action: object) -> None:
        """An action that has to be refused."""
        assert callable(action)
        try:
            action()
        except error:
            return
        raise AssertionError(f"{error.__name__} was expected")

    # what must always hold

    @invariant()
    def the_workspace_is_what_it_should_be(self) -> None:
        """Every file, byte for byte."""
        root = Path(self.project.root)
        found = {}
        for path in root.rglob("*"):
            name = path.relative_to(root).as_posix()
            if path.is_file() and not name.startswith((".git", ".assay")) and not name.endswith((".dvc", ".gitignore")):
                found[name] = path.read_text()
        assert found == self.files

    @invariant()
    def records_say_what_was_recorded(self) -> None:
        """Names and sizes of everything that is tracked; the cache has all of it (law 1)."""
        listed = {line.path: line.size for line in ls(self.project, recursive=True)}
        assert listed == {path: len(text) for files in self.recorded.values() for path, text in files.items()}
        for file in load(self.project).data.values():
            for artifact in file.cached.values():
                assert not self.project.cache.missing(digests_of(self.project.cache, artifact))

    @invariant()
    def status_tells_the_difference(self) -> None:
        """File by file."""
        found = status(self.project, granular=True).uncommitted
        old = {path: text for files in self.recorded.values() for path, text in files.items()}
        new = {path: text for top in self.recorded for path, text in under(self.files, top).items()}
        told = {path for path in (*found.added, *(pair[1] for pair in found.renamed)) if not path.endswith("/")}
        assert told == new.keys() - old.keys()
        gone = {path for path in (*found.deleted, *(pair[0] for pair in found.renamed)) if not path.endswith("/")}
        assert gone == old.keys() - new.keys()
        changed = {path for path in found.modified if not path.endswith("/")}
        assert changed == {path for path in old.keys() & new.keys() if old[path] != new[path]}


Life.TestCase.settings = settings(max_examples=40, stateful_step_count=14)
TestLife = Life.TestCase
