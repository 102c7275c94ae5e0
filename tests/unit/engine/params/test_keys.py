"""Dotted keys."""

from __future__ import annotations

from typing import Any

import pytest

from assay.engine.params import keys
from assay.engine.params.keys import MISSING

DATA = {"train": {"lr": 0.1, "layers": [1, {"n": 2}], "none": None}, "a.b": {"c": 3}, 7: "seven", True: "yes", None: 0}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("train.lr", 0.1), ("train.layers.1.n", 2), ("train.none", None), ("a.b.c", 3), ("7", "seven"), ("true", "yes"),
        ("null", 0), ("train.layers", [1, {"n": 2}]),
    ],
)  # fmt: skip
def test_a_value_is_found_under_its_dotted_key(key: str, value: Any) -> None:
    assert keys.get(DATA, key) == value


@pytest.mark.parametrize(
    "key", ["", "lr", "train.lr.x", "train.layers.2", "train.layers.-1", "train.layers.x", "train.layers.²", "a", "a.c"]
)
def test_what_is_not_there_is_missing_and_not_none(key: str) -> None:
    result = keys.get(DATA, key)
    assert result is MISSING
    assert not result


def test_the_shorter_reading_of_a_key_wins_where_both_lead_somewhere() -> None:
    assert keys.find({"a": {"b": 1}, "a.b": 2}, ["a", "b"]) == ("a", "b")


def test_flat_keys_stand_in_order_and_lists_and_empty_maps_are_values() -> None:
    data = {"b": {"x": 1, "y": {}}, "a": [1, {"z": 2}], 3: None, "": {"q": False}}
    assert list(keys.flatten(data).items()) == [
        ("b.x", 1), ("b.y", {}), ("a", [1, {"z": 2}]), ("3", None), (".q", False),
    ]  # fmt: skip


def test_a_document_that_is_no_map_has_no_flat_keys() -> None:
    assert keys.flatten([1, 2]) == {}
    assert keys.flatten({}) == {}


def test_the_nearest_keys_are_those_with_the_same_end_and_much_the_same_letters() -> None:
    known = ["train.lr", "train.epochs", "model.lr", "seed"]
    assert keys.nearest("lr", known) == ["train.lr", "model.lr"]
    assert keys.nearest("train.epoch", known) == ["train.epochs"]
    assert keys.nearest("epoch", known) == ["train.epochs"]
    assert keys.nearest("zzz", known) == []


@pytest.mark.parametrize(
    ("left", "right"),
    [(1, 1.0), (1, True), (0.0, -0.0), ({"a": 1}, {"a": 1.0}), ({1: 0}, {True: 0}), ([1], [1, 1]), ("", None)],
)
def test_data_of_other_types_is_not_the_same(left: Any, right: Any) -> None:
    assert not keys.same(left, right)


def test_the_order_of_keys_does_not_matter_and_not_a_number_is_itself() -> None:
    assert keys.same({"a": float("nan"), "b": [1]}, {"b": [1], "a": float("nan")})
