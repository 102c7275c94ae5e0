"""Trees that want to be written where nothing may be written: refused before anything is, or harmless."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from assay.engine.disk import Folder
from assay.engine.errors import AssayError, CorruptObject, UnsafePath
from assay.engine.git.objects import BLOB, TREE
from assay.engine.git.repository import Repository
from assay.engine.git.worktree import checkout_tree, write_files
from assay.engine.model import Oid

pytestmark = pytest.mark.law(5)

Git = Callable[..., str]
Entry = tuple[int, bytes, Oid]
FILE, LINK, DIR = 0o100644, 0o120000, 0o040000


@pytest.fixture
def root(git: Git, tmp_path: Path) -> Path:
    """A repository with nothing in it."""
    folder = tmp_path / "outside" / "work"
    git("init", "-q", str(folder))
    return folder


@pytest.fixture
def repo(root: Path):
    opened = Repository.discover(str(root))
    yield opened
    opened.close()


def tree(repo: Repository, *entries: Entry) -> Oid:
    """A tree of exactly these entries, whatever they are."""
    return repo.objects.write(TREE, b"".join(b"%o %b\0%b" % entry for entry in entries))


def blob(repo: Repository, data: bytes = b"evil\n") -> Oid:
    return repo.objects.write(BLOB, data)


def everything(folder: Path) -> dict[str, bytes]:
    """Every file below a folder that a checkout could have written; objects and locks of ours apart."""
    found = {}
    for where, _, names in os.walk(folder):
        for name in names:
            path = Path(where) / name
            if "/.git/objects/" not in str(path):
                found[str(path)] = os.readlink(path).encode() if path.is_symlink() else path.read_bytes()
    return found


NAMES = [
    b".git", b".GIT", b".Git", b"git~1", b"GIT~1", b".git ", b".git.", b".git. .", b".git::$INDEX_ALLOCATION",
    b"..", b".", b"", b"/etc", b"../evil", b"a/b", ".g\u200cit".encode(), "\ufeff.git".encode(), b".git\\config",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("as_folder", [True, False])
def test_a_name_that_no_checkout_may_write_stops_it_before_the_first_file(
    root: Path, repo: Repository, name: bytes, as_folder: bool
) -> None:
    evil = (DIR, name, tree(repo, (FILE, b"evil", blob(repo)))) if as_folder else (FILE, name, blob(repo))
    hostile = tree(repo, (FILE, b"a-harmless-one", blob(repo)), evil)
    before = everything(root.parent)
    for write_index in (True, False):
        with pytest.raises((UnsafePath, CorruptObject)):
            checkout_tree(repo, None, hostile, write_index=write_index)
        assert everything(root.parent) == before


@pytest.mark.parametrize("target", [b"..", b".git/hooks", b"/tmp", b"real"])
def test_a_symlink_and_a_folder_of_one_name_are_refused(root: Path, repo: Repository, target: bytes) -> None:
    below = tree(repo, (0o100755, b"evil", blob(repo)))
    both = [(LINK, b"x", blob(repo, target)), (DIR, b"x", below)]
    for entries in (both, both[::-1]):
        before = everything(root.parent)
        with pytest.raises(CorruptObject, match="twice"):
            checkout_tree(repo, None, tree(repo, *entries), write_index=True)
        assert everything(root.parent) == before


def test_a_file_that_is_there_twice_is_refused(root: Path, repo: Repository) -> None:
    hostile = tree(repo, (FILE, b"a", blob(repo)), (FILE, b"a", blob(repo, b"2")))
    with pytest.raises(CorruptObject, match="twice"):
        checkout_tree(repo, None, hostile, write_index=True)
    assert os.listdir(root) == [".git"]


def test_a_symlink_of_an_earlier_checkout_is_not_followed(root: Path, repo: Repository) -> None:
    link = tree(repo, (LINK, b"x", blob(repo, b"..")))
    folder = tree(repo, (DIR, b"x", tree(repo, (FILE, b"evil", blob(repo)))))
    checkout_tree(repo, None, link, write_index=True)
    checkout_tree(repo, link, folder, write_index=True)
    assert (root / "x/evil").is_file()
    assert not (root / "x").is_symlink()
    assert not (root.parent / "evil").exists()


def test_a_symlink_that_appears_between_plan_and_write_is_not_followed(
    root: Path, repo: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody swaps a folder for a symlink at the worst moment."""
    (root / "d").mkdir()
    folder = tree(repo, (DIR, b"d", tree(repo, (FILE, b"evil", blob(repo)))))
    true_write = Folder.write

    def swap(self: Folder, path: str, *rest: object, **more: object) -> os.stat_result:
        (root / "d").rmdir()
        (root / "d").symlink_to("..")
        return true_write(self, path, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Folder, "write", swap)
    with pytest.raises(UnsafePath):
        checkout_tree(repo, None, folder, write_index=False)
    assert not (root.parent / "evil").exists()


def test_symlinks_are_written_as_they_are_and_lead_nowhere_by_themselves(root: Path, repo: Repository) -> None:
    checkout_tree(repo, None, tree(repo, (LINK, b"abs", blob(repo, b"/etc/passwd"))), write_index=True)
    assert os.readlink(root / "abs") == "/etc/passwd"


@pytest.mark.parametrize("name", [b".gitmodules", b".GitModules"])
def test_gitmodules_is_never_a_symlink(root: Path, repo: Repository, name: bytes) -> None:
    with pytest.raises(UnsafePath):
        checkout_tree(repo, None, tree(repo, (LINK, name, blob(repo, b"/etc/passwd"))), write_index=True)
    assert os.listdir(root) == [".git"]


@pytest.mark.parametrize("name", [b".gitattributes", b".gitignore"])
def test_files_of_rules_that_are_symlinks_are_written_and_not_followed(
    root: Path, repo: Repository, tmp_path: Path, name: bytes
) -> None:
    (tmp_path / "rules").write_text("* eol=crlf\n")
    entries = [(LINK, name, blob(repo, os.fsencode(tmp_path / "rules"))), (FILE, b"a", blob(repo, b"1\n"))]
    checkout_tree(repo, None, tree(repo, *entries), write_index=True)
    assert (root / "a").read_bytes() == b"1\n"


@pytest.mark.parametrize("mode", [0o104755, 0o102755, 0o100777, 0o107777])
def test_only_the_owners_executable_bit_of_a_mode_counts(root: Path, repo: Repository, mode: int) -> None:
    checkout_tree(repo, None, tree(repo, (mode, b"run", blob(repo))), write_index=True)
    assert (root / "run").stat().st_mode & 0o7000 == 0
    assert (root / "run").stat().st_mode & 0o100


@pytest.mark.parametrize("mode", [0, 0o644, 0o060000, 0o020000, 0o010000, 0o140000])
def test_a_mode_that_is_no_files_is_refused(root: Path, repo: Repository, mode: int) -> None:
    with pytest.raises(CorruptObject, match="mode"):
        checkout_tree(repo, None, tree(repo, (mode, b"m", blob(repo))), write_index=True)
    assert os.listdir(root) == [".git"]


@pytest.mark.parametrize("name", [b"..\\evil", b"NUL", b"C:evil", b"-rf", b"new\nline", b"\xff\xfe"])
def test_names_that_are_odd_but_stay_here_are_written(root: Path, repo: Repository, name: bytes) -> None:
    checkout_tree(repo, None, tree(repo, (FILE, name, blob(repo))), write_index=True)
    assert (root / os.fsdecode(name)).read_bytes() == b"evil\n"
    assert sorted(os.listdir(root)) == sorted([".git", os.fsdecode(name)])


def test_a_tree_out_of_order_is_written_all_the_same(git: Git, root: Path, repo: Repository) -> None:
    checkout_tree(repo, None, tree(repo, (FILE, b"b", blob(repo)), (FILE, b"a", blob(repo))), write_index=True)
    assert git("ls-files", cwd=root).split() == ["a", "b"]


def test_a_blob_that_is_no_blob_leaves_the_file_as_it_was(root: Path, repo: Repository) -> None:
    (root / "a").write_text("mine")
    with pytest.raises(AssayError):
        write_files(repo, {"a": (FILE, tree(repo))})
    assert (root / "a").read_text() == "mine"


@pytest.mark.parametrize("path", ["../x", "/x", ".git/config", "a/../../x", ""])
def test_single_paths_from_elsewhere_are_checked_too(root: Path, repo: Repository, path: str) -> None:
    before = everything(root.parent)
    for item in ((FILE, blob(repo)), None):
        with pytest.raises(UnsafePath):
            write_files(repo, {"fine": (FILE, blob(repo)), path: item})
    assert everything(root.parent) == before
