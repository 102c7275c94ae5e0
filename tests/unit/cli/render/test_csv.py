"""The table for other programs."""

from __future__ import annotations

import csv
import io

from assay.cli.render import csv as render
from assay.engine.experiments.columns import columns
from assay.engine.experiments.show import Group, Table
from tests.unit.cli.render.conftest import NOW, row


def written(table, **words):
    out = io.StringIO()
    render.write(table, columns([row.body for row in table.rows()]), out, **words)
    return out.getvalue()


IN_FULL = """\
Experiment,Commit,State,Created,Baseline,acc,note,train.lr,opt,layers,aug
workspace,,workspace,,,0.5,same,0.1,,,
main,00000000000000000000000000000000000001a5,baseline,2023-11-13T21:13:20Z,,0.5,same,0.1,,,
brave-lynx,0000000000000000000000000000000000000408,success,2023-11-14T22:12:20Z,main,0.123456789,same,1e-05,adam|w,"[1, 2]",
calm-wolf,0000000000000000000000000000000000000382,success,2022-10-10T22:13:20Z,main,NaN,same,null,,,true
v1,00000000000000000000000000000000000000a7,baseline,2023-11-13T18:26:40Z,,,,,,,
"""  # noqa: E501 - as it is written


def test_everything_is_there_in_full_and_nothing_stands_for_what_is_missing(table):
    assert written(table) == IN_FULL


def test_fractions_have_as_many_digits_as_asked(table):
    assert ",0.12," in written(table, precision=2)


def test_text_comes_back_as_it_was():
    texts = ['a "b" c', "x,y", "two\nlines", "ü"]
    rows = [row(f"e{at}", at=NOW, params={"p.yaml": {"t": text}}) for at, text in enumerate(texts)]
    table = Table(None, (Group(row("main", "baseline", at=NOW), rows),))
    read = list(csv.DictReader(io.StringIO(written(table), newline="")))
    assert [line["t"] for line in read[1:]] == texts
