"""Statements: encoding, merging, replacing."""

from __future__ import annotations

import json

import pytest

from assay.engine.errors import CorruptRemote
from assay.engine.model import Oid
from assay.remotes.bucket.statements import Statement, decode, encode, shown, successor

A, B, C = (Oid(bytes([byte]) * 20) for byte in (0xAA, 0xBB, 0xCC))
NAME = "refs/exps/12/34/bold-finch"


def values(statements: dict[str, Statement]) -> dict[str, Oid]:
    return {name: held.oid for name, held in shown(statements).items()}


def test_a_statement_survives_its_encoding() -> None:
    statement = Statement(1700000000, "0123", {NAME: A}, {NAME: ("x", "y")})
    assert decode(encode(statement), "key") == statement


def test_the_same_statement_has_the_same_bytes_whatever_the_order() -> None:
    one = Statement(1, "n", {"refs/a/x": A, "refs/a/y": B}, {"refs/a/x": ("1", "2")})
    other = Statement(1, "n", {"refs/a/y": B, "refs/a/x": A}, {"refs/a/x": ("2", "1")})
    assert encode(one) == encode(other)


def test_a_name_that_is_not_utf8_survives() -> None:
    name = "refs/exps/12/34/caf\udce9"
    assert decode(encode(Statement(1, "n", {name: A}, {})), "key").sets == {name: A}


@pytest.mark.parametrize(
    "change",
    [
        {"set": {"refs/exps/../../heads/main": "aa" * 20}},
        {"set": {"HEAD": "aa" * 20}},
        {"set": {NAME: "aa" * 19}},
        {"set": {NAME: "not hexadecimal"}},
        {"set": [NAME]},
        {"retire": {"refs/x.lock/y": []}},
        {"retire": {NAME: [1]}},
        {"time": "now"},
        {"time": None},
        {"nonce": 3},
    ],
)
def test_what_a_writer_would_not_write_is_refused(change: dict[str, object]) -> None:
    fields = {**json.loads(encode(Statement(1, "n", {NAME: A}, {}))), **change}
    with pytest.raises(CorruptRemote, match="git/refs/x"):
        decode(json.dumps(fields).encode(), "git/refs/x")


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"\xff", b"null", b'{"assay":1}', b"[" * 100_000])
def test_what_is_no_statement_is_refused(data: bytes) -> None:
    with pytest.raises(CorruptRemote, match="does not say"):
        decode(data, "key")


def test_a_statement_of_a_later_version_says_so() -> None:
    with pytest.raises(CorruptRemote, match="newer assay"):
        decode(b'{"assay": 2}', "key")


def test_one_statement_is_shown_as_it_is() -> None:
    assert values({"s1": Statement(1, "n", {NAME: A}, {})}) == {NAME: A}


def test_a_value_counts_until_it_is_retired() -> None:
    first = Statement(1, "n", {NAME: A}, {})
    assert values({"s1": first, "s2": Statement(2, "n", {NAME: B}, {NAME: ("s1",)})}) == {NAME: B}
    assert values({"s1": first, "s2": Statement(2, "n", {}, {NAME: ("s1",)})}) == {}


def test_a_deletion_takes_away_only_what_its_writer_had_seen() -> None:
    seen = Statement(1, "n", {NAME: A}, {})
    unseen = Statement(2, "m", {NAME: B}, {})
    deletion = Statement(3, "n", {}, {NAME: ("s1",)})
    assert values({"s1": seen, "s2": unseen, "s3": deletion}) == {NAME: B}


def test_rivals_are_all_shown_and_the_older_keeps_the_name() -> None:
    statements = {"s1": Statement(1, "n", {NAME: A}, {}), "s0": Statement(2, "m", {NAME: B}, {})}
    assert values(statements) == {NAME: A, f"{NAME}-bbbbbbb": B}


def test_among_rivals_of_the_same_second_the_name_of_the_statement_decides() -> None:
    statements = {"s2": Statement(1, "n", {NAME: A}, {}), "s1": Statement(1, "m", {NAME: B}, {})}
    assert values(statements) == {NAME: B, f"{NAME}-aaaaaaa": A}


def test_two_statements_of_the_same_value_are_no_rivals() -> None:
    statements = {"s1": Statement(1, "n", {NAME: A}, {}), "s2": Statement(2, "m", {NAME: A}, {})}
    assert values(statements) == {NAME: A}
    assert shown(statements)[NAME].statements == ("s1", "s2")


def test_rivals_whose_digits_begin_alike_get_more_of_them() -> None:
    near = [Oid(b"\xbb" * 5 + bytes([last]) * 15) for last in (1, 2)]
    statements = {
        "s1": Statement(1, "n", {NAME: A}, {}),
        "s2": Statement(2, "n", {NAME: near[0]}, {}),
        "s3": Statement(3, "n", {NAME: near[1]}, {}),
    }
    assert values(statements) == {NAME: A, f"{NAME}-bbbbbbbbbb01": near[0], f"{NAME}-bbbbbbbbbb02": near[1]}


def test_a_rival_does_not_take_a_name_that_exists() -> None:
    taken = f"{NAME}-bbbbbbb"
    statements = {"s1": Statement(1, "n", {NAME: A, taken: C}, {}), "s2": Statement(2, "n", {NAME: B}, {})}
    assert values(statements) == {NAME: A, taken: C, f"{NAME}-bbbbbbbb": B}


def test_a_successor_replaces_what_its_writer_saw() -> None:
    statements = {"s1": Statement(5, "n", {NAME: A}, {})}
    statements["s2"] = successor({NAME: B}, statements, 3, "m")
    assert values(statements) == {NAME: B}
    assert statements["s2"].time == 6, "a slow clock does not make it older than what it replaces"


def test_a_successor_deletes_what_its_writer_saw() -> None:
    statements = {"s1": Statement(5, "n", {NAME: A}, {})}
    assert values({**statements, "s2": successor({NAME: None}, statements, 9, "m")}) == {}


def test_a_successor_leaves_other_names_alone() -> None:
    statements = {"s1": Statement(5, "n", {NAME: A, "refs/exps/12/34/other": B}, {})}
    after = values({**statements, "s2": successor({NAME: C}, statements, 9, "m")})
    assert after == {NAME: C, "refs/exps/12/34/other": B}


@pytest.mark.parametrize(
    ("wish", "after"),
    [
        ({NAME: C}, {NAME: C, f"{NAME}-bbbbbbb": B}),
        ({NAME: None}, {f"{NAME}-bbbbbbb": B}),
        ({f"{NAME}-bbbbbbb": None}, {NAME: A}),
        ({f"{NAME}-bbbbbbb": C}, {NAME: A, f"{NAME}-bbbbbbb": C}),
    ],
)
def test_a_successor_changes_one_rival_and_keeps_the_other_under_its_name(
    wish: dict[str, Oid | None], after: dict[str, Oid]
) -> None:
    statements = {"s1": Statement(1, "n", {NAME: A}, {}), "s2": Statement(2, "m", {NAME: B}, {})}
    statements["s3"] = successor(wish, statements, 3, "k")
    assert values(statements) == after
