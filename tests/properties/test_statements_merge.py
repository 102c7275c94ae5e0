"""Readers of the same statements see the same refs, and writers that saw each other never disturb one another."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from assay.engine.model import Oid
from assay.remotes.bucket import compaction
from assay.remotes.bucket.compaction import File, compacted, joined, needless
from assay.remotes.bucket.statements import Statement, decode, encode, shown, successor

NAMES = [f"refs/exps/12/34/{name}" for name in "abc"]
OIDS = [Oid(bytes([byte]) * 20) for byte in range(1, 6)]
wishes = st.dictionaries(st.sampled_from(NAMES), st.sampled_from([None, *OIDS]), min_size=1)
turns = st.lists(st.tuples(st.integers(0, 2), wishes, st.integers(0, 5), st.booleans()), max_size=12)


@given(turns)
@settings(max_examples=300)
def test_merging_is_commutative_and_hides_nothing(plan: list[tuple[int, dict[str, Oid | None], int, bool]]) -> None:
    """Three writers with slow clocks, each writing over what it last saw; at times one looks at the remote again."""
    remote: dict[str, Statement] = {}
    views: list[dict[str, Statement]] = [{}, {}, {}]
    for turn, (writer, wish, clock, looks) in enumerate(plan):
        if looks:
            views[writer] = dict(remote)
        statement = successor(wish, views[writer], clock, str(turn))
        assert decode(encode(statement), "key") == statement
        remote[f"s{turn}"] = views[writer][f"s{turn}"] = statement
        mine = {name: held.oid for name, held in shown(views[writer]).items()}
        for name, oid in wish.items():
            assert mine.get(name) == oid, "a writer finds what it has just written"
    backwards = dict(reversed(remote.items()))
    assert shown(remote) == shown(backwards)
    live = {
        oid
        for key, statement in remote.items()
        for name, oid in statement.sets.items()
        if not any(key in other.retires.get(name, ()) for other in remote.values())
    }
    assert {held.oid for held in shown(remote).values()} == live


COMPACT, REMOVE = "compact", "remove"
acts = st.tuples(st.integers(0, 2), st.one_of(wishes, st.just(COMPACT), st.just(REMOVE)), st.booleans(), st.booleans())


@given(st.lists(acts, max_size=14))
@settings(max_examples=300)
def test_compactions_change_nothing_whoever_makes_them_and_whatever_is_removed(
    plan: list[tuple[int, dict[str, Oid | None] | str, bool, bool]],
) -> None:
    """Three writers, at times looking away, some of whom compact what they saw and remove what was compacted."""
    every: dict[str, Statement] = {}
    remote: dict[str, File] = {}
    views: list[dict[str, File]] = [{}, {}, {}]
    for turn, (writer, act, looks, half) in enumerate(plan):
        if looks:
            views[writer] = dict(remote)
        view = views[writer]
        if isinstance(act, dict):
            new = successor(act, joined(view), 0, str(turn))
            every[f"s{turn}"] = remote[f"s{turn}"] = view[f"s{turn}"] = new
        elif act == COMPACT and view:
            chosen = dict(list(view.items())[: len(view) // 2 + 1]) if half else view
            file = compacted(chosen)
            assert compaction.read(compaction.encode(file), "key") == file
            remote[f"c{turn}"] = view[f"c{turn}"] = file
        elif act == REMOVE:
            for name in needless(view):
                remote.pop(name, None)
                view.pop(name)
    values = {held.oid for held in shown(every).values()}
    assert {name: held.oid for name, held in shown(joined(remote)).items()} == {
        name: held.oid for name, held in shown(every).items()
    }, values
