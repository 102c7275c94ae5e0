"""Strict JSON, one row a line."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.cli.render import json as render
from assay.engine.experiments.show import Group, Table
from assay.engine.experiments.values import plain
from tests.unit.cli.render.conftest import NOW, row

MEMBERS = {"name", "commit", "state", "tags", "note", "created", "author", "message"}
MEMBERS |= {"params", "metrics", "deps", "outs", "errors"}


def refuse(word):
    raise ValueError(word)


def written(table):
    out = io.StringIO()
    render.write(table, out)
    out.getvalue().encode("ascii")
    return json.loads(out.getvalue(), parse_constant=refuse)


def test_the_whole_table(table):
    found = written(table)
    assert list(found) == ["schema", "workspace", "baselines"]
    assert found["schema"] == 1
    assert set(found["workspace"]) == MEMBERS
    assert found["workspace"]["state"] == "workspace"
    assert {found["workspace"][key] for key in ("name", "commit", "created", "author")} == {None}
    main, tag = found["baselines"]
    assert set(main) == MEMBERS | {"experiments"}
    assert (main["name"], main["state"]) == ("main", "baseline")
    assert [set(row) for row in main["experiments"]] == [MEMBERS, MEMBERS]
    assert main["experiments"][0] == {
        "name": "brave-lynx", "commit": f"{0x408:040x}", "state": "success", "created": "2023-11-14T22:12:20Z",
        "author": "Ann <ann@example.com>", "message": "message", "tags": [], "note": None,
        "deps": {}, "outs": {}, "errors": {},
        "params": {"p.yaml": {"train": {"lr": 1e-05}, "opt": "adam|w", "layers": [1, 2]}},
        "metrics": {"m.json": {"acc": 0.123456789, "note": "same"}},
    }  # fmt: skip
    assert main["experiments"][1]["metrics"]["m.json"]["acc"] == "NaN"
    assert tag["experiments"] == []
    assert tag["errors"] == {"m.json": "m.json, line 1: it is not JSON."}


def test_without_a_workspace_and_commits():
    assert written(Table(None, ())) == {"schema": 1, "workspace": None, "baselines": []}


@pytest.mark.parametrize("count", [0, 1, 999, 1_000, 1_001, 2_500])
def test_any_number_of_rows_is_put_together_right(count):
    rows = [row(f"exp-{at}", at=NOW) for at in range(count)]
    found = written(Table(None, (Group(row("main", "baseline", at=NOW), rows),)))
    assert [row["name"] for row in found["baselines"][0]["experiments"]] == [f"exp-{at}" for at in range(count)]


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text() | st.integers(), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=60)
@given(st.text(min_size=1), values)
def test_any_name_and_any_value_give_strict_json(name, value):
    document = plain(value)
    found = written(Table(None, (Group(row(name, "baseline", at=NOW, params={"p.yaml": document}), []),)))
    assert found["baselines"][0]["name"] == name
    assert found["baselines"][0]["params"]["p.yaml"] == document
