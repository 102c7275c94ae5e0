"""Documents as strict JSON and as flat keys."""

from __future__ import annotations

import datetime
import json
import math

import pytest

from assay.engine.experiments.values import comparable, encode, leaves, plain, text_of


def test_numbers_that_json_lacks_become_words():
    assert plain([math.nan, math.inf, -math.inf, 1.5]) == ["NaN", "Infinity", "-Infinity", 1.5]


def test_those_words_compare_as_the_numbers_they_mean():
    assert comparable("Infinity") == (0, math.inf)
    assert comparable("-Infinity") < comparable(0) < comparable("Infinity")


def test_dates_sets_tuples_and_bytes_become_what_json_can_hold():
    value = {"day": datetime.date(2024, 1, 2), "set": {2, 1}, "pair": (1, 2), "raw": b"\x00\xff"}
    assert plain(value) == {"day": "2024-01-02", "set": [1, 2], "pair": [1, 2], "raw": "00ff"}


def test_keys_become_text_as_json_spells_them():
    assert plain({2: 1, True: 2, None: 3, 0.5: 4, "a": 5, (1, 2): 6}) == {
        "2": 1, "true": 2, "null": 3, "0.5": 4, "a": 5, "(1, 2)": 6
    }  # fmt: skip


def test_a_number_too_long_to_spell_in_decimal_is_spelled_otherwise():
    assert plain(1 << 20_000) == hex(1 << 20_000)
    json.loads(encode(plain({"n": 1 << 1000})))


def test_nested_keys_are_joined_with_dots_in_the_order_of_the_document():
    document = {"train": {"lr": 0.1, "deep": {"a": 1}}, "seed": 7, "list": [1, {"x": 2}], "empty": {}}
    assert list(leaves(document)) == [
        ("train.lr", 0.1), ("train.deep.a", 1), ("seed", 7), ("list", [1, {"x": 2}]), ("empty", {})
    ]  # fmt: skip


@pytest.mark.parametrize("document", [0.93, "text", [1, 2], None])
def test_a_document_that_is_no_mapping_has_one_nameless_value(document):
    assert list(leaves(document)) == [("", document)]


@pytest.mark.parametrize(
    ("value", "text"), [("a", "a"), (1, "1"), (0.01, "0.01"), (True, "true"), (None, "null"), ([1, "b"], '[1, "b"]')]
)
def test_a_value_is_spelled_as_in_json_but_text_has_no_quotes(value, text):
    assert text_of(value) == text


def test_encoded_text_is_ascii_even_for_names_that_are_no_text():
    assert encode({"\udcff": "ü"}) == '{"\\udcff":"\\u00fc"}'
