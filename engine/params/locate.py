"""Which file an override means when it names none.

A key belongs to the tracked file of parameters that has it. Several files that have it are named, so that the user
can say which; a new key goes to ``params.yaml``, or to the only tracked file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from assay.engine.errors import UsageError
from assay.engine.model import Override
from assay.engine.params import documents, keys
from assay.engine.params.changes import applied, unknown_key

DEFAULT_FILE = "params.yaml"


def assign(overrides: Sequence[Override], files: Mapping[str, str]) -> dict[str, list[Override]]:
    """Sorts overrides by the file that they change.

    Args:
        overrides: In order; one that names a file stays with it, tracked or not.
        files: The text of every tracked file of parameters, by path.

    Returns:
        The overrides of each file, in their order.

    Raises:
        UsageError: No tracked file has the key, or several have.
        BadInput: A tracked file cannot be read.
    """
    result: dict[str, list[Override]] = {}
    data: dict[str, Any] = {}
    if any(override.file is None for override in overrides):
        data = {path: documents.parse(path, files[path]) for path in sorted(files, key=_rank)}
    for override in overrides:
        path = _file_of(override, data)
        result.setdefault(path, []).append(override)
        if path in data:
            data[path] = _with(data[path], override, path)
    return result


def _rank(path: str) -> tuple[bool, str]:
    return path != DEFAULT_FILE, path


def _file_of(override: Override, data: Mapping[str, Any]) -> str:
    if override.file is not None:
        return override.file
    holders = [path for path, content in data.items() if keys.find(content, override.key) is not None]
    if override.kind != "add" and len(holders) == 1:
        return holders[0]
    if override.kind != "add" and len(holders) > 1:
        found = " and ".join(holders)
        raise UsageError(f"The key {'.'.join(override.key)} is in {found}.", _choices(override, holders))
    if override.kind in ("set", "delete"):
        raise unknown_key(override, dict(data))
    if DEFAULT_FILE in data or not data:
        return DEFAULT_FILE
    if len(data) == 1:
        return next(iter(data))
    raise UsageError(f"-S {override.text!r} does not say to which file the key goes.", _choices(override, list(data)))


def _choices(override: Override, paths: list[str]) -> str:
    return "Name one: " + ", ".join(f"-S {path}:{override.text}" for path in paths) + "."


def _with(content: Any, override: Override, path: str) -> Any:
    """The data after an override, so that the next one can be about a key that it adds."""
    try:
        return applied(content, [override], path)
    except UsageError:
        return content  # editing the file will say it, with everything that comes before
