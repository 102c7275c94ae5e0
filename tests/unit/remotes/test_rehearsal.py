"""What a transfer would move is told before, in the numbers that it then has, and changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from assay.engine.errors import RemoteError
from assay.engine.experiments.chosen import Which
from assay.remotes import data, rehearsal
from assay.remotes.how import How
from assay.remotes.pull import pull, pull_chosen
from assay.remotes.push import push, push_chosen
from assay.remotes.rehearsal import Forecast
from assay.remotes.selection import Scope
from tests.sharing import Machine

BIG = 300_000
PASSING = ("/.assay/tmp/", "/.git/assay/records.db")
ALL = How(run_cache=True)


def everything(*folders: Path) -> dict[str, bytes]:
    """Every file below some folders, except caches that may be deleted at any moment."""
    files = (path for folder in folders for path in folder.rglob("*") if path.is_file())
    return {str(path): path.read_bytes() for path in files if not any(part in str(path) for part in PASSING)}


def numbers(forecast: Forecast) -> tuple[set[str], int, int]:
    return set(forecast.report.refs), forecast.report.objects, forecast.report.artifacts


@pytest.mark.parametrize("which", [Which(), Which(["bold-finch"]), Which(everything=True, where="name = 'large'")])
def test_a_push_moves_what_was_told(here: Machine, remote: str, which: Which) -> None:
    here.experiment("large", {"a.txt": b"l" * BIG, "small": b"s"})
    before = everything(here.folder)
    told = rehearsal.push(here.project, which)
    assert everything(here.folder) == before
    assert not Path(remote).exists()
    done = push_chosen(here.project, which).report
    assert numbers(told) == (set(done.refs), done.objects, done.artifacts)
    assert told.report.failed == {}
    assert 0.95 * done.size < told.report.size <= done.size
    again = rehearsal.push(here.project, which).report
    assert (again.refs, again.objects, again.artifacts, again.size) == ((), 0, 0, 0)


@pytest.mark.parametrize("which", [Which(), Which(["large"]), Which(everything=True, where="name = 'large'")])
def test_a_pull_moves_what_was_told(here: Machine, remote: str, copy: Callable[[str], Machine], which: Which) -> None:
    push(here.project)
    there = copy("there")
    pull(there.project)
    here.experiment("large", {"a.txt": b"l" * BIG, "deep/b.txt": b"b", "small": b"s"})
    push(here.project)
    before = everything(there.folder, Path(remote))
    told = rehearsal.pull(there.project, which)
    assert everything(there.folder, Path(remote)) == before
    assert not list((there.folder / ".assay/tmp").glob("rehearsal*"))
    done = pull_chosen(there.project, which).report
    assert (told.report.refs, told.report.failed, told.is_bound) == (done.refs, {}, False)
    assert told.report.artifacts == done.artifacts
    assert BIG < told.report.size <= done.size * 1.1
    again = rehearsal.pull(there.project, which).report
    assert (again.refs, again.artifacts) == ((), 0)


def test_data_alone_moves_as_told(here: Machine, remote: str, copy: Callable[[str], Machine]) -> None:
    scope = Scope(("model", "data"))
    told = rehearsal.push_data(here.project, scope)
    assert not Path(remote).exists()
    done = data.push_data(here.project, scope)
    assert told.report.artifacts == done.objects
    there = copy("there")
    told = rehearsal.fetch_data(there.project, scope)
    done = data.fetch_data(there.project, scope)
    assert (told.report.artifacts, told.report.failed, told.is_bound) == (done.objects, {}, False)
    assert rehearsal.fetch_data(there.project, scope).report.artifacts == 0


def test_a_part_of_a_directory_is_told_alone(here: Machine, copy: Callable[[str], Machine]) -> None:
    push(here.project)
    told = rehearsal.fetch_data(copy("there").project, Scope(("data/a.txt",)))
    assert (told.report.artifacts, told.report.size) == (1, 1)


def test_what_could_not_go_is_told(here: Machine) -> None:
    name = here.experiment("lost", {"a.txt": b"x" * BIG})
    for path in (here.folder / ".assay/cache/xxh128").rglob("*"):
        if path.is_file() and path.read_bytes()[:1] == b"x":
            path.unlink()
    told = rehearsal.push(here.project, Which())
    assert "neither in the cache nor on the remote" in told.report.failed[name]
    assert name not in told.report.refs


def test_what_could_not_come_is_told(here: Machine, remote: str, copy: Callable[[str], Machine]) -> None:
    name = here.experiment("large", {"a.txt": b"l" * BIG})
    push(here.project)
    for path in Path(remote, "objects").rglob("*"):
        if path.is_file() and path.read_bytes()[:1] == b"l":
            path.unlink()
    told = rehearsal.pull(copy("there").project, Which())
    assert "is not on the remote" in told.report.failed[name]
    assert name not in told.report.refs


def test_nothing_can_be_pulled_from_nothing(here: Machine, remote: str) -> None:
    with pytest.raises(RemoteError, match="holds nothing that assay wrote"):
        rehearsal.pull(here.project, Which())
    assert not Path(remote).exists()


def test_another_experiment_of_that_name_is_told(here: Machine, copy: Callable[[str], Machine]) -> None:
    push(here.project)
    there = copy("there")
    name = there.experiment("bold-finch", {"a.txt": b"mine"})
    assert "another experiment of that name" in rehearsal.pull(there.project, Which()).report.failed[name]
    assert "another experiment of that name" in rehearsal.push(there.project, Which()).report.failed[name]
    assert name in rehearsal.push(there.project, Which(), How(force=True)).report.refs


def test_part_of_history_moves_as_told_and_is_written_down_nowhere(
    here: Machine, copy: Callable[[str], Machine]
) -> None:
    there = copy("there")
    here.commit("second")
    here.commit("third")
    how = How(depth=1)
    told = rehearsal.push(here.project, Which(), how)
    done = push_chosen(here.project, Which(), how).report
    assert numbers(told)[:2] == (set(done.refs), done.objects)
    rehearsal.pull(there.project, Which())
    assert not (there.folder / ".git/shallow").exists()
    pull(there.project)
    assert (there.folder / ".git/shallow").exists()
