"""Pipelines and data, half by DVC and half by assay: after every step each byte on disk is as DVC alone leaves it."""

from __future__ import annotations

import pytest

from tests.halves import all_ways, differing, picture

PARAMS = {
    "params.yaml": "train:\n  lr: 1e-5\n  names: [a, b]\n  on: yes\n",
    "p.json": '{"j": {"a": 1.5, "b": null}, "t": "é"}',
    "p.toml": "[t]\na = 1\nb = 1.0\nc = [1, 2.5]\n",
    "p.py": "P = 3\nclass C:\n    x = 1e-3\n    y = (1, 2)\n",
}
PARAMS_STAGE = """\
stages:
  train:
    cmd: cat params.yaml p.json p.toml p.py > model.txt
    params:
    - train.lr
    - train.names
    - train.on
    - p.json:
      - j.a
      - j
      - t
    - p.toml:
      - t.a
      - t.b
      - t
    - p.py:
      - P
      - C.x
      - C
    outs:
    - model.txt
  whole:
    cmd: cp p.toml whole.txt
    params:
    - p.json:
    - p.toml:
    outs:
    - whole.txt
"""


def test_parameters_in_yaml_json_toml_and_python(both):
    steps = [
        ["repro"],
        {"params.yaml": PARAMS["params.yaml"].replace("1e-5", "2e-05")},
        ["repro"],
        {"p.py": PARAMS["p.py"].replace("3", "4"), "p.json": '{"j": {"a": 2, "b": [1, {"c": null}]}, "t": "è"}'},
        ["repro"],
        dict(PARAMS),
        ["repro"],
        ["status"],
    ]
    all_ways(both, {"dvc.yaml": PARAMS_STAGE, **PARAMS}, steps)


KINDS = """\
stages:
  plain:
    cmd: cat in.txt > plain.txt
    deps:
    - in.txt
    outs:
    - plain.txt
  git:
    cmd: cat plain.txt plain.txt > git.txt && wc -c < in.txt > m.json
    deps:
    - plain.txt
    outs:
    - git.txt:
        cache: false
    metrics:
    - m.json:
        cache: false
  kept:
    cmd: cat in.txt >> log.txt
    deps:
    - in.txt
    outs:
    - log.txt:
        persist: true
  cold:
    cmd: cat in.txt > cold.txt
    deps:
    - in.txt
    outs:
    - cold.txt
  always:
    cmd: date +%Y > year.txt
    always_changed: true
    outs:
    - year.txt
  lines:
    cmd: |
      mkdir -p many/deep
      echo "a  b" > many/one.txt

      printf 'x' > "many/deep/two words.txt"
    outs:
    - many
  list:
    cmd:
    - echo 'one "and" more' > list.txt
    - echo a very long command, which has to be folded where it is written down,
      since it has far more than eighty columns >> list.txt
    outs:
    - list.txt
"""


def test_every_kind_of_output_and_command(both):
    steps = [
        ["repro"],
        ["freeze", "cold"],
        {"in.txt": "two\n", "plain.txt": None},
        ["repro"],
        ["unfreeze", "cold"],
        {"many": None, "list.txt": None},
        ["repro"],
        {"in.txt": "one\n"},
        ["repro"],
        {"plain.txt": None, "many": None},
        ["checkout"],
        ["status"],
    ]
    all_ways(both, {"dvc.yaml": KINDS, "in.txt": "one\n"}, steps)


def test_what_is_committed_by_hand_is_recorded_alike_but_what_git_keeps_stays_out_of_the_cache(both):
    steps = [["repro"], {"plain.txt": "by hand\n"}]
    roots = all_ways(both, {"dvc.yaml": KINDS, "in.txt": "one\n"}, steps, ways=("DD", "AA"))
    for way, root in roots.items():
        both.does(way[0], root, "commit", "-f")
    wrong = differing(picture(roots["AA"]), picture(roots["DD"]))
    runs = [name for name in wrong if name.startswith(".dvc/cache/runs/")]
    assert len(runs) == 1  # of the stage `git`: DVC, too, keeps none of it when it runs
    assert b"> git.txt" in wrong[runs[0]][1][1]
    kept_for_them = {name for name, (ours, _) in wrong.items() if ours is None and name.startswith(".dvc/cache/files")}
    assert set(wrong) == {*runs, *kept_for_them}
    for root in roots.values():
        assert both.does("D", root, "status").split() == ["always:", "always", "changed"]


def test_runs_of_one_tool_are_restored_by_the_other(both):
    files = {
        "dvc.yaml": """\
stages:
  count:
    cmd: cat p.txt > out.txt && mkdir -p d && cp p.txt d/x && echo ran >> ran.log
    deps:
    - p.txt
    outs:
    - out.txt
    - d
""",
        "p.txt": "1\n",
        ".gitignore": "/ran.log\n",
    }
    steps = [
        ["repro"],
        {"p.txt": "2\n"},
        ["repro"],
        {"p.txt": "1\n"},
        ["repro"],
        {"p.txt": "2\n"},
        ["repro"],
        {"dvc.lock": None, "out.txt": None, "d": None},
        ["repro"],
    ]
    for root in all_ways(both, files, steps).values():
        assert (root / "ran.log").read_text() == "ran\n" * 2


def test_data_that_no_stage_writes(both):
    files = {"a.csv": "1\n", "images/x.png": "x", "images/deep/y.png": b"\x00\xff", "sub/b.bin": b"b" * 9}
    steps = [
        ["add", "a.csv", "images"],
        ["add", "sub/b.bin"],
        {"images/z.png": "z", "a.csv": "2\n"},
        ["add", "images/z.png"],
        ["commit", "-f", "a.csv.dvc"],
        {"images": None, "a.csv": None},
        ["checkout"],
        ["move", "a.csv", "sub/c.csv"],
        {"images/x.png": None, "images/q": "q\n"},
        ["add", "images"],
        ["remove", "sub/b.bin.dvc"],
        ["status"],
    ]
    all_ways(both, {}, [files, *steps])


BELOW = {
    "dvc.yaml": """\
stages:
  top:
    cmd: cat part/out.txt > top.txt
    deps:
    - part/out.txt
    outs:
    - top.txt
""",
    "part/dvc.yaml": """\
stages:
  low:
    cmd: cat ../raw.txt > out.txt
    deps:
    - ../raw.txt
    params:
    - n
    outs:
    - out.txt
  far:
    wdir: ../elsewhere
    cmd: echo far > far.txt
    outs:
    - far.txt
""",
    "part/params.yaml": "n: 1\n",
    "elsewhere/keep": "",
    "raw.txt": "raw\n",
}


@pytest.mark.parametrize("below", ["", "projects/one"])
def test_several_pipelines_in_a_project_at_the_root_or_below_it(both, below):
    steps = [
        ["repro", "-P"],
        {"part/params.yaml": "n: 2\n"},
        ["repro", "part/dvc.yaml:low"],
        ["repro"],
        {"elsewhere/far.txt": None, "part/out.txt": None},
        ["checkout"],
        {"part/more.csv": "1\n"},
        ["add", "part/more.csv"],
    ]
    all_ways(both, BELOW, steps, below=below)
