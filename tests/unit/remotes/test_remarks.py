"""Tags and notes travel with push, pull and clone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from assay.engine.experiments.note import note
from assay.engine.experiments.tag import tag
from assay.engine.model import Oid
from assay.engine.notes.ledger import REF, all_shown
from assay.engine.notes.remarks import Shown
from assay.engine.workspace.undo import undo
from assay.remotes.clone import clone
from assay.remotes.pull import pull
from assay.remotes.push import push
from tests.sharing import Git, Machine, world

Copy = Callable[[str], Machine]


def oid_of(machine: Machine, ref: str) -> Oid:
    return Oid(bytes.fromhex(machine.refs()[ref]))


def ref_of(machine: Machine, name: str) -> str:
    return f"refs/exps/{machine.head.hex()[:2]}/{machine.head.hex()[2:]}/{name}"


@pytest.fixture
def finch(here: Machine) -> Oid:
    return oid_of(here, ref_of(here, "bold-finch"))


def test_a_push_sends_and_a_pull_takes_them(here: Machine, copy: Copy, finch: Oid) -> None:
    tag(here.project, [finch], ["best"])
    note(here.project, here.head, "where it began")
    report = push(here.project).report
    assert set(report.remarks) == {ref_of(here, "bold-finch"), "refs/heads/main"}
    there = copy("there")
    report = pull(there.project).report
    assert report.failed == {}
    assert ref_of(here, "bold-finch") in report.remarks
    assert all_shown(there.project) == {finch: Shown(("best",)), here.head: Shown((), "where it began")}
    assert pull(there.project).report.remarks == ()
    there.fsck()


def test_a_tag_alone_is_pushed_and_nothing_is_pushed_twice(here: Machine, remote: str, finch: Oid) -> None:
    push(here.project)
    assert not Path(remote, "git/notes").exists()
    tag(here.project, [finch], ["best"])
    report = push(here.project, ["bold-finch"]).report
    assert (report.refs, report.objects, report.remarks) == ((), 0, (ref_of(here, "bold-finch"),))
    assert push(here.project, ["bold-finch"]).report.remarks == ()
    assert len(list(Path(remote, "git/notes").iterdir())) == 1


def test_only_what_is_said_about_pushed_experiments_goes(here: Machine, remote: str, finch: Oid) -> None:
    here.experiment("second")
    tag(here.project, [finch], ["best"])
    assert push(here.project, ["second"]).report.remarks == ()
    assert not Path(remote, "git/notes").exists()


def test_remarks_on_what_is_not_here_wait_until_it_is(here: Machine, copy: Copy, finch: Oid) -> None:
    here.experiment("second")
    tag(here.project, [finch], ["best"])
    push(here.project)
    there = copy("there")
    pull(there.project, ["second"])
    assert there.project.repo.refs.read(REF) is None
    assert pull(there.project, ["bold-finch"]).report.remarks == (ref_of(here, "bold-finch"),)
    assert all_shown(there.project) == {finch: Shown(("best",))}


@pytest.mark.law(2)
def test_a_pull_loses_no_edit_of_ours_and_undo_still_works(here: Machine, copy: Copy, finch: Oid) -> None:
    push(here.project)
    there = copy("there")
    pull(there.project)
    tag(here.project, [finch], ["theirs"])
    push(here.project)
    tag(there.project, [finch], ["ours"])
    pull(there.project)
    assert all_shown(there.project)[finch].tags == ("ours", "theirs")
    undo(there.project)
    assert all_shown(there.project)[finch].tags == ("theirs",)


def test_a_tag_that_was_taken_off_stays_off(here: Machine, copy: Copy, finch: Oid) -> None:
    tag(here.project, [finch], ["best"])
    push(here.project)
    there = copy("there")
    pull(there.project)
    for _ in range(5):  # the other machine's clock goes on from here
        there.project.world.clock.now()
    tag(there.project, [finch], ["best"], on=False)
    push(there.project)
    pull(here.project)
    assert push(here.project).report.remarks == ()
    assert all_shown(here.project) == {}


def test_a_clone_has_them(here: Machine, git: Git, remote: str, tmp_path: Path, finch: Oid) -> None:
    tag(here.project, [finch], ["best"])
    push(here.project)
    report = clone(remote, str(tmp_path / "clone"), world()).report
    assert report.remarks == (ref_of(here, "bold-finch"),)
    machine = Machine(git, tmp_path / "clone")
    assert all_shown(machine.project) == {finch: Shown(("best",))}
    machine.close()


def test_a_bad_file_is_one_warning_and_everything_else_comes(
    here: Machine, copy: Copy, remote: str, finch: Oid
) -> None:
    tag(here.project, [finch], ["best"])
    push(here.project)
    key = f"git/notes/{'0' * 32}"
    Path(remote, key).write_text("{}\n")
    there = copy("there")
    assert pull(there.project).report.failed == {}
    assert there.refs("refs/exps/") == here.refs("refs/exps/")
    assert all_shown(there.project) == {finch: Shown(("best",))}
    assert there.said().count(key) == 1


def test_what_is_not_understood_here_is_told_and_left_as_it_is(here: Machine, copy: Copy, git: Git, finch: Oid) -> None:
    tag(here.project, [finch], ["best"])
    push(here.project)
    there = copy("there")
    pull(there.project)
    blob = git("hash-object", "-w", "--stdin", cwd=there.folder, stdin=b"free text")
    inner = git("mktree", cwd=there.folder, stdin=f"100644 blob {blob}\t{finch.hex()[2:]}\n".encode())
    tree = git("mktree", cwd=there.folder, stdin=f"040000 tree {inner}\t{finch.hex()[:2]}\n".encode())
    git("update-ref", REF, git("commit-tree", tree, "-m", "by hand", cwd=there.folder), cwd=there.folder)
    there.close()
    before = there.refs(REF)
    for work in (push, pull):
        there.events.clear()
        report = work(there.project).report
        assert (report.failed, report.remarks) == ({}, ())
        assert "cannot be understood" in there.said()
    assert there.refs(REF) == before


def test_what_cannot_be_written_is_said_and_the_experiments_are_there(here: Machine, remote: str, finch: Oid) -> None:
    push(here.project)
    Path(remote, "git/notes").write_text("in the way")
    tag(here.project, [finch], ["best"])
    here.experiment("second")
    report = push(here.project).report
    assert list(report.failed) == ["tags and notes"]
    assert [name.rpartition("/")[2] for name in report.refs] == ["second"]
