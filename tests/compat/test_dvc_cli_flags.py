"""`assay-dvc` has every verb of DVC's, or says that it will; and of its verbs every flag, or the table here says which.

The flags come from DVC's own parser, so that a new DVC shows what it added.
"""

from __future__ import annotations

import pytest

from assay.cli.dvc.main import ALIASES, LATER, VERBS, module_of, parser_for

DEBTS: dict[str, set[str]] = {
    "gc": {"-c", "--cloud", "-j", "--jobs"},
}
"""Flags that DVC's verb has and ours has not, by verb."""


@pytest.fixture(scope="module")
def dvcs(dvc_process):
    """DVC's verbs, under the one name that each has here, with their options."""
    found = dvc_process.ask("flags")["verbs"]
    return {canonical(name): options for name, options in found.items()}


def canonical(name):
    first, _, second = name.partition(" ")
    name = f"{ALIASES.get(first, first)} {second}".strip()
    return ALIASES.get(name, name)


def options_of(verb):
    """The options of a verb here: how each is spelled, and whether it takes a value."""
    actions = parser_for(verb, module_of(verb))._actions
    return {name: action.nargs != 0 for action in actions for name in action.option_strings}


def test_every_verb_of_dvcs_is_here_or_named_as_to_come(dvcs):
    assert sorted(dvcs) == sorted([*VERBS, *LATER])


def test_every_other_word_for_a_verb_is_known(dvc_process, dvcs):
    assert {canonical(name) for name in dvc_process.ask("flags")["verbs"]} == set(dvcs)


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_has_the_flags_that_dvcs_has(dvcs, verb):
    here = options_of(verb)
    theirs = {name: takes for names, takes, _ in dvcs[verb] for name in names}
    missing = {name for name in theirs if name not in here}
    assert missing == DEBTS.get(verb, set())
    assert {name: here[name] for name in theirs if name in here} == {
        name: takes for name, takes in theirs.items() if name in here
    }


def test_the_debts_are_of_verbs_that_are_here():
    assert set(DEBTS) <= set(VERBS)
