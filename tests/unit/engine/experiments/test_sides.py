"""What is compared: revisions by name, histories, files that cannot be read."""

from __future__ import annotations

import pathlib

import pytest

from assay.engine.errors import BadInput, UnknownRevision
from assay.engine.experiments.changed_code import changed_code
from assay.engine.experiments.changed_data import changed_data, data_of
from assay.engine.experiments.metrics import diff_metrics, show_metrics
from assay.engine.experiments.params import diff_params, show_params
from assay.engine.experiments.sides import Extent, extent, sides
from assay.engine.git.objects import BLOB, TAG
from tests.unit.engine.conftest import DVC_YAML

BASE = {"dvc.yaml": DVC_YAML, "params.yaml": "lr: 0.1\nseed: 7\n", "metrics.json": '{"acc": 0.5}'}

LOCK = f"""\
schema: '2.0'
stages:
  train:
    cmd: python train.py
    outs:
    - path: model.bin
      hash: xxh128
      digest: {"a" * 32}
      size: 5
"""


@pytest.fixture
def history(built):
    """Two commits on main, an experiment of each; the workspace is the second commit."""
    old = built.baseline(BASE, time=1_000)
    built.experiment("first", {"params.yaml": "lr: 0.2\nseed: 7\n", "metrics.json": '{"acc": 0.6}'}, time=1_100)
    built.baseline({"new": "file"}, base=old, time=2_000)
    built.experiment("second", {"params.yaml": "lr: 0.3\n", "metrics.json": None}, time=2_100)
    built.write({**BASE, "new": "file"})
    return old


def tagged(built, name, target, kind=b"commit"):
    """An annotated tag."""
    text = b"object %s\ntype %s\ntag x\ntagger A <a@b> 1 +0000\n\nm\n" % (target.hex().encode(), kind)
    with built.project.repo.objects.batch() as batch:
        oid = batch.add(TAG, text)
    built.ref(f"refs/tags/{name}", oid)


def test_the_workspace_is_what_is_shown_without_more_words(built, history):
    (shown,) = show_metrics(built.project)
    assert (shown.name, shown.commit, shown.documents.found) == ("workspace", None, {"metrics.json": {"acc": 0.5}})


def test_revisions_are_shown_without_the_workspace_unless_it_is_one_of_them(built, history):
    assert [side.name for side in extent(built.project, Extent(("first", "HEAD~1")))] == ["first", "HEAD~1"]
    assert [side.name for side in extent(built.project, Extent(("first", "workspace")))] == ["workspace", "first"]


def test_a_commit_with_several_names_is_shown_once(built, history):
    tagged(built, "v1", built.head)
    found = extent(built.project, Extent(branches=True, tags=True))
    assert [side.name for side in found] == ["workspace", "main,v1"]


def test_a_tag_that_leads_to_no_commit_is_left_out(built, history):
    with built.project.repo.objects.batch() as batch:
        blob = batch.add(BLOB, b"x")
    built.ref("refs/tags/data", blob)
    tagged(built, "also-data", blob, b"blob")
    assert [side.name for side in extent(built.project, Extent(tags=True))] == ["workspace"]


def test_every_commit_of_the_history_is_shown_newest_first(built, history):
    found = extent(built.project, Extent(commits=True))
    assert [side.name for side in found] == ["workspace", "main", history.hex()[:7]]


def test_a_branch_is_among_the_commits_of_its_time_unless_branches_are_asked_for(built, history):
    built.ref("refs/heads/a-first", history)
    assert [side.name for side in extent(built.project, Extent(commits=True))] == ["workspace", "main", "a-first"]
    asked = extent(built.project, Extent(branches=True, commits=True))
    assert [side.name for side in asked] == ["workspace", "a-first", "main"]


def test_the_history_is_that_of_remote_branches_too_and_of_a_head_that_is_on_no_branch(built, history):
    theirs = built.baseline({"their": "file"}, base=history, time=3_000)
    built.ref("refs/remotes/origin/main", theirs)
    built.ref("refs/heads/main", history)
    (pathlib.Path(built.project.root) / ".git/HEAD").write_text(theirs.hex())
    assert {side.commit for side in extent(built.project, Extent(commits=True))} == {None, theirs, history}


def test_an_unknown_revision_is_an_error(built, history):
    with pytest.raises(UnknownRevision, match="nope"):
        sides(built.project, ["HEAD", "nope"])


def test_experiments_of_other_baselines_are_compared_by_name(built, history):
    found = diff_params(built.project, "first", "second")
    assert {key: (change.old, change.percent) for key, change in found.changes["params.yaml"].items()} == {
        "lr": (0.2, pytest.approx(50)),
        "seed": (7, None),
    }


def test_a_metrics_file_that_is_gone_has_no_new_values(built, history):
    (change,) = diff_metrics(built.project, "first", "second").changes["metrics.json"].values()
    assert (change.old, change.change) == (0.6, None)


def test_only_what_stages_read(built, history):
    (shown,) = show_params(built.project, stages_only=True)
    assert shown.documents.found == {"params.yaml": {"lr": 0.1}}


def test_a_target_is_read_whole_and_must_be_on_a_side(built, history):
    built.write({"extra.yaml": "a: 1\n"})
    assert list(diff_params(built.project, "HEAD", "workspace", ["extra.yaml"]).changes) == ["extra.yaml"]
    with pytest.raises(BadInput, match=r"extra\.yaml: there is no such file in HEAD or first"):
        diff_params(built.project, "HEAD", "first", ["extra.yaml"])


def test_a_target_that_cannot_be_read_is_an_error_by_its_name(built, history):
    built.write({"bad.json": "{"})
    (shown,) = show_metrics(built.project, targets=["bad.json"])
    assert list(shown.documents.errors) == ["bad.json"]


def test_what_is_wrong_with_parameters_is_no_matter_of_metrics(built, history):
    built.write({"params.yaml": "a: ["})
    assert show_metrics(built.project)[0].documents.errors == {}
    assert list(show_params(built.project)[0].documents.errors) == ["params.yaml"]


def test_what_is_wrong_with_a_pipeline_file_is_a_matter_of_both(built, history):
    built.write({"dvc.yaml": "stages: 1\n"})
    assert list(show_metrics(built.project)[0].documents.errors) == ["dvc.yaml"]
    assert list(show_params(built.project)[0].documents.errors) == ["dvc.yaml"]


def test_code_is_compared_in_both_directions(built, history):
    built.write({"a.py": "1", "new": "other"})
    here, there = sides(built.project, ["workspace", "HEAD"])

    def letters(one, other):
        return {
            change.path: change.letter
            for change in changed_code(built.project, one, other, lambda path: "." in path[:1])
        }

    assert letters(there, here) == {"a.py": "A", "new": "M"}
    assert letters(here, there) == {"a.py": "D", "new": "M"}
    assert letters(here, here) == {}


def test_data_that_a_side_does_not_name_is_looked_at_in_the_workspace_all_the_same(built, history):
    commit = built.experiment("third", {"dvc.lock": LOCK})
    built.write({"dvc.yaml": "stages: {}\n", "model.bin": "by hand"})
    old, new = sides(built.project, [commit.hex(), "workspace"])
    before = data_of(built.project, old)
    (change,) = changed_data(before, data_of(built.project, new, before.held), lambda path: True)
    assert (change.path, change.status, change.old["size"], change.new["size"]) == ("model.bin", "modified", 5, 7)
