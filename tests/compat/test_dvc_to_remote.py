"""`add --to-remote`: the same ``.dvc`` files and objects as DVC's, and nothing in the cache or the workspace."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.dvcpairs import Pair, cache_of
from tests.dvcprocess import DvcProcess
from tests.filetree import write
from tests.httpserver import HttpServer, serving

_OBJECT = re.compile(r"files/md5/[0-9a-f]{2}/[0-9a-f]{30}(\.dir)?")


@pytest.fixture(scope="module")
def server() -> Iterator[HttpServer]:
    with serving() as found:
        yield found


@pytest.fixture
def pair(dvc_process: DvcProcess, tmp_path: Path) -> Iterator[Pair]:
    """Two projects with two remotes each, and data beside them."""
    found = Pair(dvc_process)
    for side, root in (("ours", found.ours), ("theirs", found.theirs)):
        settings = "".join(f"['remote \"{name}\"']\n    url = {tmp_path}/{side}-{name}\n" for name in ("r", "other"))
        (root / ".dvc/config").write_text(f"[core]\n    remote = r\n{settings}")
    content = {"f": b"1\n", "d/a": b"1\n", "d/b": b"1\n", "d/s/é x": b"2\n"}
    write(tmp_path, {f"data/{name}": data for name, data in content.items()})
    (tmp_path / "data/f").chmod(0o755)
    yield found
    found.drop()


def sent(folder: Path) -> dict[str, bytes]:
    """The objects of a remote; DVC leaves temporary files beside them."""
    paths = (path for path in folder.rglob("*") if path.is_file())
    found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}
    return {name: data for name, data in found.items() if _OBJECT.fullmatch(name)}


def described(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*.dvc") if path.is_file()}


def test_files_and_folders_are_sent_and_recorded_as_by_dvc(
    pair: Pair, assay_dvc: Callable[..., Any], tmp_path: Path
) -> None:
    pair.write({"sub/here": b"here", "known": b"old"})
    for do in (pair.dvc_does, lambda *words: assay_dvc(*words, cwd=pair.ours)):
        do("add", "--to-remote", f"{tmp_path}/data/f")
        do("add", "--to-remote", f"{tmp_path}/data/d", "-o", "e", "-r", "other", "--remote-jobs", "2")
        do("add", "--to-remote", f"{tmp_path}/data/d", "-o", "sub")
        do("add", "--to-remote", "sub/here")
        do("add", "--to-remote", f"{tmp_path}/data/f", "-o", "e")
    assert described(pair.ours) == described(pair.theirs)
    for name in ("r", "other"):
        ours, theirs = sent(tmp_path / f"ours-{name}"), sent(tmp_path / f"theirs-{name}")
        assert ours == theirs
        assert ours
    assert not cache_of(pair.ours)
    assert sorted(path.name for path in pair.ours.iterdir() if path.name[0] != ".") == [
        "e.dvc", "f.dvc", "known", "sub"
    ]  # fmt: skip
    pair.dvc_does("pull", at=pair.ours)
    assert (pair.ours / "sub/d/s/é x").read_bytes() == b"2\n"


def test_what_is_there_already_is_not_sent_again(pair: Pair, assay_dvc: Callable[..., Any], tmp_path: Path) -> None:
    assay_dvc("add", "--to-remote", f"{tmp_path}/data/d", cwd=pair.ours)
    objects = [path for path in (tmp_path / "ours-r/files").rglob("*") if path.is_file()]
    before = {path: path.stat().st_mtime_ns for path in objects if path.suffix != ".dir"}
    assay_dvc("add", "--to-remote", f"{tmp_path}/data/d", "-o", "again", cwd=pair.ours)
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_a_url_is_passed_on(pair: Pair, assay_dvc: Callable[..., Any], tmp_path: Path, server: HttpServer) -> None:
    for do in (pair.dvc_does, lambda *words: assay_dvc(*words, cwd=pair.ours)):
        do("add", "--to-remote", f"{server.url}/etag/file.csv", "-o", "got")
        do("add", "--to-remote", f"{server.url}/etag/file.csv")
    assert described(pair.ours) == described(pair.theirs)
    assert sent(tmp_path / "ours-r") == sent(tmp_path / "theirs-r")
    assert not cache_of(pair.ours)
    kept = (path for path in (pair.ours / ".dvc/tmp").rglob("*") if path.is_file())
    assert not [path for path in kept if path.read_bytes() == server.content("etag/file.csv")]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--to-remote", "nope"], 1, "nope: does not exist"),
        (["--to-remote", "a", "b"], 1, "Multiple targets"),
        (["--to-remote", "a", "--no-commit"], 1, "--no-commit"),
        (["--to-remote", "a", "--glob"], 1, "--glob"),
        (["--to-remote", "a", "--remote-jobs", "0"], 1, "--remote-jobs"),
        (["a", "-r", "r"], 1, "--remote can't be used without"),
        (["a", "--remote-jobs", "3"], 1, "--remote-jobs can't be used without"),
        (["--to-remote", "a", "-r", "nope"], 1, "no remote 'nope'"),
        (["--to-remote", "a", "-o", "no/where"], 1, "no: does not exist"),
        (["--to-remote", "a", "-o", "../out"], 1, "outside"),
        (["--to-remote", "ftp://x"], 1, "names no file"),
        (["--to-remote", "{server}/missing/x"], 1, "does not exist"),
        (["--to-remote", "{server}/forbidden/x"], 1, "refused"),
        (["--to-remote", "a", "-o", "kept/x"], 1, "kept"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_changes_nothing(
    pair: Pair, assay_dvc: Callable[..., Any], server: HttpServer, words: list[str], code: int, said: str
) -> None:
    pair.write({"a": b"a", "b": b"b", "kept/y": b"y"})
    assay_dvc("add", "kept", cwd=pair.ours)
    before = described(pair.ours), (pair.ours / ".gitignore").read_bytes()
    spelled = [word.replace("{server}", server.url) for word in words]
    err = assay_dvc("add", *spelled, cwd=pair.ours, code=code).err
    assert said in err
    assert "mistake in assay" not in err
    assert (described(pair.ours), (pair.ours / ".gitignore").read_bytes()) == before
