"""Real DVC and assay with md5 as its hash, side by side: the same ``.dvc`` and .gitignore bytes, the same answers."""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

from assay.cli.commands.data import plain_diff, plain_status
from assay.engine import layout
from assay.engine.data.add import add
from assay.engine.data.checkout import How, checkout
from assay.engine.data.diff import diff
from assay.engine.data.move import move
from assay.engine.data.remove import remove
from assay.engine.data.status import status
from assay.engine.git.repository import Repository
from assay.engine.project import Project, World, load_config
from tests.dvcprocess import DvcProcess
from tests.workspace import CountingIds, FixedClock

CASES = 14
OWN = (".git", ".dvc", ".assay")
Tree = Mapping[str, bytes | None]


class Twins:
    """The same files in two folders: DVC's and assay's."""

    def __init__(self, dvc: DvcProcess) -> None:
        self.dvc = dvc
        self.theirs, self.ours = dvc.new_pair()

    @property
    def project(self) -> Project:
        """Assay's side, as the next command would open it; its hash is md5."""
        kind = layout.native("md5")
        kind = kind._replace(ignores=tuple(name for name in kind.ignores if name != "__pycache__/"))
        world = World(FixedClock(), CountingIds(), environment={})
        root = str(self.ours)
        return Project(root, kind, load_config(root, kind, world), Repository.discover(root, (), {}), world)

    def write(self, files: Tree) -> None:
        """Writes (None: removes) files on both sides."""
        for root in (self.theirs, self.ours):
            for path, data in files.items():
                target = root / path
                if data is None:
                    target.unlink(missing_ok=True)
                else:
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.write_bytes(data)

    def theirs_says(self, *words: str) -> str:
        """What DVC prints; it has to succeed."""
        said = self.dvc.run(self.theirs, *words)
        assert said.code == 0, (words, said.err)
        return str(said.out)

    def check(self) -> None:
        """Both sides hold the same files, byte for byte, ``.dvc`` and .gitignore among them."""
        assert files(self.ours) == files(self.theirs)

    def commit(self, git: Any) -> None:
        """Commits both sides alike."""
        for root in (self.theirs, self.ours):
            git("add", "-A", cwd=root)
            git("commit", "-q", "--allow-empty", "-m", "x", cwd=root)


def files(root: Path) -> dict[str, bytes]:
    """Every file of a side but the tools' own."""
    found = {}
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name not in OWN]
        for name in names:
            path = Path(folder) / name
            found[path.relative_to(root).as_posix()] = path.read_bytes()
    return found


@pytest.fixture
def twins(dvc_process: DvcProcess) -> Twins:
    """Two empty projects."""
    return Twins(dvc_process)


NAMES = [
    "plain.txt",
    "a b",
    "é",
    "!x",
    "#y",
    "[z]*",
    "a?b",
    "x;y",
    "'q\"",
    "12",
    "1e3",
    "null",
    "a: b",
    "@",
    "ü/ñ",
    "q\\r",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_file_of_any_name(twins: Twins, name: str) -> None:
    twins.write({name: b"content\n"})
    twins.theirs_says("add", name)
    add(twins.project, [name])
    twins.check()


def test_folders_executables_and_the_same_again(twins: Twins) -> None:
    twins.write({"data/a": b"1", "data/b/c": b"2", "run.sh": b"#!/bin/sh\n", "sub/f": b"f", "empty": b""})
    for root in (twins.theirs, twins.ours):
        (root / "run.sh").chmod(0o755)
        (root / "none").mkdir()
    for targets in (["data", "run.sh"], ["sub/f", "empty", "none"], ["data"]):
        twins.theirs_says("add", *targets)
        add(twins.project, targets)
        twins.check()
    assert b"isexec: true" in files(twins.ours)["run.sh.dvc"]
    twins.write({"data/new": b"3", "data/a": b"changed", "run.sh": b"other", "sub/f": b"ff"})
    for targets in (["data/new"], ["data/b"], ["sub/f", "run.sh"], ["data"]):
        twins.theirs_says("add", *targets)
        add(twins.project, targets)
        twins.check()


def test_what_the_user_wrote_around_it_stays(twins: Twins) -> None:
    text = b"# mine\ndesc: top   # why\nouts:\n- md5: 401b30e3b8b5d629635a5c613cdb7919\n  size: 2\n  desc: hello\n"
    twins.write({"a": b"1", "a.dvc": text + b"  hash: md5\n  path: a\nmeta:\n  k: [1, 2]\n", ".gitignore": b"/a\n"})
    twins.theirs_says("add", "a")
    add(twins.project, ["a"])
    twins.check()


def test_moved_and_removed(twins: Twins) -> None:
    twins.write({"data/a": b"1", "f": b"f", "in/x": b"x", ".gitignore": b"# mine\n"})
    twins.theirs_says("add", "data", "f")
    add(twins.project, ["data", "f"])
    for source, target in (("f", "g"), ("g", "in/h"), ("data", "in")):
        twins.theirs_says("move", source, target)
        move(twins.project, source, target)
        twins.check()
    twins.theirs_says("remove", "in/h.dvc")
    remove(twins.project, ["in/h.dvc"])
    twins.check()
    twins.theirs_says("remove", "in/data.dvc", "--outs")
    remove(twins.project, ["in/data.dvc"], outs=True)
    twins.check()


PATHS = st.sampled_from(["data/a", "data/b", "data/s/c", "data/s/t/d", "other/e", "f", "g"])
CONTENT = st.sampled_from([b"", b"1", b"22", b"333"])
TREES = st.dictionaries(PATHS, CONTENT, min_size=2, max_size=7)
EDITS = st.dictionaries(PATHS, st.one_of(st.none(), CONTENT), min_size=1, max_size=5)


def tops(root: Path) -> list[str]:
    """What there is to be added."""
    return [name for name in ("data", "other", "f", "g") if (root / name).exists()]


def in_order(value: Any) -> Any:
    """The same, with lists in an order of our own: DVC's is that of its sets."""
    if isinstance(value, list):
        return sorted((in_order(item) for item in value), key=json.dumps)
    return {key: in_order(item) for key, item in sorted(value.items())} if isinstance(value, dict) else value


def test_status_and_diff_say_the_same(dvc_process: DvcProcess, git: Any) -> None:
    seen: Counter[str] = Counter()

    @settings(max_examples=CASES, phases=[Phase.generate])  # each takes DVC half a second, too long for shrinking
    @given(TREES, EDITS, EDITS, st.booleans())
    def judge(tree: Tree, first: Tree, second: Tree, granular: bool) -> None:
        twins = Twins(dvc_process)
        try:
            twins.write(tree)
            assume(tops(twins.ours))
            twins.theirs_says("add", *tops(twins.ours))
            add(twins.project, tops(twins.ours))
            twins.commit(git)
            twins.write(first)
            twins.theirs_says("add", *tops(twins.ours))
            add(twins.project, tops(twins.ours))
            twins.check()
            twins.write(second)
            words = ["data", "status", "--json", "--unchanged", *(["--granular"] if granular else [])]
            theirs = json.loads(twins.theirs_says(*words))
            ours = plain_status(status(twins.project, granular=granular), unchanged=True)
            seen.update(state for part in ours.values() if isinstance(part, dict) for state in part)
            assert in_order(ours) == in_order(theirs)
            theirs = json.loads(twins.theirs_says("diff", "--json", "--show-hash"))
            assert in_order(plain_diff(diff(twins.project), show_hash=True)) == in_order(theirs)
            twins.theirs_says("checkout", "-f")
            checkout(twins.project, how=How(force=True))
            twins.check()
        finally:
            shutil.rmtree(twins.ours)
            dvc_process.drop(twins.theirs)

    judge()
    assert all(seen[state] >= 3 for state in ("added", "modified", "deleted")), seen
