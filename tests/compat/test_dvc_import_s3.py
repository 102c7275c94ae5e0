"""`assay-dvc import-url`, `update`, `get-url` and `list-url` of a real S3 server, beside DVC with its own client."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.remotes.registry import Remote, open_store
from tests.dvcprocess import python_of_dvc
from tests.dvcremotes import remote_section
from tests.dvcsides import Sides
from tests.filetree import write

FILES = {"f.csv": b"1\n", "d/a": b"1\n", "d/b/c": b"22\n", "d/b/e": b"333\n"}


@pytest.fixture(scope="module", autouse=True)
def client(dvc_process):
    """DVC's client for S3; it comes with ``dvc[s3]``."""
    python = python_of_dvc()
    if not any((Path(python).parent.parent / "lib").glob("python3*/site-packages/dvc_s3")):
        pytest.skip("needs dvc-s3")


@pytest.fixture
def stores(s3, versioned_s3):
    """A prefix of a bucket, and one of a bucket that keeps versions."""
    found = [open_store(Remote("store", *place)) for place in (s3, versioned_s3)]
    for store in found:
        put(store, FILES)
    yield found
    for store in found:
        store.close()


@pytest.fixture
def sides(dvc_process, assay_dvc, tmp_path, s3, versioned_s3, stores):
    root = dvc_process.new()
    sections = "".join(remote_section(name, *place) for name, place in (("s", s3), ("v", versioned_s3)))
    write(root, {".dvc/config": f"[core]\n    remote = up\n['remote \"up\"']\n    url = ../../up\n{sections}"})
    return Sides(dvc_process, assay_dvc, root, tmp_path)


def put(store, files):
    for name, data in files.items():
        store.put(name, data)


def test_imports_from_s3_are_dvcs_and_follow_it(sides, stores):
    sides.same("import-url", "remote://s/f.csv")
    sides.same("import-url", "remote://s/d")
    sides.same("import-url", "remote://s/d/", "later", "--no-download")
    sides.same("import-url", "--version-aware", "remote://v/f.csv", "vf")
    sides.same("import-url", "--version-aware", "remote://v/d", "vd")
    sides.same("import-url", "--version-aware", "--no-download", "remote://v/d", "vlater")
    sides.same_files()
    for store in stores:
        put(store, {"f.csv": b"new\n", "d/a": b"new\n", "d/n": b"n\n"})
    sides.same("update", "f.csv.dvc", "d.dvc", "vf.dvc", "vd.dvc")
    sides.same_files()


def test_s3_is_listed_and_brought_as_by_dvc(sides):
    for words in (["remote://s/"], ["remote://s/d", "-T", "--size"], ["remote://s/nope"]):
        sides.same("list-url", *words, ordered="-T" in words)
    sides.same("get-url", "remote://s/d", "got")
    sides.same("get-url", "remote://s/f.csv")
    sides.same_files()


def test_a_version_is_brought_although_there_is_a_newer_one(sides, stores, assay_dvc):
    for name in ("f.csv", "d"):
        assay_dvc("import-url", "--version-aware", f"remote://v/{name}", cwd=sides.ours)
    put(stores[1], {"f.csv": b"new\n", "d/a": b"new\n", "d/more": b"more\n"})
    write(sides.ours, {".dvc/cache": None, "f.csv": None, "d": None})
    assay_dvc("pull", cwd=sides.ours)
    assert {name: (sides.ours / name).read_bytes() for name in FILES} == FILES
    assert not (sides.ours / "d/more").exists()
