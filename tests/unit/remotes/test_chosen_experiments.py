"""Which experiments travel when some are chosen, and that nothing else does."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from assay.engine.errors import UnknownRevision, UsageError
from assay.engine.experiments.chosen import Which
from assay.engine.experiments.remark import commit_named
from assay.engine.experiments.tag import tag
from assay.engine.model import Digest
from assay.engine.pipeline.tracked import tracked_at
from assay.engine.ports import RemoteStore, Sink
from assay.engine.store.digest import object_key
from assay.engine.store.manifest import digests_of
from assay.remotes import layouts
from assay.remotes.artifacts.shelf import Shelf
from assay.remotes.choose import chosen_here
from assay.remotes.copies import Copies
from assay.remotes.exchange import connected
from assay.remotes.how import How
from assay.remotes.pull import pull_chosen
from assay.remotes.push import push, push_chosen
from assay.remotes.registry import find, open_store
from assay.remotes.stores.around import Around
from assay.remotes.there import chosen_there
from tests.sharing import Git, Machine

BIG = 300_000


class ReadRecorder(Around):
    """Notes which values are read."""

    def __init__(self, store: RemoteStore) -> None:
        super().__init__(store)
        self.read: list[str] = []

    def get(self, key: str) -> bytes:
        self.read.append(key)
        return super().get(key)

    def get_to(self, key: str, sink: Sink) -> int:
        self.read.append(key)
        return super().get_to(key, sink)


def short(refs: Iterable[str]) -> list[str]:
    return sorted(ref.rpartition("/")[2] for ref in refs)


def closure(machine: Machine, ref: str) -> set[Digest]:
    """Every object that the data of an experiment consists of."""
    oid = machine.project.repo.refs.read(ref)
    assert oid is not None
    outs = tracked_at(machine.project, oid).outs.values()
    return {digest for artifact in outs for digest in digests_of(machine.project.cache, artifact)}


def artifacts_on(machine: Machine, tmp_path: Path) -> set[Digest]:
    """Every artifact that the remote has, in packs and alone."""
    store = open_store(find(machine.project))
    shelf = Shelf(store, Copies(str(tmp_path / "copies")), "xxh128", 2)
    shelf.refresh()
    packed = {digest for name in shelf._held for digest in shelf.digests_in(name)}
    alone = {info.key for info in store.list("objects/")}
    return packed | {digest for digest in all_here(machine) if f"objects/{object_key(digest)}" in alone}


def all_here(machine: Machine) -> set[Digest]:
    return {digest for ref in machine.refs("refs/exps/") for digest in closure(machine, ref)}


def git_objects_on(machine: Machine, git: Git, remote: str) -> set[str]:
    lines = []
    for path in Path(remote, "git/packs").glob("*.idx"):
        lines += git("verify-pack", "-v", str(path), cwd=machine.folder).splitlines()
    return {line.split()[0] for line in lines if len(line.split()) >= 5 and len(line.split()[0]) == 40}


@pytest.fixture
def several(here: Machine) -> Machine:
    """Experiments of two commits, each with data of its own: small files, and a large one."""
    here.experiment("large", {"a.txt": b"l" * BIG})
    here.commit("second")
    here.experiment("newer", {"a.txt": b"n" * BIG, "small": b"newer"})
    here.experiment("other", {"a.txt": b"o" * BIG, "small": b"other"})
    return here


CHOICES = [
    (Which(), ["newer", "other"]),
    (Which(["large", "other"]), ["large", "other"]),
    (Which(everything=True), ["bold-finch", "large", "newer", "other"]),
    (Which(revisions=["HEAD~1"]), ["bold-finch", "large"]),
    (Which(revisions=["HEAD", "HEAD~1"]), ["bold-finch", "large", "newer", "other"]),
    (Which(number=2), ["bold-finch", "large", "newer", "other"]),
    (Which(revisions=["main"], number=-1, where="name = 'large' or name = 'newer'"), ["large", "newer"]),
    (Which(where="name > 'newer'"), ["other"]),
    (Which(everything=True, where="name = 'large'"), ["large"]),
]


def test_the_same_words_choose_the_same_on_both_sides(several: Machine, copy: Callable[[str], Machine]) -> None:
    for which, names in CHOICES:
        assert short(chosen_here(several.project, which)) == names, which
    push(several.project, everything=True)
    there = copy("there")
    with connected(there.project, find(there.project), write=False) as side:
        for which, names in CHOICES:
            found = chosen_there(there.project, side.git, side.notes, which, "origin")
            assert (short(found.refs), found.failed) == (names, {}), which


@pytest.mark.parametrize("which", [Which(["newer"]), Which(where="name = 'newer'")])
def test_exactly_the_closure_of_what_was_chosen_is_sent(
    several: Machine, remote: str, git: Git, tmp_path: Path, which: Which
) -> None:
    push_chosen(several.project, which)
    [ref] = [name for name in several.refs("refs/exps/") if name.endswith("/newer")]
    assert artifacts_on(several, tmp_path) == closure(several, ref)
    needed = {line.split()[0] for line in git("rev-list", "--objects", ref, cwd=several.folder).splitlines()}
    assert git_objects_on(several, git, remote) == needed
    assert not Path(remote, "git/heads").exists()


@pytest.mark.parametrize("which", [Which(["newer"]), Which(where="name = 'newer'"), Which(revisions=["HEAD~1"])])
def test_large_files_of_experiments_that_were_not_chosen_are_not_fetched(
    several: Machine, copy: Callable[[str], Machine], monkeypatch: pytest.MonkeyPatch, which: Which
) -> None:
    push(several.project, everything=True)
    there = copy("there")
    store = ReadRecorder(open_store(find(there.project)))
    monkeypatch.setattr(layouts, "open_store", lambda *_: store)
    refs = pull_chosen(there.project, which).report.refs
    wanted = {digest for ref in refs for digest in closure(several, ref)}
    objects = {key for key in store.read if key.startswith("objects/")}
    assert objects
    assert objects <= {f"objects/{object_key(digest)}" for digest in wanted}
    assert all(there.project.cache.missing([digest]) == set() for digest in wanted)


def test_a_query_over_tags_is_answered_by_what_the_remote_says(
    several: Machine, copy: Callable[[str], Machine]
) -> None:
    tag(several.project, [commit_named(several.project, "other")], ["best"], on=True)
    push(several.project)
    assert short(pull_chosen(copy("there").project, Which(where="tag = 'best'")).report.refs) == ["other"]


def test_a_baseline_can_be_called_as_the_remote_calls_it(
    several: Machine, copy: Callable[[str], Machine], git: Git
) -> None:
    there = copy("there")
    git("switch", "-q", "-c", "side", cwd=several.folder)
    several.commit("third")
    several.experiment("far")
    push(several.project)
    push(several.project, everything=True)
    assert several.head not in there.project.repo.objects
    with connected(there.project, find(there.project), write=False) as side:
        for text, number, names in (
            (several.head.hex()[:7], 1, ["far"]),
            (several.head.hex(), 1, ["far"]),
            ("side", 1, ["far"]),
            ("side", 2, ["far", "newer", "other"]),
        ):
            found = chosen_there(there.project, side.git, None, Which(revisions=[text], number=number), "origin")
            assert short(found.refs) == names, text


MISTAKES = [
    (Which(["nope"]), UnknownRevision, "no experiment 'nope'"),
    (Which(revisions=["nope"]), UnknownRevision, "nope"),
    (Which(["newer"], revisions=["HEAD"]), UsageError, "not both"),
    (Which(revisions=["HEAD"], everything=True), UsageError, "does not go with it"),
    (Which(where="acc >"), UsageError, "character 6"),
    (Which(where="nothing_has_this > 1"), UsageError, "nothing_has_this"),
]


def test_what_cannot_be_chosen_is_refused_on_both_sides(several: Machine, copy: Callable[[str], Machine]) -> None:
    for which, kind, says in MISTAKES:
        with pytest.raises(kind, match=says):
            chosen_here(several.project, which)
    push(several.project, everything=True)
    there = copy("there")
    for which, kind, says in MISTAKES:
        with pytest.raises(kind, match=says):
            pull_chosen(there.project, which)
    assert there.refs("refs/exps/") == {}


def test_the_data_can_stay_at_home(several: Machine, copy: Callable[[str], Machine], remote: str) -> None:
    report = push_chosen(several.project, Which(), How(artifacts=False)).report
    assert (report.failed, report.artifacts) == ({}, 0)
    assert not Path(remote, "objects").exists()
    assert not Path(remote, "packs").exists()
    there = copy("there")
    report = pull_chosen(there.project, Which(), How(artifacts=False)).report
    assert (short(report.refs), report.artifacts, report.failed) == (["newer", "other"], 0, {})


def test_the_branch_goes_along_where_that_is_asked_for(several: Machine, remote: str, git: Git) -> None:
    push_chosen(several.project, Which(["newer"]), branch=True)
    assert Path(remote, "git/heads/main").read_text().strip() == several.head.hex()
    git("checkout", "-q", "--detach", cwd=several.folder)
    several.close()
    with pytest.raises(UsageError, match="on no branch"):
        push_chosen(several.project, Which(["newer"]), branch=True)


def test_branches_are_looked_at_where_that_is_asked_for(several: Machine, copy: Callable[[str], Machine]) -> None:
    push(several.project)
    there = copy("there")
    before = there.refs("refs/remotes/origin/")
    several.commit("third")
    push(several.project)
    pull_chosen(there.project, Which(["newer"]))
    pull_chosen(there.project, Which(), branch=False)
    assert there.refs("refs/remotes/origin/") == before
    pull_chosen(there.project, Which(["newer"]), branch=True)
    assert there.refs("refs/remotes/origin/")["refs/remotes/origin/main"] == several.head.hex()


def test_so_many_transfers_at_once(several: Machine) -> None:
    with pytest.raises(UsageError, match="-j takes a number"):
        push_chosen(several.project, Which(), How(jobs=0))
    assert push_chosen(several.project, Which(), How(jobs=1)).report.failed == {}
