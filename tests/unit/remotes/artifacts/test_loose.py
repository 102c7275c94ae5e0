"""A remote of DVC's layout: what goes, what comes, and what is believed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from assay.engine.errors import AccessDenied
from assay.engine.events import Note, silent
from assay.engine.model import Digest
from assay.engine.ports import KeyInfo, RemoteStore
from assay.engine.store.cache import Cache
from assay.engine.store.digest import digest_bytes, object_key
from assay.remotes.artifacts.contents import Contents
from assay.remotes.artifacts.holdings import Moved
from assay.remotes.artifacts.loose import LooseHoldings
from assay.remotes.copies import Copies
from assay.remotes.stamps import Stamped
from assay.remotes.stores.around import Around
from assay.remotes.stores.local import LocalStore
from assay.remotes.stores.memory import MemoryStore

BIG = 300_000


class Recording(Around):
    """Notes what is written and asked for, in order."""

    def __init__(self, store: RemoteStore) -> None:
        super().__init__(store)
        self.written: list[str] = []
        self.asked: list[str] = []

    def put(self, key: str, data: bytes) -> str:
        self.written.append(key)
        return self.store.put(key, data)

    def settle(self) -> None:
        self.written.append("settled")

    def size(self, key: str) -> int | None:
        self.asked.append(key)
        return self.store.size(key)

    def list(self, prefix: str) -> Iterator[KeyInfo]:
        self.asked.append(prefix)
        return self.store.list(prefix)


class Side:
    """A cache of DVC's form, and its view of the remote."""

    def __init__(self, folder: Path, store: RemoteStore) -> None:
        self.store = Recording(store)
        self.cache = Cache(str(folder), "md5")
        self.holdings = LooseHoldings(self.cache, self.store, 4, silent)

    def keep(self, data: bytes, *, is_dir: bool = False) -> Digest:
        digest = digest_bytes("md5", data, is_dir=is_dir)
        with self.cache.receive(digest) as sink:
            sink.write(data)
        return digest

    def folder(self, *names: str) -> tuple[Digest, list[Digest]]:
        """A listing of files with these names and contents, and the files."""
        files = [self.keep(name.encode()) for name in names]
        rows = [{"md5": file.hex, "relpath": name} for name, file in zip(names, files, strict=True)]
        return self.keep(json.dumps(rows).encode(), is_dir=True), files

    def send(self, *roots: Digest) -> Moved:
        contents = Contents(self.cache)
        return self.holdings.send(contents.walk(roots)[0], contents)

    def bring(self, *roots: Digest) -> Moved:
        return self.holdings.bring(roots, Contents(self.cache))

    def lose(self, digest: Digest) -> None:
        Path(self.cache.object_path(digest)).unlink()


@pytest.fixture(params=["memory", "folder"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> RemoteStore:
    return MemoryStore() if request.param == "memory" else LocalStore(str(tmp_path / "remote"))


@pytest.fixture
def here(tmp_path: Path, store: RemoteStore) -> Side:
    return Side(tmp_path / "here", store)


@pytest.fixture
def there(tmp_path: Path, store: RemoteStore) -> Side:
    return Side(tmp_path / "there", store)


@pytest.mark.law
def test_a_listing_goes_after_its_files_are_durable(here: Side) -> None:
    root, files = here.folder("a", "b", "c")
    assert here.send(root).artifacts == 4
    assert set(here.store.written[:3]) == {object_key(file) for file in files}
    assert here.store.written[3:] == ["settled", object_key(root), "settled"]


@pytest.mark.law
def test_a_listing_whose_file_is_nowhere_stays_and_the_file_is_named(here: Side) -> None:
    root, (lost, found) = here.folder("a", "b")
    here.lose(lost)
    moved = here.send(root)
    assert moved.failed.keys() == {root, lost}
    assert here.store.written[:-1] == [object_key(found)]


@pytest.mark.law
def test_a_listing_on_the_remote_is_no_proof_of_its_files(here: Side, there: Side) -> None:
    root, (first, second) = here.folder("a", "b")
    here.send(root)
    here.store.delete(iter([object_key(first)]))
    assert there.holdings.known([root, first, second]) == {root, second}
    assert there.bring(root).failed.keys() == {first}
    assert here.send(root).artifacts == 1
    assert there.bring(root).failed == {}
    assert there.cache.read(first) == b"a"


def test_what_was_cut_short_on_the_remote_is_sent_again(here: Side) -> None:
    digest = here.keep(b"whole")
    here.store.store.put(object_key(digest), b"who")
    assert here.send(digest).artifacts == 1
    assert here.store.get(object_key(digest)) == b"whole"


@pytest.mark.law
@pytest.mark.parametrize("size", [10, BIG])
def test_what_is_damaged_on_the_remote_never_gets_in(here: Side, there: Side, size: int) -> None:
    digest, other = here.keep(b"x" * size), here.keep(b"sound")
    here.send(digest, other)
    here.store.store.put(object_key(digest), b"y" * size)
    moved = there.bring(digest, other)
    assert "is damaged" in moved.failed[digest]
    assert there.cache.missing([digest, other]) == {digest}


@pytest.mark.law
@pytest.mark.parametrize("size", [10, BIG])
def test_what_is_damaged_in_the_cache_is_not_sent(here: Side, size: int) -> None:
    digest = here.keep(b"x" * size)
    path = Path(here.cache.object_path(digest))
    path.chmod(0o644)
    path.write_bytes(b"y" * size)
    assert "is damaged" in here.send(digest).failed[digest]
    assert here.store.size(object_key(digest)) is None


def test_many_objects_are_looked_for_by_listing_and_found_alike(here: Side) -> None:
    digests = [here.keep(str(number).encode()) for number in range(600)]
    here.send(*digests[::2])
    here.store.asked.clear()
    assert here.holdings.known(digests) == set(digests[::2])
    assert len(here.store.asked) < 600


def test_among_many_strangers_few_objects_are_looked_for_by_name(here: Side) -> None:
    for number in range(400):
        data = str(number).encode()
        digest = digest_bytes("md5", data)
        here.store.store.put(f"files/md5/ab/{digest.hex[2:]}", data)
    digests = [Digest("md5", f"ab{number:030x}") for number in range(40)]
    here.store.asked.clear()
    assert here.holdings.known(digests) == set()
    assert [key for key in here.store.asked if key.endswith("/")] == ["files/md5/ab/"]


def test_objects_of_dvc_2_lie_where_it_had_them(here: Side, there: Side) -> None:
    data = b"text\r\n"
    digest = digest_bytes("md5-dos2unix", data)
    with here.cache.receive(digest) as sink:
        sink.write(data)
    assert here.send(digest).artifacts == 1
    assert here.store.written[0] == f"{digest.hex[:2]}/{digest.hex[2:]}"
    assert there.bring(digest).failed == {}
    assert there.cache.read(digest) == data


def test_what_both_sides_have_is_left_alone(here: Side) -> None:
    root, _ = here.folder("a", "b")
    here.send(root)
    here.store.written.clear()
    assert vars(here.send(root)) == vars(Moved())
    assert here.store.written == []


def test_what_only_the_remote_has_may_be_published(here: Side, there: Side) -> None:
    root, (first, _) = here.folder("a", "b")
    here.send(root)
    here.lose(first)
    assert vars(here.send(root)) == vars(Moved())


@pytest.mark.law(3)
def test_what_was_overwritten_with_something_else_is_sent_again(tmp_path: Path) -> None:
    memory = MemoryStore()
    side = Side(tmp_path / "cache", Stamped(memory, Copies(str(tmp_path / "copies")), "md5", 2, silent))
    root, files = side.folder("first", "second")
    side.send(root)
    memory.put(object_key(files[0]), b"firs?")
    assert side.holdings.known([root, *files]) == {root, files[1]}
    side.store.written.clear()
    side.send(root)
    assert object_key(files[0]) in side.store.written
    assert memory.get(object_key(files[0])) == b"first"
    assert side.holdings.known([root, *files]) == {root, *files}


class Unlistable(Around):
    """Shows no list."""

    def list(self, prefix: str) -> Iterator[KeyInfo]:
        raise AccessDenied("Listing was refused.")


def test_where_nobody_may_list_each_object_is_asked_for_and_that_is_said(tmp_path: Path) -> None:
    memory, said = MemoryStore(), []
    cache = Cache(str(tmp_path / "cache"), "md5")
    digests = []
    for number in range(40):
        data = str(number).encode()
        digests.append(digest := digest_bytes("md5", data))
        with cache.receive(digest) as sink:
            sink.write(data)
        if number % 2:
            memory.put(object_key(digest), data)
    holdings = LooseHoldings(cache, Unlistable(memory), 4, said.append)
    assert holdings.known(digests) == set(digests[1::2])
    (note,) = [event for event in said if isinstance(event, Note)]
    assert "asked for by its own name" in note.text
