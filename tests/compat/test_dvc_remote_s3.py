"""Real DVC with its own S3 client and assay, through one prefix of a bucket on a real S3 server."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from assay.engine.ports import RemoteStore
from assay.remotes.registry import Remote, open_store
from tests.dvcpairs import legacy_data
from tests.dvcprocess import DvcProcess, python_of_dvc
from tests.dvcremotes import Git, Place, Twins, remote_section


@pytest.fixture(scope="module", autouse=True)
def client(dvc_process: DvcProcess) -> None:
    """DVC's client for S3; it comes with ``dvc[s3]``."""
    python = python_of_dvc()
    assert python is not None
    if not any((Path(python).parent.parent / "lib").glob("python3*/site-packages/dvc_s3")):
        pytest.skip("needs dvc-s3")


@pytest.fixture
def twins(dvc_process: DvcProcess, assay_dvc: Callable[..., Any], s3: tuple[str, dict[str, str]]) -> Twins:
    return Twins(dvc_process, assay_dvc, *s3)


@pytest.fixture
def bucket(s3: tuple[str, dict[str, str]]) -> Iterator[RemoteStore]:
    """What the remote holds."""
    store = open_store(Remote("store", *s3))
    yield store
    store.close()


def keys(bucket: RemoteStore) -> set[str]:
    return {info.key for info in bucket.list("")}


def test_data_goes_both_ways_under_the_same_keys(twins: Twins, bucket: RemoteStore) -> None:
    files = twins.tracked()
    twins.theirs("push")
    pushed = {info.key: bucket.get(info.key) for info in bucket.list("")}
    assert twins.ours("push").out == "Everything is up to date.\n"
    assert "in sync" in twins.ours("status", "-c").out
    there = twins.copy()
    twins.ours("pull", folder=there)
    assert twins.holds(there, files)

    bucket.delete(pushed)
    assert twins.ours("push").out == f"{len(pushed)} files pushed\n"
    assert {info.key: bucket.get(info.key) for info in bucket.list("")} == pushed
    there = twins.copy()
    twins.theirs("pull", folder=there)
    assert twins.holds(there, files)


def test_what_dvc_2_recorded_and_the_run_cache_go_both_ways(twins: Twins, bucket: RemoteStore) -> None:
    legacy_data(twins.one, "old", {"a": b"old\r\n", "b": b"2"})
    legacy_data(twins.one, "single", b"one")
    twins.write({"in": b"1", "dvc.yaml": b"stages: {s: {cmd: cat in > out, deps: [in], outs: [out]}}"})
    twins.theirs("repro", "-q")
    twins.theirs("push", "--run-cache")
    pushed = keys(bucket)
    assert len([key for key in pushed if key.startswith("runs/")]) == 1
    assert any(not key.startswith(("runs/", "files/")) for key in pushed)
    for push, fetch in ((twins.theirs, twins.ours), (twins.ours, twins.theirs)):
        bucket.delete(keys(bucket))
        push("push", "--run-cache")
        assert keys(bucket) == pushed
        there = twins.copy()
        shutil.rmtree(there / "old")
        (there / "single").unlink()
        (there / "out").unlink()
        fetch("pull", "--run-cache", folder=there)
        assert (there / "old/a").read_bytes() == b"old\r\n"
        assert [(there / name).read_bytes() for name in ("single", "out")] == [b"one", b"1"]
        assert len([path for path in (there / ".dvc/cache/runs").rglob("*") if path.is_file()]) == 1


@pytest.mark.law
def test_a_listing_in_the_bucket_is_no_proof_of_its_files(twins: Twins, bucket: RemoteStore) -> None:
    twins.write({"data/a": b"a", "data/b": b"b"})
    twins.theirs("add", "-q", "data")
    twins.theirs("push")
    whole = keys(bucket)
    bucket.delete([key for key in whole if not key.endswith(".dir")][:1])
    there = twins.copy()
    said = twins.ours("pull", folder=there, code=1)
    assert "is not on the remote" in said.err or "missing" in said.err
    assert twins.ours("push").out == "1 file pushed\n"
    assert keys(bucket) == whole
    twins.ours("pull", folder=there)
    assert (there / "data/a").read_bytes() + (there / "data/b").read_bytes() == b"ab"


@pytest.mark.law
def test_a_damaged_bucket_is_mended_and_dvc_pulls_from_it(
    twins: Twins, bucket: RemoteStore, assay: Callable[..., Any], git: Git
) -> None:
    files = twins.tracked()
    git("add", "-A", cwd=twins.one)
    git("-c", "user.name=x", "-c", "user.email=x@y", "commit", "-q", "-m", "first", cwd=twins.one)
    assay("push", cwd=twins.one)
    assert assay("fsck", "--remote", cwd=twins.one).out == "Everything is in order.\n"
    objects = sorted((info.size, info.key) for info in bucket.list("files/md5/"))
    large, (corrupted, truncated, gone) = objects[-1][1], [key for size, key in objects if 4 < size < 10][:3]
    [listing] = [key for _, key in objects if key.endswith(".dir")]
    [pack] = [info.key for info in bucket.list("git/packs/") if info.key.endswith("pack")]
    for key in (large, corrupted, listing):
        bucket.put(key, bucket.get(key)[:-1] + b"?")
    bucket.put(truncated, bucket.get(truncated)[:-1])
    bucket.delete([gone, pack])

    said = assay("fsck", "--remote", cwd=twins.one, code=1).out
    assert [key for key in (large, corrupted, truncated, listing, pack) if key not in said] == []
    assert gone.removeprefix("files/md5/").replace("/", "") in said
    assert assay("fsck", "--remote", "--repair", cwd=twins.one).out.endswith("Everything is in order now.\n")
    assert assay("fsck", "--remote", cwd=twins.one).out == "Everything is in order.\n"
    there = twins.copy()
    twins.theirs("pull", folder=there)
    assert twins.holds(there, files)
    assert "in sync" in twins.theirs("status", "-c", folder=there).out


def test_experiments_and_their_data_go_both_ways(
    dvc_process: DvcProcess, assay_dvc: Callable[..., Any], git: Git, tmp_path: Path, s3: tuple[str, dict[str, str]]
) -> None:
    place = Place(dvc_process, assay_dvc, git, tmp_path)
    text = "[core]\n    remote = cloud\n" + remote_section("cloud", *s3)
    (place.one / ".dvc/config.local").write_text(text)
    for name, push, pull in (("one", place.theirs, place.ours), ("two", place.ours, place.theirs)):
        ref = place.experiment(name)
        oid = place.refs(place.one)[ref]
        push("exp", "push", "origin", name)
        there = place.clone()
        (there / ".dvc/config.local").write_text(text)
        pull("exp", "pull", "origin", name, folder=there)
        assert place.refs(there)[ref] == oid
        pull("exp", "apply", name, folder=there)
        assert (there / "out").read_text() == f"x: {sum(map(ord, name))}\n"


@pytest.fixture
def kept(dvc_process: DvcProcess, assay_dvc: Callable[..., Any], versioned_s3: tuple[str, dict[str, str]]) -> Twins:
    """The same in a bucket that keeps versions, with a remote whose files have the workspace's names."""
    url, settings = versioned_s3
    return Twins(dvc_process, assay_dvc, url, {**settings, "version_aware": "true"})


def test_what_dvc_pushed_with_versions_is_fetched_as_it_was_then(kept: Twins) -> None:
    kept.write(
        {"dvc.yaml": b"stages: {s: {cmd: mkdir -p made; cp in made/in; cp in out, deps: [in], outs: [made, out]}}"}
    )
    kept.write({"in": b"1"})
    files = kept.tracked()
    kept.theirs("repro", "-q")
    kept.theirs("push")
    assert "version_id" in (kept.one / "dvc.lock").read_text()
    there = kept.copy()
    shutil.rmtree(there / "made")
    (there / "out").unlink()
    kept.write({"model": b"newer", "data/plain": b"newer", "in": b"2"})
    kept.theirs("repro", "-q")
    kept.theirs("commit", "-f")
    kept.theirs("push")
    kept.ours("pull", folder=there)
    assert kept.holds(there, {**files, "made/in": b"1", "out": b"1"})
    assert kept.theirs("status", folder=there).out == "Data and pipelines are up to date.\n"
    shutil.rmtree(there / ".dvc/cache")
    (there / "one.dvc").write_text(re.sub("md5: .*", f"md5: {'a' * 32}", (there / "model.dvc").read_text(), count=1))
    (there / "one.dvc").write_text((there / "one.dvc").read_text().replace("path: model", "path: one"))
    (there / "model.dvc").write_text(re.sub(" *version_id: .*\n", "", (there / "model.dvc").read_text()))
    said = kept.ours("fetch", "model.dvc", "one.dvc", folder=there, code=1)
    assert "no version of model on 'store' is recorded" in said.err
    assert not list((there / ".dvc/cache").rglob("a" * 30))


def recorded(folder: Path) -> dict[str, str]:
    """What pipeline files say, whatever versions are called."""
    files = [path for path in folder.iterdir() if path.suffix == ".dvc" or path.name == "dvc.lock"]
    return {path.name: re.sub("version_id: .*", "version_id: -", path.read_text()) for path in files if path.is_file()}


def test_what_is_pushed_with_versions_is_recorded_to_the_byte_as_dvc_records_it(kept: Twins) -> None:
    stage = (
        "{cmd: mkdir -p made no; cp in made/x; cp in no/x; cp in out, deps: [in], outs: [made, no: {push: false}, out]}"
    )
    after = "{cmd: cp -r made two, deps: [made], outs: [two]}"
    files = {"in": b"1", "src/a": b"a", "data/a b": b"1", "data/sub/ü": b"22", "data/empty": b"", "model": b"m"}
    kept.write({**files, "dvc.yaml": f"stages: {{s: {stage}, t: {after}}}".encode()})
    kept.theirs("add", "-q", "data", "model")
    kept.theirs("import-url", "-q", "src", "imported")
    kept.theirs("repro", "-q")
    ours = kept.one.with_name(f"{kept.one.name}-ours")
    shutil.copytree(kept.one, ours)
    (ours / ".dvc/config").write_text((ours / ".dvc/config").read_text().replace("/x\n", "/y\n"))
    for number in range(2):
        kept.theirs("push")
        kept.ours("push", folder=ours)
        assert recorded(ours) == recorded(kept.one)
        assert "version_id" in recorded(ours)["model.dvc"]
        assert kept.ours("push", folder=ours).out == "Everything is up to date.\n"
        for root, work in ((kept.one, kept.theirs), (ours, kept.ours)) if number == 0 else ():
            (root / "data/a b").write_bytes(b"changed")
            (root / "data/new").write_bytes(b"new")
            (root / "in").write_bytes(b"2")
            work("add", "-q", "data", folder=root)
            work("repro", "-q", folder=root)
    for root, pull in ((kept.one, kept.ours), (ours, kept.theirs)):
        there = root.with_name(f"{root.name}-there")
        shutil.copytree(
            root, there, ignore=shutil.ignore_patterns("cache", "tmp", "data", "model", "made", "two", "out")
        )
        pull("pull", "data", "model", "made", "two", "out", folder=there)
        assert kept.holds(
            there, {name: (root / name).read_bytes() for name in ("data/a b", "data/new", "model", "two/x")}
        )
        assert (there / "out").read_bytes() == b"2"
