"""``assay remove`` and ``assay rename`` as somebody types them."""

from __future__ import annotations

import pytest


@pytest.fixture
def three(project, assay):
    """The experiments a, b and c, with a parameter that tells them apart."""
    for number, name in enumerate("abc"):
        (project / "params.yaml").write_text(f"train: {{lr: 0.{number}, epochs: 3}}\n")
        assay("save", "-n", name, cwd=project)
    return project


def names(assay, project):
    return assay("list", "-A", "--name-only", cwd=project).out.split()


def test_it_says_which_and_how_to_get_them_back(three, assay):
    assert assay("remove", "a", "b", cwd=three).out == "Removed a, b; `assay undo` brings them back.\n"
    assert names(assay, three) == ["c"]
    assert assay("undo", cwd=three).out == "Undid remove a b.\n"
    assert names(assay, three) == ["a", "b", "c"]


def test_a_dry_run_tells_and_changes_nothing(three, assay):
    said = assay("remove", "--where", "train.lr > 0", "--dry", cwd=three).out
    assert [line.split()[-1] for line in said.splitlines()] == ["b", "c"]
    assert names(assay, three) == ["a", "b", "c"]
    assert assay("undo", "--list", cwd=three).out == ""


def test_what_show_where_shows_is_what_goes(three, assay):
    assay("remove", "--where", "train.lr > 0", cwd=three)
    assert names(assay, three) == ["a"]


def test_keep_tells_the_number_first(three, assay):
    said = assay("remove", "--keep", "a", cwd=three)
    assert "--keep removes 2 experiments of 1 commit." in said.err
    assert names(assay, three) == ["a"]
    assay("undo", cwd=three)
    assert names(assay, three) == ["a", "b", "c"]


def test_there_may_be_nothing_to_remove(three, assay):
    assert assay("remove", "--rev", "HEAD", "--where", "train.lr > 7", cwd=three).out.startswith("There are no")


def test_the_log_follows_a_renamed_experiment(project, assay):
    assay("run", "-n", "one", cwd=project)
    assert assay("rename", "one", "first", cwd=project).out == "Renamed one to first; `assay undo` takes it back.\n"
    assert "training with 0.1" in assay("logs", "first", cwd=project).out
    assay("apply", "first", cwd=project)
    assay("undo", cwd=project)
    assert names(assay, project) == ["one"]


@pytest.mark.law(2)
@pytest.mark.parametrize("verb", ["run", "save"])
def test_what_a_forced_run_or_save_replaced_comes_back(three, assay, verb):
    before = assay("list", cwd=three).out
    assay(verb, "-n", "a", "-f", cwd=three)
    after = assay("list", cwd=three).out
    assert after != before
    assert assay("undo", cwd=three).out == "Undid replace a.\n"
    assert assay("list", cwd=three).out == before
    assert assay("undo", cwd=three).out == "Did replace a again.\n"
    assert assay("list", cwd=three).out == after


@pytest.mark.parametrize("kind", ["store", "git"])
def test_rename_says_how_a_shared_experiment_gets_its_name_there_too(three, assay, git, tmp_path, kind):
    assert assay("rename", "c", "d", cwd=three).err == "", "there is no remote"
    if kind == "store":
        assay("remote", "add", "-d", "store", str(tmp_path / "store"), cwd=three)
    else:
        git("init", "-q", "--bare", str(tmp_path / "store"))
        assay("config", "exp.git_remote", str(tmp_path / "store"), cwd=three)
    assay("push", "a", "b", cwd=three)
    said = assay("rename", "a", "best one", cwd=three, code=None)
    assert said.code == 254
    said = assay("rename", "a", "best", cwd=three)
    assert said.out == "Renamed a to best; `assay undo` takes it back.\n"
    commands = [words.split() for words in said.err.split("`")[1::2]]
    assert commands == [["assay", "push", "best"], ["assay", "remove", "--remote", "a"]]
    for _, *words in commands:
        assay(*words, cwd=three)
    listed = assay("list", "--remote", "--name-only", cwd=three, code=None).out
    assert listed.split() == ["b", "best"]
