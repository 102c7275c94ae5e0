"""`assay metrics` and `assay params`: what they show, in every form."""

from __future__ import annotations

import json

import pytest


@pytest.fixture
def compared(project, assay):
    """A project with two experiments; the workspace is the second."""
    for lr in ("0.2", "0.3"):
        assay("run", "-S", f"train.lr={lr}", "-n", f"lr{lr[2:]}", cwd=project)
    return project


def test_metrics_diff_has_old_new_change_and_percent(compared, assay):
    assert assay("metrics", "diff", "lr2", "lr3", cwd=compared).out == (
        "Path          Metric  lr2  lr3  Change  Percent\nmetrics.json  acc     0.2  0.3    +0.1     +50%\n"
    )


def test_metrics_diff_as_json_has_dvcs_shape_and_percent(compared, assay):
    found = json.loads(assay("metrics", "diff", "lr2", "lr3", "--json", cwd=compared).out)
    acc = found["metrics.json"]["acc"]
    assert acc == {"old": 0.2, "new": 0.3, "diff": 0.3 - 0.2, "percent": pytest.approx(50)}


def test_without_revisions_head_and_the_workspace_are_compared(compared, assay):
    out = assay("params", "diff", cwd=compared).out
    assert out.splitlines()[0].split() == ["Path", "Param", "HEAD", "workspace", "Change", "Percent"]
    assert out.splitlines()[1].split() == ["params.yaml", "train.lr", "0.1", "0.3", "+0.2", "+200%"]


def test_what_is_the_same_is_shown_on_demand(compared, assay):
    out = assay("params", "diff", "--all", "--no-path", cwd=compared).out
    assert [line.split()[0] for line in out.splitlines()] == ["Param", "train.lr", "train.epochs", "seed"]


def test_only_what_stages_read(compared, assay):
    found = json.loads(assay("params", "diff", "--all", "--deps", "--json", cwd=compared).out)
    assert list(found["params.yaml"]) == ["train.lr", "train.epochs"]


def test_markdown(compared, assay):
    assert assay("metrics", "diff", "lr2", "lr3", "--md", cwd=compared).out.splitlines()[1:] == [
        "|--------------|--------|-----|-----|--------|---------|",
        "| metrics.json | acc    | 0.2 | 0.3 | +0.1   | +50%    |",
    ]


def test_nothing_is_said_where_nothing_differs(compared, assay):
    assert assay("metrics", "diff", "lr3", "workspace", cwd=compared).out == ""
    assert assay("metrics", "diff", "lr3", "workspace", "--json", cwd=compared).out == "{}\n"


def test_metrics_show_of_the_workspace(compared, assay):
    assert assay("metrics", "show", cwd=compared).out == (
        "Path          Metric    Value\nmetrics.json  acc         0.3\nmetrics.json  loss.val    0.5\n"
    )


def test_metrics_show_of_revisions_side_by_side(compared, assay):
    assert assay("metrics", "show", "--rev", "lr2", "--rev", "workspace", cwd=compared).out == (
        "Revision   acc  loss.val\nworkspace  0.3       0.5\nlr2        0.2       0.5\n"
    )


def test_params_show_of_branches_and_tags_as_json(compared, assay, git):
    git("tag", "v1", cwd=compared)
    found = json.loads(assay("params", "show", "-a", "-T", "--json", cwd=compared).out)
    assert [(row["name"], row["params"]["params.yaml"]["train"]["lr"]) for row in found["revisions"]] == [
        ("workspace", 0.3),
        ("main,v1", 0.1),
    ]


def test_every_commit_is_shown_newest_first(compared, assay):
    assay("baseline", "-m", "second", "--from", "lr2", cwd=compared)
    out = assay("metrics", "show", "-A", cwd=compared).out.splitlines()
    assert [line.split()[0] for line in out[1:3]] == ["workspace", "main"]
    assert len(out) == 4


def test_targets_need_not_be_known_to_a_pipeline_and_are_read_whole(compared, assay):
    (compared / "other").mkdir()
    (compared / "other" / "more.yaml").write_text("f1: 0.7\n")
    out = assay("metrics", "show", "other", cwd=compared).out
    assert out.splitlines()[1].split() == ["other/more.yaml", "f1", "0.7"]
    out = assay("params", "diff", "--targets", "more.yaml", cwd=compared / "other").out
    assert out.splitlines()[1].split() == ["other/more.yaml", "f1", "-", "0.7", "-", "-"]


def test_a_file_that_cannot_be_read_is_named_and_the_rest_is_shown(compared, assay):
    (compared / "metrics.json").write_text("{")
    (compared / "dvc.yaml").write_text((compared / "dvc.yaml").read_text() + "metrics:\n- more.json\n")
    (compared / "more.json").write_text('{"f1": 0.7}')
    said = assay("metrics", "show", cwd=compared, code=1)
    assert "more.json" in said.out
    assert "workspace: metrics.json" in said.err
    said = assay("metrics", "diff", "lr2", cwd=compared, code=1)
    assert "workspace: metrics.json" in said.err


def test_a_broken_params_file_does_not_concern_metrics(compared, assay):
    (compared / "params.yaml").write_text("train: [\n")
    assert assay("metrics", "diff", "lr2", cwd=compared).err == ""
    assert "workspace: params.yaml" in assay("params", "diff", "lr2", cwd=compared, code=1).err


def test_precision(compared, assay):
    (compared / "metrics.json").write_text('{"acc": 0.123456789}')
    assert " 0.12346" in assay("metrics", "show", cwd=compared).out
    assert " 0.12\n" in assay("metrics", "show", "--precision", "2", cwd=compared).out
