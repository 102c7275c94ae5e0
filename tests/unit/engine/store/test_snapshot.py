"""engine/store/snapshot.py and scan.py: from the workspace to an artifact."""

from __future__ import annotations

import os
import socket
import time

import pytest

from assay.engine.errors import BadInput, StoreError, UnsafePath
from assay.engine.events import Done, Progress, Warned
from assay.engine.model import Artifact
from assay.engine.store import merkle, scan
from assay.engine.store.digest import digest_bytes
from assay.engine.store.manifest import digests_of, files_in
from tests.stores import LARGE, damage

TREE = {"data/a": b"one", "data/s/b": b"two", "data/s/t/c": b"", "data/big": LARGE}


def settle():
    """Lets a tick of the file system's clock go by, so that files are at rest."""
    time.sleep(0.03)


def count_reads(monkeypatch):
    """The paths of small files that are read from now on."""
    read = []
    real = scan._content
    monkeypatch.setattr(scan, "_content", lambda path, stat: read.append(os.path.basename(path)) or real(path, stat))
    return read


@pytest.mark.parametrize("data", [b"", b"content", LARGE])
def test_a_file_becomes_its_digest(bench, data):
    bench.write({"f": data})
    assert bench.look("f") == Artifact(digest_bytes("xxh128", data), len(data))


def test_looking_writes_nothing_into_the_cache(bench):
    bench.write(TREE)
    bench.look("data")
    assert not bench.folder.exists()


def test_a_directory_becomes_its_manifest(bench):
    bench.write(TREE)
    artifact = bench.add("data")
    assert (artifact.size, artifact.nfiles) == (sum(map(len, TREE.values())), 4)
    cache = bench.reopened()
    found = {f"data/{path}": cache.read(entry.digest) for path, entry in files_in(cache, artifact.digest)}
    assert found == TREE


def test_looking_and_adding_agree(bench):
    bench.write(TREE)
    assert bench.look("data") == bench.add("data")


def test_what_was_added_is_all_there(bench):
    bench.write(TREE)
    artifact = bench.add("data")
    cache = bench.reopened()
    assert cache.missing(digests_of(cache, artifact)) == set()


def test_a_file_in_a_folder_of_the_project_is_found(bench):
    bench.write({"s/t/f": b"content"})
    assert bench.look("s/t/f").digest == digest_bytes("xxh128", b"content")


@pytest.mark.parametrize(("mode", "is_exec"), [(0o644, False), (0o744, True), (0o655, True), (0o645, True)])
def test_whether_anybody_may_execute_a_file_is_kept(bench, mode, is_exec):
    bench.write({"f": b"x", "data/f": b"x"})
    for path in ("f", "data/f"):
        os.chmod(bench.root / path, mode)
    assert bench.look("f").is_exec is is_exec
    ((_, entry),) = files_in(bench.cache, bench.add("data").digest)
    assert entry.is_exec is is_exec


def test_empty_folders_leave_no_trace(bench):
    bench.write(TREE)
    before = bench.look("data")
    (bench.root / "data/empty/below").mkdir(parents=True)
    assert bench.look("data") == before


def test_an_empty_directory_is_an_artifact(bench):
    (bench.root / "data").mkdir()
    assert bench.add("data").nfiles == 0


@pytest.mark.parametrize("path", ["none", "none/below", "file/below"])
def test_a_path_where_nothing_is_is_a_sentence(bench, path):
    bench.write({"file": b"x"})
    with pytest.raises(BadInput, match=f"{path}: does not exist"):
        bench.look(path)


def test_what_is_ignored_is_left_out(bench):
    bench.write({**TREE, "data/x.tmp": b"x", "data/logs/y": b"y", "data/s/logs": b"a file"})
    asked = []

    def ignored(path, is_dir):
        asked.append((path, is_dir))
        return path.endswith(".tmp") or (is_dir and path.endswith("/logs"))

    artifact = bench.add("data", ignored=ignored)
    assert {path for path, _ in files_in(bench.cache, artifact.digest)} == {"a", "s/b", "s/t/c", "big", "s/logs"}
    assert ("data/logs", True) in asked
    assert not any(path.startswith("data/logs/") for path, _ in asked)


def test_temporary_files_of_an_interrupted_checkout_are_no_data(bench):
    bench.write(TREE)
    before = bench.look("data")
    bench.write({"data/.assay-tmp-1-1-abcdef": b"half"})
    assert bench.look("data") == before


class TestTheStatCache:
    """Unchanged files are not read again."""

    def test_unchanged_files_are_not_read_again(self, bench, monkeypatch):
        bench.write(TREE)
        settle()
        artifact = bench.add("data")
        read = count_reads(monkeypatch)
        assert bench.look("data") == bench.add("data") == artifact
        assert read == []

    def test_only_what_changed_is_read(self, bench, monkeypatch):
        bench.write(TREE)
        settle()
        bench.add("data")
        bench.write({"data/s/b": b"TWO", "data/new": b"new"})
        settle()
        read = count_reads(monkeypatch)
        changed = bench.add("data")
        assert sorted(read) == ["b", "new"]
        found = {path: bench.cache.read(entry.digest) for path, entry in files_in(bench.cache, changed.digest)}
        assert found == {"a": b"one", "s/b": b"TWO", "s/t/c": b"", "big": LARGE, "new": b"new"}

    def test_a_file_just_written_is_read_again(self, bench, monkeypatch):
        bench.write({"data/a": b"one"})
        os.utime(bench.root / "data/a")
        bench.add("data")
        read = count_reads(monkeypatch)
        bench.add("data")
        assert read == ["a"]

    def test_a_single_file_is_remembered(self, bench, monkeypatch):
        bench.write({"f": b"x"})
        settle()
        bench.look("f")
        read = count_reads(monkeypatch)
        bench.look("f")
        assert read == []

    def test_another_hash_is_another_question(self, bench, tmp_path):
        from assay.engine.store.snapshot import snapshot

        bench.write({"f": b"x"})
        settle()
        bench.look("f")
        found = snapshot(str(bench.root), "f", algo="sha256", stat_cache=bench.stat_cache)
        assert found.digest == digest_bytes("sha256", b"x")

    @pytest.mark.parametrize("path", ["data/a", "data/big"])
    def test_content_that_the_cache_lost_is_added_again(self, bench, path):
        bench.write(TREE)
        settle()
        artifact = bench.add("data")
        digest = digest_bytes("xxh128", TREE[path])
        damage(bench.cache, digest)
        with pytest.raises(StoreError):
            bench.cache.read(digest)
        assert bench.add("data") == artifact
        assert bench.cache.read(digest) == TREE[path]

    def test_files_that_are_gone_are_forgotten(self, bench):
        bench.write(TREE)
        settle()
        bench.look("data")
        os.unlink(bench.root / "data/a")
        bench.look("data")
        assert set(bench.stat_cache.folder(str(bench.root / "data"))) == {"big"}


class TestSymlinks:
    """A link to a file is that file; any other is an error."""

    def test_a_link_to_a_file_of_the_project_is_that_file(self, bench):
        bench.write({"elsewhere/f": b"content", "data/a": b"x"})
        (bench.root / "data/l").symlink_to("../elsewhere/f")
        (bench.root / "l").symlink_to("elsewhere/f")
        found = dict(files_in(bench.cache, bench.add("data").digest))
        assert found["l"].digest == digest_bytes("xxh128", b"content")
        assert bench.look("l").digest == found["l"].digest

    def test_a_change_of_what_it_leads_to_is_seen(self, bench):
        bench.write({"elsewhere/f": b"content", "data/a": b"x"})
        (bench.root / "data/l").symlink_to("../elsewhere/f")
        settle()
        before = bench.look("data")
        bench.write({"elsewhere/f": b"CONTENT"})
        assert bench.look("data") != before

    def test_a_link_that_is_turned_elsewhere_is_seen(self, bench):
        bench.write({"one": b"1", "two": b"2", "data/a": b"x"})
        (bench.root / "data/l").symlink_to("../one")
        settle()
        before = bench.look("data")
        os.unlink(bench.root / "data/l")
        (bench.root / "data/l").symlink_to("../two")
        assert bench.look("data") != before

    @pytest.mark.law(5)
    @pytest.mark.parametrize(
        ("target", "why"),
        [
            ("/etc/passwd", "leaves the project, to /etc/passwd"),
            ("../../outside", "leaves the project"),
            ("nothing", "leads nowhere"),
            ("l", "leads nowhere"),
        ],
    )
    def test_any_other_link_is_a_sentence(self, bench, target, why):
        bench.write({"data/s/f": b"x"})
        (bench.root.parent / "outside").write_bytes(b"x")
        (bench.root / "data/l").symlink_to(target)
        for path in ("data", "data/l"):
            with pytest.raises(BadInput, match=f"data/l: .*{why}") as caught:
                bench.look(path)
            assert ".dvcignore" in caught.value.hint

    def test_one_to_a_folder_is_left_out_of_a_folder_and_said(self, bench):
        bench.write({"data/s/f": b"x"})
        before = bench.look("data")
        (bench.root / "data/l").symlink_to("s")
        assert bench.look("data") == before
        warned = [event.text for event in bench.events if isinstance(event, Warned)]
        assert warned == ["data/l is a symlink to a folder; what it leads to is left out."]
        with pytest.raises(BadInput, match="data/l: is a symlink to a folder"):
            bench.look("data/l")

    def test_an_ignored_link_is_not_looked_at(self, bench):
        bench.write({"data/a": b"x"})
        (bench.root / "data/l").symlink_to("nothing")
        assert bench.look("data", ignored=lambda path, _: path == "data/l").nfiles == 1

    def test_a_link_into_a_folder_that_is_allowed_is_followed(self, bench):
        bench.write({"data/a": b"x"})
        (bench.root.parent / "shared").mkdir()
        (bench.root.parent / "shared/f").write_bytes(b"content")
        (bench.root / "data/l").symlink_to(bench.root.parent / "shared/f")
        (bench.root.parent / "also").symlink_to("shared")
        assert bench.look("data", links_into=(str(bench.root.parent / "also"),)).nfiles == 2

    def test_a_folder_whose_name_begins_like_the_root_is_not_inside_it(self, bench):
        (bench.root.parent / "work2").mkdir()
        (bench.root.parent / "work2/f").write_bytes(b"content")
        (bench.root / "l").symlink_to(bench.root.parent / "work2/f")
        with pytest.raises(BadInput, match="leaves the project"):
            bench.look("l")


def test_sockets_and_pipes_are_left_out_with_a_warning(bench, monkeypatch):
    bench.write({"data/a": b"x"})
    os.mkfifo(bench.root / "data/pipe")
    monkeypatch.chdir(bench.root / "data")
    with socket.socket(socket.AF_UNIX) as made:
        made.bind("sock")
        assert bench.look("data").nfiles == 1
    warned = sorted(event.text for event in bench.events if isinstance(event, Warned))
    assert warned == [f"data/{name} is neither a file nor a folder; it is left out." for name in ("pipe", "sock")]


def test_a_pipe_alone_is_a_sentence(bench):
    os.mkfifo(bench.root / "pipe")
    with pytest.raises(BadInput, match="neither a file nor a folder"):
        bench.look("pipe")


@pytest.mark.law(5)
def test_a_name_that_could_not_be_written_again_is_refused(bench):
    bench.write({"data/sub/.git/config": b"x"})
    with pytest.raises(UnsafePath, match=r"\.git"):
        bench.add("data")
    assert bench.reopened().packs() == []


def test_names_that_are_not_utf8_are_kept(bench):
    odd = os.fsdecode(b"caf\xe9")
    bench.write({f"data/{odd}": b"x"})
    assert [path for path, _ in files_in(bench.cache, bench.add("data").digest)] == [odd]


def test_folders_nested_too_deeply_are_a_sentence(bench, monkeypatch):
    monkeypatch.setattr(scan, "DEEPEST", 3)
    bench.write({"data/1/2/3/f": b"x"})
    assert bench.look("data").nfiles == 1
    bench.write({"data/1/2/3/4/f": b"x"})
    with pytest.raises(BadInput, match="folders deep"):
        bench.look("data")


def test_a_folder_that_cannot_be_read_is_a_sentence(bench, monkeypatch):
    bench.write(TREE)
    real = os.scandir

    def refuse(path):
        if path.endswith("/s"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(StoreError, match="data/s cannot be read: Permission denied"):
        bench.look("data")


def test_a_file_that_goes_away_is_a_sentence(bench, monkeypatch):
    bench.write(TREE)
    real = scan._content

    def gone(path, stat):
        os.unlink(path)
        return real(path, stat)

    monkeypatch.setattr(scan, "_content", gone)
    with pytest.raises(StoreError, match="cannot be read"):
        bench.look("data")


def test_a_small_file_that_changes_while_it_is_read_is_read_again(bench, monkeypatch):
    bench.write({"data/a": b"old"})
    real = scan._content

    def change(path, stat):
        with open(path, "wb") as file:
            file.write(b"newer")
        return real(path, stat)

    monkeypatch.setattr(scan, "_content", change)
    ((_, entry),) = files_in(bench.cache, bench.add("data").digest)
    assert (entry.digest, entry.size) == (digest_bytes("xxh128", b"newer"), 5)


def test_progress_counts_the_bytes_that_are_read(bench):
    bench.write(TREE)
    bench.add("data")
    progress = [event for event in bench.events if isinstance(event, Progress)]
    total = sum(map(len, TREE.values()))
    assert progress[-1] == Progress("Adding data", total, total, "B")
    assert bench.events[-1] == Done("Adding data")
    bench.events.clear()
    settle()
    bench.look("data")
    bench.events.clear()
    bench.look("data")
    assert bench.events == []


def test_a_directory_of_many_files_is_cut_and_comes_back(bench, monkeypatch):
    monkeypatch.setattr(merkle, "SPLIT", 10)
    monkeypatch.setattr(merkle, "_CUT", 30)
    bench.write({f"data/{number}": b"%d" % number for number in range(200)})
    artifact = bench.add("data")
    assert artifact.nfiles == 200
    assert {int(path): bench.cache.read(entry.digest) for path, entry in files_in(bench.cache, artifact.digest)} == {
        number: b"%d" % number for number in range(200)
    }
