"""``data move``, ``data remove`` and ``unprotect``: records and data together, and all of it comes back."""

from __future__ import annotations

import os

import pytest

from assay.engine import disk
from assay.engine.data.add import add
from assay.engine.data.checkout import How, checkout
from assay.engine.data.move import move
from assay.engine.data.remove import remove
from assay.engine.data.unprotect import unprotect
from assay.engine.errors import AssayError, BadInput, Refused, UsageError
from assay.engine.workspace.undo import records, undo


def picture(folder):
    """The files that a user sees, with their content."""
    found = {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()}
    return {name: path.read_text() for name, path in found.items() if not name.startswith((".assay/", ".git/"))}


@pytest.fixture
def data(built):
    """A tracked folder and a tracked file, the file's record with words of the user's."""
    built.write({"data/a": "1", "data/sub/b": "2", "f": "f", ".gitignore": "# mine\n/other\n", "in/x": "x"})
    add(built.project, ["data", "f"])
    path = built.folder / "f.dvc"
    path.write_text("# why\n" + path.read_text() + "  desc: d\n")
    built.write({"dvc.yaml": "stages:\n  s:\n    cmd: x\n    outs: [o]\n"})
    return built


@pytest.mark.parametrize(
    ("source", "target", "place"),
    [
        ("f", "g", "g"),
        ("f.dvc", "in", "in/f"),
        ("f", "new/deep/g", "new/deep/g"),
        ("data", "in/d", "in/d"),
        ("data", "in", "in/data"),
    ],
)
@pytest.mark.law(2)
def test_a_move_and_back(data, source, target, place):
    before = picture(data.folder)
    was = source.removesuffix(".dvc")
    moved = move(data.project, source, target)
    assert (moved.source, moved.target) == (was, place)
    after = picture(data.folder)
    assert {name for name in after if name == was or name.startswith((f"{was}/", f"{was}.dvc"))} == set()
    assert f"{place}.dvc" in after
    assert f"path: {os.path.basename(place)}\n" in after[f"{place}.dvc"]
    if was == "f":
        assert after[f"{place}.dvc"].startswith("# why\n")
        assert after[f"{place}.dvc"].endswith("  desc: d\n")
    ignored = after[os.path.join(os.path.dirname(place), ".gitignore")].splitlines()
    assert f"/{os.path.basename(place)}" in ignored
    assert after[".gitignore"].startswith("# mine\n/other\n")
    assert checkout(data.project).states == {}
    undo(data.project)
    assert picture(data.folder) == before


def test_data_that_is_not_here_moves_in_its_record(data):
    (data.folder / "f").unlink()
    move(data.project, "f", "g")
    assert not (data.folder / "g").exists()
    checkout(data.project, ["g"])
    assert (data.folder / "g").read_text() == "f"


def test_edits_move_along(data):
    data.write({"data/a": "edited"})
    move(data.project, "data", "d")
    assert (data.folder / "d/a").read_text() == "edited"


@pytest.mark.parametrize(
    ("source", "target", "error"),
    [
        ("nothing", "x", UsageError),
        ("data/a", "x", Refused),
        ("o", "x", UsageError),
        ("f", "data", Refused),
        ("f", "data/x", Refused),
        ("f", "o", Refused),
        ("f", "in/x", Refused),
        ("f", "../x", UsageError),
        ("f", ".git/x", UsageError),
        ("f", "f", UsageError),
        ("data", "data/deep", UsageError),
        ("f", "x.dvc", UsageError),
    ],
)
def test_a_move_that_cannot_be(data, source, target, error):
    before = picture(data.folder)
    with pytest.raises(error):
        move(data.project, source, target)
    assert picture(data.folder) == before
    assert records(data.project) == []


def test_a_move_never_goes_through_a_symlink(data, tmp_path):
    (tmp_path / "away").mkdir()
    os.symlink(tmp_path / "away", data.folder / "link")
    with pytest.raises(AssayError):
        move(data.project, "f", "link/f")
    assert not list((tmp_path / "away").iterdir())
    assert (data.folder / "f").exists()


@pytest.mark.parametrize("target", ["f", "f.dvc"])
@pytest.mark.law(2)
def test_a_removal_and_back(data, target):
    before = picture(data.folder)
    assert remove(data.project, [target]).data_files == ("f.dvc",)
    after = picture(data.folder)
    assert before.keys() - after.keys() == {"f.dvc"}
    assert after[".gitignore"] == "# mine\n/other\n/data\n"
    undo(data.project)
    assert picture(data.folder) == before


@pytest.mark.law(2)
def test_a_removal_with_the_data(data):
    data.write({"data/a": "edited"})
    before = picture(data.folder)
    assert remove(data.project, ["data", "f"], outs=True).outs == ("data", "f")
    assert not (data.folder / "data").exists()
    undo(data.project)
    assert picture(data.folder) == before


@pytest.mark.parametrize(
    ("target", "error"), [("nothing", UsageError), ("data/a", Refused), ("o", UsageError), ("s", UsageError)]
)
def test_what_is_no_added_data(data, target, error):
    before = picture(data.folder)
    with pytest.raises(error):
        remove(data.project, ["f", target], outs=True)
    assert picture(data.folder) == before


@pytest.mark.parametrize("verb", ["move", "remove"])
def test_stopped_at_any_step_undo_brings_it_back(data, verb):
    before = picture(data.folder)
    for stop in range(1, 40):
        left = stop

        def hook(step, path):
            nonlocal left
            if ".git/" not in path and ".assay/" not in path:
                left -= 1
                if left == 0:
                    raise OSError(28, "full", path)

        try:
            with disk.injected(hook):
                move(data.project, "f", "new/g") if verb == "move" else remove(data.project, ["f"], outs=True)
        except (AssayError, OSError):
            if records(data.project):
                undo(data.project)
            assert picture(data.folder) == before
            data.reopened()
            for record in records(data.project):
                with data.project.repo.refs.transaction() as refs:
                    refs.delete(f"refs/assay/undo/{record.number}", record.commit)
            continue
        assert stop > 4
        return
    raise AssertionError("it never came to an end")


def test_links_become_copies(data):
    data.write({".assay/config.local": "[cache]\n    type = hardlink\n"})
    data.reopened()
    checkout(data.project, how=How(relink=True))
    assert (data.folder / "data/a").stat().st_nlink == 2
    assert unprotect(data.project, ["data/a"]) == 1
    assert (data.folder / "data/a").stat().st_nlink == 1
    assert unprotect(data.project, ["data.dvc", "f"]) == 2
    (data.folder / "f").write_text("mine")
    assert checkout(data.project, ["f"], How(force=True)).states == {"f": "M"}
    (data.folder / "f").unlink()
    with pytest.raises(BadInput, match="not there"):
        unprotect(data.project, ["f"])
    with pytest.raises(UsageError):
        unprotect(data.project, ["nothing"])


def test_data_that_is_let_go_of_is_the_users_own(data):
    data.write({".assay/config.local": "[cache]\n    type = symlink\n"})
    data.reopened()
    checkout(data.project, how=How(relink=True))
    assert (data.folder / "data/a").is_symlink()
    remove(data.project, ["data"])
    assert not (data.folder / "data/a").is_symlink()
    assert (data.folder / "data/a").read_text() == "1"


def test_a_folder_without_a_file_goes_too(data):
    (data.folder / "bare/inner").mkdir(parents=True)
    add(data.project, ["bare"])
    remove(data.project, ["bare"], outs=True)
    assert not (data.folder / "bare").exists()
