"""Saving: what belongs to an experiment that nothing ran for, and what stops it before anything is written."""

from __future__ import annotations

from tests.filetree import picture, tree_of, write


def test_nothing_is_written_when_a_large_file_stops_it(project, assay):
    assay("run", cwd=project)
    (project / "model.bin").write_text("other")
    with open(project / "huge.bin", "wb") as file:
        file.truncate(11_000_000)
    before = picture(project)
    assay("save", cwd=project, code=1)
    assert picture(project) == before


def test_a_large_or_ignored_file_that_is_named_is_taken(project, assay, git):
    with open(project / "huge.bin", "wb") as file:
        file.truncate(11_000_000)
    write(project, {".gitignore": "/plots/\n", "plots/a.svg": "<svg/>"})
    assay("save", "-n", "one", "-I", "huge.bin", "-I", "plots", cwd=project)
    assert {"huge.bin", "plots/a.svg"} <= set(tree_of(git, project, "one"))


def test_what_lies_in_the_cache_or_in_git_cannot_be_included(project, assay):
    assay("run", cwd=project)
    reasons = {"model.bin": "anyway", ".git": "cannot", ".assay/cache": "cannot", "nowhere": "not there"}
    for path, says in reasons.items():
        assert says in assay("save", "-I", path, cwd=project, code=254).err


def test_a_stage_that_is_not_complete_is_named(project, assay):
    assay("run", cwd=project)
    (project / "metrics.json").unlink()
    assert "Stage train is not complete" in assay("save", "-n", "one", cwd=project).err


def test_the_packages_that_were_installed_are_kept(project, assay):
    assay("save", "-n", "one", cwd=project)
    assert len(list((project / ".git/assay/logs").glob("*/packages.txt"))) == 1


def test_a_project_in_a_folder_of_the_repository_saves_both(git, assay, tmp_path):
    git("init", "-q", "top", cwd=tmp_path)
    write(tmp_path / "top", {"lib/a.py": "1", "sub/params.yaml": "x: 1\n"})
    assay("init", cwd=tmp_path / "top/sub")
    git("add", ".", cwd=tmp_path / "top")
    git("commit", "-qm", "first", cwd=tmp_path / "top")
    write(tmp_path / "top", {"lib/a.py": "2", "sub/params.yaml": "x: 2\n"})
    said = assay("save", "-n", "one", cwd=tmp_path / "top/sub")
    assert said.out.endswith(": x=2\n")
    write(tmp_path / "top", {"lib/a.py": "3", "sub/params.yaml": "x: 3\n"})
    assay("apply", "one", cwd=tmp_path / "top/sub")
    assert (tmp_path / "top/lib/a.py").read_text() == "2"
    assert (tmp_path / "top/sub/params.yaml").read_text() == "x: 2\n"


def test_edited_data_is_part_of_the_experiment(assay, project):
    (project / "more").mkdir()
    (project / "more/a").write_text("1")
    assay("add", "more", cwd=project)
    assay("baseline", "-m", "with data", cwd=project)
    (project / "more/a").write_text("two")
    assay("save", "-n", "edited", cwd=project)
    assay("checkout", "more", cwd=project)
    (project / "more/a").write_text("3")
    assay("save", "-n", "other", cwd=project)
    assay("apply", "edited", cwd=project)
    assert (project / "more/a").read_text() == "two"
    assert "size: 3\n" in (project / "more.dvc").read_text()
    assay("apply", "HEAD", cwd=project)
    assert (project / "more/a").read_text() == "1"


def test_a_file_that_became_data_leaves_the_tree(assay, git, project):
    (project / "big.csv").write_text("1")
    assay("baseline", "-m", "with a file", cwd=project)
    git("rm", "-q", "--cached", "big.csv", cwd=project)
    assay("add", "big.csv", cwd=project)
    assay("save", "-n", "moved", cwd=project)
    names = git(
        "ls-tree",
        "--name-only",
        "-r",
        git("for-each-ref", "--format=%(objectname)", "refs/exps", cwd=project),
        cwd=project,
    )
    assert "big.csv.dvc" in names.split()
    assert "big.csv" not in names.split()


def test_folders_are_included_whole_and_several_at_once(project, assay, git):
    (project / ".gitignore").write_text("/ignored\n/plots\n*.log\n")
    write(project, {"ignored/a": "a", "ignored/deep/b.log": "b", "plots/c": "c", "sub/d.log": "d", "e.log": "e"})
    (project / "ignored/link").symlink_to("/etc/hostname")
    assay("save", "-n", "one", "-I", "../ignored", "-I", "d.log", cwd=project / "sub")
    taken = tree_of(git, project, "one")
    assert {"ignored/a", "ignored/deep/b.log", "ignored/link", "sub/d.log"} <= set(taken)
    assert "e.log" not in taken
    assert "plots/c" not in taken
    assay("save", "-n", "two", cwd=project)
    assert "ignored/a" not in tree_of(git, project, "two")


def test_an_empty_folder_cannot_be_included(project, assay):
    (project / "empty").mkdir()
    assert "empty folder" in assay("save", "-I", "empty", cwd=project, code=254).err
