"""Data pushed by real DVC and pulled by assay, and the other way round, through one remote."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from assay.engine.ports import RemoteStore
from assay.remotes.registry import Remote, open_store
from tests.dvcprocess import DvcProcess
from tests.dvcremotes import Twins


@pytest.fixture
def twins(dvc_process: DvcProcess, assay_dvc: Callable[..., Any], tmp_path: Path) -> Twins:
    return Twins(dvc_process, assay_dvc, str(tmp_path / "store"), {})


@pytest.fixture
def bucket(s3: tuple[str, dict[str, str]]) -> Iterator[RemoteStore]:
    """A place in a real S3 server's bucket."""
    store = open_store(Remote("store", *s3))
    yield store
    store.close()


def test_what_assay_pushed_dvc_pulls(twins: Twins) -> None:
    files = twins.tracked()
    count = len(files) + 1
    assert twins.ours("push").out == f"{count} files pushed\n"
    assert twins.theirs("push").out == "Everything is up to date.\n"
    assert "in sync" in twins.theirs("status", "-c").out
    there = twins.copy()
    twins.theirs("pull", folder=there)
    assert twins.holds(there, files)


def test_what_dvc_pushed_assay_pulls(twins: Twins) -> None:
    files = twins.tracked()
    twins.theirs("push")
    assert twins.ours("push").out == "Everything is up to date.\n"
    there = twins.copy()
    said = twins.ours("pull", folder=there).out
    assert said.splitlines()[-1] == f"{len(files) + 1} files fetched and {len(files)} files added"
    assert twins.holds(there, files)
    assert twins.theirs("status", folder=there).out == "Data and pipelines are up to date.\n"
    assert twins.ours("pull", folder=there).out == "Everything is up to date.\n"


def test_a_bucket_holds_the_same_bytes_under_the_same_keys(
    twins: Twins, bucket: RemoteStore, s3: tuple[str, dict[str, str]]
) -> None:
    """What lies in a folder is carried to the bucket, and back."""
    files = twins.tracked()
    twins.theirs("push")
    lines = [f"    {key} = {value}\n" for key, value in {"url": s3[0], **s3[1]}.items()]
    (twins.one / ".dvc/config.local").write_text("['remote \"cloud\"']\n" + "".join(lines))
    assert twins.ours("push", "-r", "cloud").out == f"{len(files) + 1} files pushed\n"
    held = {info.key: bucket.get(info.key) for info in bucket.list("")}
    assert held == {name: (twins.remote / name).read_bytes() for name in twins.objects()}
    assert twins.ours("push", "-r", "cloud").out == "Everything is up to date.\n"
    there = twins.copy()
    twins.ours("pull", "-r", "cloud", folder=there)
    assert twins.holds(there, files)


def test_the_remote_is_the_same_whoever_wrote_it(twins: Twins) -> None:
    twins.tracked()
    twins.theirs("push")
    theirs = twins.objects()
    shutil.rmtree(twins.remote)
    twins.ours("push")
    assert twins.objects() == theirs


@pytest.mark.law
def test_a_listing_on_the_remote_whose_files_are_missing_fools_nobody(twins: Twins) -> None:
    files = twins.tracked()
    twins.theirs("push")
    [listing] = twins.remote.rglob("*.dir")
    lost = json.loads(listing.read_bytes())[0]
    path = twins.remote / "files/md5" / lost["md5"][:2] / lost["md5"][2:]
    path.unlink()
    there = twins.copy()
    said = twins.ours("pull", folder=there, code=1)
    assert f"ERROR: data: md5:{lost['md5']} is not on the remote." in said.err
    assert twins.ours("push").out == "1 file pushed\n"
    twins.ours("pull", folder=there)
    assert twins.holds(there, files)


@pytest.mark.law
def test_a_damaged_object_on_the_remote_is_named_and_never_checked_out(twins: Twins) -> None:
    twins.write({"model": b"sound", "other": b"other"})
    twins.theirs("add", "-q", "model", "other")
    twins.theirs("push")
    digest = "6e5d7c3a9d0b"
    [path] = [found for found in twins.remote.rglob("*") if found.is_file() and found.read_bytes() == b"sound"]
    digest = path.parent.name + path.name
    path.chmod(0o644)
    path.write_bytes(b"SOUND")
    there = twins.copy()
    (there / "other").unlink()
    said = twins.ours("pull", folder=there, code=1)
    assert "is damaged" in said.err
    assert path.name in said.err
    assert not (there / "model").exists()
    assert not list((there / ".dvc/cache").rglob(digest[2:]))
    assert (there / "other").read_bytes() == b"other"


def test_objects_of_dvc_2_travel_where_it_had_them(twins: Twins) -> None:
    from assay.engine.store.digest import digest_bytes

    data = b"a line\r\n"
    digest = digest_bytes("md5-dos2unix", data).hex
    cached = twins.one / ".dvc/cache" / digest[:2] / digest[2:]
    cached.parent.mkdir(parents=True)
    cached.write_bytes(data)
    (twins.one / "old.dvc").write_text(f"outs:\n- md5: {digest}\n  size: {len(data)}\n  path: old\n")
    assert twins.ours("push").out == "1 file pushed\n"
    assert twins.objects() == {f"{digest[:2]}/{digest[2:]}"}
    assert twins.theirs("push").out == "Everything is up to date.\n"
    for pull in (twins.theirs, twins.ours):
        there = twins.copy()
        pull("pull", folder=there)
        assert (there / "old").read_bytes() == data


def pipeline(twins: Twins) -> None:
    twins.write({"dvc.yaml": b"stages:\n  s:\n    cmd: cat in > out; cat in > m.json\n    deps: [in]\n    outs: [out]\n"
                 b"    metrics:\n    - m.json:\n        cache: false\n", "in": b"1"})  # fmt: skip
    twins.theirs("repro", "-q")


def test_the_run_cache_travels_both_ways(twins: Twins) -> None:
    pipeline(twins)
    said = twins.ours("push", "--run-cache").out
    assert said == "2 files pushed\n", "the one content, and what the stage did"
    before = twins.objects()
    twins.theirs("push", "--run-cache")
    assert twins.objects() == before
    assert twins.ours("push", "--run-cache").out == "Everything is up to date.\n"
    for one, other in ((twins.theirs, twins.ours), (twins.ours, twins.theirs)):
        there = twins.copy()
        (there / "dvc.lock").unlink()
        (there / "out").unlink()
        one("fetch", "--run-cache", folder=there)
        runs = [path for path in (there / ".dvc/cache/runs").rglob("*") if path.is_file()]
        assert len(runs) == 1
        shutil.copytree(twins.one / ".dvc/cache/files", there / ".dvc/cache/files", dirs_exist_ok=True)
        said = other("repro", folder=there)
        assert "is cached" in said.out + said.err or "run cache" in said.out + said.err


def test_targets_mean_the_same(twins: Twins) -> None:
    twins.write({"data/a/1": b"1", "data/a/2": b"2", "data/b": b"b", "model": b"m", "sub/x": b"x"})
    twins.theirs("add", "-q", "data", "model", "sub/x")
    for words in (["data/a"], ["data/b"], ["model.dvc"], ["-R", "sub"], ["--glob", "mod*"], ["data", "model"]):
        found = []
        for push in (twins.theirs, twins.ours):
            shutil.rmtree(twins.remote, ignore_errors=True)
            push("push", *words)
            found.append({name for name in twins.objects() if not name.endswith(".dir")})
        assert found[0] == found[1], words
        assert found[0], words


def test_what_is_not_to_be_shared_stays_and_what_has_a_remote_of_its_own_goes_there(
    twins: Twins, tmp_path: Path
) -> None:
    twins.write({"private": b"private", "own": b"own", "usual": b"usual"})
    twins.theirs("add", "-q", "private", "own", "usual")
    for name, line in (("private", "  push: false\n"), ("own", "  remote: second\n")):
        with open(twins.one / f"{name}.dvc", "a") as file:
            file.write(line)
    with open(twins.one / ".dvc/config", "a") as file:
        file.write(f"['remote \"second\"']\n    url = {tmp_path}/second\n")
    assert twins.ours("push").out == "2 files pushed\n"
    assert len(twins.objects()) == 1
    assert len([path for path in (tmp_path / "second").rglob("*") if path.is_file()]) == 1
    assert twins.theirs("push").out == "Everything is up to date.\n"


@pytest.mark.parametrize("setting", ["worktree", "version_aware"])
def test_folders_that_should_keep_versions_are_refused(twins: Twins, setting: str) -> None:
    twins.tracked()
    with open(twins.one / ".dvc/config", "a") as file:
        file.write(f"    {setting} = true\n")
    assert "only in S3" in twins.ours("push", code=251).err
    assert not twins.remote.exists()


def test_branches_tags_and_all_commits_mean_the_same(twins: Twins, git: Callable[..., str]) -> None:
    def commit(content: bytes) -> None:
        twins.write({"model": content})
        twins.theirs("add", "-q", "model")
        git("add", ".dvc", "model.dvc", ".gitignore", cwd=twins.one)
        git("commit", "-q", "-m", content.decode(), cwd=twins.one)

    commit(b"first")
    commit(b"tagged")
    git("tag", "v1", cwd=twins.one)
    commit(b"middle")
    git("branch", "side", cwd=twins.one)
    commit(b"main")
    twins.write({"model": b"workspace"})
    twins.theirs("add", "-q", "model")
    for flag, count in (("-a", 3), ("-T", 2), ("-A", 5)):
        found = []
        for push in (twins.theirs, twins.ours):
            shutil.rmtree(twins.remote, ignore_errors=True)
            push("push", flag)
            found.append(twins.objects())
        assert found[0] == found[1], flag
        assert len(found[0]) == count
    there = twins.copy()
    assert twins.ours("fetch", "-A", folder=there).out == "5 files fetched\n"
