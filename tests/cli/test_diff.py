"""`assay diff`: what it shows of metrics, parameters, data, code and packages, in every form."""

from __future__ import annotations

import json
import os
import time

import pytest


@pytest.fixture
def compared(project, assay):
    """A project with two experiments, the second with another code; the workspace is the second."""
    assay("run", "-S", "train.lr=0.2", "-n", "one", cwd=project)
    (project / "train.sh").write_text((project / "train.sh").read_text() + "# more\n")
    (project / "new.py").write_text("pass\n")
    assay("run", "-S", "train.lr=0.35", "-n", "two", "-m", "deeper", cwd=project)
    return project


def test_one_screen_says_it_all(compared, assay, monkeypatch):
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    out = assay("diff", "one", "two", cwd=compared).out
    lines = out.splitlines()
    assert lines[0].split()[:2] == ["A", "one"]
    assert lines[0].endswith("A U Thor  train.lr=0.2")
    assert lines[1].endswith("A U Thor  deeper")
    assert "\n".join(lines[2:]) == (
        "\n"
        "Metrics\n"
        "Path          Metric  one   two  Change  Percent\n"
        "metrics.json  acc     0.2  0.35   +0.15     +75%\n"
        "\n"
        "Params\n"
        "Path         Param     one   two  Change  Percent\n"
        "params.yaml  train.lr  0.2  0.35   +0.15     +75%\n"
        "\n"
        "Data\n"
        "   Path        Old   New\n"
        "M  model.bin  10 B  11 B\n"
        "\n"
        "Code\n"
        "   File\n"
        "A  new.py\n"
        "M  train.sh"
    )


def test_the_json_has_dvcs_shape_and_the_rest(compared, assay):
    found = json.loads(assay("diff", "one", "two", "--json", cwd=compared).out)
    assert list(found) == [
        "schema", "old", "new", "metrics", "params", "data", "code", "packages", "errors"
    ]  # fmt: skip
    assert found["new"]["message"] == "deeper"
    assert found["params"]["params.yaml"]["train.lr"]["old"] == 0.2
    assert found["data"]["model.bin"]["status"] == "modified"
    assert found["code"]["new.py"]["status"] == "A"
    assert found["packages"] == {"changes": {}, "unknown": []}
    assert found["errors"] == {"old": {}, "new": {}}


def test_the_workspace_is_hashed_as_it_lies_there(compared, assay):
    (compared / "model.bin").unlink()
    (compared / "model.bin").write_text("by hand\n")
    (compared / "data" / "upper.txt").unlink()
    found = json.loads(assay("diff", "two", "--only", "data", "--json", cwd=compared).out)["data"]
    assert {path: change["status"] for path, change in found.items()} == {"data": "modified", "model.bin": "modified"}


def test_an_output_that_is_gone_is_deleted(compared, assay):
    (compared / "model.bin").unlink()
    assert assay("diff", "two", "--only", "data", cwd=compared).out.splitlines()[-1].split()[:2] == ["D", "model.bin"]


def test_two_equal_sides(compared, assay):
    assert assay("diff", "two", cwd=compared).out.splitlines()[2:] == ["", "Nothing differs."]


def test_a_side_without_a_list_of_packages_is_told(compared, assay):
    assert "Packages are not compared: no list of HEAD is on this machine." in assay("diff", cwd=compared).out


def test_packages_that_changed(compared, assay):
    commit = json.loads(assay("diff", "one", "two", "--json", cwd=compared).out)["old"]["commit"]
    (compared / ".git/assay/logs" / commit / "packages.txt").write_text("numpy-1.0\ngone-1\n")
    found = json.loads(assay("diff", "one", "two", "--json", cwd=compared).out)["packages"]["changes"]
    assert found["numpy"]["old"] == "1.0"
    assert found["gone"] == {"old": "1", "new": None}
    assert all(change["old"] != change["new"] for change in found.values())
    table = assay("diff", "one", "two", "--only", "packages", cwd=compared).out.splitlines()
    assert ["gone", "1", "-"] in [line.split() for line in table]


def test_the_patch_of_code(compared, assay):
    out = assay("diff", "one", "two", "-p", "--only", "code", cwd=compared).out
    assert out.startswith("diff --git a/new.py b/new.py\nnew file mode 100644\n")
    assert "+# more\n" in out
    assert [line for line in out.splitlines() if line.startswith("diff ")] == [
        "diff --git a/new.py b/new.py",
        "diff --git a/train.sh b/train.sh",
    ]


def test_line_ends_that_git_converts_are_no_change(project, assay):
    (project / ".gitattributes").write_text("*.txt text\n")
    (project / "notes.txt").write_bytes(b"one\r\ntwo\r\n")
    assay("baseline", "-m", "notes", cwd=project)
    assert "notes.txt" not in assay("diff", "--only", "code", cwd=project).out
    (project / "notes.txt").write_bytes(b"one\r\n2\r\n")
    out = assay("diff", "--only", "code", "-p", cwd=project).out
    assert "\r" not in out
    assert "-two\n+2\n" in out


@pytest.mark.law(5)
def test_comparing_runs_no_filter_of_the_repository(compared, assay, git):
    git("config", "filter.evil.clean", f"touch {compared}/ran; cat", cwd=compared)
    git("config", "diff.evil.textconv", f"touch {compared}/ran; cat", cwd=compared)
    (compared / ".gitattributes").write_text("*.py filter=evil diff=evil\n")
    (compared / "new.py").write_text("other\n")
    said = assay("diff", "two", "-p", cwd=compared)
    assert "+other\n" in said.out
    assert "filter evil" in said.err
    assert not (compared / "ran").exists()


def test_markdown_has_headings_and_tables(compared, assay):
    out = assay("diff", "one", "two", "--md", cwd=compared).out
    assert "### Metrics\n\n| Path         | Metric | one | two  | Change | Percent |\n" in out


def test_only_some_sections(compared, assay):
    out = assay("diff", "one", "two", "--only", "code", "--only", "data", cwd=compared).out
    assert [line for line in out.splitlines() if line.isalpha()] == ["Data", "Code"]


def test_long_sections_are_cut_and_say_so(compared, assay):
    for number in range(30):
        (compared / f"f{number}.py").write_text("")
    assert "and 10 more: `--only code` shows all." in assay("diff", "two", cwd=compared).out
    assert " more: " not in assay("diff", "two", "--only", "code", cwd=compared).out


def test_a_project_in_a_folder_of_its_repository(tmp_path, assay, git):
    git("init", "-q")
    (tmp_path / "sub").mkdir()
    (tmp_path / "outside.py").write_text("1\n")
    assay("init", cwd=tmp_path / "sub")
    (tmp_path / "sub" / "inside.py").write_text("1\n")
    assay("baseline", "-m", "first", cwd=tmp_path / "sub")
    (tmp_path / "outside.py").write_text("2\n")
    (tmp_path / "sub" / "inside.py").write_text("2\n")
    found = json.loads(assay("diff", "--json", cwd=tmp_path / "sub").out)
    assert "inside.py" in found["code"]


def test_a_file_that_cannot_be_read_is_named_and_shown_as_code(compared, assay):
    (compared / "params.yaml").write_text("train: [\n")
    said = assay("diff", "two", cwd=compared, code=1)
    assert "workspace: params.yaml" in said.err
    assert "M  params.yaml" in said.out


def test_comparing_writes_nothing(compared, assay):
    before = {path: os.stat(path).st_mtime_ns for path in compared.rglob("*") if ".assay/tmp" not in str(path)}
    assay("diff", "one", "-p", cwd=compared)
    assert before == {path: os.stat(path).st_mtime_ns for path in compared.rglob("*") if ".assay/tmp" not in str(path)}
