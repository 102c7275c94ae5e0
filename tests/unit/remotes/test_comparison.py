"""What is on both sides, what on one: nothing is believed to be there because something else is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from assay.engine.errors import RemoteError, UnknownRevision, UsageError
from assay.engine.experiments.chosen import Which
from assay.remotes.comparison import Comparison, compared
from assay.remotes.pull import pull
from assay.remotes.push import push
from assay.remotes.removal import doomed, remove
from assay.remotes.there import listed_there
from tests.sharing import Machine

BIG = 300_000


def words(found: Comparison) -> dict[str, str]:
    return {ref.rpartition("/")[2]: state.word for ref, state in found.experiments.items()}


def files(remote: str, below: str = "") -> list[Path]:
    return [path for path in Path(remote, below).rglob("*") if path.is_file()]


def test_each_experiment_is_where_it_is(here: Machine, copy: Callable[[str], Machine]) -> None:
    here.experiment("same")
    here.experiment("changed")
    push(here.project)
    there = copy("there")
    pull(there.project)
    there.experiment("changed", {"a.txt": b"another"})
    there.experiment("mine")
    there.git("update-ref", "-d", next(ref for ref in there.refs() if ref.endswith("bold-finch")), cwd=there.folder)
    there.close()
    before = there.refs()
    found = compared(there.project)
    assert words(found) == {"same": "both", "changed": "other", "mine": "here", "bold-finch": "there"}
    assert (found.data, found.damaged, found.is_sound) == ({}, {}, True)
    assert found.branch == ("main", there.head, there.head)
    assert there.refs() == before
    assert not list((there.folder / ".assay/tmp").glob("rehearsal*"))


@pytest.mark.law(3)
def test_damage_that_only_the_workspaces_data_meets_is_named(here: Machine, remote: str) -> None:
    here.track("data", {"a.txt": b"new", "deep/b.txt": b"b"})
    here.commit("data")
    push(here.project)
    here.close()
    assert compared(here.project).is_sound
    for path in files(remote, "packs"):
        path.chmod(0o644)
        path.write_bytes(path.read_bytes()[:-1] + b"?")
    found = compared(here.project)
    assert set(found.damaged) == {f"packs/{path.name}" for path in files(remote, "packs")}
    assert set(found.data.values()) == {"new"}
    assert not found.is_sound


def test_data_is_compared_file_by_file(here: Machine, copy: Callable[[str], Machine]) -> None:
    push(here.project)
    assert compared(here.project).data == {}
    there = copy("there")
    assert compared(there.project).data == {
        "data/a.txt": "deleted", "data/deep/b.txt": "deleted", "model": "deleted",
    }  # fmt: skip
    here.track("data", {"a.txt": b"new", "deep/b.txt": b"b"})
    assert compared(here.project).data == {"data": "new", "data/a.txt": "new"}


@pytest.mark.law(3)
def test_a_manifest_is_no_proof_of_its_files(here: Machine, remote: str, copy: Callable[[str], Machine]) -> None:
    here.experiment("large", {"a.txt": b"l" * BIG})
    push(here.project)
    [gone] = [path for path in files(remote, "objects") if path.read_bytes()[:1] == b"l"]
    gone.unlink()
    for machine in (here, copy("there")):  # of which the second has neither the experiment nor its manifest
        found = compared(machine.project)
        assert words(found) == {"bold-finch": "both" if machine is here else "there", "large": "broken"}
        assert "of what data needs, 1 of 2 artifacts are not on the remote" in str(found.experiments)
        assert not found.is_sound


@pytest.mark.law(3)
@pytest.mark.parametrize("kind", ["pack", "idx"])
def test_a_ref_is_no_proof_of_its_commit(here: Machine, remote: str, copy: Callable[[str], Machine], kind: str) -> None:
    push(here.project)
    for path in files(remote, "git/packs"):
        if path.suffix == f".{kind}":
            path.unlink()
    found = compared(here.project)
    assert words(found) == {"bold-finch": "broken"}
    assert "lacks" in str(found.experiments)
    if kind == "pack":  # without its index it can still be fetched
        assert words(compared(copy("there").project)) == {"bold-finch": "broken"}


def test_a_damaged_index_is_named(here: Machine, remote: str) -> None:
    push(here.project)
    [path] = files(remote, "index")
    path.write_bytes(b"nonsense")
    for copy in (here.folder / ".assay/tmp/remotes").rglob("index/*"):
        copy.unlink()
    found = compared(here.project)
    assert path.name in str(found.damaged)
    assert not found.is_sound


def test_nothing_is_compared_with_nothing(here: Machine, remote: str) -> None:
    with pytest.raises(RemoteError, match="holds nothing that assay wrote"):
        compared(here.project)
    assert not Path(remote).exists()


def test_experiments_are_removed_there_and_stay_here(here: Machine, copy: Callable[[str], Machine]) -> None:
    here.experiment("second")
    here.experiment("third")
    push(here.project)
    before = here.refs()
    assert len(doomed(here.project, Which(["second"])).refs) == 1
    gone = remove(here.project, Which(["second"]))
    assert [ref.rpartition("/")[2] for ref in gone.refs] == ["second"]
    assert here.refs() == before
    [baseline] = listed_there(here.project, Which())[0]
    assert (baseline.label, [name for name, _ in baseline.experiments]) == ("main", ["bold-finch", "third"])
    assert "second" not in " ".join(pull(copy("there").project).report.refs)
    assert [ref.rpartition("/")[2] for ref in push(here.project).report.refs] == ["second"]
    remove(here.project, Which(where="name = 'third'"), keep=True)
    assert [name for name, _ in listed_there(here.project, Which())[0][0].experiments] == ["third"]
    remove(here.project, Which(everything=True))
    assert listed_there(here.project, Which(everything=True)) == ([], {})


@pytest.mark.parametrize(
    ("which", "keep", "kind", "says"),
    [
        (Which(), False, UsageError, "Say which"),
        (Which(["nope"]), False, UnknownRevision, "no experiment 'nope' on origin"),
        (Which(["origin"]), False, UnknownRevision, "no experiment 'origin'"),
        (Which(where="name = 'nope'"), True, UsageError, "would keep no experiment"),
        (Which(["bold-finch", "nope"]), False, UnknownRevision, "'nope'"),
    ],
)
def test_what_cannot_be_removed_removes_nothing(
    here: Machine, remote: str, which: Which, keep: bool, kind: type[Exception], says: str
) -> None:
    push(here.project)
    before = {path: path.read_bytes() for path in files(remote)}
    with pytest.raises(kind, match=says):
        remove(here.project, which, keep=keep)
    assert {path: path.read_bytes() for path in files(remote)} == before
