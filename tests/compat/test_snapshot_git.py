"""The snapshot: what is taken, what is refused, and what happens when files change while it is taken."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from assay.engine.errors import GitError, Refused
from assay.engine.git.objects import BLOB
from assay.engine.git.repository import Repository
from assay.engine.git.status import snapshot_changes
from assay.engine.git.trees import Item
from assay.engine.model import Oid
from tests.gitstatus import opened

Git = Callable[..., str]


@pytest.fixture
def root(git: Git, tmp_path: Path) -> Path:
    """A repository with a few committed files."""
    folder = tmp_path / "work"
    git("init", "-q", "--template=", str(folder))
    for path in ("top", "d/one", "d/two"):
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(f"{path}\n")
    (folder / ".gitignore").write_text("*.tmp\n")
    git("add", ".", cwd=folder)
    git("commit", "-q", "-m", "base", cwd=folder)
    return folder


@pytest.fixture
def repo(root: Path) -> Iterator[Repository]:
    opened_here = opened(root)
    yield opened_here
    opened_here.close()


def base(repo: Repository) -> Oid:
    head = repo.head()
    assert head is not None
    return repo.objects.read_commit(head).tree


def take(repo: Repository, **options: object) -> dict[str, Item | None]:
    """A snapshot with untracked files, its blobs written."""
    with repo.objects.batch() as batch:
        return snapshot_changes(repo, base(repo), batch.add, **{"include_untracked": True, **options})


def test_a_clean_work_tree_has_no_changes_and_writes_nothing(root: Path, repo: Repository) -> None:
    before = sorted((root / ".git/objects").rglob("*"))
    assert take(repo) == {}
    assert sorted((root / ".git/objects").rglob("*")) == before


def test_blobs_are_written_for_changed_files_only(git: Git, root: Path, repo: Repository) -> None:
    (root / "top").write_text("changed")
    (root / "new").write_text("new")
    os.utime(root / "d/one", (1, 1))
    (root / "d/two").unlink()
    added: list[str] = []

    def add(kind: int, data: bytes, hint: str = "", /) -> Oid:
        assert kind == BLOB
        added.append(hint)
        return repo.objects.write(kind, data)

    changes = snapshot_changes(repo, base(repo), add, include_untracked=True)
    assert sorted(added) == ["new", "top"]
    stored = {path: item and git("cat-file", "blob", item[1].hex(), cwd=root) for path, item in changes.items()}
    assert stored == {"top": "changed", "new": "new", "d/two": None}


def test_without_a_place_for_blobs_it_only_compares(git: Git, root: Path, repo: Repository) -> None:
    (root / "top").write_text("changed")
    changes = snapshot_changes(repo, base(repo), None, include_untracked=True)
    expected = git("hash-object", "top", cwd=root)
    assert changes == {"top": (0o100644, Oid(bytes.fromhex(expected)))}
    assert Oid(bytes.fromhex(expected)) not in repo.objects


def test_large_files_that_nobody_tracks_stop_it_with_their_sizes_and_a_hint(root: Path, repo: Repository) -> None:
    for number in range(12):
        (root / f"model{number:02}").write_bytes(bytes(2_000_000 + number * 100_000))
    (root / "ignored.tmp").write_bytes(bytes(9_000_000))
    (root / "top").write_bytes(bytes(9_000_000))
    with pytest.raises(Refused) as refused:
        take(repo, limit_bytes=2_000_000)
    said = refused.value.message
    assert said.startswith("Larger than 2 MB, neither tracked nor ignored: model11 (3.1 MB), model10 (3.0 MB), ")
    assert said.endswith("model02 (2.2 MB) and 1 more.")
    assert ".gitignore" in refused.value.hint
    assert refused.value.exit_code == 1


def test_a_file_of_just_the_limit_is_taken(root: Path, repo: Repository) -> None:
    (root / "model").write_bytes(bytes(2_000_000))
    assert list(take(repo, limit_bytes=2_000_000)) == ["model"]


def test_a_large_file_is_named_by_its_content_without_being_held_whole(git: Git, root: Path, repo: Repository) -> None:
    (root / "top").write_bytes(os.urandom(1 << 20) * 12)
    expected = git("hash-object", "top", cwd=root)
    assert snapshot_changes(repo, base(repo), None, include_untracked=False)["top"] == (
        0o100644, Oid(bytes.fromhex(expected)),
    )  # fmt: skip
    assert take(repo)["top"] == (0o100644, Oid(bytes.fromhex(expected)))
    assert git("cat-file", "-s", expected, cwd=root) == str(12 << 20)


def test_what_is_skipped_stays_as_the_base_has_it(root: Path, repo: Repository) -> None:
    (root / "top").write_text("changed")
    (root / "d/one").write_text("changed")
    (root / "d/two").unlink()
    (root / "out").mkdir()
    (root / "out/big").write_bytes(bytes(100))
    asked: list[str] = []

    def skip(path: str) -> bool:
        asked.append(path)
        return path == "out" or path.startswith("d/")

    assert list(take(repo, skip=skip, limit_bytes=10)) == ["top"]
    assert "out/big" not in asked


def test_ignored_folders_are_not_entered(root: Path, repo: Repository) -> None:
    (root / "cache.tmp/deep").mkdir(parents=True)
    (root / "cache.tmp/deep/file").write_text("x")
    (root / "cache.tmp/deep").chmod(0)
    try:
        assert take(repo) == {}
    finally:
        (root / "cache.tmp/deep").chmod(0o755)


def test_a_folder_that_vanishes_before_it_is_entered_counts_as_deleted(root: Path, repo: Repository) -> None:
    (root / "new").write_text("x")

    def skip(path: str) -> bool:
        if path == "new":
            shutil.rmtree(root / "d", ignore_errors=True)
        return False

    assert take(repo, skip=skip).keys() == {"new", "d/one", "d/two"}


def test_files_that_vanish_from_a_folder_that_is_being_looked_at_count_as_deleted(root: Path, repo: Repository) -> None:
    for number in range(40):
        (root / f"n{number}").write_text("x")

    def skip(path: str) -> bool:
        for number in range(40):
            if path.startswith("n") and path != f"n{number}":
                (root / f"n{number}").unlink(missing_ok=True)
        return False

    assert len(take(repo, skip=skip)) == 1


def test_files_that_vanish_before_they_are_read_count_as_deleted(root: Path, repo: Repository) -> None:
    (root / "top").write_text("changed")
    for number in range(5):
        (root / f"n{number}").write_text(f"{number}")

    def add(kind: int, data: bytes, hint: str = "", /) -> Oid:
        for number in range(5):
            (root / f"n{number}").unlink(missing_ok=True)
        return repo.objects.write(kind, data)

    assert list(snapshot_changes(repo, base(repo), add, include_untracked=True)) == ["top"]


def test_a_file_that_becomes_a_folder_before_it_is_read_counts_as_deleted(root: Path, repo: Repository) -> None:
    (root / "a").write_text("first")
    (root / "b").write_text("second")

    def add(kind: int, data: bytes, hint: str = "", /) -> Oid:
        other = root / ("b" if hint == "a" else "a")
        other.unlink()
        other.mkdir()
        return repo.objects.write(kind, data)

    assert len(snapshot_changes(repo, base(repo), add, include_untracked=True)) == 1


def test_a_bare_repository_has_nothing_to_take(git: Git, root: Path, tmp_path: Path) -> None:
    git("clone", "-q", "--bare", str(root), str(tmp_path / "bare"))
    bare = opened(tmp_path / "bare")
    with pytest.raises(GitError, match="bare repository"):
        take(bare)
    bare.close()


def test_against_another_tree_than_heads_every_difference_counts(git: Git, root: Path, repo: Repository) -> None:
    first = base(repo)
    (root / "top").write_text("second")
    (root / "more").write_text("more")
    git("add", ".", cwd=root)
    git("commit", "-q", "-m", "second", cwd=root)
    assert take(repo) == {}
    changes = snapshot_changes(repo, first, None, include_untracked=False)
    assert sorted(changes) == ["more", "top"]
    assert sorted(snapshot_changes(repo, None, None, include_untracked=False)) == [
        ".gitignore", "d/one", "d/two", "more", "top",
    ]  # fmt: skip
