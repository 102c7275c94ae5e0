"""What a change is: of numbers, truths, texts, lists, of what is there on one side only."""

from __future__ import annotations

import pytest

from assay.engine.experiments.compare import Change, compare
from assay.engine.experiments.values import MISSING


def one(old, new):
    return compare({"m.json": {"acc": old}}, {"m.json": {"acc": new}})["m.json"]["acc"]


def test_numbers_have_a_change_and_a_percentage():
    assert one(4, 5) == Change(4, 5, 1, 25.0)


def test_the_change_is_that_of_binary_floating_point():
    assert one(0.1, 0.3).change == 0.3 - 0.1


def test_the_percentage_is_of_the_old_values_size():
    assert one(-4, -2).percent == 50.0


def test_nothing_is_a_percentage_of_zero():
    assert one(0, 2) == Change(0, 2, 2, None)


def test_true_counts_as_one_but_has_no_percentage():
    assert one(True, False) == Change(True, False, -1, None)
    assert one(1, True) == Change(1, True, 0, None)


@pytest.mark.parametrize(("old", "new"), [("a", "b"), (1, "1"), (None, 1), ([1], [2])])
def test_other_values_have_only_old_and_new(old, new):
    change = one(old, new)
    assert (change.change, change.percent) == (None, None)


def test_lists_are_spelled_as_python_does():
    assert one([1, "a", True], [1, "a", None]) == Change("[1, 'a', True]", "[1, 'a', None]")


def test_not_a_number_is_the_same_as_itself_and_changes_to_nothing_known():
    assert compare({"m": {"a": "NaN"}}, {"m": {"a": "NaN"}}) == {}
    assert one("NaN", 1.0) == Change("NaN", 1.0, "NaN", None)
    assert one(1.0, "Infinity") == Change(1.0, "Infinity", "Infinity", None)


def test_a_whole_number_and_an_equal_fraction_are_the_same():
    assert compare({"m": {"a": 1}}, {"m": {"a": 1.0}}) == {}


def test_a_missing_side_is_none_of_the_values():
    assert compare({}, {"p": {"a": None}}) == {"p": {"a": Change(MISSING, None)}}
    assert compare({"p": {"a": 1}}, {"p": {}}) == {"p": {"a": Change(1, MISSING)}}


def test_numbers_that_no_float_holds_are_compared_without_a_change():
    assert one((1 << 1024) - 1, 0.5).change is None
    assert one(1, 1 << 1023).change == (1 << 1023) - 1


def test_a_file_that_is_one_value_has_an_empty_key():
    assert compare({"acc": 1}, {"acc": 2}) == {"acc": {"": Change(1, 2, 1, 100.0)}}


def test_the_order_is_that_of_the_new_side_and_then_what_is_gone():
    old = {"p": {"gone": 1, "b": 1, "a": 1}}
    new = {"p": {"a": 2, "b": 2, "c": 2}}
    assert list(compare(old, new)["p"]) == ["a", "b", "c", "gone"]


def test_nested_maps_have_dotted_keys():
    assert list(compare({}, {"p": {"train": {"lr": 1, "opt": {"beta": 2}}}})["p"]) == ["train.lr", "train.opt.beta"]
