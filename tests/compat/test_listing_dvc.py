"""Under md5, assay and real DVC give any directory the same name, and write the same bytes for it."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from assay.engine import layout
from assay.engine.ignore import IgnoreRules
from assay.engine.model import Artifact, Digest
from assay.engine.store.cache import Cache
from assay.engine.store.manifest import digests_of
from assay.engine.store.snapshot import snapshot
from assay.engine.store.statcache import StatCache
from tests.dvcprocess import DvcProcess

NAMES = st.one_of(
    st.sampled_from(
        ["a", "b", "a.", "a0", "a b", " x", "é", "日本", "\U0001f600", "z", "A", "keep.tmp", "x.log", "-", "#"]
    ),
    st.text(st.characters(codec="utf-8", exclude_characters="/\0\\"), min_size=1, max_size=5).filter(
        lambda name: not name.startswith(".") and "~" not in name
    ),
)
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)
KINDS = st.sampled_from(["file", "file", "file", "exec", "link", "empty folder", "empty file"])
IGNORED = st.lists(st.sampled_from(["*.tmp", "x.log", "/d/a", "b/", "!keep.tmp", "# none", "d/*/z", ""]), max_size=4)
TREES = st.dictionaries(PATHS, st.tuples(KINDS, st.binary(max_size=4)), max_size=7)


def plant(root: Path, tree: dict[str, tuple[str, bytes]]) -> Counter[str]:
    """Makes the tree in ``root/d``, as far as its paths do not contradict one another; counts what it made."""
    made: Counter[str] = Counter()
    (root / "d").mkdir()
    (root / "linked").write_bytes(b"linked")
    for path, (kind, data) in tree.items():
        target = root / "d" / path
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            if target.exists():
                continue
            if kind == "empty folder":
                target.mkdir()
            elif kind == "link":
                target.symlink_to(root / "linked")
            else:
                target.write_bytes(b"" if kind == "empty file" else data)
                target.chmod(0o755 if kind == "exec" else 0o644)
        except (FileExistsError, NotADirectoryError):
            continue
        made[kind] += 1
    return made


def ours(root: Path) -> dict[str, Any]:
    """What assay says of ``root/d``."""
    kept = layout.native("md5")
    always = [name for name in kept.ignores if name != "__pycache__/"]
    rules = IgnoreRules(str(root), (".dvcignore",), always=always)
    cache = Cache(str(root / "cache"), kept.hash_name, StatCache(""))
    with cache.writer() as writer:
        found = snapshot(str(root), "d", algo="md5", stat_cache=cache.seen, writer=writer, ignored=rules.ignored)
    assert not cache.missing(digests_of(cache, found))
    text = cache.read(found.digest).decode()
    cache.close()
    return {"digest": found.digest.text, "size": found.size, "nfiles": found.nfiles, "text": text}


def test_any_directory_is_listed_as_dvc_lists_it(dvc_process: DvcProcess) -> None:
    made: Counter[str] = Counter()

    @settings(max_examples=250)
    @given(TREES, IGNORED)
    def judge(tree: dict[str, tuple[str, bytes]], ignored: list[str]) -> None:
        root = dvc_process.new(git=False)
        try:
            made.update(plant(root, tree))
            (root / ".dvcignore").write_text("\n".join(ignored))
            answer = dvc_process.ask("listing", root, path="d")
            assert answer["error"] is None, answer["trace"]
            assert ours(root) == {name: answer[name] for name in ("digest", "size", "nfiles", "text")}
        finally:
            dvc_process.drop(root)

    judge()
    assert all(made[kind] >= 30 for kind in ("file", "exec", "link", "empty folder", "empty file")), made


def test_dvc_checks_out_what_assay_listed(dvc_process: DvcProcess) -> None:
    root = dvc_process.new()
    plant(root, {"s/é b": ("file", b"1"), "s/t/x": ("exec", b"2"), "top": ("empty file", b"")})
    found = ours(root)
    cache = Cache(str(root / "cache"), "md5", StatCache(""))
    for digest in digests_of(cache, Artifact(Digest("md5", found["digest"].removesuffix(".dir"), True), 0)):
        place = root / ".dvc/cache/files/md5" / digest.text[:2] / digest.text[2:]
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(cache.read(digest))
        os.chmod(place, 0o444)
    cache.close()
    shutil.rmtree(root / "d")
    (root / "d.dvc").write_text(f"outs: [{{md5: {found['digest']}, hash: md5, path: d}}]\n")
    assert dvc_process.run(root, "checkout").code == 0
    files = {path.relative_to(root).as_posix(): path.read_bytes() for path in (root / "d").rglob("*") if path.is_file()}
    assert files == {"d/s/é b": b"1", "d/s/t/x": b"2", "d/top": b""}
