"""What is checked out is what the real Git would have checked out, and nothing is lost on the way."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.engine.errors import Locked, WouldLose
from assay.engine.events import Done, Event, Progress
from assay.engine.git.worktree import checkout_tree, write_files
from assay.engine.model import Oid
from tests.gitstatus import gits, opened, ours

Git = Callable[..., str]
PATHS = ("a", "a/b", "a/b/c", "a/d", "e", "f/g", "f/h/i", "é")
contents = st.sampled_from(["1", "2", "3", "link", "run"])
trees = st.dictionaries(st.sampled_from(PATHS), contents, max_size=6)


def place(root: Path, path: str, content: str) -> None:
    """Puts a file, an executable or a symlink at a path, unless something is in the way."""
    try:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        if content == "link":
            (root / path).symlink_to("e")
        else:
            (root / path).write_text(content)
            (root / path).chmod(0o755 if content == "run" else 0o644)
    except OSError:  # a file or a symlink that leads nowhere is in the way
        return


def on_disk(root: Path) -> dict[str, tuple[str, bytes]]:
    """Every file below a folder, Git's own apart, with its kind and its content."""
    found = {}
    for folder, folders, names in os.walk(root):
        links = [name for name in folders if (Path(folder) / name).is_symlink()]
        folders[:] = [name for name in folders if name != ".git" and name not in links]
        for name in names + links:
            path = Path(folder) / name
            mode = path.lstat().st_mode
            if stat.S_ISLNK(mode):
                found[str(path.relative_to(root))] = ("link", os.readlink(path).encode())
            else:
                found[str(path.relative_to(root))] = ("run" if mode & 0o100 else "file", path.read_bytes())
        if not names and not folders and not links and Path(folder) != root:
            found[str(Path(folder).relative_to(root)) + "/"] = ("empty", b"")
    return found


def commit(git: Git, root: Path, files: dict[str, str]) -> tuple[str, Oid]:
    """Makes a commit of files and leaves them checked out; returns its id and its tree's."""
    git("rm", "-q", "-r", "-f", "--ignore-unmatch", ".", cwd=root)
    for path in os.listdir(root):
        if path != ".git":
            shutil.rmtree(root / path) if (root / path).is_dir() else (root / path).unlink()
    for path, content in files.items():
        place(root, path, content)
    git("add", "-A", cwd=root)
    git("commit", "-q", "--allow-empty", "-m", "x", cwd=root)
    return git("rev-parse", "HEAD", cwd=root), Oid(bytes.fromhex(git("rev-parse", "HEAD^{tree}", cwd=root)))


@settings(max_examples=30)
@given(trees, trees, st.lists(st.tuples(st.sampled_from(PATHS), contents | st.none()), max_size=3))
def test_a_switch_ends_as_git_checkout_ends_or_changes_nothing(
    git: Git,
    tmp_path_factory: pytest.TempPathFactory,
    old: dict[str, str],
    new: dict[str, str],
    deeds: list[tuple[str, str | None]],
) -> None:
    root = tmp_path_factory.mktemp("tree")
    git("init", "-q", "--template=", cwd=root)
    target, new_tree = commit(git, root, new)
    _, old_tree = commit(git, root, old)
    for path, content in deeds:
        if os.path.lexists(root / path) and ((root / path).is_symlink() or not (root / path).is_dir()):
            (root / path).unlink()
        if content is not None:
            place(root, path, content)
    before = on_disk(root)
    twin = root.with_name(root.name + "-twin")
    shutil.copytree(root, twin, symlinks=True)

    repo = opened(root)
    try:
        checkout_tree(repo, old_tree, new_tree, write_index=True)
    except WouldLose:
        assert on_disk(root) == before
        assert git("checkout", "-q", target, cwd=twin, check=False) == ""
        assert git("rev-parse", "HEAD", cwd=twin) != target or old_tree == new_tree, "Git refuses too"
    else:
        repo.refs.set_head(Oid(bytes.fromhex(target)))
        git("checkout", "-q", target, cwd=twin, check=False)
        if git("rev-parse", "HEAD", cwd=twin) == target:
            assert on_disk(root) == on_disk(twin)
            assert ours(root) == gits(git, twin)
        assert ours(root) == gits(git, root)
        assert not (root / ".git/index.lock").exists()
        git("fsck", "--strict", "--no-dangling", cwd=root)
    finally:
        repo.close()
        shutil.rmtree(root)
        shutil.rmtree(twin)


@pytest.fixture
def root(git: Git, tmp_path: Path) -> Path:
    """A repository with the branches ``old`` (checked out) and ``new``."""
    folder = tmp_path / "work"
    git("init", "-q", "--template=", str(folder), cwd=tmp_path)
    git("checkout", "-q", "-b", "new", cwd=folder)
    commit(git, folder, {"a": "1", "same": "3", "run": "run", "link": "link", "in/x": "1", "in/deep/y": "1"})
    git("checkout", "-q", "-b", "old", cwd=folder)
    commit(git, folder, {"a": "2", "same": "3", "gone/deep/z": "2", "out": "2", "run": "1"})
    return folder


def tree_of(git: Git, root: Path, name: str) -> Oid:
    return Oid(bytes.fromhex(git("rev-parse", f"{name}^{{tree}}", cwd=root)))


def switch(git: Git, root: Path, *, old: str = "old", new: str = "new", **options: object) -> dict[str, os.stat_result]:
    """Checks a branch out and points HEAD there."""
    repo = opened(root)
    before, after = (tree_of(git, root, name) if name else None for name in (old, new))
    try:
        return checkout_tree(repo, before, after, **{"write_index": True, **options})
    finally:
        repo.close()
        if new:
            git("symbolic-ref", "HEAD", f"refs/heads/{new}", cwd=root)


def test_files_modes_symlinks_and_folders_come_and_go(git: Git, root: Path) -> None:
    written = switch(git, root)
    assert sorted(written) == ["a", "in/deep/y", "in/x", "link", "run"]
    assert on_disk(root) == {
        "a": ("file", b"1"), "same": ("file", b"3"), "run": ("run", b"run"), "link": ("link", b"e"),
        "in/x": ("file", b"1"), "in/deep/y": ("file", b"1"),
    }  # fmt: skip
    assert gits(git, root) == ours(root) == []
    assert written["a"].st_ino == (root / "a").stat().st_ino


def test_a_file_that_is_the_same_in_both_trees_is_left_alone_whatever_it_holds(git: Git, root: Path) -> None:
    (root / "same").write_text("mine")
    (root / "unknown").write_text("mine too")
    switch(git, root)
    assert gits(git, root) == [" M same", "?? unknown"]


def test_up_to_ten_paths_that_would_be_lost_are_named_and_nothing_changes(git: Git, root: Path) -> None:
    git("checkout", "-q", "-b", "many", "new", cwd=root)
    for number in range(13):
        (root / f"n{number:02}").write_text("theirs")
    git("add", ".", cwd=root)
    git("commit", "-q", "-m", "many", cwd=root)
    git("checkout", "-q", "old", cwd=root)
    for number in range(12):
        (root / f"n{number:02}").write_text("mine")
    before, index = on_disk(root), (root / ".git/index").read_bytes()
    with pytest.raises(WouldLose) as refused:
        switch(git, root, new="many")
    names = ", ".join(f"n{number:02}" for number in range(10))
    assert refused.value.message == f"{names} and 2 more: changed or not tracked, and would be lost."
    assert refused.value.exit_code == 1
    assert on_disk(root) == before
    assert (root / ".git/index").read_bytes() == index


def test_an_ignored_file_in_the_way_is_not_lost_either(git: Git, root: Path) -> None:
    (root / ".git/info").mkdir(exist_ok=True)
    (root / ".git/info/exclude").write_text("link\n")
    (root / "link").write_text("mine")
    with pytest.raises(WouldLose, match=r"^link: "):
        switch(git, root)
    assert (root / "link").read_text() == "mine"


def test_an_untracked_file_that_holds_what_the_tree_has_is_taken_over(git: Git, root: Path) -> None:
    (root / "in").mkdir()
    (root / "in/x").write_text("1")
    before = (root / "in/x").stat()
    switch(git, root)
    assert (root / "in/x").stat().st_mtime_ns == before.st_mtime_ns
    assert gits(git, root) == []


def test_a_change_that_is_only_staged_is_not_lost(git: Git, root: Path) -> None:
    (root / "a").write_text("staged")
    git("add", "a", cwd=root)
    (root / "a").write_text("2")
    with pytest.raises(WouldLose, match=r"^a: "):
        switch(git, root)


def test_files_in_conflict_stop_a_switch(git: Git, root: Path) -> None:
    blob = git("rev-parse", "old:a", cwd=root)
    lines = f"0 {'0' * 40}\tsame\n100644 {blob} 2\tsame\n100644 {blob} 3\tsame\n"
    git("update-index", "--index-info", cwd=root, stdin=lines.encode())
    with pytest.raises(WouldLose, match="in conflict"):
        switch(git, root)


def test_files_in_a_folder_where_a_file_belongs_are_not_lost(git: Git, root: Path) -> None:
    (root / "link").mkdir()
    (root / "link/mine").write_text("mine")
    with pytest.raises(WouldLose, match=r"^link/mine: "):
        switch(git, root)
    (root / "link/mine").unlink()
    (root / "link/empty").mkdir()
    switch(git, root)
    assert (root / "link").is_symlink()


def test_a_folder_with_files_of_the_users_stays_when_its_own_files_go(git: Git, root: Path) -> None:
    (root / "gone/mine").write_text("mine")
    switch(git, root)
    assert gits(git, root) == ["?? gone/mine"]
    assert not (root / "gone/deep").exists()


def test_folders_that_the_user_had_emptied_go_with_their_files(git: Git, root: Path) -> None:
    (root / "gone/deep/z").unlink()
    switch(git, root)
    assert not (root / "gone").exists()


def test_a_folder_that_became_a_symlink_is_not_looked_behind(git: Git, root: Path, tmp_path: Path) -> None:
    shutil.move(root / "gone", tmp_path / "elsewhere")
    (root / "gone").symlink_to(tmp_path / "elsewhere")
    switch(git, root)
    assert (tmp_path / "elsewhere/deep/z").read_text() == "2"
    assert (root / "gone").is_symlink()


def test_to_no_tree_at_all_and_back(git: Git, root: Path) -> None:
    before = on_disk(root)
    switch(git, root, new="")
    assert on_disk(root) == {}
    assert git("ls-files", cwd=root) == ""
    switch(git, root, old="", new="old")
    assert on_disk(root) == before
    assert gits(git, root) == []


def test_without_the_index_the_index_stays(git: Git, root: Path) -> None:
    index = (root / ".git/index").read_bytes()
    switch(git, root, write_index=False)
    assert (root / ".git/index").read_bytes() == index


def test_nothing_to_do_does_not_write_the_index(git: Git, root: Path) -> None:
    index = (root / ".git/index").stat()
    assert switch(git, root, new="old") == {}
    assert (root / ".git/index").stat().st_ino == index.st_ino


def test_an_index_that_another_program_holds_stops_it_before_the_first_file(git: Git, root: Path) -> None:
    (root / ".git/index.lock").touch()
    before = on_disk(root)
    with pytest.raises(Locked):
        switch(git, root)
    assert on_disk(root) == before


def test_a_switch_in_a_sparse_checkout_keeps_it_sparse(git: Git, root: Path) -> None:
    git("sparse-checkout", "set", "--no-cone", "/same", "/run", cwd=root)
    assert sorted(on_disk(root)) == ["run", "same"]
    switch(git, root)
    assert (root / "run").read_text() == "run"
    assert not (root / "a").exists()
    assert not [line for line in gits(git, root) if "a" in line.split()]
    assert git("ls-files", "-t", "a", cwd=root) == "S a"


def test_a_submodule_gets_an_empty_folder_and_its_files_are_never_touched(git: Git, root: Path) -> None:
    git("checkout", "-q", "-b", "sub", cwd=root)
    git("update-index", "--add", "--cacheinfo", f"160000,{git('rev-parse', 'HEAD', cwd=root)},sub", cwd=root)
    git("commit", "-q", "-m", "sub", cwd=root)
    git("checkout", "-q", "old", cwd=root)
    shutil.rmtree(root / "sub", ignore_errors=True)
    switch(git, root, new="sub")
    assert (root / "sub").is_dir()
    assert gits(git, root) == ours(root) == []
    (root / "sub/file").write_text("inside")
    switch(git, root, old="sub", new="old")
    assert (root / "sub/file").read_text() == "inside"


def test_line_ends_are_those_that_the_new_trees_attributes_ask_for(git: Git, root: Path) -> None:
    git("checkout", "-q", "-b", "crlf", cwd=root)
    (root / ".gitattributes").write_text("*.txt eol=crlf\n")
    (root / "x.txt").write_bytes(b"1\n2\n")
    git("add", ".", cwd=root)
    git("commit", "-q", "-m", "crlf", cwd=root)
    git("checkout", "-q", "old", cwd=root)
    switch(git, root, new="crlf")
    assert (root / "x.txt").read_bytes() == b"1\r\n2\r\n"
    assert gits(git, root) == ours(root) == []


def test_single_files_are_written_whatever_is_there_and_the_index_stays(git: Git, root: Path) -> None:
    index = (root / ".git/index").read_bytes()
    blob = Oid(bytes.fromhex(git("rev-parse", "new:a", cwd=root)))
    (root / "a").write_text("mine")
    (root / "new").symlink_to("elsewhere")
    repo = opened(root)
    wanted = {"a": (0o100644, blob), "new": (0o100755, blob), "gone/deep/z": None, "deep/er": (0o120000, blob)}
    write_files(repo, wanted)
    repo.close()
    assert {path: what for path, what in on_disk(root).items() if path not in ("out", "run", "same")} == {
        "a": ("file", b"1"), "new": ("run", b"1"), "deep/er": ("link", b"1"),
    }  # fmt: skip
    assert (root / ".git/index").read_bytes() == index


def test_a_single_file_does_not_take_the_place_of_a_folder_with_other_files(git: Git, root: Path) -> None:
    blob = Oid(bytes.fromhex(git("rev-parse", "new:a", cwd=root)))
    repo = opened(root)
    with pytest.raises(WouldLose, match=r"^gone/deep/z: "):
        write_files(repo, {"gone": (0o100644, blob)})
    with pytest.raises(WouldLose, match=r"^out: "):
        write_files(repo, {"out/below": (0o100644, blob)})
    write_files(repo, {"gone": (0o100644, blob), "gone/deep/z": None, "out": None, "out/below": (0o100644, blob)})
    repo.close()
    assert (root / "gone").read_text() == (root / "out/below").read_text() == "1"


def test_how_far_a_long_checkout_is_is_told(git: Git, root: Path) -> None:
    git("checkout", "-q", "-b", "long", cwd=root)
    for number in range(1100):
        (root / f"n{number}").write_text("x")
    git("add", ".", cwd=root)
    git("commit", "-q", "-m", "long", cwd=root)
    git("checkout", "-q", "old", cwd=root)
    events: list[Event] = []
    switch(git, root, new="long", report=events.append)
    assert [event.done for event in events if isinstance(event, Progress)] == [500, 1000]
    assert isinstance(events[-1], Done)
