"""Comparison: a diff holds everything that it takes to make the new side of the old one, and nothing else."""

from __future__ import annotations

import json
import math

from hypothesis import given
from hypothesis import strategies as st

from assay.cli.render.changes import members
from assay.engine.experiments.compare import compare, flattened, same
from assay.engine.experiments.values import MISSING, encode, plain

KEYS = st.sampled_from(["a", "b", "lr", "train", "x y"])
LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 3), st.integers(), st.floats(), st.sampled_from(["", "1", "foo"])
)
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=8
)
SIDES = st.dictionaries(st.sampled_from(["params.yaml", "m.json"]), VALUES.map(plain), max_size=2)


def flat(side):
    return {(file, key): value for file, document in side.items() for key, value in flattened(document).items()}


@given(SIDES, SIDES)
def test_the_changes_applied_to_the_old_side_give_the_new_one(old, new):
    made = flat(old)
    for file, changes in compare(old, new).items():
        for key, change in changes.items():
            assert same(made.get((file, key), MISSING), change.old)
            if change.new is MISSING:
                del made[file, key]
            else:
                made[file, key] = change.new
    wanted = flat(new)
    assert made.keys() == wanted.keys()
    assert all(same(made[field], wanted[field]) for field in wanted)


@given(SIDES)
def test_a_side_does_not_differ_from_itself(side):
    assert compare(side, json.loads(encode(side))) == {}


@given(SIDES, SIDES)
def test_with_the_unchanged_every_key_of_both_sides_is_there_once(old, new):
    found = compare(old, new, unchanged=True)
    assert {(file, key) for file in found for key in found[file]} == flat(old).keys() | flat(new).keys()


@given(SIDES, SIDES)
def test_the_other_way_round_every_change_has_the_opposite_sign(old, new):
    there, back = compare(old, new), compare(new, old)
    assert there.keys() == back.keys()
    for file in there:
        assert there[file].keys() == back[file].keys()
        for key, change in there[file].items():
            other = back[file][key]
            assert (change.old, change.new) == (other.new, other.old)
            if isinstance(change.change, (int, float)):
                assert change.change == -other.change


@given(SIDES, SIDES)
def test_the_json_is_strict_and_has_every_change(old, new):
    changes = compare(old, new)
    read = json.loads(encode(members(changes)), parse_constant=lambda word: 1 / 0)
    assert {file: set(keys) for file, keys in read.items()} == {file: set(keys) for file, keys in changes.items()}


@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(allow_nan=False, allow_infinity=False))
def test_change_and_percent_are_those_of_binary_floating_point(old, new):
    change = compare({"m": {"a": old}}, {"m": {"a": new}}, unchanged=True)["m"]["a"]
    assert change.change == plain(new - old)
    if old and change.percent is not None:
        assert math.isclose(change.percent, (new - old) / abs(old) * 100)
