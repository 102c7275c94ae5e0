"""The same DVC project twice, DVC's and assay's, and what the two make of experiments in it."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.filetree import write

DVC_YAML = """\
stages:
  prepare:
    cmd:
    - mkdir -p data/deep
    - tr a-z A-Z < raw/text.txt > data/upper.txt
    - wc -c < raw/text.txt > data/deep/count.txt
    deps:
    - raw
    outs:
    - data
  train:
    cmd: sh train.sh
    wdir: model
    deps:
    - ../data
    - train.sh
    params:
    - ../params.yaml:
      - train.lr
    - own.json:
    - own.toml:
      - depth
    outs:
    - model.bin
    - report:
        cache: false
    metrics:
    - metrics.json:
        cache: false
params:
- more.py
metrics:
- numbers.json
plots:
- curves.csv
"""
FILES = {
    ".gitignore": "*.pyc\n",
    "dvc.yaml": DVC_YAML,
    "params.yaml": "# how it is trained\ntrain:\n  lr: 0.1   # rate\n  names: [a, b]\nseed: 7\n",
    "more.py": "WIDTH = 3\n",
    "numbers.json": '{"z": 1}\n',
    "curves.csv": "step,loss\n1,0.5\n",
    "raw/text.txt": "hello\n",
    "model/own.json": '{"units": 5}\n',
    "model/own.toml": "depth = 2\n",
    "model/train.sh": """\
lr=$(sed -n 's/^ *lr: *\\([^ ]*\\).*/\\1/p' ../params.yaml)
cat ../data/upper.txt > model.bin
mkdir -p report && echo "$lr" > report/lr.txt
printf '{"acc": %s, "loss": {"val": 0.5}}\\n' "$lr" > metrics.json
""",
}
_OWN = re.compile(r"(^|/)(\.git|\.dvc/tmp|\.dvc/cache)/")
REPORT = "    - report:\n        cache: false\n"
"""An output that keeps the runs of its stage out of the run cache."""


class Both:
    """One project in two folders with the same commits.

    Attributes:
        theirs: The folder in which DVC works.
        ours: The one in which assay does.
    """

    def __init__(
        self, dvc: Any, git: Any, files: Mapping[str, str] = FILES, tracked: tuple[str, ...] = ("-A",)
    ) -> None:
        self.dvc = dvc
        self.git = git
        self.theirs = dvc.new()
        git("init", "-q", cwd=self.theirs)
        write(self.theirs, dict(files))
        git("add", *tracked, cwd=self.theirs)
        git("commit", "-qm", "first", cwd=self.theirs)
        self.ours = self.theirs.with_name(f"{self.theirs.name}-ours")
        self.part()

    def begin_with(self, name: str, make: Callable[[], object]) -> None:
        """Makes both folders what ``make`` makes of DVC's, which is done once for each name and session."""
        kept = self.dvc.folder / "made" / name
        if kept.exists():
            self.dvc.drop(self.theirs)
            shutil.copytree(kept, self.theirs, symlinks=True)
        else:
            make()
            shutil.copytree(self.theirs, kept, symlinks=True)
        self.part()

    def part(self) -> None:
        """Makes assay's folder what DVC's is."""
        shutil.rmtree(self.ours, ignore_errors=True)
        shutil.copytree(self.theirs, self.ours, symlinks=True)

    def write(self, files: Mapping[str, str]) -> None:
        """Writes files in both."""
        for folder in (self.theirs, self.ours):
            write(folder, dict(files))

    def drop(self) -> None:
        """Removes both."""
        for folder in (self.theirs, self.ours):
            self.dvc.drop(folder)

    def refs(self, folder: Path) -> dict[str, str]:
        """The experiments of a folder, by name."""
        lines = self.git("for-each-ref", "--format=%(refname) %(objectname)", "refs/exps", cwd=folder).splitlines()
        pairs = (line.split() for line in lines)
        return {ref.rpartition("/")[2]: oid for ref, oid in pairs if ref.count("/") == 4}

    def tree(self, folder: Path, name: str) -> dict[str, str]:
        """What the tree of an experiment has, by path."""
        listed = self.git("-c", "core.quotePath=false", "ls-tree", "-r", self.refs(folder)[name], cwd=folder)
        return {path: item for item, _, path in (line.partition("\t") for line in listed.splitlines())}

    def status(self, folder: Path) -> str:
        """What Git says of the workspace."""
        return self.git("status", "--porcelain=v1", "-uall", cwd=folder)

    def data(self, folder: Path, name: str) -> Any:
        """What DVC shows of an experiment, without what is different for each run."""
        for row in self.shown(folder):
            for experiment in row["experiments"] or ():
                if experiment["name"] == name:
                    data = experiment["revs"][0]["data"]
                    return {key: value for key, value in data.items() if key not in ("rev", "timestamp")}
        raise AssertionError(f"DVC shows no experiment {name}")

    def shown(self, folder: Path) -> Any:
        """Everything that DVC shows."""
        answer = self.dvc.run(folder, "exp", "show", "--json")
        assert answer.code == 0, answer.err
        return json.loads(answer.out)

    def did(self, folder: Path, *words: str, **env: str) -> Any:
        """One command line of DVC's, which has to succeed."""
        answer = self.dvc.run(folder, *words, **env)
        assert answer.code == 0, answer.out + answer.err
        return answer


def files_of(folder: Path) -> dict[str, tuple[bytes, bool]]:
    """What the files of a workspace hold, and whether they may be executed; not those of Git and of DVC itself."""
    found = {}
    for path in folder.rglob("*"):
        name = str(path.relative_to(folder))
        if path.is_file() and not _OWN.search(name):
            found[name] = (path.read_bytes(), bool(path.stat().st_mode & 0o100))
    return found


def standing(git: Any, folder: Path) -> tuple[str, ...]:
    """Where HEAD, the branches, the stash and the index of a repository stand."""
    refs = git("for-each-ref", "refs/heads", "refs/stash", cwd=folder)
    return (folder / ".git/HEAD").read_text(), refs, git("ls-files", "-s", cwd=folder)
