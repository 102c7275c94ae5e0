"""What a commit says about an experiment, however odd its files are."""

from __future__ import annotations

import pytest

from assay.engine.experiments.record import COMMIT_ITSELF, NO_COMMIT, read_records, read_workspace
from assay.engine.model import Entry, Oid
from assay.engine.store.manifest import write_manifest
from tests.unit.engine.conftest import DVC_YAML

A, B = "a" * 32, "b" * 32
LOCK = f"""\
schema: '2.0'
stages:
  train:
    cmd: python train.py
    deps:
    - path: data
      hash: md5
      md5: {A}.dir
      size: 12
      nfiles: 3
    outs:
    - path: metrics.json
      hash: md5
      md5: {B}
      size: 10
    - path: model.bin
      hash: xxh128
      digest: {A}
      size: 99
  gone:
    cmd: python old.py
    outs:
    - path: old.bin
      hash: md5
      md5: {B}
      size: 5
"""
FILES = {
    "dvc.yaml": DVC_YAML, "dvc.lock": LOCK, "params.yaml": "lr: 0.1\nseed: 7\n",
    "metrics.json": '{"acc": 0.5, "history": [1, 2], "none": null, "val": {"f1": 0.25}}',
}  # fmt: skip


def read_record(project, commit):
    return next(read_records(project, [commit])).experiment


def read(built, files):
    return read_record(built.project, built.commit(files))


def test_a_record_has_params_metrics_deps_outs_and_who_made_the_commit(built):
    commit = built.commit(FILES, message="lr=0.1\n\nAssay: 1\n")
    record = read_record(built.project, commit)
    assert record.commit == commit
    assert record.message == "lr=0.1\n\nAssay: 1\n"
    assert (record.author.name, record.time) == ("Ann", 1_700_000_000)
    assert record.params == {"params.yaml": {"lr": 0.1, "seed": 7}}
    assert record.metrics == {"metrics.json": {"acc": 0.5, "val": {"f1": 0.25}}}
    assert record.deps == {"data": {"hash": "md5", "digest": f"{A}.dir", "size": 12, "nfiles": 3}}
    assert record.outs == {"model.bin": {"hash": "xxh128", "digest": A, "size": 99}}
    assert record.errors == {}


def test_a_commit_without_any_of_the_files_has_an_empty_record(built):
    record = read(built, {"README": "hello"})
    assert (record.params, record.metrics, record.deps, record.outs, record.errors) == ({}, {}, {}, {}, {})


def test_declared_files_that_are_not_there_are_no_error(built):
    record = read(built, {"dvc.yaml": DVC_YAML})
    assert (record.params, record.metrics, record.errors) == ({}, {}, {})


@pytest.mark.parametrize(
    ("path", "text", "says"),
    [
        ("metrics.json", '{"acc": 0.5,}', "metrics.json, line 1"),
        ("metrics.json", "", "metrics.json"),
        ("metrics.json", b"\xff\xfe", "metrics.json"),
        ("metrics.json", "[" * 100_000, "metrics.json"),
        ("metrics.json", "1" * 5_000, "metrics.json"),
        ("metrics.json", " " * 10_000_001, "metrics.json: is too large"),
        ("params.yaml", "lr: [1, 2\n", "params.yaml, line"),
        ("params.yaml", "a: 1\na: 2\n", "params.yaml"),
        ("dvc.yaml", "stages:\n  train:\n    cmdd: x\n", "dvc.yaml, line 3, stages.train.cmdd"),
        ("dvc.yaml", "stages: [\n", "dvc.yaml"),
        ("dvc.lock", "schema: '1.0'\nstages: {}\n", "dvc.lock, line 1, schema"),
        ("dvc.lock", LOCK.replace(A, "abc"), "dvc.lock, line"),
    ],
)
def test_a_file_that_cannot_be_read_is_an_error_of_that_file_and_the_rest_is_there(built, path, text, says):
    record = read(built, {**FILES, path: text})
    assert list(record.errors) == [path]
    assert record.errors[path].startswith(says)
    assert "\n" not in record.errors[path]
    shown = {"params.yaml": record.params, "metrics.json": record.metrics, "dvc.lock": record.outs}
    for file, part in shown.items():
        if file != path and (path, file) != ("dvc.yaml", "metrics.json"):
            assert part, file


def test_numbers_that_json_lacks_are_words(built):
    record = read(built, {**FILES, "metrics.json": '{"loss": NaN, "up": Infinity, "down": -Infinity}'})
    assert record.metrics == {"metrics.json": {"loss": "NaN", "up": "Infinity", "down": "-Infinity"}}
    assert read(built, {"params.yaml": "a: .nan\nb: 2024-01-02\n1: x\n"}).params == {
        "params.yaml": {"a": "NaN", "b": "2024-01-02", "1": "x"}
    }


def test_a_metrics_file_may_be_one_value(built):
    assert read(built, {**FILES, "metrics.json": "0.93"}).metrics == {"metrics.json": 0.93}


def test_metrics_in_a_folder_are_all_its_files(built):
    files = {"dvc.yaml": "metrics:\n- out\n", "out/a.json": '{"x": 1}', "out/deep/b.yaml": "y: 2\n"}
    assert read(built, files).metrics == {"out/a.json": {"x": 1}, "out/deep/b.yaml": {"y": 2}}


def test_only_tracked_keys_of_other_params_files_are_shown(built):
    pipeline = "stages:\n  a:\n    cmd: x\n    params:\n    - conf.toml:\n      - train.lr\n      - gone\n      - a.b\n"
    files = {"dvc.yaml": pipeline, "conf.toml": '"a.b" = 3\n[train]\nlr = 0.1\nx = 2\n'}
    assert read(built, files).params == {"conf.toml": {"train": {"lr": 0.1}, "a.b": 3}}


@pytest.mark.parametrize(
    "pipeline",
    [
        "params:\n- conf.json\n",
        "stages:\n  a:\n    cmd: x\n    params:\n    - conf.json:\n",
        (
            "stages:\n  a:\n    cmd: x\n    params:\n    - conf.json:\n      - lr\n"
            "  b:\n    cmd: y\n    params:\n    - conf.json:\n"
        ),
    ],
)
def test_a_params_file_that_is_named_without_keys_is_shown_whole(built, pipeline):
    files = {"dvc.yaml": pipeline, "conf.json": '{"lr": 1, "x": {"y": 2}}'}
    assert read(built, files).params == {"conf.json": {"lr": 1, "x": {"y": 2}}}


def test_plots_are_neither_outputs_nor_metrics(built):
    pipeline = DVC_YAML.replace("metrics:", "plots:")
    record = read(built, {**FILES, "dvc.yaml": pipeline})
    assert record.metrics == {}
    assert list(record.outs) == ["model.bin"]


def test_pipelines_in_folders_are_read_with_their_own_paths(built):
    files = {f"sub/{path}": text for path, text in FILES.items()}
    record = read(built, files)
    assert record.metrics == {"sub/metrics.json": {"acc": 0.5, "val": {"f1": 0.25}}}
    assert record.params == {"sub/params.yaml": {"lr": 0.1}}
    assert list(record.deps) == ["sub/data"]
    assert list(record.outs) == ["sub/model.bin"]


def test_paths_of_a_stage_with_a_working_directory_are_relative_to_the_project(built):
    lock = LOCK.replace("path: model.bin", "path: ../model.bin")
    pipeline = DVC_YAML.replace("    deps:", "    wdir: deep\n    deps:").replace("- model.bin", "- ../model.bin")
    record = read(built, {"dvc.yaml": pipeline, "dvc.lock": lock})
    assert list(record.deps) == ["deep/data"]
    assert list(record.outs) == ["model.bin"]


def test_a_project_inside_the_project_is_not_read(built):
    files = {"sub/.assay/config": "", "sub/dvc.yaml": DVC_YAML, "sub/metrics.json": '{"a": 1}'}
    assert read(built, files).metrics == {}


def test_data_that_no_stage_writes_is_an_output(built):
    data = f"outs:\n- md5: {A}\n  size: 5\n  hash: md5\n  path: raw.csv\n"
    assert read(built, {"in/raw.csv.dvc": data}).outs == {"in/raw.csv": {"hash": "md5", "digest": A, "size": 5}}


def test_a_link_or_a_folder_in_place_of_a_file_is_no_file(built):
    assert read(built, {"params.yaml/x": "a: 1\n"}).params == {}


CACHED = DVC_YAML.replace(":\n        cache: false", "")


def test_cached_metrics_come_from_the_cache(built):
    with built.project.cache.writer() as writer:
        digest = writer.add_bytes(b'{"acc": 0.75}')
    lock = LOCK.replace(f"hash: md5\n      md5: {B}", f"hash: xxh128\n      digest: {digest.hex}")
    record, is_final = next(read_records(built.project, [built.commit({"dvc.yaml": CACHED, "dvc.lock": lock})]))
    assert record.metrics == {"metrics.json": {"acc": 0.75}}
    assert is_final


def test_metrics_that_are_only_in_the_cache_are_not_those_of_the_workspace(built):
    with built.project.cache.writer() as writer:
        digest = writer.add_bytes(b'{"acc": 0.75}')
    lock = LOCK.replace(f"hash: md5\n      md5: {B}", f"hash: xxh128\n      digest: {digest.hex}")
    built.write({"dvc.yaml": CACHED, "dvc.lock": lock})
    assert read_workspace(built.project).metrics == {}
    built.write({"metrics.json": '{"acc": 0.5}'})
    assert read_workspace(built.project).metrics == {"metrics.json": {"acc": 0.5}}


def test_cached_metrics_that_are_not_here_are_an_error_for_now(built):
    lock = LOCK.replace(f"hash: md5\n      md5: {B}", f"hash: xxh128\n      digest: {B}")
    record, is_final = next(read_records(built.project, [built.commit({"dvc.yaml": CACHED, "dvc.lock": lock})]))
    assert record.metrics == {}
    assert list(record.errors) == ["metrics.json"]
    assert not is_final


INSIDE = DVC_YAML + "metrics: [eval/all/m.json, eval/deep, eval/none.json]\nparams: [eval/p.json]\n"


def tracked(text, nfiles=4):
    lock = "outs:\n- path: eval\n  hash: xxh128\n  digest: {}\n  size: 4\n  nfiles: {}\n"
    return {"dvc.yaml": INSIDE, "eval.dvc": lock.format(text, nfiles)}


def test_files_in_tracked_folders_come_from_the_cache(built):
    with built.project.cache.writer() as writer:
        add = {name: writer.add_bytes(b'{"%s": 1}' % name[-3:-2].encode()) for name in ("a.x", "b.x", "c.x")}
        files = {
            "all/m.json": add["a.x"],
            "deep/n.json": add["b.x"],
            "p.json": add["c.x"],
            "all/other.json": add["a.x"],
        }
        entries = {path: Entry(path.rpartition("/")[2], digest, 8) for path, digest in files.items()}
        folder = write_manifest(writer, entries).digest
    record, is_final = next(read_records(built.project, [built.commit(tracked(folder.text))]))
    assert record.metrics == {"eval/all/m.json": {"a": 1}, "eval/deep/n.json": {"b": 1}}
    assert record.params == {"eval/p.json": {"c": 1}}
    assert (record.errors, is_final) == ({}, True)


def test_files_in_tracked_folders_that_are_not_here_are_named(built):
    files = tracked("c" * 32 + ".dir")
    record, is_final = next(read_records(built.project, [built.commit(files)]))
    names = {"eval/all/m.json", "eval/deep", "eval/none.json", "eval/p.json"}
    assert set(record.errors) == names
    assert all(text.startswith(f"{path} cannot be read: ") for path, text in record.errors.items())
    assert not is_final
    built.write(files)
    assert (
        read_workspace(built.project).errors["eval/p.json"]
        == "eval/p.json cannot be read: the folder eval is not here."
    )
    built.write({"eval/x": ""})
    assert read_workspace(built.project).errors == {}


def test_a_commit_that_is_not_there_is_an_error_for_now(built):
    missing = Oid(b"\x11" * 20)
    record, is_final = next(read_records(built.project, [missing]))
    assert record.commit == missing
    assert list(record.errors) == [COMMIT_ITSELF]
    assert not is_final


def test_an_object_that_is_no_commit_is_an_error(built):
    tree = built.project.repo.objects.read_commit(built.commit(FILES)).tree
    assert "is a tree, not a commit" in read_record(built.project, tree).errors[COMMIT_ITSELF]


def test_many_records_are_each_what_one_alone_is(built):
    base = built.commit(FILES)
    changed = [{"params.yaml": f"lr: {at}\n", "metrics.json": f'{{"acc": {at}}}'} for at in range(20)]
    commits = [built.commit(files, base) for files in changed]
    together = [read.experiment for read in read_records(built.project, [*commits, base])]
    assert together == [read_record(built.project, commit) for commit in [*commits, base]]


def test_the_workspace_is_read_as_it_is_now(built):
    built.write({**FILES, "sub/dvc.yaml": "metrics:\n- m.json\n", "sub/m.json": '{"x": 1}'})
    record = read_workspace(built.project)
    assert record.commit == NO_COMMIT
    assert record.params == {"params.yaml": {"lr": 0.1, "seed": 7}}
    assert record.metrics == {"metrics.json": {"acc": 0.5, "val": {"f1": 0.25}}, "sub/m.json": {"x": 1}}
    assert list(record.outs) == ["model.bin"]


def test_the_workspace_and_a_commit_of_it_say_the_same(built):
    files = {**FILES, "sub/dvc.yaml": "metrics:\n- out\n", "sub/out/m.json": '{"x": 1}', "bad/dvc.yaml": "stages: 1\n"}
    built.write(files)
    here, there = read_workspace(built.project), read(built, files)
    for part in ("params", "metrics", "deps", "outs", "errors"):
        assert getattr(here, part) == getattr(there, part)
