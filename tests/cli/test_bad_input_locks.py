"""What is wrong with the locks of a DVC project is one sentence, and nothing has changed."""

from __future__ import annotations

import pytest

from tests import projects


@pytest.fixture
def project(tmp_path, assay):
    """A DVC project with a first commit."""
    folder = projects.write(tmp_path / "project")
    assay("init", "--dvc", cwd=folder)
    assay("baseline", "-m", "first", cwd=folder)
    return folder


COMMANDS = [["repro"], ["run", "-S", "seed=3"], ["save"], ["add", "raw.txt"], ["apply", "HEAD"], ["commit", "-f"]]


def files(folder):
    """Every file but those of the locks themselves."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_file() and not name.startswith((".dvc/tmp", ".git/assay", ".git/objects")):
            found[name] = path.read_bytes()
    return found


def refused(folder, assay, words):
    before = files(folder)
    said = assay(*words, cwd=folder, code=None)
    assert said.code in (1, 255)
    assert said.err.startswith("error: ")
    assert len(said.err.splitlines()) <= 2, said.err
    assert files(folder) == before
    return said.err


@pytest.mark.parametrize("words", [words for words in COMMANDS if words[0] not in ("add", "commit")], ids=" ".join)
@pytest.mark.parametrize("name", ["rwlock", "exps/rwlock"])
def test_a_list_of_paths_in_use_that_is_something_else(project, assay, words, name):
    (project / ".dvc/tmp/exps").mkdir(parents=True, exist_ok=True)
    (project / ".dvc/tmp" / name).write_text('{"write": [')
    said = refused(project, assay, words)
    assert f".dvc/tmp/{name}" in said
    assert "Remove it" in said
    (project / ".dvc/tmp" / name).unlink()
    assay(*words, cwd=project)


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_lock_that_is_a_link_to_a_file_of_the_users_or_a_folder(project, assay, words):
    lock = project / ".dvc/tmp/lock"
    lock.unlink()
    lock.symlink_to(project / "raw.txt")
    assert "cannot be taken" in refused(project, assay, words)
    lock.unlink()
    lock.mkdir()
    assert "cannot be taken" in refused(project, assay, words)


def test_a_setting_of_the_lock_that_is_neither_yes_nor_no(project, assay):
    (project / ".dvc/config.local").write_text("[core]\n    hardlink_lock = perhaps\n")
    before = files(project)
    said = assay("repro", cwd=project, code=251)
    assert "hardlink_lock" in said.err
    assert files(project) == before
