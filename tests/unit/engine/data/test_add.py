"""``add``: what becomes data, where it is recorded, and what is refused."""

from __future__ import annotations

import errno
import os

import pytest

from assay.engine import disk
from assay.engine.data.add import How, add, add_copy
from assay.engine.data.checkout import checkout
from assay.engine.errors import AssayError, BadInput, MissingArtifact, Refused, UsageError
from assay.engine.git.index import read_index
from assay.engine.pipeline.datafile import parse_file
from assay.engine.store.manifest import files_in
from assay.engine.workspace.undo import undo

STAGE = "stages:\n  s:\n    cmd: x\n    outs: [out.txt, made]\n"


def recorded(built, path):
    """What a .dvc file says, by project path."""
    return parse_file((built.folder / path).read_bytes(), path).cached


def inside(built, path, data_file):
    """The names that a tracked folder is recorded with."""
    return [name for name, _ in files_in(built.project.cache, recorded(built, data_file)[path].digest)]


def test_a_file_and_a_folder(built):
    built.write({"data/a": "1\n", "data/sub/b": "2\n", "sub/x.txt": "x"})
    added = add(built.project, ["data", "sub/x.txt"])
    assert added.written == ("data.dvc", "sub/x.txt.dvc", ".gitignore", "sub/.gitignore")
    assert (built.folder / ".gitignore").read_text() == "/data\n"
    assert (built.folder / "sub/.gitignore").read_text() == "/x.txt\n"
    assert inside(built, "data", "data.dvc") == ["a", "sub/b"]
    artifact = recorded(built, "sub/x.txt.dvc")["sub/x.txt"]
    assert built.project.cache.read(artifact.digest) == b"x"


def test_the_same_again_writes_nothing(built):
    built.write({"data/a": "1\n"})
    add(built.project, ["data"])
    before = (built.folder / "data.dvc").stat()
    assert add(built.project, ["data"]).written == ()
    assert (built.folder / "data.dvc").stat().st_mtime_ns == before.st_mtime_ns


def test_an_edit_keeps_what_stands_around_the_digest(built):
    built.write({"a": "1"})
    add(built.project, ["a"])
    path = built.folder / "a.dvc"
    path.write_text("# mine\n" + path.read_text() + "  desc: hello\n")
    built.write({"a": "22"})
    add(built.project, ["a"])
    assert path.read_text().startswith("# mine\nouts:\n- digest: ")
    assert path.read_text().endswith("  path: a\n  desc: hello\n")
    assert recorded(built, "a.dvc")["a"].size == 2


def test_one_path_joins_the_folder_it_lies_in(built):
    built.write({"data/a": "1", "data/b/c": "2"})
    add(built.project, ["data"])
    built.write({"data/a": "changed", "data/new": "3", "data/b/d": "4"})
    added = add(built.project, ["data/new", "data/b"])
    assert added.written == ("data.dvc",)
    assert inside(built, "data", "data.dvc") == ["a", "b/c", "b/d", "new"]
    files = dict(files_in(built.project.cache, recorded(built, "data.dvc")["data"].digest))
    assert built.project.cache.read(files["a"].digest) == b"1"


def test_a_folder_whose_listing_is_lost_cannot_be_joined(built):
    built.write({"data/a": "1"})
    add(built.project, ["data"], How(keep=False))
    with pytest.raises(MissingArtifact):
        add(built.project, ["data/a"])


def test_without_commit_only_the_name_is_recorded(built):
    built.write({"data/a": "1"})
    add(built.project, ["data"], How(keep=False))
    assert not built.project.cache.has(recorded(built, "data.dvc")["data"].digest)


def test_a_data_file_of_another_name(built):
    built.write({"raw/a b": "1"})
    built.folder.joinpath("meta").mkdir()
    add(built.project, ["raw/a b"], How("meta/x.dvc"))
    assert (built.folder / "meta/x.dvc").read_text().endswith("path: ../raw/a b\n")
    assert list(recorded(built, "meta/x.dvc")) == ["raw/a b"]
    with pytest.raises(UsageError, match="no name for"):
        add(built.project, ["other"], How("x"))


def test_patterns(built):
    built.write({"raw/a.csv": "1", "raw/b.csv": "2", "raw/c.txt": "3"})
    assert list(add(built.project, ["raw/*.csv"], glob=True).artifacts) == ["raw/a.csv", "raw/b.csv"]
    assert list(add(built.project, ["raw/*.csv*"], glob=True).artifacts) == ["raw/a.csv", "raw/b.csv"]
    with pytest.raises(UsageError, match="matches"):
        add(built.project, ["raw/*.png"], glob=True)


@pytest.mark.parametrize("name", ["!a", "#b", "a b ", "[x]*", "é", "a\\b", "-n", "a:b", "'q\""])
def test_odd_names_are_recorded_and_ignored(built, git, name):
    built.write({name: "1"})
    add(built.project, [name])
    assert list(recorded(built, f"{name}.dvc")) == [name]
    assert git("check-ignore", "--", f"./{name}", cwd=built.folder)


def test_names_that_cannot_be_recorded(built):
    for name, says in ((b"a\xff", "UTF-8"), (b"a\nb", "line break")):
        path = os.path.join(os.fsencode(built.folder), name)
        with open(path, "wb") as file:
            file.write(b"1")
        with pytest.raises(BadInput, match=says):
            add(built.project, [os.fsdecode(name)])
    os.mkdir(built.folder / "d")
    with open(os.path.join(os.fsencode(built.folder), b"d/a\xff"), "wb"):
        pass
    add(built.project, ["d"])


def test_an_empty_folder_is_data(built):
    (built.folder / "e").mkdir()
    assert add(built.project, ["e"]).artifacts["e"].nfiles == 0


def test_a_link_to_a_file_of_the_project_counts_as_that_file(built):
    built.write({"a": "1"})
    os.symlink("a", built.folder / "l")
    assert add(built.project, ["l"]).artifacts["l"].size == 1


def picture(folder):
    """The files that a user sees, with their content."""
    found = {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()}
    hidden = (".assay/tmp", ".assay/cache", ".git/assay")
    return {name: path.read_bytes() for name, path in found.items() if not name.startswith(hidden)}


def refused(built, error, path, says):
    """A path that is refused, with nothing written."""
    before = picture(built.folder)
    with pytest.raises(error, match=says):
        add(built.project, [path])
    assert picture(built.folder) == before


@pytest.mark.parametrize(
    ("path", "error", "says"),
    [
        (".", UsageError, "itself"),
        (".git", UsageError, "belongs"),
        ("sub/.git/x", UsageError, "belongs"),
        (".assay", UsageError, "belongs"),
        ("dvc.yaml", UsageError, "description"),
        ("dvc.lock", UsageError, "description"),
        ("x.dvc", UsageError, "description"),
        (".gitignore", UsageError, "description"),
        ("nothing", BadInput, "does not exist"),
        ("out.txt", Refused, "stage s"),
        ("made/x", Refused, "stage s"),
        ("left", Refused, r"\.dvcignore"),
        ("gone", BadInput, "leads nowhere"),
        ("away", BadInput, "leaves the project"),
        ("with", BadInput, "inside data"),
        ("pipe", BadInput, "neither a file nor a folder"),
        ("ignored/x", Refused, "would be ignored"),
    ],
)
def test_what_cannot_be_data(built, path, error, says):
    built.write({"dvc.yaml": STAGE, "out.txt": "o", "made/x": "m", ".dvcignore": "left\n", "left": "l", "with/a": "1"})
    built.write(
        {"with/.dvcignore": "x\n", "ignored/x": "1", ".gitignore": "/ignored/\n", "sub/.git/x": "", "x.dvc": ""}
    )
    os.symlink("nowhere", built.folder / "gone")
    os.symlink("/etc/passwd", built.folder / "away")
    os.mkfifo(built.folder / "pipe")
    refused(built, error, path, says)


def test_what_git_tracks_is_refused(built, git):
    built.write({"code/x.py": "1"})
    git("add", "code/x.py", cwd=built.folder)
    for path in ("code/x.py", "code"):
        refused(built, Refused, path, "tracked by Git")


def test_what_holds_other_data_is_refused(built):
    built.write({"data/a": "1", "data/b": "2"})
    add(built.project, ["data/a"])
    refused(built, Refused, "data", r"data/a\.dvc tracks")
    built.write({"other/a": "1"})
    with pytest.raises(UsageError, match="lies in"):
        add(built.project, ["other", "other/a"])


def test_an_import_is_not_overwritten(built):
    text = f"deps:\n- path: /x\nouts:\n- md5: {'a' * 32}\n  path: i\n"
    built.write({"i": "1", "i.dvc": text})
    refused(built, Refused, "i", "imported")
    built.write({"folder/a": "1", "folder.dvc": text.replace("path: i", "path: folder")})
    refused(built, Refused, "folder/a", "imported")


def test_a_data_file_is_not_written_through_a_symlink(built, tmp_path):
    (tmp_path / "away").mkdir()
    os.symlink(tmp_path / "away", built.folder / "link")
    built.write({"a": "1"})
    before = picture(built.folder)
    with pytest.raises(AssayError):
        add(built.project, ["a"], How("link/a.dvc"))
    assert picture(built.folder) == before
    assert not list((tmp_path / "away").iterdir())


def test_a_folder_in_the_way_of_the_data_file(built):
    built.write({"a": "1", "a.dvc/x": "2"})
    refused(built, Refused, "a", "in the way")


def test_a_copy_from_elsewhere(built, tmp_path):
    (tmp_path / "away").mkdir()
    (tmp_path / "away/a").write_text("1")
    built.write({"sub/x": ""})
    assert list(add_copy(built.project, str(tmp_path / "away"), "sub").artifacts) == ["sub/away"]
    assert (built.folder / "sub/away/a").read_text() == "1"
    (tmp_path / "away/a").write_text("2")
    with pytest.raises(Refused, match="exists"):
        add_copy(built.project, str(tmp_path / "away"), "sub/away")
    add_copy(built.project, str(tmp_path / "away"), "sub/away", force=True)
    assert (built.folder / "sub/away/a").read_text() == "2"
    undo(built.project)
    assert (built.folder / "sub/away/a").read_text() == "1"
    with pytest.raises(BadInput, match="does not exist"):
        add_copy(built.project, str(tmp_path / "nothing"), "x")


def test_undo_takes_a_copy_away(built, tmp_path):
    (tmp_path / "away").write_text("1")
    before = picture(built.folder)
    add_copy(built.project, str(tmp_path / "away"), "here")
    undo(built.project)
    now = picture(built.folder)
    assert {name for name in {*before, *now} if before.get(name) != now.get(name) and name[0] != "."} == set()
    assert not (built.folder / "here.dvc").exists()


def test_a_copy_that_was_cut_short_is_a_part_of_tracked_data(built, tmp_path):
    (tmp_path / "away").mkdir()
    for name in ("a", "b"):
        (tmp_path / "away" / name).write_text(name)

    def full(step, path):
        if path.endswith("copied/b"):
            raise OSError(errno.ENOSPC, "No space left on device", path)

    with disk.injected(full), pytest.raises(AssayError, match="No space"):
        add_copy(built.project, str(tmp_path / "away"), "copied")
    with pytest.raises(Refused, match="exists"):
        add_copy(built.project, str(tmp_path / "away"), "copied")
    checkout(built.project, ["copied"])
    assert sorted(os.listdir(built.folder / "copied")) == ["a", "b"]


@pytest.mark.law(2)
@pytest.mark.parametrize("kind", ["hardlink", "symlink"])
def test_what_is_edited_before_it_becomes_a_link_stays(built, kind):
    built.write({".assay/config.local": f"[cache]\n    type = {kind}\n", "data/a": "1", "data/b": "2"})
    built.reopened()

    def edit(step, path):
        if path.endswith("data.dvc"):
            (built.folder / "data/a").write_text("edited meanwhile")

    with disk.injected(edit):
        add(built.project, ["data"])
    assert (built.folder / "data/a").read_text() == "edited meanwhile"
    assert (built.folder / "data/b").is_symlink() or (built.folder / "data/b").stat().st_nlink == 2


def test_autostage_writes_the_index(built, git):
    built.write({".assay/config.local": "[core]\n    autostage = true\n", "a": "1"})
    built.reopened()
    assert add(built.project, ["a"]).staged
    assert set(read_index(built.project.repo.index_path).offsets) == {"a.dvc", ".gitignore"}
    assert git("status", "--porcelain", "a.dvc", ".gitignore", cwd=built.folder).split() == [
        "A",
        ".gitignore",
        "A",
        "a.dvc",
    ]


def test_hard_links_where_they_are_asked_for(built):
    built.write({".assay/config.local": "[cache]\n    type = hardlink\n", "a": "1", "b": "2"})
    built.reopened()
    add(built.project, ["a"])
    add(built.project, ["b"], How(relink=False))
    assert [(built.folder / name).stat().st_nlink for name in "ab"] == [2, 1]
