"""`dvc exp show` as a table: titles, order, what is left out; real DVC judges the bytes in tests/compat."""

from __future__ import annotations

import json

import pytest

from assay.cli.render.dvccolumns import Form, Picked, chosen, csv, lines, markdown, tabulated
from assay.engine.errors import AssayError, UsageError
from assay.engine.experiments.dvcshow import Base, Executor, Range, Rev

FORM = Form("-", 5, iso=False, now=0)


def rev(name, metrics=None, params=None, number=1):
    data = {
        "params": {"params.yaml": {"data": params or {}}},
        "metrics": {"m.json": {"data": metrics or {}}},
        "deps": {"raw": {"hash": "abc", "size": 1, "nfiles": None}},
        "outs": {},
        "meta": {},
    }
    return Rev(f"{number:040x}", name, 1_700_000_000 + number, json.dumps(data)[1:-1])


def one(name, number, executor=None, **parts):
    return Range([rev(name, number=number, **parts)], executor, name)


def table(*experiments, sort_by=None, descending=False, base=None):
    return tabulated([Base(base or rev("main"), experiments)], FORM, sort_by, descending=descending)


def names(found):
    return [name for name in found.cells["Experiment"] if name]


def test_a_key_that_two_files_have_is_titled_with_its_file():
    heads = list(table(one("a", 1, metrics={"acc": 1, "x": 2}, params={"acc": 3, "State": 4})).cells)
    assert heads[7:] == ["m.json:acc", "x", "params.yaml:acc", "params.yaml:State", "raw"]


def test_missing_values_come_last_and_descending_first():
    group = [one("none", 1), one("low", 2, metrics={"acc": 1}), one("high", 3, metrics={"acc": 2})]
    assert names(table(*group, sort_by="acc")) == ["low", "high", "none"]
    assert names(table(*group, sort_by="m.json:acc", descending=True)) == ["none", "high", "low"]


def test_numbers_come_before_words():
    group = [one("word", 1, metrics={"acc": "x"}), one("number", 2, metrics={"acc": 2})]
    assert names(table(*group, sort_by="acc")) == ["number", "word"]


def test_what_cannot_be_read_has_no_value_to_sort_by():
    broken = Range([Rev("f" * 40, "broken", None, "", '"msg": "m", "type": "t"')], None, "broken")
    assert names(table(broken, one("good", 1, metrics={"acc": 2}), sort_by="acc")) == ["good", "broken"]


def test_names_to_sort_by_must_be_one_column():
    group = [one("a", 1, metrics={"acc": 1}, params={"acc": 1})]
    with pytest.raises(AssayError, match=r"^Ambiguous sort column 'acc' matched 'm\.json:acc, params\.yaml:acc'$"):
        table(*group, sort_by="acc")
    with pytest.raises(AssayError, match="Unknown sort column 'b'"):
        table(*group, sort_by="b")


def test_states_have_columns_only_where_there_are_any():
    group = [one("a", 1), one("b", 2, Executor("queued", "dvc-task"))]
    assert chosen(table(*group), Picked(), is_tree=True).cells["Executor"] == ["-", "-", "Dvc-task"]
    assert "State" not in chosen(table(group[0]), Picked(), is_tree=True).cells


def test_what_is_kept_is_never_left_out():
    found = chosen(table(one("a", 1, metrics={"acc": 1})), Picked(("acc",), (".*",)), is_tree=True)
    assert list(found.cells) == ["acc"]
    with pytest.raises(UsageError):
        chosen(table(), Picked(("(",)), is_tree=True)


def test_only_what_differs():
    group = [one("a", 1, metrics={"acc": 1, "same": 0}), one("b", 2, metrics={"acc": 2, "same": 0})]
    base = rev("main", metrics={"acc": 0, "same": 0})
    found = chosen(table(*group, base=base), Picked(only_changed=True), is_tree=True)
    assert list(found.cells) == ["Experiment", "acc"]


def test_control_characters_stay_in_csv_alone():
    found = chosen(table(one("a", 1, params={"k": "x\x1b[31m\ny"})), Picked(), is_tree=True)
    assert "\x1b" not in lines(found) + markdown(found)
    assert "\x1b[31m\ny" in csv(found)


def test_without_rows_there_is_no_table():
    assert lines(tabulated([], FORM, None, descending=False)) == ""
