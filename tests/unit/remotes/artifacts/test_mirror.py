"""Pushing to a remote that keeps versions of the workspace's files: what is sent, recorded, removed and refused."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from assay.remotes.registry import Remote, versioned_store
from assay.remotes.s3.versions import VersionedStore
from tests.dvcremotes import remote_section
from tests.filetree import write

Run = Callable[..., Any]


@pytest.fixture
def store(versioned_s3: tuple[str, dict[str, str]]) -> Iterator[VersionedStore]:
    """What the remote holds."""
    made = versioned_store(Remote("store", *versioned_s3))
    made.page = 2
    yield made
    made.close()


@pytest.fixture
def place(tmp_path: Path, git: Run, assay_dvc: Run, versioned_s3: tuple[str, dict[str, str]]) -> Path:
    """A project that tracks a folder and a file, with a worktree remote."""
    root = tmp_path / "place"
    root.mkdir()
    git("init", "-q", cwd=root)
    assay_dvc("init", cwd=root)
    url, settings = versioned_s3
    text = "[core]\n    remote = store\n" + remote_section("store", url, {**settings, "worktree": "true"})
    write(root, {".dvc/config": text.encode(), "data/a": b"a", "data/sub/b": b"b", "model": b"m"})
    os.chmod(root / "model", 0o755)
    assay_dvc("add", "data", "model", cwd=root)
    return root


def latest(store: VersionedStore) -> dict[str, bytes]:
    return {key: store.get(key) for key, _ in store.items("")}


def out_of(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(path.read_text())["outs"][0]
    return found


def test_what_a_folder_does_not_hold_any_more_goes_and_its_versions_stay(
    place: Path, store: VersionedStore, assay_dvc: Run
) -> None:
    write(place, {"data.other": b"not ours"})
    store.put("data.other", b"other")
    assay_dvc("push", cwd=place)
    before = (place / "data.dvc").read_bytes()
    write(place, {"data/sub/b": None, "data/a": b"A"})
    assay_dvc("add", "data", cwd=place)
    assay_dvc("push", cwd=place)
    assert latest(store) == {"data.other": b"other", "data/a": b"A", "model": b"m"}
    (place / "data.dvc").write_bytes(before)
    assay_dvc("push", cwd=place)
    assert latest(store)["data/a"] == b"a", "the remote is as the workspace is"
    assert latest(store)["data/sub/b"] == b"b"
    assert (place / "data.dvc").read_bytes() == before, "versions that are there stay recorded"


def test_a_version_that_is_gone_is_sent_again(place: Path, store: VersionedStore, assay_dvc: Run) -> None:
    assay_dvc("push", cwd=place)
    said = out_of(place / "model.dvc")["cloud"]["store"]["version_id"]
    store._raw("delete_object", Bucket=store._bucket, Key=f"{store._prefix}model", VersionId=said)
    assert store.latest("model") is None
    assert assay_dvc("push", cwd=place).out == "1 file pushed\n"
    there = store.latest("model")
    assert there is not None
    assert out_of(place / "model.dvc")["cloud"]["store"]["version_id"] == there.name != said


def test_what_was_sent_before_a_push_was_cut_off_is_not_sent_again(
    place: Path, store: VersionedStore, assay_dvc: Run
) -> None:
    before = [(place / name).read_bytes() for name in ("data.dvc", "model.dvc")]
    assay_dvc("push", cwd=place)
    done = [(place / name).read_bytes() for name in ("data.dvc", "model.dvc")]
    for name, text in zip(("data.dvc", "model.dvc"), before, strict=True):
        (place / name).write_bytes(text)
    assert assay_dvc("push", cwd=place).out == "Everything is up to date.\n"
    assert [(place / name).read_bytes() for name in ("data.dvc", "model.dvc")] == done
    assert len(list(store.versions(""))) == 3


def test_that_a_file_may_be_executed_stays_recorded(place: Path, assay_dvc: Run) -> None:
    assay_dvc("push", cwd=place)
    assert out_of(place / "model.dvc")["isexec"] is True


def test_a_part_that_is_pushed_leaves_the_record_of_the_others(place: Path, assay_dvc: Run) -> None:
    assay_dvc("push", "data/a", cwd=place)
    rows = out_of(place / "data.dvc")["files"]
    assert [(row["relpath"], "cloud" in row) for row in rows] == [("a", True), ("sub/b", False)]
    assay_dvc("push", "data/sub", cwd=place)
    assert all("cloud" in row for row in out_of(place / "data.dvc")["files"])


def test_what_the_cache_lacks_is_named_and_the_rest_is_pushed(
    place: Path, store: VersionedStore, assay_dvc: Run
) -> None:
    digest = out_of(place / "model.dvc")["md5"]
    (place / f".dvc/cache/files/md5/{digest[:2]}/{digest[2:]}").unlink()
    assert "model" in assay_dvc("push", cwd=place, code=1).err
    assert latest(store) == {"data/a": b"a", "data/sub/b": b"b"}
    assert "cloud" not in out_of(place / "model.dvc")


@pytest.mark.parametrize(
    "words",
    [["push", "-A"], ["push", "--all-tags"], ["status", "-c"], ["gc", "-w", "-c", "-f"]],
    ids=" ".join,
)
def test_what_such_a_remote_cannot_do_is_refused(
    place: Path, store: VersionedStore, assay_dvc: Run, words: list[str]
) -> None:
    said = assay_dvc(*words, cwd=place, code=None)
    assert said.code in (1, 251)
    assert len(said.err.strip().splitlines()) <= 2
    assert "version" in said.err or "worktree" in said.err
    assert not latest(store)


def test_what_was_sent_before_another_remote_refused_is_recorded(
    place: Path, s3: tuple[str, dict[str, str]], assay_dvc: Run
) -> None:
    text = (place / ".dvc/config").read_text()
    (place / ".dvc/config").write_text(text + remote_section("plain", s3[0], {**s3[1], "worktree": "true"}))
    said = yaml.safe_load((place / "model.dvc").read_text())
    said["outs"][0]["remote"] = "plain"
    (place / "model.dvc").write_text(yaml.safe_dump(said))
    assert "keeps no versions" in assay_dvc("push", cwd=place, code=251).err
    assert all("cloud" in row for row in out_of(place / "data.dvc")["files"])


def test_what_other_commits_had_is_not_sent_in_place_of_what_there_is_now(
    place: Path, store: VersionedStore, assay_dvc: Run, git: Run, tmp_path: Path
) -> None:
    text = (place / ".dvc/config").read_text().replace("remote = store", "remote = plain")
    (place / ".dvc/config").write_text(text + remote_section("plain", str(tmp_path / "plain"), {}))
    for content in (b"old", b"new"):
        write(place, {"data/a": content})
        assay_dvc("add", "data", cwd=place)
        said = yaml.safe_load((place / "data.dvc").read_text())
        said["outs"][0]["remote"] = "store"
        (place / "data.dvc").write_text(yaml.safe_dump(said))
        git("add", "-A", cwd=place)
        git("commit", "-q", "-m", content.decode(), cwd=place)
    assay_dvc("push", cwd=place)
    assert "keeps versions" in assay_dvc("push", "-A", cwd=place, code=1).err
    assert latest(store) == {"data/a": b"new", "data/sub/b": b"b"}
    assay_dvc("push", "-A", "-r", "plain", cwd=place)


def test_where_a_file_is_not_listed_by_the_name_that_it_was_sent_by_nothing_is_removed(
    place: Path, store: VersionedStore, assay_dvc: Run
) -> None:
    write(place, {"data/back\\slash": b"s"})  # the server calls it back/slash
    store.put("data/more", b"m")
    assay_dvc("add", "data", cwd=place)
    assert "is removed there" in assay_dvc("push", cwd=place).err
    assert sorted(latest(store).values()) == [b"a", b"b", b"m", b"m", b"s"]


def test_the_run_cache_stays_which_is_said(place: Path, store: VersionedStore, assay_dvc: Run) -> None:
    assert "run cache does not travel" in assay_dvc("push", "--run-cache", cwd=place).err
    assert len(latest(store)) == 3


def test_a_bucket_that_keeps_no_versions_is_left_alone(
    place: Path, s3: tuple[str, dict[str, str]], assay_dvc: Run
) -> None:
    text = (place / ".dvc/config").read_text()
    (place / ".dvc/config").write_text(text.replace(text.split("url = ")[1].split("\n")[0], s3[0]))
    before = (place / "data.dvc").read_bytes()
    assert "keeps no versions" in assay_dvc("push", cwd=place, code=251).err
    plain = versioned_store(Remote("store", *s3))
    assert not list(plain.items(""))
    plain.close()
    assert (place / "data.dvc").read_bytes() == before


def test_assay_pushes_and_pulls_the_workspaces_data_alone(
    place: Path, store: VersionedStore, assay: Run, git: Run
) -> None:
    git("add", "-A", cwd=place)
    git("commit", "-q", "-m", "first", cwd=place)
    assay("push", cwd=place)
    assert latest(store) == {"data/a": b"a", "data/sub/b": b"b", "model": b"m"}
    write(place, {"model": None})
    assay("pull", cwd=place)
    assert (place / "model").read_bytes() == b"m"
    assert "worktree" in assay("push", "-A", cwd=place, code=None).err
