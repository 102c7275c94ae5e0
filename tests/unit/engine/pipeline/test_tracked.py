"""What pipeline files name, in the workspace and in commits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from assay.engine.errors import MissingObject
from assay.engine.git.objects import BLOB, COMMIT, build_commit
from assay.engine.git.trees import edit_tree
from assay.engine.model import Artifact, Digest, Oid, Signature
from assay.engine.pipeline.tracked import TreeFiles, tracked, tracked_at
from tests.workspace import Workspace

A, B, C, D = ("a" * 32, "b" * 32, "c" * 32, "d" * 32)

DVC_YAML = """\
params: [extra.yaml]
metrics: [top.json]
plots: [curve.csv]
stages:
  train:
    cmd: x
    wdir: code
    deps: [train.py]
    params: [lr, p.json: [a, b], extra.yaml: [k]]
    outs: [../model.bin, secret: {push: false}, new]
    metrics: [m.json: {cache: false}, cached.json]
    plots: [roc.csv]
  other:
    cmd: y
    params: [lr, depth]
"""
LOCK = f"""\
schema: '2.0'
stages:
  train:
    cmd: x
    deps:
    - path: train.py
      hash: xxh128
      digest: {A}
      size: 1
    - path: gone.py
      hash: xxh128
      digest: {A}
      size: 1
    outs:
    - path: ../model.bin
      hash: xxh128
      digest: {B}
      size: 2
    - path: cached.json
      hash: xxh128
      digest: {C}
      size: 3
    - path: m.json
      hash: xxh128
      digest: {D}
      size: 4
    - path: secret
      hash: xxh128
      digest: {A}.dir
      size: 5
      nfiles: 1
  removed:
    cmd: z
    outs:
    - path: old
      hash: xxh128
      digest: {A}
      size: 1
"""
DATA = f"outs:\n- hash: xxh128\n  digest: {D}\n  size: 9\n  path: raw\n"
FILES = {"dvc.yaml": DVC_YAML, "dvc.lock": LOCK, "data/raw.dvc": DATA}


def read_from(files: Mapping[str, str]) -> Any:
    return lambda path: files[path].encode() if path in files else None


def artifact(hex_digits: str, size: int, **more: Any) -> Artifact:
    return Artifact(Digest("xxh128", hex_digits, is_dir=bool(more)), size, **more)


def test_everything_that_the_files_name() -> None:
    found = tracked(read_from(FILES), ["dvc.yaml", "data/raw.dvc"])
    assert found.outs == {
        "model.bin": artifact(B, 2),
        "code/cached.json": artifact(C, 3),
        "code/secret": artifact(A, 5, nfiles=1),
        "data/raw": artifact(D, 9),
    }
    assert list(found.in_git) == ["code/m.json"]
    assert found.kept_here == {"code/secret"}
    assert found.recorded.keys() == {"model.bin", "code/cached.json", "code/secret", "code/m.json"}
    assert found.deps == {"code/train.py": artifact(A, 1)}
    assert list(found.metrics) == ["top.json", "code/m.json", "code/cached.json"]
    assert list(found.plots) == ["curve.csv", "code/roc.csv"]
    assert found.params == {
        "params.yaml": (), "extra.yaml": (), "code/params.yaml": ("lr",), "code/p.json": ("a", "b"),
        "code/extra.yaml": ("k",),
    }  # fmt: skip
    assert found.errors == {}


def test_keys_of_one_params_file_are_joined_and_a_whole_file_stays_whole() -> None:
    one = "  a: {cmd: x, params: [p.yaml: [a], q.yaml: null]}\n"
    two = "  b: {cmd: y, params: [p.yaml: [b, a], q.yaml: [c]]}\n"
    found = tracked(read_from({"dvc.yaml": "stages:\n" + one + two}), ["dvc.yaml"])
    assert found.params == {"params.yaml": (), "p.yaml": ("a", "b"), "q.yaml": ()}


def test_a_bad_file_is_named_and_the_others_are_read() -> None:
    files = {**FILES, "dvc.lock": "schema: '1.0'\n", "bad.dvc": "- x\n", "sub/dvc.yaml": "stages: 1\n"}
    found = tracked(read_from(files), ["dvc.yaml", "bad.dvc", "sub/dvc.yaml", "data/raw.dvc"])
    assert found.errors.keys() == {"dvc.lock", "bad.dvc", "sub/dvc.yaml"}
    assert found.errors["dvc.lock"].startswith("dvc.lock, line 1, schema: should be '2.0'")
    assert found.outs == {"data/raw": artifact(D, 9)}
    assert list(found.in_git) == ["code/m.json"]


def test_a_template_that_leads_nowhere_is_an_error_of_its_file_alone() -> None:
    files = {**FILES, "dvc.yaml": "stages:\n  a:\n    cmd: x ${nowhere}\n"}
    found = tracked(read_from(files), ["dvc.yaml", "data/raw.dvc"])
    assert "${nowhere} is neither in params.yaml nor in the vars" in found.errors["dvc.yaml"]
    assert list(found.outs) == ["data/raw"]


def test_templates_are_resolved_with_files_of_the_same_tree() -> None:
    text = "stages: {a: {foreach: '${l}', do: {cmd: x, metrics: ['${item}.json': {cache: false}]}}}"
    found = tracked(read_from({"dvc.yaml": text, "params.yaml": "l: [b, c]\n"}), ["dvc.yaml"])
    assert list(found.metrics) == ["b.json", "c.json"]


def test_a_file_that_is_not_text_is_an_error_of_its_own() -> None:
    found = tracked(lambda path: b"\xff" if path == "dvc.yaml" else None, ["dvc.yaml"])
    assert found.errors["dvc.yaml"].startswith("dvc.yaml")


def commit(work: Workspace, files: Mapping[str, str]) -> Oid:
    who = Signature("A", "a@example.com", 1)
    with work.project.repo.objects.batch() as batch:
        items = {path: (0o100644, batch.add(BLOB, text.encode())) for path, text in files.items()}
        return batch.add(COMMIT, build_commit(edit_tree(batch, None, items), [], who, who, "c"))


def test_a_commit_is_read_from_objects_alone(work: Workspace) -> None:
    oid = commit(work, FILES)
    found = tracked_at(work.project, oid)
    assert found.outs == tracked(read_from(FILES), ["dvc.yaml", "data/raw.dvc"]).outs


def test_pipeline_files_are_found_in_every_folder_but_other_projects(work: Workspace) -> None:
    files = {
        "z/dvc.yaml": "", "b.dvc": DATA, "dvc.yaml": "", "z/y/x/raw.dvc": DATA, "z/other.yaml": "", "y/dvc.yaml/f": "",
        "inner/.assay/config": "", "inner/dvc.yaml": "", ".dvc/config": "", ".assay/dvc.yaml": "",
    }  # fmt: skip
    objects = work.project.repo.objects
    tree = objects.read_commit(commit(work, files)).tree
    assert TreeFiles(objects).below(tree) == ("dvc.yaml", "b.dvc", "z/dvc.yaml", "z/y/x/raw.dvc")


def test_a_folder_that_commits_share_is_looked_through_once(work: Workspace) -> None:
    objects = work.project.repo.objects
    reads: list[Oid] = []

    class Counting:
        def read(self, oid: Oid) -> tuple[int, bytes]:
            reads.append(oid)
            return objects.read(oid)

    finder = TreeFiles(Counting())  # type: ignore[arg-type]
    for number in range(3):
        files = {"a/b/raw.dvc": DATA, "a/c/x": "", "n": str(number)}
        assert finder.below(objects.read_commit(commit(work, files)).tree) == ("a/b/raw.dvc",)
    assert len(reads) == 3 + 3  # each root, then a, a/b and a/c once


def test_a_project_below_the_root_of_the_repository(work: Workspace) -> None:
    oid = commit(work, {f"sub/{path}": text for path, text in FILES.items()})
    vars(work.project)["prefix"] = "sub/"
    assert tracked_at(work.project, oid).outs.keys() == {"model.bin", "code/cached.json", "code/secret", "data/raw"}
    vars(work.project)["prefix"] = "nowhere/"
    assert tracked_at(work.project, oid).outs == {}


def test_a_missing_object_is_not_swallowed(work: Workspace) -> None:
    with pytest.raises(MissingObject):
        tracked_at(work.project, Oid(b"\1" * 20))
