"""`assay-dvc import-url`, `update`, `get-url` and `list-url` do and print what DVC's do, byte by byte."""

from __future__ import annotations

import re

import pytest

from tests.dvcsides import Sides
from tests.filetree import write
from tests.httpserver import serving


@pytest.fixture(scope="module")
def server():
    with serving() as found:
        yield found


@pytest.fixture
def elsewhere(tmp_path):
    """A folder beside both projects."""
    found = tmp_path / "elsewhere"
    write(found, {"f.csv": "1\n", "d/a": "1\n", "d/b/c": "22\n", "d/b/e/long": "12345" * 1000, "exe": "#!/bin/sh\n"})
    (found / "exe").chmod(0o755)
    return found


@pytest.fixture
def sides(dvc_process, assay_dvc, tmp_path):
    """Two empty projects with a remote each."""
    root = dvc_process.new()
    for side in ("ours", "theirs"):
        write(tmp_path / side, {"up/kept": "kept\n"})
    config = "[core]\n    remote = up\n['remote \"up\"']\n    url = ../../up\n"
    write(root, {".dvc/config": config, "inside.txt": "in\n", "sub/x": "x", "own": "own"})
    return Sides(dvc_process, assay_dvc, root, tmp_path)


def test_paths_are_imported_as_by_dvc(sides, elsewhere):
    sides.same("import-url", f"{elsewhere}/f.csv")
    sides.same("import-url", f"{elsewhere}/d", "e")
    sides.same("import-url", f"{elsewhere}/exe", "sub")
    sides.same("import-url", "../../elsewhere/f.csv", "rel.csv")
    sides.same("import-url", "../../../elsewhere/f.csv", "rel.csv", cd="sub")
    sides.same("import-url", "inside.txt", "copy.txt")
    sides.same("import-url", "remote://up/kept", "of-remote")
    sides.same("import-url", "--no-download", f"{elsewhere}/d", "later")
    sides.same("import-url", "--no-exec", "not/there", "never")
    sides.same("status")  # the checksum of what was never there
    sides.same("import-url", "--to-remote", f"{elsewhere}/d", "sent")
    sides.same_files()


def test_what_is_there_is_replaced_by_force_alone(sides, elsewhere):
    sides.same("import-url", f"{elsewhere}/f.csv")
    sides.same("import-url", f"{elsewhere}/d", "f.csv")
    sides.same("import-url", f"{elsewhere}/d", "no/such/folder")
    sides.same("add", "own")
    sides.same_files()
    sides.same("import-url", "-f", f"{elsewhere}/exe", "f.csv")
    sides.same("import-url", "-f", f"{elsewhere}/f.csv", "own")
    sides.same_files()


def test_pages_are_imported_as_by_dvc(sides, server):
    for name in ("bare/x2.csv", "redirect/z"):
        sides.same("import-url", f"{server.url}/{name}")
    sides.same("import-url", "--no-download", f"{server.url}/etag/later")
    sides.same("import-url", "--to-remote", f"{server.url}/etag/sent")
    sides.same("import-url", f"{server.url}/etag/page?raw=true&x=1")
    assert "Importing" in sides.same("import-url", f"{server.url}/missing/x")
    sides.same_files()


def sums(root):
    """What .dvc files say, without their own checksums."""
    return {path.name: re.sub(r"^md5: .*\n", "", path.read_text(), flags=re.MULTILINE) for path in root.glob("?*.dvc")}


def test_what_changed_at_its_source_is_brought(sides, elsewhere, server):
    for words in ([f"{elsewhere}/f.csv"], [f"{elsewhere}/d"], [f"{server.url}/etag/up.csv"],
                  ["--no-exec", f"{server.url}/etag/up2"], ["--no-download", f"{elsewhere}/d", "later"]):  # fmt: skip
        sides.same("import-url", *words)
    targets = ("f.csv.dvc", "d", "up.csv.dvc")
    sides.same("update", *targets)
    sides.same("update", "up2.dvc", "later")
    sides.same_files()
    write(elsewhere, {"f.csv": "changed\n", "d/a": None, "d/new": "new\n"})
    server.versions.update({"etag/up.csv": 3, "etag/up2": 3})
    sides.write({"f.csv": "edited"})
    sides.same("update", "f.csv.dvc")
    sides.same("update", "-R", ".")
    sides.same_files()
    sides.write({"up.csv": None})
    sides.same("update", "up.csv")
    sides.same_files()


def test_comments_and_what_people_wrote_stay(sides, elsewhere):
    sides.same("import-url", f"{elsewhere}/f.csv")
    text = (sides.ours / "f.csv.dvc").read_text()
    sides.write({"f.csv.dvc": f"# why\n{text}  desc: what it is  # really\nmeta: {{a: 1}}\n"})
    sides.same("update", "f.csv.dvc")
    write(elsewhere, {"f.csv": "changed\n"})
    sides.same("update", "f.csv.dvc")
    sides.same_files()
    assert "# why" in (sides.ours / "f.csv.dvc").read_text()


def test_an_update_that_brings_nothing_keeps_the_checksum_right(sides, elsewhere):
    """DVC leaves the checksum of what was there before, and then calls the import changed."""
    sides.same("import-url", f"{elsewhere}/f.csv")
    sides.same("import-url", f"{elsewhere}/d")
    sides.same("import-url", "--to-remote", f"{elsewhere}/exe")
    write(elsewhere, {"f.csv": "changed\n", "d/a": "changed\n", "exe": "changed\n"})
    sides.same("update", "--no-download", "f.csv.dvc")
    sides.same("update", "--to-remote", "d.dvc", "exe.dvc")
    sides.same("update", "--to-remote", "--no-download", "d.dvc")
    sides.same("update", "-r", "up", "d.dvc")
    assert sums(sides.ours) == sums(sides.theirs)
    assert not (sides.ours / "f.csv").exists()
    assert "changed checksum" in sides.dvc("status", root=sides.theirs)
    assert "changed checksum" not in sides.dvc("status", root=sides.ours)


def test_what_has_no_source_any_more_stays_as_it_is(sides, elsewhere):
    """DVC removes the data before it looks."""
    sides.same("import-url", f"{elsewhere}/f.csv")
    write(elsewhere, {"f.csv": None})
    before = (sides.ours / "f.csv.dvc").read_bytes()
    sides.same("update", "f.csv.dvc")
    assert (sides.ours / "f.csv").read_bytes() == b"1\n"
    assert (sides.ours / "f.csv.dvc").read_bytes() == before


def test_what_is_no_import_is_told(sides):
    sides.same("add", "own")
    sides.same("update", "own.dvc")
    sides.same("update", "--no-download", "own.dvc")
    sides.same("update", "nope.dvc")


def test_getting_brings_what_dvc_brings(sides, elsewhere, server):
    for words in (["f.csv"], ["f.csv"], ["-f", "f.csv"], ["d"], ["d", "sub"], ["d", "new/deep"], ["f.csv", "n2/"],
                  ["nope"], ["exe"]):  # fmt: skip
        sides.same("get-url", *words[:-2], *[f"{elsewhere}/{word}" if word in ("f.csv", "d", "nope", "exe") else word
                                             for word in words[-2:]])  # fmt: skip
    write(elsewhere, {"d/a": "new", "d/b": None})
    sides.same("get-url", "-f", f"{elsewhere}/d")
    sides.same("get-url", f"{server.url}/etag/got")
    sides.same("get-url", f"{server.url}/missing/got2")
    sides.same("get-url", "foo://x/y", "y")
    sides.same("get-url", "remote://x/y", "y")
    sides.same_files()


@pytest.mark.parametrize(
    "words",
    [[], ["-R"], ["-R", "-L", "1"], ["-R", "-L", "2"], ["-L", "1"], ["-L", "0"], ["--size"], ["-R", "--size"],
     ["-T"], ["-T", "-L", "1"], ["-T", "--size"], ["-T", "-L", "0"]],
    ids=" ".join,
)  # fmt: skip
def test_listing_says_what_dvc_says(sides, elsewhere, words):
    for name in ("../../elsewhere/d", f"{elsewhere}/f.csv"):
        sides.same("ls-url", name, *words, ordered="-T" in words)


def test_pages_are_listed_as_by_dvc(sides, server):
    for words in ([], ["-T", "--size"], ["--size"]):
        sides.same("list-url", f"{server.url}/etag/x", *words)
    sides.same("list-url", f"{server.url}/missing/x")
