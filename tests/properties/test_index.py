"""The index is read as the real Git reads it, and written so that Git reads the same."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from assay.engine.git.index import Index, read_index
from assay.engine.git.indexdraft import editing

BLOB = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"
names = st.sampled_from(["a", "a.b", "a-b", "ab", "é", "\udcff", "a b", "x" * 100, "n" * 250])
paths = st.lists(names, min_size=1, max_size=20).map("/".join)
stages = st.sampled_from([(0,), (0,), (0,), (1,), (2, 3), (1, 2, 3)])
modes = st.sampled_from(["100644", "100755", "120000", "160000"])
flags = st.sampled_from(["", "", "", "--assume-unchanged", "--skip-worktree", "both", "intent"])
indexes = st.dictionaries(paths, st.tuples(modes, stages, flags), max_size=15).map(
    lambda found: {path: what for path, what in found.items() if not any(o.startswith(path + "/") for o in found)}
)


def listed(index: Index) -> list[str]:
    """What ``git ls-files --stage -v`` says: H tracked, S skip-worktree, M in conflict, small when assumed valid."""
    found = []
    for path, entry in index.entries():
        letter = "S" if entry.skip_worktree else "H"
        found.append((path, 0, letter.lower() if entry.assume_valid else letter, entry))
    for path, places in index.conflicts.items():
        found += [(path, stage, "M", index.unpack(offset)) for stage, offset in places.items()]
    found.sort(key=lambda item: (item[0].encode("utf-8", "surrogateescape"), item[1]))
    return [f"{letter} {entry.mode:06o} {entry.oid.hex()} {stage}\t{path}" for path, stage, letter, entry in found]


@settings(max_examples=60)
@given(indexes, st.sampled_from([2, 4]))
def test_git_and_we_agree_before_and_after_we_write(
    git: Callable[..., str], tmp_path: Path, wanted: dict[str, tuple[str, tuple[int, ...], str]], version: int
) -> None:
    if not (tmp_path / ".git").exists():
        git("init", "-q")
    (tmp_path / ".git/index").unlink(missing_ok=True)
    lines = [f"{mode} {BLOB} {stage}\t{path}" for path, (mode, some, _) in wanted.items() for stage in some]
    told = "".join(f"{line}\0" for line in lines).encode("utf-8", "surrogateescape")
    git("update-index", f"--index-version={version}", "-z", "--index-info", stdin=told)
    for flag in ("--assume-unchanged", "--skip-worktree"):
        flagged = [path for path, (_, some, asked) in wanted.items() if asked in (flag, "both") and some == (0,)]
        if flagged:
            named = "\0".join(flagged).encode("utf-8", "surrogateescape")
            git("update-index", flag, "-z", "--stdin", stdin=named)

    path = str(tmp_path / ".git/index")
    expected = [line for line in git("ls-files", "--stage", "-v", "-z").split("\0") if line]
    assert listed(read_index(path)) == expected

    with editing(str(tmp_path / ".git"), path):
        pass
    assert listed(read_index(path)) == expected
    assert [line for line in git("ls-files", "--stage", "-v", "-z").split("\0") if line] == expected
    assert not (tmp_path / ".git/index.lock").exists()
