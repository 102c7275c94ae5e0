"""What a clone has, and that a failed one leaves nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from assay.engine.errors import CorruptRemote, Refused, RemoteError, UsageError
from assay.engine.events import Event, Progress
from assay.engine.project import open_project
from assay.remotes import registry
from assay.remotes.clone import Cloned, clone
from assay.remotes.pull import pull
from assay.remotes.push import push
from tests.sharing import Git, Machine, world


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "clone"


def get(url: str, target: Path, typed_in: Path | None = None) -> Cloned:
    return clone(url, str(target), world(), typed_in=str(typed_in or "/"))


@pytest.fixture
def cloned(git: Git, here: Machine, remote: str, target: Path) -> Iterator[Machine]:
    push(here.project)
    report = get(remote, target).report
    assert report.failed == {}
    assert report.objects >= 12
    machine = Machine(git, target)
    yield machine
    machine.close()


def test_a_clone_has_the_same_commits_experiments_and_files(here: Machine, cloned: Machine, git: Git) -> None:
    cloned.fsck()
    assert git("status", "--porcelain", cwd=cloned.folder) == ""
    assert git("rev-list", "--all", "--objects", cwd=cloned.folder) == git(
        "rev-list", "--all", "--objects", cwd=here.folder
    )
    ours = {name: oid for name, oid in here.refs().items() if "remotes" not in name}
    theirs = cloned.refs()
    assert theirs.pop("refs/remotes/origin/main") == here.head.hex()
    assert theirs == ours
    assert git("symbolic-ref", "HEAD", cwd=cloned.folder) == "refs/heads/main"


def test_a_clone_has_the_data_of_workspace_and_experiments(here: Machine, cloned: Machine) -> None:
    assert (cloned.folder / "model").read_bytes() == (here.folder / "model").read_bytes()
    assert (cloned.folder / "data/deep/b.txt").read_bytes() == b"b"
    assert cloned.has(here.store({"a.txt": b"bold-finch", "deep/b.txt": b"b"}))


def test_git_works_on_in_a_clone(cloned: Machine, git: Git) -> None:
    (cloned.folder / "train.py").write_text("print('more')\n")
    assert git("status", "--porcelain", cwd=cloned.folder) == " M train.py"
    cloned.commit("second")
    cloned.fsck()


def test_a_clone_pushes_back_to_where_it_came_from(here: Machine, cloned: Machine, remote: str) -> None:
    cloned.commit("second")
    cloned.experiment("from-the-clone")
    assert push(cloned.project).report.failed == {}
    assert pull(here.project, everything=True).report.failed == {}
    assert {name.rpartition("/")[2] for name in here.refs("refs/exps/")} == {"bold-finch", "from-the-clone"}


def test_the_place_that_was_cloned_is_kept_in_the_local_configuration(cloned: Machine, remote: str) -> None:
    assert registry.find(cloned.project).url == remote
    assert remote in (cloned.folder / ".assay/config.local").read_text()
    assert cloned.git("status", "--porcelain", cwd=cloned.folder) == ""


def test_a_remote_that_the_project_names_itself_is_used_as_it_is(git: Git, tmp_path: Path, target: Path) -> None:
    machine = Machine.new(git, tmp_path / "here")
    registry.add(machine.project, "team", "../remote", folder=str(machine.folder), default=True)
    machine.close()
    machine.commit("a remote")
    push(machine.project)
    get("remote", target, tmp_path)
    assert not (target / ".assay/config.local").exists()
    project = open_project(str(target), world())
    assert registry.find(project).name == "team"
    assert registry.find(project).url == str(tmp_path / "remote")
    project.close()
    machine.close()


def test_a_relative_remote_that_leads_elsewhere_from_the_clone_is_set_right(git: Git, tmp_path: Path) -> None:
    machine = Machine.new(git, tmp_path / "here")
    registry.add(machine.project, "team", "../remote", folder=str(machine.folder), default=True)
    machine.close()
    machine.commit("a remote")
    push(machine.project)
    get("remote", tmp_path / "deep/down/clone", tmp_path)
    project = open_project(str(tmp_path / "deep/down/clone"), world())
    assert registry.find(project).url == str(tmp_path / "remote")
    assert pull(project).report.failed == {}
    project.close()
    machine.close()


def test_settings_of_the_remote_are_kept(here: Machine, remote: str, target: Path) -> None:
    push(here.project)
    clone(remote, str(target), world(), settings={"jobs": "2"})
    project = open_project(str(target), world())
    assert registry.find(project).jobs == 2
    project.close()


def test_all_branches_and_experiments_of_all_commits_come(here: Machine, git: Git, remote: str, target: Path) -> None:
    push(here.project)
    git("checkout", "-q", "-b", "feature/x", cwd=here.folder)
    here.commit("second")
    here.experiment("on-feature")
    push(here.project)
    got = get(remote, target)
    assert got.branch == "main"
    machine = Machine(git, target)
    assert set(machine.refs("refs/remotes/")) == {"refs/remotes/origin/main", "refs/remotes/origin/feature/x"}
    assert machine.refs("refs/exps/") == here.refs("refs/exps/")
    machine.fsck()


def test_a_remote_without_a_branch_gives_experiments_only(here: Machine, git: Git, remote: str, target: Path) -> None:
    push(here.project, branch=False)
    got = get(remote, target)
    assert got.branch is None
    machine = Machine(git, target)
    assert machine.refs("refs/exps/") == here.refs("refs/exps/")
    assert machine.refs("refs/heads/") == {}
    assert (target / ".assay/config").exists()
    machine.fsck()


def test_a_project_with_another_hash_is_cloned_with_it(git: Git, tmp_path: Path, remote: str, target: Path) -> None:
    machine = Machine.new(git, tmp_path / "here", hash_name="sha256")
    machine.add_remote(remote)
    push(machine.project, branch=False)
    get(remote, target)
    assert "sha256" in (target / ".assay/config").read_text()
    machine.close()


def test_a_project_in_a_folder_of_its_repository_is_found(git: Git, tmp_path: Path, remote: str, target: Path) -> None:
    git("init", "-q", str(tmp_path / "repo"))
    machine = Machine(git, tmp_path / "repo" / "project")
    (machine.folder / ".assay").mkdir(parents=True)
    (machine.folder / ".assay/config").write_text("")
    (machine.folder / ".assay/.gitignore").write_text("/config.local\n/tmp\n/cache\n")
    machine.track("model", b"x" * 300_000)
    machine.commit("first")
    machine.add_remote(remote)
    push(machine.project)
    got = get(remote, target)
    assert got.root == str(target / "project")
    assert (target / "project/model").read_bytes() == b"x" * 300_000
    assert git("status", "--porcelain", cwd=target) == ""
    machine.close()


def test_an_empty_folder_can_be_cloned_into(here: Machine, remote: str, target: Path) -> None:
    push(here.project)
    target.mkdir()
    assert get(remote, target).report.failed == {}


@pytest.mark.parametrize("kind", ["folder", "file"])
def test_a_folder_that_is_not_empty_is_refused(here: Machine, remote: str, target: Path, kind: str) -> None:
    push(here.project)
    if kind == "folder":
        target.mkdir()
        (target / "mine").write_text("mine")
    else:
        target.write_text("mine")
    with pytest.raises(Refused, match="is not empty"):
        get(remote, target)
    assert (target / "mine" if kind == "folder" else target).read_text() == "mine"


def test_nothing_there_leaves_nothing_here(tmp_path: Path, target: Path) -> None:
    with pytest.raises(RemoteError, match="holds nothing that assay wrote"):
        get("nowhere", target, tmp_path)
    assert not target.exists()


def test_a_url_of_an_unknown_kind_is_said(target: Path) -> None:
    with pytest.raises(UsageError, match="gopher://"):
        get("gopher://somewhere", target)


@pytest.mark.parametrize("where", ["git/HEAD", "git/heads/main", "git/packs/*.pack"])
@pytest.mark.parametrize("existed", [True, False])
def test_a_clone_that_fails_removes_what_it_made(
    here: Machine, remote: str, target: Path, where: str, existed: bool
) -> None:
    push(here.project)
    for path in Path(remote).glob(where):
        path.write_bytes(path.read_bytes()[:-5] + b"1234\n")
    if existed:
        target.mkdir()
    with pytest.raises(CorruptRemote, match=r"its branch is refs/heads/\w+, but .*(no such|lost|is damaged)"):
        get(remote, target)
    assert target.exists() == existed
    assert not existed or os.listdir(target) == []


def test_data_that_the_remote_has_damaged_is_listed_and_the_rest_is_there(
    here: Machine, remote: str, target: Path, git: Git
) -> None:
    push(here.project)
    [path] = [path for path in Path(remote, "objects").rglob("*") if path.is_file()]
    path.write_bytes(b"damaged")
    got = get(remote, target)
    assert "damaged" in got.report.failed["model"]
    assert not (target / "model").exists()
    assert (target / "data/a.txt").read_bytes() == b"a"
    assert git("status", "--porcelain", cwd=target) == ""


def test_tags_come_too(here: Machine, git: Git, remote: str, target: Path) -> None:
    push(here.project)
    head = here.head
    Path(remote, "git/tags").mkdir()
    Path(remote, "git/tags/v1").write_text(head.hex() + "\n")
    get(remote, target)
    assert Machine(git, target).refs("refs/tags/") == {"refs/tags/v1": head.hex()}


def test_data_can_be_left_behind_and_comes_with_a_pull(git: Git, here: Machine, remote: str, target: Path) -> None:
    push(here.project)
    report = clone(remote, str(target), world(), artifacts=False).report
    assert (report.failed, report.artifacts) == ({}, 0)
    there = Machine(git, target)
    assert there.refs("refs/exps/") == here.refs("refs/exps/")
    assert not (target / "model").exists()
    assert pull(there.project, everything=True).report.failed == {}
    assert (target / "model").read_bytes() == (here.folder / "model").read_bytes()
    assert there.has(here.store({"a.txt": b"bold-finch", "deep/b.txt": b"b"}))
    there.close()


@pytest.mark.parametrize("moment", ["fetching history", "fetching data"])
def test_a_clone_that_is_interrupted_is_gone_or_can_be_gone_on_with(
    git: Git, here: Machine, remote: str, target: Path, moment: str
) -> None:
    push(here.project)
    heard: list[Event] = []

    def interrupt(event: Event) -> None:
        heard.append(event)
        if isinstance(event, Progress) and event.task.startswith(moment):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        clone(remote, str(target), world(), interrupt)
    if moment == "fetching history":
        assert not target.exists()
        return
    assert "`assay pull -A` in it goes on" in str(heard[-1])
    with pytest.raises(Refused) as refused:
        get(remote, target)
    assert "`assay pull -A` in it goes on" in refused.value.hint
    there = Machine(git, target)
    assert pull(there.project, everything=True).report.failed == {}
    assert there.refs("refs/exps/") == here.refs("refs/exps/")
    assert (target / "model").read_bytes() == (here.folder / "model").read_bytes()
    there.fsck()
    there.close()
