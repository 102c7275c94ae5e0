"""The Python API: the same project through `assay.open` and through the command line."""

from __future__ import annotations

import gc
import json
import math
import subprocess
import sys
import warnings
from datetime import datetime, timezone
from types import SimpleNamespace

import pytest

import assay as package


@pytest.fixture
def lab(project, assay, capfd, monkeypatch):
    """An open project with two experiments; nothing may be printed while it is used."""
    for lr in ("0.2", "0.3"):
        monkeypatch.setenv("GIT_COMMITTER_DATE", f"{1_700_000_000 + int(lr[2:])} +0000")
        assay("run", "-S", f"train.lr={lr}", "-n", f"lr{lr[2:]}", "-m", f"with {lr}", cwd=project)
    capfd.readouterr()
    with package.open(project) as opened:
        yield opened
    assert capfd.readouterr() == ("", "")


def test_importing_the_package_loads_next_to_nothing():
    code = "import sys; before = set(sys.modules); import assay; print(sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout.replace("'", '"')) in (
        ["assay", "assay.version"],
        ["__future__", "assay", "assay.version"],
    )


def test_everything_that_is_exported_is_there():
    for name in package.__all__:
        assert getattr(package, name) is not None
    assert {"open", "Lab", "AssayError"} <= set(dir(package))
    with pytest.raises(AttributeError, match="nothing_of_the_kind"):
        package.nothing_of_the_kind  # noqa: B018


def test_opening_finds_the_project_from_below_and_from_the_current_folder(lab, project, monkeypatch):
    (project / "deep").mkdir()
    with package.open(project / "deep") as other:
        assert other.root == lab.root
    monkeypatch.chdir(project)
    with package.open() as other:
        assert len(other) == 2


def test_opening_what_is_no_project(tmp_path):
    with pytest.raises(package.NotAProject, match="assay"):
        package.open(tmp_path)
    with pytest.raises(package.NotAProject, match="no folder"):
        package.open(tmp_path / "nowhere")


def test_iterating_gives_the_experiments_newest_first_as_show_does(lab, project, assay):
    shown = json.loads(assay("show", "--json", cwd=project).out)["baselines"][0]["experiments"]
    assert [record.commit for record in lab] == [row["commit"] for row in shown]
    assert len(lab) == 2


def test_a_record_has_what_its_row_has(lab, project, assay):
    row = next(
        row for row in json.loads(assay("show", "--json", cwd=project).out)["baselines"][0]["experiments"]
        if row["name"] == "lr2"
    )  # fmt: skip
    record = lab["lr2"]
    assert (record.name, record.commit, record.state) == ("lr2", row["commit"], "success")
    assert record.created == datetime.strptime(row["created"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
    assert record.author == "A U Thor <author@example.com>"
    assert record.message == "with 0.2"
    assert record.baseline == lab["HEAD"].commit
    assert record.params["train.lr"] == 0.2
    assert record.params.files == row["params"]
    assert record.metrics == {"acc": 0.2, "loss.val": 0.5}
    assert (record.deps, record.outs, record.errors) == (row["deps"], row["outs"], {})
    assert (record.tags, record.note) == ((), None)


def test_a_record_is_frozen_and_equal_to_another_of_the_same_experiment(lab):
    record = lab["lr2"]
    with pytest.raises(AttributeError):
        record.name = "other"
    assert record == next(found for found in lab if found.name == "lr2")
    assert record != lab["lr3"]
    assert len({record, lab["lr2"], lab["lr3"]}) == 2


def test_any_revision_is_a_record_and_unknown_names_are_none(lab):
    assert lab["main"].state == "baseline"
    assert lab["main"].params["train.lr"] == 0.1
    assert lab["lr2~1"].commit == lab["HEAD"].commit
    assert lab[lab["lr2"].commit].name == "lr2"
    assert "lr2" in lab
    assert lab["lr2"] in lab
    assert "lr4" not in lab
    with pytest.raises(package.UnknownRevision, match="lr4"):
        lab["lr4"]


def test_an_experiment_goes_by_the_name_that_was_asked_for(lab, git, project):
    record = lab["lr2"]
    git("update-ref", f"refs/exps/{record.baseline[:2]}/{record.baseline[2:]}/also", record.commit, cwd=project)
    assert (lab["also"].name, lab["lr2"].name, lab["also"].commit) == ("also", "lr2", record.commit)


def test_the_workspace_is_a_record(lab, project):
    (project / "metrics.json").write_text('{"acc": NaN, "best": Infinity}')
    record = lab.workspace
    assert (record.name, record.state, record.commit, record.created) == ("workspace", "workspace", None, None)
    assert math.isnan(record.metrics["acc"])
    assert record.metrics["best"] == math.inf
    assert record == record
    assert lab["workspace"].metrics["best"] == math.inf


def test_queries_and_order(lab):
    assert [record.name for record in lab.where("acc > 0.25")] == ["lr3"]
    assert [record.name for record in lab.show(sort_by="acc", top=1)] == ["lr3"]
    assert [record.name for record in lab.show(sort_by="acc", descending=False)] == ["lr2", "lr3"]
    found = lab.show(all=True, rev="main")
    assert found.workspace is not None
    assert [baseline.name for baseline in found.baselines] == ["main"]
    assert [record.name for record in found[:1]] == ["lr3"]
    with pytest.raises(package.UsageError, match="accc"):
        lab.where("accc > 0")


def test_a_run_is_an_experiment_with_the_changed_parameters(lab, project):
    made = lab.run(params={"train.lr": 0.5}, name="half", message="in Python")
    assert (made.name, made.message, made.metrics["acc"]) == ("half", "in Python", 0.5)
    assert made == lab["half"]
    assert "lr: 0.5      # learning rate" in (project / "params.yaml").read_text()


def test_one_stage_runs_by_its_name(lab):
    made = lab.run("prepare", force=True, name="only")
    assert made.state == "success"


def test_events_go_to_whom_they_are_wanted_by(lab, project):
    events = []
    with package.open(project, report=events.append) as told:
        told.run(params={"train.lr": 0.9})
    assert {type(event).__name__ for event in events} >= {"StageStarted", "StageOutput", "StageFinished"}


def test_a_failed_run_says_which_stage_and_what_it_printed(lab, project):
    (project / "train.sh").write_text("echo no luck; exit 3\n")
    with pytest.raises(package.StageFailed) as failed:
        lab.run()
    assert (failed.value.stage, failed.value.status) == ("train", 3)
    assert "no luck" in failed.value.tail


def test_saving_keeps_the_workspace(lab, project):
    (project / "metrics.json").write_text('{"acc": 0.99}')
    saved = lab.save(name="by-hand", message="tuned")
    assert (saved.name, saved.message, saved.metrics["acc"]) == ("by-hand", "tuned", 0.99)
    with pytest.raises(package.NameTaken):
        lab.save(name="by-hand")


def test_apply_and_undo(lab, project):
    lab.apply("lr2")
    assert lab.workspace.metrics["acc"] == 0.2
    assert lab.undo() == "apply lr2"
    assert lab.workspace.metrics["acc"] == 0.3
    lab.apply(lab["lr2"])
    assert lab.workspace.params["train.lr"] == 0.2


def test_a_diff_says_what_the_command_says(lab, project, assay):
    told = json.loads(assay("diff", "lr2", "lr3", "--json", cwd=project).out)
    found = lab.diff("lr2", lab["lr3"])
    change = found.metrics["acc"]
    assert {"old": change.old, "new": change.new, "diff": change.change, "percent": change.percent} == told["metrics"][
        "metrics.json"
    ]["acc"]
    assert list(found.params) == ["train.lr"]
    assert [(change.path, change.status) for change in found.data] == [("model.bin", "modified")]
    assert (found.old.name, found.new.name, found.new.commit) == ("lr2", "lr3", told["new"]["commit"])
    assert found.new.message == "with 0.3"
    assert found
    assert not lab.diff("lr3", "lr3")
    with pytest.raises(package.UsageError, match="numbers"):
        lab.diff(only=["numbers"])


def test_a_diff_has_code_and_its_patch(lab, project):
    (project / "new.py").write_text("pass\n")
    found = lab.diff("lr3")
    assert [(change.letter, change.path) for change in found.code] == [("A", "new.py")]
    assert "+pass\n" in found.patch()
    (project / "metrics.json").unlink()
    assert lab.diff("lr3").metrics["acc"].new is None


def test_rows_for_other_libraries(lab):
    (row, _) = lab.show().to_dicts()
    assert (row["name"], row["acc"], row["train.lr"]) == ("lr3", 0.3, 0.3)


def test_rows_have_the_same_keys_whatever_each_experiment_has(lab, project):
    (project / "metrics.json").write_text('{"acc": 0.4, "seed": 3, "name": NaN}')
    lab.save(name="other")
    rows = lab.show().to_dicts()
    assert len({tuple(row) for row in rows}) == 1
    other = next(row for row in rows if row["name"] == "other")
    assert (other["metrics.json:seed"], other["params.yaml:seed"], other["loss.val"]) == (3, 7, None)
    assert math.isnan(other["metrics.json:name"])
    assert lab["lr2"].to_dict()["seed"] == 7


def test_a_data_frame_has_a_row_per_experiment_and_its_name_as_index(lab, monkeypatch):
    class DataFrame(list):
        def __init__(self, rows, columns):
            super().__init__([row[name] for name in columns] for row in rows)
            self.columns = columns

        def set_index(self, name):
            assert name in self.columns
            return self

    monkeypatch.setitem(sys.modules, "pandas", SimpleNamespace(DataFrame=DataFrame))
    assert [row[0] for row in lab.show().to_pandas()] == ["lr3", "lr2"]
    assert lab.where("acc > 5").to_pandas() == []


def test_without_pandas_there_is_a_sentence(lab, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(package.Refused, match="pandas is not installed"):
        lab.show().to_pandas()


def test_notebooks_show_tables_with_everything_escaped(lab, project):
    (project / "params.yaml").write_text("train: {lr: 0.3, epochs: 3}\nseed: '<b>'\n")
    html = lab._repr_html_()
    assert "<td>0.3</td>" in html
    assert "&lt;b&gt;" in html
    assert "<b>" not in html
    assert "<th>lr2</th><th>lr3</th>" in lab.diff("lr2", "lr3")._repr_html_()
    assert "train.lr" in lab["lr2"]._repr_html_()
    assert lab.diff("lr3", "lr3")._repr_html_() == "<p>Nothing differs.</p>"


def test_what_stands_in_a_notebook_is_short(lab):
    assert repr(lab["lr2"]).startswith("<Record lr2 ")
    assert repr(lab.show()) == "<2 experiments: lr3, lr2>"
    assert repr(lab.diff("lr2", "lr3")) == "<Diff lr2..lr3: 1 metrics, 1 params, 1 data>"
    assert repr(lab) == f"<Lab {lab.root}>"


def test_records_outlive_the_lab(lab, project):
    with package.open(project) as opened:
        record = opened["lr2"]
        assert record.metrics["acc"] == 0.2
    assert record.params["train.lr"] == 0.2


def test_a_lab_that_is_closed_leaves_nothing_open(lab, project):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        package.open(project).close()
        gc.collect()


def test_an_experiment_gets_another_name_and_goes_and_comes_back(lab):
    renamed = lab.rename("lr2", "best")
    assert (renamed.name, renamed.params["train.lr"]) == ("best", 0.2)
    assert lab.remove(renamed, lab["lr3"]) == ["best", "lr3"]
    assert len(lab) == 0
    assert lab.remove() == []
    assert lab.undo() == "remove best lr3"
    assert "best" in lab


def test_tags_and_notes_are_put_on_and_taken_off(lab):
    assert lab.tag("lr2", "good", "v1") == 1
    assert lab.note(lab["lr2"], "worth a look")
    assert (lab["lr2"].tags, lab["lr2"].note) == (("good", "v1"), "worth a look")
    lab.tag(lab["lr2"], "good", on=False)
    assert lab.note("lr2", None)
    assert (lab["lr2"].tags, lab["lr2"].note) == (("v1",), None)


def test_experiments_travel_through_a_remote(lab, assay, capfd, tmp_path):
    assay("remote", "add", "there", str(tmp_path / "remote"), "-d", cwd=lab.root)
    capfd.readouterr()
    with package.open(lab.root) as opened:
        assert not opened.push("lr2").report.failed
        opened.remove("lr2", "lr3")
        assert not opened.pull("lr2").report.failed
        assert ["lr2" in opened, "lr3" in opened] == [True, False]
