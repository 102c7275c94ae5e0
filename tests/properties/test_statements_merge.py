"""Readers of the same statements see the same refs, and writers that saw each other never disturb one another."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from assay.engine.model import Oid
from assay.remotes.statements import Statement, decode, encode, shown, successor

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
