"""Tables to render, and a clock in UTC."""

from __future__ import annotations

import time

import pytest

from assay.engine.experiments.index import body_of
from assay.engine.experiments.show import Group, Row, Table
from assay.engine.model import Experiment, Oid, Signature

NOW = 1_700_000_000


@pytest.fixture(autouse=True)
def utc(monkeypatch):
    """Local times are those of Greenwich."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def row(name, state="success", *, at=None, **parts):
    """A row with a record; ``at`` is its commit time."""
    commit = Oid(sum(name.encode()).to_bytes(20, "big")) if state != "workspace" else None
    who = Signature("Ann", "ann@example.com", at) if at else Signature("", "", 0)
    parts = {"metrics": {"m.json": {}}, "params": {"p.yaml": {}}, **parts}
    experiment = Experiment(commit or Oid(bytes(20)), (), "message", who, time=at or 0, **parts)
    return Row(None if state == "workspace" else name, state, commit, at, body_of(experiment))


def record(acc, lr, **more):
    """Metrics and params as most rows here have them."""
    return {"metrics": {"m.json": {"acc": acc, "note": "same"}}, "params": {"p.yaml": {"train": {"lr": lr}, **more}}}


@pytest.fixture
def table():
    """A workspace, and two baselines, one with two experiments."""
    return Table(
        row("workspace", "workspace", **record(0.5, 0.1)),
        (
            Group(
                row("main", "baseline", at=NOW - 90_000, **record(0.5, 0.1)),
                [
                    row("brave-lynx", at=NOW - 60, **record(0.123456789, 1e-05, opt="adam|w", layers=[1, 2])),
                    row("calm-wolf", at=NOW - 86_400 * 400, **record("NaN", None, aug=True)),
                ],
            ),
            Group(row("v1", "baseline", at=NOW - 100_000, errors={"m.json": "m.json, line 1: it is not JSON."}), []),
        ),
    )
