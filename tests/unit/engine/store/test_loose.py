"""Where objects lie that are files of their own."""

from __future__ import annotations

from pathlib import Path

from assay.engine.model import HASH_NAMES, HEX_LENGTH, Digest
from assay.engine.store import loose
from assay.engine.store.digest import object_key


def objects(folder: Path) -> list[Digest]:
    """One object of every hash, a file and a manifest each."""
    made = [Digest(name, "a1" * (HEX_LENGTH[name] // 2), is_dir) for name in HASH_NAMES for is_dir in (False, True)]
    for digest in made:
        path = folder / object_key(digest)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return made


def test_objects_of_every_hash_are_found_once(tmp_path):
    made = objects(tmp_path)
    found = [digest for _, digest, _ in loose.walk(str(tmp_path))]
    assert len(found) == len(made)
    assert set(found) == set(made)


def test_other_folders_of_a_cache_are_not_looked_into(tmp_path):
    for name in ("packs", "tmp", "trash", "runs/ab", "quarantine"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "file").write_bytes(b"x")
    assert list(loose.walk(str(tmp_path))) == []
    assert not loose.holds(str(tmp_path))


def test_a_file_among_objects_that_is_none_is_told(tmp_path):
    (tmp_path / "files" / "md5").mkdir(parents=True)
    (tmp_path / "files" / "md5" / "stray").write_bytes(b"x")
    assert [(path, digest) for path, digest, _ in loose.walk(str(tmp_path))] == [
        (str(tmp_path / "files" / "md5" / "stray"), None)
    ]


def test_a_cache_that_is_not_there_holds_nothing(tmp_path):
    assert not loose.holds(str(tmp_path / "none"))
    assert list(loose.walk(str(tmp_path / "none"))) == []
