"""What ``dvc metrics show`` shows: the metrics of the workspace and of commits by file, as ``exp show`` tells them.

Limits: a commit that cannot be read is told as an error, with assay's sentence; files that are named on the command
line are read by `metrics` instead.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from assay.engine.experiments.dvcdata import FORM, encode, workspace_state
from assay.engine.experiments.files import TreeReader
from assay.engine.experiments.records import Records
from assay.engine.experiments.sides import WORKSPACE, Extent, called
from assay.engine.model import Oid
from assay.engine.project import Project

_PARENT = 40
"""Characters of a record before its members, see `dvcdata.FORM`."""


class Measured(NamedTuple):
    """The metrics of one revision.

    Attributes:
        name: "workspace", or what the commit is called.
        commit: None for the workspace.
        files: By path, what is told of each file: ``data``, or ``error`` with ``type`` and ``msg``.
        error: Why nothing can be told, in the same words; None where something can.
    """

    name: str
    commit: Oid | None
    files: Mapping[str, Mapping[str, Any]]
    error: Mapping[str, str] | None = None


def metrics_show(project: Project, wanted: Extent) -> list[Measured]:
    """The metrics of the workspace, then of the commits that are meant; of those that have the project's folder."""
    state = workspace_state(project)
    metrics = json.loads(encode(state.data))["metrics"] if state.data is not None else {}
    error = {key: state.error[key] for key in ("type", "msg")} if state.error else None
    found = [Measured(WORKSPACE, None, metrics, error)]
    names = called(project, wanted)
    with Records(project, FORM) as records:
        headers = records.headers(names)
        bodies = records.bodies([headers[commit][1] for commit in names])
        for commit, name in names.items():
            if _is_there(project, commit):
                found.append(_measured(commit, name, bodies[headers[commit][1]]))
    return found


def _is_there(project: Project, commit: Oid) -> bool:
    """Whether a commit has the folder of the project."""
    if not project.prefix:
        return True
    reader = TreeReader(project.repo.objects, project.prefix, project.root)
    return bool(reader.root(project.repo.objects.read_commit(commit).tree))


def _measured(commit: Oid, name: str, text: str) -> Measured:
    if not text:
        return Measured(name, commit, {}, {"type": "SCMError", "msg": f"{commit.hex()} cannot be read"})
    members = json.loads(f"{{{text[_PARENT:]}}}")
    if "metrics" in members:
        return Measured(name, commit, members["metrics"])
    return Measured(name, commit, {}, {key: members[key] for key in ("type", "msg")})
