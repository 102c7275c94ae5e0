"""Collections of a remote: what goes and what never does, whoever pushes meanwhile."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from assay.engine.errors import Refused, RemoteError
from assay.engine.experiments.keeping import Keep
from assay.engine.model import Digest
from assay.engine.store.digest import digest_bytes
from assay.engine.store.pack import key_of
from assay.remotes.artifacts.native import pack_key
from assay.remotes.artifacts.shelf import Shelf, Shelved, encode
from assay.remotes.clone import clone
from assay.remotes.collect import claims as collecting
from assay.remotes.collect.guard import Guarded
from assay.remotes.collect.sweep import Preview, gc_remote
from assay.remotes.copies import Copies
from assay.remotes.layouts import copies_of
from assay.remotes.pull import pull
from assay.remotes.push import push
from assay.remotes.registry import find
from assay.remotes.stores.local import LocalStore
from tests.sharing import CountingIds, Git, Machine, world

Copy = Callable[[str], Machine]
HOURS = count()
BIG = {f"part{number}": bytes([number]) * 300_000 for number in range(3)}


def sweep(machine: Machine, **more: Any) -> Preview:
    """Runs one phase, an hour after the one before; what it told."""
    told: list[Preview] = []
    machine.project.world.clock._seconds = count(1_700_000_000 + 3600 * next(HOURS))  # type: ignore[attr-defined]
    gc_remote(machine.project, None, Keep(), tell=told.append, **more)
    machine.close()
    return told[0]


def keys(machine: Machine, prefix: str = "") -> dict[str, int]:
    remote = find(machine.project, None)
    return {info.key: info.size for info in LocalStore(remote.url).list(prefix)}


def remove_there(machine: Machine, ref: str) -> None:
    """Takes an experiment from the remote, as somebody who does not want it any more."""
    from assay.engine.ports import RefUpdate
    from assay.remotes.exchange import connected

    with connected(machine.project, find(machine.project, None), write=True) as exchange:
        now = exchange.git.refs([ref])[ref]
        assert exchange.git.push([RefUpdate(ref, now, None)], machine.project.repo.objects)[0].problem == ""
    machine.git("update-ref", "-d", ref, cwd=machine.folder)
    machine.close()


def check(machine: Machine, remote: str, git: Git, name: str) -> Machine:
    """A fresh clone that has every ref and every byte."""
    folder = machine.folder.parent / name
    done = clone(remote, str(folder), world())
    assert done.report.failed == {}
    cloned = Machine(git, folder)
    cloned.fsck()
    cloned.close()
    return cloned


@pytest.fixture
def shared(here: Machine, remote: str) -> tuple[Machine, str]:
    """A remote with two experiments, one of which nobody wants any more."""
    ref = here.experiment("unwanted", {**BIG, "small.txt": b"only in the unwanted one"})
    push(here.project, everything=True)
    return here, ref


def test_nothing_goes_while_it_is_needed(here: Machine) -> None:
    push(here.project, everything=True)
    before = keys(here)
    preview = sweep(here, grace=0)
    assert (preview.objects, preview.size, preview.anew) == (0, 0, 0)
    assert keys(here) == before


def test_what_nothing_needs_is_named_first_and_goes_when_the_grace_is_over(
    shared: tuple[Machine, str], remote: str, git: Git
) -> None:
    here, ref = shared
    remove_there(here, ref)
    before = keys(here)
    preview = sweep(here, grace=12_600)
    assert preview.objects > 0
    assert preview.size > 900_000
    assert before.keys() <= keys(here).keys(), "nothing has gone so far"
    [name] = list(keys(here, "gc/"))
    waiting = sweep(here, dry=True).waiting
    assert waiting[1] == preview.size
    assert sweep(here).due == (0, 0)
    sweep(here)
    assert sweep(here).due == waiting
    after = keys(here)
    assert sum(after.values()) < sum(before.values()) - 900_000
    assert name not in after
    check(here, remote, git, "clone")
    assert sweep(here).objects == 0


def test_a_dry_run_changes_nothing(shared: tuple[Machine, str]) -> None:
    here, ref = shared
    remove_there(here, ref)
    before = keys(here)
    assert sweep(here, dry=True).objects > 0
    assert keys(here) == before
    assert sweep(here, ask=lambda: False).objects > 0
    assert keys(here) == before


def test_what_is_needed_of_a_pack_is_written_anew(here: Machine, remote: str, git: Git) -> None:
    filler = {f"f{number}": bytes([number]) * 100_000 for number in range(20)}
    ref = here.experiment("mixed", {**filler, "kept": b"kept"})
    push(here.project, everything=True)
    here.experiment("other", {"kept": b"kept"})
    push(here.project, everything=True)
    remove_there(here, ref)
    preview = sweep(here, grace=0)
    assert preview.anew > 0
    assert sum(keys(here, "packs/").values()) < 100_000
    assert check(here, remote, git, "clone").refs("refs/exps/")


def test_an_experiment_that_is_published_again_before_the_time_has_come_stays(
    shared: tuple[Machine, str], remote: str, git: Git, copy: Copy
) -> None:
    here, ref = shared
    commit = here.refs()[ref]
    other = copy("other")
    pull(other.project, everything=True)
    remove_there(here, ref)
    sweep(here, grace=1)
    other.git("update-ref", ref, commit, cwd=other.folder)
    other.close()
    assert push(other.project, everything=True).report.failed == {}
    sweep(here, grace=1000)
    cloned = check(here, remote, git, "clone")
    assert ref in cloned.refs()


def test_a_push_that_was_under_way_when_things_were_named_is_kept(
    shared: tuple[Machine, str], remote: str, git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It sees its data on the remote, then the collection begins, and only then come its objects and its ref."""
    here, ref = shared
    commit = here.refs()[ref]
    remove_there(here, ref)
    other = Machine(git, here.folder.parent / "here2")
    git("clone", "-q", str(here.folder), str(other.folder))
    git("fetch", "-q", str(here.folder), commit, cwd=other.folder)
    (other.folder / ".assay" / "cache").symlink_to(here.folder / ".assay" / "cache")
    other.add_remote(remote)
    other.git("update-ref", ref, commit, cwd=other.folder)
    from assay.remotes.artifacts.upload import Upload

    send, began = Upload.send, []

    def slow(self: Upload, digests: Any) -> Any:
        done = send(self, digests)
        if not began:
            began.append(sweep(here, grace=1))
        return done

    monkeypatch.setattr(Upload, "send", slow)
    assert push(other.project, everything=True).report.failed == {}
    other.close()
    assert began[0].objects > 0
    sweep(here, grace=1000)
    assert ref in check(here, remote, git, "clone").refs()


def test_a_killed_collector_is_finished_by_the_next(
    shared: tuple[Machine, str], remote: str, git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, ref = shared
    remove_there(here, ref)
    delete, count = LocalStore.delete, [0]

    def killed(self: LocalStore, names: Any) -> None:
        count[0] += 1
        if count[0] == 2:
            raise KeyboardInterrupt
        delete(self, names)

    with monkeypatch.context() as patch:
        patch.setattr(LocalStore, "delete", killed)
        with pytest.raises(KeyboardInterrupt):
            sweep(here, grace=0)
    here.close()
    assert collecting.look(LocalStore(remote)).going
    check(here, remote, git, "meanwhile")
    sweep(here)
    assert not collecting.look(LocalStore(remote)).open
    check(here, remote, git, "after")
    assert sweep(here, dry=True).objects == 0


def test_who_needs_what_is_going_now_waits_and_is_told(tmp_path: Path) -> None:
    store = LocalStore(str(tmp_path))
    store.put("objects/xxh128/ab/cd", b"x")
    doomed = collecting.Doomed(frozenset({"objects/xxh128/ab/cd"}), 1, 1, "n")
    name = collecting.begin(store, doomed, "xxh128")
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            collecting.end(store, name, 1)

    guarded = Guarded(store, "xxh128", CountingIds(), sleep)
    assert guarded.size("objects/xxh128/ab/cd") is None
    assert list(guarded.list("objects/")) == []
    collecting.mark(store, name)
    guarded.put("objects/xxh128/ab/cd", b"x")
    assert len(waits) == 3
    assert guarded.size("objects/xxh128/ab/cd") == 1
    name = collecting.begin(store, doomed, "xxh128")
    collecting.mark(store, name)
    with pytest.raises(RemoteError, match="is being collected"):
        Guarded(store, "xxh128", CountingIds(), lambda _: None).put("objects/xxh128/ab/cd", b"x")


def test_what_was_claimed_before_the_mark_stays(shared: tuple[Machine, str]) -> None:
    here, ref = shared
    remove_there(here, ref)
    sweep(here, grace=1)
    store = LocalStore(find(here.project, None).url)
    [name] = collecting.look(store).open
    doomed = collecting.read(store, name, "xxh128")
    assert doomed is not None
    some = min(key for key in doomed.keys if key.startswith("objects/"))
    Guarded(store, "xxh128", CountingIds()).put(some, store.get(some))
    sweep(here, grace=1000)
    left = keys(here)
    assert some in left
    assert not (doomed.keys - {some}) & left.keys()


def test_a_remote_without_refs_is_not_emptied(here: Machine, tmp_path: Path) -> None:
    here.add_remote(str(tmp_path / "other"))
    from assay.remotes.data import push_data

    push_data(here.project)
    with pytest.raises(Refused, match="has no branch, tag or experiment"):
        sweep(here)


def test_refs_that_cannot_be_read_stop_it(shared: tuple[Machine, str]) -> None:
    here, _ = shared
    shutil.rmtree(here.folder / ".assay" / "tmp")
    store = LocalStore(find(here.project, None).url)
    store.put(next(iter(keys(here, "git/refs/"))), b"?")
    with pytest.raises(Refused, match="is not known"):
        sweep(here)


def test_a_directory_that_the_remote_lost_stops_it(here: Machine, copy: Copy) -> None:
    push(here.project, everything=True)
    other = copy("other")
    store = LocalStore(find(here.project, None).url)
    store.delete(list(keys(here, "packs/")))
    with pytest.raises(Refused, match="has lost"):
        sweep(other)


def test_old_commits_keep_their_data_unless_a_number_says_how_many(here: Machine, remote: str) -> None:
    push(here.project, everything=True)
    old = here.track("data", {"new.bin": b"n" * 1000})
    here.commit("second")
    push(here.project, everything=True)
    assert sweep(here, dry=True).objects == 0
    first = here.git("rev-parse", "HEAD~", cwd=here.folder)
    assert old
    remove_there(here, f"refs/exps/{first[:2]}/{first[2:]}/bold-finch")
    kept = sweep(here, dry=True)
    assert sweep(here, dry=True, last=1).size > kept.size


def test_many_small_packs_become_one(here: Machine, remote: str, git: Git, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assay.remotes.collect.sweep._MANY", 3)
    for number in range(6):
        here.experiment(f"exp-{number}", {"own.txt": str(number).encode()})
        push(here.project, everything=True)
    before = len(keys(here, "packs/"))
    assert sweep(here, grace=0).anew > 0
    assert len(keys(here, "packs/")) < before - 3
    assert len(check(here, remote, git, "clone").refs("refs/exps/")) == 7
    assert sweep(here, dry=True).objects == 0


def test_indexes_speak_of_nothing_that_went(shared: tuple[Machine, str]) -> None:
    here, ref = shared
    remove_there(here, ref)
    sweep(here, grace=0)
    remote = find(here.project, None)
    shelf = Shelf(LocalStore(remote.url), copies_of(here.project, remote), "xxh128", 4)
    shelf.refresh()
    assert shelf.damaged == {}


def test_packs_that_a_join_made_needless_go_and_the_joined_one_stays(
    here: Machine, remote: str, git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assay.remotes.artifacts.join.MANY", 3)
    for number in range(4):
        name = here.experiment(f"exp-{number}", {"a.txt": os.urandom(100)}).rpartition("/")[2]
        push(here.project, [name])
        here.close()
    before = keys(here, "packs/")
    longest = max(before, key=before.__getitem__)
    sweep(here, grace=0)
    assert longest in keys(here, "packs/")
    assert len(before) == 5
    assert len(keys(here, "packs/")) < 3
    check(here, remote, git, "clone")


def test_a_joined_pack_that_is_mostly_needless_goes_though_it_holds_what_small_ones_do(
    here: Machine, remote: str, git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assay.remotes.artifacts.join.MANY", 4)
    monkeypatch.setattr("assay.remotes.collect.sweep._MANY", 1)
    refs = []
    for number in range(6):
        refs.append(here.experiment(f"exp-{number}", {"a.txt": os.urandom(100 if number % 2 else 3000)}))
        push(here.project, [refs[-1].rpartition("/")[2]])
        here.close()
    joined = max((packs := keys(here, "packs/")), key=packs.__getitem__)
    for ref in refs[::2]:
        remove_there(here, ref)
    sweep(here, grace=0)
    assert joined not in keys(here, "packs/")
    assert sweep(here, dry=True).objects == 0
    check(here, remote, git, "clone")


def test_an_index_that_another_has_replaced_does_not_count_again_when_that_goes(tmp_path: Path) -> None:
    store = LocalStore(str(tmp_path / "remote"))
    pack = Shelved("0" * 32, 4, {key_of(Digest("xxh128", "1" * 32)): (0, 4)})
    old = encode((), [pack])
    names = [digest_bytes("xxh128", old).hex]
    store.put(pack_key(pack.id), b"pack")
    store.put(f"index/{names[0]}", old)
    new = encode(names, [pack])
    store.put(f"index/{digest_bytes('xxh128', new).hex}", new)
    shelf = Shelf(store, Copies(str(tmp_path / "copies")), "xxh128", 4)
    shelf.refresh()
    shelf.forget([pack.id])
    store.delete([pack_key(pack.id)])
    shelf.refresh()
    assert shelf.damaged == {}


def test_the_mark_of_a_collection_that_is_done_goes_after_a_month(shared: tuple[Machine, str]) -> None:
    here, ref = shared
    remove_there(here, ref)
    sweep(here, grace=0)
    [done] = keys(here, "gc/")
    store = LocalStore(find(here.project, None).url)
    month = 31 * 86400
    ended = json.loads(store.get(done))["time"]
    unknown = f"gc/{'0' * 32}.done"
    store.put(unknown, b"")
    collecting.forget(store, ended + month - 2 * 86400)
    assert set(keys(here, "gc/")) == {done, unknown}
    here.project.world.clock._seconds = count(ended + month)  # type: ignore[attr-defined]
    gc_remote(here.project, None, Keep())
    assert set(keys(here, "gc/")) == {unknown}, "nobody knows how old that is"


def test_who_has_not_looked_for_a_week_looks_at_everything_again(tmp_path: Path) -> None:
    seconds = [1_000_000.0]
    guarded = Guarded(LocalStore(str(tmp_path)), "xxh128", CountingIds(), clock=lambda: seconds[0])
    assert not guarded.renew()
    seconds[0] += 8 * 86400
    assert guarded.renew()
    assert not guarded.renew()
    seconds[0] -= 60
    assert guarded.renew(), "somebody set the clock"
