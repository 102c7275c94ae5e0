"""Cleaning up after DVC's queue: messages that nobody will read go, experiments and what is no message stay."""

from __future__ import annotations

import json

import pytest

LATER, BEFORE = 4_000_000_000, 1_000_000_000


def message(routing_key, exchange="", **headers):
    """A message of the queue."""
    where = {"routing_key": routing_key, "exchange": exchange}
    return json.dumps({"body": "", "headers": headers, "properties": {"delivery_info": where}})


GO = {
    "in/1_expired.msg": message("", "celery.pidbox", expires=BEFORE),
    "in/2_answer.msg": message("x", "reply.celery.pidbox"),
    "processed/3_taken.msg": message("", "celery.pidbox", expires=LATER, ticket="t"),
    "processed/4_expired.msg": message("", "celery.pidbox", expires=BEFORE),
}
STAY = {
    "in/5_experiment.msg": message("celery", expires=BEFORE),
    "in/6_stop.msg": message("", "celery.pidbox", expires=LATER, ticket="t"),
    "processed/7_experiment.msg": message("celery", ticket="t"),
    "processed/8_answer.msg": message("x", "reply.celery.pidbox"),
    "in/9_no_json.msg": "{",
    "in/10_list.msg": "[]",
    "in/11_odd.msg": '{"headers": [], "properties": {"delivery_info": 1}}',
    "in/12_deep.msg": "[" * 100_000,
}


@pytest.fixture
def broker(tmp_path, git):
    """The folder of messages of a DVC project."""
    git("init", "-q")
    folder = tmp_path / ".dvc/tmp/exps/celery/broker"
    for path, text in {**GO, **STAY}.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder


def test_what_nobody_will_read_goes(broker, assay_dvc):
    assert assay_dvc("exp", "clean").out == "Cleaning up dvc-task messages...\nDone!\n"
    assert {str(path.relative_to(broker)) for path in broker.rglob("*.msg")} == set(STAY)


def test_dvc_takes_the_same_away(broker, dvc_process, tmp_path):
    for path in ("in/9_no_json.msg", "in/10_list.msg", "in/11_odd.msg", "in/12_deep.msg"):
        (broker / path).unlink()
    for path in broker.rglob("*.msg"):
        found = json.loads(path.read_text())
        found["properties"]["delivery_tag"] = path.name
        path.write_text(json.dumps(found))
    (tmp_path / ".dvc/config").write_text("")
    answer = dvc_process.run(tmp_path, "exp", "clean")
    assert answer.code == 0, answer.err
    left = {str(path.relative_to(broker)) for path in broker.rglob("*.msg")}
    assert left == {path for path in STAY if (broker / path).exists()}


def test_a_project_without_a_queue_has_nothing_to_clean(project, assay_dvc):
    assert assay_dvc("exp", "clean", cwd=project).out.endswith("Done!\n")
