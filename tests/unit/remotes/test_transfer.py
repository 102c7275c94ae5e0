"""Artifacts out and in: what travels, what is verified, what is left."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from assay.engine.events import Event, silent
from assay.engine.model import Artifact, Digest, Entry
from assay.engine.ports import Sink, Source
from assay.engine.store.cache import Cache
from assay.engine.store.manifest import digests_of, write_manifest
from assay.remotes.artifacts.contents import Contents
from assay.remotes.artifacts.download import Download
from assay.remotes.artifacts.holdings import Moved
from assay.remotes.artifacts.native import loose_key
from assay.remotes.artifacts.shelf import Shelf
from assay.remotes.artifacts.upload import Upload
from assay.remotes.copies import Copies
from assay.remotes.stores.memory import MemoryStore

BIG = 300_000


class Recording(MemoryStore):
    """A store that remembers which keys were written, in order, and which were read."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[str] = []
        self.got: list[str] = []
        self.streamed: list[str] = []

    def put(self, key: str, data: bytes) -> str:
        self.written.append(key)
        return super().put(key, data)

    def get(self, key: str) -> bytes:
        self.got.append(key)
        return super().get(key)

    def get_to(self, key: str, sink: Sink) -> int:
        self.streamed.append(key)
        return super().get_to(key, sink)

    def put_from(self, key: str, source: Source) -> str:
        return super().put_from(key, source)


class Side:
    """A machine: a cache, and its view of the remote."""

    def __init__(self, folder: Path, store: MemoryStore) -> None:
        self.cache = Cache(str(folder / "cache"), "xxh128")
        self.copies = Copies(str(folder / "copies"))
        self.store = store

    def shelf(self) -> Shelf:
        shelf = Shelf(self.store, self.copies, "xxh128", 4)
        shelf.refresh()
        return shelf

    def upload(self, *artifacts: Artifact) -> Moved:
        seen, _ = Contents(self.cache).walk([artifact.digest for artifact in artifacts])
        return Upload(self.cache, self.shelf(), silent).send(seen)

    def download(self, *artifacts: Artifact) -> Moved:
        cache = self.cache
        return Download(cache, self.shelf(), Contents(cache), silent).fetch([artifact.digest for artifact in artifacts])

    def add(self, files: dict[str, bytes]) -> Artifact:
        with self.cache.writer() as writer:
            entries = {path: Entry(path, writer.add_bytes(data), len(data)) for path, data in files.items()}
            return write_manifest(writer, entries)

    def holds(self, artifact: Artifact) -> bool:
        for digest in digests_of(self.cache, artifact):
            self.cache.read(digest)
        return True


@pytest.fixture
def store() -> Recording:
    return Recording()


@pytest.fixture
def here(tmp_path: Path, store: Recording) -> Side:
    return Side(tmp_path / "here", store)


@pytest.fixture
def there(tmp_path: Path, store: Recording) -> Side:
    return Side(tmp_path / "there", store)


def small(count: int, start: int = 0) -> dict[str, bytes]:
    return {f"folder{number % 3}/file{number}": f"content {number}".encode() for number in range(start, start + count)}


def test_a_directory_arrives_whole(here: Side, there: Side) -> None:
    artifact = here.add({**small(20), "big": os.urandom(BIG)})
    sent = here.upload(artifact)
    assert (sent.failed, sent.artifacts) == ({}, 25), "20 files, 1 large one, 4 levels"
    assert there.download(artifact).failed == {}
    assert there.holds(artifact)


def test_large_objects_come_before_packs_and_the_index_is_last(here: Side, store: Recording) -> None:
    here.upload(here.add({**small(5), "big1": os.urandom(BIG), "big2": os.urandom(BIG)}))
    assert [key.split("/")[0] for key in store.written] == ["objects", "objects", "packs", "index"]


def test_a_local_pack_that_is_wanted_whole_travels_as_it_is(here: Side, there: Side, store: Recording) -> None:
    artifact = here.add(small(20))
    [pack] = here.cache.packs()
    here.upload(artifact)
    assert store.get(f"packs/{pack.id}.pack") == Path(pack.path).read_bytes()
    there.download(artifact)
    assert [other.id for other in there.cache.packs()] == [pack.id]


def test_only_what_the_remote_lacks_is_sent(here: Side, store: Recording) -> None:
    first = here.add(small(20))
    here.upload(first)
    store.written.clear()
    second = here.add({**small(20), "new": b"one more"})
    sent = here.upload(second)
    assert sent.artifacts == 2, "the new file and the top level"
    assert [key.split("/")[0] for key in store.written] == ["packs", "index"]


def test_sending_again_sends_nothing(here: Side, store: Recording) -> None:
    artifact = here.add({**small(20), "big": os.urandom(BIG)})
    here.upload(artifact)
    store.written.clear()
    assert vars(here.upload(artifact)) == vars(Moved())
    assert store.written == []


def test_fetching_again_fetches_nothing(here: Side, there: Side) -> None:
    artifact = here.add({**small(20), "big": os.urandom(BIG)})
    here.upload(artifact)
    there.download(artifact)
    assert vars(there.download(artifact)) == vars(Moved())


def test_an_index_is_read_from_the_remote_once(here: Side, there: Side, store: Recording) -> None:
    here.upload(here.add(small(3)))
    there.shelf()
    store.got.clear()
    there.shelf()
    assert store.got == []


def test_a_damaged_local_copy_of_an_index_is_fetched_anew(here: Side, there: Side, tmp_path: Path) -> None:
    artifact = here.add(small(3))
    here.upload(artifact)
    there.shelf()
    for path in (tmp_path / "there" / "copies" / "index").iterdir():
        path.write_bytes(path.read_bytes()[:-1])
    assert there.download(artifact).failed == {}
    assert there.holds(artifact)


def test_a_large_object_of_another_size_on_the_remote_is_sent_again(here: Side, there: Side, store: Recording) -> None:
    artifact = here.add({"big": os.urandom(BIG)})
    here.upload(artifact)
    [key] = [info.key for info in store.list("objects/")]
    store.put(key, b"cut short")
    assert here.upload(artifact).artifacts == 1
    assert there.download(artifact).failed == {}


def test_a_pack_that_vanished_from_the_remote_is_sent_again(here: Side, there: Side, store: Recording) -> None:
    artifact = here.add(small(5))
    here.upload(artifact)
    [key] = [info.key for info in store.list("packs/")]
    store.delete([key])
    assert here.shelf().damaged[key] == f"{key} is gone."
    assert here.upload(artifact).artifacts == 9
    assert there.download(artifact).failed == {}


def test_a_damaged_local_object_is_named_and_never_sent(here: Side, store: Recording) -> None:
    artifact = here.add({"bad": os.urandom(BIG), "good": os.urandom(BIG)})
    digests = dict(zip(("bad", "good"), digests_of(here.cache, artifact), strict=False))
    path = Path(str(here.cache.loose_path(digests["bad"])))
    path.chmod(0o644)
    path.write_bytes(b"x" * BIG)
    sent = here.upload(artifact)
    assert list(sent.failed) == [digests["bad"]]
    assert digests["bad"].hex in sent.failed[digests["bad"]]
    assert [info.key for info in store.list("objects/")] == [loose_key(digests["good"])]


def test_of_a_damaged_local_pack_the_sound_objects_are_sent(here: Side, there: Side, store: Recording) -> None:
    artifact = here.add(small(5))
    [pack] = here.cache.packs()
    entries = here.cache.pack_entries(pack.id)
    bad = next(digest for digest in entries if not digest.is_dir)
    path = Path(pack.path)
    data = bytearray(path.read_bytes())
    data[entries[bad][0]] ^= 1
    path.chmod(0o644)
    path.write_bytes(data)
    sent = here.upload(artifact)
    assert list(sent.failed) == [bad]
    assert "damaged" in sent.failed[bad]
    assert there.download(artifact).failed == {bad: f"{bad} is not on the remote."}


def test_what_is_nowhere_is_named(here: Side, tmp_path: Path) -> None:
    absent = Artifact(Digest("xxh128", "ab" * 16), 5)
    assert here.upload(absent).failed == {absent.digest: f"{absent.digest} is neither in the cache nor on the remote."}
    assert here.download(absent).failed == {absent.digest: f"{absent.digest} is not on the remote."}


def test_what_only_the_remote_has_is_not_missing(here: Side, there: Side) -> None:
    artifact = here.add({**small(3), "big": os.urandom(BIG)})
    digests = set(digests_of(here.cache, artifact))
    here.upload(artifact)
    assert Upload(there.cache, there.shelf(), silent).send(digests).failed == {}


def test_a_file_is_an_artifact_too(here: Side, there: Side) -> None:
    with here.cache.writer() as writer:
        artifacts = [Artifact(writer.add_bytes(data), len(data)) for data in (b"", b"small", os.urandom(BIG))]
    here.upload(*artifacts)
    assert there.download(*artifacts).failed == {}
    assert all(there.holds(artifact) for artifact in artifacts)


def test_manifests_alone_can_be_fetched(here: Side, there: Side) -> None:
    artifact = here.add({"a/big": os.urandom(BIG)})
    here.upload(artifact)
    fetched = Download(there.cache, there.shelf(), Contents(there.cache), silent)
    assert fetched.fetch([artifact.digest], only_manifests=True).failed == {}
    seen, closed = Contents(there.cache).walk([artifact.digest])
    assert (len(seen), closed) == (3, set())
    assert len(there.cache.missing(seen)) == 1


ONE_BIT = "one bit"
CUT_SHORT = "cut short"


@pytest.mark.parametrize(
    ("what", "damage", "sentence"),
    [
        ("packs/", ONE_BIT, "is damaged: its content is not what its name says"),
        ("packs/", CUT_SHORT, "is not on the remote"),
        ("objects/", ONE_BIT, "is damaged: its content is not what its name says"),
        ("objects/", CUT_SHORT, "is damaged: its content is not what its name says"),
    ],
)
def test_what_is_damaged_on_the_remote_is_named_and_not_let_in(
    here: Side, there: Side, store: Recording, what: str, damage: str, sentence: str
) -> None:
    artifact = here.add({"big": os.urandom(BIG)} if what == "objects/" else small(3))
    here.upload(artifact)
    [key] = [info.key for info in store.list(what)]
    data = store.get(key)
    store.put(key, data[:-1] if damage == CUT_SHORT else bytes([data[0] ^ 1]) + data[1:])
    failed = there.download(artifact).failed
    assert failed
    assert all(sentence in message for message in failed.values())
    assert there.cache.missing(failed) == set(failed)
    assert not list(Path(there.cache.folder).glob("tmp/*"))


def test_a_damaged_index_is_named_and_its_pack_is_found_all_the_same(here: Side, there: Side, store: Recording) -> None:
    artifact = here.add(small(3))
    here.upload(artifact)
    [key] = [info.key for info in store.list("index/")]
    store.put(key, store.get(key)[:-1] + b"?")
    shelf = there.shelf()
    assert key in shelf.damaged[key]
    assert Download(there.cache, shelf, Contents(there.cache), silent).fetch([artifact.digest]).failed == {}
    assert there.holds(artifact)


def test_a_damaged_index_proves_nothing_to_who_sends(here: Side, there: Side, store: Recording) -> None:
    artifact = here.add(small(3))
    here.upload(artifact)
    [key] = [info.key for info in store.list("index/")]
    store.put(key, b"?")
    store.written.clear()
    other = Side(Path(here.cache.folder).parent / "other", store)
    other.add(small(3))
    assert other.upload(artifact).artifacts > 0
    assert store.written[-1].startswith("index/")
    assert not any(name.startswith("packs/") for name in store.written), "the pack itself is there already"


def test_an_index_of_a_later_version_is_not_guessed_at(store: Recording, there: Side) -> None:
    import msgpack

    from assay.engine.store.digest import digest_bytes

    data = msgpack.packb(["assay/index", 2, [], []])
    store.put(f"index/{digest_bytes('xxh128', data).hex}", data)
    assert "newer assay" in "".join(there.shelf().damaged.values())


def test_a_merged_index_replaces_others(here: Side, store: Recording) -> None:
    from assay.remotes.artifacts.shelf import encode

    first = here.add(small(3))
    here.upload(first)
    [info] = store.list("index/")
    data = encode([info.key.removeprefix("index/")], [])
    from assay.engine.store.digest import digest_bytes

    store.put(f"index/{digest_bytes('xxh128', data).hex}", data)
    assert here.shelf().pack_of(first.digest) is None


def test_many_indexes_become_one_and_the_others_go_later(
    here: Side, there: Side, store: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assay.remotes.artifacts.shelf._MANY", 4)
    artifacts = []
    for number in range(12):
        artifacts.append(here.add({"file": f"content {number}".encode()}))
        here.upload(artifacts[-1])
        assert len(list(store.list("index/"))) <= 6
        assert here.shelf().damaged == {}
    assert all(here.shelf().pack_of(artifact.digest) for artifact in artifacts)
    assert there.download(*artifacts).failed == {}


def test_what_an_index_says_of_packs_that_are_gone_is_not_forgotten_when_it_is_replaced(
    here: Side, store: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assay.remotes.artifacts.shelf._MANY", 1)
    here.upload(here.add(small(1)))
    [lost] = [info.key for info in store.list("packs/")]
    here.upload(here.add(small(2)))
    store.delete([lost])
    here.upload(here.add(small(3)))
    here.upload(here.add(small(4)))
    assert list(here.shelf().damaged) == [lost]


def test_who_misses_an_index_looks_again(here: Side, there: Side, store: Recording) -> None:
    from assay.remotes.artifacts.shelf import encode
    from assay.remotes.stores.around import Around

    artifact = here.add(small(3))
    here.upload(artifact)
    [old] = [info.key for info in store.list("index/")]

    class Late(Around):
        """An index is replaced and removed just when it is about to be read."""

        def get(self, key: str) -> bytes:
            if key == old:
                here.shelf()._write(encode([old.removeprefix("index/")], here.shelf()._indexes.popitem()[1]))
                store.delete([old])
            return super().get(key)

    shelf = Shelf(Late(store), there.copies, "xxh128", 4)
    shelf.refresh()
    assert shelf.pack_of(artifact.digest) is not None


def test_few_objects_of_a_large_pack_come_alone(here: Side, there: Side, store: Recording) -> None:
    many = {f"f{number:03}": os.urandom(200_000) for number in range(60)}
    here.upload(here.add(many))
    wanted = list(digests_of(here.cache, here.add({"f000": many["f000"], "f059": many["f059"]})))[:2]
    fetched = Download(there.cache, there.shelf(), Contents(there.cache), silent).fetch(wanted)
    assert (fetched.failed, fetched.artifacts) == ({}, 2)
    assert fetched.size < 1_000_000
    assert not any(key.startswith("packs/") for key in store.streamed)
    assert all(there.cache.read(digest) for digest in wanted)


def test_a_damaged_part_is_not_let_in_and_its_pack_is_named(here: Side, there: Side, store: Recording) -> None:
    artifact = here.add({f"f{number:03}": os.urandom(200_000) for number in range(60)})
    here.upload(artifact)
    [key] = [info.key for info in store.list("packs/")]
    wanted = next(iter(digests_of(here.cache, artifact)))
    offset, _ = here.shelf().place(wanted)
    data = bytearray(store.get(key))
    data[offset + 5] ^= 1
    store.put(key, bytes(data))
    failed = Download(there.cache, there.shelf(), Contents(there.cache), silent).fetch([wanted]).failed
    assert key in failed[wanted]
    assert there.cache.missing([wanted]) == {wanted}


def test_a_pack_that_comes_while_somebody_looks_is_not_taken_for_lost(
    here: Side, there: Side, store: Recording
) -> None:
    from assay.remotes.stores.around import Around

    class Late(Around):
        """The list of packs is from before somebody's push, that of indexes from after it."""

        def list(self, prefix: str):  # type: ignore[no-untyped-def]
            found = list(super().list(prefix))
            if prefix == "packs/" and not list(store.list("packs/")):
                here.upload(here.add(small(3)))
            return iter(found)

    shelf = Shelf(Late(store), there.copies, "xxh128", 4)
    shelf.refresh()
    assert shelf.damaged == {}


def test_a_manifest_that_is_none_is_named(here: Side, there: Side) -> None:
    with here.cache.writer() as writer:
        data = b"not a manifest"
        digest = Digest("xxh128", writer.add_bytes(data, is_dir=True).hex, True)
    Upload(here.cache, here.shelf(), silent).send([digest])
    failed = there.download(Artifact(digest, 0, 1)).failed
    assert list(failed) == [digest]


def test_progress_tells_bytes(here: Side, there: Side) -> None:
    artifact = here.add({**small(3), "big": os.urandom(BIG)})
    events: list[Event] = []
    Upload(here.cache, here.shelf(), events.append).send(set(digests_of(here.cache, artifact)))
    Download(there.cache, there.shelf(), Contents(there.cache), events.append).fetch([artifact.digest])
    text = [str(event) for event in events]
    assert any("sending data" in line and "unit='B'" in line for line in text)
    assert any("fetching data" in line and "unit='B'" in line for line in text)
    assert sum("Done" in line for line in text) == 2


def test_why_not_follows_what_a_directory_consists_of(here: Side) -> None:
    with_bad = here.add({"a/b/c": b"bad", "a/d": b"1"})
    without = here.add({"a/b/c": b"good", "a/d": b"1"})
    bad = here.add({"x": b"bad"})
    digest = next(iter(digests_of(here.cache, bad)))
    contents = Contents(here.cache)
    failed = {digest: "it is broken"}
    assert contents.why_not(with_bad.digest, failed) == "it is broken"
    assert contents.why_not(without.digest, failed) == ""
    assert contents.why_not(digest, failed) == "it is broken"
