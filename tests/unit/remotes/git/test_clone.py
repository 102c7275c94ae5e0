"""Clones of Git repositories in folders: what is unusual about them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from assay.engine.errors import GitError, UsageError
from assay.engine.events import Event, Note
from assay.remotes.clone import Cloned
from assay.remotes.cloning import clone
from assay.remotes.git.clone import folder_name
from tests.sharing import world

Git = Callable[..., str]
Get = Callable[..., Cloned]


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://example.com/team/digits.git", "digits"), ("https://example.com/team/digits/", "digits"),
        ("git@example.com:team/digits.git", "digits"), ("example.com:digits", "digits"),
        ("/a/b/digits/.git/", "digits"),
        ("../digits.git", "digits"), ("s3://bucket/team", "team"), ("/", ""),
    ],
)  # fmt: skip
def test_the_folder_is_called_as_git_calls_it(url: str, name: str) -> None:
    assert folder_name(url) == name


@pytest.fixture
def origin(git: Git, tmp_path: Path) -> Path:
    """A repository with one commit."""
    folder = tmp_path / "origin"
    git("init", "-q", str(folder))
    (folder / "a.txt").write_text("a\n")
    git("add", ".", cwd=folder)
    git("commit", "-q", "-m", "first", cwd=folder)
    return folder


@pytest.fixture
def events() -> list[Event]:
    return []


@pytest.fixture
def get(origin: Path, tmp_path: Path, events: list[Event]) -> Get:
    """Clones the repository to ``clone``."""

    def clone_it(url: str = "", **more: object) -> Cloned:
        target = str(tmp_path / "clone")
        return clone(url or str(origin), target, world(), events.append, typed_in=str(tmp_path), **more)  # type: ignore[arg-type]

    return clone_it


def test_a_repository_without_a_project_is_cloned_and_that_is_said(
    get: Get, git: Git, tmp_path: Path, events: list[Event]
) -> None:
    done = get("origin")
    assert (done.root, done.branch, done.report.failed) == (str(tmp_path / "clone"), "main", {})
    assert git("status", "--porcelain", "--branch", cwd=done.root) == "## main...origin/main"
    assert any(isinstance(event, Note) and "assay init" in event.text for event in events)
    git("fetch", "-q", cwd=done.root)


def test_a_project_below_the_top_is_found(get: Get, git: Git, origin: Path, tmp_path: Path) -> None:
    (origin / "sub/.assay").mkdir(parents=True)
    (origin / "sub/.assay/config").write_text("[core]\n    hash = xxh128\n")
    git("add", ".", cwd=origin)
    git("commit", "-q", "-m", "project", cwd=origin)
    done = get()
    assert done.root == str(tmp_path / "clone/sub")
    assert (tmp_path / "clone/sub/.assay/config.local").read_text() == "[exp]\n    git_remote = origin\n"


def test_where_the_project_says_where_experiments_go_it_is_left_at_that(get: Get, git: Git, origin: Path) -> None:
    (origin / ".assay").mkdir()
    (origin / ".assay/config").write_text("[exp]\n    git_remote = upstream\n")
    git("add", ".", cwd=origin)
    git("commit", "-q", "-m", "project", cwd=origin)
    assert not (Path(get().root) / ".assay/config.local").exists()


def test_where_head_names_no_branch_a_usual_one_is_taken(get: Get, git: Git, origin: Path) -> None:
    git("branch", "another", cwd=origin)
    git("checkout", "-q", "--detach", cwd=origin)
    assert get().branch == "main"


def test_where_head_names_no_branch_the_only_one_is_taken(get: Get, git: Git, origin: Path) -> None:
    git("branch", "-m", "odd", cwd=origin)
    git("checkout", "-q", "--detach", cwd=origin)
    assert get().branch == "odd"


def test_where_head_names_no_branch_and_none_is_likely_nothing_is_cloned(
    get: Get, git: Git, origin: Path, tmp_path: Path
) -> None:
    git("branch", "-m", "odd", cwd=origin)
    git("branch", "even", cwd=origin)
    git("checkout", "-q", "--detach", cwd=origin)
    with pytest.raises(GitError, match="HEAD there names no branch"):
        get()
    assert not (tmp_path / "clone").exists()


def test_what_is_about_data_remotes_is_refused(get: Get, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is about data remotes"):
        get(settings={"jobs": "2"})
    assert not (tmp_path / "clone").exists()


def test_a_url_with_what_configuration_would_take_for_more_is_kept_whole(
    git: Git, origin: Path, tmp_path: Path
) -> None:
    odd = tmp_path / 'odd # "name" \\ ;x'
    git("clone", "-q", "--bare", str(origin), str(odd))
    clone(str(odd), str(tmp_path / "clone"), world())
    assert git("config", "remote.origin.url", cwd=tmp_path / "clone") == str(odd)
    git("fetch", "-q", cwd=tmp_path / "clone")
