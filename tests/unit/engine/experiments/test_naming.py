"""Names that are made up, and names that people choose."""

from __future__ import annotations

import re

import pytest

from assay.engine.errors import Refused
from assay.engine.experiments.naming import ADJECTIVES, NOUNS, fresh, problem_with
from assay.engine.model import ExpRef, Oid

BASELINE = Oid(b"\x12" * 20)


class Choices:
    """Chooses what it is told, then always the first."""

    def __init__(self, *words):
        self.words = list(words)

    def choose(self, options):
        return self.words.pop(0) if self.words else options[0]


class Refs:
    """A store in which some names are taken."""

    def __init__(self, *names):
        self.taken = {ExpRef(BASELINE, name).refname for name in names}

    def read(self, name):
        return Oid(bytes(20)) if name in self.taken else None


def test_there_are_enough_words_of_the_right_length():
    assert len(set(ADJECTIVES)) == len(ADJECTIVES) >= 200
    assert len(set(NOUNS)) == len(NOUNS) >= 200
    assert all(re.fullmatch("[a-z]{5}", word) for word in ADJECTIVES)
    assert all(re.fullmatch("[a-z]{4}", word) for word in NOUNS)


def test_a_made_up_name_is_an_adjective_and_a_noun():
    assert fresh(Refs(), BASELINE, Choices("brave", "lynx")) == "brave-lynx"


def test_a_name_that_the_baseline_has_is_not_used_again():
    choices = Choices("brave", "lynx", "brave", "lynx", "brave", "wolf")
    assert fresh(Refs("brave-lynx"), BASELINE, choices) == "brave-wolf"


def test_when_no_free_name_turns_up_it_is_said():
    with pytest.raises(Refused, match="No free name"):
        fresh(Refs(f"{ADJECTIVES[0]}-{NOUNS[0]}"), BASELINE, Choices())


@pytest.mark.parametrize("name", ["brave-lynx", "a", "lr=0.01", "v1.0", "größe", "a,b"])
def test_an_ordinary_name_is_fine(name):
    assert problem_with(name) == ""


@pytest.mark.parametrize("name", ["", "a/b", "-x", "a b", "a..b", "a.lock", "@", "a~1", "a^", "x:y", "a\\b", ".a"])
def test_a_name_that_no_ref_can_have_is_a_problem(name):
    assert problem_with(name)
