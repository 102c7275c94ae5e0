"""``assay tag`` and ``assay note``, and where show and list tell what they said."""

from __future__ import annotations

import csv
import json

import pytest


@pytest.fixture
def three(project, assay):
    """The experiments a, b and c, with a parameter that tells them apart."""
    for number, name in enumerate("abc"):
        (project / "params.yaml").write_text(f"train: {{lr: 0.{number}, epochs: 3}}\n")
        assay("save", "-n", name, cwd=project)
    return project


def shown(assay, project, *words):
    rows = json.loads(assay("show", "--json", *words, cwd=project).out)["baselines"][0]["experiments"]
    return {row["name"]: (row["tags"], row["note"]) for row in rows}


def test_tags_go_on_and_off_and_undo_takes_it_back(three, assay):
    assert assay("tag", "a", "best", "v2", cwd=three).out == "Tagged a: best, v2.\n"
    assert assay("tag", "a", "best", cwd=three).out == "Nothing to change: a had best already.\n"
    assert assay("tag", "a", cwd=three).out == "best\nv2\n"
    assert assay("tag", "-d", "a", "best", cwd=three).out == "Took best off a; `assay undo` puts it back.\n"
    assert assay("tag", "a", cwd=three).out == "v2\n"
    assert assay("undo", cwd=three).out == "Undid tag -d a best.\n"
    assert assay("tag", "a", cwd=three).out == "best\nv2\n"
    assert assay("undo", cwd=three).out == "Did tag -d a best again.\n"
    assert assay("undo", "1", cwd=three).out == "Undid tag a best v2.\n"
    assert assay("tag", "a", cwd=three).out == ""


def test_all_tags_are_listed_with_their_experiments(three, assay):
    assay("tag", "a", "best", cwd=three)
    assay("tag", "--where", "train.lr > 0", "good", cwd=three)
    assert assay("tag", cwd=three).out == "best: a\ngood: b, c\n"


def test_notes_are_written_printed_and_removed_and_undo_takes_it_back(three, assay):
    assert assay("note", "a", "-m", " first \n", cwd=three).out == "Noted on a.\n"
    assay("note", "a", "-m", "second", cwd=three)
    assert assay("note", "a", cwd=three).out == "second\n"
    assert "brings it back" in assay("note", "a", "--remove", cwd=three).out
    assert assay("note", "a", cwd=three).out == ""
    assert assay("undo", cwd=three).out == "Undid note --remove a.\n"
    assert assay("note", "a", cwd=three).out == "second\n"
    assert [line.split(": ")[1] for line in assay("note", "a", "--all", cwd=three).out.splitlines()] == [
        "second",
        "(removed)",
        "second",
        "first",
    ]


def test_show_and_list_tell(three, assay):
    before = {form: assay("show", form, cwd=three).out for form in ("--csv", "--md", "--no-pager")}
    for text in before.values():
        assert "Tags" not in text
    assay("tag", "a", "best", "v2", cwd=three)
    assay("note", "b", "-m", "tried, again", cwd=three)
    assert shown(assay, three) == {"a": (["best", "v2"], None), "b": ([], "tried, again"), "c": ([], None)}
    rows = list(csv.DictReader(assay("show", "--csv", cwd=three).out.splitlines()))
    assert {row["Experiment"]: (row["Tags"], row["Note"]) for row in rows}["a"] == ("best v2", "")
    assert {row["Experiment"]: (row["Tags"], row["Note"]) for row in rows}["b"] == ("", "tried, again")
    for form in ("--md", "--no-pager"):
        head, *lines = assay("show", form, cwd=three).out.splitlines()
        assert "Tags" in head
        assert ["best v2" in line for line in lines if "─ a" in line] == [True]
    assert "a  (best, v2)" in assay("list", cwd=three).out
    assert assay("list", "--name-only", cwd=three).out == "a\nb\nc\n"


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("tag = 'best'", "ab"),
        ("tag = 'v2'", "b"),
        ("tag != 'v2'", "ac"),
        ("not tag = 'v2'", "ac"),
        ("tag ~ '^b'", "ab"),
        ("tag = 'best' and tag = 'v2'", "b"),
        ("tag = 'none'", ""),
        ("note ~ 'tried'", "c"),
        ("note != 'x'", "abc"),
        ("note = 'tried it' or train.lr = 0", "ac"),
    ],
)
def test_where_asks_for_tags_and_notes(three, assay, query, names):
    assay("tag", "a", "best", cwd=three)
    assay("tag", "b", "best", "v2", cwd=three)
    assay("note", "c", "-m", "tried it", cwd=three)
    assert "".join(sorted(shown(assay, three, "--where", query))) == names


def test_rows_are_sorted_by_tag(three, assay):
    assay("tag", "b", "zz", cwd=three)
    assay("tag", "c", "aa", cwd=three)
    assert list(shown(assay, three, "--sort-by", "tag")) == ["c", "b", "a"]


def test_remarks_belong_to_the_commit(three, assay):
    assay("tag", "a", "best", cwd=three)
    assay("note", "a", "-m", "text", cwd=three)
    assay("rename", "a", "first", cwd=three)
    assert shown(assay, three)["first"] == (["best"], "text")
    assay("remove", "first", cwd=three)
    assert assay("tag", cwd=three).out.startswith("best: ")
    assay("undo", cwd=three)
    assert shown(assay, three)["first"] == (["best"], "text")


def test_a_commit_that_is_no_experiment_can_have_remarks_too(three, assay):
    assay("tag", "HEAD", "start", cwd=three)
    assert json.loads(assay("show", "--json", cwd=three).out)["baselines"][0]["tags"] == ["start"]


def test_git_shows_them_and_finds_nothing_wrong(three, assay, git):
    assay("tag", "a", "best", cwd=three)
    assay("note", "a", "-m", "tried", cwd=three)
    ref = git("for-each-ref", "--format=%(refname)", "refs/exps", cwd=three).splitlines()[0]
    said = git("-c", "core.notesRef=refs/assay/notes", "log", "-1", ref, cwd=three)
    assert '"text":"tried"' in said
    assert '"best":' in said
    git("fsck", "--strict", cwd=three)


def test_they_are_pushed_pulled_and_cloned(three, assay, tmp_path):
    assay("remote", "add", "-d", "origin", str(tmp_path / "remote"), cwd=three)
    assay("push", cwd=three)
    assert assay("push", "a", cwd=three).out == "Everything is up to date.\n"
    assay("tag", "a", "best", cwd=three)
    assert assay("push", "a", cwd=three).out == "Pushed tags and notes of a.\n"
    assert assay("push", "a", cwd=three).out == "Everything is up to date.\n"
    said = assay("clone", str(tmp_path / "remote"), str(tmp_path / "clone"), cwd=tmp_path).out
    assert "Cloned tags and notes of a.\n" in said
    assert shown(assay, tmp_path / "clone")["a"] == (["best"], None)
    assay("note", "b", "-m", "text", cwd=three)
    assay("push", cwd=three)
    assert assay("pull", cwd=tmp_path / "clone").out == "Pulled tags and notes of b.\n"
    assert shown(assay, tmp_path / "clone")["b"] == ([], "text")


def test_a_note_is_printed_with_its_lines_and_without_what_a_terminal_would_obey(three, assay):
    assay("note", "a", "-m", "one\n\ttwo \x1b[2J", cwd=three)
    assert assay("note", "a", cwd=three).out == "one\n\ttwo \\x1b[2J\n"
    assert assay("note", "a", "--all", cwd=three).out.endswith("one\n\ttwo \\x1b[2J\n")
