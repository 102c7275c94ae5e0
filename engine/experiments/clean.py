"""Takes messages away that DVC's queue workers left for each other and that nobody will read any more.

They lie as JSON in ``celery/broker`` below the folder where DVC keeps its runs. What goes: answers to questions that
were asked long ago, and control messages (such as "stop") that have expired or that a worker has taken. Messages of
experiments stay, whatever came of them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from assay.engine import disk
from assay.engine.project import Project

_EXPERIMENTS = "celery"
"""Where messages of experiments are sent."""
_ANSWERS = "reply.celery.pidbox"
_LARGEST = 10_000_000
"""Bytes: a larger file is no message."""


def clean(project: Project) -> int:
    """Takes them away, and returns how many there were."""
    if not project.layout.shared_runs:
        return 0
    broker = f"{project.root}/{project.layout.shared_runs}/celery/broker"
    now, _ = project.world.clock.now()
    done = 0
    for place in ("in", "processed"):
        for path, message in _messages(f"{broker}/{place}"):
            if _is_stale(message, now, is_taken=place == "processed"):
                disk.unlink(path, missing_ok=True)
                done += 1
    return done


def _messages(folder: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    with suppress(FileNotFoundError, NotADirectoryError):
        for name in sorted(os.listdir(folder)):
            path = f"{folder}/{name}"
            with suppress(OSError, ValueError, RecursionError), open(path, "rb") as file:
                message = json.loads(file.read(_LARGEST))
                if isinstance(message, dict):
                    yield path, message


def _is_stale(message: Mapping[str, Any], now: int, *, is_taken: bool) -> bool:
    """Whether nobody will read a message any more, as far as it says where it goes."""
    headers, properties = message.get("headers"), message.get("properties")
    if not isinstance(headers, dict) or not isinstance(properties, dict):
        return False
    where = properties.get("delivery_info")
    if not isinstance(where, dict) or where.get("routing_key") == _EXPERIMENTS:
        return False
    expires = headers.get("expires")
    if isinstance(expires, (int, float)) and expires <= now:
        return True
    return bool(headers.get("ticket")) if is_taken else where.get("exchange") == _ANSWERS
