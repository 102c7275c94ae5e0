"""What ``dvc exp diff`` says: metrics and parameters that differ between two commits, or a commit and the workspace.

Values are compared as DVC compares them: lists are text, NaN is unequal to itself, a truth counts as a number, and of a
file that is a map on one side and one value on the other only the map's keys are told.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from assay.engine.errors import AssayError
from assay.engine.experiments.dvcdata import encode, read_texts, workspace_state
from assay.engine.experiments.dvcscope import resolved
from assay.engine.project import Project

Changes = dict[str, dict[str, dict[str, Any]]]
"""By file and dotted key: ``old``, ``new`` and, where both are numbers, ``diff``."""

_MIXED = "unable to parse"


def exp_diff(
    project: Project, old: str = "", new: str = "", *, unchanged: bool = False, stages_only: bool = False
) -> dict[str, Changes]:
    """The changes from one side to the other, under "metrics" and "params"; nothing where there is no commit yet.

    Args:
        project: The project.
        old: A revision; HEAD when empty.
        new: A revision; the workspace when empty.
        unchanged: Also what is the same on both sides.
        stages_only: Of parameters, only those that stages read.

    Raises:
        UnknownRevision: One of them names no commit.
    """
    if project.repo.head() is None:
        return {}
    one = _data(project, old or "HEAD", stages_only=stages_only)
    other = _data(project, new, stages_only=stages_only)
    return {kind: _changes(one.get(kind, {}), other.get(kind, {}), unchanged) for kind in ("metrics", "params")}


def _data(project: Project, revision: str, *, stages_only: bool) -> Mapping[str, Any]:
    """What is told of one side; nothing where its pipeline cannot be understood, as in DVC."""
    if not revision:
        state = workspace_state(project, stages_only=stages_only)
        return json.loads(encode(state.data)) if state.data is not None else {}
    commit = resolved(project, revision)
    record, _ = next(read_texts(project, [commit], stages_only=stages_only))
    if not record.body:
        raise AssayError(f"{revision} cannot be read.")
    found: dict[str, Any] = json.loads(f"{{{record.body[40:]}}}")
    return found


def _changes(old: Mapping[str, Any], new: Mapping[str, Any], unchanged: bool) -> Changes:
    found = {}
    for path in dict.fromkeys([*new, *old]):
        one, other = _plain(old.get(path, {}).get("data", {})), _plain(new.get(path, {}).get("data", {}))
        changes = _file_changes(one, other, unchanged)
        if changes:
            found[path] = changes
    return found


def _plain(document: Any) -> Any:
    """A map as it is, any other document as what its text would say."""
    if isinstance(document, list):
        document = str(document)
    if isinstance(document, str):
        try:
            return json.loads(document)
        except ValueError:
            return document
    return document


def _file_changes(old: Any, new: Any, unchanged: bool) -> dict[str, dict[str, Any]]:
    if not isinstance(old, dict) and not isinstance(new, dict):
        change = _change(old, new, unchanged)
        return {"": change} if change else {}
    before, after = _flat(old), _flat(new)
    found = {}
    for key in dict.fromkeys([*after, *before]):
        change = _change(_value(before, old, key), _value(after, new, key), unchanged)
        if change:
            found[key] = change
    return found


def _flat(document: Any, prefix: str = "") -> dict[str, Any]:
    """Dotted keys of a map, lists as text; of anything else, none."""
    found: dict[str, Any] = {}
    for key, value in document.items() if isinstance(document, dict) else ():
        if isinstance(value, dict):
            found.update(_flat(value, f"{prefix}{key}."))
        else:
            found[f"{prefix}{key}"] = str(value) if isinstance(value, list) else value
    return found


def _value(flat: Mapping[str, Any], document: Any, key: str) -> Any:
    return flat.get(key, _MIXED if document and not isinstance(document, dict) else None)


def _change(old: Any, new: Any, unchanged: bool) -> dict[str, Any]:
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new) == 1:
        return _change(old[0], new[0], unchanged)
    if old == new and not unchanged:
        return {}
    found = {"old": old, "new": new}
    if isinstance(old, (int, float)) and isinstance(new, (int, float)):
        with suppress(OverflowError):  # a whole number that no fraction can hold
            found["diff"] = new - old
    return found
