"""The real Git goes on with the index that we wrote, and the kinds that we cannot keep true are refused."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from assay.engine.errors import GitError, Locked
from assay.engine.git.index import entry_of, read_index, unknown_entry
from assay.engine.git.indexdraft import editing, write_index
from assay.engine.model import Oid
from tests.gitstatus import gits, opened, ours

Git = Callable[..., str]
OID = Oid(bytes(range(20)))


@pytest.fixture
def root(git: Git, tmp_path: Path) -> Path:
    """A repository with committed files in two folders."""
    folder = tmp_path / "work"
    git("init", "-q", "--template=", str(folder))
    for path in ("top", "d/one", "d/e/two"):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(f"{path}\n")
    git("add", ".", cwd=folder)
    git("commit", "-q", "-m", "base", cwd=folder)
    return folder


def rewrite(folder: Path) -> None:
    """Writes the index anew, without a change."""
    with editing(str(folder / ".git"), str(folder / ".git/index")):
        pass


def entry_now(folder: Path, path: str, git: Git):
    """The entry of a file as it is, with its blob stored by Git."""
    oid = Oid(bytes.fromhex(git("hash-object", "-w", path, cwd=folder)))
    return entry_of(os.lstat(folder / path), 0o100644, oid)


def test_git_sees_a_clean_work_tree_after_we_wrote_the_index(git: Git, root: Path) -> None:
    rewrite(root)
    assert gits(git, root) == []
    assert git("fsck", "--strict", cwd=root) == ""


def test_stat_data_are_those_that_git_would_have_written(git: Git, root: Path) -> None:
    (root / "new").write_text("new")
    with editing(str(root / ".git"), str(root / ".git/index")) as draft:
        draft.put("new", entry_now(root, "new", git))
    mine = read_index(str(root / ".git/index")).entry("new")
    git("rm", "-q", "--cached", "new", cwd=root)
    git("add", "new", cwd=root)
    assert mine is not None
    assert mine._replace(flags=3) == read_index(str(root / ".git/index")).entry("new")


def test_a_whole_index_is_written_where_there_was_none(git: Git, root: Path) -> None:
    entries = {path: entry_now(root, path, git) for path in ("top", "d/one", "d/e/two")}
    (root / ".git/index").unlink()
    write_index(str(root / ".git"), str(root / ".git/index"), entries)
    assert gits(git, root) == []


def test_a_file_that_changed_unseen_while_the_index_was_new_is_seen_after_we_wrote_it(git: Git, root: Path) -> None:
    """Our index is newer than the change, so only an entry without its size makes Git look."""
    git("config", "core.trustctime", "false", cwd=root)
    (root / "top").write_text("AAAA")
    os.utime(root / "top", (1e9, 1e9))
    git("add", "top", cwd=root)
    os.utime(root / ".git/index", (1e9, 1e9))
    (root / "top").write_text("BBBB")
    os.utime(root / "top", (1e9, 1e9))
    rewrite(root)
    assert ours(root) == gits(git, root) == ["MM top"]


def test_no_stale_cache_of_untracked_files_is_left_behind(git: Git, root: Path) -> None:
    git("config", "core.untrackedCache", "true", cwd=root)
    for _ in range(2):
        os.utime(root, (1e9, 1e9))
        git("status", cwd=root)
    assert b"UNTR" in read_index(str(root / ".git/index")).extensions
    with editing(str(root / ".git"), str(root / ".git/index")) as draft:
        draft.remove("top")
    assert gits(git, root) == ["?? top", "D  top"] == ours(root)


def test_extensions_that_we_cannot_keep_true_are_dropped(git: Git, root: Path) -> None:
    (root / ".git/index.lock").unlink(missing_ok=True)
    assert b"TREE" in read_index(str(root / ".git/index")).extensions
    rewrite(root)
    assert read_index(str(root / ".git/index")).extensions == {}


def test_a_promise_and_an_intention_survive(git: Git, root: Path) -> None:
    git("update-index", "--assume-unchanged", "top", cwd=root)
    git("update-index", "--skip-worktree", "d/one", cwd=root)
    (root / "new").write_text("new")
    git("add", "-N", "new", cwd=root)
    before = git("ls-files", "--stage", "-v", cwd=root), gits(git, root)
    rewrite(root)
    assert (git("ls-files", "--stage", "-v", cwd=root), gits(git, root)) == before


def test_paths_in_conflict_survive_and_are_settled_by_a_put(git: Git, root: Path) -> None:
    blob = git("rev-parse", "HEAD:top", cwd=root)
    lines = [f"0 {'0' * 40}\ttop", *(f"100644 {blob} {stage}\ttop" for stage in (1, 2, 3))]
    git("update-index", "--index-info", cwd=root, stdin="\n".join(lines).encode())
    rewrite(root)
    assert gits(git, root) == ["UU top"] == ours(root)
    with editing(str(root / ".git"), str(root / ".git/index")) as draft:
        draft.put("top", entry_now(root, "top", git))
    assert gits(git, root) == []


def test_a_file_put_where_a_folder_was_is_put_after_what_was_below_it(git: Git, root: Path) -> None:
    shutil.rmtree(root / "d")
    (root / "d").write_text("a file now")
    with editing(str(root / ".git"), str(root / ".git/index")) as draft:
        for path in ("d/one", "d/e/two"):
            draft.remove(path)
        draft.put("d", entry_now(root, "d", git))
    assert gits(git, root) == ["A  d", "D  d/e/two", "D  d/one"]
    git("write-tree", cwd=root)


def test_an_entry_without_stat_data_is_looked_at(git: Git, root: Path) -> None:
    with editing(str(root / ".git"), str(root / ".git/index")) as draft:
        known = draft.entry("top")
        assert known is not None
        draft.put("top", unknown_entry(known.mode, known.oid))
    assert ours(root) == gits(git, root) == []


@pytest.mark.parametrize(
    ("command", "kind"),
    [
        (("update-index", "--split-index"), "split"),
        (("sparse-checkout", "set", "--cone", "--sparse-index", "d"), "sparse"),
    ],
)
def test_split_and_sparse_indexes_are_refused_in_one_sentence(
    git: Git, root: Path, command: tuple[str, ...], kind: str
) -> None:
    (root / "z").mkdir()
    (root / "z/file").write_text("z")
    git("add", ".", cwd=root)
    git("commit", "-q", "-m", "z", cwd=root)
    git(*command, cwd=root)
    before = (root / ".git/index").read_bytes()
    with pytest.raises(GitError, match=f"of the {kind} kind") as refused:
        read_index(str(root / ".git/index"))
    assert refused.value.hint.startswith("Run `git ")
    with pytest.raises(GitError, match=f"of the {kind} kind"):
        rewrite(root)
    assert (root / ".git/index").read_bytes() == before
    assert not (root / ".git/index.lock").exists()
    git(*refused.value.hint.split("`")[1].split()[1:], cwd=root)
    rewrite(root)


def test_a_lock_of_gits_stops_us_and_ours_stops_git(git: Git, root: Path) -> None:
    (root / ".git/index.lock").write_bytes(b"")
    before = (root / ".git/index").read_bytes()
    with pytest.raises(Locked, match="index is locked"):
        rewrite(root)
    assert (root / ".git/index").read_bytes() == before
    (root / ".git/index.lock").unlink()
    (root / "top").write_text("changed")
    with editing(str(root / ".git"), str(root / ".git/index")):
        assert git("add", "top", cwd=root, check=False) == ""
    assert gits(git, root) == [" M top"]


def test_an_exception_under_the_lock_leaves_the_index_as_it_was(git: Git, root: Path) -> None:
    before = (root / ".git/index").read_bytes()
    with pytest.raises(UnicodeEncodeError), editing(str(root / ".git"), str(root / ".git/index")) as draft:
        draft.put("\ud800", unknown_entry(0o100644, OID))
    assert (root / ".git/index").read_bytes() == before
    assert not (root / ".git/index.lock").exists()


def test_paths_longer_than_the_field_for_their_length_are_read_and_written(git: Git, root: Path) -> None:
    long = "/".join(["y" * 250] * 17)
    blob = git("rev-parse", "HEAD:top", cwd=root)
    git("update-index", "--index-info", cwd=root, stdin=f"100644 {blob} 0\t{long}".encode())
    before = git("ls-files", "--stage", cwd=root)
    assert long in read_index(str(root / ".git/index")).offsets
    rewrite(root)
    assert git("ls-files", "--stage", cwd=root) == before


def trees(root: Path) -> dict[str, tuple[Oid, int]]:
    return read_index(str(root / ".git/index")).cached_trees()


def test_an_index_that_is_a_tree_says_so_as_git_says_it(git: Git, root: Path) -> None:
    """Git itself checks the note against the index when it is told to be strict."""
    theirs = trees(root)
    assert sorted(theirs) == ["", "d", "d/e"]
    tree = Oid(bytes.fromhex(git("rev-parse", "HEAD^{tree}", cwd=root)))
    repo = opened(root)
    for rounds in range(2):
        with editing(str(root / ".git"), str(root / ".git/index")) as draft:
            assert draft.note_tree(repo.objects, tree), rounds
        assert trees(root) == theirs
        os.environ["GIT_TEST_CHECK_CACHE_TREE"] = "1"
        (root / "d/e/two").write_text(f"round {rounds}")
        git("add", "d/e/two", cwd=root)
        git("reset", "-q", "--hard", cwd=root)
        del os.environ["GIT_TEST_CHECK_CACHE_TREE"]
    repo.close()


@pytest.mark.parametrize("deed", ["put another", "put new", "remove", "conflict", "intent", "put after"])
def test_an_index_that_is_not_the_tree_notes_nothing(git: Git, root: Path, deed: str) -> None:
    tree = Oid(bytes.fromhex(git("rev-parse", "HEAD^{tree}", cwd=root)))
    if deed == "intent":
        (root / "new").write_text("n")
        git("add", "-N", "new", cwd=root)
    if deed == "conflict":
        git("update-index", "--index-info", cwd=root, stdin=f"100644 {OID.hex()} 2\tnew".encode())
    repo = opened(root)
    with editing(str(root / ".git"), str(root / ".git/index")) as draft:
        if deed == "put another":
            draft.put("d/e/two", unknown_entry(0o100644, OID))
        elif deed == "put new":
            draft.put("d/new", unknown_entry(0o100644, OID))
        elif deed == "remove":
            draft.remove("d/one")
        assert draft.note_tree(repo.objects, tree) is (deed == "put after")
        if deed == "put after":
            draft.put("top", unknown_entry(0o100644, OID))
    repo.close()
    assert trees(root) == {}


def test_folders_that_did_not_change_are_noted_without_being_read(git: Git, root: Path) -> None:
    (root / "top").write_text("changed")
    git("commit", "-q", "-m", "top", "top", cwd=root)
    tree = Oid(bytes.fromhex(git("rev-parse", "HEAD^{tree}", cwd=root)))
    theirs, blob = trees(root), git("rev-parse", "HEAD:top", cwd=root)
    git("reset", "-q", "--soft", "HEAD^", cwd=root)
    repo = opened(root)
    reads: list[Oid] = []

    class Watched:
        def read(self, oid: Oid) -> tuple[int, bytes]:
            reads.append(oid)
            return repo.objects.read(oid)

        def __contains__(self, oid: object) -> bool:
            return oid in repo.objects

    with editing(str(root / ".git"), str(root / ".git/index")) as draft:
        draft.put("top", unknown_entry(0o100644, Oid(bytes.fromhex(blob))))
        assert draft.note_tree(Watched(), tree)
    assert reads == [tree]
    assert trees(root) == theirs
    repo.close()
