"""What was imported from other repositories: no remote of this project has it, so that it comes from there.

Limits: of experiments what was never brought stays away, as nothing says what it is.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from assay.engine.model import Oid
from assay.engine.pipeline import spec
from assay.engine.project import Project
from assay.remotes.artifacts.freight import Data, Wanted
from assay.remotes.artifacts.holdings import Moved
from assay.remotes.selection import EVERYTHING, Scope, Selected, selected_data


class Came(NamedTuple):
    """What came: how much, what is in the cache now by project path, and why the others did not come."""

    moved: Moved
    data: Data
    failed: Mapping[str, str]


def of_commits(project: Project, commits: Iterable[Oid]) -> Came:
    """Brings what some commits imported, into the cache."""
    selected = selected_data(project, Scope(workspace=False, revisions=tuple(commits)), None, push=False)
    return _bring(project, selected)


def of_workspace(project: Project) -> Came:
    """Brings what the workspace's ``.dvc`` files imported, into the cache: also what was never brought."""
    if not any(file.is_import for file in spec.load(project).data.values()):
        return Came(Moved(), {}, {})
    selected = selected_data(project, EVERYTHING, None, push=False)
    came = _bring(project, selected)
    absent = {path: one for path, one in selected.absent.items() if not os.path.lexists(project.path(path))}
    if not absent:
        return came
    from assay.remotes.imports.absent import bring

    first = bring(project, absent)
    moved = Moved(came.moved.artifacts + first.moved.artifacts, came.moved.size + first.moved.size)
    data = {path: Wanted(artifact) for path, artifact in first.artifacts.items()}
    return Came(moved, {**came.data, **data}, {**came.failed, **first.failed})


def _bring(project: Project, selected: Selected) -> Came:
    from assay.remotes.sources import brought

    wanted = {name: (one.artifact, selected.sources[name]) for name, one in selected.imported.items()}
    moved, failed = brought(project, wanted)
    data = {name: one for name, one in selected.imported.items() if name not in failed}
    return Came(moved, data, failed)
