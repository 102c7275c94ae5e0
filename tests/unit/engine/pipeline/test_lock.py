"""dvc.lock: read strictly, written as DVC writes it."""

from __future__ import annotations

import textwrap

import pytest

from assay.engine.errors import BadInput
from assay.engine.model import Artifact, Digest
from assay.engine.pipeline import lock
from assay.engine.pipeline.lock import LockEntry, LockFile

MD5 = "5ac8f669355538f25f6a07b5090f242b"
XXH = "c17eb78a46f50eb67bce71c1513aa4d9"

DVC = """\
schema: '2.0'
stages:
  train:
    cmd: python train.py
    deps:
    - path: prepared
      hash: md5
      md5: c17eb78a46f50eb67bce71c1513aa4d9.dir
      size: 24
      nfiles: 2
    - path: train.py
      hash: md5
      md5: 930dd0b6ae2fb1b1752a7ce9cb6f366c
      size: 447
    params:
      params.yaml:
        train:
          lr: 0.01
          layers:
          - 1
          - 2
    outs:
    - path: metrics.json
      hash: md5
      md5: 5ac8f669355538f25f6a07b5090f242b
      size: 44
    - path: run.sh
      hash: md5
      md5: bb622371dc97fabd85728fc3be871c4d
      size: 43
      isexec: true
  multi:
    cmd:
    - echo one > multi.txt
    - echo two >> multi.txt
"""


def test_what_dvc_wrote_is_read_and_written_back_byte_for_byte() -> None:
    found = lock.parse(DVC, "dvc.lock")
    train = found.stages["train"]
    assert train.deps["prepared"] == Artifact(Digest("md5", XXH, is_dir=True), 24, 2)
    assert train.outs["run.sh"] == Artifact(Digest("md5", "bb622371dc97fabd85728fc3be871c4d"), 43, None, is_exec=True)
    assert train.params == {"params.yaml": {"train": {"lr": 0.01, "layers": [1, 2]}}}
    assert found.stages["multi"].cmd == ("echo one > multi.txt", "echo two >> multi.txt")
    assert lock.dump(found) == DVC
    assert lock.dump(LockFile().replaced(found.stages)) == DVC


def test_an_entry_of_ours_names_its_hash_and_digest() -> None:
    entry = LockEntry(
        "x",
        deps={"b": Artifact(Digest("xxh128", XXH, is_dir=True), 3, 1), "a": Artifact(Digest("sha256", "0" * 64), 1)},
        params={"z.yaml": {"b": 1, "a": None}, "params.yaml": {"k": "v"}, "a.json": {}},
        outs={"m": Artifact(Digest("md5-dos2unix", MD5), 2)},
    )
    text = lock.dump(LockFile().replaced({"s": entry}))
    assert text == textwrap.dedent(f"""\
        schema: '2.0'
        stages:
          s:
            cmd: x
            deps:
            - path: a
              hash: sha256
              digest: '{"0" * 64}'
              size: 1
            - path: b
              hash: xxh128
              digest: {XXH}.dir
              size: 3
              nfiles: 1
            params:
              params.yaml:
                k: v
              a.json: {{}}
              z.yaml:
                a:
                b: 1
            outs:
            - path: m
              md5: {MD5}
              size: 2
    """)
    assert lock.parse(text, "dvc.lock").stages["s"] == entry


def test_a_changed_entry_keeps_its_place_and_everything_else() -> None:
    text = DVC + "datasets:\n- name: d\n  type: dvc\n"
    before = lock.parse(text, "dvc.lock")
    after = before.replaced({"train": LockEntry("new"), "third": LockEntry("3")})
    assert list(after.stages) == ["train", "multi", "third"]
    assert lock.dump(after) == textwrap.dedent("""\
        schema: '2.0'
        stages:
          train:
            cmd: new
          multi:
            cmd:
            - echo one > multi.txt
            - echo two >> multi.txt
          third:
            cmd: '3'
        datasets:
        - name: d
          type: dvc
    """)


def test_keys_that_only_dvc_uses_are_kept_in_entries_that_are_not_touched() -> None:
    text = DVC.replace("      size: 447\n", "      size: 447\n      cloud:\n        s3:\n          etag: xyz\n")
    found = lock.parse(text, "dvc.lock")
    assert lock.dump(found.replaced({})) == text


@pytest.mark.parametrize("size", ["", "      size: null\n"])
def test_a_size_that_is_not_said_is_not_known(size: str) -> None:
    item = f"    - path: o\n      hash: md5\n      md5: {MD5}\n{size}"
    text = f"schema: '2.0'\nstages:\n  a:\n    cmd: x\n    outs:\n{item}"
    entry = lock.parse(text, "dvc.lock").stages["a"]
    assert entry.outs == {"o": Artifact(Digest("md5", MD5), None)}
    assert lock.dump(LockFile().replaced({"a": entry})) == text.removesuffix(size)


def test_an_item_without_a_digest_has_no_artifact() -> None:
    found = lock.parse("schema: '2.0'\nstages:\n  a:\n    cmd: x\n    outs:\n    - path: o\n", "dvc.lock")
    assert found.stages["a"].outs == {"o": None}


def test_an_empty_file_has_no_entries() -> None:
    assert lock.parse("", "dvc.lock") == LockFile()


@pytest.mark.parametrize(
    ("old", "new", "line", "key", "says"),
    [
        (DVC, "- a\n", 0, "", "is not a map"),
        ("schema: '2.0'", "schema: '1.0'", 1, "schema", "should be '2.0', not '1.0'"),
        ("schema: '2.0'\n", "", 0, "schema", "should be '2.0', not None"),
        ("schema: '2.0'", "schema: '2.0'\nstage: {}", 2, "stage", "lock files have no such key"),
        ("  multi:", "  7:", 32, "stages.7", "is not text"),
        ("    deps:", "    dep:", 5, "stages.train.dep", "a stage's entry has no such key"),
        ("    cmd: python train.py\n", "", 3, "stages.train.cmd", "should be a command or a list of commands"),
        ("    - path: train.py\n", "    - file: train.py\n", 11, "stages.train.deps[1]", "should be a map with a path"),
        ("      size: 447", "      sizes: 447", 14, "stages.train.deps[1].sizes", "an artifact has no such key"),
        ("      size: 447", "      size: big", 14, "stages.train.deps[1].size", "should be whole numbers"),
        ("md5: 5ac8f", "md5: Zac8f", 25, "stages.train.outs[0].md5", "is not a digest of md5"),
        ("md5: 5ac8f", "md5: ac8f", 25, "stages.train.outs[0].md5", "is not a digest of md5"),
        ("hash: md5\n      md5: 5ac", "hash: sha1\n      md5: 5ac", 24, "stages.train.outs[0].hash", "'sha1' is not a"),
        ("      params.yaml:\n        train:", "      params.yaml: [1]\n      x:\n        train:", 16,
         "stages.train.params.params.yaml", "should be a map"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_by_line_and_key(old: str, new: str, line: int, key: str, says: str) -> None:
    assert old in DVC
    with pytest.raises(BadInput) as caught:
        lock.parse(DVC.replace(old, new), "dvc.lock")
    assert says in caught.value.message
    assert (caught.value.line, caught.value.key) == (line, key)
