"""A repository with all that histories hold, made by real Git, and what Git reads in it."""

from __future__ import annotations

import random
import subprocess
from hashlib import sha1
from pathlib import Path

from assay.engine.git.database import ObjectDatabase
from assay.engine.git.objects import BLOB, COMMIT, KINDS, TREE, TreeItem, build_commit, build_tree
from assay.engine.model import Oid, Signature

WHO = Signature("A U Thor", "author@example.com", 1700000000, 60)


def contents(repo: Path) -> dict[Oid, tuple[int, bytes]]:
    """Every object, as `git cat-file` reads it."""
    done = subprocess.run(
        ["git", "cat-file", "--batch-all-objects", "--batch", "--buffer"], cwd=repo, capture_output=True, check=True
    )
    found, at, raw = {}, 0, done.stdout
    while at < len(raw):
        end = raw.index(b"\n", at)
        name, kind, size = raw[at:end].split()
        at = end + 1 + int(size) + 1
        found[Oid(bytes.fromhex(name.decode()))] = (KINDS[kind], raw[end + 1 : at - 1])
    return found


def database(repo: Path) -> ObjectDatabase:
    """Its objects; bare or not."""
    folder = repo / ".git"
    return ObjectDatabase(str((folder if folder.is_dir() else repo) / "objects"))


def _commit(branch: bytes, number: int, files: dict[bytes, bytes], *before: bytes) -> bytes:
    """A commit for `git fast-import`; ``before`` are the lines that come before its files."""
    lines = [b"commit refs/heads/%b" % branch, b"mark :%d" % (number + 100), b"committer A <a@e> %d +0130" % number]
    lines += [b"data 6", b"c%05d" % number, *before]
    for name, data in files.items():
        lines += [b"M 100644 inline %b" % name, b"data %d" % len(data), data]
    return b"\n".join(lines) + b"\n"


def _stream() -> bytes:
    large = random.Random(0).randbytes(1_500_000) * 2
    out = [b"blob\nmark :1\ndata %d\n%b\n" % (len(large), large)]
    body = b"".join(b"option_%03d: %d\n" % (n, n) for n in range(200))
    for number in range(120):
        changed = body.replace(b"option_%03d: %d" % (number, number), b"option_%03d: 0.5" % number)
        log = b"".join(b"step %d %b\n" % (n, sha1(b"%d" % n).hexdigest().encode()) for n in range(number * 3))
        files = {b"params.yaml": changed, b"deep/er/log": log, b"n/%d" % number: b"%d" % number}
        out.append(_commit(b"main", number, files))
    out.append(_commit(b"side", 200, {b"side": b"s"}, b"from :169"))
    out.append(_commit(b"main", 201, {b'"caf\\351"': b"latin", b"empty": b""}, b"merge refs/heads/side"))
    out.append(b"M 100755 :1 big.bin\nM 120000 inline link\ndata 7\nbig.bin\nM 160000 %b module\n" % (b"12" * 20))
    out.append(b"tag v1\nfrom refs/heads/main\ntagger A <a@e> 1 +0000\ndata 2\nt\n\n")
    return b"".join(out)


def experiments(db: ObjectDatabase, count: int) -> Oid:
    """Writes experiments as assay does, in one batch, and returns the last one."""
    parents: list[Oid] = []
    with db.batch() as batch:
        fixed = [TreeItem(f"f{n:02}", 0o100644, batch.add(BLOB, b"%d" % n)) for n in range(20)]
        for number in range(count):
            params = batch.add(BLOB, b"".join(b"o%d: 1\n" % n for n in range(40)) + b"lr: %d\n" % number, "params.yaml")
            folder = batch.add(TREE, build_tree([TreeItem("m.json", 0o100644, params)]), "results")
            items = [*fixed, TreeItem("params.yaml", 0o100644, params), TreeItem("results", 0o040000, folder)]
            tree = batch.add(TREE, build_tree(items), "")
            parents = [batch.add(COMMIT, build_commit(tree, parents, WHO, WHO, f"run {number}\n"))]
    return parents[0]


def make_history(folder: Path) -> Path:
    """122 commits in one pack: a merge, a tag, a link, a gitlink, an executable, a name that is not UTF-8, 3 MB."""
    for words, given in (("init -q -b main .", b""), ("-c fastimport.unpackLimit=0 fast-import --quiet", _stream())):
        subprocess.run(["git", *words.split()], cwd=folder, input=given, check=True)
    return folder
