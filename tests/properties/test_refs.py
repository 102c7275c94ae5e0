"""Refs agree with a dictionary through any change, packed-refs with plain parsing, names with Git's own check."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from assay.engine.errors import RefConflict
from assay.engine.git import packedrefs, reftransaction
from assay.engine.git.packedrefs import HEADER, Packed, open_packed
from assay.engine.git.refnames import ancestors, is_valid_experiment_name, is_valid_name
from assay.engine.git.repository import Repository
from assay.engine.model import Oid

pieces = st.sampled_from(["a", "b", "lock", ".lock", ".", "..", "/", "//", "@", "@{", "{", "-", "~", "^", ":", "?", "*",
                          "[", "\\", " ", "\t", "\x7f", "\x01", "é", "\U0001f600", "refs/", "HEAD"])  # fmt: skip


@settings(max_examples=150)
@given(st.lists(pieces, min_size=1, max_size=6).map("".join), st.booleans())
@example("@", False)
@example("a/b.lock/c", False)
def test_names_are_valid_when_git_says_so(name, below):
    full = f"refs/heads/{name}" if below else name
    if full.startswith("-"):
        full = "x" + full
    done = subprocess.run(["git", "check-ref-format", full], check=False)
    assert is_valid_name(full) == (done.returncode == 0)
    if below:
        assert is_valid_experiment_name(name) == ("/" not in name and name != "@" and done.returncode == 0)


oids = st.binary(min_size=20, max_size=20).filter(any).map(Oid)
leaves = st.sampled_from(["a", "ab", "a-b", "a.b", "b", "é", "\U0001f600", "\udcff", "x" * 300])
names = st.lists(leaves, min_size=1, max_size=3).map(lambda parts: "refs/" + "/".join(parts))
values = st.builds(Packed, oids, st.none() | oids)


def plain(refs, header):
    """A packed-refs file, written the simple way."""
    text = header
    for name, value in sorted((name.encode("utf-8", "surrogateescape"), value) for name, value in refs.items()):
        text += value.oid.hex().encode() + b" " + name + b"\n"
        if value.peeled:
            text += b"^" + value.peeled.hex().encode() + b"\n"
    return text


@settings(max_examples=80)
@given(
    st.dictionaries(names, values, max_size=30),
    st.dictionaries(names, st.none() | values, max_size=6),
    st.lists(names, max_size=6),
    st.sampled_from([0, 1 << 20]),
)
def test_packed_refs_says_and_becomes_what_plain_parsing_says(tmp_path, refs, changes, questions, in_memory):
    path = tmp_path / "packed-refs"
    path.write_bytes(plain(refs, HEADER))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(packedrefs, "_IN_MEMORY", in_memory)
        patch.setattr(packedrefs, "_WINDOW", 64)
        for name in [*refs, *questions]:
            packed = open_packed(str(path))
            assert packed.find(name) == (refs[name].oid if name in refs else None)
            assert packed.has_below(name) == any(other.startswith(name + "/") for other in refs)
            assert dict(packed.items(name)) == {n: v.oid for n, v in refs.items() if n.startswith(name)}
            leaf = name.rpartition("/")[2]
            assert sorted(packed.names_ending(leaf, "refs/")) == sorted(n for n in refs if n.endswith("/" + leaf))
        after = {name: value for name, value in {**refs, **changes}.items() if value is not None}
        assert open_packed(str(path)).edited(changes) == plain(after, HEADER)


@settings(max_examples=60)
@given(st.dictionaries(names, values, max_size=20), st.dictionaries(names, st.none() | values), st.randoms())
def test_a_file_in_any_order_is_read_and_rewritten_in_order(tmp_path, refs, changes, chance):
    groups = [plain({name: value}, b"") for name, value in refs.items()]
    chance.shuffle(groups)
    path = tmp_path / "packed-refs"
    path.write_bytes(b"# pack-refs with: peeled fully-peeled \n" + b"".join(groups))
    packed = open_packed(str(path))
    assert dict(packed.items()) == {name: value.oid for name, value in refs.items()}
    for name in refs:
        assert packed.find(name) == refs[name].oid
    after = {name: value for name, value in {**refs, **changes}.items() if value is not None}
    assert packed.rewritten(changes, None) == plain(after, HEADER)


ref_names = st.sampled_from([f"refs/{kind}/{rest}" for kind in ("heads", "exps", "tags")
                             for rest in ("a", "b", "a/b", "a/c", "a/b/c", "d/e/f")])  # fmt: skip
choices = st.integers(0, 3)
edits = st.tuples(st.sampled_from(["create", "update", "put", "delete"]), choices, choices)
steps = st.one_of(
    st.dictionaries(ref_names, edits, min_size=1, max_size=5),
    st.sampled_from(["pack", "pack exps", "git pack", "git delete", "git put"]),
)


@pytest.fixture(scope="module")
def template():
    """A repository with three commits and an annotated tag, and their ids."""
    with tempfile.TemporaryDirectory() as folder:
        identity = {f"GIT_{who}_{what}": "a@b" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        env = {**os.environ, **identity}

        def git(*words):
            done = subprocess.run(["git", *words], cwd=folder, env=env, check=True, capture_output=True)
            return done.stdout.decode().strip()

        git("init", "-q", "--bare", ".")
        tree = git("write-tree")
        ids = [git("commit-tree", tree, "-m", text) for text in "123"]
        git("tag", "-a", "x", "-m", "x", ids[0])
        ids.append(git("rev-parse", "refs/tags/x"))
        git("update-ref", "-d", "refs/tags/x")
        yield folder, [Oid(bytes.fromhex(text)) for text in ids]


def clashes(name, refs):
    return any(above in refs for above in ancestors(name)) or any(other.startswith(name + "/") for other in refs)


def expected(refs, changes, ids):
    """The refs after a transaction, or None when it must be refused."""
    after = dict(refs)
    for name, (kind, new, old) in changes.items():
        if kind == "create" and name in refs:
            return None
        if kind == "update" and refs.get(name) != ids[old]:
            return None
        if kind == "delete":
            after.pop(name, None)
        else:
            if name not in refs and clashes(name, refs):
                return None
            after[name] = ids[new]
    if any(clashes(name, set(changes)) for name in changes):
        return None
    return after


def apply(repo, changes, ids):
    with repo.refs.transaction() as transaction:
        for name, (kind, new, old) in changes.items():
            if kind == "delete":
                transaction.delete(name)
            elif kind == "update":
                transaction.update(name, ids[new], ids[old])
            else:
                getattr(transaction, kind)(name, ids[new])


def by_git(repo, step, refs, ids):
    """What Git does to the first ref; returns the refs after it."""
    if step == "git pack":
        words = ["pack-refs", "--all"]
    elif not refs:
        return refs
    else:
        name = min(refs)
        words = ["update-ref", "-d", name] if step == "git delete" else ["update-ref", name, ids[1].hex()]
        refs = {other: oid for other, oid in refs.items() if other != name}
        if step == "git put":
            refs[name] = ids[1]
    subprocess.run(["git", *words], cwd=repo.git_dir, check=True, capture_output=True)
    return refs


@settings(max_examples=40)
@given(st.lists(steps, max_size=8), st.sampled_from([1, 3, 20]))
def test_any_changes_leave_what_a_dictionary_says_and_git_agrees(template, steps, pack_from):
    origin, ids = template
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(reftransaction, "PACK_FROM", pack_from)
        shutil.copytree(origin, folder, dirs_exist_ok=True)
        repo, refs = Repository.open(folder), {}
        for step in steps:
            if step == "pack":
                repo.refs.pack("refs/")
            elif step == "pack exps":
                repo.refs.pack()
            elif isinstance(step, str):
                refs = by_git(repo, step, refs, ids)
            else:
                # only tags may be annotated tags
                changes = {n: (kind, new if "/tags/" in n else new % 3, old) for n, (kind, new, old) in step.items()}
                after = expected(refs, changes, ids)
                if after is None:
                    with pytest.raises(RefConflict):
                        apply(repo, changes, ids)
                else:
                    apply(repo, changes, ids)
                    refs = after
            assert list(repo.refs.iterate()) == sorted(refs.items())
            assert all(repo.refs.read(name) == oid for name, oid in refs.items())
        repo.close()
        shown = subprocess.run(
            ["git", "for-each-ref", "--format=%(objectname) %(refname) %(*objectname)"],
            cwd=folder, check=True, capture_output=True, text=True,
        ).stdout.splitlines()  # fmt: skip
        assert [line.strip() for line in shown] == [
            f"{oid.hex()} {name}" + (f" {ids[0].hex()}" if oid == ids[3] else "") for name, oid in sorted(refs.items())
        ]
        assert list(Path(folder).rglob("*.lock")) == []
