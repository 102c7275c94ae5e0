"""How stages and data differ from their records, every input and output by itself."""

from __future__ import annotations

import shutil

import pytest

from assay.engine.data.add import add
from assay.engine.data.drift import drift
from assay.engine.errors import BadInput, UsageError
from assay.engine.pipeline.importsum import stage_md5
from assay.engine.pipeline.repro import reproduce
from assay.engine.pipeline.spec import load

PIPELINE = """\
stages:
  one:
    cmd: cat a.txt > b.txt
    deps: [a.txt]
    params: [lr]
    outs: [b.txt]
  two:
    cmd: cat b.txt d/x > c.txt
    deps: [b.txt, d]
    outs:
    - c.txt:
        cache: false
"""


@pytest.fixture
def made(built):
    """A project in which everything is as it is recorded."""
    built.write({"dvc.yaml": PIPELINE, "params.yaml": "lr: 1\nseed: 2\n", "a.txt": "a", "d/x": "x"})
    add(built.project, ["d"])
    reproduce(built.project, load(built.project))
    return built


def changes(made, *targets, **how):
    return {item.node: item for item in drift(made.project, targets, **how).nodes if not item.is_empty}


def test_what_is_as_it_is_recorded_has_nothing_to_tell(made):
    assert changes(made) == {}
    assert [item.node for item in drift(made.project).nodes] == ["d.dvc", "one", "two"]


def test_inputs_are_told_by_path_and_parameters_by_key(made):
    made.write({"a.txt": "other", "params.yaml": "seed: 3\n"})
    assert dict(changes(made)["one"].deps) == {"a.txt": "modified", "params.yaml": {"lr": "deleted"}}


def test_a_stage_that_never_ran_has_changed_inputs_and_no_changed_command(made):
    made.write({"dvc.yaml": PIPELINE + "  new:\n    cmd: echo\n    deps: [a.txt, gone]\n    params: [lr]\n"})
    found = changes(made)["new"]
    assert dict(found.deps) == {"a.txt": "modified", "gone": "deleted", "params.yaml": "new"}
    assert not found.command


def test_an_edited_output_is_modified_for_its_stage_and_for_who_reads_it(made):
    made.write({"b.txt": "edited", "c.txt": "edited"})
    found = changes(made)
    assert dict(found["one"].outs) == {"b.txt": "modified"}
    assert (dict(found["two"].deps), dict(found["two"].outs)) == ({"b.txt": "modified"}, {"c.txt": "modified"})


def test_what_the_cache_lacks_is_told_only_of_what_belongs_there(made):
    shutil.rmtree(made.project.cache_folder)
    made.reopened()
    found = changes(made)
    assert {node: dict(item.outs) for node, item in found.items()} == {
        "d.dvc": {"d": "not in cache"},
        "one": {"b.txt": "not in cache"},
    }


def test_a_changed_command_is_told(made):
    made.write({"dvc.yaml": PIPELINE.replace("cat a.txt", "cat  a.txt")})
    assert changes(made)["one"].command


def test_inputs_of_a_frozen_stage_do_not_count(made):
    made.write({"dvc.yaml": PIPELINE.replace("  one:\n", "  one:\n    frozen: true\n"), "a.txt": "other"})
    assert changes(made) == {}
    assert [item.node for item in drift(made.project).nodes if item.frozen] == ["one"]


def test_what_always_runs_is_always_told(made):
    made.write({"dvc.yaml": PIPELINE + "  call:\n    cmd: echo\n"})
    assert changes(made)["call"].always


def test_a_target_may_be_a_stage_a_file_or_a_path_in_data(made):
    made.write({"a.txt": "other", "d/x": "other"})
    assert list(changes(made, "one")) == ["one"]
    assert list(changes(made, "d/x")) == ["d.dvc"]
    assert list(changes(made, "../b.txt", folder="d")) == ["one"]
    assert list(changes(made, "two", with_deps=True)) == ["d.dvc", "one", "two"]
    with pytest.raises(UsageError, match="nothing"):
        changes(made, "nothing")


def test_a_broken_lock_file_is_named(made):
    made.write({"dvc.lock": "stages: [1]\n"})
    with pytest.raises(BadInput, match=r"dvc\.lock"):
        changes(made)


def test_an_import_says_whether_it_is_what_its_checksum_was_made_of(made):
    text = "md5: {}\nfrozen: true\ndeps:\n- path: /far/e\n  hash: md5\nouts:\n- path: e\n  hash: md5\n"
    made.write({"e.dvc": text.format("a" * 32)})
    file = load(made.project).data["e.dvc"]
    assert changes(made)["e.dvc"].checksum
    made.write({"e.dvc": text.format(stage_md5({"deps": file.deps, "outs": [{"path": "e", "hash": "md5"}]}))})
    assert not changes(made)["e.dvc"].checksum
