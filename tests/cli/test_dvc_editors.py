"""What DVC's extension for VS Code calls and reads: the calls, and the shapes that it counts on."""

from __future__ import annotations

import json

import pytest

from assay.engine.git.repository import Repository
from tests.dvchistory import BASE, STATES, History, named


@pytest.fixture
def root(tmp_path):
    (tmp_path / "project").mkdir()
    Repository.init(str(tmp_path / "project")).close()
    history = History(tmp_path / "project", BASE)
    second = history.commit(history.first, {"note": "2"})
    history.experiments(history.first, named(STATES))
    history.experiments(second, {"one": {}})
    history.repo.close()
    return tmp_path / "project", [second.hex(), history.first.hex()]


def is_state(row, *, top):
    """Whether a row is what the extension's types say."""
    data, error = row["data"], row["error"]
    if error is not None and not (isinstance(error["msg"], str) and isinstance(error["type"], str)):
        return False
    if data is not None:
        files = [*data["params"].values(), *data["metrics"].values()]
        if not all(isinstance(file, dict) and ("data" in file or "error" in file) for file in files):
            return False
        if not all({"hash", "size", "nfiles"} == dep.keys() for dep in data["deps"].values()):
            return False
        if not all(
            {"hash", "size", "nfiles", "use_cache", "is_data_source"} == out.keys() for out in data["outs"].values()
        ):
            return False
    return isinstance(row["rev"], str) and (data or error) is not None and (top or row["experiments"] is None)


def test_the_table_of_experiments(assay_dvc, root):
    folder, revs = root
    said = assay_dvc("exp", "show", "--rev", revs[0], "--rev", revs[1], "--json", cwd=folder)
    assert said.err == ""
    rows = json.loads(said.out)
    assert [row["rev"] for row in rows] == ["workspace", *revs]
    for row in rows:
        assert is_state(row, top=True)
        for found in row["experiments"] or ():
            assert {"revs", "executor", "name"} == found.keys()
            assert all(is_state(rev, top=False) for rev in found["revs"])
    assert len(rows[2]["experiments"]) == len(STATES)


def test_no_revision_is_head(assay_dvc, root):
    folder, _ = root
    assert (
        assay_dvc("exp", "show", "--rev", "", "--json", cwd=folder).out
        == assay_dvc("exp", "show", "--json", cwd=folder).out
    )


def test_each_id_of_the_table_is_one_that_other_verbs_take(assay_dvc, root):
    folder, _ = root
    rows = json.loads(assay_dvc("exp", "show", "--json", cwd=folder).out)
    for name in [rows[1]["name"] or rows[1]["rev"], *(found["name"] for found in rows[1]["experiments"] or ())]:
        assay_dvc("exp", "diff", name, "--json", cwd=folder)
