"""Columns: what they are called, which differ, which are asked for."""

from __future__ import annotations

import pytest

from assay.engine.errors import UsageError
from assay.engine.experiments.columns import UNREADABLE, chosen, columns
from assay.engine.experiments.index import body_of
from assay.engine.experiments.values import MISSING
from assay.engine.model import Experiment, Oid, Signature


def body(metrics=None, params=None, errors=None):
    who = Signature("", "", 0)
    return body_of(
        Experiment(Oid(bytes(20)), (), "", who, metrics=metrics or {}, params=params or {}, errors=errors or {})
    )


def titles(found):
    return [column.title for column in found]


def test_metrics_come_before_params_each_in_the_order_of_their_files():
    rows = [body({"m.json": {"z": 1, "a": 2}}, {"p.yaml": {"lr": 1}}), body({"m.json": {"b": 3}}, {"p.yaml": {"x": 1}})]
    assert titles(columns(rows)) == ["z", "a", "b", "lr", "x"]


def test_a_key_that_occurs_in_several_files_is_shown_with_its_file():
    rows = [body({"m.json": {"acc": 1}}, {"p.yaml": {"acc": 2, "lr": 3}})]
    assert titles(columns(rows)) == ["m.json:acc", "p.yaml:acc", "lr"]


def test_a_file_that_is_both_params_and_metrics_is_no_reason_for_that():
    assert titles(columns([body({"a.json": {"x": 1}}, {"a.json": {"x": 1}})])) == ["x", "x"]


def test_a_key_that_is_called_like_a_column_of_every_table_is_shown_with_its_file():
    assert titles(columns([body({}, {"p.yaml": {"State": 1}})])) == ["p.yaml:State"]


def test_a_file_that_is_one_value_is_a_column_of_its_name():
    assert titles(columns([body({"acc.txt": 0.5})])) == ["acc.txt"]


def test_what_a_row_lacks_is_missing_and_what_cannot_be_read_says_so():
    rows = [body({"m.json": {"a": 1}}), body(), body(errors={"m.json": "bad"})]
    assert columns(rows)[0].cells == (1, MISSING, UNREADABLE)


@pytest.mark.parametrize(
    ("one", "other", "differs"),
    [(1, 1, False), (1, 2, True), (1, 1.0, True), (1, True, True), ([1], [1], False), (None, None, False)],
)
def test_a_column_differs_when_its_values_do(one, other, differs):
    rows = [body({}, {"p.yaml": {"x": one}}), body({}, {"p.yaml": {"x": other}})]
    assert columns(rows)[0].differs is differs


def test_a_column_that_a_row_lacks_differs():
    assert columns([body({}, {"p.yaml": {"x": 1}}), body()])[0].differs


ROWS = [body({"m.json": {"acc": 1, "same": 0}}, {"p.yaml": {"train": {"lr": 1, "wd": 5}}}),
        body({"m.json": {"acc": 2, "same": 0}}, {"p.yaml": {"train": {"lr": 1, "wd": 5}}})]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "left"),
    [
        ({}, ["acc", "same", "train.lr", "train.wd"]),
        ({"only_changed": True}, ["acc"]),
        ({"only_changed": True, "keep": [".*lr"]}, ["acc", "train.lr"]),
        ({"drop": ["train"]}, ["acc", "same"]),
        ({"drop": ["lr"]}, ["acc", "same", "train.lr", "train.wd"]),
        ({"drop": [".*"], "keep": ["same", "acc"]}, ["acc", "same"]),
        ({"drop": ["acc|same", "train[.]lr"]}, ["train.wd"]),
    ],
)
def test_columns_are_hidden_and_kept_by_expressions_from_the_start_of_their_titles(words, left):
    assert titles(chosen(columns(ROWS), **words)) == left


@pytest.mark.parametrize("option", ["drop", "keep"])
def test_what_is_no_regular_expression_is_refused(option):
    with pytest.raises(UsageError, match=f"--{option}: .* is no regular expression"):
        chosen(columns(ROWS), **{option: ["("]})


def test_no_rows_have_no_columns():
    assert columns([]) == []
