"""A real server behind a way on which things go wrong: nothing wrong gets in anywhere, and the next run completes."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from assay.engine.errors import AssayError
from assay.remotes.clone import clone
from assay.remotes.pull import pull
from assay.remotes.push import push
from assay.remotes.stores import retry
from assay.remotes.stores.retry import Retrying
from tests.faults import proxy as faults
from tests.faults.proxy import Fault, Proxy, between
from tests.s3server import S3Server
from tests.sharing import Git, Machine, world

SPORADIC: dict[str, Callable[[], Fault]] = {
    "busy": lambda: faults.Busy(every=2),
    "failing": lambda: faults.Failing(every=3),
    "resetting": lambda: faults.Resetting(every=3),
    "cut uploads": lambda: faults.CutUpload("PUT", every=2),
    "lost answers": lambda: faults.LostAnswer("PUT", every=2),
    "truncated answers": lambda: faults.TruncatedAnswer(every=2),
    "reset answers": lambda: faults.ResetAnswer(every=2),
    "slow": lambda: faults.Slow(every=3),
    "a black hole": lambda: faults.Blackhole(times=1),
    "flipped uploads": lambda: faults.FlippedUpload("PUT", every=4),
}
"""What goes wrong now and then: patience is enough."""
LASTING: dict[str, Callable[[], Fault]] = {
    "busy": faults.Busy,
    "cut uploads": lambda: faults.CutUpload("PUT"),
    "lost answers": lambda: faults.LostAnswer("PUT"),
    "truncated answers": lambda: faults.TruncatedAnswer("GET", "pack"),
    "short answers": lambda: faults.ShortAnswer("GET", "/"),
    "wrong bytes": lambda: faults.WrongBytes("GET", "/packs/"),
    "wrong lists": lambda: faults.WrongBytes("LIST"),
    "a flipped bit in what is read": lambda: faults.FlippedBit("GET", "/objects/"),
    "a flipped bit in refs": lambda: faults.FlippedBit("GET", "/git/"),
    "flipped uploads": lambda: faults.FlippedUpload("PUT"),
    "a black hole": lambda: faults.Blackhole("GET", "/git/packs/"),
    "stale lists": faults.StaleLists,
}
"""What goes wrong every time."""
ALL = os.environ.get("PYTEST_FAULTS") == "all"
"""Each fault by itself, where otherwise some stand for the others: three minutes."""


def some(named: dict[str, Callable[[], Fault]], *fewer: str) -> list[str]:
    return list(named if ALL else fewer)


@pytest.fixture
def way(s3_server: S3Server) -> Iterator[Proxy]:
    with between(s3_server.endpoint) as proxy:
        yield proxy


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses are short, and so is the time until silence counts as none."""
    monkeypatch.setattr(retry, "Retrying", functools.partial(Retrying, first_pause=0.005))


class Sides:
    """Two machines and the bucket between them, which one of them reaches through a proxy."""

    def __init__(self, git: Git, folder: Path, url: str, settings: dict[str, str], way: Proxy) -> None:
        self.url, self.settings = url, settings
        self.folder = folder
        self.harmed = {**settings, "endpointurl": way.endpoint}
        self.here = Machine.new(git, folder / "here")
        self.here.experiment("bold-finch")
        self.here.experiment("second", {"a.txt": b"x" * 300_000, "b.txt": b"small"})
        self.there = Machine(git, folder / "there")
        self.there.git("clone", "-q", "--no-local", str(self.here.folder), str(folder / "there"))
        self.wait(60)
        self.whole = self.here.refs("refs/exps/")

    def wait(self, seconds: int) -> None:
        """Silence counts as no answer after so long."""
        for machine in (self.here, self.there):
            machine.add_remote(self.url, settings={**self.harmed, "read_timeout": str(seconds)})

    def tries(self, act: Callable[[], object]) -> list[str]:
        """What it says is left, one sentence each; empty when it says that all is done."""
        try:
            report = act().report  # type: ignore[attr-defined]
        except AssayError as error:
            said = [error.message]
        else:
            said = list(report.failed.values())
        for sentence in said:
            assert sentence.endswith((".", ")", "?")), sentence
            assert "Traceback" not in sentence
            assert "\n" not in sentence
        return said

    def only_whole_names_on_the_remote(self, number: int) -> None:
        """What a stranger clones without the proxy is complete, if it can be cloned at all."""
        name = self.folder / f"seen{number}"
        with suppress(AssayError):
            done = clone(self.url, str(name), world(), settings=self.settings)
            assert done.report.failed == {}
        if name.exists():
            seen = Machine(self.here.git, name)
            assert seen.refs("refs/exps/").items() <= self.whole.items()
            seen.fsck()
            seen.close()

    def only_whole_things_there(self) -> None:
        refs = self.there.refs("refs/exps/")
        assert refs.items() <= self.whole.items()
        self.there.fsck()
        cache = self.there.project.cache
        for name in ("data/a.txt", "model"):
            path = self.there.folder / name
            assert not path.exists() or path.read_bytes() == (self.here.folder / name).read_bytes()
        from assay.engine.store.verify import fsck

        assert fsck(cache) == []
        assert not list(Path(cache.folder).glob("tmp/*"))


@pytest.fixture
def sides(git: Git, tmp_path: Path, s3: tuple[str, dict[str, str]], way: Proxy) -> Iterator[Sides]:
    both = Sides(git, tmp_path, *s3, way)
    yield both
    both.here.close()
    both.there.close()


@pytest.mark.law(3)
@pytest.mark.parametrize("name", some(SPORADIC, "busy", "lost answers", "truncated answers"))
def test_what_goes_wrong_now_and_then_is_overcome(sides: Sides, way: Proxy, name: str) -> None:
    sides.wait(1 if name == "a black hole" else 60)
    way.fault = SPORADIC[name]()
    assert sides.tries(lambda: push(sides.here.project)) == []
    way.fault = SPORADIC[name]()
    assert sides.tries(lambda: pull(sides.there.project)) == []
    assert sides.there.refs("refs/exps/") == sides.whole
    sides.only_whole_things_there()


@pytest.mark.law(3)
@pytest.mark.parametrize("name", some(LASTING, "short answers", "wrong lists", "flipped uploads", "stale lists"))
def test_what_goes_wrong_every_time_spoils_nothing_and_the_next_run_completes(
    sides: Sides, way: Proxy, name: str
) -> None:
    sides.wait(1 if name == "a black hole" else 60)
    way.fault = LASTING[name]()
    said = sides.tries(lambda: push(sides.here.project))
    sides.only_whole_names_on_the_remote(1)
    way.fault = Fault()
    assert sides.tries(lambda: push(sides.here.project)) == []
    way.fault = LASTING[name]()
    said += sides.tries(lambda: pull(sides.there.project))
    assert bool(said) == (name != "stale lists"), said
    sides.only_whole_things_there()
    way.fault = Fault()
    sides.there.close()
    assert sides.tries(lambda: pull(sides.there.project)) == []
    assert sides.there.refs("refs/exps/") == sides.whole
    sides.only_whole_things_there()
    assert (sides.there.folder / "model").read_bytes() == (sides.here.folder / "model").read_bytes()
