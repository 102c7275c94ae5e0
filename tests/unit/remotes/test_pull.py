"""What pull brings, and what it leaves alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from assay.engine.errors import RemoteError, UnknownRevision
from assay.engine.events import Progress
from assay.remotes.pull import pull
from assay.remotes.push import push
from assay.remotes.workspace import tracked_here
from tests.sharing import Git, Machine

Copy = Callable[[str], Machine]


@pytest.fixture
def there(here: Machine, copy: Copy) -> Machine:
    """The other machine, after the first has pushed."""
    push(here.project)
    return copy("there")


def test_without_names_experiments_and_data_come_and_the_data_is_checked_out(here: Machine, there: Machine) -> None:
    pulled = pull(there.project)
    assert pulled.report.failed == {}
    assert [name.rpartition("/")[2] for name in pulled.report.refs] == ["bold-finch"]
    assert there.refs("refs/exps/") == here.refs("refs/exps/")
    assert (there.folder / "data/deep/b.txt").read_bytes() == b"b"
    assert (there.folder / "model").read_bytes() == (here.folder / "model").read_bytes()
    there.fsck()


def test_the_artifacts_of_experiments_come_too(here: Machine, there: Machine) -> None:
    artifact = here.store({"a.txt": b"bold-finch", "deep/b.txt": b"b"})
    pull(there.project)
    assert there.has(artifact)


def test_branches_of_the_remote_become_remote_tracking_branches(here: Machine, there: Machine) -> None:
    here.commit("second")
    push(here.project)
    before = there.refs("refs/heads/"), there.git("symbolic-ref", "HEAD", cwd=there.folder)
    pull(there.project)
    assert there.refs("refs/remotes/origin/")["refs/remotes/origin/main"] == here.head.hex()
    assert (there.refs("refs/heads/"), there.git("symbolic-ref", "HEAD", cwd=there.folder)) == before
    assert "main is behind origin/main by 1 commit; `assay pull --ff` moves it." in there.said()
    there.fsck()


def test_pulling_again_brings_nothing(there: Machine) -> None:
    pull(there.project)
    report = pull(there.project).report
    assert (report.refs, report.artifacts, report.size, report.failed) == ((), 0, 0, {})
    assert [name.rpartition("/")[2] for name in report.up_to_date] == ["bold-finch"]


def test_a_lost_artifact_is_brought_again(here: Machine, there: Machine) -> None:
    pull(there.project)
    data = tracked_here(there.project).outs
    there.close()
    for path in (there.folder / ".assay/cache").rglob("*"):
        if path.is_file():
            path.unlink()
    report = pull(there.project).report
    assert report.artifacts > 0
    assert all(there.has(artifact) for artifact in data.values())


def test_with_names_only_these_come(here: Machine, there: Machine) -> None:
    second = here.experiment("second")
    push(here.project)
    assert pull(there.project, ["second"]).report.refs == (second,)
    assert list(there.refs("refs/exps/")) == [second]
    assert not (there.folder / "model").exists()


def test_an_unknown_name_is_an_error_with_near_ones(there: Machine) -> None:
    with pytest.raises(UnknownRevision, match="no experiment 'bold-fnch' on origin") as caught:
        pull(there.project, ["bold-fnch"])
    assert "bold-finch" in caught.value.hint


def test_a_name_on_several_baselines_means_the_one_of_head(here: Machine, there: Machine) -> None:
    here.commit("second")
    here.experiment("bold-finch")
    push(here.project)
    [got] = pull(there.project, ["bold-finch"]).report.refs
    assert there.head.hex()[2:] in got


def test_a_name_on_several_other_baselines_must_be_said_in_full(here: Machine, there: Machine) -> None:
    push(here.project)
    for message in ("second", "third"):
        here.commit(message)
        name = here.experiment("twin")
        push(here.project)
    with pytest.raises(UnknownRevision, match="2 experiments 'twin' on origin") as caught:
        pull(there.project, ["twin"])
    assert name in caught.value.hint
    assert pull(there.project, [name]).report.refs == (name,)


def test_experiments_of_other_commits_come_only_when_asked_for(here: Machine, there: Machine) -> None:
    there.commit("elsewhere")
    assert pull(there.project).report.refs == ()
    assert len(pull(there.project, everything=True).report.refs) == 1


def test_another_experiment_of_that_name_here_is_replaced_only_by_force(here: Machine, there: Machine) -> None:
    pull(there.project)
    name = there.experiment("bold-finch", {"a.txt": b"mine"})
    mine = there.refs()[name]
    assert "another experiment of that name here" in pull(there.project).report.failed[name]
    assert there.refs()[name] == mine
    assert pull(there.project, force=True).report.refs == (name,)
    assert there.refs()[name] == here.refs()[name]


def test_changes_in_the_workspace_are_not_lost(there: Machine) -> None:
    (there.folder / "model").write_bytes(b"my own work")
    report = pull(there.project).report
    assert "would destroy" in report.failed["model"]
    assert (there.folder / "model").read_bytes() == b"my own work"
    assert (there.folder / "data/a.txt").read_bytes() == b"a"


def test_the_workspace_can_be_left_alone(there: Machine) -> None:
    assert pull(there.project, checkout=False).report.failed == {}
    assert not (there.folder / "model").exists()


def test_pulling_from_nothing_says_so_and_makes_nothing(here: Machine, remote: str) -> None:
    with pytest.raises(RemoteError, match="holds nothing that assay wrote"):
        pull(here.project)
    assert not Path(remote).exists()


def test_a_project_in_a_folder_of_its_repository_can_be_shared(git: Git, tmp_path: Path, remote: str) -> None:
    git("init", "-q", str(tmp_path / "repo"))
    machine = Machine(git, tmp_path / "repo" / "project")
    (machine.folder / ".assay").mkdir(parents=True)
    (machine.folder / ".assay/config").write_text("")
    (machine.folder / ".assay/.gitignore").write_text("/config.local\n/tmp\n/cache\n")
    machine.track("model", b"x" * 300_000)
    machine.commit("first")
    machine.add_remote(remote)
    assert push(machine.project).report.failed == {}
    git("clone", "-q", str(tmp_path / "repo"), str(tmp_path / "again"))
    other = Machine(git, tmp_path / "again" / "project")
    other.add_remote(remote)
    assert pull(other.project).report.failed == {}
    assert (other.folder / "model").read_bytes() == b"x" * 300_000
    machine.close()
    other.close()


@pytest.mark.law(1)
def test_an_experiment_whose_data_is_damaged_on_the_remote_is_left_out(
    here: Machine, there: Machine, remote: str
) -> None:
    name = here.experiment("large", {"a.txt": b"y" * 300_000})
    push(here.project)
    objects = [path for path in Path(remote, "objects").rglob("*") if path.is_file()]
    [path] = [path for path in objects if path.read_bytes().startswith(b"yyy")]
    path.write_bytes(b"z" * 300_000)
    report = pull(there.project).report
    assert "It is left out, because of what data needs" in report.failed[name]
    assert "is damaged" in report.failed[name]
    assert name not in there.refs()
    assert [other.rpartition("/")[2] for other in report.refs] == ["bold-finch"]
    path.write_bytes(b"y" * 300_000)
    assert pull(there.project).report.refs == (name,)


def test_how_much_is_coming_is_told_before_it_comes(here: Machine, copy: Copy) -> None:
    here.track("large", b"x" * 300_000)
    here.commit("a large file")
    push(here.project)
    there = copy("there")
    pull(there.project)
    told = [event for event in there.events if isinstance(event, Progress) and event.task.startswith("fetching data")]
    known = next(number for number, event in enumerate(told) if (event.total or 0) >= 300_000)
    assert told[known].done < 300_000
