"""What push publishes, and what it does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.engine.errors import ConfigError, GitError, RemoteError, UnknownRevision
from assay.engine.experiments.chosen import Which
from assay.remotes.how import How
from assay.remotes.pull import pull
from assay.remotes.push import push, push_chosen
from tests.sharing import Git, Machine


def keys(remote: str) -> set[str]:
    return {str(path.relative_to(remote)) for path in Path(remote).rglob("*") if path.is_file()}


def test_without_names_the_experiments_of_head_the_branch_and_the_data_go(here: Machine, remote: str) -> None:
    pushed = push(here.project)
    experiment = f"refs/exps/{here.head.hex()[:2]}/{here.head.hex()[2:]}/bold-finch"
    assert (pushed.remote, pushed.url) == ("origin", remote)
    assert set(pushed.report.refs) == {experiment, "refs/heads/main"}
    assert pushed.report.failed == {}
    assert pushed.report.objects > 0
    assert pushed.report.size > 300_000
    assert {key.split("/")[0] for key in keys(remote)} == {"format", "git", "index", "objects", "packs"}
    assert Path(remote, "git/heads/main").read_text() == here.head.hex() + "\n"
    assert Path(remote, "git/HEAD").read_text() == "ref: refs/heads/main\n"
    assert Path(remote, "format").read_text() == '{"assay": 1, "hash": "xxh128"}\n'


def test_pushing_again_changes_nothing(here: Machine, remote: str) -> None:
    push(here.project)
    before = keys(remote)
    report = push(here.project).report
    assert (report.refs, report.objects, report.artifacts, report.size, report.failed) == ((), 0, 0, 0, {})
    assert len(report.up_to_date) == 2
    assert keys(remote) == before


def test_the_first_push_says_how_much_travels(here: Machine) -> None:
    push(here.project)
    assert "First push to" in here.said()
    here.events.clear()
    here.experiment("second")
    push(here.project)
    assert "First push" not in here.said()


def test_with_names_only_these_go(here: Machine, remote: str) -> None:
    second = here.experiment("second")
    assert push(here.project, ["second"]).report.refs == (second,)
    assert not Path(remote, "git/heads").exists()


def test_an_experiment_can_be_named_by_its_commit(here: Machine) -> None:
    second = here.experiment("second")
    assert push(here.project, [here.refs()[second][:8]]).report.refs == (second,)


def test_without_the_branch_history_travels_but_no_branch_moves(here: Machine, remote: str) -> None:
    report = push(here.project, branch=False).report
    assert [name.rpartition("/")[2] for name in report.refs] == ["bold-finch"]
    assert not Path(remote, "git/heads").exists()


def test_experiments_of_other_commits_go_only_when_asked_for(here: Machine) -> None:
    here.commit("second")
    assert push(here.project).report.refs == ("refs/heads/main",)
    assert [name.rpartition("/")[2] for name in push(here.project, everything=True).report.refs] == ["bold-finch"]


def test_a_detached_head_shares_experiments_without_a_branch(here: Machine, git: Git, remote: str) -> None:
    git("checkout", "-q", "--detach", cwd=here.folder)
    here.close()
    assert len(push(here.project).report.refs) == 1
    assert not Path(remote, "git/heads").exists()


def test_an_unknown_name_is_an_error_with_near_ones(here: Machine) -> None:
    with pytest.raises(UnknownRevision, match="no experiment 'bold-fnch' here") as caught:
        push(here.project, ["bold-fnch"])
    assert "bold-finch" in caught.value.hint


def test_an_experiment_of_another_name_value_is_replaced_only_by_force(here: Machine) -> None:
    name = here.experiment("second")
    push(here.project)
    here.experiment("second", {"a.txt": b"something else"})
    assert "another experiment of that name" in push(here.project).report.failed[name]
    assert push(here.project, force=True).report.refs == (name,)
    assert push(here.project).report.failed == {}


def test_a_branch_that_went_elsewhere_is_not_moved_and_the_rest_goes(here: Machine, copy) -> None:
    push(here.project)
    other = copy()
    other.commit("elsewhere")
    push(other.project)
    here.commit("here too")
    here.experiment("third")
    report = push(here.project).report
    assert "`assay pull --merge` joins them" in report.failed["refs/heads/main"]
    assert [name.rpartition("/")[2] for name in report.refs] == ["third"]


def test_what_is_missing_here_keeps_its_experiment_from_being_published(here: Machine, remote: str) -> None:
    name = here.experiment("lost", {"a.txt": b"nobody has this"})
    here.experiment("fine")
    for path in Path(here.project.cache.folder, "packs").iterdir():
        if b"nobody has this" in path.read_bytes():
            path.unlink()
    here.close()
    report = push(here.project).report
    assert "It is not published, because of what data needs" in report.failed[name]
    assert "neither in the cache nor on the remote" in report.failed[name]
    assert "fine" in {ref.rpartition("/")[2] for ref in report.refs}
    assert "lost" not in "".join(path.read_text() for path in Path(remote, "git/refs").rglob("*") if path.is_file())


def test_what_only_the_remote_has_is_enough(here: Machine, copy) -> None:
    push(here.project)
    other = copy()
    other.git("fetch", "-q", "origin", "refs/exps/*:refs/exps/*", cwd=other.folder)
    report = push(other.project).report
    assert report.failed == {}
    assert len(report.up_to_date) == 2


def test_a_damaged_object_is_named_and_its_experiment_left_out(here: Machine) -> None:
    name = here.experiment("damaged", {"a.txt": b"y" * 300_000})
    objects = [path for path in Path(here.project.cache.folder, "xxh128").rglob("*") if path.is_file()]
    [path] = [path for path in objects if path.read_bytes().startswith(b"yyy")]
    path.chmod(0o644)
    path.write_bytes(b"z" * 300_000)
    here.close()
    report = push(here.project).report
    assert "is damaged" in report.failed[name]
    assert "refs/heads/main" in report.refs


def test_a_pipeline_file_that_cannot_be_read_keeps_its_experiment_from_being_published(here: Machine, git: Git) -> None:
    (here.folder / "bad.dvc").write_text("outs: {")
    here.commit("bad")
    (here.folder / "bad.dvc").unlink()
    report = push(here.project).report
    assert "bad.dvc" in report.failed["refs/heads/main"]


def test_a_shallow_clone_is_told_to_fetch_the_rest(here: Machine, git: Git, tmp_path: Path, remote: str) -> None:
    here.commit("second")
    git("clone", "-q", "--depth=1", f"file://{here.folder}", str(tmp_path / "shallow"))
    shallow = Machine(git, tmp_path / "shallow")
    shallow.add_remote(remote)
    with pytest.raises(GitError, match="shallow"):
        push(shallow.project)
    shallow.close()


def test_a_push_of_commits_to_git_makes_the_remote_beside_it_one_that_others_can_pull_from(
    here: Machine, git: Git, tmp_path: Path, remote: str
) -> None:
    git("init", "-q", "--bare", str(tmp_path / "up.git"))
    here.add_remote(remote, settings={"git-remote": str(tmp_path / "up.git")})
    report = push_chosen(here.project, Which(["bold-finch"]), How(artifacts=False)).report
    assert (len(report.refs), report.objects > 0, report.failed) == (1, True, {})
    assert keys(remote) == {"format"}


def test_a_project_without_a_remote_is_told_how_to_add_one(git: Git, tmp_path: Path) -> None:
    alone = Machine.new(git, tmp_path / "alone")
    with pytest.raises(ConfigError, match="has no remote") as caught:
        push(alone.project)
    assert "assay remote add" in caught.value.hint
    alone.close()


def test_a_remote_of_another_hash_is_refused(git: Git, tmp_path: Path, here: Machine, remote: str) -> None:
    push(here.project)
    other = Machine.new(git, tmp_path / "other", hash_name="sha256")
    other.add_remote(remote)
    with pytest.raises(RemoteError, match="names artifacts by xxh128, this project by sha256"):
        push(other.project)
    other.close()


def test_a_dvc_remote_is_refused_and_left_as_it_is(here: Machine, remote: str) -> None:
    Path(remote, "files/md5/ab").mkdir(parents=True)
    Path(remote, "files/md5/ab/cdef").write_bytes(b"")
    with pytest.raises(RemoteError, match="is the remote of a DVC project"):
        push(here.project)
    assert keys(remote) == {"files/md5/ab/cdef"}


@pytest.mark.parametrize("marker", [b"", b"hello", b"[]", b'{"assay": 1}', b"\xff\xfe"])
def test_a_marker_that_is_not_ours_is_refused(here: Machine, remote: str, marker: bytes) -> None:
    Path(remote).mkdir()
    Path(remote, "format").write_bytes(marker)
    with pytest.raises(RemoteError, match="format"):
        push(here.project)
    assert keys(remote) == {"format"}


def test_a_marker_of_a_later_version_is_refused(here: Machine, remote: str) -> None:
    Path(remote).mkdir()
    Path(remote, "format").write_text('{"assay": 2, "hash": "xxh128"}')
    with pytest.raises(RemoteError, match="newer assay"):
        push(here.project)


def test_push_moves_no_ref_and_touches_no_file_of_the_user(here: Machine, git: Git) -> None:
    before = here.refs(), git("status", "--porcelain", cwd=here.folder), (here.folder / ".git/index").read_bytes()
    push(here.project)
    assert before == (
        here.refs(), git("status", "--porcelain", cwd=here.folder), (here.folder / ".git/index").read_bytes(),
    )  # fmt: skip


def test_an_unborn_branch_has_nothing_to_share_but_is_no_error(git: Git, tmp_path: Path, remote: str) -> None:
    (tmp_path / "new" / ".assay").mkdir(parents=True)
    git("init", "-q", str(tmp_path / "new"))
    machine = Machine(git, tmp_path / "new")
    machine.add_remote(remote)
    assert push(machine.project).report.refs == ()
    machine.close()


def test_a_branch_that_is_only_behind_is_up_to_date(here: Machine, copy) -> None:
    push(here.project)
    other = copy()
    other.commit("ahead")
    push(other.project)
    pull(here.project)
    report = push(here.project).report
    assert report.failed == {}
    assert "refs/heads/main" in report.up_to_date
