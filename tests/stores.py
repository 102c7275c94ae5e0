"""What tests of the cache share: a bench to work on, and ways to damage what lies there."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from assay.engine.events import Event
from assay.engine.layout import SMALL
from assay.engine.model import Artifact, Digest
from assay.engine.store.cache import Cache
from assay.engine.store.pack import key_of
from assay.engine.store.snapshot import snapshot
from assay.engine.store.statcache import StatCache

LARGE = bytes(range(256)) * (SMALL // 256 + 1)
"""Content that becomes an object of its own."""


@dataclass
class Bench:
    """A workspace with a cache and a stat cache."""

    root: Path
    folder: Path
    stat_cache: StatCache
    events: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.cache = Cache(str(self.folder), "xxh128", self.stat_cache)

    @classmethod
    def below(cls, folder: Path) -> Bench:
        """A fresh one."""
        (folder / "work").mkdir(parents=True)
        return cls(folder / "work", folder / "cache", StatCache(str(folder / "stat.db")))

    def reopened(self) -> Cache:
        """The cache as another process sees it."""
        return Cache(str(self.folder), "xxh128", StatCache(""))

    def write(self, files: Mapping[str, bytes]) -> None:
        """Makes files of the workspace."""
        for path, data in files.items():
            target = self.root / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)

    def add(self, path: str, **more: Any) -> Artifact:
        """Puts a file or directory of the workspace into the cache."""
        with self.cache.writer() as writer:
            return self.look(path, writer=writer, **more)

    def look(self, path: str, **more: Any) -> Artifact:
        """What a file or directory of the workspace is now."""
        return snapshot(
            str(self.root), path, algo="xxh128", stat_cache=self.stat_cache, report=self.events.append, **more
        )

    def tree(self) -> dict[str, bytes]:
        """Every file of the workspace with its content."""
        return {
            file.relative_to(self.root).as_posix(): file.read_bytes()
            for file in sorted(self.root.rglob("*"))
            if file.is_file()
        }


def put(cache: Cache, *contents: bytes) -> list[Digest]:
    """Adds contents in one go."""
    with cache.writer() as writer:
        return [writer.add_bytes(data) for data in contents]


def files_below(folder: str | Path) -> list[str]:
    """Every file below a folder, relative to it."""
    found = []
    for here, _, names in os.walk(folder):
        found += [os.path.relpath(os.path.join(here, name), folder) for name in names]
    return sorted(found)


def overwrite(path: str | Path, data: bytes) -> None:
    """Replaces the bytes of a read-only file in place."""
    os.chmod(path, 0o644)
    Path(path).write_bytes(data)
    os.chmod(path, 0o444)


def damage(cache: Cache, digest: Digest) -> None:
    """Turns a bit in the first byte of an object, wherever it lies."""
    place = cache.index.find(key_of(digest))
    path, offset = (cache.object_path(digest), 0) if place is None else (cache.index.path(place[0]), place[1])
    data = bytearray(Path(path).read_bytes())
    data[offset] ^= 1
    overwrite(path, bytes(data))
