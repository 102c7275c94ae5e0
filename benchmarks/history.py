"""Makes a repository with many experiments: the same ids every time, readable by assay and by DVC.

One baseline, so that the tools' defaults mean the same rows. Each experiment has its own params.yaml, dvc.lock and
results/metrics.json; what an ordinary project has besides (code, texts, a folder of results) is shared. Written with
assay's own object layer, so that no Git is needed.
"""

from __future__ import annotations

import json
import random
from hashlib import md5
from pathlib import Path

from assay.engine.git.database import ObjectBatch
from assay.engine.git.objects import BLOB, COMMIT, build_commit
from assay.engine.git.repository import Repository
from assay.engine.git.trees import edit_tree
from assay.engine.model import ExpRef, Oid, Signature

START = 1_700_000_000
WHO = Signature("A U Thor", "author@example.com", START, 0)
DVC_YAML = """\
stages:
  prepare:
    cmd: python src/prepare.py
    deps:
    - data/raw
    - src/prepare.py
    params:
    - split
    outs:
    - data/prepared
  train:
    cmd: python src/train.py
    deps:
    - data/prepared
    - src/train.py
    params:
    - model
    - optimizer
    - seed
    outs:
    - model.bin
  evaluate:
    cmd: python src/evaluate.py
    deps:
    - data/prepared
    - model.bin
    - src/evaluate.py
    metrics:
    - results/metrics.json:
        cache: false
"""


def write(folder: Path, experiments: int) -> None:
    """Makes the repository with its work tree in a folder that is not there yet."""
    folder.mkdir(parents=True)
    repo = Repository.init(str(folder))
    dice = random.Random(7)
    base = _base(dice)
    for path, data in base.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    with repo.objects.batch() as batch:
        tree = edit_tree(batch, None, {path: (0o100644, batch.add(BLOB, data, path)) for path, data in base.items()})
        baseline = batch.add(COMMIT, build_commit(tree, (), WHO, WHO, "baseline\n"))
        commits = [_experiment(batch, dice, tree, baseline, number) for number in range(experiments)]
    with repo.refs.transaction() as refs:
        refs.create("refs/heads/main", baseline)
        for number, commit in enumerate(commits):
            refs.create(ExpRef(baseline, f"exp-{number:06d}").refname, commit)
    repo.close()


def _experiment(batch: ObjectBatch, dice: random.Random, tree: Oid, baseline: Oid, number: int) -> Oid:
    prepared = _digest(dice)
    files = {"params.yaml": _params(dice), "dvc.lock": _lock(dice, prepared), "results/metrics.json": _metrics(dice)}
    changes = {path: (0o100644, batch.add(BLOB, data, path)) for path, data in files.items()}
    who = WHO._replace(time=START + 1 + number)
    return batch.add(COMMIT, build_commit(edit_tree(batch, tree, changes), (baseline,), who, who, f"run {number}\n"))


def _base(dice: random.Random) -> dict[str, bytes]:
    code = b"def f():\n    return 1\n\n\n" * 30
    files = {f"src/part_{at:02d}.py": f"# part {at}\n".encode() + code for at in range(12)}
    files |= {f"src/{name}.py": f"print({name!r})\n".encode() for name in ("prepare", "train", "evaluate")}
    files |= {f"notes/{at:02d}.md": f"note {at}\n".encode() * 20 for at in range(10)}
    files |= {
        ".assay/config": b"[core]\n    hash = xxh128\n",
        ".assay/.gitignore": b"/config.local\n/tmp\n/cache\n",
        ".dvc/config": b"[core]\n    analytics = false\n    check_update = false\n",
        ".dvc/.gitignore": b"/config.local\n/tmp\n/cache\n",
        ".gitignore": b"/data/raw\n/data/prepared\n/model.bin\n",
        "README.md": b"# A project to measure\n",
        "dvc.yaml": DVC_YAML.encode(),
        "params.yaml": _params(dice),
        "dvc.lock": _lock(dice, "f" * 32),
        "results/metrics.json": _metrics(dice),
        "results/plots.csv": b"step,loss\n1,2\n",
    }
    return files


def _digest(dice: random.Random) -> str:
    """A digest that no YAML takes for a number, as it begins with a letter."""
    return f"f{dice.getrandbits(124):031x}"


def _params(dice: random.Random) -> bytes:
    lines = [
        f"seed: {dice.randrange(10**6)}",
        "split:",
        f"  test_size: {dice.choice([0.1, 0.2, 0.25])}",
        "  stratify: true",
        "model:",
        f"  name: resnet{dice.choice([18, 34, 50])}",
        f"  dropout: {dice.random():.4f}",
        f"  layers: {dice.randint(1, 12)}",
        *(f"  option_{at:02d}: {at * 7}" for at in range(8)),
        "optimizer:",
        f"  lr: {10 ** dice.uniform(-5, -1):.6f}",
        f"  batch_size: {2 ** dice.randint(3, 9)}",
        f"  epochs: {dice.randint(1, 100)}",
    ]
    return "\n".join(lines).encode() + b"\n"


def _metrics(dice: random.Random) -> bytes:
    data = {
        "acc": dice.random(), "loss": dice.random(), "step": dice.randint(1, 10**5),
        "val": {name: dice.random() for name in ("acc", "loss", "f1", "auc")},
    }  # fmt: skip
    return json.dumps(data, indent=1).encode() + b"\n"


def _lock(dice: random.Random, prepared: str) -> bytes:
    def item(path: str, digest: str, size: int, nfiles: int = 0) -> str:
        ending, count = (".dir", f"      nfiles: {nfiles}\n") if nfiles else ("", "")
        return f"    - path: {path}\n      hash: md5\n      md5: {digest}{ending}\n      size: {size}\n{count}"

    def code(name: str) -> str:
        return item(f"src/{name}.py", f"{md5(name.encode()).hexdigest()}", 18)

    ready = item("data/prepared", prepared, 123_456, 5)
    model = item("model.bin", _digest(dice), dice.randrange(10**9))
    metrics = item("results/metrics.json", _digest(dice), 210)
    raw = item("data/raw", "a" * 32, 10**9, 7)
    return (
        "schema: '2.0'\nstages:\n"
        f"  prepare:\n    cmd: python src/prepare.py\n    deps:\n{raw}{code('prepare')}"
        "    params:\n      params.yaml:\n        split:\n          test_size: 0.2\n          stratify: true\n"
        f"    outs:\n{ready}"
        f"  train:\n    cmd: python src/train.py\n    deps:\n{ready}{code('train')}"
        f"    params:\n      params.yaml:\n        seed: {dice.randrange(10**6)}\n    outs:\n{model}"
        f"  evaluate:\n    cmd: python src/evaluate.py\n    deps:\n{ready}{model}{code('evaluate')}    outs:\n{metrics}"
    ).encode()
