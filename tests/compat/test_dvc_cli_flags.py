"""`assay-dvc` has every verb of DVC's, or says that it will; and of its verbs every flag.

The flags come from DVC's own parser, so that a new DVC shows what it added.
"""

from __future__ import annotations

import pytest

from assay.cli.dvc.main import ALIASES, LATER, VERBS, module_of, parser_for


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
    assert {name: here.get(name) for name in theirs} == theirs
