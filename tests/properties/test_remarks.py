"""Tags and notes merge in any order, any number of times, to the same thing, and nothing that was said is lost."""

from __future__ import annotations

from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st

from assay.engine.notes.remarks import NOTHING, Edit, edited, merge, parse, reverse, shown, to_bytes

TAGS = ["best", "v2", "ä/ß"]
people = st.sampled_from(["Ann <ann@example.com>", "Bob <bob@example.com>"])
times = st.integers(0, 5)  # few, so that two people often edit in the same second
edits = st.one_of(
    st.dictionaries(st.sampled_from(TAGS), st.booleans(), min_size=1).map(Edit),
    st.one_of(st.none(), st.sampled_from(["one", "two", "\udcff\n", ""])).map(lambda text: Edit({}, True, text)),
)
histories = st.lists(st.tuples(edits, times, people), max_size=6)


def told(history, start=NOTHING):
    for edit, time, by in history:
        start = edited(start, edit, time, by)
    return start


remarks = histories.map(told)


@given(remarks, remarks)
def test_it_does_not_matter_who_merges_with_whom(ours, theirs):
    assert merge(ours, theirs) == merge(theirs, ours)


@given(remarks, remarks, remarks)
def test_it_does_not_matter_in_which_order_three_are_merged(one, two, three):
    assert merge(merge(one, two), three) == merge(one, merge(two, three))


@given(remarks, remarks)
def test_it_does_not_matter_how_often_they_are_merged(ours, theirs):
    assert merge(ours, ours) == ours
    assert merge(merge(ours, theirs), theirs) == merge(ours, theirs)


@given(histories, histories, histories)
def test_nothing_is_lost(before, ours, theirs):
    base = told(before)
    one, two = told(ours, base), told(theirs, base)
    both = merge(one, two)
    assert {*both.notes} == {*one.notes, *two.notes}
    assert both.tags.keys() == {*one.tags, *two.tags}
    for name, tag in both.tags.items():
        assert all(tag >= side.tags[name] for side in (one, two) if name in side.tags)
        if one.tags.get(name) == base.tags.get(name):  # only they edited it: their edit counts
            assert tag == two.tags[name]
    if one.notes == base.notes:
        assert shown(both).note == shown(two).note


@given(histories, histories)
def test_whoever_saw_the_other_has_the_last_word_whatever_the_clocks_say(ours, theirs):
    one = told(ours)
    two = told(theirs, one)
    assert merge(one, two) == two


@given(remarks, edits, times, people)
def test_an_edit_is_what_is_shown_and_its_reverse_gives_back_what_was(said, edit, time, by):
    after = edited(said, edit, time, by)
    for name, on in edit.tags.items():
        assert (name in shown(after).tags) == on
    if edit.sets_note:
        assert shown(after).note == edit.note
    assert shown(edited(after, reverse(said, edit), time, by)) == shown(said)
    assert edited(after, edit, time, by) == after


@given(remarks)
def test_what_is_written_is_read_again(said):
    data = to_bytes(said)
    assert parse(data) == said
    assert to_bytes(parse(data)) == data


@settings(max_examples=300)
@given(remarks.map(to_bytes), st.data())
def test_anything_else_is_refused_as_such(data, draw):
    at = draw.draw(st.integers(0, len(data)))
    cut = data[:at] + draw.draw(st.binary(max_size=3)) + data[at + draw.draw(st.integers(0, 3)) :]
    with suppress(ValueError):
        assert parse(to_bytes(parse(cut))) == parse(cut)
