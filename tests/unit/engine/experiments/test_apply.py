"""Applying: only what differs changes, all of it can be undone, and what stops it stops it before anything changed."""

from __future__ import annotations

import os
import socket

import pytest

from tests.filetree import picture, write


def test_ignored_files_of_an_experiment_come_back_and_only_once(project, assay):
    write(project, {".gitignore": "/plots/\n", "plots/a.svg": "<svg/>"})
    assay("save", "-n", "one", "-I", "plots", cwd=project)
    (project / "plots/a.svg").write_text("mine")
    assay("apply", "one", cwd=project)
    assert (project / "plots/a.svg").read_text() == "<svg/>"
    assert "nothing had to change" in assay("apply", "one", cwd=project).out
    assay("undo", cwd=project)
    assert (project / "plots/a.svg").read_text() == "mine"


@pytest.mark.law(2)
def test_undo_gives_back_modes_links_and_line_ends_as_they_were(project, assay):
    write(project, {".gitattributes": "*.txt text eol=crlf\n*.id ident\n"})
    assay("save", "-n", "one", cwd=project)
    (project / "raw.txt").write_bytes(b"lf only\n")
    (project / "x.id").write_text("$Id: kept as it is $\n")
    (project / "train.sh").chmod(0o755)
    (project / "prepare.sh").unlink()
    (project / "prepare.sh").symlink_to("raw.txt")
    assay("save", "-n", "two", cwd=project)
    assay("apply", "one", cwd=project)
    assert not os.access(project / "train.sh", os.X_OK)
    assay("undo", cwd=project)
    assert (project / "raw.txt").read_bytes() == b"lf only\n"
    assert (project / "x.id").read_text() == "$Id: kept as it is $\n"
    assert os.access(project / "train.sh", os.X_OK)
    assert os.readlink(project / "prepare.sh") == "raw.txt"


def test_a_folder_with_files_of_ones_own_is_not_overwritten(project, assay):
    write(project, {"thing": "a file"})
    assay("save", "-n", "one", cwd=project)
    (project / "thing").unlink()
    write(project, {"thing/mine.txt": "mine"})
    before = picture(project)
    assert "thing/mine.txt" in assay("apply", "one", cwd=project, code=1).err
    assert picture(project) == before


def test_what_can_be_kept_nowhere_stops_it(project, assay):
    assay("run", "-n", "one", cwd=project)
    assay("run", "-n", "two", "-S", "train.lr=0.5", cwd=project)
    (project / "model.bin").unlink()
    with socket.socket(socket.AF_UNIX) as sock:
        here = os.getcwd()
        os.chdir(project)
        sock.bind("model.bin")
        os.chdir(here)
        before = picture(project)
        assay("apply", "one", cwd=project, code=None)
        assert (project / "model.bin").is_socket()
        assert picture(project) == before


def test_it_works_at_the_edge_of_a_shallow_clone(project, assay, git, tmp_path):
    write(project, {"raw.txt": "second\n"})
    assay("baseline", "-m", "second", cwd=project)
    git("clone", "-q", "--depth=1", "--no-local", f"file://{project}", "shallow", cwd=tmp_path)
    write(tmp_path / "shallow", {"raw.txt": "changed\n"})
    assay("apply", "HEAD", cwd=tmp_path / "shallow")
    assert (tmp_path / "shallow/raw.txt").read_text() == "second\n"
    assert "second" in assay("log", cwd=tmp_path / "shallow").out


def test_files_that_only_the_baseline_had_go_and_come_back(project, assay):
    (project / "raw.txt").rename(project / "renamed.txt")
    assay("save", "-n", "one", cwd=project)
    (project / "renamed.txt").rename(project / "raw.txt")
    assay("apply", "one", cwd=project)
    assert not (project / "raw.txt").exists()
    assay("undo", cwd=project)
    assert (project / "raw.txt").read_text() == "hello\n"
    assert not (project / "renamed.txt").exists()


def test_files_that_dvcignore_names_stay_in_a_data_folder(project, assay):
    assay("run", "-n", "one", cwd=project)
    write(project, {"raw.txt": "other\n", ".dvcignore": "*.tmp\n"})
    assay("run", "-n", "two", cwd=project)
    write(project, {"data/scratch.tmp": "mine"})
    assay("apply", "one", cwd=project)
    assert (project / "data/upper.txt").read_text() == "HELLO\n"
    write(project, {".dvcignore": "*.tmp\n"})
    assay("apply", "two", cwd=project)
    assert (project / "data/upper.txt").read_text() == "OTHER\n"


def test_the_whole_tree_takes_away_what_head_has_and_the_experiment_does_not_know(project, assay):
    from assay.cli.wiring import Surroundings
    from assay.engine.experiments.apply import apply

    assay("run", "-n", "old", cwd=project)
    write(project, {"newer.txt": "newer", "edited.txt": "edited"})
    assay("baseline", "-m", "second", cwd=project)
    write(project, {"edited.txt": "edited again", "mine.txt": "mine"})
    assay("apply", "old", cwd=project)
    assert (project / "newer.txt").exists()
    opened = Surroundings().open_project(project)
    apply(opened, "old", whole=True)
    opened.close()
    assert [path.name for path in sorted(project.glob("*.txt"))] == ["edited.txt", "mine.txt", "raw.txt"]
    assay("undo", cwd=project)
    assert (project / "newer.txt").read_text() == "newer"


def test_temporary_files_of_a_tree_stay_where_they_are(project, assay, git):
    assay("run", "-n", "one", cwd=project)
    write(project, {".assay/tmp/pickled": "theirs"})
    git("add", "-f", ".assay/tmp/pickled", cwd=project)
    git("commit", "-qm", "by mistake", cwd=project)
    write(project, {".assay/tmp/pickled": "mine"})
    assay("apply", "HEAD", cwd=project)
    assert (project / ".assay/tmp/pickled").read_text() == "mine"
