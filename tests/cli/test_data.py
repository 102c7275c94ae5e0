"""What the data verbs say: lines for people, JSON for programs, and what to commit."""

from __future__ import annotations

import json

import pytest


@pytest.fixture
def data(assay, project):
    """Committed data, edited since: one file changed, one new, one gone, one moved."""
    (project / "raw/sub").mkdir(parents=True)
    for name, text in (("a", "1\n"), ("b", "two\n"), ("sub/c", "three\n"), ("sub/d", "f\n")):
        (project / "raw" / name).write_text(text)
    (project / "one").write_text("one")
    assay("add", "raw", "one", cwd=project)
    assay("baseline", "-m", "data", cwd=project)
    (project / "raw/a").write_text("changed\n")
    (project / "raw/new").write_text("new\n")
    (project / "raw/b").unlink()
    (project / "raw/sub/c").rename(project / "raw/moved")
    return project


def test_add_tells_what_and_what_to_commit(assay, project):
    (project / "one").write_text("1")
    said = assay("add", "one", cwd=project)
    assert said.out == "one: 1 file, 1 byte.\n"
    assert "one.dvc, .gitignore" in said.err
    assert "assay baseline" in said.err
    said = assay("add", "--no-commit", "one", cwd=project)
    assert "not in the cache" in said.out
    assert not said.err


def test_add_says_when_the_index_was_written(assay, project):
    (project / "one").write_text("1")
    assay("config", "core.autostage", "true", cwd=project)
    assert "in the index" in assay("add", "one", cwd=project).err


def test_status_for_people(assay, data):
    said = assay("data", "status", "--granular", "--unchanged", "--untracked-files", cwd=data).out
    assert "Uncommitted changes:" in said
    assert "    renamed: raw/sub/c -> raw/moved\n" in said
    assert "    deleted: raw/b\n" in said
    assert "Unchanged:\n    one\n    raw/sub/d\n" in said
    assay("commit", cwd=data)
    assert "Committed changes:" in assay("data", "status", cwd=data).out
    assay("baseline", "-m", "all", cwd=data)
    assert assay("data", "status", cwd=data).out == "No changes.\n"


def test_status_as_json_has_only_lists_that_are_not_empty(assay, data):
    (data / "stray").write_text("")
    said = json.loads(assay("data", "status", "--json", "--untracked-files", cwd=data).out)
    assert said == {"uncommitted": {"modified": ["raw/"]}, "untracked": ["stray"]}


def test_diff_in_its_three_forms(assay, data):
    text = assay("data", "diff", cwd=data).out
    assert "Renamed:\n    raw/sub/c -> raw/moved\n" in text
    assert text.endswith("Files: 1 added, 1 deleted, 1 modified, 1 renamed.\n")
    found = json.loads(assay("data", "diff", "--json", "--show-hash", cwd=data).out)
    assert found["renamed"][0]["path"] == {"old": "raw/sub/c", "new": "raw/moved"}
    assert set(found["modified"][0]["hash"]) == {"old", "new"}
    assert "not in cache" not in json.loads(assay("data", "diff", "--json", "--hide-missing", cwd=data).out)
    table = assay("data", "diff", "--md", "--show-hash", "--targets", "raw/new", cwd=data).out.splitlines()
    assert table[0].split("|")[1:4] == [" Status ", " Hash     ", " Path    "]
    assert "raw/new" in table[2]
    assert assay("data", "diff", "HEAD", "HEAD", cwd=data).out == "No changes.\n"
    assert assay("data", "diff", "HEAD", "HEAD", "--json", cwd=data).out == "{}\n"


def test_diff_of_experiments_by_name(assay, data):
    assay("save", "-n", "first", cwd=data)
    (data / "one").write_text("other")
    assay("save", "-n", "second", cwd=data)
    assert "Modified:\n    one\n" in assay("data", "diff", "first", "second", cwd=data).out


def test_ls(assay, data):
    assert assay("data", "ls", "raw", cwd=data).out == "2  raw/a\n4  raw/b\n8  raw/sub/\n"
    rows = json.loads(assay("data", "ls", "--json", cwd=data).out)
    assert [row["path"] for row in rows] == ["data", "model.bin", "one", "raw"]
    assert rows[3]["nfiles"] == 4
    assert rows[3]["digest"].endswith(".dir")
    assert rows[1]["digest"] is None
    shown = assay("data", "ls", "one", "--show-hash", cwd=data).out.split()
    assert shown == ["3", rows[2]["digest"], "one"]


def test_move_and_remove_tell_the_way_back(assay, data):
    said = assay("data", "move", "one", "two", cwd=data)
    assert said.out == "one is now two; `assay undo` takes it back.\n"
    assert "two.dvc" in said.err
    said = assay("data", "remove", "two", "--outs", cwd=data)
    assert said.out == "Removed two.dvc, two; `assay undo` brings it back.\n"
    assay("undo", cwd=data)
    assert (data / "two").read_text() == "one"


def test_checkout_tells_what_changed(assay, data):
    said = assay("checkout", "-f", "--summary", cwd=data)
    assert said.out == "Files: 2 added, 1 modified, 2 deleted.\n"
    assert "assay undo" in said.err
    assert assay("checkout", "--summary", cwd=data).out == "Everything was there.\n"
    (data / "one").unlink()
    assert assay("checkout", cwd=data).out == "A\tone\n"


def test_commit_and_unprotect(assay, data):
    said = assay("commit", "raw", cwd=data)
    assert said.out == "Recorded in 1 file.\n"
    assert "raw.dvc" in said.err
    assert assay("commit", "raw", cwd=data).out == "Everything was recorded already.\n"
    assay("config", "cache.type", "symlink", cwd=data)
    assert "linked anew" in assay("checkout", "--relink", cwd=data).out
    assert assay("unprotect", "raw", "one", cwd=data).out == "Links replaced by copies: 5.\n"


def test_a_move_names_the_stages_that_read_the_old_path(assay, data):
    text = (data / "dvc.yaml").read_text()
    (data / "dvc.yaml").write_text(text.replace("    - raw.txt\n", "    - raw.txt\n    - raw/sub\n"))
    assert "Stage prepare still reads raw" in assay("data", "move", "raw", "moved", cwd=data).err
