"""How one's own branch lies to the remote's, and how it goes on."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from assay.engine.experiments.chosen import Which
from assay.remotes.pull import pull, pull_chosen
from assay.remotes.push import push
from tests.filetree import picture
from tests.sharing import Machine

Copy = Callable[[str], Machine]


@pytest.fixture
def there(here: Machine, copy: Copy) -> Machine:
    """The other machine, after the first has pushed two commits more, one of which changed data."""
    push(here.project)
    machine = copy("there")
    pull(machine.project)
    here.track("data", {"a.txt": b"new", "more.txt": b"m"})
    (here.folder / "train.py").write_text("print('better')\n")
    here.commit("second")
    here.commit("third")
    here.experiment("late-owl")
    push(here.project)
    return machine


def go_on(machine: Machine, **more: object) -> dict[str, str]:
    """Pulls with the branch going on; returns what is left."""
    return dict(pull_chosen(machine.project, Which(), ff=True, **more).report.failed)  # type: ignore[arg-type]


def test_the_branch_goes_on_with_files_index_and_data_and_the_experiments_there_come(
    here: Machine, there: Machine
) -> None:
    assert go_on(there) == {}
    assert there.head == here.head
    assert there.git("status", "--porcelain", cwd=there.folder) == ""
    assert (there.folder / "train.py").read_text() == "print('better')\n"
    assert (there.folder / "data/a.txt").read_text() == "new"
    assert (there.folder / "data/more.txt").read_text() == "m"
    assert not (there.folder / "data/deep").exists()
    assert any(name.endswith("/late-owl") for name in there.refs("refs/exps/"))
    assert "main went on by 2 commits" in there.said()
    there.fsck()


def test_where_it_is_already_nothing_happens(here: Machine, there: Machine) -> None:
    go_on(there)
    before = there.head
    assert go_on(there) == {}
    assert there.head == before


@pytest.mark.parametrize("path", ["train.py", "data/a.txt", "data/more.txt"])
def test_the_branch_stays_where_something_would_be_lost(there: Machine, path: str) -> None:
    before = there.head
    (there.folder / path).unlink(missing_ok=True)
    (there.folder / path).write_text("mine")
    files = {name: data for name, data in picture(there.folder).items() if not name.startswith((".git/", ".assay/"))}
    left = go_on(there)
    assert path.partition("/")[0] in left["refs/heads/main"]
    assert there.head == before
    after = {name: data for name, data in picture(there.folder).items() if not name.startswith((".git/", ".assay/"))}
    assert after == files


def test_a_branch_that_went_elsewhere_stays(there: Machine) -> None:
    (there.folder / "mine.txt").write_text("mine")
    before = there.commit("mine")
    assert go_on(there)["refs/heads/main"] == (
        "It has diverged from origin/main (1 commit here, 2 commits there), and goes only forwards; "
        "`assay pull --merge` joins them."
    )
    assert there.head == before
    pull(there.project)
    assert (
        "main and origin/main have diverged: 1 commit here, 2 commits there; `assay pull --merge` joins them."
        in there.said()
    )


def test_a_branch_that_is_ahead_is_told_so_and_stays(here: Machine, copy: Copy) -> None:
    push(here.project)
    here.commit("second")
    before = here.head
    assert go_on(here) == {}
    assert here.head == before
    pull(here.project)
    assert "main is ahead of origin/main by 1 commit; `assay push --branch` sends them." in here.said()


def test_a_branch_goes_with_the_one_that_gits_configuration_says(there: Machine) -> None:
    there.git("checkout", "-q", "-b", "mine", cwd=there.folder)
    there.git("config", "branch.mine.remote", "origin", cwd=there.folder)
    there.git("config", "branch.mine.merge", "refs/heads/main", cwd=there.folder)
    there.close()
    main = there.refs("refs/heads/main")
    assert go_on(there) == {}
    assert there.refs("refs/heads/mine") == {"refs/heads/mine": there.refs("refs/remotes/origin/main").popitem()[1]}
    assert there.refs("refs/heads/main") == main


def test_without_a_branch_nothing_goes_on(there: Machine) -> None:
    there.git("checkout", "-q", "--detach", cwd=there.folder)
    there.close()
    assert go_on(there) == {"HEAD": "HEAD is on no branch."}
    there.git("checkout", "-q", "-b", "new", cwd=there.folder)
    there.close()
    assert go_on(there) == {"refs/heads/new": "origin has no branch new."}


def test_branches_that_went_apart_are_joined_as_git_joins_them(here: Machine, there: Machine) -> None:
    (there.folder / "mine.txt").write_text("mine")
    mine = there.commit("mine")
    assert go_on(there, merge=True) == {}
    parents = there.git("rev-list", "--parents", "-1", "HEAD", cwd=there.folder).split()[1:]
    assert parents == [mine.hex(), here.head.hex()]
    assert there.git("status", "--porcelain", cwd=there.folder) == ""
    assert (there.folder / "train.py").read_text() == "print('better')\n"
    assert (there.folder / "data/a.txt").read_text() == "new"
    assert (there.folder / "mine.txt").read_text() == "mine"
    tree = there.git("rev-parse", "HEAD^{tree}", cwd=there.folder)
    there.git("checkout", "-q", "-b", "judge", mine.hex(), cwd=there.folder)
    there.git("merge", "-q", "--no-edit", here.head.hex(), cwd=there.folder)
    assert there.git("rev-parse", "HEAD^{tree}", cwd=there.folder) == tree
    there.git("checkout", "-q", "main", cwd=there.folder)
    there.close()
    assert push(there.project).report.failed == {}
    assert go_on(here) == {}
    assert here.head == there.head
    there.fsck()


def test_where_both_sides_changed_a_file_nothing_is_joined(here: Machine, there: Machine) -> None:
    (there.folder / "train.py").write_text("print('mine')\n")
    before = there.commit("mine")
    files = {name: data for name, data in picture(there.folder).items() if not name.startswith((".git/", ".assay/"))}
    left = go_on(there, merge=True)["refs/heads/main"]
    assert "train.py: changed here and in origin/main, each in its own way." in left
    assert there.head == before
    after = {name: data for name, data in picture(there.folder).items() if not name.startswith((".git/", ".assay/"))}
    assert after == files
    (there.folder / "train.py").write_text("print('better')\n")
    there.commit("as they have it")
    assert go_on(there, merge=True) == {}


def test_a_branch_that_is_only_behind_goes_on_without_a_commit_of_its_own(here: Machine, there: Machine) -> None:
    assert go_on(there, merge=True) == {}
    assert there.head == here.head
