"""Words that depend on numbers."""

from __future__ import annotations

import pytest

from assay.engine.words import counted, first_of


@pytest.mark.parametrize(("number", "words"), [(0, "0 files"), (1, "1 file"), (2, "2 files"), (20_000, "20,000 files")])
def test_a_noun_follows_its_number(number: int, words: str) -> None:
    assert counted(number, "file") == words


@pytest.mark.parametrize(("number", "words"), [(1, "1 directory"), (2, "2 directories")])
def test_a_plural_can_be_a_word_of_its_own(number: int, words: str) -> None:
    assert counted(number, "directory", "directories") == words


@pytest.mark.parametrize(("names", "words"), [("", ""), ("a", "a"), ("abc", "a, b, c"), ("abcd", "a, b, c and 1 more")])
def test_a_sentence_names_the_first_and_counts_the_others(names: str, words: str) -> None:
    assert first_of(iter(names), 3) == words
