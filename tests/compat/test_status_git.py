"""Status and snapshot agree with the real Git, whatever was done to the work tree, the index and the ignore rules."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.engine.errors import GitError
from assay.engine.git.status import work_state
from tests.gitstatus import gits, gits_tree, opened, our_tree, ours

Git = Callable[..., str]
PATHS = ("a", "b.txt", "d/a", "d/e/a", "d/e/b", "f", "f/a", "é")


def clear(place: Path) -> None:
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place)
    elif os.path.lexists(place):
        place.unlink()


def room(root: Path, path: str) -> Path:
    """A place where a file can be put: nothing is there, and above it are folders."""
    above = root
    for part in path.split("/")[:-1]:
        above = above / part
        if above.is_symlink() or not above.is_dir():
            clear(above)
            above.mkdir()
    clear(root / path)
    return root / path


INDEX_DEEDS = {
    "add": ("add", "-f", "--"),
    "intent": ("add", "-f", "-N", "--"),
    "uncache": ("rm", "-q", "-r", "-f", "--cached", "--"),
    "promise": ("update-index", "--assume-unchanged", "--"),
    "commit": ("commit", "-q", "--allow-empty", "-m"),
    "refresh": ("update-index", "-q", "--refresh", "--"),
}
FILE_DEEDS: dict[str, Callable[[Path, int], object]] = {
    "same": lambda place, _: place.write_bytes(place.read_bytes()),
    "same size": lambda place, _: place.write_bytes(bytes(byte ^ 1 for byte in place.read_bytes())),
    "append": lambda place, _: place.write_bytes(place.read_bytes() + b"more\n"),
    "chmod": lambda place, _: place.chmod(place.stat().st_mode ^ 0o111),
    "touch": lambda place, number: os.utime(place, (number, number)),
}


def do(git: Git, root: Path, deed: str, path: str, number: int) -> None:
    """Does one thing to a path, if it can be done."""
    place = root / path
    if deed in INDEX_DEEDS:
        git(*INDEX_DEEDS[deed], path, cwd=root, check=False)
    elif deed in FILE_DEEDS:
        if place.is_file() and not place.is_symlink():
            FILE_DEEDS[deed](place, number)
    elif deed == "write":
        room(root, path).write_text(f"{number}\n")
    elif deed == "delete":
        clear(place)
    elif deed == "link":
        room(root, path).symlink_to("d/a")
    elif deed == "folder":
        (room(root, path) / "inside").parent.mkdir()
        (place / "inside").write_text("x")
    elif deed in ("ignore", "take back"):
        with (root / ".gitignore").open("a") as file:
            file.write(f"{'!' if deed == 'take back' else ''}{path}\n")
    elif deed == "conflict" and "/" not in path and path != "f":
        blob = git("hash-object", "-w", "--stdin", stdin=b"%d" % number, cwd=root)
        stages = [stage for stage in (1, 2, 3) if number + 1 & stage]
        lines = [f"0 {'0' * 40}\t{path}\n", *(f"100644 {blob} {stage}\t{path}\n" for stage in stages)]
        git("update-index", "--index-info", cwd=root, stdin="".join(lines).encode())


DEEDS = (*INDEX_DEEDS, *FILE_DEEDS, "write", "delete", "link", "folder", "ignore", "take back", "conflict")
deeds = st.lists(st.tuples(st.sampled_from(DEEDS), st.sampled_from(PATHS)), min_size=1, max_size=14)


@settings(max_examples=30)
@given(deeds)
def test_lists_and_trees_are_those_of_git_after_any_deeds(
    git: Git, tmp_path_factory: pytest.TempPathFactory, deeds: list[tuple[str, str]]
) -> None:
    root = tmp_path_factory.mktemp("tree")
    git("init", "-q", "--template=", cwd=root)
    for number, path in enumerate(path for path in PATHS if path != "f/a"):
        room(root, path).write_text(f"first {number}\n")
    git("add", ".", cwd=root)
    git("commit", "-q", "-m", "first", cwd=root)
    for number, (deed, path) in enumerate(deeds):
        do(git, root, deed, path, number)

    trees = [our_tree(root, untracked=untracked) for untracked in (False, True)]
    found = ours(root)
    assert found == gits(git, root)
    scratch = root.with_name(root.name + ".index")
    assert trees == [gits_tree(git, root, untracked=untracked, scratch=scratch) for untracked in (False, True)]
    assert found == ours(root), "also after Git refreshed its index"
    git("fsck", "--strict", "--no-dangling", cwd=root)
    shutil.rmtree(root)


@pytest.fixture
def repository(git: Git, tmp_path: Path) -> Path:
    """A repository with a few committed files, its index no longer racy."""
    root = tmp_path / "work"
    git("init", "-q", "--template=", str(root))
    for path in ("top", "d/one", "d/e/two"):
        room(root, path).write_text(f"{path}\n")
    git("add", ".", cwd=root)
    git("commit", "-q", "-m", "base", cwd=root)
    for path in ("top", "d/one", "d/e/two"):
        os.utime(root / path, (1_600_000_000, 1_600_000_000))
    git("update-index", "-q", "--refresh", cwd=root)
    return root


def test_a_file_rewritten_with_the_same_size_right_after_it_was_added_is_seen(git: Git, repository: Path) -> None:
    for number in range(25):
        (repository / "top").write_text(f"aaaa{number:04}")
        git("add", "top", cwd=repository)
        (repository / "top").write_text(f"bbbb{number:04}")
        assert ours(repository) == ["MM top"], number


@pytest.mark.parametrize("changed", [10**18, 10**18 + 500_000_000, 10**18 - 3_000_000])
def test_times_that_are_all_the_same_hide_no_change_even_when_ctime_is_not_trusted(
    git: Git, repository: Path, changed: int
) -> None:
    git("config", "core.trustctime", "false", cwd=repository)
    (repository / "top").write_text("AAAA")
    os.utime(repository / "top", ns=(changed, changed))
    git("add", "top", cwd=repository)
    written = max(changed, 10**18)
    os.utime(repository / ".git/index", ns=(written, written))
    (repository / "top").write_text("BBBB")
    os.utime(repository / "top", ns=(changed, changed))
    assert ours(repository) == ["MM top"]


def test_a_mode_changed_in_the_index_alone_is_seen_in_the_file(git: Git, repository: Path) -> None:
    git("update-index", "--chmod=+x", "top", cwd=repository)
    assert ours(repository) == gits(git, repository) == ["MM top"]


def test_a_change_with_the_old_times_put_back_is_seen_by_its_ctime(git: Git, repository: Path) -> None:
    (repository / "top").write_text("TOP\n")
    os.utime(repository / "top", (1_600_000_000, 1_600_000_000))
    assert ours(repository) == [" M top"]


def test_a_file_whose_times_alone_changed_is_read_once_and_is_clean(git: Git, repository: Path) -> None:
    os.utime(repository / "top", (1, 1))
    assert ours(repository) == gits(git, repository) == []


@pytest.mark.parametrize("setting", ["true", "false"])
def test_the_executable_bit_counts_where_the_repository_keeps_it(git: Git, repository: Path, setting: str) -> None:
    git("config", "core.fileMode", setting, cwd=repository)
    (repository / "top").chmod(0o755)
    assert ours(repository) == gits(git, repository) == ([" M top"] if setting == "true" else [])
    assert our_tree(repository, untracked=True) == gits_tree(
        git, repository, untracked=True, scratch=repository.parent / "index"
    )


def test_a_file_that_is_only_intended_to_be_added_is_in_the_snapshot_and_not_staged(git: Git, repository: Path) -> None:
    (repository / "new").write_text("n")
    git("add", "-N", "new", cwd=repository)
    assert ours(repository) == gits(git, repository) == [" A new"]
    assert "new" in git("ls-tree", "--name-only", our_tree(repository, untracked=False), cwd=repository).split()


def test_promises_are_kept_in_lists_and_in_snapshots(git: Git, repository: Path) -> None:
    git("update-index", "--assume-unchanged", "top", cwd=repository)
    git("update-index", "--skip-worktree", "d/one", cwd=repository)
    (repository / "top").write_text("changed")
    (repository / "d/one").unlink()
    assert ours(repository) == gits(git, repository) == []
    assert our_tree(repository, untracked=True) == git("rev-parse", "HEAD^{tree}", cwd=repository)


def test_a_sparse_checkout_lacks_nothing(git: Git, repository: Path) -> None:
    git("sparse-checkout", "set", "--no-cone", "/top", cwd=repository)
    assert not (repository / "d").exists()
    assert ours(repository) == gits(git, repository) == []
    (repository / "d").mkdir()
    (repository / "d/one").write_text("is here though it need not be")
    assert ours(repository) == gits(git, repository) == [" M d/one"]


def test_submodules_are_not_entered_and_stay_as_they_are(git: Git, repository: Path, tmp_path: Path) -> None:
    before = git("rev-parse", "HEAD", cwd=repository)
    git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(repository), "sub", cwd=repository)
    git("commit", "-q", "-m", "sub", cwd=repository)
    (repository / "sub/top").write_text("changed inside")
    (repository / "sub/new").write_text("new inside")
    git("-c", "user.name=a", "-c", "user.email=b", "commit", "-q", "-a", "-m", "in", cwd=repository / "sub")
    tree = git("rev-parse", "HEAD^{tree}", cwd=repository)
    assert ours(repository) == gits(git, repository) == []
    assert our_tree(repository, untracked=True) == tree
    assert git("ls-tree", tree, "sub", cwd=repository).split()[2] == before
    shutil.rmtree(repository / "sub")
    assert our_tree(repository, untracked=True) == tree


def test_a_repository_inside_the_work_tree_is_named_and_not_entered(git: Git, repository: Path) -> None:
    git("init", "-q", "--template=", str(repository / "inner"))
    (repository / "inner/file").write_text("x")
    (repository / "not").mkdir()
    (repository / "not/.git").mkdir()
    (repository / "not/file").write_text("x")
    assert ours(repository) == gits(git, repository) == ["?? inner/", "?? not/file"]
    names = git("ls-tree", "-r", "--name-only", our_tree(repository, untracked=True), cwd=repository).split()
    assert "not/file" in names
    assert not any(name.startswith("inner") for name in names)


def test_a_linked_worktree_has_an_index_of_its_own(git: Git, repository: Path, tmp_path: Path) -> None:
    git("worktree", "add", "-q", str(tmp_path / "linked"), "-b", "other", cwd=repository)
    (tmp_path / "linked/top").write_text("here only")
    assert ours(tmp_path / "linked") == [" M top"]
    assert ours(repository) == []


def test_without_symlinks_a_file_that_holds_the_target_is_the_symlink(git: Git, repository: Path) -> None:
    (repository / "link").symlink_to("top")
    git("add", "link", cwd=repository)
    git("commit", "-q", "-m", "link", cwd=repository)
    git("config", "core.symlinks", "false", cwd=repository)
    (repository / "link").unlink()
    (repository / "link").write_text("top")
    assert ours(repository) == gits(git, repository) == []
    (repository / "link").write_text("else")
    assert ours(repository) == gits(git, repository) == [" M link"]


def test_a_symlink_in_place_of_a_folder_hides_the_files_below_it(git: Git, repository: Path) -> None:
    (repository / "d").rename(repository / "elsewhere")
    (repository / "d").symlink_to("elsewhere")
    expected = [" D d/e/two", " D d/one", "?? d", "?? elsewhere/e/two", "?? elsewhere/one"]
    assert ours(repository) == gits(git, repository) == expected
    for untracked in (True, False):
        tree = gits_tree(git, repository, untracked=untracked, scratch=repository.parent / "index")
        assert our_tree(repository, untracked=untracked) == tree


def test_pipes_and_sockets_are_never_opened(git: Git, repository: Path) -> None:
    (repository / "top").unlink()
    os.mkfifo(repository / "top")
    os.mkfifo(repository / "pipe")
    assert ours(repository) == [" D top"]
    assert "top" not in git("ls-tree", "--name-only", our_tree(repository, untracked=True), cwd=repository).split()


def test_names_that_are_not_utf8_are_told_as_they_are(git: Git, repository: Path) -> None:
    for name in (b"b\xff", b'q uo"te', b"new\nline"):
        (repository / os.fsdecode(name)).write_text("x")
    assert ours(repository) == gits(git, repository)
    git("add", "-A", cwd=repository)
    assert ours(repository) == gits(git, repository)


def test_before_the_first_commit_everything_is_new(git: Git, tmp_path: Path) -> None:
    root = tmp_path / "fresh"
    git("init", "-q", "--template=", str(root))
    (root / "a").write_text("a")
    (root / "b").write_text("b")
    assert ours(root) == gits(git, root) == ["?? a", "?? b"]
    git("add", "a", cwd=root)
    assert ours(root) == gits(git, root) == ["?? b", "A  a"]
    assert our_tree(root, untracked=True) == gits_tree(git, root, untracked=True, scratch=tmp_path / "index")


def test_without_an_index_the_base_says_what_is_tracked(git: Git, repository: Path) -> None:
    (repository / ".git/index").unlink()
    (repository / ".gitignore").write_text("d/\n")
    (repository / "d/one").write_text("changed")
    for untracked in (True, False):
        names = git("ls-tree", "-r", "--name-only", our_tree(repository, untracked=untracked), cwd=repository).split()
        assert names == [".gitignore"] * untracked + ["d/e/two", "d/one", "top"]
    (repository / "top").unlink()
    assert ours(repository) == [" D top", " M d/one", "?? .gitignore"]


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user of the machine can reach."""
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)
        yield Path(name)


@contextmanager
def unprivileged() -> Iterator[None]:
    """Goes on as nobody when the tests run as root, whom no permission stops."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)


def test_a_folder_of_tracked_files_that_cannot_be_read_is_not_taken_for_deleted(git: Git, open_folder: Path) -> None:
    git("init", "-q", "--template=", cwd=open_folder)
    room(open_folder, "d/one").write_text("x")
    git("add", ".", cwd=open_folder)
    (open_folder / "d").chmod(0)
    with unprivileged(), pytest.raises(GitError, match="d/ cannot be read"):
        ours(open_folder)


def test_an_untracked_folder_that_cannot_be_read_is_left_out_and_said(git: Git, open_folder: Path) -> None:
    git("init", "-q", "--template=", cwd=open_folder)
    room(open_folder, "closed/x").write_text("x")
    room(open_folder, "file").write_text("x")
    (open_folder / "closed").chmod(0)
    with unprivileged():
        state = work_state(opened(open_folder))
    assert state.untracked == ("file",)
    assert state.warnings == ("closed/ cannot be read, so it is left out.",)


@pytest.mark.parametrize("version", ["2", "4"])
@pytest.mark.parametrize("untracked_cache", ["true", "false"])
def test_every_index_version_and_cache_of_git_leads_to_the_same_answer(
    git: Git, repository: Path, version: str, untracked_cache: str
) -> None:
    git("config", "core.untrackedCache", untracked_cache, cwd=repository)
    git("update-index", "--index-version", version, cwd=repository)
    git("status", cwd=repository)
    (repository / "top").write_text("changed")
    (repository / "new").write_text("new")
    git("add", "new", cwd=repository)
    assert ours(repository) == gits(git, repository) == [" M top", "A  new"]
