"""What is left when a remote, or the way to it, fails: never a name without its content, never a wrong byte."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import count
from pathlib import Path

import pytest

from assay.engine import disk
from assay.engine.errors import AccessDenied, AssayError, RemoteError
from assay.remotes.pull import pull
from assay.remotes.push import push
from assay.remotes.stores.memory import MemoryStore
from assay.remotes.stores.retry import Retrying
from tests.faults.remotes import (
    BitFlippingStore,
    DenyingStore,
    FailingAfterStore,
    FlakyStore,
    Killed,
    RecordingStore,
    Through,
    TruncatingStore,
)
from tests.sharing import Git, Machine


@pytest.fixture
def remote(through: Through) -> MemoryStore:
    store = MemoryStore()
    through(store)
    return store


@pytest.fixture
def here(git: Git, tmp_path: Path) -> Iterator[Machine]:
    machine = Machine.new(git, tmp_path / "here")
    machine.add_remote("memory://here")
    machine.experiment("bold-finch")
    machine.experiment("second", {"a.txt": b"x" * 300_000, "b.txt": b"small"})
    yield machine
    machine.close()


@pytest.fixture
def copies(git: Git, tmp_path: Path, here: Machine) -> Iterator[Callable[[], Machine]]:
    numbers, made = count(), []

    def make() -> Machine:
        folder = tmp_path / f"copy{next(numbers)}"
        git("clone", "-q", "--no-local", str(here.folder), str(folder))
        machine = Machine(git, folder)
        machine.add_remote("memory://here")
        made.append(machine)
        return machine

    yield make
    for machine in made:
        machine.close()


@pytest.mark.law(1)
def test_objects_are_published_before_manifests_before_commits_before_refs(
    here: Machine, remote: MemoryStore, through: Through
) -> None:
    store = RecordingStore(remote)
    through(store)
    push(here.project)
    order = ("format", "objects/", "packs/", "index/", ".pack", ".idx", "git/heads/", "git/refs/", "git/HEAD")
    ranks = []
    for key in store.written:
        kind = key[-5:].lstrip("0123456789abcdef") if key.startswith("git/packs/") else key
        ranks.append(next(rank for rank, part in enumerate(order) if kind.startswith(part)))
    assert ranks == sorted(ranks)
    assert set(ranks) == set(range(len(order)))


@pytest.mark.law(1)
def test_killed_before_any_write_a_push_leaves_only_complete_names_and_can_be_repeated(
    here: Machine, through: Through, copies: Callable[[], Machine]
) -> None:
    whole = RecordingStore(MemoryStore())
    through(whole)
    push(here.project)
    seen = 0
    reader = copies()
    for writes in range(1, len(whole.written)):
        remote = MemoryStore()
        through(FailingAfterStore(remote, writes))
        with pytest.raises(Killed):
            push(here.project)
        through(remote)
        report = pull(reader.project, everything=True).report
        assert {name: why for name, why in report.failed.items() if name.startswith("refs/")} == {}
        seen += len(report.refs)
        assert set(report.refs) | set(report.up_to_date) <= set(here.refs("refs/exps/"))
        reader.fsck()
        assert push(here.project).report.failed == {}
        assert pull(reader.project).report.failed == {}
        assert reader.refs("refs/exps/") == here.refs("refs/exps/")
        for name in reader.refs("refs/exps/"):
            reader.git("update-ref", "-d", name, cwd=reader.folder)
        reader.close()
    assert seen, "at least one kill came after the refs"


@pytest.mark.law(1)
def test_a_push_that_is_refused_half_way_says_why_and_names_nothing_incomplete(here: Machine, through: Through) -> None:
    whole = RecordingStore(MemoryStore())
    through(whole)
    push(here.project)
    first_ref = next(at for at, key in enumerate(whole.written) if key.startswith("git/heads/"))
    for writes in range(1, first_ref + 1):
        remote = MemoryStore()
        through(FailingAfterStore(remote, writes, RemoteError("The bucket is full.")))
        try:
            said = set(push(here.project).report.failed.values())
        except RemoteError as error:
            said = {error.message}
        assert said
        assert all(sentence.endswith("The bucket is full.") for sentence in said)
        assert not [info.key for info in remote.list("git/") if "packs" not in info.key]


@pytest.mark.law(3)
@pytest.mark.parametrize("double", [TruncatingStore, BitFlippingStore])
@pytest.mark.parametrize("where", ["objects/", "packs/", "index/", "packs/pack-", ".idx", "git/refs/", "git/heads/"])
def test_damage_on_the_way_is_named_and_nothing_wrong_gets_in(
    here: Machine,
    remote: MemoryStore,
    through: Through,
    copies: Callable[[], Machine],
    double: type[TruncatingStore],
    where: str,
) -> None:
    push(here.project)
    there = copies()
    through(double(remote, where))
    try:
        failed = dict(pull(there.project).report.failed)
    except AssayError as error:
        failed = {"": error.message}
    said = "\n".join([*failed.values(), there.said()])
    assert "damaged" in said or "does not hold the id of a commit" in said or "lost the Git object" in said
    for name, oid in there.refs("refs/exps/").items():
        assert here.refs()[name] == oid
    there.fsck()
    cache = Path(there.project.cache.folder)
    assert not list(cache.glob("tmp/*"))
    assert not list(cache.glob("quarantine/*"))
    there.close()
    through(remote)
    assert pull(there.project).report.failed == {}
    assert there.refs("refs/exps/") == here.refs("refs/exps/")
    assert (there.folder / "model").read_bytes() == (here.folder / "model").read_bytes()


@pytest.mark.law(3)
@pytest.mark.parametrize("where", ["index/", ".idx"])
def test_a_damaged_index_does_not_stop_a_pull(
    here: Machine, remote: MemoryStore, through: Through, copies: Callable[[], Machine], where: str
) -> None:
    push(here.project)
    there = copies()
    through(BitFlippingStore(remote, where))
    failed = pull(there.project).report.failed
    assert there.refs("refs/exps/") == here.refs("refs/exps/")
    assert failed
    assert all(where in key and "is damaged" in why for key, why in failed.items())


@pytest.mark.law(3)
@pytest.mark.parametrize("where", ["index/", ".idx"])
def test_a_damaged_index_proves_nothing_to_a_push(
    here: Machine, remote: MemoryStore, through: Through, copies: Callable[[], Machine], where: str
) -> None:
    """Whoever cannot read what is there sends it again."""
    other = copies()
    push(here.project)
    pull(other.project)
    for info in list(remote.list("")):
        if where in info.key:
            remote.put(info.key, b"nonsense")
    other.experiment("third")
    assert all(where in key for key in push(other.project).report.failed)
    reader = copies()
    assert all(where in key for key in pull(reader.project).report.failed)
    assert reader.refs("refs/exps/").keys() == other.refs("refs/exps/").keys()
    reader.fsck()


def test_one_damaged_experiment_does_not_keep_the_others_away(
    here: Machine, remote: MemoryStore, copies: Callable[[], Machine]
) -> None:
    push(here.project)
    before = {info.key for info in remote.list("git/packs/")}
    name = here.experiment("third")
    push(here.project)
    [key] = [info.key for info in remote.list("git/packs/") if info.key not in before and info.key.endswith(".pack")]
    remote.put(key, remote.get(key)[:-1] + b"?")
    there = copies()
    report = pull(there.project).report
    assert set(report.refs) == set(here.refs("refs/exps/")) - {name}
    assert key in report.failed[name]


def test_without_permission_to_write_a_push_says_so(here: Machine, remote: MemoryStore, through: Through) -> None:
    through(DenyingStore(remote))
    with pytest.raises(AccessDenied, match="was refused") as caught:
        push(here.project)
    assert caught.value.hint
    assert list(remote.list("")) == []


def test_without_permission_to_write_what_is_there_can_be_pulled(
    here: Machine, remote: MemoryStore, through: Through, copies: Callable[[], Machine]
) -> None:
    push(here.project)
    through(DenyingStore(remote))
    assert pull(copies().project).report.failed == {}


def test_a_remote_that_answers_every_second_time_is_good_enough(
    here: Machine, remote: MemoryStore, through: Through, copies: Callable[[], Machine]
) -> None:
    flaky = FlakyStore(remote)
    through(Retrying(flaky, attempts=4, sleep=lambda _: None))
    assert push(here.project).report.failed == {}
    there = copies()
    assert pull(there.project).report.failed == {}
    assert there.refs("refs/exps/") == here.refs("refs/exps/")
    assert flaky.refused > 20


def test_everybody_who_pushes_at_the_same_moment_is_visible(
    remote: MemoryStore, here: Machine, copies: Callable[[], Machine]
) -> None:
    pushers = [copies() for _ in range(4)]
    for number, machine in enumerate(pushers):
        machine.git("fetch", "-q", str(here.folder), "refs/heads/*:refs/remotes/here/*", cwd=machine.folder)
        machine.track("data", {"a.txt": b"a", "deep/b.txt": b"b"})
        machine.track("model", (here.folder / "model").read_bytes())
        machine.git("checkout", "-q", ".", cwd=machine.folder)
        machine.experiment(f"from-{number}")
        machine.experiment("same-name", {"a.txt": str(number).encode()})
        assert machine.project
    with ThreadPoolExecutor(4) as pool:
        reports = [done.report for done in pool.map(lambda machine: push(machine.project), pushers)]
    there = copies()
    assert pull(there.project).report.failed == {}
    published = there.refs("refs/exps/")
    refused = {
        machine.refs()[name]
        for machine, report in zip(pushers, reports, strict=True)
        for name, why in report.failed.items()
        if "The remote has another experiment of that name" in why
    }
    commits = {oid for machine in pushers for oid in machine.refs("refs/exps/").values()}
    assert set(published.values()) == commits - refused, "whoever was not refused is there, hidden by nobody"
    assert {name.rpartition("/")[2] for name in published} >= {"from-0", "from-1", "from-2", "from-3", "same-name"}
    assert len(refused) < 4
    there.fsck()


@pytest.mark.law(1)
def test_a_pull_killed_at_any_step_leaves_a_whole_project_and_can_be_repeated(
    here: Machine, remote: MemoryStore, copies: Callable[[], Machine]
) -> None:
    push(here.project)
    steps = 0

    def counting(step: str, path: str) -> None:
        nonlocal steps
        steps += 1

    with disk.injected(counting):
        pull(copies().project)
    stride = max(1, steps // 25)
    for kill in range(1, steps, stride):
        there = copies()
        assert there.project
        left = kill

        def killing(step: str, path: str) -> None:
            nonlocal left
            left -= 1
            if left < 0:
                raise Killed

        with disk.injected(killing), suppress(Killed):
            pull(there.project)
        there.close()
        there.fsck()
        for name, oid in there.refs("refs/exps/").items():
            assert here.refs()[name] == oid
            there.git("rev-list", "--objects", oid, cwd=there.folder)
        remove_locks(there)
        assert pull(there.project).report.failed == {}
        assert there.refs("refs/exps/") == here.refs("refs/exps/")
        assert (there.folder / "model").read_bytes() == (here.folder / "model").read_bytes()
        there.close()


def remove_locks(machine: Machine) -> None:
    """The double of a kill leaves this process alive, and so its locks are not stale as they would be."""
    for path in (machine.folder / ".git").rglob("*.lock"):
        path.unlink()
