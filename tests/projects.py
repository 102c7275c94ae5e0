"""Small projects that tests run: shell stages, so that a whole pipeline takes milliseconds."""

from __future__ import annotations

from pathlib import Path

DVC_YAML = """\
stages:
  prepare:
    cmd: sh prepare.sh
    deps:
    - prepare.sh
    - raw.txt
    outs:
    - data
  train:
    cmd: sh train.sh
    deps:
    - data
    - train.sh
    params:
    - train.lr
    - train.epochs
    outs:
    - model.bin
    metrics:
    - metrics.json:
        cache: false
"""
PARAMS = """\
# what the model is trained with
train:
  lr: 0.1      # learning rate
  epochs: 3
seed: 7
"""
PREPARE = """\
mkdir -p data/deep
tr a-z A-Z < raw.txt > data/upper.txt
wc -c < raw.txt > data/deep/count.txt
"""
TRAIN = """\
lr=$(sed -n 's/^ *lr: *\\([^ ]*\\).*/\\1/p' params.yaml)
echo "training with $lr"
cat data/upper.txt > model.bin
echo "$lr" >> model.bin
printf '{"acc": %s, "loss": {"val": 0.5}}\\n' "$lr" > metrics.json
"""


def write(folder: Path) -> Path:
    """Writes the files of a two-stage project into a folder and returns it."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {
        "dvc.yaml": DVC_YAML,
        "params.yaml": PARAMS,
        "prepare.sh": PREPARE,
        "train.sh": TRAIN,
        "raw.txt": "hello\n",
    }
    for name, text in files.items():
        (folder / name).write_text(text)
    return folder
