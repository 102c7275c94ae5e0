"""DVC projects with many experiments, written with our own object layer; what `exp show` prints, made comparable."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from assay.engine.git.database import ObjectBatch
from assay.engine.git.objects import BLOB, COMMIT, build_commit
from assay.engine.git.repository import Repository
from assay.engine.git.trees import edit_tree
from assay.engine.model import ExpRef, Oid, Signature

WHO = Signature("A U Thor", "author@example.com", 1_700_000_000, 0)
DVC_YAML = """\
stages:
  prep:
    cmd: python prep.py
    deps: [raw, prep.py]
    params: [split]
    outs: [prepared]
  train:
    cmd: python train.py
    deps: [prepared, train.py, /far/away]
    params: [lr, {other.yaml: [a.b, c]}]
    outs: [model.bin, {small.txt: {cache: false}}]
    metrics: [{metrics.json: {cache: false}}]
    plots: [plot.csv]
"""
LOCK = """\
schema: '2.0'
stages:
  prep:
    cmd: python prep.py
    deps:
    - path: prep.py
      hash: md5
      md5: bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb
      size: 3
    - path: raw
      hash: md5
      md5: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.dir
      size: 10
      nfiles: 2
    params:
      params.yaml:
        split: 1
    outs:
    - path: prepared
      hash: md5
      md5: cccccccccccccccccccccccccccccccc
      size: 5
"""
TRAINED = """\
  train:
    cmd: python train.py
    deps:
    - path: prepared
      hash: md5
      md5: cccccccccccccccccccccccccccccccc
      size: 5
    outs:
    - path: metrics.json
      hash: md5
      md5: {md5}
      size: 12
"""
DATA = "outs:\n- md5: dddddddddddddddddddddddddddddddd\n  size: 7\n  hash: md5\n  path: data\n"
BASE = {
    ".dvc/config": "",
    ".dvc/.gitignore": "/config.local\n/tmp\n/cache\n",
    "dvc.yaml": DVC_YAML,
    "dvc.lock": LOCK,
    "params.yaml": "lr: 0.1\nsplit: 1\nname: x\n",
    "other.yaml": "a: {b: 1, z: 2}\nc: 3\nd: 4\n",
    "metrics.json": '{"acc": 0.5, "l": [1, 2], "n": null, "s": "x", "t": true, "e": {}, "d": {"x": 1}}',
    "data.dvc": DATA,
}
EMPTY_PIPE = "stages: {{a: {{cmd: {}}}}}\n"

Changes = Mapping[str, str | bytes | None]


class History:
    """A repository in the making.

    Args:
        root: The folder of a new DVC project.
        files: What the first commit holds, and the work tree.
    """

    def __init__(self, root: Path, files: Mapping[str, str]) -> None:
        self.root = root
        self.repo = Repository.open(str(root / ".git"), worktree=str(root))
        for path, text in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text)
        self._times: dict[Oid, int] = {}
        with self.repo.objects.batch() as batch:
            self.first = self._commit(batch, None, files, ())
        self.ref("refs/heads/main", self.first)

    def _commit(self, batch: ObjectBatch, tree: Oid | None, changes: Changes, parents: Sequence[Oid]) -> Oid:
        edits = {}
        for path, content in changes.items():
            data = content.encode() if isinstance(content, str) else content
            edits[path] = None if data is None else (0o100644, batch.add(BLOB, data, path))
        who = WHO._replace(time=WHO.time + len(self._times))
        made = batch.add(COMMIT, build_commit(edit_tree(batch, tree, edits), parents, who, who, "one\n"))
        self._times[made] = who.time
        return made

    def commit(self, parent: Oid, changes: Changes) -> Oid:
        """A commit on top of another; each is a second younger than the last."""
        return self.commits(parent, [changes])[0]

    def commits(self, parent: Oid, changes: Sequence[Changes]) -> list[Oid]:
        """As many commits, all on top of the same one."""
        tree = self.repo.objects.read_commit(parent).tree
        with self.repo.objects.batch() as batch:
            return [self._commit(batch, tree, one, (parent,)) for one in changes]

    def ref(self, name: str, commit: Oid) -> None:
        """A new ref."""
        with self.repo.refs.transaction() as refs:
            refs.create(name, commit)

    def experiments(self, baseline: Oid, wanted: Mapping[str, Changes]) -> list[Oid]:
        """Experiments of a baseline, by name."""
        made = self.commits(baseline, list(wanted.values()))
        with self.repo.refs.transaction() as refs:
            for name, commit in zip(wanted, made, strict=True):
                refs.create(ExpRef(baseline, name).refname, commit)
        return made


def comparable(text: str) -> Any:
    """What `exp show --json` printed: NaN is equal to itself, and what cannot be read is in the order of its names.

    DVC's sentences about broken files are made twice, the second time out of the first; of how many mistakes a schema
    finds only that there are some counts.
    """
    rows = plain(json.loads(text))
    for row in rows:
        groups = row["experiments"] or []
        groups.sort(key=lambda one: one["name"] or "" if one["revs"][0]["data"] is None else "\0")
    return rows


def plain(value: Any) -> Any:
    """A value whose equality is what is meant."""
    if isinstance(value, float) and math.isnan(value):
        return "not a number"
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, str):
        said = re.match(r"unable to read: '(?:\.\./)*(.*?)', (\w+) file structure is corrupted", value)
        return f"{said[1]}: bad {said[2]}" if said else re.sub(r"(validation failed.*): \d+ errors$", r"\1", value)
    return value


STATES: dict[str, Changes] = {
    "same": {},
    "params that are none": {"params.yaml": "a: [1,\n"},
    "params in latin": {"params.yaml": b"lr: \xff\n"},
    "params empty": {"params.yaml": ""},
    "params a list": {"params.yaml": "- 1\n"},
    "params with odd keys": {"params.yaml": "lr: 1\n3: 4\na.b: 4\na: {b: 5}\nn: {2: 3, true: 1, null: 5}\n"},
    "params twice": {"params.yaml": "lr: 1\nlr: 2\n"},
    "params gone": {"params.yaml": None},
    "params of stage gone": {"other.yaml": None},
    "params of stage broken": {"other.yaml": "a: {\n"},
    "params nested": {"params.yaml": "lr: 0.1\nd: {e: {}, f: [1, {g: .nan}], h: null, i: 'é [x]'}\n"},
    "metrics that are none": {"metrics.json": "{bad"},
    "metrics nan": {"metrics.json": '{"acc": NaN, "up": Infinity, "down": -Infinity}'},
    "metrics gone": {"metrics.json": None},
    "metrics one value": {"metrics.json": "0.25"},
    "metrics zero": {"metrics.json": "0"},
    "metrics a list": {"metrics.json": "[1]"},
    "metrics a folder": {"metrics.json": None, "metrics.json/a.json": '{"a": 1}', "metrics.json/b/c.yaml": "d: 2\n"},
    "lock gone": {"dvc.lock": None},
    "lock whole": {"dvc.lock": LOCK + TRAINED.format(md5="f" * 32)},
    "lock broken": {"dvc.lock": "stages: [\n"},
    "lock invalid": {"dvc.lock": "schema: '2.0'\nstages: 3\n"},
    "lock of DVC 1": {"dvc.lock": "prep:\n  cmd: x\n"},
    "pipeline gone": {"dvc.yaml": None},
    "pipeline empty": {"dvc.yaml": ""},
    "pipeline broken": {"dvc.yaml": "stages: [\n"},
    "pipeline invalid": {"dvc.yaml": "stages:\n  a:\n    cmmd: x\n"},
    "pipeline gone and params broken": {"dvc.yaml": None, "params.yaml": "a: [\n"},
    "pipeline below with broken params": {"sub/dvc.yaml": EMPTY_PIPE.format("x"), "sub/params.yaml": "a: [\n"},
    "pipeline below": {
        "sub/dvc.yaml": DVC_YAML,
        "sub/params.yaml": "lr: 3\n",
        "sub/metrics.json": '{"acc": 3}',
        "sub/dvc.lock": LOCK.replace("bbb", "abc"),
    },
    "a stage not run yet takes what another has": {
        "dvc.yaml": "stages:\n  prep: {cmd: x, deps: [raw]}\n  later: {cmd: y, deps: [raw]}\n"
    },
    "data file broken": {"data.dvc": "outs: [\n"},
    "data file invalid": {"data.dvc": "outs: 3\n"},
    "data files of all kinds": {
        "data.dvc": "outs:\n- path: data\n",
        "sub/.keep": "",
        "other.dvc": f"wdir: sub\ndeps:\n- path: ../ext.txt\n  md5: {'e' * 32}\n  size: 1\n"
        f"outs:\n- path: got\n  cache: false\n  md5: {'e' * 32}\n  size: 1\n",
        "imp.dvc": "frozen: true\ndeps:\n- path: p\n  repo:\n    url: /some/where\n"
        f"    rev_lock: {'a' * 40}\nouts:\n- path: imp\n  md5: {'e' * 32}\n  size: 1\n",
    },
    "named at the top": {
        "dvc.yaml": DVC_YAML + "params: [extra.toml, extra.py]\nmetrics: [m2.json, mdir]\n",
        "extra.toml": "[a]\nb = 1\n",
        "extra.py": "X = 1\n",
        "mdir/a.json": '{"q": 1}',
        "mdir/b.yaml": "w: 2\n",
    },
    "named at the top and broken": {
        "dvc.yaml": DVC_YAML + "params: [extra.toml, extra.py]\n",
        "extra.toml": "[a\n",
        "extra.py": "X = \n",
    },
    "templates": {
        "dvc.yaml": "vars: [vars.yaml, {w: 1}]\nstages:\n  a:\n    cmd: echo ${foo.bar} ${w}\n    outs: [o]\n",
        "vars.yaml": "foo: {bar: 2, baz: 3}\n",
    },
    "vars broken": {"dvc.yaml": "vars: [v.yaml]\n" + DVC_YAML, "v.yaml": "a: [\n"},
}
"""What can be wrong with an experiment, or odd about it; by what it is called."""


def named(states: Mapping[str, Changes]) -> dict[str, Changes]:
    """The same by names that refs can have."""
    return {name.replace(" ", "-"): changes for name, changes in states.items()}
