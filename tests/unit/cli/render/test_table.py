"""The table for people: what is aligned, what is left out, and that it says so."""

from __future__ import annotations

import re

import pytest

from assay.cli.render.table import Style, lines
from assay.engine.experiments.columns import columns
from assay.engine.experiments.show import Group, Table
from tests.unit.cli.render.conftest import NOW, row


def shown(table, **style):
    found = columns([row.body for row in table.rows()])
    return "\n".join(lines(table, found, Style(NOW, **style)))


WHOLE = """\
Experiment      Created         acc  note  train.lr  opt     layers  aug
workspace       -               0.5  same       0.1  -       -       -
main            2023-11-13      0.5  same       0.1  -       -       -
├── brave-lynx  22:12       0.12346  same     1e-05  adam|w  [1, 2]  -
└── calm-wolf   2022-10-10      NaN  same      null  -       -       true
v1 !            2023-11-13        !  !            -  -       -       -

! v1: m.json, line 1: it is not JSON."""


def test_a_table_that_fits_has_every_column(table):
    assert shown(table) == WHOLE
    assert shown(table, screen=73) == WHOLE


def test_a_table_that_does_not_fit_has_only_columns_that_differ(table):
    table = Table(table.workspace, table.groups[:1])
    text = shown(table, screen=67)
    assert text.splitlines()[0] == "Experiment      Created         acc  train.lr  opt     layers  aug"
    assert text.splitlines()[-1] == (
        "1 column not shown, all the same in every row: `--wide` shows everything, `--keep REGEX` what you name."
    )
    assert "note" not in text


def test_when_even_those_do_not_fit_the_first_ones_are_shown_and_pinned_ones_before_them(table):
    text = shown(table, screen=44)
    assert text.splitlines()[0] == "Experiment      Created         acc  note"
    assert "4 columns not shown: `--wide`" in text
    pinned = shown(table, screen=44, pinned=frozenset(["aug"]))
    assert pinned.splitlines()[0] == "Experiment      Created         acc  aug"


def test_one_column_is_shown_however_narrow_the_screen(table):
    assert shown(table, screen=10).splitlines()[0] == "Experiment      Created         acc"


def test_colours_change_nothing_but_colours(table):
    coloured = shown(table, colour=True)
    assert "\x1b[1m" in coloured
    plain = re.sub(r"\x1b\[[0-9;]*m", "", coloured)
    assert [line.rstrip() for line in plain.splitlines()] == shown(table).splitlines()


def test_wide_characters_are_aligned(table):
    wide = row("宽", "baseline", at=NOW - 90_000, params={"p.yaml": {"a": "é", "b": 1}})
    text = shown(Table(None, (Group(wide, [row("x", at=NOW, params={"p.yaml": {"a": "漢字", "b": 2}})]),)))
    assert text.splitlines() == [
        "Experiment  Created     a     b",
        "宽          2023-11-13  é     1",
        "└── x       22:13       漢字  2",
    ]


def test_text_from_a_repository_cannot_control_the_terminal():
    evil = row("a\x1b[31mb", "baseline", at=NOW, params={"p.yaml": {"k\x07": "x\ny\u202e"}})
    text = shown(Table(None, (Group(evil, []),)))
    assert "\x1b" not in text
    assert "\x07" not in text
    assert text.splitlines()[1] == r"a\x1b[31mb  22:13    x\ny\x202e"


def test_a_long_value_is_cut():
    text = shown(Table(None, (Group(row("main", "baseline", at=NOW, params={"p.yaml": {"k": "x" * 100}}), []),)))
    assert text.splitlines()[1].endswith("x" * 39 + "…")


def test_only_the_first_errors_are_explained_and_the_others_counted():
    broken = [row(f"exp-{at:02d}", at=NOW, errors={"m.json": "m.json: bad."}) for at in range(13)]
    text = shown(Table(None, (Group(row("main", "baseline", at=NOW), broken),)))
    assert text.count(": m.json: bad.") == 10
    assert text.splitlines()[-1] == "! and 3 more; `assay show --json` has them all."


def test_a_state_is_a_column_only_where_some_experiment_is_not_done():
    group = Group(row("main", "baseline", at=NOW), [row("x", "failed", at=NOW), row("y", at=NOW)])
    assert shown(Table(None, (group,))).splitlines()[0] == "Experiment  Created  State"


@pytest.mark.parametrize(("precision", "text"), [(2, "0.12"), (7, "0.1234568"), (17, "0.123456789")])
def test_fractions_have_as_many_digits_as_asked(table, precision, text):
    assert f" {text} " in shown(table, precision=precision)


def test_a_table_of_nothing_has_a_head():
    assert shown(Table(None, ())) == "Experiment  Created"
