"""What experiments need, found without any of the code under test.

dulwich reads the objects, PyYAML the lock files, and the cache is read as docs/formats.md describes it.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import msgpack
import xxhash
import yaml
from dulwich.objects import Commit, Tree
from dulwich.repo import Repo

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
        kind, version, algo, depth, rows = msgpack.unpackb(objects[digest])
        assert (kind, version, algo, depth) == ("assay/dir", 1, "xxh128", 0)
        found: dict[str, bytes] = {}
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
        for loose in (cache_folder / "xxh128").glob("??/*"):
            data = loose.read_bytes()
            name = loose.parent.name + loose.name
            assert xxhash.xxh128_hexdigest(data) == name.removesuffix(".dir")
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
    return [(out["path"], out["digest"]) for out in outs if out["path"] != "metrics.json"]


@cache
def _packed(path: str) -> dict[str, bytes]:
    """What a pack of the cache holds; a pack never changes under its name."""
    data = Path(path).read_bytes()
    assert xxhash.xxh128_hexdigest(data) == Path(path).stem
    size = int.from_bytes(data[-16:-8], "big")
    found = {}
    for algo, key, offset, length in msgpack.unpackb(data[-16 - size : -16]):
        body = data[offset : offset + length]
        assert algo == "xxh128"
        assert xxhash.xxh128_digest(body) == key[:16]
        found[key[:16].hex() + key[16:].decode()] = body
    return found
