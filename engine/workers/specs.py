"""What a job is to run, as plain data: the part of a `RunSpec` that is not in the job's starting state already."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from assay.engine.errors import BadInput
from assay.engine.experiments.prepare import RunSpec
from assay.engine.pipeline.choice import Choice, Manner

_MANNER = ("force", "force_downstream", "keep_going", "ignore_errors", "allow_missing", "no_run_cache")


def to_data(spec: RunSpec, choice: Choice) -> dict[str, Any]:
    """A specification as a job keeps it; overrides and a command on the line are in the state it starts from.

    Args:
        spec: What was asked for.
        choice: Which stages that means.
    """
    chosen = {key: list(value) if isinstance(value, tuple) else value for key, value in choice._asdict().items()}
    manner = {key: True for key in _MANNER if getattr(spec.manner, key)}
    return {"choice": {key: value for key, value in chosen.items() if value}, "manner": manner, "message": spec.message}


def from_data(data: Mapping[str, Any], path: str) -> RunSpec:
    """The specification that `to_data` wrote.

    Args:
        data: What a job keeps.
        path: The job's file, for the sentence.

    Raises:
        BadInput: It is not one.
    """
    try:
        chosen, manner, message = data["choice"], data["manner"], data["message"]
        targets = tuple(map(str, chosen.get("targets", ())))
        choice = Choice(**{**chosen, "targets": targets})
        if not all(type(manner[key]) is bool and key in _MANNER for key in manner):
            raise TypeError(manner)
        if not (message is None or isinstance(message, str)):
            raise TypeError(message)
        return RunSpec(choice, Manner(**manner), message=message)
    except (KeyError, TypeError, AttributeError) as error:
        raise BadInput(path, "what it is to run cannot be understood") from error
