"""Part of history: pushed, cloned, deepened; real Git says that nothing is missing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from assay.engine.errors import GitError, UsageError
from assay.engine.experiments.chosen import Which
from assay.engine.model import Oid
from assay.remotes.bucket.shallow import decode, encode
from assay.remotes.clone import clone
from assay.remotes.how import How
from assay.remotes.pull import pull_chosen
from assay.remotes.push import push, push_chosen
from assay.remotes.stores.local import LocalStore
from tests.sharing import Git, Machine, world

ALL = Which((), everything=True)


@pytest.fixture
def long(here: Machine) -> Machine:
    """Six commits, an experiment on the first, the fourth and the last."""
    for number in range(2, 7):
        (here.folder / "train.py").write_text(f"print({number})\n" * 50)
        here.commit(f"commit {number}")
        if number in (4, 6):
            here.experiment(f"exp-{number}")
    return here


@pytest.fixture
def cloned(git: Git, tmp_path: Path, remote: str) -> Iterator[list[Machine]]:
    made: list[Machine] = []
    yield made
    for machine in made:
        machine.close()


def cloned_from(machine: Machine, remote: str, name: str, cloned: list[Machine], depth: int | None = None) -> Machine:
    events = machine.events
    clone(remote, str(machine.folder.parent / name), world(), events.append, depth=depth)
    cloned.append(Machine(machine.git, machine.folder.parent / name))
    return cloned[-1]


def commits(machine: Machine, revision: str = "HEAD") -> int:
    return int(machine.git("rev-list", "--count", revision, cwd=machine.folder))


def names(machine: Machine) -> set[str]:
    return {name.rpartition("/")[2] for name in machine.refs("refs/exps/")}


def test_a_clone_with_a_depth_has_so_many_commits_and_their_experiments(
    long: Machine, remote: str, cloned: list[Machine]
) -> None:
    push(long.project, everything=True)
    one = cloned_from(long, remote, "one", cloned, depth=1)
    assert (commits(one), names(one)) == (1, {"exp-6"})
    one.fsck()
    assert one.git("status", "--porcelain", cwd=one.folder) == ""
    assert "2 experiments of older commits stayed behind" in long.said()
    three = cloned_from(long, remote, "three", cloned, depth=3)
    assert (commits(three), names(three)) == (3, {"exp-4", "exp-6"})
    three.fsck()
    six = cloned_from(long, remote, "six", cloned, depth=6)
    assert not (six.folder / ".git" / "shallow").exists()


def test_a_shallow_clone_is_deepened_and_then_whole(long: Machine, remote: str, cloned: list[Machine]) -> None:
    push(long.project, everything=True)
    one = cloned_from(long, remote, "one", cloned, depth=1)
    pull_chosen(one.project, Which(()), How(depth=3))
    assert commits(one) == 3
    one.fsck()
    pull_chosen(one.project, ALL, How(depth=1000))
    assert (commits(one), names(one)) == (6, {"bold-finch", "exp-4", "exp-6"})
    assert not (one.folder / ".git" / "shallow").exists()
    one.fsck()


def test_real_git_and_assay_work_in_a_shallow_clone_and_push_from_it(
    long: Machine, remote: str, cloned: list[Machine]
) -> None:
    push(long.project, everything=True)
    one = cloned_from(long, remote, "one", cloned, depth=1)
    one.commit("real Git committed this")
    one.experiment("from-the-clone")
    assert push(one.project).report.failed == {}
    pulled = pull_chosen(long.project, ALL).report
    assert pulled.failed == {}
    assert "from-the-clone" in names(long)
    assert commits(long, "refs/remotes/origin/main") == 7
    long.fsck()


def test_history_can_be_pushed_in_part_and_what_was_left_out_later(
    long: Machine, remote: str, cloned: list[Machine]
) -> None:
    push_chosen(long.project, Which(()), How(depth=2))
    first = cloned_from(long, remote, "first", cloned)
    assert (commits(first), names(first)) == (2, {"exp-6"})
    first.fsck()
    long.commit("one more")
    assert push(long.project).report.failed == {}
    pull_chosen(first.project, Which(()))
    assert commits(first, "origin/main") == 3
    first.fsck()
    push_chosen(long.project, Which(()), How(depth=5))
    assert commits(cloned_from(long, remote, "second", cloned)) == 5
    push_chosen(long.project, Which(()), How(depth=100))
    third = cloned_from(long, remote, "third", cloned)
    assert commits(third) == 7
    assert not (third.folder / ".git" / "shallow").exists()
    third.fsck()
    pull_chosen(first.project, Which(()), How(depth=100))
    assert commits(first, "origin/main") == 7
    first.fsck()


def test_who_has_all_of_history_keeps_it_when_pulling_from_where_it_is_cut(long: Machine, remote: str) -> None:
    push_chosen(long.project, Which(()), How(depth=1))
    pull_chosen(long.project, ALL)
    assert not (long.folder / ".git" / "shallow").exists()


def test_an_experiment_comes_with_its_baseline_at_any_depth(long: Machine, remote: str, cloned: list[Machine]) -> None:
    push_chosen(long.project, ALL, How(depth=1))
    machine = cloned_from(long, remote, "all", cloned)
    assert names(machine) == {"bold-finch", "exp-4", "exp-6"}
    for name, oid in machine.refs("refs/exps/").items():
        assert machine.git("rev-parse", f"{oid}^", cwd=machine.folder) == "".join(name.split("/")[2:4])
    machine.fsck()


def test_what_is_neither_here_nor_there_is_not_left_out_unasked(
    long: Machine, remote: str, cloned: list[Machine], tmp_path: Path
) -> None:
    push(long.project)
    one = cloned_from(long, remote, "one", cloned, depth=1)
    one.add_remote(str(tmp_path / "empty"), "other")
    with pytest.raises(GitError, match="shallow clone") as caught:
        push(one.project, remote="other")
    assert "--depth" in caught.value.hint
    assert [info.key for info in LocalStore(str(tmp_path / "empty")).list("")] == ["format"]
    report = push_chosen(one.project, Which(()), How(depth=1, remote="other")).report
    assert report.failed == {}


def test_the_first_push_of_a_long_history_comes_in_layers_and_a_killed_one_goes_on(
    here: Machine, remote: str, cloned: list[Machine], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assay.remotes.bucket.load._LONG", 5)
    monkeypatch.setattr("assay.remotes.bucket.load._LAYERS", (1, 4))
    for number in range(9):
        (here.folder / "train.py").write_text(f"print({number})\n")
        here.commit(f"commit {number}")
    from assay.remotes.bucket.packs import BucketPacks, Built

    put, puts = BucketPacks.put, []

    def killed(self: BucketPacks, built: Built) -> None:
        if len(puts) == 1:
            raise KeyboardInterrupt
        puts.append(built)
        put(self, built)

    with monkeypatch.context() as patch:
        patch.setattr(BucketPacks, "put", killed)
        with pytest.raises(KeyboardInterrupt):
            push(here.project)
    here.close()
    push(here.project, everything=True)
    assert "`push --depth N` sends less of it" not in here.said()
    store = LocalStore(remote)
    assert len([info for info in store.list("git/packs/") if info.key.endswith(".pack")]) > 1
    whole = cloned_from(here, remote, "whole", cloned)
    assert commits(whole) == 10
    assert not (whole.folder / ".git" / "shallow").exists()
    whole.fsck()
    before = sum(info.size for info in store.list("git/packs/"))
    one = cloned_from(here, remote, "one", cloned, depth=1)
    assert commits(one) == 1
    one.fsck()
    assert sum(file.stat().st_size for file in (one.folder / ".git/objects/pack").iterdir()) < before


def test_a_long_first_push_offers_less(here: Machine) -> None:
    for number in range(25):
        here.commit(f"commit {number}")
    push(here.project)
    assert "26 commits of history" in here.said() or "27 commits of history" in here.said()
    assert "`push --depth N` sends less of it" in here.said()


def test_a_git_server_gets_history_whole(long: Machine, git: Git, tmp_path: Path) -> None:
    git("init", "-q", "--bare", str(tmp_path / "bare"))
    long.add_remote(str(tmp_path / "data"), "beside", {"git-remote": str(tmp_path / "bare")})
    with pytest.raises(UsageError, match="--depth says how much history a data remote gets"):
        push_chosen(long.project, Which(()), How(depth=1, remote="beside"))


def test_where_history_ends_survives_its_encoding() -> None:
    cut = {Oid(b"\1" * 20): (Oid(b"\2" * 20), Oid(b"\3" * 20))}
    assert decode(encode(cut, meanwhile=True), "key") == (cut, True)
