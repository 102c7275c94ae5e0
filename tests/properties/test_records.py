"""Whatever the files of a commit hold, its row is the same read from objects, from the index, and without an index."""

from __future__ import annotations

import json
import os
import tempfile

from hypothesis import given, settings
from hypothesis import strategies as st

from assay.cli.render import json as render
from assay.engine.experiments.columns import columns
from assay.engine.experiments.index import Field
from assay.engine.experiments.records import Records
from assay.engine.experiments.show import show
from tests.unit.engine.conftest import DVC_YAML, Built

keys = st.text("ab.é\"' ", min_size=1, max_size=4)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
nested = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(keys, inner, max_size=2), max_leaves=5
)
documents = st.dictionaries(keys, nested, max_size=4)
files = st.fixed_dictionaries(
    {"metrics.json": documents.map(json.dumps) | st.just("{broken"), "params.yaml": documents.map(json.dumps)}
)


def refuse(word):
    raise ValueError(word)


@settings(max_examples=40)
@given(st.lists(files, min_size=1, max_size=3))
def test_a_table_is_the_same_cold_indexed_and_without_an_index(contents):
    with tempfile.TemporaryDirectory() as folder:
        os.mkdir(f"{folder}/project")
        built = Built(f"{folder}/project")
        built.baseline({"dvc.yaml": DVC_YAML})
        for at, content in enumerate(contents):
            built.experiment(f"exp-{at}", content, time=1_000 + at)
        cold = show(built.project)
        assert show(built.reopened()) == cold
        indexed = values(built)
        os.unlink(f"{built.project.state}/records.db")
        os.mkdir(f"{built.project.state}/records.db")
        built.world = built.world._replace(user_cache="")
        assert show(built.reopened()) == cold
        assert values(built) == indexed == from_bodies(cold)
        for row in cold.rows():
            json.loads(render.line(row), parse_constant=refuse)
        built.project.close()


def values(built):
    """Every value of every field by commit, as filters and sorting see them."""
    commits = [commit for _, commit in built.project.repo.refs.iterate("refs/")]
    with Records(built.project) as records:
        owners = {number: commit for commit, number, _ in records.headers(commits).values()}
        found = {field: records.values(field) for field in records.fields()}
    return {(field, owners[at]): [type(one), one] for field, column in found.items() for at, one in column.items()}


def from_bodies(table):
    """The same, out of the rows that are shown."""
    rows = table.rows()[1:]
    return {
        (Field(*column.field), row.commit): [type(one), one]
        for column in columns([row.body for row in rows])
        for row, one in zip(rows, column.cells, strict=True)
        if type(one) is not object
    }
