"""What experiments need, found without any of the code under test.

dulwich reads the objects, PyYAML the lock files, and the cache is read as docs/formats.md describes it.
"""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path

import msgpack
import xxhash
import yaml
from dulwich.objects import Commit, Tree
from dulwich.repo import Repo

HASHES = {
    "xxh128": xxhash.xxh128_digest,
    "sha256": lambda data: hashlib.sha256(data).digest(),
    "md5": lambda data: hashlib.md5(data).digest(),
}
"""The value of content under each hash that the cache has."""
BLOB_MODES = (0o100644, 0o100755, 0o120000)


class Closure:
    """The repository and the cache of a native project as files on disk.

    Args:
        root: The project's folder, which is the repository's work tree too.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._trees: dict[bytes, dict[str, bytes]] = {}

    def tree(self, commit: bytes) -> dict[str, bytes]:
        """Every file of a commit's tree. Fails when an object is missing or is not what its name says."""
        if commit not in self._trees:
            with Repo(str(self.root)) as repo:
                found = repo[commit.hex().encode()]
                assert isinstance(found, Commit)
                self._trees[commit] = dict(_walk(repo, found.tree, ""))
        return self._trees[commit]

    def outs(self, lock: bytes | None) -> dict[str, bytes]:
        """The files of every cached output that a lock file names. Fails when one is not in the cache, whole."""
        found: dict[str, bytes] = {}
        named = _named(lock or b"")
        objects = self.objects() if named else {}
        for path, digest in named:
            found.update(self._content(objects, path, digest))
        return found

    def _content(self, objects: dict[str, bytes], path: str, digest: str) -> dict[str, bytes]:
        assert digest in objects, f"{path} needs {digest}, and the cache has {sorted(objects)}"
        if not digest.endswith(".dir"):
            return {path: objects[digest]}
        found: dict[str, bytes] = {}
        if objects[digest].startswith(b"["):
            for row in json.loads(objects[digest]):
                found.update(self._content(objects, f"{path}/{row['relpath']}", row["md5"]))
            return found
        kind, version, algo, depth, rows = msgpack.unpackb(objects[digest])
        assert (kind, version, depth) == ("assay/dir", 1, 0)
        assert algo in HASHES
        for name, row_kind, below, *_ in rows:
            text = below.hex() if isinstance(below, bytes) else below
            found.update(self._content(objects, f"{path}/{name}", text + ".dir" * (row_kind == 2)))
        return found

    def objects(self) -> dict[str, bytes]:
        """Everything that the cache has, by digest as lock files spell it."""
        cache_folder = self.root / ".assay/cache"
        found: dict[str, bytes] = {}
        for pack in (cache_folder / "packs").glob("*.pack"):
            found.update(_packed(str(pack)))
        for algo, folder in (("xxh128", "xxh128"), ("sha256", "sha256"), ("md5", "files/md5")):
            for loose in (cache_folder / folder).glob("??/*"):
                data = loose.read_bytes()
                name = loose.parent.name + loose.name
                assert HASHES[algo](data).hex() == name.removesuffix(".dir")
                found[name] = data
        return found


def _walk(repo: Repo, tree: bytes, above: str):  # type: ignore[no-untyped-def]
    found = repo[tree]
    assert isinstance(found, Tree)
    for name, mode, oid in found.items():
        path = above + name.decode()
        if mode == 0o040000:
            yield from _walk(repo, oid, path + "/")
        else:
            assert mode in BLOB_MODES
            yield path, repo[oid].data


@cache
def _named(lock: bytes) -> list[tuple[str, str]]:
    """The cached outputs that a lock file names, with their digests."""
    stages = (yaml.safe_load(lock) or {}).get("stages", {})
    outs = [out for stage in stages.values() for out in stage.get("outs", ())]
    return [(out["path"], out.get("digest") or out["md5"]) for out in outs if out["path"] != "metrics.json"]


@cache
def _packed(path: str) -> dict[str, bytes]:
    """What a pack of the cache holds; a pack never changes under its name."""
    data = Path(path).read_bytes()
    of_pack = "sha256" if len(Path(path).stem) == 64 else "xxh128"
    assert HASHES[of_pack](data).hex() == Path(path).stem
    size = int.from_bytes(data[-16:-8], "big")
    found = {}
    for algo, key, offset, length in msgpack.unpackb(data[-16 - size : -16]):
        body = data[offset : offset + length]
        length = len(HASHES[algo](b""))
        assert HASHES[algo](body) == key[:length]
        found[key[:length].hex() + key[length:].decode()] = body
    return found
