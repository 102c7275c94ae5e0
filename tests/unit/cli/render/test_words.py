"""Words that depend on numbers."""

from __future__ import annotations

import pytest

from assay.cli.render.words import counted


@pytest.mark.parametrize(("number", "words"), [(0, "0 files"), (1, "1 file"), (2, "2 files"), (20_000, "20,000 files")])
def test_a_noun_follows_its_number(number: int, words: str) -> None:
    assert counted(number, "file") == words
