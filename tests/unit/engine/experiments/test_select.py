"""Filtering and ordering: names, ties, what is missing, and what to say about a name that is not there."""

from __future__ import annotations

import pytest

from assay.engine.errors import UsageError
from assay.engine.experiments.index import Field
from assay.engine.experiments.select import Candidates, Selection, select
from assay.engine.model import Oid
from assay.engine.notes.remarks import Shown

ACC = Field("metrics", "m.json", "acc")
LR, OTHER, FAR = (Field("params", f"{name}.yaml", key) for name, key in (("params", "lr"), ("x", "lr"), ("far", "far")))


class Known:
    """Records as `select` asks for them."""

    def __init__(self, values):
        self._values = values

    def fields(self):
        return set(self._values)

    def values(self, field):
        return self._values[field]

    def authors(self):
        return {number: "Ann <ann@x>" if number % 2 else "Bob <bob@x>" for number in range(10)}


RECORDS = Known({ACC: {1: 0.5, 2: 0.9, 3: "NaN", 4: 0.5}, LR: {1: 0.1, 2: 0.2}, FAR: {99: 1}})


def candidates(numbers=range(1, 6), times=None):
    return Candidates(
        [f"exp-{at}" for at in numbers],
        [Oid(bytes([at]) * 20) for at in numbers],
        list(numbers),
        times or [1_000 + at for at in numbers],
        [at % 2 for at in numbers],
        ["main", "main"],
        {Oid(bytes([2]) * 20): Shown(("a", "b")), Oid(bytes([4]) * 20): Shown((), "text")},
    )


ROWS = candidates()


def chosen(records=RECORDS, rows=ROWS, **selection):
    return [rows.numbers[row] for row in select(rows, Selection(**selection), records)]


def test_the_newest_come_first():
    assert chosen() == [5, 4, 3, 2, 1]


def test_the_oldest_come_first_when_asked():
    assert chosen(descending=False) == [1, 2, 3, 4, 5]


def test_of_two_of_one_time_the_larger_id_comes_first():
    assert chosen(rows=candidates(times=[7] * 5)) == [5, 4, 3, 2, 1]


def test_sorting_is_ascending_and_ties_stay_newest_first_and_what_has_no_number_comes_last():
    assert chosen(sort_by="acc") == [4, 1, 2, 5, 3]


def test_descending_keeps_what_has_no_number_last():
    assert chosen(sort_by="acc", descending=True) == [2, 4, 1, 5, 3]


def test_the_top_ones_are_the_largest():
    assert chosen(sort_by="acc", top=2) == [2, 4]


def test_the_top_ones_are_the_smallest_when_asked():
    assert chosen(sort_by="acc", top=1, descending=False) == [4]


@pytest.mark.parametrize("descending", [True, False])
@pytest.mark.parametrize("top", range(1, 8))
def test_the_top_ones_are_the_first_of_all(descending, top):
    assert chosen(sort_by="acc", top=top, descending=descending) == chosen(sort_by="acc", descending=descending)[:top]
    assert chosen(top=top, descending=descending) == chosen(descending=descending)[:top]


def test_the_top_ones_are_the_newest_when_nothing_is_sorted_by():
    assert chosen(top=2) == [5, 4]


def test_rows_are_filtered_by_values_and_by_fields():
    assert chosen(where="acc = 0.5 and lr < 1") == [1]
    assert chosen(where="name ~ '[12]$'") == [2, 1]
    assert chosen(where="author ~ '^Ann' and state = 'success'") == [5, 3, 1]
    assert chosen(where="created < '1970-01-01T00:16:43Z'") == [2, 1]
    assert chosen(where="baseline = 'main' and not (acc > 0)") == [5, 3]
    assert chosen(where="m.json:acc > 0.6") == [2]


def test_a_name_that_no_row_has_is_refused_with_near_ones():
    with pytest.raises(UsageError, match="--where: no experiment shown here has 'ac'") as caught:
        chosen(where="ac > 1")
    assert "acc" in caught.value.hint
    with pytest.raises(UsageError, match="--sort-by: no experiment shown here has 'far'"):
        chosen(sort_by="far")


def test_the_end_of_a_nested_key_is_recognised():
    records = Known({Field("params", "params.yaml", "train.lr"): {1: 0.1}})
    with pytest.raises(UsageError) as caught:
        chosen(records, where="lr < 1")
    assert "train.lr" in caught.value.hint


def test_a_name_is_not_refused_where_there_are_no_rows():
    assert chosen(rows=candidates([]), where="nope > 1", sort_by="gone") == []


def test_a_key_in_several_files_needs_its_file():
    records = Known({LR: {1: 0.1}, OTHER: {2: 0.2}})
    with pytest.raises(UsageError, match="'lr' is in several files") as caught:
        chosen(records, sort_by="lr")
    assert caught.value.hint == "Say which: params.yaml:lr or x.yaml:lr."
    assert chosen(records, where="x.yaml:lr > 0") == [2]


def test_a_key_that_other_files_have_in_rows_not_shown_here_needs_none():
    records = Known({LR: {1: 0.1}, OTHER: {99: 0.2}})
    assert chosen(records, where="lr > 0") == [1]


def test_a_file_that_is_both_params_and_metrics_is_one():
    records = Known({Field("metrics", "a.json", "x"): {1: 5}, Field("params", "a.json", "x"): {1: 5}})
    assert chosen(records, where="x = 5") == [1]


def test_a_file_that_is_one_value_is_called_by_its_name():
    records = Known({Field("metrics", "acc.txt", ""): {1: 5, 2: 6}})
    assert chosen(records, sort_by="acc.txt", top=1) == [2]


def test_rows_without_tags_or_notes_come_last():
    assert chosen(sort_by="tag") == [2, 5, 4, 3, 1]
    assert chosen(sort_by="note") == [4, 5, 3, 2, 1]


def test_a_tag_is_one_of_several():
    assert chosen(where="tag = 'b'") == [2]
    assert chosen(where="tag != 'b'") == [5, 4, 3, 1]
    assert chosen(where="note = 'text'") == [4]
