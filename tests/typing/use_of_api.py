"""How a typed program uses the API; mypy reads it, nobody runs it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from typing_extensions import assert_type

import assay
from assay import AssayError, Change, Diff, Experiments, Keyed, Lab, Record
from assay.engine.ports import Report


def best(folder: str) -> Record | None:
    """Everything has a type."""
    with assay.open(folder) as lab:
        assert_type(lab, Lab)
        for record in lab:
            assert_type(record, Record)
            assert_type(record.params, Keyed[Any])
            assert_type(record.commit, str | None)
        found = lab.show("acc > 0.9", sort_by="acc", top=3, rev=["main"])
        assert_type(found, Experiments)
        assert_type(found[0], Record)
        assert_type(found[:2], list[Record])
        compared = lab.diff(found[0], "workspace", only=["metrics"])
        assert_type(compared, Diff)
        assert_type(compared.metrics["acc"], Change)
        assert_type(compared.patch(), str)
        try:
            made = lab.run("train", params={"train.lr": 0.1, "layers": [1, 2]}, name="typed")
        except AssayError as error:
            assert_type(error.message, str)
            return None
        assert_type(lab.save(message="kept"), Record)
        lab.apply(made)
        assert_type(lab.undo(), str)
        assert_type(lab.push(where="acc > 0.9", rev=["main"], num=2, branch=False, jobs=4).report, Report)
        assert_type(lab.pull("typed", artifacts=False).report.failed, Mapping[str, str])
        assert_type(lab.fetch(everything=True, run_cache=True).remote, str)
        return made if made in lab else lab["main"]
