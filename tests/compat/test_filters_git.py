"""Line ends, idents, encodings and attributes are what the real Git makes of them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.engine.events import Event, Warned
from assay.engine.git.attributes import Attributes
from assay.engine.git.status import snapshot_changes
from assay.engine.git.worktree import checkout_tree
from assay.engine.model import Oid
from tests.gitstatus import gits, gits_tree, opened, our_tree, ours

Git = Callable[..., str]
CONTENTS = {
    "lf": b"one\ntwo\n",
    "crlf": b"one\r\ntwo\r\n",
    "mixed": b"one\r\ntwo\nthree\n",
    "cr": b"one\rtwo\r\n",
    "zero": b"one\r\n\0two\r\n",
    "none": b"one",
    "empty": b"",
    "end": b"one\r\ntwo\r\n\x1a",
    "control": b"\x01\x02\x03\r\nword\r\n",
    "much": b"word\r\n" * 100 + b"\x01\r\n",
    "id": b"$Id$ $Id: old$ $Id: a b c$ $Id:$ $Id\n$Id: x\ny$\r\n",
    "utf16": "grün\r\n".encode("utf-16"),
}
RULES = (
    "", "* text", "* -text", "* text=auto", "* text=input", "* eol=lf", "* eol=crlf", "* text eol=crlf",
    "* text=auto eol=crlf", "* text=auto eol=lf", "* crlf", "* -crlf", "* crlf=input", "* ident", "* ident eol=crlf",
    "* binary", "* text=odd", "* -text eol=crlf", "utf16 working-tree-encoding=UTF-16",
    "utf16 text working-tree-encoding=UTF-16", "* text=auto\nlf -text\ncrlf binary\nmi* !text\n",
)  # fmt: skip
MATTER = ("", "* text", "* text=auto", "* text=odd", "* ident")  # rules that leave something to the configuration
SETTINGS = ({}, {"core.autocrlf": "true"}, {"core.autocrlf": "input"}, {"core.eol": "crlf"})
CASES = [(rules, setting) for rules in RULES for setting in SETTINGS if not setting or rules in MATTER]


@pytest.mark.parametrize(("rules", "setting"), CASES, ids=str)
def test_files_go_in_and_come_out_as_with_git(git: Git, tmp_path: Path, rules: str, setting: dict[str, str]) -> None:
    root = tmp_path / "work"
    git("init", "-q", "--template=", str(root))
    for key, value in setting.items():
        git("config", key, value, cwd=root)
    for name in ("lf", "crlf"):  # what the index has matters to the guess
        (root / f"known-{name}").write_bytes(CONTENTS[name])
    git("-c", "core.autocrlf=false", "add", ".", cwd=root)
    git("commit", "-q", "-m", "base", cwd=root)
    (root / ".gitattributes").write_text(rules + "\n")
    for name, content in CONTENTS.items():
        (root / name).write_bytes(content)
    for name in ("lf", "crlf"):
        (root / f"known-{name}").write_bytes(CONTENTS["crlf"] + b"more\r\n")

    theirs = gits_tree(git, root, untracked=True, scratch=tmp_path / "index")
    assert our_tree(root, untracked=True) == theirs

    git("read-tree", theirs, cwd=root)
    git("checkout-index", "-a", f"--prefix={tmp_path}/theirs/", cwd=root)
    mine = tmp_path / "mine"
    git("init", "-q", "--template=", str(mine))
    (mine / ".git/objects/info").mkdir(exist_ok=True)
    (mine / ".git/objects/info/alternates").write_text(f"{root}/.git/objects\n")
    for key, value in setting.items():
        git("config", key, value, cwd=mine)
    repo = opened(mine)
    checkout_tree(repo, None, Oid(bytes.fromhex(theirs)), write_index=True)
    repo.close()
    for name in os.listdir(tmp_path / "theirs"):
        assert (mine / name).read_bytes() == (tmp_path / "theirs" / name).read_bytes(), name
    assert gits(git, mine) == ours(mine)


globs = st.sampled_from([
    "a", "*.txt", "d/*", "/a", "d/**", "**/a", "d/", "!a", "é.txt", '"a b"', '"d/\\303\\251.txt"', "[ab]", "*", "e/*",
    "\\\"q\\\"", "x\\\\y", "#a", "d/e/a?b",
])  # fmt: skip
words = st.sampled_from([
    "p", "-p", "!p", "p=1", "p=2", "q", "-q", "!q", "binary", "-binary", "!binary", "both", "-both", "text",
])  # fmt: skip
lines = st.tuples(globs, st.lists(words, max_size=4)).map(lambda line: f"{line[0]} {' '.join(line[1])}")
macros = st.sampled_from(["[attr]both p q=3", "[attr]both -p", "# a comment", "", "   * p=4"])
files = st.lists(lines | macros, max_size=5).map("\n".join)


@settings(max_examples=80)
@given(st.dictionaries(st.sampled_from(["", "d/", "d/e/"]), files), files)
def test_attributes_are_those_of_git_check_attr(git: Git, tmp_path: Path, inside: dict[str, str], info: str) -> None:
    if not (tmp_path / ".git").exists():
        git("init", "-q")
        (tmp_path / "d/e").mkdir(parents=True)
    for folder in ("", "d/", "d/e/"):
        (tmp_path / folder / ".gitattributes").write_text(inside.get(folder, ""))
    (tmp_path / ".git/info/attributes").write_text(info)
    paths = ("a", "b.txt", "d/a", "d/b.txt", "d/e/a b", "d/é.txt", "x\\y", '"q"', "#a")
    asked = ("p", "q", "binary", "diff", "merge", "text", "both")
    told = git("check-attr", "-z", "--stdin", *asked, stdin="\0".join(paths).encode()).split("\0")
    theirs = {(path, name): value for path, name, value in zip(*[iter(told[:-1])] * 3, strict=True)}

    def read(path: str) -> bytes | None:
        return (tmp_path / path).read_bytes() if (tmp_path / path).is_file() else None

    attributes = Attributes(read, inner=[info.encode()])
    spelled = {True: "set", False: "unset", None: "unspecified"}
    mine = {}
    for path in paths:
        said = attributes.of(path)
        for name in asked:
            value = said.get(name)
            mine[path, name] = value if isinstance(value, str) else spelled[value]
    assert mine == theirs


@pytest.fixture
def lfs(git: Git, tmp_path: Path) -> Path:
    """A repository with a Git LFS file, a pointer in Git and whole in the work tree; its filter would leave a trace."""
    root = tmp_path / "work"
    git("init", "-q", "--template=", str(root))
    data = b"weights" * 1000
    digest = hashlib.sha256(data).hexdigest()
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{digest}\nsize {len(data)}\n"
    (root / "model.bin").write_text(pointer)
    git("add", ".", cwd=root)
    (root / ".gitattributes").write_text("*.bin filter=lfs diff=lfs merge=lfs -text\n")
    git("add", ".gitattributes", cwd=root)
    git("commit", "-q", "-m", "base", cwd=root)
    for way in ("clean", "smudge", "process"):
        git("config", f"filter.lfs.{way}", f"touch {tmp_path}/ran; cat", cwd=root)
    (root / "model.bin").write_bytes(data)
    return root


def told(root: Path) -> tuple[dict[str, object], list[Event]]:
    repo = opened(root)
    head = repo.head()
    assert head is not None
    events: list[Event] = []
    base = repo.objects.read_commit(head).tree
    with repo.objects.batch() as batch:
        changes = snapshot_changes(repo, base, batch.add, include_untracked=True, report=events.append)
    repo.close()
    return changes, events


def test_an_unchanged_file_behind_a_filter_keeps_its_pointer_and_no_program_runs(lfs: Path, tmp_path: Path) -> None:
    assert told(lfs) == ({}, [])
    assert ours(lfs) == []
    assert not (tmp_path / "ran").exists()


def test_a_changed_file_behind_a_filter_is_stored_as_it_is_and_that_is_said(lfs: Path, tmp_path: Path) -> None:
    (lfs / "model.bin").write_bytes(b"other weights")
    changes, events = told(lfs)
    assert list(changes) == ["model.bin"]
    assert [type(event) for event in events] == [Warned]
    assert "model.bin is stored as it is" in str(events[0])
    assert not (tmp_path / "ran").exists()


def test_a_checkout_writes_the_pointer_and_says_so(lfs: Path, tmp_path: Path) -> None:
    repo = opened(lfs)
    head = repo.head()
    assert head is not None
    (lfs / "model.bin").unlink()
    events: list[Event] = []
    checkout_tree(repo, None, repo.objects.read_commit(head).tree, write_index=False, report=events.append)
    repo.close()
    assert (lfs / "model.bin").read_bytes().startswith(b"version https://git-lfs")
    assert [type(event) for event in events] == [Warned]
    assert not (tmp_path / "ran").exists()
