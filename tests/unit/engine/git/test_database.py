"""The object database: every place an object may be in, damage, other processes, writing."""

from __future__ import annotations

import errno
import os
import shutil
import time
from pathlib import Path

import pytest

from assay.engine import disk
from assay.engine.errors import AssayError, CorruptObject, GitError, MissingObject
from assay.engine.git.database import EMPTY_TREE, ObjectDatabase
from assay.engine.git.loose import loose_path
from assay.engine.git.objects import BLOB, COMMIT, TREE, TreeItem, build_commit, build_tree, object_id
from assay.engine.model import Oid, Signature
from tests.packfiles import install, install_blobs, ofs_delta, pack_of, ref_delta, whole

WHO = Signature("A", "a@example.com", 1700000000)


@pytest.fixture
def db(tmp_path: Path) -> ObjectDatabase:
    (tmp_path / "objects").mkdir()
    return ObjectDatabase(str(tmp_path / "objects"))


def files(db: ObjectDatabase) -> list[str]:
    root = Path(db.path)
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


def overwrite(path: str | Path, raw: bytes) -> None:
    Path(path).unlink()
    Path(path).write_bytes(raw)


class TestReading:
    """Where objects are found, and what is said when they are not."""

    def test_loose_and_packed_objects_are_found(self, db: ObjectDatabase) -> None:
        loose = db.write(BLOB, b"loose")
        [one] = install_blobs(Path(db.path), b"one")
        [two] = install_blobs(Path(db.path), b"two")
        for _ in range(2):
            for oid, data in ((two, b"two"), (loose, b"loose"), (one, b"one")):
                assert db.read(oid) == (BLOB, data)
                assert oid in db

    def test_each_kind_is_read_as_what_it_is(self, db: ObjectDatabase) -> None:
        item = TreeItem("a", 0o100644, db.write(BLOB, b"a"))
        tree = db.write(TREE, build_tree([item]))
        commit = db.write(COMMIT, build_commit(tree, [], WHO, WHO, "m"))
        assert db.read_blob(item.oid) == b"a"
        assert db.read_tree(tree) == [item]
        assert db.read_commit(commit).message == "m"
        with pytest.raises(GitError, match=r"is a tree, not a commit"):
            db.read_commit(tree)

    def test_an_object_that_is_nowhere_is_missing(self, db: ObjectDatabase) -> None:
        oid = object_id(BLOB, b"no")
        assert oid not in db
        with pytest.raises(MissingObject, match=oid.hex()):
            db.read(oid)

    @pytest.mark.parametrize("what", ["text", b"short", None, 3])
    def test_what_is_no_id_is_not_there(self, db: ObjectDatabase, what: object) -> None:
        assert what not in db

    def test_the_empty_tree_is_there_without_a_file(self, db: ObjectDatabase) -> None:
        assert EMPTY_TREE in db
        assert db.read(EMPTY_TREE) == (TREE, b"")

    def test_a_repository_without_a_folder_of_packs_is_read(self, db: ObjectDatabase) -> None:
        oid = db.write(BLOB, b"a")
        assert ObjectDatabase(db.path).read(oid) == (BLOB, b"a")

    def test_a_later_read_opens_again_what_was_closed(self, db: ObjectDatabase) -> None:
        [one] = install_blobs(Path(db.path), b"one")
        assert db.read(one)
        db.close()
        assert db.read(one) == (BLOB, b"one")


class TestDamage:
    """A damaged copy is an error, unless there is another."""

    def test_a_damaged_loose_object_is_read_from_a_pack(self, db: ObjectDatabase) -> None:
        oid = db.write(BLOB, b"one")
        overwrite(loose_path(db.path, oid), b"")
        with pytest.raises(CorruptObject, match="empty"):
            db.read(oid)
        install_blobs(Path(db.path), b"one")
        assert db.read(oid) == (BLOB, b"one")

    def test_a_damaged_pack_is_made_up_for_by_a_loose_object(self, db: ObjectDatabase) -> None:
        [oid] = install_blobs(Path(db.path), b"one")
        [pack] = Path(db.path, "pack").glob("*.pack")
        raw = bytearray(pack.read_bytes())
        raw[16] ^= 0xFF
        overwrite(pack, bytes(raw))
        with pytest.raises(CorruptObject, match=r"cannot be read from .*\.pack"):
            db.read(oid)
        db.write(BLOB, b"one")
        assert db.read(oid) == (BLOB, b"one")
        assert ObjectDatabase(db.path).read(oid) == (BLOB, b"one")

    def test_an_index_that_leads_to_another_object_is_noticed(self, db: ObjectDatabase) -> None:
        one, two = object_id(BLOB, b"one"), object_id(BLOB, b"two")
        install(Path(db.path), [whole(BLOB, b"one"), whole(BLOB, b"two")], [two, one])
        for oid in (one, two):
            with pytest.raises(CorruptObject, match="another object"):
                db.read(oid)

    def test_a_pack_whose_index_is_damaged_does_not_hide_the_others(self, db: ObjectDatabase) -> None:
        [one] = install_blobs(Path(db.path), b"one")
        [index] = Path(db.path, "pack").glob("*.idx")
        overwrite(index, b"")
        [two] = install_blobs(Path(db.path), b"two")
        assert db.read(two) == (BLOB, b"two")
        assert one not in db
        with pytest.raises(CorruptObject, match="not an index"):
            db.read(one)

    def test_a_pack_that_cannot_be_opened_is_told(self, db: ObjectDatabase) -> None:
        [one] = install_blobs(Path(db.path), b"one")
        [pack] = Path(db.path, "pack").glob("*.pack")
        pack.unlink()
        pack.mkdir()
        with pytest.raises(CorruptObject, match="Is a directory"):
            db.read(one)

    def test_a_flipped_byte_in_pack_or_index_is_never_wrong_content(self, db: ObjectDatabase) -> None:
        base, other = b"line: 1\n" * 9, b"line: 2\n" * 9
        entries = [whole(BLOB, base), whole(BLOB, other), ofs_delta(1, b"")]
        entries[2] = ofs_delta(len(entries[0]) + len(entries[1]), b"\x48\x40\x90\x40")
        contents = [base, other, base[:64]]
        oids = [object_id(BLOB, data) for data in contents]
        pack = install(Path(db.path), entries, oids)
        for path in (pack, pack.with_suffix(".idx")):
            raw, refused = path.read_bytes(), 0
            for at in range(len(raw)):
                overwrite(path, raw[:at] + bytes((raw[at] ^ (1 << at % 8),)) + raw[at + 1 :])
                damaged = ObjectDatabase(db.path)
                for oid, data in zip(oids, contents, strict=True):
                    try:
                        assert damaged.read(oid) == (BLOB, data)
                    except (CorruptObject, MissingObject):
                        refused += 1
            assert refused > len(raw) // 3
            overwrite(path, raw)
        assert [db.read(oid)[1] for oid in oids] == contents


class TestOtherProcesses:
    """Packs come and go."""

    def test_a_pack_that_appears_is_found(self, db: ObjectDatabase) -> None:
        assert object_id(BLOB, b"one") not in db
        for data in (b"one", b"two", b"three"):
            [oid] = install_blobs(Path(db.path), data)
            assert oid in db
            assert db.read(oid) == (BLOB, data)

    def test_a_folder_whose_time_is_old_and_the_same_is_not_listed_again(self, db: ObjectDatabase) -> None:
        folder = Path(db.path, "pack")
        install_blobs(Path(db.path), b"one")
        os.utime(folder, (1, 1))
        assert object_id(BLOB, b"one") in db
        [oid] = install_blobs(Path(db.path), b"two")
        os.utime(folder, (1, 1))
        assert oid not in db
        db.refresh()
        assert oid in db

    def test_a_pack_that_was_replaced_by_another_is_survived(self, db: ObjectDatabase) -> None:
        one, two = install_blobs(Path(db.path), b"one", b"two")
        assert one in db  # the index is open, the pack is not
        for path in Path(db.path, "pack").iterdir():
            path.unlink()
        install_blobs(Path(db.path), b"two", b"one")
        assert db.read(two) == (BLOB, b"two")
        assert db.read(one) == (BLOB, b"one")

    def test_a_pack_that_was_deleted_while_open_is_still_read(self, db: ObjectDatabase) -> None:
        one, two = install_blobs(Path(db.path), b"one" * 30_000 + os.urandom(90_000), b"two")
        assert db.read(two)
        for path in Path(db.path, "pack").iterdir():
            path.unlink()
        assert len(db.read(one)[1]) == 180_000

    def test_an_object_that_was_pruned_is_missing(self, db: ObjectDatabase) -> None:
        one, _ = install_blobs(Path(db.path), b"one", b"two")
        assert one in db
        for path in Path(db.path, "pack").iterdir():
            path.unlink()
        with pytest.raises(MissingObject):
            db.read(one)


class TestAlternates:
    """Objects of other repositories."""

    def test_nested_and_relative_ones_are_followed(self, tmp_path: Path, db: ObjectDatabase) -> None:
        far, near = ObjectDatabase(str(tmp_path / "far")), ObjectDatabase(str(tmp_path / "near"))
        for folder in (far, near):
            Path(folder.path).mkdir()
        packed = install_blobs(Path(far.path), b"packed")
        loose = far.write(BLOB, b"loose")
        for folder, text in ((near, f"{far.path}\n"), (db, "# a comment\n\n../near\n/nowhere/at/all\n")):
            info = Path(folder.path, "info")
            info.mkdir()
            (info / "alternates").write_text(text)
        for oid in (*packed, loose):
            assert oid in db
            assert db.read(oid)[0] == BLOB
        assert db.write(BLOB, b"loose") == loose
        assert not [name for name in files(db) if not name.startswith("info")]

    def test_a_cycle_ends(self, tmp_path: Path, db: ObjectDatabase) -> None:
        info = Path(db.path, "info")
        info.mkdir()
        (info / "alternates").write_text(f"{db.path}\n.\n../objects\n")
        assert object_id(BLOB, b"no") not in db

    def test_they_are_followed_to_a_bounded_depth(self, tmp_path: Path) -> None:
        for number in range(9):
            info = tmp_path / str(number) / "info"
            info.mkdir(parents=True)
            (info / "alternates").write_text(f"../{number + 1}\n")
        oids = [ObjectDatabase(str(tmp_path / str(number))).write(BLOB, b"%d" % number) for number in range(9)]
        db = ObjectDatabase(str(tmp_path / "0"))
        assert [oid in db for oid in oids] == [True] * 6 + [False] * 3

    def test_one_that_is_added_is_found_after_refresh(self, tmp_path: Path, db: ObjectDatabase) -> None:
        other = ObjectDatabase(str(tmp_path / "other"))
        Path(other.path).mkdir()
        oid = other.write(BLOB, b"a")
        assert oid not in db
        info = Path(db.path, "info")
        info.mkdir()
        (info / "alternates").write_text(other.path)
        db.refresh()
        assert db.read(oid) == (BLOB, b"a")

    def test_one_that_is_taken_away_is_not_read_after_refresh(self, tmp_path: Path, db: ObjectDatabase) -> None:
        [oid] = install_blobs(tmp_path / "other", b"a")
        info = Path(db.path, "info")
        info.mkdir()
        (info / "alternates").write_text("../other")
        assert oid in db
        (info / "alternates").unlink()
        db.refresh()
        assert oid not in db

    def test_a_damaged_copy_is_made_up_for_by_an_alternate(self, tmp_path: Path, db: ObjectDatabase) -> None:
        other = ObjectDatabase(str(tmp_path / "other"))
        oid = db.write(BLOB, b"a")
        shutil.copytree(db.path, other.path)
        overwrite(loose_path(db.path, oid), b"")
        info = Path(db.path, "info")
        info.mkdir()
        (info / "alternates").write_text(other.path)
        db.refresh()
        assert db.read(oid) == (BLOB, b"a")


class TestShortIds:
    """All ids that begin with some digits."""

    def test_loose_and_packed_ones_are_found_once(self, db: ObjectDatabase) -> None:
        packed = install_blobs(Path(db.path), *(b"%d" % number for number in range(300)))
        loose = [db.write(BLOB, b"loose %d" % number) for number in range(5)]
        for oid in (*packed, *loose):
            assert db.matching(oid.hex()) == [oid]
            assert oid in db.matching(oid.hex()[:4].upper())

    @pytest.mark.parametrize("prefix", ["", "abc", "xyz0", "a" * 41, "../a", "é" * 4])
    def test_too_few_or_other_characters_match_nothing(self, db: ObjectDatabase, prefix: str) -> None:
        assert db.matching(prefix) == []

    def test_several_are_sorted(self, db: ObjectDatabase) -> None:
        digits = "0123456789abcdef"
        folder = Path(db.path, "ab")
        folder.mkdir()
        for digit in reversed(digits):
            (folder / ("cd" + digit * 36)).touch()
        (folder / "tmp_obj_1").touch()
        assert [oid.hex()[4] for oid in db.matching("abcd")] == list(digits)


class TestWriting:
    """After a write the object can be read, whatever there was before."""

    def test_a_new_object_is_loose(self, db: ObjectDatabase) -> None:
        oid = db.write(BLOB, b"a")
        assert files(db) == [f"{oid.hex()[:2]}/{oid.hex()[2:]}"]

    def test_a_loose_object_is_freshened_not_rewritten(self, db: ObjectDatabase) -> None:
        path = Path(loose_path(db.path, db.write(BLOB, b"a")))
        os.utime(path, (1, 1))
        before = path.stat()
        db.write(BLOB, b"a")
        after = path.stat()
        assert after.st_ino == before.st_ino
        assert after.st_mtime > time.time() - 100

    def test_a_packed_object_is_not_written_again_but_its_pack_freshened(self, db: ObjectDatabase) -> None:
        [oid] = install_blobs(Path(db.path), b"a")
        [pack] = Path(db.path, "pack").glob("*.pack")
        os.utime(pack, (1, 1))
        assert db.write(BLOB, b"a") == oid
        assert not Path(loose_path(db.path, oid)).exists()
        assert pack.stat().st_mtime > time.time() - 100

    def test_a_packed_object_whose_pack_vanished_is_written(self, db: ObjectDatabase) -> None:
        [oid] = install_blobs(Path(db.path), b"a")
        assert db.read(oid)
        for path in Path(db.path, "pack").iterdir():
            path.unlink()
        db.write(BLOB, b"a")
        assert ObjectDatabase(db.path).read(oid) == (BLOB, b"a")

    @pytest.mark.parametrize("damage", [b"", b"x", b"x\x9c\0\0"])
    def test_a_damaged_loose_object_is_healed(self, db: ObjectDatabase, damage: bytes) -> None:
        oid = db.write(BLOB, b"a")
        overwrite(loose_path(db.path, oid), damage)
        db.write(BLOB, b"a")
        assert db.read(oid) == (BLOB, b"a")

    def test_an_object_that_could_not_be_read_again_is_refused(self, db: ObjectDatabase) -> None:
        db.memory.max_object = 1000
        with pytest.raises(GitError, match="too large"):
            db.write(BLOB, bytes(1001))
        with pytest.raises(GitError, match="too large"), db.batch() as batch:
            batch.add(BLOB, bytes(1001))

    def test_a_full_disk_is_a_sentence(self, db: ObjectDatabase) -> None:
        def fail(step: disk.Step, path: str) -> None:
            raise OSError(errno.ENOSPC, "No space left on device", path)

        with disk.injected(fail), pytest.raises(AssayError, match="No space left"):
            db.write(BLOB, b"a")


class TestAddingPacks:
    """Checked, completed, named, or nothing."""

    def incoming(self, tmp_path: Path, raw: bytes) -> str:
        path = tmp_path / "incoming"
        path.write_bytes(raw)
        return str(path)

    def test_a_good_pack_is_moved_in_under_its_checksum(self, tmp_path: Path, db: ObjectDatabase) -> None:
        raw = pack_of([whole(BLOB, b"one"), whole(BLOB, b"two")])
        path = self.incoming(tmp_path, raw)
        name = db.add_pack(path)
        assert name == "pack-" + raw[-20:].hex()
        assert files(db) == [f"pack/{name}.idx", f"pack/{name}.pack"]
        assert not Path(path).exists()
        assert {Path(db.path, file).stat().st_mode & 0o222 for file in files(db)} == {0}
        assert db.read(object_id(BLOB, b"two")) == (BLOB, b"two")

    def test_adding_it_again_heals_what_was_damaged(self, tmp_path: Path, db: ObjectDatabase) -> None:
        raw = pack_of([whole(BLOB, b"one")])
        name = db.add_pack(self.incoming(tmp_path, raw))
        overwrite(Path(db.path, "pack", name + ".pack"), raw[:-1])
        fresh = ObjectDatabase(db.path)
        assert fresh.add_pack(self.incoming(tmp_path, raw)) == name
        assert fresh.read(object_id(BLOB, b"one")) == (BLOB, b"one")

    def test_a_pack_from_another_file_system_is_copied(
        self, tmp_path: Path, db: ObjectDatabase, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        raw = pack_of([whole(BLOB, b"one")])
        path = self.incoming(tmp_path, raw)

        def across(step: disk.Step, target: str) -> None:
            if step == "rename" and target.endswith(".pack") and Path(path).stat().st_mode & 0o222 == 0:
                Path(path).chmod(0o644)
                raise OSError(errno.EXDEV, "Invalid cross-device link")

        with disk.injected(across):
            db.add_pack(path)
        assert not Path(path).exists()
        assert db.read(object_id(BLOB, b"one")) == (BLOB, b"one")

    def test_a_thin_pack_is_completed(self, tmp_path: Path, db: ObjectDatabase) -> None:
        base = db.write(BLOB, b"one")
        thin = pack_of([ref_delta(base, b"\3\4\4two!"), ref_delta(object_id(BLOB, b"two!"), b"\4\5\5three")])
        path = self.incoming(tmp_path, thin)
        db.add_pack(path)
        assert not Path(path).exists()
        Path(loose_path(db.path, base)).unlink()
        db = ObjectDatabase(db.path)
        for data in (b"one", b"two!", b"three"):
            assert db.read(object_id(BLOB, data)) == (BLOB, data)

    @pytest.mark.parametrize(
        "raw",
        [pack_of([whole(BLOB, b"one")])[:-1], pack_of([ref_delta(b"\1" * 20, b"\3\4\4two!")]), b"no pack at all" * 9],
    )
    def test_a_bad_one_leaves_nothing_behind(self, tmp_path: Path, db: ObjectDatabase, raw: bytes) -> None:
        path = self.incoming(tmp_path, raw)
        with pytest.raises(CorruptObject):
            db.add_pack(path)
        assert files(db) == []
        assert Path(path).read_bytes() == raw

    def test_a_thin_pack_with_only_some_bases_here_leaves_nothing_behind(
        self, tmp_path: Path, db: ObjectDatabase
    ) -> None:
        base = db.write(BLOB, b"one")
        before = files(db)
        thin = pack_of([ref_delta(base, b"\3\4\4two!"), ref_delta(b"\1" * 20, b"\3\4\4two!")])
        with pytest.raises(CorruptObject, match="neither in it nor here"):
            db.add_pack(self.incoming(tmp_path, thin))
        assert files(db) == before

    @pytest.mark.parametrize("step", ["create", "write", "rename", "chmod"])
    def test_a_full_disk_makes_nothing_visible(self, tmp_path: Path, db: ObjectDatabase, step: str) -> None:
        path = self.incoming(tmp_path, pack_of([whole(BLOB, b"one")]))
        Path(db.path, "pack").mkdir()

        def fail(at: disk.Step, target: str) -> None:
            if at == step:
                raise OSError(errno.ENOSPC, "No space left on device", target)

        with disk.injected(fail), pytest.raises(AssayError, match="No space left"):
            db.add_pack(path)
        assert files(db) == []

    def test_a_file_that_is_not_there_is_a_sentence(self, tmp_path: Path, db: ObjectDatabase) -> None:
        with pytest.raises(AssayError, match="No such file"):
            db.add_pack(str(tmp_path / "no"))


def test_the_index_gets_its_name_after_the_pack(tmp_path: Path, db: ObjectDatabase) -> None:
    named = []

    def note(step: disk.Step, path: str) -> None:
        if step == "rename":
            named.append(path.rpartition(".")[2])

    path = tmp_path / "incoming"
    path.write_bytes(pack_of([whole(BLOB, b"one")]))
    with disk.injected(note):
        db.add_pack(str(path))
        with db.batch() as batch:
            for number in range(100):
                batch.add(BLOB, b"%d" % number)
    assert named == ["pack", "idx"] * 2


def test_ids_are_bytes_of_a_type_of_their_own(db: ObjectDatabase) -> None:
    assert isinstance(db.write(BLOB, b""), bytes)
    assert Oid(db.write(BLOB, b"")).hex().startswith("e69de29")
