"""Pushing and pulling, half by DVC and half by assay: the same bytes on the remote, in the cache, in the workspace."""

from __future__ import annotations

from tests.halves import COMMITTED, SAME_WORDS, all_ways

FILES = {
    ".gitignore": "/remote\n/origin.git\n",
    "dvc.yaml": """\
stages:
  make:
    cmd: mkdir -p out/deep && cp in.txt out/one && cp in.txt "out/deep/two words" && echo lr >> out/one
    deps:
    - in.txt
    params:
    - lr
    outs:
    - out
  here:
    cmd: cp in.txt here.txt
    deps:
    - in.txt
    outs:
    - here.txt:
        push: false
""",
    "params.yaml": "lr: 1\n",
    "in.txt": "in\n",
}
CACHE_GONE = {".dvc/cache/files": None, ".dvc/cache/runs": None, "out": None, "data": None}


def with_remote(root):
    """A remote of its own, by an absolute path: for an experiment's data DVC takes a relative one from elsewhere."""
    text = f"[core]\n    remote = store\n['remote \"store\"']\n    url = {root}/remote\n"
    (root / ".dvc/config.local").write_text(text)


def test_data_and_runs_that_one_pushed_the_other_pulls(both):
    steps = [
        ["repro"],
        {"data/a.csv": "1\n", "data/sub/b c.csv": "2\n"},
        ["add", "data"],
        COMMITTED,
        ["push"],
        {"in.txt": "other\n", "data/c.csv": "3\n"},
        ["repro"],
        ["add", "data"],
        ["push", "--run-cache"],
        CACHE_GONE,
        ["fetch", "data.dvc"],
        ["pull", "--allow-missing"],
        ["fetch", "--run-cache"],
        {"in.txt": "in\n"},
        ["repro", "make"],
        ["fetch", "--all-commits"],
        {"remote": None},
        ["push", "--all-commits"],
    ]
    all_ways(both, FILES, steps, ways=SAME_WORDS, prepare=with_remote)


def test_experiments_that_one_pushed_the_other_pulls(both):
    steps = [
        ["repro"],
        COMMITTED,
        ["exp", "run", "-n", "one", "-S", "lr=2"],
        ["exp", "run", "-n", "two", "-S", "lr=3"],
        ["exp", "push", "origin", "one", "two"],
        ["exp", "remove", "one", "two"],
        CACHE_GONE,
        ["exp", "pull", "origin", "one"],
        ["exp", "apply", "one"],
        ["exp", "pull", "origin", "two"],
        ["exp", "remove", "-g", "origin", "one"],
        ["exp", "list", "origin"],
    ]

    def prepare(root):
        with_remote(root)
        both.git("init", "-q", "--bare", "origin.git", cwd=root)
        both.git("remote", "add", "origin", "./origin.git", cwd=root)

    roots = all_ways(both, FILES, steps, ways=SAME_WORDS, prepare=prepare)
    found = [both.experiments(root / "origin.git") for root in roots.values()]
    assert [name.rpartition("/")[2] for name in found[0]] == ["two"]
    assert found[1:] == found[:1] * 2
    for root in roots.values():
        both.healthy(root / "origin.git")
