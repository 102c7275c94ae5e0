"""Real DVC with its own S3 client and assay, through one prefix of a bucket on a real S3 server."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from assay.engine.ports import RemoteStore
from assay.remotes.registry import Remote, open_store, s3_store
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
def kept(dvc_process: DvcProcess, assay_dvc: Callable[..., Any], s3: tuple[str, dict[str, str]]) -> Twins:
    """The same in a bucket that keeps versions, with a remote whose files have the workspace's names."""
    url, settings = s3
    name = f"versions-{url.rpartition('/')[2].lower().replace('_', '-')}"[:60].strip("-")
    store = s3_store(Remote("store", url, settings))
    store._raw("create_bucket", Bucket=name)
    store._raw("put_bucket_versioning", Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    store.close()
    return Twins(dvc_process, assay_dvc, f"s3://{name}/x", {**settings, "version_aware": "true"})


def test_what_dvc_pushed_with_versions_is_fetched_as_it_was_then(kept: Twins, git: Git) -> None:
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
    assert "version_aware" in kept.ours("push", folder=there, code=251).err
    shutil.rmtree(there / ".dvc/cache")
    (there / "one.dvc").write_text(re.sub("md5: .*", f"md5: {'a' * 32}", (there / "model.dvc").read_text(), count=1))
    (there / "one.dvc").write_text((there / "one.dvc").read_text().replace("path: model", "path: one"))
    (there / "model.dvc").write_text(re.sub(" *version_id: .*\n", "", (there / "model.dvc").read_text()))
    said = kept.ours("fetch", "model.dvc", "one.dvc", folder=there, code=1)
    assert "no version of model on 'store' is recorded" in said.err
    assert not list((there / ".dvc/cache").rglob("a" * 30))
