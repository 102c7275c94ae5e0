"""What a name or URL of a Git remote means."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from assay.engine.errors import GitError, UsageError
from assay.engine.git.repository import Repository
from assay.engine.layout import native
from assay.engine.project import Project, load_config
from assay.remotes.git import addresses
from assay.remotes.layouts import git_remote
from assay.remotes.registry import Remote
from tests.sharing import world

Git = Callable[..., str]


@pytest.fixture
def project(git: Git, tmp_path: Path) -> Iterator[Project]:
    """A project whose repository has remotes of several kinds, two of them in folders beside it."""
    root = tmp_path / "project"
    git("init", "-q", str(root))
    git("init", "-q", "--bare", str(tmp_path / "bare.git"))
    git("init", "-q", str(tmp_path / "work"))
    for name, url in (("near", "../bare.git"), ("short", "team:bare.git"), ("far", "https://ann:secret@example.com/x")):
        git("remote", "add", name, url, cwd=root)
    git("config", "remote.near.pushurl", str(tmp_path / "work"), cwd=root)
    git("config", f"url.{tmp_path}/.insteadOf", "team:", cwd=root)
    (root / ".assay").mkdir()
    made = Project(
        str(root), native(), load_config(str(root), native(), world()), Repository.discover(str(root)), world()
    )
    yield made
    made.close()


def test_a_name_is_what_gits_configuration_says(project: Project, tmp_path: Path) -> None:
    assert addresses.find(project, "near")[:2] == ("near", str(tmp_path / "bare.git"))
    assert addresses.find(project, "near", push=True)[:2] == ("near", str(tmp_path / "work"))


def test_the_beginning_of_a_url_may_stand_for_another(project: Project, tmp_path: Path) -> None:
    assert addresses.find(project, "short").url == str(tmp_path / "bare.git")


@pytest.mark.parametrize("words", ["../bare.git", "../bare", "file://{folder}/bare.git", "{folder}/work"])
def test_a_path_or_url_means_the_repository_there(project: Project, tmp_path: Path, words: str) -> None:
    address = addresses.find(project, words.format(folder=tmp_path), typed_in=project.root)
    transport = addresses.connect(project, address)
    assert transport.refs(["refs/"]) == {}
    transport.close()


def test_no_password_is_shown(project: Project) -> None:
    address = addresses.find(project, "far")
    assert address.url == "https://example.com/x"
    assert addresses.connect(project, address).url == "https://example.com/x"
    assert addresses.find(project, "ssh://ann:secret@example.com/x").url == "ssh://ann@example.com/x"


@pytest.mark.parametrize("url", ["rsync://example.com/x", "ext::sh -c id", "ftp://ann:secret@example.com/x"])
def test_what_nobody_here_speaks_is_refused_and_no_program_run_for_it(project: Project, url: str) -> None:
    with pytest.raises(GitError, match=r"cannot be used") as refused:
        addresses.connect(project, addresses.find(project, url))
    assert "secret" not in refused.value.message


def test_the_beginning_of_a_url_may_stand_for_another_when_it_is_pushed_to(
    project: Project, git: Git, tmp_path: Path
) -> None:
    git("config", f"url.{tmp_path}/wo.pushInsteadOf", "../ba", cwd=project.root)
    git("config", "--add", f"url.{tmp_path}/wo.pushInsteadOf", "team:ba", cwd=project.root)
    repo = Repository.discover(project.root)
    fresh = Project(project.root, native(), project.config, repo, world())
    assert addresses.find(fresh, "short").url == str(tmp_path / "bare.git")
    assert addresses.find(fresh, "short", push=True).url == str(tmp_path / "wore.git")
    assert addresses.find(fresh, "near", push=True).url == str(tmp_path / "work"), "it has a pushurl"
    fresh.close()


def test_what_is_neither_is_said_with_what_there_is(project: Project) -> None:
    with pytest.raises(UsageError, match="'nowhere' is not a valid Git remote") as refused:
        addresses.find(project, "nowhere")
    assert "near, short, far" in refused.value.hint


def test_a_remotes_own_git_remote_wins_over_the_projects(project: Project) -> None:
    assert git_remote(project, Remote("r", "/x", {})) == ""
    assert git_remote(project, Remote("r", "/x", {"git-remote": "near"})) == "near"
