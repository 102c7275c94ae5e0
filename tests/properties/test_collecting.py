"""Whoever pushes while whoever collects, in whatever order: no ref ever needs what is not there.

Both keep the rules of `collecting` over a real store, taking turns at every request; what is needed is as simple as can
be: a ref is a file that names objects.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from hypothesis import given, settings
from hypothesis import strategies as st

from assay.remotes.collect import claims as collecting
from assay.remotes.collect.claims import Doomed
from assay.remotes.collect.guard import Guarded, renewed
from assay.remotes.stores.memory import MemoryStore
from tests.sharing import CountingIds

OBJECTS = [f"objects/xxh128/aa/{number}" for number in range(4)]
Turns = Iterator[None]


class World:
    """A remote, and those who are at work on it; a turn is one step of one of them."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.ids = CountingIds()
        self.working: list[Turns] = []
        self.moving: list[object] = []
        self.begun: dict[str, list[object]] = {}

    def refs(self) -> dict[str, list[str]]:
        return {info.key: json.loads(self.store.get(info.key)) for info in self.store.list("refs/")}

    def push(self, name: str, needs: list[str]) -> Turns:
        """Publishes a ref as `exchange` does."""
        guarded = Guarded(self.store, "xxh128", self.ids, lambda _: self.let_others_end())
        while True:
            for key in needs:
                yield
                if guarded.size(key) is None:
                    yield
                    guarded.put(key, b"x")
            yield
            token = object()
            self.moving.append(token)  # less than a grace lies between the last look and the ref
            if not renewed(guarded):
                break
            self.moving.remove(token)
        yield
        self.store.put(f"refs/{name}", json.dumps(needs).encode())
        self.moving.remove(token)

    def begin(self) -> Turns:
        """The first phase."""
        guarded = Guarded(self.store, "xxh128", self.ids)
        live = {key for needs in self.refs().values() for key in needs}
        yield
        dead = {info.key for info in guarded.list("objects/")} - live
        yield
        if dead:
            name = collecting.begin(self.store, Doomed(frozenset(dead), 1, 1, self.ids.nonce()), "xxh128")
            self.begun[name] = list(self.moving)

    def finish(self) -> Turns:
        """The second phase of every collection whose grace is over."""
        for name in sorted(collecting.look(self.store).open):
            while any(token in self.moving for token in self.begun.get(name, [])):
                yield
            doomed = collecting.read(self.store, name, "xxh128")
            if doomed is None:
                continue
            yield
            collecting.mark(self.store, name)
            yield
            claimed = collecting.claimed(self.store, collecting.look(self.store), name) or set()
            yield
            live = {key for needs in self.refs().values() for key in needs}
            for key in sorted(doomed.keys - claimed - live):
                yield
                self.store.delete([key])
            yield
            collecting.end(self.store, name, 1)

    def let_others_end(self) -> None:
        """Time passes for those who wait: collectors go on."""
        for one in [one for one in self.working if one.__name__ == "finish"]:  # type: ignore[attr-defined]
            next(one, None)

    def check(self) -> None:
        for name, needs in self.refs().items():
            lost = [key for key in needs if self.store.size(key) is None]
            assert lost == [], name


needs = st.lists(st.sampled_from(OBJECTS), min_size=1, max_size=2, unique=True)
turns = st.lists(st.tuples(st.integers(0, 7), st.integers(1, 6)), max_size=30)


@given(needs, needs, needs, turns)
@settings(max_examples=100)
def test_what_refs_need_is_there_at_every_moment(
    one: list[str], other: list[str], third: list[str], plan: list[tuple[int, int]]
) -> None:
    """Everything is garbage in the beginning; two collections, three pushes and a removal take turns."""
    world = World()
    for key in OBJECTS:
        world.store.put(key, b"x")

    def forget() -> Turns:
        world.store.delete(["refs/a"])
        yield

    world.working = [
        world.begin(),
        world.push("a", one),
        world.finish(),
        world.push("b", other),
        world.begin(),
        forget(),
        world.push("c", third),
        world.finish(),
    ]
    everybody = list(world.working)
    for who, steps in plan:
        for _ in range(steps):
            next(everybody[who], None)
            world.check()
    while world.working:
        for actor in list(world.working):
            if next(actor, "over") == "over":
                world.working.remove(actor)
            world.check()
    for last in (world.begin(), world.finish()):
        for _ in last:
            world.check()
    live = {key for wanted in world.refs().values() for key in wanted}
    assert {info.key for info in world.store.list("objects/")} == live
