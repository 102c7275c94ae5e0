"""Files of a DVC project that somebody made to do harm: one sentence, the right exit code, and nothing written.

Real DVC is asked only whether the harmless twins of these files are good; what it does with the bad ones is its own.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.engine.errors import AssayError
from assay.engine.pipeline import datafile, lock
from assay.engine.store.digest import digest_bytes
from assay.engine.store.listing import named
from tests.dvcpairs import files
from tests.dvcprocess import DvcProcess
from tests.filetree import write

MD5 = hashlib.md5(b"content", usedforsecurity=False).hexdigest()
Assay = Callable[..., Any]


def data_file(path: str, digest: str = MD5, more: str = "") -> bytes:
    """A ``.dvc`` file of one path, which is spelled as it is."""
    return f"outs:\n- md5: {digest}\n  size: 7\n  hash: md5\n  path: {path}\n{more}".encode()


def put(root: Path, data: bytes, ending: str = "") -> str:
    """Puts an object into the cache under its right name."""
    name = hashlib.md5(data, usedforsecurity=False).hexdigest()
    write(root, {f".dvc/cache/files/md5/{name[:2]}/{name[2:]}{ending}": data})
    return name + ending


def project(root: Path, git: Callable[..., str]) -> Path:
    """A DVC project with one object in its cache, and a file outside it that nobody may touch."""
    (root / "project").mkdir()
    git("init", "-q", "project", cwd=root)
    write(root / "project", {".dvc/config": b"", ".dvc/.gitignore": b"/tmp\n/cache\n", "params.yaml": b"lr: 1\n"})
    put(root / "project", b"content")
    write(root, {"victim": b"mine", "elsewhere/victim": b"mine"})
    return root / "project"


PATHS = {
    "git": ".git/config",
    "git in another case": ".GIT/config",
    "dvc": ".dvc/config",
    "hidden in a folder": "sub/.git/hooks/post-checkout",
    "nul": '"a\\0b"',
    "nul outside": '"../a\\0b"',
    "a pipeline outside": "../dvc.yaml",
    "the project": ".",
    "around the project": "..",
    "everything": "/",
    "nothing": "''",
    "a pipeline": "dvc.yaml",
    "a data file": "x.dvc",
    "no text": "[a]",
    "a tag": "!!python/object/apply:os.system [touch victim]",
}
VERBS = [("checkout",), ("data", "status"), ("commit", "-f"), ("gc", "-w", "-f")]


@pytest.mark.parametrize("name", PATHS)
def test_a_data_file_cannot_name_what_is_not_data(assay: Assay, git: Any, tmp_path: Path, name: str) -> None:
    root = project(tmp_path, git)
    write(root, {"bad.dvc": data_file(PATHS[name])})
    _refused(assay, tmp_path, root, VERBS, "bad.dvc")


OUTSIDE = {
    "above": "../victim",
    "far above": "../../../../../../tmp/victim",
    "inside out": "a/../../victim",
    "absolute": "/tmp/victim",
    "too long": "../" + "x" * 5000,
    "a URL": "s3://bucket/key",
}


@pytest.mark.law
@pytest.mark.parametrize("cache", ["", "  cache: false\n"])
@pytest.mark.parametrize("name", OUTSIDE)
def test_what_lies_outside_the_project_is_never_written(
    assay: Assay, git: Any, tmp_path: Path, name: str, cache: str
) -> None:
    root = project(tmp_path, git)
    write(root, {"far.dvc": data_file(OUTSIDE[name], more=cache), "near.dvc": data_file("near")})
    before = _all(tmp_path)
    for words in (("checkout", "-f"), ("data", "status"), ("data", "ls"), ("dag",), ("gc", "-w", "-f"), ("fsck",)):
        assay(*words, cwd=root)
    after = _all(tmp_path)
    assert after.pop("project/near")[1] == b"content"
    assert {path: data for path, data in after.items() if path != "project/.gitignore"} == before
    for words in (("checkout", "far.dvc", "-f"), ("data", "move", "far.dvc", "x"), ("unprotect", "far.dvc")):
        said = assay(*words, cwd=root, code=1)
        assert "outside the project" in said.err
        assert len(said.err.splitlines()) <= 2


DIGESTS = [
    "zz" * 16,
    "ab",
    "ab" * 20,
    "../" * 10 + "ab",
    MD5.upper(),
    MD5 + ".DIR",
    f"{MD5[:2]}/../{MD5[2:]}",
    "'" + " " * 32 + "'",
]


@pytest.mark.parametrize("digest", DIGESTS)
def test_a_digest_that_is_none_is_refused(assay: Assay, git: Any, tmp_path: Path, digest: str) -> None:
    root = project(tmp_path, git)
    write(root, {"bad.dvc": data_file("a", digest)})
    _refused(assay, tmp_path, root, [("checkout",), ("data", "status")], "bad.dvc")


TEXTS = {
    "a bomb": b"a: &a [x, x, x, x, x, x, x, x, x]\n"
    + b"".join(b"%c: &%c [*%c, *%c, *%c, *%c, *%c, *%c, *%c, *%c]\n" % (c, c, *[c - 1] * 8) for c in range(98, 110)),
    "itself": b"outs: &a\n- *a\n",
    "nesting": b"meta: " + b"[" * 50_000 + b"\n",
    "a flow nest": b"meta: " + b"{a: " * 5_000 + b"}" * 5_000 + b"\n",
    "several": b"outs: []\n---\nouts: []\n",
    "no text": b"\xff\xfe\0outs",
    "twice": data_file("a") + b"  path: b\n",
    "types": b"outs:\n- md5: {a: 1}\n  path: a\n",
    "a size": data_file("a").replace(b"size: 7", b"size: many"),
    "a tag": b"!!python/object/new:os.system [touch victim]\n",
    "a conflict": b"<<<<<<< HEAD\n" + data_file("a") + b"=======\n" + data_file("b") + b">>>>>>> x\n",
    "NUL": b"outs:\n- path: a\0\n",
}


@pytest.mark.parametrize("name", TEXTS)
def test_a_data_file_that_is_none_is_refused(assay: Assay, git: Any, tmp_path: Path, name: str) -> None:
    root = project(tmp_path, git)
    write(root, {"bad.dvc": TEXTS[name]})
    _refused(assay, tmp_path, root, [("checkout",), ("commit",)], "bad.dvc")


ROWS: dict[str, Any] = {
    "above": [{"md5": MD5, "relpath": "../victim"}],
    "inside out": [{"md5": MD5, "relpath": "a/../../../victim"}],
    "absolute": [{"md5": MD5, "relpath": "/tmp/victim"}],
    "git": [{"md5": MD5, "relpath": ".git/config"}],
    "nul": [{"md5": MD5, "relpath": "a\0b"}],
    "nothing": [{"md5": MD5, "relpath": ""}],
    "a folder's end": [{"md5": MD5, "relpath": "a/"}],
    "two slashes": [{"md5": MD5, "relpath": "a//b"}],
    "a dot": [{"md5": MD5, "relpath": "./a"}],
    "no text": [{"md5": MD5, "relpath": 3}],
    "twice": [{"md5": MD5, "relpath": "a"}, {"md5": MD5, "relpath": "a"}],
    "a file and a folder": [{"md5": MD5, "relpath": "a"}, {"md5": MD5, "relpath": "a/b"}],
    "no digest": [{"relpath": "a"}],
    "a short digest": [{"md5": "ab", "relpath": "a"}],
    "a path for a digest": [{"md5": "../" * 8 + "/../etc/x", "relpath": "a"}],
    "a listing in it": [{"md5": MD5 + ".dir", "relpath": "a"}],
    "no list": {"md5": MD5, "relpath": "a"},
    "no rows": ["a"],
    "deep": [{"md5": MD5, "relpath": "d/" * 5_000 + "f"}],
    "half a letter": [{"md5": MD5, "relpath": "\ud800"}],
}


@pytest.mark.parametrize("name", ROWS)
def test_a_listing_cannot_lead_out_of_its_folder(assay: Assay, git: Any, tmp_path: Path, name: str) -> None:
    root = project(tmp_path, git)
    digest = put(root, json.dumps(ROWS[name]).encode(), ".dir")
    write(root, {"data.dvc": data_file("data", digest), ".gitignore": b"/data\n"})
    _refused(assay, tmp_path, root, [("checkout",)], "")


@pytest.mark.parametrize("text", [b"[" * 100_000, b"{}", b"", b"null", b'[{"md5": "' + b"\xff" + b'"}]', b"\0" * 9])
def test_a_listing_that_is_no_json_is_refused(assay: Assay, git: Any, tmp_path: Path, text: bytes) -> None:
    root = project(tmp_path, git)
    write(root, {"data.dvc": data_file("data", put(root, text, ".dir")), ".gitignore": b"/data\n"})
    _refused(assay, tmp_path, root, [("checkout",)], "")


def test_what_is_written_never_goes_through_a_symlink(assay: Assay, git: Any, tmp_path: Path) -> None:
    root = project(tmp_path, git)
    digest = put(root, json.dumps([{"md5": MD5, "relpath": "sub/victim"}]).encode(), ".dir")
    write(root, {"data.dvc": data_file("data", digest), "link.dvc": data_file("way/victim"), ".gitignore": b"/data\n"})
    (root / "way").symlink_to("../elsewhere")
    _refused(assay, tmp_path, root, [("checkout", "link.dvc")], "")
    (root / "data").mkdir()
    (root / "data/sub").symlink_to("../../elsewhere")
    _refused(assay, tmp_path, root, [("checkout", "data")], "")
    (root / "data/sub").unlink()
    (root / "data").rmdir()
    (root / "data").symlink_to("../elsewhere")
    _refused(assay, tmp_path, root, [("checkout", "data")], "")


@pytest.mark.law
def test_saving_writes_no_gitignore_behind_a_symlink(assay: Assay, git: Any, tmp_path: Path) -> None:
    root = project(tmp_path, git)
    write(root, {"link.dvc": data_file("way/victim")})
    (root / "way").symlink_to(tmp_path / "elsewhere")
    git("add", "-A", cwd=root)
    git("commit", "-q", "-m", "x", cwd=root)
    before = _all(tmp_path / "elsewhere")
    for words in (("save", "-n", "one"), ("commit", "-f"), ("data", "remove", "link.dvc")):
        assay(*words, cwd=root, code=None)
    assert _all(tmp_path / "elsewhere") == before


@pytest.mark.law
@pytest.mark.parametrize("name", [".dvc/cache", ".dvc/cache/files", ".dvc/tmp"])
def test_a_symlink_that_a_commit_brought_is_no_cache_and_no_folder_for_files_of_the_moment(
    assay: Assay, git: Any, tmp_path: Path, name: str
) -> None:
    root = project(tmp_path, git)
    place = root / name
    shutil.rmtree(place, ignore_errors=True)
    place.parent.mkdir(exist_ok=True)
    (tmp_path / "elsewhere").mkdir(exist_ok=True)
    place.symlink_to(tmp_path / "elsewhere")
    write(root, {"new": b"new"})
    assay("add", "new", cwd=root)  # the user's own symlink is the user's own
    git("add", "-f", name, cwd=root)
    git("commit", "-q", "-m", "x", cwd=root)
    write(root, {"other": b"other"})
    before = _all(tmp_path / "elsewhere")
    for words in (("add", "other"), ("checkout",), ("run", "-n", "one", "--", "true")):
        said = assay(*words, cwd=root, code=None)
        assert said.code
        assert f"{name} is a symlink that a commit brought" in said.err
    assert _all(tmp_path / "elsewhere") == before


STAGE = b"stages:\n  s:\n    cmd: 'true'\n    deps:\n    - params.yaml\n    outs:\n    - made\n"
LOCKS = {
    "another schema": b"schema: '1.0'\nstages: {}\n",
    "no schema": b"stages: {}\n",
    "no map": b"- a\n",
    "a stage": b"schema: '2.0'\nstages: {s: 3}\n",
    "no command": b"schema: '2.0'\nstages: {s: {outs: []}}\n",
    "a command": b"schema: '2.0'\nstages: {s: {cmd: {a: 1}}}\n",
    "an unknown key": b"schema: '2.0'\nstages: {s: {cmd: x, foo: 1}}\n",
    "deps": b"schema: '2.0'\nstages: {s: {cmd: x, deps: {a: 1}}}\n",
    "a digest": b"schema: '2.0'\nstages: {s: {cmd: x, outs: [{path: made, hash: md5, md5: ../../../victim}]}}\n",
    "a size": b"schema: '2.0'\nstages: {s: {cmd: x, outs: [{path: made, md5: '%s', size: x}]}}\n" % MD5.encode(),
    "files": b"schema: '2.0'\nstages: {s: {cmd: x, outs: [{path: made, files: [3]}]}}\n",
    "a cloud": b"schema: '2.0'\nstages: {s: {cmd: x, outs: [{path: made, cloud: 3}]}}\n",
    "params": b"schema: '2.0'\nstages: {s: {cmd: x, params: [a]}}\n",
    "a bomb": b"schema: '2.0'\n" + TEXTS["a bomb"],
}


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_file_that_is_none_is_refused(assay: Assay, git: Any, tmp_path: Path, name: str) -> None:
    root = project(tmp_path, git)
    write(root, {"dvc.yaml": STAGE, "dvc.lock": LOCKS[name]})
    _refused(assay, tmp_path, root, [("repro",), ("checkout",), ("commit", "-f"), ("data", "status")], "dvc.lock")


def test_a_folder_that_names_its_files_itself_cannot_lead_out(assay: Assay, git: Any, tmp_path: Path) -> None:
    for at, path in enumerate(["../victim", "/tmp/victim", ".git/config", ""]):
        (tmp_path / str(at)).mkdir()
        root = project(tmp_path / str(at), git)
        text = f"outs:\n- path: data\n  hash: md5\n  files:\n  - relpath: '{path}'\n    md5: {MD5}\n    size: 7\n"
        write(root, {"data.dvc": text.encode(), ".gitignore": b"/data\n"})
        _refused(assay, tmp_path / str(at), root, [("checkout",)], "")


def _refused(assay: Assay, above: Path, root: Path, verbs: list[tuple[str, ...]], names: str) -> None:
    """Every verb ends with an error of one sentence that names the file, and leaves everything as it was."""
    for words in verbs:
        before = _all(above)
        said = assay(*words, cwd=root, code=None)
        assert said.code in (251, 253, 255, 1), (words, said)
        lines = said.err.splitlines()
        assert [line for line in lines if line.startswith("error: ")], said.err
        assert all(line.startswith(("error: ", "  ", "warning: ")) for line in lines), said.err
        assert names in said.err
        assert len(said.err) < 2000
        assert _all(above) == before, words


def _all(above: Path) -> dict[str, Any]:
    """Every file but what is temporary; an object that is not what it says may go to quarantine."""
    found = files(above, modes=True)
    return {path: data for path, data in found.items() if "/quarantine/" not in path and "/files/md5/" not in path}


def test_the_harmless_twins_are_good(dvc_process: DvcProcess) -> None:
    root = dvc_process.new()
    write(root, {"data/a": b"content"})
    put(root, b"content")
    listing = json.dumps([{"md5": MD5, "relpath": "a"}]).encode()
    write(root, {"data.dvc": data_file("data", put(root, listing, ".dir"))})
    assert json.loads(dvc_process.run(root, "status", "--json").out) == {}
    dvc_process.drop(root)


SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.sampled_from([MD5, "a"])
)
WORDS = [
    "outs",
    "deps",
    "md5",
    "hash",
    "path",
    "size",
    "nfiles",
    "files",
    "relpath",
    "cloud",
    "repo",
    "url",
    "wdir",
    "cmd",
]
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=150)
@given(st.dictionaries(st.sampled_from(WORDS), VALUES, max_size=5))
def test_any_map_is_a_data_file_or_refused(value: Any) -> None:
    text = json.dumps(value)
    try:
        file = datafile.parse(text, "x.dvc")
    except AssayError as error:
        assert "\n" not in error.message  # noqa: PT017
        return
    assert all(not out.path.startswith(("/", "../")) for out in file.outs)


@settings(max_examples=150)
@given(
    st.dictionaries(st.sampled_from(["schema", "stages", "datasets"]), VALUES | st.dictionaries(st.just("s"), VALUES))
)
def test_any_map_is_a_lock_file_or_refused(value: Any) -> None:
    try:
        found = lock.parse(json.dumps({**value, "schema": "2.0"}), "dvc.lock")
    except AssayError as error:
        assert "\n" not in error.message  # noqa: PT017
        return
    lock.dump(found)
    lock.listings(found)


ROW = st.fixed_dictionaries(
    {"md5": SCALARS | st.just(MD5), "relpath": SCALARS | st.sampled_from(["a", "a/b", "../x", "b"])}
)


@settings(max_examples=150)
@given(st.lists(ROW | SCALARS, max_size=4) | VALUES)
def test_any_json_is_a_listing_or_refused(value: Any) -> None:
    data = json.dumps(value).encode()
    try:
        found = named(digest_bytes("md5", data, is_dir=True), data)
    except AssayError as error:
        assert "\n" not in error.message  # noqa: PT017
        return
    assert all(not digest.is_dir for digest in found)
