"""engine/disk.py: how files become visible, and what can never be written."""

from __future__ import annotations

import errno
import os
import stat

import pytest

from assay.engine import disk
from assay.engine.errors import UnsafePath


def fail_at(step):
    def hook(now, path):
        if now == step:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)

    return hook


def test_an_atomic_write_replaces_the_whole_content(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"old and longer")
    disk.write_atomic(str(path), b"new", sync=True)
    assert path.read_bytes() == b"new"


@pytest.mark.law(1)
@pytest.mark.parametrize("step", ["create", "write", "sync", "rename"])
def test_a_failed_write_leaves_the_old_content_and_nothing_else(tmp_path, step):
    path = tmp_path / "a"
    path.write_bytes(b"old")
    with disk.injected(fail_at(step)), pytest.raises(OSError, match="No space"):
        disk.write_atomic(str(path), b"new", sync=True)
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a"]


def test_the_hook_is_gone_after_its_block(tmp_path):
    with disk.injected(fail_at("create")):
        pass
    disk.write_atomic(str(tmp_path / "a"), b"x")


def test_writing_a_users_file_keeps_its_mode(tmp_path):
    path = tmp_path / "run.sh"
    path.write_bytes(b"old")
    path.chmod(0o750)
    disk.write_keeping_mode(str(path), b"new")
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o750


def test_writing_a_users_file_goes_through_a_symlink(tmp_path):
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to("real")
    disk.write_keeping_mode(str(tmp_path / "link"), b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"


def test_an_exclusive_file_is_made_once(tmp_path):
    disk.create_exclusive(str(tmp_path / "a"), b"1")
    with pytest.raises(FileExistsError):
        disk.create_exclusive(str(tmp_path / "a"), b"2")
    assert (tmp_path / "a").read_bytes() == b"1"


def test_a_new_file_vanishes_unless_published(tmp_path):
    with disk.NewFile(str(tmp_path)) as file:
        file.write(b"x")
    assert os.listdir(tmp_path) == []
    with disk.NewFile(str(tmp_path)) as file:
        file.write(b"abc")
        file.overwrite(1, b"B")
        file.publish(str(tmp_path / "a"))
    assert (tmp_path / "a").read_bytes() == b"aBc"


def test_temporary_names_are_known_again():
    assert disk.is_temp(os.path.basename(disk.temp_name("/x")))
    assert not disk.is_temp("params.yaml")


def test_a_walk_lists_symlinks_and_never_follows_them(tmp_path):
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "f").write_text("")
    (tmp_path / "loop").symlink_to(".")
    (tmp_path / "out").symlink_to("/")
    assert [found.path for found in disk.walk(str(tmp_path))] == ["loop", "out", "d/f"]


def test_a_walk_leaves_out_the_folders_it_is_told_to(tmp_path):
    for name in ("a/x", "b/x", "b/c/x"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    found = disk.walk(str(tmp_path), enter=lambda path: path != "b/c")
    assert [item.path for item in found] == ["a/x", "b/x"]


@pytest.mark.law(5)
@pytest.mark.parametrize(
    "path",
    ["", "/etc/passwd", "..", "a/../b", "../a", "a//b", "./a", "a/.", ".git", ".git/config", "a/.git/hooks/x", ".GIT/x",
     "git~1/x", ".git./x", ".git /x", ".git::$INDEX_ALLOCATION/x", ".g\u200cit/x", "a\0b", "a\\.git\\b"],
)  # fmt: skip
def test_paths_that_must_never_be_written_are_refused(path):
    with pytest.raises(UnsafePath):
        disk.check_relative(path)


@pytest.mark.parametrize(
    "path", ["a", "a/b", ".gitignore", ".gitattributes", "a/.gitkeep", "git", "...", "a b", "é", ".assay"]
)
def test_ordinary_paths_pass(path):
    assert disk.check_relative(path) == path


@pytest.mark.law(5)
def test_a_folder_never_writes_through_a_symlink(tmp_path):
    root, outside = tmp_path / "root", tmp_path / "outside"
    root.mkdir()
    outside.mkdir()
    (root / "link").symlink_to(outside)
    with disk.Folder(str(root)) as folder:
        for act in (
            lambda: folder.write("link/x", b"x"),
            lambda: folder.symlink("a", "link/x"),
            lambda: folder.make("link/x"),
            lambda: folder.remove("link/x"),
        ):
            with pytest.raises(UnsafePath):
                act()
    assert list(outside.iterdir()) == []


@pytest.mark.law(5)
def test_a_folder_replaces_a_symlink_instead_of_writing_to_its_target(tmp_path):
    (tmp_path / "secret").write_text("keep")
    root = tmp_path / "root"
    root.mkdir()
    (root / "x").symlink_to("../secret")
    with disk.Folder(str(root)) as folder:
        folder.write("x", b"new")
    assert (tmp_path / "secret").read_text() == "keep"
    assert (root / "x").read_text() == "new"


def test_a_folder_makes_what_is_above_a_file_and_reports_its_stat(tmp_path):
    with disk.Folder(str(tmp_path)) as folder:
        made = folder.write("a/b/c", b"abc", executable=True)
        assert made.st_size == 3
        assert made.st_mode & 0o100
        assert folder.stat("a/b/c") == os.stat(tmp_path / "a/b/c")
        assert folder.stat("a/nothing/here") is None
        with folder.open("a/b/c") as file:
            assert file.read() == b"abc"
        assert folder.remove("a/b/c")
        assert not folder.remove("a/b/c")
        assert folder.remove_empty("a/b")
        assert not folder.remove_empty("a/zzz")


def test_a_folder_works_with_more_folders_than_it_keeps_open(tmp_path):
    with disk.Folder(str(tmp_path)) as folder:
        for number in range(200):
            folder.write(f"d{number}/e/f", b"x")
    assert len(list(tmp_path.rglob("f"))) == 200


def test_a_hard_link_replaces_a_file(tmp_path):
    (tmp_path / "source").write_text("new")
    (tmp_path / "target").write_text("old")
    with disk.Folder(str(tmp_path)) as folder:
        folder.hardlink(str(tmp_path / "source"), "target")
        folder.hardlink(str(tmp_path / "source"), "target")
    assert (tmp_path / "target").samefile(tmp_path / "source")
    assert sorted(os.listdir(tmp_path)) == ["source", "target"]


def test_removing_a_tree_does_not_follow_symlinks(tmp_path):
    (tmp_path / "keep").mkdir()
    (tmp_path / "keep" / "x").write_text("")
    (tmp_path / "gone").mkdir()
    (tmp_path / "gone" / "link").symlink_to("../keep")
    disk.remove_tree(str(tmp_path / "gone"))
    disk.remove_tree(str(tmp_path / "never-there"))
    assert (tmp_path / "keep" / "x").exists()
    assert not (tmp_path / "gone").exists()


def test_a_full_disk_is_told_in_a_sentence():
    error = disk.no_space(OSError(errno.ENOSPC, "x"), "/a/b")
    assert error.message == "No space left while writing /a/b."
    assert error.hint


def test_folders_get_the_mode_that_is_asked_for_whatever_the_umask(tmp_path):
    before = os.umask(0o077)
    try:
        disk.make_folders(str(tmp_path / "a/b"), 0o2775)
        disk.make_folders(str(tmp_path / "c/d"))
    finally:
        os.umask(before)
    modes = [(tmp_path / name).stat().st_mode & 0o7777 for name in ("a", "a/b", "c", "c/d")]
    assert modes == [0o2775, 0o2775, 0o700, 0o700]


def test_a_file_that_nobody_may_write_can_be_read_by_all(tmp_path):
    before = os.umask(0o077)
    try:
        with disk.NewFile(str(tmp_path), 0o444) as new:
            new.publish(str(tmp_path / "object"))
        with disk.NewFile(str(tmp_path)) as new:
            new.publish(str(tmp_path / "other"))
    finally:
        os.umask(before)
    assert [(tmp_path / name).stat().st_mode & 0o777 for name in ("object", "other")] == [0o444, 0o600]


@pytest.mark.law(5)
@pytest.mark.parametrize(
    "path",
    ["", "/", "/b", "a/", "a//b", "a/.", "a/..", "a/.git", "a/.GIT", "a/git~1", "a/b\\.git", "a/b\0", "a/.g\u200cit"],
)
def test_a_folder_that_is_open_already_takes_no_worse_names(tmp_path, path):
    with disk.Folder(str(tmp_path)) as folder:
        folder.write("a/first", b"")
        with pytest.raises(UnsafePath):
            folder.write(path, b"")
    assert [found.path for found in disk.walk(str(tmp_path))] == ["a/first"]
